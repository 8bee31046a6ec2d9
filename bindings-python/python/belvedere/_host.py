"""Functions of the user inside the pipeline: what calls them, on their own thread or event loop."""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import operator
import os
import sys
import threading
from collections.abc import Awaitable, Coroutine, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, cast

from belvedere._native import Answer, AsyncStream, Function, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from belvedere._native import Sink

_WHOLE = (str, Answer, Mapping)
Role = Literal["provider", "layer", "counter"]


def is_async(function: Any) -> bool:
    """Whether a function, or an object that can be called, runs on an event loop."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return True
    call = getattr(function, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def made(role: Role, function: Any, name: str | None, model: str | None = None) -> Any:
    """A provider, a layer or a counter; without a function, what makes one: a decorator."""
    if function is None:

        def decorator(function: Any) -> Any:
            return made(role, function, name, model)

        return decorator
    return Function(role, function, is_async(function), name, model)


def hooked(client: Any, kind: str) -> Any:
    """A decorator that lets a function hear signals."""

    def decorator(function: Any) -> Any:
        return client.on(kind, function)

    return decorator


def call(function: Callable[..., Any], arguments: tuple[Any, ...], sink: Sink) -> Coroutine[Any, Any, None] | None:
    """Calls a function. Gives what has to run on an event loop."""
    try:
        given = function(*arguments)
        if isinstance(given, Awaitable) or hasattr(given, "__aiter__"):
            return _later(given, sink)
        _take(given, sink)
    except BaseException as error:
        sink.fail(error)
        if not isinstance(error, Exception):
            raise
    return None


def tally(function: Callable[[str], Any], arguments: tuple[list[str]], sink: Sink) -> Coroutine[Any, Any, None] | None:
    """Counts the tokens of texts by a function. Gives what has to run on an event loop."""
    (texts,) = arguments
    if is_async(function):
        return _tally_later(function, texts, sink)
    try:
        sink.answer(str(sum(_count(function(text)) for text in texts)))
        sink.end()
    except BaseException as error:
        sink.fail(error)
        if not isinstance(error, Exception):
            raise
    return None


async def _tally_later(function: Callable[[str], Any], texts: list[str], sink: Sink) -> None:
    try:
        total = 0
        for text in texts:
            total += _count(await function(text))
        sink.answer(str(total))
        sink.end()
    except BaseException as error:
        sink.fail(error)
        if not isinstance(error, Exception):
            raise


def _count(given: Any) -> int:
    try:
        count = operator.index(given)
    except TypeError:
        raise TypeError(f"a counter gave {type(given).__name__}; give the number of tokens") from None
    if count < 0:
        raise ValueError(f"a counter gave {count}; give the number of tokens")
    return count


def _take(given: Any, sink: Sink) -> None:
    if isinstance(given, _WHOLE):
        sink.answer(cast("str | Answer | Mapping[str, Any]", given))
    elif not (isinstance(given, Stream) and sink.hand_on(given)):
        items = _items(given)
        try:
            for item in items:
                if sink.put(item):
                    sink.wait()
                if sink.closed:
                    break
        finally:
            _close(items)
    sink.end()


async def _later(awaited: Any, sink: Sink) -> None:
    try:
        given: Any = awaited
        if isinstance(awaited, Awaitable) and not isinstance(awaited, AsyncStream):
            given = cast(Any, await awaited)
        if isinstance(given, _WHOLE):
            sink.answer(cast("str | Answer | Mapping[str, Any]", given))
        elif isinstance(given, (AsyncStream, Stream)) and sink.hand_on(given):
            pass
        elif hasattr(cast(Any, given), "__aiter__"):
            await _read(given, sink)
        else:
            items = _items(given)
            try:
                for item in items:
                    if sink.put(item):
                        await sink.room()
                    if sink.closed:
                        break
            finally:
                _close(items)
        sink.end()
    except BaseException as error:
        sink.fail(error)
        if not isinstance(error, Exception):
            raise


async def _read(given: Any, sink: Sink) -> None:
    try:
        async for item in given:
            if sink.put(item):
                await sink.room()
            # A generator that never waits would not hear that its task is cancelled.
            if sink.closed:
                break
    finally:
        if hasattr(given, "aclose"):
            await given.aclose()


def _items(given: Any) -> Any:
    try:
        return iter(given)
    except TypeError:
        kind = type(given).__name__
        raise TypeError(f"a function gave {kind}; give an Answer, a str, a dict, or events one by one") from None


def _close(items: Any) -> None:
    if hasattr(items, "close"):
        items.close()


async def heard(rest: Awaitable[Any]) -> None:
    """Waits for a hook, whose errors are nobody's but the program's."""
    try:
        await rest
    except Exception as error:
        told: Any = SimpleNamespace(
            exc_type=type(error),
            exc_value=error,
            exc_traceback=error.__traceback__,
            err_msg="Exception ignored in a hook",
            object=rest,
        )
        sys.unraisablehook(told)


_tasks: set[asyncio.Task[None]] = set()


def start(coroutine: Coroutine[Any, Any, None]) -> Any:
    """Starts a coroutine on the loop that runs here; gives what cancels it."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        from belvedere import _trio

        return _trio.start(coroutine)
    task = loop.create_task(coroutine)
    # The loop itself refers to tasks weakly.
    _tasks.add(task)
    task.add_done_callback(_done)
    return task


def _done(task: asyncio.Task[None]) -> None:
    _tasks.discard(task)
    if not task.cancelled():
        # Whoever waits was told.
        task.exception()


_ours: tuple[int, asyncio.AbstractEventLoop] | None = None
_lock = threading.Lock()


def on_our_loop(work: Callable[[], None]) -> None:
    """Runs something on an event loop of our own: for calls of threads, which have none."""
    global _ours
    with _lock:
        if _ours is None or _ours[0] != os.getpid():
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="belvedere-loop", daemon=True)
            thread.start()
            atexit.register(_stop, loop, thread, os.getpid())
            _ours = (os.getpid(), loop)
        loop = _ours[1]
    loop.call_soon_threadsafe(work)


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, pid: int) -> None:
    if pid == os.getpid():
        loop.call_soon_threadsafe(loop.stop)
        thread.join(0.5)
