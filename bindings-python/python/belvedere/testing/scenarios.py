"""Scenarios: a configuration, what the network does, the calls, and what each must give, as data.

    from belvedere.testing import scenarios

    outcome = scenarios.run("tests/retries.json")
    assert not outcome.differences, "\\n".join(outcome.differences)

A scenario runs on a simulated machine, so that hours of it take milliseconds, and every run of it is the same. The same
files run in every language. Their form is described beside the project's own ones, in `tests/scenarios/README.md`.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from belvedere import Error
from belvedere._native import Checkpoint, Signal, Simulation
from belvedere.testing import _verbs
from belvedere.testing.simulation import run as simulate

if TYPE_CHECKING:
    from os import PathLike

    from belvedere._native import AsyncClient

ENV = {"TEST_KEY": "test-key-from-env"}
"""The environment variables that scenarios see."""

_PARTS = ("events", "end", "answer", "error", "error_text", "signals", "progress", "took")


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario."""

    actual: dict[str, Any]
    """The scenario with what really came out in place of what was expected."""
    differences: list[str]
    """What is not as expected, in words; empty when all is well."""


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """Reads a scenario file."""
    scenario: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return scenario


def run(
    scenario: Mapping[str, Any] | str | PathLike[str],
    *,
    client: Literal["async", "sync"] = "async",
    single_bytes: bool = False,
) -> Outcome:
    """Runs a scenario, or the file of one, and compares.

    `client="sync"` takes `belvedere.Client`; calls that begin together, that pause, or that are cancelled after a time
    need `AsyncClient`. With `single_bytes` each byte of the network comes in a piece of its own: nothing may change.
    """
    expected = scenario if isinstance(scenario, Mapping) else load(scenario)
    actual = copy.deepcopy(dict(expected))
    for reply in actual.get("replies", ()) if single_bytes else ():
        reply.pop("cut", None)
        reply["every"] = 1
    machine = Simulation(actual.get("replies", []), env=ENV)
    actual.update(sent=[], aborted=0)
    actual.pop("config_error", None)
    if client == "sync":
        _run_sync(machine, actual)
    else:
        simulate(machine, _run_async(machine, actual))
    # What was left is dropped when its task runs next.
    machine._step()
    actual["sent"] = [_sent(request) for request in machine.requests]
    actual["aborted"] = machine.aborted
    machine.assert_idle()
    return Outcome(actual, _compare(expected, actual))


def needs_async(scenario: Mapping[str, Any]) -> bool:
    """Whether it has calls that `belvedere.Client` can't make: one thread waits for one thing."""
    calls = scenario.get("calls", [])
    return any(
        call.get("together") or "pause" in call or "after" in call.get("cancel", {}) for call in calls
    )


def _run_sync(machine: Simulation, actual: dict[str, Any]) -> None:
    with machine:
        try:
            client = machine.client(actual["config"])
        except Error as error:
            actual["config_error"] = error.message
            return
        heard: list[dict[str, Any]] = []
        if actual.get("signals"):
            client.on("*", _to(heard))
        left: Checkpoint | None = None
        for call in actual.get("calls", ()):
            if "after" in call:
                machine.advance(call["after"])
            began = machine.now_ns
            call["expect"], left = _verbs.sync(client, call, left)
            took = machine.now_ns - began
            machine._step()  # what hooks hear comes after what happened
            _note(call, took, heard)


async def _run_async(machine: Simulation, actual: dict[str, Any]) -> None:
    try:
        client = machine.async_client(actual["config"])
    except Error as error:
        actual["config_error"] = error.message
        return
    heard: list[dict[str, Any]] = []
    if actual.get("signals"):
        client.on("*", _to(heard))
    left: Checkpoint | None = None
    for group in _groups(actual.get("calls", ())):
        for call in group:
            if "after" in call:
                await machine.sleep(call["after"])
        turns = await asyncio.gather(*(_turn(machine, client, call, left) for call in group))
        left = turns[-1]
        machine._step()
        _note(group[0], None, heard)


async def _turn(
    machine: Simulation, client: AsyncClient, call: dict[str, Any], left: Checkpoint | None
) -> Checkpoint | None:
    began = machine.now_ns
    call["expect"], left = await _verbs.asynchronous(machine, client, call, left)
    _note(call, machine.now_ns - began, [])
    return left


def _groups(calls: Any) -> list[list[dict[str, Any]]]:
    """The calls that begin together."""
    groups: list[list[dict[str, Any]]] = []
    for call in calls:
        if call.get("together") and groups:
            groups[-1].append(call)
        else:
            groups.append([call])
    return groups


def _note(call: dict[str, Any], took: int | None, heard: list[dict[str, Any]]) -> None:
    if took:
        call["expect"]["took"] = took
    if heard:
        call["expect"]["signals"] = heard[:]
        heard.clear()


def _to(heard: list[dict[str, Any]]) -> Callable[[Signal], None]:
    """A hook that keeps what it hears, but for the number of the call."""

    def hear(signal: Signal) -> None:
        found = signal.to_dict()
        found.pop("call", None)
        heard.append(found)

    return hear


def _sent(request: dict[str, Any]) -> dict[str, Any]:
    usual = ("accept", "content-type")
    headers = {name: value for name, value in request["headers"].items() if name not in usual}
    sent = {"line": f"{request['method']} {request['url']}", "headers": headers, "body": request["body"]}
    return {name: value for name, value in sent.items() if value not in (None, {})}


def _compare(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    _differ("config_error", expected.get("config_error"), actual.get("config_error"), found)
    for at, (want, got) in enumerate(zip(expected.get("calls", ()), actual.get("calls", ()), strict=True)):
        for part in _PARTS:
            wanted: Any = want.get("expect", {}).get(part)
            if part == "took" and wanted is not None:
                wanted = _verbs.nanoseconds(wanted)
            if part == "progress" and wanted is not None:
                wanted = _verbs.progress(wanted)
            _differ(f"calls[{at}].{part}", wanted, got.get("expect", {}).get(part), found)
    if expected.get("same_answers"):
        answers = [call["expect"].get("answer") for call in actual["calls"]]
        for at, answer in enumerate(answers):
            _differ(f"calls[{at}].answer, which is that of calls[0]", answers[0], answer, found)
    _differ("sent", expected.get("sent", []), actual.get("sent"), found)
    _differ("aborted", expected.get("aborted", 0), actual.get("aborted"), found)
    shown = json.dumps([[call["expect"] for call in actual.get("calls", ())], actual.get("config_error")])
    for key in ENV.values():
        if key in shown:
            found.append(f"the key shows in {shown}")
    return found


def canonical(value: Any) -> str:
    """The text that equal values have in common: keys in order, and whole numbers without a fraction."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in cast(dict[object, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast(Iterable[Any], value)]
    return value


def _differ(what: str, expected: Any, actual: Any, found: list[str]) -> None:
    expected, actual = expected or None, actual or None
    if canonical(expected) != canonical(actual):
        found.append(f"{what}\n  expected: {canonical(expected)}\n  actual:   {canonical(actual)}")
