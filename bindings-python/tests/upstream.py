"""A provider in a process of its own, which says how its connections ended.

`python upstream.py` prints its port. It speaks OpenAI's chat completions; the model says what happens:

- `quick`: the answer at once. `burst-N`: N tokens at once. `paced-N`: N tokens, 5 ms each.
- `hang`: no head ever. `stall`: three tokens, then nothing. `endless`: a token each 5 ms, for ever.
- `error-N`: an answer of status N.

`GET /stats` tells how many requests came, how many are being answered, and how many were left before their end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import time
import urllib.request
from typing import Any


class Upstream:
    """The server, seen from a test."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def provider(self, model: str = "quick") -> dict[str, Any]:
        """The section `provider` of a configuration."""
        return {"type": "openai", "model": model, "api_key": "any", "base_url": self.url}

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def settle(self, seconds: float = 2.0, **wanted: int) -> dict[str, int]:
        """Waits until the statistics are these; gives them as they are in the end."""
        until = time.monotonic() + seconds
        while True:
            stats = self.stats()
            if all(stats[name] == value for name, value in wanted.items()) or time.monotonic() > until:
                return stats
            time.sleep(0.005)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


STATS = {"requests": 0, "open": 0, "left": 0, "answered": 0}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, with as many requests as come."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        begun: bytes | None = b""
        while begun is not None:
            head = begun + await reader.readuntil(b"\r\n\r\n")
            begun = b""
            lines = head.decode().split("\r\n")
            if lines[0].startswith("GET /stats"):
                body = json.dumps(STATS).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                continue
            lengths = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length")]
            request = json.loads(await reader.readexactly(lengths[0]))
            STATS["requests"] += 1
            STATS["open"] += 1
            begun = await answer(reader, writer, request)
    writer.close()


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: dict[str, Any]
) -> bytes | None:
    """Answers, unless the client leaves before: then None. Else the beginning of the next request."""
    work = asyncio.ensure_future(say(writer, request))
    gone = asyncio.ensure_future(reader.read(1))
    done, _ = await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    whole = work in done and work.exception() is None
    for task in (work, gone):
        task.cancel()
    await asyncio.wait({work, gone})
    STATS["open"] -= 1
    STATS["answered" if whole else "left"] += 1
    if not whole:
        return None
    return b"" if gone.cancelled() else gone.result() or None


async def say(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
    name, _, number = str(request.get("model")).partition("-")
    if name == "hang":
        await asyncio.Event().wait()
    if name == "error":
        await whole(writer, {"error": {"message": "as asked", "type": "as_asked"}}, int(number))
        return
    if not request.get("stream"):
        if name in ("endless", "stall"):
            await asyncio.Event().wait()
        message = {"role": "assistant", "content": "Hello from upstream."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        await whole(writer, {"id": "1", "model": "m", "choices": [choice], "usage": usage})
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    count = {"burst": int(number or 0), "paced": int(number or 0), "stall": 3}.get(name, 3)
    sent = 0
    while (name == "endless" or sent < count) and not writer.is_closing():
        chunk(writer, {"index": 0, "delta": {"content": f"t{sent} "}, "finish_reason": None})
        sent += 1
        if sent % 100 == 0:
            await writer.drain()
        if name in ("paced", "endless"):
            await writer.drain()
            await asyncio.sleep(0.005)
    await writer.drain()
    if name == "stall":
        await asyncio.Event().wait()
    chunk(writer, {"index": 0, "delta": {}, "finish_reason": "stop"})
    piece(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def whole(writer: asyncio.StreamWriter, value: object, status: int = 200) -> None:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


def chunk(writer: asyncio.StreamWriter, choice: object) -> None:
    piece(writer, b"data: %s\n\n" % json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode())


def piece(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


async def main() -> None:
    logging.disable()  # Clients that leave are what it is for.
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started it holds the other end: when they are gone, so is this.
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(sys.stdin, lambda: gone.set() if not os.read(sys.stdin.fileno(), 1) else None)
    await gone.wait()


if __name__ == "__main__":
    asyncio.run(main())
