"""Interruptions at random times: does everything end, and does the upstream see it?

    python lifetimes.py --count 10000 --seed 1 --report report.md

Processes make calls and streams against a provider in another process, and are interrupted in one of many ways at a random
moment. A case fails when its process hangs, crashes, says something that it should not, takes longer than two seconds to be
over, or leaves something open upstream.

Several processes run at a time, and none of them is slow by itself: what they wait for is the processor. So a case that was
late, and nothing else, runs once more when all others are over, alone. It has failed if it is late then, too; the report counts
how many were late only beside others.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from upstream import Upstream

EXIT_SECONDS = 2.0
"""How long an exit may take, from the moment of the interruption."""
HANG_SECONDS = 20.0
"""How long a process may take, and each of its interruptions, on a machine that does other things."""

PRELUDE = """
import asyncio, contextlib, gc, os, random, signal, sys, threading, time
import belvedere
# Who is started in the background may be told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
url, model, delays = sys.argv[1], sys.argv[2], [float(each) for each in sys.argv[3:]]
def section(model=model):
    return {"type": "openai", "model": model, "api_key": "any", "base_url": url}
# One of each, over all rounds: what a round leaves behind is there in the next.
known = {}
def client(model=model):
    return known.setdefault(("sync", model), None) or fresh(model, belvedere.Client)
def async_client(model=model):
    return known.setdefault(("async", model), None) or fresh(model, belvedere.AsyncClient)
def fresh(model=model, kind=belvedere.AsyncClient):
    made = kind(provider=section(model))
    known[("sync" if kind is belvedere.Client else "async", model)] = made
    return made
def interrupted():
    # The clock begins here: what follows must end soon.
    print("interrupted", time.time(), flush=True)
async def use(client):
    try:
        async with client.stream("hi") as stream:
            async for event in stream:
                pass
        await client.complete("hi")
    except belvedere.Error:
        pass
def use_sync(client):
    try:
        with client.stream("hi") as stream:
            for event in stream:
                pass
        client.complete("hi")
    except belvedere.Error:
        pass
"""

CASES: dict[str, str] = {}
"""What each kind of case does, as the text of a program."""

CASES["n1_a_loop_is_closed"] = """
def case(delay):
    # Not by asyncio.run, which cancels first: the loop stops and closes with all that waits on it.
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    tasks = [loop.create_task(use(async_client())) for _ in range(5)]
    loop.call_later(delay, loop.stop)
    loop.run_forever()
    interrupted()
    loop.close()
    sys.stderr = open(os.devnull, "w")  # asyncio says that tasks were pending
    del tasks, loop
    gc.collect()
    sys.stderr = sys.__stderr__
    asyncio.run(use(async_client("quick")))
"""

CASES["n2_tasks_are_cancelled"] = """
def case(delay):
    async def main():
        tasks = [asyncio.create_task(use(async_client())) for _ in range(5)]
        await asyncio.sleep(delay)
        interrupted()
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends), ends
        await use(async_client("quick"))
    asyncio.run(main())
"""

CASES["n2_run_is_left"] = """
def case(delay):
    async def main():
        made = async_client()
        for _ in range(5):
            asyncio.ensure_future(use(made))
        await asyncio.sleep(delay)
        interrupted()
    asyncio.run(main())
"""

CASES["n3_a_result_races_with_a_cancel"] = """
def case(delay):
    async def main():
        made = async_client("quick")
        until = time.monotonic() + delay
        chance = random.Random(delay)
        while time.monotonic() < until:
            tasks = [asyncio.create_task(made.complete("hi")) for _ in range(8)]
            await asyncio.sleep(chance.random() * 0.005)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        interrupted()
    asyncio.run(main())
