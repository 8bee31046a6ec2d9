"""What an installed package gives to the tests of a program: its fixtures, with nothing else in the folder.

The step `wheel` of `cargo xtask test` copies this into an empty folder.
"""

from __future__ import annotations

from typing import Any

import belvedere
from belvedere.testing import MockServer, Simulation, run


def provider(server: MockServer) -> dict[str, Any]:
    return {"type": "openai", "model": "m", "base_url": server.url, "api_key": "any"}


def test_a_mock_server(belvedere_mock_server: MockServer) -> None:
    assert belvedere.Client(provider=provider(belvedere_mock_server)).complete("hi").text == "You said: hi"


def test_a_simulation(belvedere_simulation: Simulation) -> None:
    async def main() -> float:
        await belvedere_simulation.sleep("1h")
        return belvedere_simulation.now

    assert run(belvedere_simulation, main()) == 3610


def test_a_cassette(belvedere_cassette: dict[str, Any], belvedere_mock_server: MockServer) -> None:
    client = belvedere.Client(provider=provider(belvedere_mock_server), layers=[belvedere_cassette])
    assert client.complete("hi").text == "You said: hi"
