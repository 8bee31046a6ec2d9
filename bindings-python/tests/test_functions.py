"""Functions as arguments of a client: counters of tokens, and hooks; and clients that share a pipeline."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import belvedere
from belvedere import AsyncClient, Client
from belvedere.testing import MockServer, ScriptedProvider

RETRY = {"type": "retry", "attempts": 2, "backoff": "0s"}
BUDGET = {"type": "budget", "limit": {"tokens": 1000, "every": "1d"}, "abandoned": "drain"}
AROUND = 3 + 3
"""What a request of one message has around its text."""

echo = belvedere.provider(lambda request: "well", name="echo-of-functions", model="m")


def hundred(text: str) -> int:
    return 100


async def later(text: str) -> int:
    await asyncio.sleep(0)
    return 100


# Counters


def refused_at(client: Client, max_tokens: int) -> bool:
    """Whether a budget has no room for so many tokens beside those of the request."""
    try:
        client.complete("hi", max_tokens=max_tokens)
    except belvedere.BudgetExceeded:
        return True
    return False


@pytest.mark.parametrize("counter", [hundred, later, belvedere.counter(hundred), belvedere.counter(later)])
def test_a_budget_goes_by_the_function(counter: Any) -> None:
    room = 1000 - 100 - AROUND
    assert refused_at(Client(provider=echo, layers=[BUDGET], counter=counter), room + 1)
    assert not refused_at(Client(provider=echo, layers=[BUDGET], counter=counter), room)
    assert not refused_at(Client(provider=echo, layers=[BUDGET]), room + 1)


def test_a_limit_goes_by_the_function() -> None:
    limit = {"type": "limit", "tokens": "200/h", "output": 10, "wait": "0s"}
    client = Client(provider=echo, layers=[limit], counter=hundred)
    client.complete("hi")
    with pytest.raises(belvedere.RateLimited):
        client.complete("hi")


def test_a_counter_is_a_layer_that_documents_name() -> None:
    seen: list[str] = []

    @belvedere.counter(name="counts-for-a-document")
    def counts(text: str) -> int:
        seen.append(text)
        return 1000

    assert counts.to_dict() == {"type": "host", "name": "counts-for-a-document"}
    assert repr(counts) == "<belvedere counter counts-for-a-document>"
    for layers in ([counts, BUDGET], [{"type": "host", "name": "counts-for-a-document"}, BUDGET]):
        with pytest.raises(belvedere.BudgetExceeded):
            Client(provider=echo, layers=layers).complete("hello")
    assert seen == ["hello", "hello"]


def test_all_texts_of_a_request_are_counted_and_lists_of_models_are_not() -> None:
    seen: list[str] = []

    def counts(text: str) -> int:
        seen.append(text)
        return 1

    client = Client(provider=ScriptedProvider(["well"], always="well"), counter=counts)
    client.complete([{"role": "system", "content": "be brief"}, {"role": "user", "name": "ann", "content": "hi"}])
    assert sorted(seen) == ["ann", "be brief", "hi"]
    seen.clear()
    client.models()
    assert seen == []


async def test_a_counter_runs_in_the_context_of_the_call() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[tuple[str, bool]] = []
    here = threading.get_ident()

    async def counts(text: str) -> int:
        seen.append((who.get(), threading.get_ident() == here))
        return 1

    def plainly(text: str) -> int:
        seen.append((who.get(), threading.get_ident() == here))
        return 1

    who.set("me")
    for function in (counts, plainly):
        await AsyncClient(provider=echo, counter=function).complete("hi")
    assert seen == [("me", True), ("me", False)]


@pytest.mark.parametrize(
    ("given", "raised", "says"),
    [("many", TypeError, "gave str"), (-1, ValueError, "gave -1"), (None, TypeError, "gave NoneType")],
)
def test_what_is_no_count_is_told(given: Any, raised: Any, says: str) -> None:
    with pytest.raises(belvedere.Unexpected) as caught:
        Client(provider=echo, counter=lambda text: given).complete("hi")
    assert isinstance(caught.value.__cause__, raised) and says in str(caught.value.__cause__)


async def test_an_error_of_ours_keeps_its_kind() -> None:
    async def counts(text: str) -> int:
        raise belvedere.InvalidRequest("too odd to count")

    with pytest.raises(belvedere.InvalidRequest, match="too odd to count"):
        await AsyncClient(provider=echo, counter=counts).complete("hi")


async def test_to_cancel_the_call_cancels_the_counter() -> None:
    left = asyncio.Event()
    begun = asyncio.Event()

    async def counts(text: str) -> int:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            left.set()
        return 1

    task = asyncio.create_task(asyncio.wait_for(AsyncClient(provider=echo, counter=counts).complete("hi"), None))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(left.wait(), 10)


def test_the_clients_own_count_goes_by_its_function() -> None:
    client = Client(provider=echo, counter=hundred)
    assert client.count_tokens("hi") == 100 + AROUND
    assert client.estimate_cost("hi").input_tokens == 100 + AROUND
    assert client.count_tokens("hi", counter=len) == 2 + AROUND
    shipped = Client(provider=echo).count_tokens("hi")
    assert Client(provider=echo, counter=later).count_tokens("hi") == shipped, "a coroutine can't be waited for here"


def test_a_counter_is_a_part_of_the_configuration() -> None:
    client = Client(provider=echo, layers=[BUDGET], counter=hundred)
    client.reload(provider=echo, layers=[BUDGET])
    assert client.count_tokens("hi") < 100
    client.reload(provider=echo, layers=[BUDGET], counter=lambda text: 5000)
    with pytest.raises(belvedere.BudgetExceeded):
        client.complete("hi")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_of_a_fork_counts_too() -> None:
    client = Client(provider=echo, layers=[BUDGET], counter=lambda text: 5000)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            client.complete("hi")
        except belvedere.BudgetExceeded:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


# Hooks as arguments


def failing_once() -> ScriptedProvider:
    return ScriptedProvider([belvedere.Overloaded("busy")], always="Hello.")


def test_hooks_are_arguments_for_each_kind_and_for_all() -> None:
    retries: list[Any] = []
    everything: list[Any] = []
    with Client(
        provider=failing_once(),
        layers=[RETRY],
        on_retry=retries.append,
        on_any=everything.append,
        on_error=None,
    ) as client:
        client.complete("hi")
    assert [signal.kind for signal in retries] == ["retry"]
    assert [signal.kind for signal in everything] == ["retry"]


async def test_coroutine_functions_are_hooks_too() -> None:
    heard = asyncio.Event()

    async def hear(signal: belvedere.Signal) -> None:
        heard.set()

    async with AsyncClient(provider=failing_once(), layers=[RETRY], on_retry=hear) as client:
        await client.complete("hi")
        await asyncio.wait_for(heard.wait(), 10)


def test_clients_from_a_file_take_functions(tmp_path: Path) -> None:
    heard: list[Any] = []
    path = tmp_path / "belvedere.yaml"
    path.write_text("provider: {type: host, name: echo-of-functions}\nlayers: [{type: budget, limit: {tokens: 10, every: 1d}}]")
    with Client.from_file(path, on_quota=heard.append, counter=hundred) as client:
        with pytest.raises(belvedere.BudgetExceeded):
            client.complete("hi")
    assert [signal.refused for signal in heard] == [True]
    with pytest.raises(TypeError, match="'provider'; known: counter, on_any, on_error"):
        Client.from_file(path, provider=echo)  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_unknown_names_are_told_with_what_is_allowed(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"'on_retries'; known: version, .*counter, on_any, on_error, on_retry,"):
        kind(provider=echo, on_retries=print)
    with pytest.raises(TypeError, match="on_retry: a function is expected, not int"):
        kind(provider=echo, on_retry=7)
    with pytest.raises(TypeError, match="hooks stay when a client is reloaded"):
        kind(provider=echo).reload(provider=echo, on_retry=print)
    with pytest.raises(TypeError, match="a function is expected"):
        kind(provider=echo, counter=7)


def test_a_kind_of_signals_that_there_is_not_is_told() -> None:
    client = Client(provider=echo)
    for arguments in (("retries",), ("retries", print)):
        with pytest.raises(ValueError, match=r"no signals `retries`; known: \* \(all\), error, retry, .*reload_failed"):
            client.on(*arguments)  # type: ignore[call-overload]


# Two faces of one client


async def test_two_faces_share_a_pipeline() -> None:
    heard: list[str] = []
    sync = Client(provider=echo, layers=[BUDGET], on_quota=lambda signal: heard.append(signal.key))
    other = sync.to_async()
    assert isinstance(other, AsyncClient)
    await other.complete("hi", max_tokens=10)
    (there,) = await other.budgets()
    (here,) = await asyncio.to_thread(sync.budgets)
    assert here == there and here.settled > 0
    with pytest.raises(belvedere.BudgetExceeded):
        await other.complete("hi", max_tokens=5000)
    assert await asyncio.to_thread(other.to_sync().close) == 0
    assert heard == [""] or len(heard) == 1
    assert sync.closed and other.closed


async def test_two_faces_share_circuits_and_generations() -> None:
    breaker = {"type": "breaker", "failures": 1}
    provider = ScriptedProvider([belvedere.Overloaded("down")], always="Hello.")
    client = AsyncClient(provider=provider, layers=[breaker])
    sync = client.to_sync()
    assert isinstance(sync, Client)
    with pytest.raises(belvedere.Overloaded):
        await client.complete("hi")
    with pytest.raises(belvedere.CircuitOpen):
        await asyncio.to_thread(sync.complete, "hi")
    states = [circuit.state for circuit in sync.health()]
    assert "open" in states and states == [circuit.state for circuit in client.health()]
    assert client.reload(provider=echo) == 2 == sync.generation
    assert (await asyncio.to_thread(sync.complete, "hi")).text == "well"


async def test_a_face_outlives_the_one_it_was_made_from() -> None:
    other = Client(provider=echo).to_async()
    assert (await other.complete("hi")).text == "well"


async def test_a_stream_of_one_face_is_attached_to_by_the_other() -> None:
    with MockServer() as server:
        provider = {"type": "openai", "model": "m", "base_url": server.url, "api_key": "any"}
        async with AsyncClient(provider=provider) as client:
            answer = await client.stream("hi", stream_id="shared").collect()
            again = await asyncio.to_thread(lambda: client.to_sync().attach("shared").collect())
    assert again.text == answer.text
