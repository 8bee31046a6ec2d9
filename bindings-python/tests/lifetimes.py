"""Interruptions at random times: does everything end, and does the upstream see it?

    python lifetimes.py --count 10000 --seed 1 --report report.md

Each case is a process of its own that makes calls and streams against a provider in another process, and is interrupted in
one of many ways at a random moment. A case fails when its process hangs, crashes, says something that it should not, takes
longer than two seconds to exit, or leaves something open upstream.
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
from dataclasses import dataclass
from pathlib import Path

from upstream import Upstream

EXIT_SECONDS = 2.0
"""How long an exit may take, from the moment of the interruption."""
HANG_SECONDS = 30.0
"""How long a case may take in all, on a machine that does other things."""

PRELUDE = """
import asyncio, gc, os, random, signal, sys, threading, time
import belvedere
url, model, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
def section(model=model):
    return {"type": "openai", "model": model, "api_key": "any", "base_url": url}
def client(model=model, **more):
    return belvedere.Client(provider=section(model), **more)
def async_client(model=model, **more):
    return belvedere.AsyncClient(provider=section(model), **more)
def interrupted():
    # The clock of the case begins here: what follows must end soon.
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
asyncio.run(use(async_client("quick")))
"""

CASES["n2_tasks_are_cancelled"] = """
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
async def main():
    made = async_client()
    for _ in range(5):
        asyncio.ensure_future(use(made))
    await asyncio.sleep(delay)
    interrupted()
asyncio.run(main())
"""

CASES["n3_a_result_races_with_a_cancel"] = """
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
async def main():
    made = async_client()
    streams = [made.stream("hi") for _ in range(3)]
    for stream in streams:
        waiting = asyncio.ensure_future(anext(stream, None))
        await asyncio.wait({waiting}, timeout=delay / 3)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    call = made.complete("hi")
    call.send(None)
    interrupted()
    del stream, streams, waiting, call, made
    gc.collect()
    await asyncio.sleep(0.05)
asyncio.run(main())
"""

CASES["n6_the_interpreter_exits"] = """
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
async def main():
    for _ in range(4):
        asyncio.ensure_future(use(async_client()))
    await asyncio.sleep(delay)
    interrupted()
    sys.exit(0)
asyncio.run(main())
"""

CASES["n6_the_interpreter_exits_with_streams_open"] = """
made = client("endless")
streams = [made.stream("hi") for _ in range(3)]
for stream in streams:
    next(stream)
time.sleep(delay)
interrupted()
"""

CASES["n8_fork_before"] = """
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
    began = time.monotonic()
    try:
        next(stream)
        os._exit(3)
    except belvedere.Cancelled:
        pass
    if time.monotonic() - began > 0.1:
        os._exit(4)
    stream.cancel()
    del stream, made
    gc.collect()
    if quick.complete("hi").text != "Hello from upstream.":
        os._exit(5)
    use_sync(client("quick"))
    asyncio.run(use(async_client("quick")))
    sys.exit(0)
code = os.waitpid(pid, 0)[1]
assert code == 0, code
stream.cancel()
"""

CASES["n8_fork_inside_a_loop"] = """
async def main():
    made = async_client()
    tasks = [asyncio.create_task(use(made)) for _ in range(4)]
    await asyncio.sleep(delay)
    interrupted()
    pid = os.fork()
    if pid == 0:
        def anew():
            asyncio.run(use(async_client("quick")))
            use_sync(client("quick"))
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
import multiprocessing
made = client("quick")
use_sync(made)
made.close()
interrupted()
def child():
    use_sync(client("quick"))
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(10)
assert process.exitcode == 0, process.exitcode
"""

CASES["n9_ctrl_c_in_a_call"] = """
made = client("hang")
try:
    threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
    made.complete("hi")
    sys.exit(3)
except KeyboardInterrupt:
    pass
assert client("quick").complete("hi").text
"""

CASES["n9_ctrl_c_in_a_stream"] = """
made = client(random.Random(delay).choice(["endless", "stall", "hang"]))
try:
    threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
    for event in made.stream("hi"):
        pass
    sys.exit(3)
except KeyboardInterrupt:
    pass
"""

CASES["n9_ctrl_c_in_a_loop"] = """
async def main():
    await asyncio.gather(*(use(async_client(random.choice(["endless", "hang"]))) for _ in range(4)))
try:
    threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGINT))).start()
    asyncio.run(main())
    sys.exit(3)
except KeyboardInterrupt:
    pass
"""

CASES["n9_ctrl_c_in_close"] = """
made = client("hang")
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
async def main():
    made = async_client()
    tasks = [asyncio.create_task(use(made)) for _ in range(5)]
    await asyncio.sleep(delay)
    interrupted()
    await made.close(timeout=0)
    await asyncio.gather(*tasks)
