"""The lifetimes of calls (N1 to N9): each kind of interruption alone, then 200 at random."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import belvedere
import lifetimes
from belvedere import _native
from upstream import Upstream


def run(kind: str, upstream: Upstream, folder: Path, model: str, delay: float = 0.05) -> None:
    """Runs one kind of interruption once, and expects nothing of it to be left."""
    (folder / f"{kind}.py").write_text(lifetimes.PRELUDE + lifetimes.CASES[kind] + lifetimes.POSTLUDE)
    outcome = lifetimes.run(lifetimes.Case(0, kind, model, (delay, delay / 5) if lifetimes.rounds(kind) > 1 else (delay,)), upstream.url, folder)
    assert outcome.fault is None, outcome.fault
    assert upstream.settle(open=0)["open"] == 0, "the upstream sees the close"


def async_client(upstream: Upstream, model: str = "quick") -> belvedere.AsyncClient:
    return belvedere.AsyncClient(provider=upstream.provider(model))


@pytest.mark.parametrize("model", ["endless", "hang"])
def test_n1_a_result_for_a_closed_loop_is_dropped_silently(upstream: Upstream, tmp_path: Path, model: str) -> None:
    run("n1_a_loop_is_closed", upstream, tmp_path, model)


@pytest.mark.parametrize("model", ["endless", "stall", "hang"])
def test_n2_a_cancelled_task_closes_the_upstream(upstream: Upstream, tmp_path: Path, model: str) -> None:
    run("n2_tasks_are_cancelled", upstream, tmp_path, model)
    run("n2_run_is_left", upstream, tmp_path, model)


async def test_n2_the_upstream_sees_the_cancel_at_once(upstream: Upstream) -> None:
    task = asyncio.create_task(async_client(upstream, "hang").complete("hi"))
    await asyncio.sleep(0)
    upstream.settle(open=1)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert upstream.settle(open=0)["open"] == 0
    assert time.monotonic() - began < 0.5


async def test_n3_a_cancel_that_races_with_the_result_breaks_nothing(upstream: Upstream) -> None:
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    made = async_client(upstream)
    cancelled = 0
    for number in range(300):
        task = asyncio.create_task(made.complete("hi"))
        await asyncio.sleep(number * 0.00001)
        task.cancel()
        try:
            assert (await task).text
        except asyncio.CancelledError:
            cancelled += 1
    assert cancelled > 0 and errors == []


def test_n3_a_result_after_the_cancel_in_one_turn_of_the_loop(upstream: Upstream) -> None:
    async def main() -> None:
        made = async_client(upstream)
        task = asyncio.create_task(made.complete("hi"))
        await asyncio.sleep(0)
        while task.done():
            # Over before it had to wait, because the machine did something else in between.
            task = asyncio.create_task(made.complete("hi"))
            await asyncio.sleep(0)
        time.sleep(0.1)  # The result is there before the loop looks.
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_n4_who_drops_a_call_cancels_it(upstream: Upstream, tmp_path: Path) -> None:
    run("n4_all_is_dropped", upstream, tmp_path, "endless")


async def test_n4_calls_in_a_cycle_are_collected(upstream: Upstream) -> None:
    class Holds:
        pass

    holds: Any = Holds()
    holds.me = holds
    holds.stream = async_client(upstream, "endless").stream("hi")
    await anext(holds.stream)
    holds.call = async_client(upstream, "hang").complete("hi")
    holds.call.send(None)
    assert upstream.settle(open=2)["open"] == 2
    del holds
    gc.collect()
    assert upstream.settle(open=0)["open"] == 0


async def test_n5_a_panic_is_an_exception_and_nobody_waits_for_ever(capfd: pytest.CaptureFixture[str]) -> None:
    for broken in (_native._panicking_call(), anext(_native._panicking_stream())):
        with pytest.raises(belvedere.Unexpected, match="panicked") as raised:
            await asyncio.wait_for(broken, 5)
        assert isinstance(raised.value, Exception) and "on purpose" not in str(raised.value)
    assert "on purpose" in capfd.readouterr().err, "it is reported on stderr"


@pytest.mark.parametrize("model", ["quick", "endless", "stall", "hang"])
def test_n6_the_interpreter_exits_in_time(upstream: Upstream, tmp_path: Path, model: str) -> None:
    run("n6_the_interpreter_exits", upstream, tmp_path, model)
    run("n6_the_interpreter_exits_inside_a_loop", upstream, tmp_path, model)
    run("n6_the_interpreter_exits_with_streams_open", upstream, tmp_path, model)


def test_n6_calls_at_the_exit_are_refused(upstream: Upstream) -> None:
    program = f"""
