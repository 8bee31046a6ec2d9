"""Functions of yours in the pipeline: a provider, a layer around it, a counter of tokens, and a hook that hears what happens.

    python examples/python/own_provider.py
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import belvedere
from belvedere import AsyncClient, Signal
from belvedere.layers import Budget, Retry

asked = 0


@belvedere.provider(model="parrot-1")
async def parrot(request: dict[str, Any]) -> AsyncIterator[str]:
    """Says what it hears, a word at a time. The first time it is busy."""
    global asked
    asked += 1
    if asked == 1:
        raise belvedere.Overloaded("the parrot eats", retry_after=0.01)
    content = request["messages"][-1]["content"]
    for word in (content if isinstance(content, str) else content[0]["text"]).split():
        await asyncio.sleep(0)
        yield word + " "


@belvedere.layer
async def polite(request: dict[str, Any], call_next: Any) -> Any:
    """Changes what is asked, and hands the stream on as it comes."""
    return call_next({**request, "messages": [*request["messages"], {"role": "user", "content": "Good morning, please."}]})


def words(text: str) -> int:
    """Parrots know words only. Budgets and limits go by this, in place of their estimate."""
    return len(text.split())


async def main() -> None:
    heard: list[str] = []
    told = asyncio.Event()

    async def hear(signal: Signal) -> None:
        heard.append(f"{signal.type}: {signal.reason}")
        told.set()

    async with AsyncClient(
        provider=parrot,
        layers=[polite, Budget(limit={"tokens": 1000, "every": "1d"}), Retry(backoff="1ms")],
        counter=words,
        on_retry=hear,
    ) as client:
        print("tokens:", client.count_tokens("Hello."))
        answer = await client.complete("Hello.", max_tokens=100)
        print("the parrot says:", answer.text)
        print("attempts:", [(attempt.provider, attempt.end) for attempt in answer.attempts])
        await told.wait()
        print("heard:", heard)
        assert answer.text.strip() == "Good morning, please."
        assert heard == ["retry: overloaded"]


if __name__ == "__main__":
    asyncio.run(main())
