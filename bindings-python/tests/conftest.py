"""What the tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from upstream import Upstream


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    """A provider whose connections are told. What the test before left has settled."""
    stats = shared_upstream.settle(open=0)
    assert stats["open"] == 0, "the test before left something open"
    return shared_upstream
