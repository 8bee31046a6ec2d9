"""The testing kit: scripted providers, simulated machines, cassettes, scenarios, benchmarks."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import belvedere
from belvedere import AsyncClient, Client
from belvedere.providers import OpenAI
from belvedere.testing import (
    MockServer,
    ScriptedProvider,
    Simulation,
    cassette,
    run,
    run_benchmark,
    scenarios,
)
from belvedere.testing.benchmark import Latency

pytest_plugins = ["pytester"]

RETRY = {"type": "retry", "attempts": 3, "backoff": "0s"}


# Scripted providers


def test_answers_come_in_order_and_requests_are_kept() -> None:
    provider = ScriptedProvider([belvedere.Overloaded("busy"), "Hello."], always="Again.")
    client = Client(provider=provider, layers=[RETRY])
    assert client.complete("Hi").text == "Hello."
    assert client.complete("Once more").text == "Again."
    assert [request["messages"][-1]["role"] for request in provider.requests] == ["user"] * 3
    assert provider.left == 0


def test_events_are_streamed_and_an_exception_among_them_breaks_the_stream() -> None:
    provider = ScriptedProvider([["one ", "two"], ["half", belvedere.Network("gone")]])
    client = Client(provider=provider)
    assert [event.delta for event in client.stream("hi") if event.delta] == ["one ", "two"]
    with pytest.raises(belvedere.Network) as broken:
        client.stream("hi").collect()
    assert broken.value.partial is not None and broken.value.partial.text == "half"


def test_a_function_of_the_request_is_an_answer_too() -> None:
    provider = ScriptedProvider(always=lambda request: request["model"])
    assert Client(provider=provider).complete("hi", model="m-1").text == "m-1"


def test_a_list_that_is_used_up_says_so() -> None:
    provider = ScriptedProvider(name="short")
    with pytest.raises(belvedere.Unexpected) as raised:
        Client(provider=provider).complete("hi")
    assert "the scripted provider 'short' has no answer left" in str(raised.value.__cause__)


def test_a_scripted_provider_is_a_target_of_a_route() -> None:
    first, second = ScriptedProvider([belvedere.Overloaded("busy")]), ScriptedProvider(["second"])
    route = {"type": "route", "targets": [{"name": "a", "provider": first}, {"name": "b", "provider": second}]}
    assert Client(layers=[route]).complete("hi").text == "second"


# The mock server keeps requests


def test_the_mock_server_tells_its_requests() -> None:
    with MockServer() as server, Client(provider=OpenAI(model="m", base_url=server.url, api_key="k")) as client:
        client.complete("Good morning")
        (request,) = server.requests
        assert (request["method"], request["url"]) == ("POST", "/chat/completions")
        assert request["body"]["messages"] == [{"role": "user", "content": "Good morning"}]
        assert request["headers"]["authorization"] == "Bearer k"


# Simulated machines


def reply(text: str, **more: Any) -> dict[str, Any]:
    body = {
        "id": "a",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    }
    return {"headers": {"content-type": "application/json"}, "body": [{"text": json.dumps(body)}], **more}


CONFIG: dict[str, Any] = {
    "provider": {"type": "openai", "model": "m", "base_url": "http://upstream.test/v1", "api_key": "any"}
}


def test_an_hour_passes_at_once() -> None:
    simulation = Simulation([reply("late", head_after="1h")])

    async def main() -> tuple[str, float]:
        began = simulation.now
        answer = await simulation.async_client(CONFIG).complete("hi")
        await asyncio.sleep(1800)
        return answer.text, simulation.now - began

    assert run(simulation, main()) == ("late", 5400.0)
    assert [request["url"] for request in simulation.requests] == ["http://upstream.test/v1/chat/completions"]
    simulation.assert_idle()


def test_timeouts_of_asyncio_see_the_same_time() -> None:
    simulation = Simulation([reply("never", head_after="never")])

    async def main() -> None:
        await asyncio.wait_for(simulation.async_client(CONFIG).complete("hi"), 60)

    with pytest.raises(asyncio.TimeoutError):
        run(simulation, main())
    assert (simulation.now, simulation.aborted) == (70.0, 1)
    simulation.assert_idle()


def test_clients_for_threads_live_in_a_with() -> None:
    simulation = Simulation([reply("", status=503), reply("well")])
    with simulation:
        client = simulation.client({**CONFIG, "layers": [{"type": "retry", "backoff": "10s"}]})
        assert client.complete("hi").text == "well"
    assert 10.0 <= simulation.now <= 20.0


def test_what_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("belvedere.testing.simulation._PATIENCE", 0.05)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="everybody waits and nobody sleeps"):
        run(Simulation(), main())


def test_one_simulation_a_thread() -> None:
    with Simulation(), pytest.raises(RuntimeError, match="runs on this thread already"), Simulation():
        pass


# Cassettes


def test_a_cassette_is_recorded_once_and_replayed_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "tapes" / "hello.json"
    with MockServer([{"answer": {"text": "Recorded."}}]) as server:
        provider = OpenAI(model="m", base_url=server.url, api_key="sk-very-secret")
        with Client(provider=provider, layers=[cassette(path)]) as client:
            assert client.complete("hi").text == "Recorded."
    assert "very-secret" not in path.read_text()
    with Client(provider=provider, layers=[cassette(path, mode="replay")]) as client:
        assert client.complete("hi").text == "Recorded."
    with Client(provider=provider, layers=[cassette(path)]) as client, pytest.raises(belvedere.Error, match="cassette"):
        client.complete("something else")


def test_fixtures_are_there_for_every_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import belvedere
        from belvedere.providers import OpenAI
        from belvedere.testing import run

        def test_mock(belvedere_mock_server, belvedere_cassette):
            provider = OpenAI(model="m", base_url=belvedere_mock_server.url, api_key="k")
            with belvedere.Client(provider=provider, layers=[belvedere_cassette]) as client:
                assert client.complete("hi").text == "You said: hi"

        def test_simulation(belvedere_simulation):
            async def main():
                await belvedere_simulation.sleep("1h")
                return belvedere_simulation.now
            assert run(belvedere_simulation, main()) == 3610.0
        """
    )
    # An installed package is loaded by its entry point; a plugin of the same name twice is refused.
    installed = metadata.entry_points(group="pytest11", name="belvedere")
    named = [] if installed else ["-p", "belvedere.testing.pytest_plugin"]
    result = pytester.runpytest_inprocess(*named)
    result.assert_outcomes(passed=2)
    assert (pytester.path / "cassettes" / "test_it" / "test_mock.json").exists()


