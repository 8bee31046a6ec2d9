"""A million calls, many of them cancelled at a random moment: does the memory of the process stay where it is?

    python memory.py --count 1000000 --seed 1 --report report.md

One client with the layers of `benches/all-layers.yaml`, and one event loop. Of the calls, 64 at a time, some are whole, some
are streams; two in five are cancelled or left at a random moment. The resident memory is read ten times on the way. It has
failed when what it is at the end is more than 16 MiB above what it was after the first tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import belvedere

AT_ONCE = 64
PARTS = 10
MOST_GROWTH = 16 << 20

# In a process of its own: what it remembers is not what is measured.
SERVER = """
import sys
from belvedere.testing import MockServer
with MockServer([{"answer": {"text": "Because short waves are scattered more. " * 4}}]) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""

# Lines of calls that ended are kept for a minute by default, which is a part of what grows with the speed of a run.
LAYERS: list[dict[str, Any]] = [
    {"type": "budget", "per": ["tenant"], "limit": {"usd": "1000000", "every": "1d"}, "keep": "1s"},
    {"type": "limit", "per": ["user"], "requests": "100000000/s", "tokens": "1000000000000/s"},
    {"type": "repair"},
    {"type": "retry"},
    {"type": "breaker"},
    {"type": "timeout", "total": "30s"},
]


def resident() -> int:
    """The memory of this process, in bytes."""
    import resource

    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


async def call(client: belvedere.AsyncClient, draw: random.Random, counts: dict[str, int]) -> None:
    kind, moment = draw.random(), draw.random() * 0.004
    try:
        if kind < 0.5:
            await client.complete("Why is the sky blue?")
        elif kind < 0.6:
            async with contextlib.aclosing(client.stream("Why is the sky blue?")) as stream:
                async for _ in stream:
                    pass
        elif kind < 0.7:
            async with contextlib.aclosing(client.stream("Why is the sky blue?")) as stream:
                async for event in stream:
                    if event.type == "text":
                        break
            counts["left"] += 1
            return
        else:
            task = asyncio.ensure_future(client.complete("Why is the sky blue?"))
            await asyncio.sleep(moment)
            task.cancel()
            await task
        counts["finished"] += 1
    except asyncio.CancelledError:
        counts["cancelled"] += 1


async def run(count: int, seed: int) -> tuple[list[int], dict[str, int]]:
    counts = {"finished": 0, "left": 0, "cancelled": 0}
    readings = []
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    provider = {"type": "openai", "model": "gpt-5-mini", "api_key": "any", "base_url": f"{url}/v1"}
    client = belvedere.AsyncClient(provider=provider, layers=LAYERS)
    draw = random.Random(seed)
    for part in range(PARTS):
        left = iter(range(count // PARTS))

        async def worker(left: Iterator[int] = left) -> None:
            for _ in left:
                await call(client, draw, counts)

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        readings.append(resident())
        each = (time.perf_counter() - began) / (count // PARTS) * 1e6
        told = f"part {part + 1} of {PARTS}: {readings[-1] / 2**20:.1f} MiB, {each:.0f} µs a call"
        print(told, file=sys.stderr, flush=True)
    await client.close()
    server.communicate()
    return readings, counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    readings, counts = asyncio.run(run(options.count, options.seed))
    growth = readings[-1] - readings[0]
    lines = [
        "# Memory over many calls in Python",
        "",
        f"Written by `python bindings-python/tests/memory.py --count {options.count} --seed {options.seed}`: resident memory after",
        "each tenth of the calls, with six layers on, 64 calls at a time, two in five of them cancelled or left.",
        "",
        "- calls: " + ", ".join(f"{number} {name}" for name, number in counts.items()),
        "- MiB after each tenth: " + ", ".join(f"{reading / 2**20:.1f}" for reading in readings),
        f"- growth from the first to the last: {growth / 2**20:.1f} MiB (at most {MOST_GROWTH / 2**20:.0f})",
    ]
    print("\n".join(lines))
    if options.report:
        options.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