"""

CASES["n4_all_is_dropped"] = """
def case(delay):
    async def main():
        made = async_client()
        streams = [made.stream("hi") for _ in range(3)]
        for stream in streams:
            waiting = asyncio.ensure_future(anext(stream, None))
            await asyncio.wait({waiting}, timeout=delay / 3)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        call = made.complete("hi")
        # Driven by hand; it may be over already.
        with contextlib.suppress(StopIteration):
            call.send(None)
        interrupted()
        del stream, streams, waiting, call, made
        gc.collect()
        await asyncio.sleep(0.05)
    asyncio.run(main())
"""

CASES["n6_the_interpreter_exits"] = """
def case(delay):
    made = client()
    def run():
        while True:
            use_sync(made)
    for _ in range(4):
        threading.Thread(target=run, daemon=True).start()
    time.sleep(delay)
    interrupted()
"""

CASES["n6_the_interpreter_exits_inside_a_loop"] = """
def case(delay):
    async def main():
        for _ in range(4):
            asyncio.ensure_future(use(async_client()))
        await asyncio.sleep(delay)
        interrupted()
        sys.exit(0)
    asyncio.run(main())
"""

CASES["n6_the_interpreter_exits_with_streams_open"] = """
def case(delay):
    made = client("endless")
    streams = [made.stream("hi") for _ in range(3)]
    for stream in streams:
        next(stream)
    time.sleep(delay)
    interrupted()
"""

CASES["n8_fork_before"] = """
def case(delay):
    made, other = client("quick"), async_client("quick")
    pid = os.fork()
    if pid == 0:
        use_sync(made)
        asyncio.run(use(other))
        os._exit(0)
    use_sync(made)
    interrupted()
    assert os.waitpid(pid, 0)[1] == 0
"""

CASES["n8_fork_during"] = """
def case(delay):
    made, quick = client(), client("quick")
    threads = [threading.Thread(target=use_sync, args=(made,), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    stream = client("endless").stream("hi")
    next(stream)
    time.sleep(delay)
    interrupted()
    pid = os.fork()
    if pid == 0:
        began = time.process_time()
        try:
            next(stream)
            os._exit(3)
        except belvedere.Cancelled:
            pass
        if time.process_time() - began > 0.1:
            os._exit(4)
        stream.cancel()
        del stream, made
        gc.collect()
        if quick.complete("hi").text != "Hello from upstream.":
            os._exit(5)
        sys.exit(0)
    code = os.waitpid(pid, 0)[1]
    assert code == 0, code
    stream.cancel()
"""

CASES["n8_fork_inside_a_loop"] = """
def case(delay):
    async def main():
        made = async_client()
        tasks = [asyncio.create_task(use(made)) for _ in range(4)]
        await asyncio.sleep(delay)
        interrupted()
        pid = os.fork()
        if pid == 0:
            def anew():
                asyncio.run(use(async_client("quick")))
            thread = threading.Thread(target=anew)
            thread.start()
            thread.join()
            os._exit(0)
        loop = asyncio.get_running_loop()
        code = await loop.run_in_executor(None, lambda: os.waitpid(pid, 0)[1])
        assert code == 0, code
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    asyncio.run(main())
"""

CASES["n8_fork_after"] = """
def case(delay):
    import multiprocessing
    made = fresh("quick", belvedere.Client)
    use_sync(made)
    made.close()
    known.clear()
    interrupted()
    def child():
        use_sync(client("quick"))
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(10)
    assert process.exitcode == 0, process.exitcode
"""

CASES["n9_ctrl_c_in_a_call"] = """
def case(delay):
    made = client("hang")
    try:
        threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
        made.complete("hi")
        raise AssertionError("it went on")
    except KeyboardInterrupt:
        pass
    assert client("quick").complete("hi").text
"""

CASES["n9_ctrl_c_in_a_stream"] = """
def case(delay):
    made = client(random.Random(delay).choice(["endless", "stall", "hang"]))
    try:
        threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
        for event in made.stream("hi"):
            pass
        raise AssertionError("it went on")
    except KeyboardInterrupt:
        pass
"""

CASES["n9_ctrl_c_in_a_loop"] = """
def case(delay):
    async def main():
        # Not while the loop is made or cleaned up: that is asyncio's own.
        threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
        await asyncio.gather(*(use(async_client(each)) for each in ("endless", "hang", "stall", "endless")))
    try:
        asyncio.run(main())
        raise AssertionError("it went on")
    except KeyboardInterrupt:
        pass
"""

CASES["n9_ctrl_c_in_close"] = """
def case(delay):
    made = fresh("hang", belvedere.Client)
    threading.Thread(target=use_sync, args=(made,), daemon=True).start()
    try:
        threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
        made.close(timeout=60)
        # It ends early only where the call had not begun, or was cut.
    except KeyboardInterrupt:
        pass
    else:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass
"""

CASES["w4_a_client_is_closed"] = """
def case(delay):
    async def main():
        made = fresh()
        tasks = [asyncio.create_task(use(made)) for _ in range(5)]
        await asyncio.sleep(delay)
        interrupted()
        await made.close(timeout=0)
        await asyncio.gather(*tasks)
    asyncio.run(main())
"""

CASES["killed"] = """
def case(delay):
    made = client()
    threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGKILL))).start()
    while True:
        use_sync(made)
