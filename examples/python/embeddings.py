"""Vectors of texts, and which of them are near.

    python examples/python/embeddings.py
"""

from __future__ import annotations

import asyncio
import math

from belvedere import AsyncClient
from belvedere.providers import OpenAI
from belvedere.testing import MockServer

TEXTS = ["a cat on the mat", "a cat on a mat", "interest rates rose again"]


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b))
    return dot / (math.hypot(*a) * math.hypot(*b))


async def main() -> None:
    with MockServer() as server:
        provider = OpenAI(model="text-embedding-3-small", base_url=server.url, api_key="any")
        async with AsyncClient(provider=provider) as client:
            answer = await client.embed(TEXTS, dimensions=64)
            cat, other_cat, rates = answer.embeddings
            print(f"{len(answer.embeddings)} vectors of {len(cat)} numbers")
            print(f"{TEXTS[0]!r} and {TEXTS[1]!r}: {cosine(cat, other_cat):.2f}")
            print(f"{TEXTS[0]!r} and {TEXTS[2]!r}: {cosine(cat, rates):.2f}")
            assert cosine(cat, other_cat) > cosine(cat, rates)


if __name__ == "__main__":
    asyncio.run(main())
