"""What tests stand on: a scripted provider, an hour of virtual time, and a benchmark.

    python examples/python/testing.py
"""

from __future__ import annotations

import json

import belvedere
from belvedere import Client
from belvedere.layers import Retry
from belvedere.testing import MockServer, ScriptedProvider, Simulation, run, run_benchmark


def scripted() -> None:
    provider = ScriptedProvider([belvedere.Overloaded("busy"), "Hello."])
    answer = Client(provider=provider, layers=[Retry(backoff="0s")]).complete("Hi")
    print(f"scripted: {answer.text!r} after {len(provider.requests)} requests")
    assert (answer.text, len(provider.requests)) == ("Hello.", 2)


def simulated() -> None:
    message = {"role": "assistant", "content": "At last."}
    body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    simulation = Simulation([{"status": 503}, {"head_after": "1h", "body": [{"text": json.dumps(body)}]}])
    provider = {"type": "openai", "model": "m", "base_url": "http://upstream.test/v1", "api_key": "any"}

    async def main() -> str:
        client = simulation.async_client(provider=provider, layers=[Retry(backoff="1m")])
        return (await client.complete("Hi")).text

    began = simulation.now
    text = run(simulation, main())
    print(f"simulated: {text!r} after {simulation.now - began:.0f} s that took no time")
    assert text == "At last." and simulation.now - began >= 3600
    simulation.assert_idle()


def measured() -> None:
    with MockServer([{"answer": {"text": "Hello."}}]) as server:
        provider = {"type": "openai", "model": "gpt-4o-mini", "base_url": server.url, "api_key": "any"}
        with Client(provider=provider) as client:
            found = run_benchmark(client, ["Say hello."] * 50, concurrency=4)
    print(found)
    assert (found.calls, found.failed) == (50, 0)


if __name__ == "__main__":
    scripted()
    simulated()
    measured()
