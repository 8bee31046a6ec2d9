"""The calls of a scenario, through the clients of Python."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from belvedere import Error
from belvedere._native import Checkpoint

if TYPE_CHECKING:
    from belvedere._native import AsyncClient, AsyncStream, Client, Simulation, Stream

_MINUTE = 60 * 10**9
_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": _MINUTE, "h": 60 * _MINUTE, "day": 1440 * _MINUTE}
_OPTIONS = ("timeout", "scope", "headers", "idempotency_key", "raw", "unsupported", "attempts")
_EMBED = (*_OPTIONS, "model", "dimensions", "user")

_Left = tuple[dict[str, Any], "Checkpoint | None"]


def nanoseconds(text: str) -> int:
    """A time with its units, such as `1m30s`, in nanoseconds."""
    parts: list[tuple[str, str]] = re.findall(r"([0-9.]+)([a-z]+)", text)
    return round(sum(float(number) * _UNITS[unit.removesuffix("s") if unit.startswith("day") else unit] for number, unit in parts))


def progress(expected: dict[str, Any]) -> dict[str, Any]:
    """A progress in its JSON form, as `belvedere.results.Progress` has it: times in seconds, the end as the state."""
    found = dict(expected)
    for name in ("elapsed", "paused", "first_event", "longest_gap"):
        if isinstance(found.get(name), str):
            found[name] = nanoseconds(found[name]) / 10**9
    state = found.get("state")
    found["state"] = state["ended"] if isinstance(state, dict) else state
    return found


def sync(client: Client, call: dict[str, Any], left: Checkpoint | None) -> _Left:
    """Performs a call, and says what came of it, and what is left of its stream."""
    request, verb = _request(call), call["verb"]
    try:
        if verb in ("stream", "resume", "attach"):
            return _read(_opened(client, call, left), call)
        if verb == "reload":
            return {"answer": client.reload(request)}, None
        if verb == "collect":
            answer = client.stream(request).collect()
        elif verb == "embed":
            answer = client.embed(request["input"], **_embed(request))
        elif verb == "models":
            answer = client.models(**_options(request))
        else:
            answer = client.complete(request)
    except Error as error:
        return _failed(error), None
    return {"answer": answer.to_dict()}, None


async def asynchronous(
    machine: Simulation, client: AsyncClient, call: dict[str, Any], left: Checkpoint | None
) -> _Left:
    """The same for coroutines; what is cancelled after a time or paused is so, too."""
    request, verb = _request(call), call["verb"]
    try:
        if verb in ("stream", "resume", "attach"):
            return await _read_async(machine, _opened(client, call, left), call)
        if verb == "reload":
            return {"answer": client.reload(request)}, None
        if verb == "collect":
            asked = client.stream(request).collect()
        elif verb == "embed":
            asked = client.embed(request["input"], **_embed(request))
        elif verb == "models":
            asked = client.models(**_options(request))
        else:
            asked = client.complete(request)
        answer = await _until(machine, asked, call.get("cancel", {}).get("after"))
    except Error as error:
        return _failed(error), None
    return ({"end": "cancelled"} if answer is None else {"answer": answer.to_dict()}), None


async def _until(machine: Simulation, asked: Any, after: str | None) -> Any:
    """What is asked for; None when it was cancelled first."""
    if after is None:
        return await asked
    task, timer = asyncio.ensure_future(asked), asyncio.ensure_future(machine.sleep(after))
    await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        timer.cancel()
        return task.result()
    task.cancel()
    await asyncio.wait({task})
    return None


def _opened(client: Any, call: dict[str, Any], left: Checkpoint | None) -> Any:
    verb = call["verb"]
    if verb == "stream":
        return client.stream(_request(call))
    if verb == "resume":
        return client.resume(Checkpoint.from_json(left.to_json() if left else ""))
    attach = call.get("attach", {})
    return client.attach(attach.get("id", ""), attach.get("offset", 0), scope=attach.get("scope"))


def _read(stream: Stream, call: dict[str, Any]) -> _Left:
    expect: dict[str, Any] = {"events": []}
    events: list[Any] = expect["events"]
    try:
        for event in stream:
            events.append(event.to_dict())
            if _is_cancelled(call, events):
                stream.cancel()
            if len(events) >= call.get("leave", len(events) + 1):
                return expect, None
    except Error as error:
        expect |= _failed(error)
        if call["verb"] == "attach":
            # Who reads what another one opened has an end of it, but no answer of its own.
            expect["error"].pop("partial", None)
        if stream.metrics().progress.state == "waiting" and not events:
            return expect, None
    return _ended(stream, call, expect)


async def _read_async(machine: Simulation, stream: AsyncStream, call: dict[str, Any]) -> _Left:
    expect: dict[str, Any] = {"events": []}
    events: list[Any] = expect["events"]
    later: list[asyncio.Future[None]] = []
    if after := call.get("cancel", {}).get("after"):
        later.append(asyncio.ensure_future(_then(machine, after, stream.cancel)))
    pause = call.get("pause")
    try:
        await stream.__aenter__()
        while True:
            if pause and len(events) >= pause["after_events"]:
                stream.pause()
                later.append(asyncio.ensure_future(_then(machine, pause["for"], stream.resume)))
                pause = None
            try:
                event = await stream.__anext__()
            except StopAsyncIteration:
                break
            events.append(event.to_dict())
            if _is_cancelled(call, events):
                stream.cancel()
            if len(events) >= call.get("leave", len(events) + 1):
                return expect, None
    except Error as error:
        expect |= _failed(error)
        if call["verb"] == "attach":
            # Who reads what another one opened has an end of it, but no answer of its own.
            expect["error"].pop("partial", None)
        if stream.metrics().progress.state == "waiting" and not events:
            return expect, None
    finally:
        for task in later:
            task.cancel()
    return _ended(stream, call, expect)


async def _then(machine: Simulation, after: str, act: Any) -> None:
    await machine.sleep(after)
    act()


def _is_cancelled(call: dict[str, Any], events: list[Any]) -> bool:
    wanted = call.get("cancel", {}).get("after_events")
    return wanted is not None and len(events) >= wanted


def _ended(stream: Stream | AsyncStream, call: dict[str, Any], expect: dict[str, Any]) -> _Left:
    expect["end"] = stream.end
    if call.get("progress"):
        expect["progress"] = asdict(stream.progress())
    return expect, stream.checkpoint()


def _failed(error: Error) -> dict[str, Any]:
    return {"error": error.to_dict(), "error_text": str(error)}


def _request(call: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = call.get("request") or {}
    return request


def _options(request: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = request.get("options", {})
    return options


def _embed(request: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in request.items() if name not in ("input", "options", *_EMBED)}
    known = {name: value for name, value in request.items() if name in _EMBED}
    return {**known, **_options(request), **({"extra_body": rest} if rest else {})}