asyncio.run(main())
"""

CASES["killed"] = """
made = client()
threading.Timer(delay, lambda: (interrupted(), os.kill(os.getpid(), signal.SIGKILL))).start()
while True:
    use_sync(made)
"""

MODELS = ["quick", "paced-10", "burst-2000", "endless", "stall", "hang"]
RUN_OUT = {"killed": -signal.SIGKILL}
"""What a process exits with, where that is not 0."""


@dataclass(frozen=True)
class Case:
    """One interruption."""

    number: int
    kind: str
    model: str
    delay: float


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    case: Case
    fault: str | None
    exit_seconds: float


def cases(seed: int, count: int) -> Iterator[Case]:
    """All kinds in turn; models and delays by the seed."""
    chance = random.Random(seed)
    kinds = sorted(CASES)
    for number in range(count):
        yield Case(number, kinds[number % len(kinds)], chance.choice(MODELS), round(chance.random() ** 2 * 0.2, 5))


def run(case: Case, url: str, programs: Path) -> Outcome:
    """Runs one case."""
    command = [sys.executable, str(programs / f"{case.kind}.py"), url, case.model, str(case.delay)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    try:
        said, complained = process.communicate(timeout=HANG_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGABRT)
        _, complained = process.communicate()
        return Outcome(case, f"hang: {complained[-500:]}", HANG_SECONDS)
    ended = time.time()
    began = [float(line.split()[1]) for line in said.splitlines() if line.startswith("interrupted")]
    exit_seconds = ended - began[0] if began else 0.0
    fault = None
    if process.returncode != RUN_OUT.get(case.kind, 0):
        fault = f"exit code {process.returncode}: {complained[-800:]}"
    elif "panicked" in complained or "Fatal" in complained or "Traceback" in complained:
        fault = f"complained: {complained[-800:]}"
    elif not began:
        fault = "it was never interrupted"
    elif exit_seconds > EXIT_SECONDS:
        fault = f"it took {exit_seconds:.2f} s to exit"
    return Outcome(case, fault, exit_seconds)


def run_all(seed: int, count: int, jobs: int) -> tuple[list[Outcome], dict[str, int]]:
    """Runs all cases; gives what came of them, and what the upstream says in the end."""
    upstream = Upstream()
    try:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
            for kind, program in CASES.items():
                Path(folder, f"{kind}.py").write_text(PRELUDE + program)
            outcomes = []
            for outcome in pool.map(lambda case: run(case, upstream.url, Path(folder)), cases(seed, count)):
                outcomes.append(outcome)
                if outcome.fault:
                    print(f"{outcome.case}: {outcome.fault}", file=sys.stderr, flush=True)
        return outcomes, upstream.settle(open=0)
    finally:
        upstream.close()


def report(outcomes: list[Outcome], stats: dict[str, int], seed: int) -> str:
    """The report, for people."""
    faults = [outcome for outcome in outcomes if outcome.fault]
    lines = [
        "# Lifetimes of calls in Python",
        "",
        "Written by `python bindings-python/tests/lifetimes.py`: each case is a process that is interrupted at a random time",
        "while it has calls and streams open. None may hang, crash, or leave anything open upstream, and each has to be gone",
        f"{EXIT_SECONDS:.0f} s after its interruption.",
        "",
        f"- cases: {len(outcomes)} (seed {seed}), faults: {len(faults)}",
        f"- requests that the upstream saw: {stats['requests']}; answered {stats['answered']}, left before their end "
        f"{stats['left']}, open in the end {stats['open']}",
        f"- Python {sys.version.split()[0]} on {sys.platform}",
        "",
        "| case | runs | faults | exit: median, longest |",
        "|---|---|---|---|",
    ]
    counts, broken = Counter(o.case.kind for o in outcomes), Counter(o.case.kind for o in faults)
    for kind in sorted(counts):
        times = sorted(o.exit_seconds for o in outcomes if o.case.kind == kind)
        middle = times[len(times) // 2]
        lines.append(f"| {kind} | {counts[kind]} | {broken[kind]} | {middle * 1000:.0f} ms, {times[-1] * 1000:.0f} ms |")
    lines += [f"- {outcome.case}: {outcome.fault}" for outcome in faults]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    outcomes, stats = run_all(arguments.seed, arguments.count, arguments.jobs)
    text = report(outcomes, stats, arguments.seed)
    if arguments.report:
        arguments.report.write_text(text)
    print(text)
    return 1 if stats["open"] or any(outcome.fault for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
