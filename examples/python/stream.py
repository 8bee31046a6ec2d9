"""A stream that is paused, goes on, tells how far it is, and is left in the middle.

    python examples/python/stream.py
"""

from __future__ import annotations

import asyncio

from belvedere import AsyncClient
from belvedere.providers import Anthropic
from belvedere.testing import MockServer

TEXT = "One word after the other comes over the wire, and none is lost while nobody reads."
STEPS = [{"answer": {"text": TEXT}, "timing": {"tokens_per_second": 200}}]


async def paused_and_resumed(client: AsyncClient) -> None:
    async with client.stream("Tell me of streams.") as stream:
        stream.expect_tokens(len(TEXT.split()))
        words: list[str] = []
        async for event in stream:
            if event.type != "text":
                continue
            words.append(event.delta or "")
            if len(words) == 5:
                stream.pause()
                print("paused: ", stream.progress().state, "after", "".join(words).strip())
                # Somebody presses the button again; the upstream has waited, not the memory.
                asyncio.get_running_loop().call_later(0.05, stream.resume)
        print("resumed:", "".join(words[5:]))
        progress = stream.progress()
        print(f"in all:  {progress.events} events, {progress.tokens} tokens, paused {progress.paused > 0}, {stream.end}")
        assert "".join(words) == TEXT and stream.end == "finished"


async def left_in_the_middle(client: AsyncClient) -> None:
    stream = client.stream("Tell me of streams.")
    async for event in stream:
        if event.type == "text":
            break
    stream.cancel()
    print("left:   ", repr(stream.partial.text), stream.end)
    assert stream.end == "cancelled" and TEXT.startswith(stream.partial.text)


async def main() -> None:
    with MockServer(STEPS) as server:
        async with AsyncClient(provider=Anthropic(model="any", base_url=server.url, api_key="any")) as client:
            await paused_and_resumed(client)
            await left_in_the_middle(client)


if __name__ == "__main__":
    asyncio.run(main())