"""

POSTLUDE = """
for delay in delays:
    case(delay)
    print("over", time.time(), flush=True)
"""

ROUNDS = 10
"""How many interruptions a process bears, unless it ends with them."""

MODELS = ["quick", "paced-10", "burst-2000", "endless", "stall", "hang"]
EXIT_CODES = {"killed": -signal.SIGKILL}
"""What a process exits with, where that is not 0."""


def rounds(kind: str) -> int:
    """How many interruptions a process of this kind bears."""
    return 1 if kind == "killed" or kind.startswith("n6") else ROUNDS


@dataclass(frozen=True)
class Case:
    """A process and its interruptions."""

    number: int
    kind: str
    model: str
    delays: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    case: Case
    fault: str | None
    seconds: list[float]
    """How long it took from each interruption until all was over."""
    late: bool = False
    """Whether that is all of the fault: it took too long."""
    again: bool = False
    """Whether it was late beside others, and this is what came of it alone."""


def cases(seed: int, count: int) -> Iterator[Case]:
    """So many interruptions, of all kinds alike; models and delays by the seed."""
    chance = random.Random(seed)
    given = dict.fromkeys(sorted(CASES), 0)
    number = 0
    while sum(given.values()) < count:
        kind = min(given, key=lambda kind: given[kind])
        delays = tuple(round(chance.random() ** 2 * 0.2, 5) for _ in range(rounds(kind)))
        yield Case(number, kind, chance.choice(MODELS), delays)
        given[kind] += len(delays)
        number += 1


def run(case: Case, url: str, programs: Path) -> Outcome:
    """Runs one process."""
    command = [sys.executable, str(programs / f"{case.kind}.py"), url, case.model, *map(str, case.delays)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    patience = HANG_SECONDS * (1 + len(case.delays))
    try:
        said, complained = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)
        said, complained = process.communicate()
        return Outcome(case, f"hang after {said.count('over')} rounds: {complained[-500:]}", [patience])
    seconds = durations(said, time.time())
    fault, late = None, False
    if process.returncode != EXIT_CODES.get(case.kind, 0):
        fault = f"exit code {process.returncode}: {complained[-800:]}"
    elif any(word in complained for word in ("panicked", "Fatal", "FATAL", "Traceback")):
        fault = f"complained: {complained[-800:]}"
    elif len(seconds) != len(case.delays):
        fault = f"{len(seconds)} interruptions"
    elif max(seconds) > EXIT_SECONDS:
        fault, late = f"it took {max(seconds):.2f} s", True
    return Outcome(case, fault, seconds, late)


def alone(late: Outcome, url: str, programs: Path) -> Outcome:
    """A case that was late beside others, once more."""
    outcome = replace(run(late.case, url, programs), again=True)
    what = outcome.fault or "alone it was in time"
    print(f"{late.case}: {late.fault} beside others; {what}", file=sys.stderr, flush=True)
    return outcome


def durations(said: str, ended: float) -> list[float]:
    """From each interruption until its round was over, or until the process had ended."""
    marks = [(word, float(at)) for word, at in (line.split() for line in said.splitlines() if line)]
    found = []
    for (word, at), (_, after) in zip(marks, [*marks[1:], ("ended", ended)], strict=True):
        if word == "interrupted":
            found.append(after - at)
    # The last round ends with its process.
    last = [at for word, at in marks if word == "interrupted"][-1:]
    return [*found[:-1], *(ended - at for at in last)]


def run_all(
    seed: int, count: int, jobs: int, minutes: float = float("inf")
) -> tuple[list[Outcome], dict[str, int]]:
    """Runs all cases, or as many as begin in time; gives what came of them, and what the upstream says in the end."""
    upstream = Upstream()
    until = time.monotonic() + minutes * 60
    try:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
            for kind, program in CASES.items():
                Path(folder, f"{kind}.py").write_text(PRELUDE + program + POSTLUDE)
            outcomes = []

            def begin(case: Case) -> Outcome | None:
                return run(case, upstream.url, Path(folder)) if time.monotonic() < until else None

            for outcome in pool.map(begin, cases(seed, count)):
                if outcome is None:
                    continue
                outcomes.append(outcome)
            outcomes = [alone(outcome, upstream.url, Path(folder)) if outcome.late else outcome for outcome in outcomes]
        for outcome in outcomes:
            if outcome.fault:
                print(f"{outcome.case}: {outcome.fault}", file=sys.stderr, flush=True)
        return outcomes, upstream.settle(open=0)
    finally:
        upstream.close()


def report(outcomes: list[Outcome], stats: dict[str, int], seed: int) -> str:
    """The report, for people."""
    faults = [outcome for outcome in outcomes if outcome.fault]
    count = sum(len(outcome.case.delays) for outcome in outcomes)
    lines = [
        "# Lifetimes of calls in Python",
        "",
        "Written by `python bindings-python/tests/lifetimes.py`: processes that have calls and streams open are interrupted at",
        "random times. None may hang, crash, complain, or leave anything open upstream, and each round has to be over",
        f"{EXIT_SECONDS:.0f} s after its interruption. A process bears {ROUNDS} interruptions, one where it ends with it.",
        "",
        f"- interruptions: {count} in {len(outcomes)} processes (seed {seed}), faults: {len(faults)}",
        f"- requests that the upstream saw: {stats['requests']}; answered {stats['answered']}, left before their end "
        f"{stats['left']}, open in the end {stats['open']}",
        f"- cases that were late beside others and ran once more, alone: {sum(outcome.again for outcome in outcomes)}",
        f"- Python {sys.version.split()[0]} on {sys.platform}",
        "",
        "| case | interruptions | faults | until all is over: median, longest |",
        "|---|---|---|---|",
    ]
    broken = Counter(outcome.case.kind for outcome in faults)
    for kind in sorted({outcome.case.kind for outcome in outcomes}):
        times = sorted(each for o in outcomes if o.case.kind == kind for each in o.seconds)
        middle, longest = times[len(times) // 2] * 1000, times[-1] * 1000
        lines.append(f"| {kind} | {len(times)} | {broken[kind]} | {middle:.0f} ms, {longest:.0f} ms |")
    lines += [f"- {outcome.case}: {outcome.fault}" for outcome in faults]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing more after that")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    outcomes, stats = run_all(arguments.seed, arguments.count, arguments.jobs, arguments.minutes)
    text = report(outcomes, stats, arguments.seed)
    if arguments.report:
        arguments.report.write_text(text)
    print(text)
    return 1 if stats["open"] or any(outcome.fault for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