import atexit, belvedere
def late():
    try:
        client.complete("hi")
    except belvedere.Cancelled as error:
        print(error.message)
atexit.register(late)
import belvedere._native
client = belvedere.Client(provider={upstream.provider()!r})
atexit.unregister(late)
client.complete("hi")
belvedere._native._at_exit()
late()
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (found.returncode, found.stdout) == (0, "the interpreter exits\n"), found.stderr


def test_n7_no_lock_is_held_while_python_runs(upstream: Upstream) -> None:
    """What callbacks of a loop, finalizers and attributes of a caller's objects may do: call in again."""
    made = belvedere.Client(provider=upstream.provider())
    seen: list[str] = []

    class Part:
        def to_dict(self) -> dict[str, Any]:
            seen.append(made.complete("hi").text)
            return {"role": "user", "content": "hi"}

    assert made.complete([Part()]).text  # type: ignore[list-item]
    assert seen

    async def main() -> None:
        outer = async_client(upstream)

        class Finalized:
            def __del__(self) -> None:
                seen.append(made.complete("hi").text)

        async def one() -> None:
            kept = Finalized()
            await outer.complete("hi")
            del kept

        await asyncio.gather(*(one() for _ in range(8)))

    asyncio.run(main())
    assert len(seen) > 8


def test_n7_threads_and_loops_at_once_never_wait_for_each_other(upstream: Upstream) -> None:
    """The order of locks, by force: every kind of caller at once, with collections between."""
    made = belvedere.Client(provider=upstream.provider())
    ends = time.monotonic() + 2

    def thread(_: int) -> int:
        count = 0
        while time.monotonic() < ends:
            with made.stream("hi") as stream:
                for _event in stream:
                    stream.progress()
            gc.collect(0)
            count += 1
        return count

    def loop(_: int) -> int:
        async def main() -> int:
            outer, count = async_client(upstream), 0
            while time.monotonic() < ends:
                await asyncio.gather(*(outer.complete("hi") for _ in range(4)))
                count += 1
            return count

        return asyncio.run(main())

    with ThreadPoolExecutor(6) as pool:
        counts = [*pool.map(thread, range(3)), *pool.map(loop, range(3))]
    assert len(counts) == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("kind", [kind for kind in lifetimes.CASES if kind.startswith("n8")])
def test_n8_a_fork_works_before_during_and_after(upstream: Upstream, tmp_path: Path, kind: str) -> None:
    run(kind, upstream, tmp_path, "paced-10")


@pytest.mark.parametrize("kind", [kind for kind in lifetimes.CASES if kind.startswith("n9")])
@pytest.mark.parametrize("model", ["endless", "hang"])
def test_n9_ctrl_c_ends_each_blocking_call(upstream: Upstream, tmp_path: Path, kind: str, model: str) -> None:
    run(kind, upstream, tmp_path, model)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_n9_a_signal_is_heard_within_100_ms(upstream: Upstream) -> None:
    sent: list[float] = []
    heard: list[float] = []

    def send() -> None:
        for _ in range(5):
            time.sleep(0.15)
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: heard.append(time.monotonic()))
    try:
        threading.Thread(target=send, daemon=True).start()
        made = belvedere.Client(provider=upstream.provider("hang"))
        # A handler that raises nothing leaves the call alone.
        with pytest.raises(belvedere.Timeout):
            made.complete("hi", timeout=1.5)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard, "while the call waits"
    # The quickest: a machine that is busy may be late with any other, and two at once are heard as one.
    assert min(after - max(at for at in sent if at <= after) for after in heard) < 0.1


def test_memory_stays_flat_over_calls_that_are_cancelled(upstream: Upstream) -> None:
    resource = pytest.importorskip("resource")

    async def some(count: int) -> None:
        made = async_client(upstream)
        for _ in range(count):
            tasks = [asyncio.create_task(made.complete("hi")) for _ in range(10)]
            await asyncio.wait(tasks, timeout=0.002)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def used() -> int:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
        return pages * int(resource.getpagesize())

    asyncio.run(some(100))
    before = used()
    asyncio.run(some(300))
    assert used() - before < 4 << 20, "3,000 calls"


def test_200_random_interruptions() -> None:
    outcomes, stats = lifetimes.run_all(seed=int(os.environ.get("LIFETIMES_SEED", "7")), count=200, jobs=4)
    assert [outcome for outcome in outcomes if outcome.fault] == []
    assert stats["open"] == 0
    assert stats["left"] > 0 and stats["answered"] > 0
