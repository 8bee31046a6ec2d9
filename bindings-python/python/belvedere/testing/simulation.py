"""Programs of asyncio on a simulated machine: hours pass in milliseconds, and every run is the same."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from belvedere._native import Simulation

T = TypeVar("T")

_PATIENCE = 10.0
"""How many real seconds threads get, when everybody else waits and nobody sleeps."""


class _Selector(selectors.BaseSelector):
    """Lets the simulation run when the loop would wait, and time pass when the simulation waits, too."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._simulation._step() or self._simulation._pass(timeout):
            return self._real.select(0)
        ready = self._real.select(_PATIENCE)
        if not ready:
            raise RuntimeError("everybody waits and nobody sleeps: what the program waits for never comes")
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is that of a simulation: `asyncio.sleep(3600)` takes no time at all."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        super().__init__(_Selector(simulation))

    def time(self) -> float:
        return self._simulation.now


def run(simulation: Simulation, main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end on a simulation, as `asyncio.run` does on this machine.

    When everybody waits, time moves at once to what is due next. `asyncio.sleep`, `asyncio.timeout` and the clients of
    the simulation all see the same time.
    """
    loop = SimulatedLoop(simulation)
    with simulation:
        try:
            return loop.run_until_complete(main)
        finally:
            loop.run_until_complete(_end_all())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            # What was cancelled is gone when its task runs next.
            simulation._step()


async def _end_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
