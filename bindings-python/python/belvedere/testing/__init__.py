"""What tests of programs stand on that use providers: no key, no network, and the same every time.

    from belvedere import Client
    from belvedere.testing import ScriptedProvider

    provider = ScriptedProvider(["Hello."])
    assert Client(provider=provider).complete("Hi").text == "Hello."

- `ScriptedProvider`: a provider that gives what a list says, in this process.
- `MockServer`: a provider on this machine, over real HTTP, in every wire: it answers, waits, refuses, breaks off.
- `Simulation` and `run`: virtual time and a scripted network, for whole programs of asyncio.
- `cassette`: a layer that records real traffic, and replays it.
- `scenarios`: calls and what they must give, as data.
- `run_benchmark`: what calls take and cost.

pytest finds fixtures for them: `belvedere_mock_server`, `belvedere_simulation`, `belvedere_cassette`.

The mock server takes steps: which requests each is for (`when`), how often (`times`), and what is done (`answer`,
`timing`, `delivery`, `fault` or `error`). The guide has them all: docs/mock-server.md.

    from belvedere.providers import OpenAI
    from belvedere.testing import MockServer

    with MockServer([{"times": 1, "error": {"status": 503}}, {"answer": {"text": "Hello."}}]) as server:
        client = Client(provider=OpenAI(model="any", base_url=server.url, api_key="any"), layers=[{"type": "retry"}])
        assert client.complete("Hi").text == "Hello."
        assert server.stats()["requests"] == 2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from belvedere._native import MockServer, Simulation

if TYPE_CHECKING:
    from belvedere.testing import scenarios
    from belvedere.testing.benchmark import Benchmark, run_benchmark
    from belvedere.testing.cassettes import cassette
    from belvedere.testing.scripted import ScriptedProvider
    from belvedere.testing.simulation import run

__all__ = [
    "Benchmark",
    "MockServer",
    "ScriptedProvider",
    "Simulation",
    "cassette",
    "run",
    "run_benchmark",
    "scenarios",
]

_HOMES = {
    "Benchmark": "benchmark",
    "ScriptedProvider": "scripted",
    "cassette": "cassettes",
    "run": "simulation",
    "run_benchmark": "benchmark",
}


def __getattr__(name: str) -> Any:
    # pytest loads this package with its fixtures: what they may never need comes later.
    if name == "scenarios":
        return import_module("belvedere.testing.scenarios")
    if name in _HOMES:
        found = getattr(import_module(f"belvedere.testing.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'belvedere.testing' has no attribute {name!r}")
