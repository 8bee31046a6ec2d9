"""The shared corpus: every scenario gives through Python what it gives in Rust, compared as canonical JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from belvedere.testing import scenarios

FOLDER = Path(__file__).parents[2] / "tests" / "scenarios"
FILES = sorted(FOLDER.glob("*.json"))
NAMES = [file.stem for file in FILES]


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 678


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_coroutines(file: Path) -> None:
    outcome = scenarios.run(file)
    assert not outcome.differences, "\n".join(outcome.differences)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_threads(file: Path) -> None:
    scenario = scenarios.load(file)
    if scenarios.needs_async(scenario):
        pytest.skip("one thread waits for one thing: this one is for coroutines")
    outcome = scenarios.run(scenario, client="sync")
    assert not outcome.differences, "\n".join(outcome.differences)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_single_bytes(file: Path) -> None:
    outcome = scenarios.run(file, single_bytes=True)
    assert not outcome.differences, "\n".join(outcome.differences)
