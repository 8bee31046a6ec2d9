"""The front door: a client, an answer, a stream; without asyncio, and with it.

    python examples/python/quickstart.py

It needs no key and no network: a server on this machine answers. With a key of your own, take
`Client(provider=OpenAI(model="gpt-5-mini"))` and leave the server out.
"""

from __future__ import annotations

import asyncio

from belvedere import AsyncClient, Client
from belvedere.layers import Retry, Timeout
from belvedere.providers import OpenAI
from belvedere.testing import MockServer

ANSWER = "Air scatters blue light more than red light."


def in_threads(provider: OpenAI) -> None:
    with Client(provider=provider, layers=[Retry(), Timeout()]) as client:
        answer = client.complete("Why is the sky blue?")
        print("complete:", answer.text)
        assert answer.text == ANSWER

        print("stream:  ", end=" ")
        for event in client.stream("Why is the sky blue?"):
            if event.type == "text":
                print(event.delta, end="")
        print()


async def in_coroutines(provider: OpenAI) -> None:
    async with AsyncClient(provider=provider, layers=[Retry(), Timeout()]) as client:
        # Messages as you have them, and a scope that says whom the call belongs to.
        messages = [
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "Why is the sky blue?"},
        ]
        answers = await asyncio.gather(
            *(client.complete(messages, scope={"tenant": tenant}, timeout=10) for tenant in ("acme", "globex"))
        )
        print("gather:  ", [answer.finish_reason for answer in answers])

        async with client.stream(messages) as stream:
            words = [event.delta or "" async for event in stream if event.type == "text"]
        print("async:   ", "".join(words))
        assert "".join(words) == ANSWER


def main() -> None:
    with MockServer([{"answer": {"text": ANSWER}}]) as server:
        provider = OpenAI(model="gpt-5-mini", base_url=server.url, api_key="any")
        in_threads(provider)
        asyncio.run(in_coroutines(provider))


if __name__ == "__main__":
    main()
