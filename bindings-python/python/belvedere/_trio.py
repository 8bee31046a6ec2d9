"""Waiting in a task of trio. It is loaded only where trio is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import trio

from belvedere import _native

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from belvedere._native import Port, Waiter

_port: trio.lowlevel.RunVar[Port] = trio.lowlevel.RunVar("belvedere_port")


def is_running() -> bool:
    """Whether this thread is in a task of trio."""
    return trio.lowlevel.in_trio_task()


def port() -> Port:
    """The crossing into this run of trio, made at its first use."""
    try:
        return _port.get()
    except LookupError:
        made = _native.Port()
        _port.set(made)
        trio.lowlevel.spawn_system_task(_drain, made)
        return made


async def _drain(crossing: Port) -> None:
    while (fd := crossing.fileno()) is not None:
        await trio.lowlevel.wait_readable(fd)
        crossing.drain()


async def wait(waiter: Waiter) -> None:
    """Waits until the waiter is settled."""
    task = trio.lowlevel.current_task()
    waiter.add_done_callback(lambda _: trio.lowlevel.reschedule(task))

    def abort(_: object) -> trio.lowlevel.Abort:
        waiter.drop()
        return trio.lowlevel.Abort.SUCCEEDED

    await trio.lowlevel.wait_task_rescheduled(abort)


class _Running:
    """A coroutine that runs in a task of the system."""

    def __init__(self) -> None:
        self._scope = trio.CancelScope()

    async def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        with self._scope:
            # Whoever waits is told by the coroutine itself; raised here, it would end all of trio.
            with contextlib.suppress(Exception):
                await coroutine

    def cancel(self) -> None:
        self._scope.cancel()


def start(coroutine: Coroutine[Any, Any, None]) -> _Running:
    """Starts a coroutine; gives what cancels it."""
    running = _Running()
    trio.lowlevel.spawn_system_task(running.run, coroutine)
    return running
