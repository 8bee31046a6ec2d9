"""One contestant in a process of its own: what it costs is the CPU time of this process, all threads, user and system.

It is told what to do line by line on stdin, and answers in JSON: `whole N`, `burst N` or `paced N`.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from importlib import metadata

from contestants import CONTESTANTS
from script import CHUNKS, PACE, TEXTS

AT_ONCE = {"whole": 64, "burst": 16, "paced": 16}


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from its sources"


class Worker:
    def __init__(self, name: str, url: str) -> None:
        self.kind, self.package, _ = CONTESTANTS[name]
        self.url = url

    async def begin(self) -> None:
        self.clients = {}
        for what in TEXTS:
            client = self.kind()
            await client.begin(f"{self.url}/{what}/v1")
            self.clients[what] = client

    async def run(self, what: str, count: int) -> dict[str, float]:
        client, expected = self.clients[what], TEXTS[what]
        left = iter(range(count))

        async def ask(after: float) -> None:
            await asyncio.sleep(after)
            for _ in left:
                if what == "whole":
                    text = await client.whole()
                else:
                    texts = await client.stream()
                    text = "".join(texts)
                    assert len(texts) == CHUNKS[what], (what, len(texts), texts[:3])
                assert text == expected, (what, text)

        at_once = AT_ONCE[what]
        # Streams that come at the pace of a model are never all in step.
        spread = PACE / at_once if what == "paced" else 0.0
        began, used = time.perf_counter(), cpu()
        await asyncio.gather(*(ask(n * spread) for n in range(min(at_once, count))))
        used, took = cpu() - used, time.perf_counter() - began
        units = count * CHUNKS[what]
        return {"micros": used / units * 1e6, "seconds": took, "cpu": used}


async def main() -> None:
    # Some print what they like: the answers keep a way of their own.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(*sys.argv[1:3])
    await worker.begin()
    print(json.dumps({"version": version(worker.package)}), file=told, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, count = line.split()
        print(json.dumps(await worker.run(what, int(count))), file=told, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
