"""Clients: calls, answers, options, errors, and what is told of them."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import belvedere
from upstream import Upstream


def client(upstream: Upstream, model: str = "quick", **sections: Any) -> belvedere.Client:
    return belvedere.Client(provider=upstream.provider(model), **sections)


def async_client(upstream: Upstream, model: str = "quick", **sections: Any) -> belvedere.AsyncClient:
    return belvedere.AsyncClient(provider=upstream.provider(model), **sections)


@dataclass
class Said:
    role: str
    content: str
    name: str | None = None


class Dumped:
    def model_dump(self, **_: object) -> dict[str, str]:
        return {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    "asked",
    [
        "hi",
        [{"role": "user", "content": "hi"}],
        ({"role": "user", "content": "hi"},),
        {"role": "user", "content": "hi"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "temperature": 0.5},
        [Said("user", "hi")],
        [Dumped()],
    ],
)
def test_what_people_have_is_a_request(upstream: Upstream, asked: Any) -> None:
    answer = client(upstream).complete(asked)
    assert answer.text == "Hello from upstream."
    assert (answer.id, answer.model, answer.finish_reason) == ("1", "m", "stop")


def test_an_answer_tells_all_of_itself(upstream: Upstream) -> None:
    answer = client(upstream).complete("hi", model="gpt-4o-mini")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 4, 7)
    assert answer.cost == Decimal("0.00000285"), "3 * 0.15 + 4 * 0.6 dollars a million"
    assert not answer.cached and answer.tool_calls == [] and answer.reasoning is None
    (attempt,) = answer.attempts
    assert (attempt.provider, attempt.model, attempt.end, attempt.status) == ("openai", "gpt-4o-mini", "finished", 200)
    assert answer.raw == answer.to_dict()
    assert answer.to_dict()["choices"][0]["parts"] == [{"type": "text", "text": "Hello from upstream."}]
    openai = answer.to_openai()
    assert openai["object"] == "chat.completion"
    assert openai["choices"][0]["message"]["content"] == "Hello from upstream."
    assert openai["usage"]["total_tokens"] == 7
    assert answer.message == {"role": "assistant", "content": [{"type": "text", "text": "Hello from upstream."}]}
    assert str(answer) == answer.text
    assert repr(answer) == "Answer(text='Hello from upstream.', finish_reason='stop', model='m')"
    for same in (pickle.loads(pickle.dumps(answer)), copy.copy(answer), copy.deepcopy(answer)):
        assert same == answer and same.attempts == answer.attempts and same.cost == answer.cost


def test_tool_calls_have_arguments() -> None:
    call = {"type": "tool_call", "id": "c1", "name": "look", "input": '{"at": "Ulm"}'}
    answer = belvedere.Answer({"choices": [{"parts": [call], "finish": {"reason": "tool_calls"}}]})
    (found,) = answer.tool_calls
    assert (found.id, found.name, found.arguments) == ("c1", "look", {"at": "Ulm"})
    assert answer.to_openai()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"at": "Ulm"}'


def test_unknown_arguments_are_named(upstream: Upstream) -> None:
    with pytest.raises(TypeError, match="temprature"):
        client(upstream).complete("hi", temprature=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="providr"):
        belvedere.Client(providr={})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="a request is"):
        client(upstream).complete(7)  # type: ignore[arg-type]


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"temperature": "sk-secret"}, "temperature: must be a float, is a str"),
        ({"max_tokens": -1}, "max_tokens: must be an int, not negative, and this is none"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "usr"}]}, r"messages\[1\]: .*unknown role"),
        ({"messages": [{"role": "user", "content": object()}]}, r"an object of the type `object` is not understood"),
        ({"messages": endless()}, "nested more than 128 deep"),
        ({"scope": {"tenent": "sk-secret"}}, "scope.tenent: .*known: tenant"),
        ({"timeout": -1}, "timeout must be a time"),
        ({"timeout": "soon"}, "timeout must be a duration with units"),
        ({"reasoning": {"effort": "sk-secret"}}, "reasoning.effort: must be one of none, minimal"),
        ({"extra_body": {"tools": [{"name": 1}]}}, r"tools\[0\]: "),
    ],
)
def test_faults_have_a_path_and_quote_nothing(upstream: Upstream, fields: dict[str, Any], fault: str) -> None:
    asked = None if "messages" in fields else "hi"
    with pytest.raises(belvedere.InvalidRequest, match=fault) as raised:
        client(upstream).complete(asked, **fields)
    assert "sk-secret" not in str(raised.value)


def test_all_faults_of_a_configuration_are_told() -> None:
    with pytest.raises(belvedere.ConfigInvalid) as raised:
        belvedere.Client(provider={"type": "openai", "modl": "m"}, layers=[{"type": "retry", "attempts": 0}])
    assert "provider.modl: unknown field" in str(raised.value)
    assert "layers[0]" in str(raised.value)


def test_a_client_is_made_from_a_file(upstream: Upstream, tmp_path: Path) -> None:
    path = tmp_path / "belvedere.yaml"
    path.write_text(f"provider: {{ type: openai, model: quick, api_key: any, base_url: '{upstream.url}' }}")
    assert belvedere.Client.from_file(path).complete("hi").text == "Hello from upstream."
    with pytest.raises(belvedere.ConfigInvalid) as raised:
        belvedere.AsyncClient.from_file(tmp_path / "absent.yaml")
    assert raised.value.context["file"].endswith("absent.yaml")


def test_a_reload_holds_for_the_next_call(upstream: Upstream) -> None:
    made = client(upstream)
    assert (made.generation, made.model, made.provider) == (1, "quick", "openai")
    assert made.reload(provider=upstream.provider("other")) == 2
    assert (made.generation, made.model) == (2, "other")
    with pytest.raises(belvedere.ConfigInvalid):
        made.reload({"provider": {"type": "nowhere"}})
    assert made.generation == 2


def test_an_error_says_what_the_provider_said(upstream: Upstream) -> None:
    with pytest.raises(belvedere.RateLimited) as raised:
        client(upstream, "error-429").complete("hi")
    error = raised.value
    assert (error.kind, error.category, error.status) == ("rate_limited", "rate_limit", "temporary")
    assert (error.http_status, error.attempts, error.provider, error.model) == (429, 1, "openai", "error-429")
    assert error.reported["type"] == "as_asked"
    assert error.to_dict()["provider"]["message"] == "as asked"
    same = pickle.loads(pickle.dumps(error))
    assert type(same) is belvedere.RateLimited and same == error


@pytest.mark.parametrize("timeout", [0.05, "50ms", timedelta(milliseconds=50)])
def test_a_timeout_is_seconds_or_a_text_or_a_timedelta(upstream: Upstream, timeout: Any) -> None:
    with pytest.raises(belvedere.Timeout) as raised:
        client(upstream, "hang").complete("hi", timeout=timeout)
    assert raised.value.phase == "total" and isinstance(raised.value, TimeoutError)
    assert "timeout of 50ms" in str(raised.value)


def test_budgets_are_told_by_scope(upstream: Upstream) -> None:
    budget = {"type": "budget", "per": ["tenant"], "limit": {"tokens": 1000, "every": "1d"}}
    made = client(upstream, layers=[budget])
    made.complete("hi", max_tokens=10, scope={"tenant": "acme"})
    (acme,) = made.budgets(scope={"tenant": "acme"})
    assert (acme.name, acme.unit, acme.limit, acme.settled, acme.open, acme.left) == (
        "budget/tokens/1day", "tokens", 1000, 7, 0, 993,
    )
    (other,) = made.budgets(scope={"tenant": "other"})
    assert other.settled == 0
    with pytest.raises(belvedere.BudgetExceeded):
        made.complete("hi", max_tokens=994, scope={"tenant": "acme"})


def test_health_tells_of_circuits_inside_a_route_too(upstream: Upstream) -> None:
    breaker = {"type": "breaker", "failures": 1}
    target = {"provider": upstream.provider("error-500"), "layers": [breaker]}
    made = belvedere.Client(layers=[{"type": "route", "targets": [target]}])
    with pytest.raises(belvedere.Overloaded):
        made.complete("hi")
    circuits = made.health()
    assert [circuit.state for circuit in circuits] == ["open", "closed"] or "open" in {c.state for c in circuits}
    assert all(circuit.provider == "openai" for circuit in circuits)


def test_tokens_are_counted_and_costs_estimated(upstream: Upstream) -> None:
    made = client(upstream, "gpt-4o-mini")
    assert made.count_tokens("tiktoken is great!", model="gpt-4") == 6 + 3 + 3
    estimate = made.estimate_cost("tiktoken is great!", max_tokens=100)
    assert estimate.input_tokens == 12
    assert estimate.low is not None and estimate.high is not None and estimate.low < estimate.high
    unknown = made.estimate_cost("hi", model="nobody-knows")
    assert (unknown.low, unknown.high) == (None, None)


def test_a_closed_client_takes_no_calls(upstream: Upstream) -> None:
    with client(upstream) as made:
        assert made.complete("hi").text and not made.closed
    assert made.closed
    with pytest.raises(belvedere.Cancelled, match="closed"):
        made.complete("hi")
    assert client(upstream).close(timeout=0) == 0


async def test_calls_at_once(upstream: Upstream) -> None:
    made = async_client(upstream)
    answers = await asyncio.gather(*(made.complete(f"{n}") for n in range(300)))
    assert {answer.text for answer in answers} == {"Hello from upstream."}
    assert upstream.settle(open=0)["open"] == 0


async def test_an_async_client_closes_its_calls(upstream: Upstream) -> None:
    made = async_client(upstream, "hang")
    call = asyncio.create_task(made.complete("hi"))
    while not upstream.stats()["open"]:
        await asyncio.sleep(0.005)
    assert await made.close(timeout="10ms") == 1
    with pytest.raises(belvedere.Cancelled):
        await call
    assert upstream.settle(open=0)["open"] == 0
    async with async_client(upstream) as other:
        assert (await other.complete("hi")).text
    assert other.closed


async def test_a_call_is_awaited_once_and_begins_with_it(upstream: Upstream) -> None:
    made = async_client(upstream)
    before = upstream.stats()["requests"]
    call = made.complete("hi")
    assert repr(call) == "<belvedere call, not awaited yet>"
    await asyncio.sleep(0.02)
    assert upstream.stats()["requests"] == before
    await call
    with pytest.raises(RuntimeError, match="already awaited"):
        await call
    with pytest.warns(RuntimeWarning, match="never awaited"):
        made.complete("hi")


async def test_calls_are_coroutines_for_everybody(upstream: Upstream) -> None:
    made = async_client(upstream)
    call = made.complete("hi")
    assert asyncio.iscoroutine(call)
    call.close()
    assert (await asyncio.wait_for(made.complete("hi"), 5)).text
    assert (await asyncio.shield(made.complete("hi"))).text
    assert (await asyncio.create_task(made.complete("hi"), name="named")).text


async def test_context_variables_stay_with_their_task(upstream: Upstream) -> None:
    import contextvars

    who: contextvars.ContextVar[int] = contextvars.ContextVar("who")
    made = async_client(upstream)

    async def one(number: int) -> bool:
        who.set(number)
        await made.complete("hi")
        return who.get() == number

    assert all(await asyncio.gather(*(one(number) for number in range(20))))


async def test_what_a_task_raises_stays_its_own(upstream: Upstream) -> None:
    made = async_client(upstream)

    async def broken() -> None:
        await made.complete("hi")
        raise ValueError("mine")

    found = await asyncio.gather(broken(), made.complete("hi"), broken(), return_exceptions=True)
    assert [type(each).__name__ for each in found] == ["ValueError", "Answer", "ValueError"]


async def test_embeddings_and_models_fail_as_calls_do(upstream: Upstream) -> None:
    made = async_client(upstream, "error-401")
    for call in (made.embed(["a", "b"]), made.embed("a")):
        with pytest.raises(belvedere.Unauthorized):
            await call


def test_a_loop_that_cant_watch_a_file_is_named(upstream: Upstream) -> None:
    call = async_client(upstream).complete("hi")
    with pytest.raises(RuntimeError, match="no running event loop"):
        call.send(None)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_runs_it_on_both(upstream: Upstream, backend: str) -> None:
    import anyio

    made = async_client(upstream)
    texts: list[str] = []

    async def one() -> None:
        texts.append((await made.complete("hi")).text)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(one)
        async with made.stream("hi") as stream:
            texts.extend([event.delta async for event in stream if event.delta])
        hanging = async_client(upstream, "hang")
        with anyio.move_on_after(0.02) as scope:
            await hanging.complete("hi")
        assert scope.cancelled_caught

    anyio.run(main, backend=backend)
    assert texts == ["Hello from upstream."] * 20 + ["t0 ", "t1 ", "t2 "]
    assert upstream.settle(open=0)["open"] == 0


def test_a_loop_that_cant_watch_a_descriptor_is_called(upstream: Upstream) -> None:
    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    async def main() -> None:
        made = async_client(upstream)
        assert len(await asyncio.gather(*(made.complete("hi") for _ in range(50)))) == 50
        assert [event.type async for event in made.stream("hi")][-1] == "finish"

    loop = Proactor()
    loop.run_until_complete(main())
    left = loop.create_task(async_client(upstream, "paced-3").complete("hi"))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert upstream.settle(open=0)["open"] == 0
    del left


def test_uvloop_runs_it(upstream: Upstream) -> None:
    uvloop = pytest.importorskip("uvloop")
    made = async_client(upstream)

    async def main() -> int:
        return len(await asyncio.gather(*(made.complete("hi") for _ in range(50))))

    run: Callable[..., int] = uvloop.run
    assert run(main()) == 50


def test_threads_share_a_client(upstream: Upstream) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = client(upstream)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: made.complete("hi").text, range(64)))
    assert texts == ["Hello from upstream."] * 64
