"""Cassettes: real traffic, recorded once and replayed without a network.

    from belvedere.testing import cassette

    client = belvedere.Client(provider=..., layers=[cassette("tests/weather.json")])

The file is recorded when it is not there, and replayed when it is. No key gets into it; docs/cassettes.md says more. In
tests of pytest, the fixture `belvedere_cassette` gives each test its own file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

Mode = Literal["auto", "record", "replay"]


def cassette(
    path: str | PathLike[str],
    *,
    mode: Mode = "auto",
    matching: Mapping[str, Any] | None = None,
    scrub: Mapping[str, Any] | None = None,
    pace: Literal["instant", "recorded"] = "instant",
) -> dict[str, Any]:
    """The layer that records to a file or replays it. Its place among the layers does not matter.

    `auto` replays when the file is there and records when it is not. `matching` says how requests are compared
    (`body`, `headers`, `ignore`, `in_order`, `repeat`), `scrub` what is taken out beside credentials (`headers`,
    `fields`, `texts`).
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    layer: dict[str, Any] = {"type": "cassette", "path": str(path), "mode": mode, "pace": pace}
    if matching is not None:
        layer["matching"] = dict(matching)
    if scrub is not None:
        layer["scrub"] = dict(scrub)
    return layer


def exchanges(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """The exchanges of a cassette file, as they stand there."""
    found: list[dict[str, Any]] = json.loads(Path(path).read_text(encoding="utf-8"))["exchanges"]
    return found
