"""Fixtures for pytest: a mock server, a simulated machine, a cassette for each test.

Installed with the package, they are there in every test. What they need is loaded when one is asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from belvedere._native import MockServer, Simulation


def pytest_addoption(parser: pytest.Parser) -> None:
    """Says what cassettes do."""
    parser.getgroup("belvedere").addoption(
        "--belvedere-cassettes",
        choices=("auto", "record", "replay"),
        default="auto",
        help="record: write cassettes anew; replay: never ask a provider; auto: record what is not there (default)",
    )


@pytest.fixture
def belvedere_mock_server() -> Iterator[MockServer]:
    """A provider on this machine; it says what was said to it, until `play` gives it a script."""
    from belvedere.testing import MockServer

    with MockServer() as server:
        yield server


@pytest.fixture
def belvedere_simulation() -> Simulation:
    """A simulated machine; `belvedere.testing.run(simulation, coroutine)` runs on it."""
    from belvedere.testing import Simulation

    return Simulation()


@pytest.fixture
def belvedere_cassette(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A layer that records the test's traffic to `cassettes/<module>/<test>.json` beside it, and replays that."""
    from belvedere.testing.cassettes import cassette

    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    path = request.path.parent / "cassettes" / request.path.stem / f"{name}.json"
    mode: Any = request.config.getoption("--belvedere-cassettes")
    return cassette(path, mode=mode)