# Scenarios


def scenario(text: str) -> dict[str, Any]:
    request = {"messages": [{"role": "user", "content": "hi"}]}
    answer = {"choices": [{"index": 0, "parts": [{"type": "text", "text": text}], "finish": {"reason": "stop", "raw": "stop"}}]}
    return {
        "about": "One question.",
        "config": {**CONFIG, "version": 1},
        "replies": [reply("Hello.", head_after="2s")],
        "calls": [
            {"verb": "complete", "request": request, "expect": {"answer": {**answer, "id": "a", "model": "m"}, "took": "2s"}}
        ],
        "sent": [
            {
                "line": "POST http://upstream.test/v1/chat/completions",
                "headers": {"authorization": "Bearer any"},
                "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
            }
        ],
    }


@pytest.mark.parametrize("client", ["async", "sync"])
def test_a_scenario_that_holds_has_no_differences(client: Any) -> None:
    assert scenarios.run(scenario("Hello."), client=client).differences == []


def test_differences_are_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_text(json.dumps(scenario("Good-bye.")))
    (difference,) = scenarios.run(path).differences
    assert difference.startswith("calls[0].answer\n  expected: ") and "Good-bye." in difference


def test_canonical_json_knows_numbers_by_value() -> None:
    assert scenarios.canonical({"b": 1.0, "a": [2, 0.5]}) == '{"a":[2,0.5],"b":1}'


# Benchmarks


def test_a_benchmark_counts_what_calls_take_and_cost() -> None:
    events = [
        "Hi",
        {"type": "part_end", "part": 0},
        {"type": "usage", "classes": {"input": 10, "output": 5}},
        {"type": "finish", "reason": "stop"},
    ]
    provider = ScriptedProvider([belvedere.Overloaded("busy")], always=lambda request: events)
    found = run_benchmark(Client(provider=provider), ["hi"] * 10, 2, stream=True)
    assert (found.calls, found.failed, found.errors) == (10, 1, {"overloaded": 1})
    assert (found.input_tokens, found.output_tokens, found.attempts, found.cached) == (90, 45, 9, 0)
    assert found.latency.p50 is not None and found.first_event.max is not None
    assert found.cost is None, "nobody knows what a script costs"
    assert "10 calls in" in str(found) and "cost unknown" in str(found)


async def test_a_benchmark_of_coroutines_knows_prices() -> None:
    with MockServer([{"answer": {"text": "Hello."}}]) as server:
        provider = OpenAI(model="gpt-4o-mini", base_url=server.url, api_key="any")
        async with AsyncClient(provider=provider) as client:
            found = await run_benchmark(client, ["hi"] * 6, 3)
    assert (found.calls, found.failed) == (6, 0)
    assert found.cost is not None and found.cost > Decimal(0)


def test_figures_of_times() -> None:
    figures = Latency.of(float(number) for number in range(1, 101))
    assert (figures.p50, figures.p90, figures.p99, figures.max) == (51.0, 91.0, 100.0, 100.0)
    assert Latency.of([]) == Latency()
