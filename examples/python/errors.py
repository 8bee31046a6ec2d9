"""One hierarchy of exceptions: a class for each kind, and what is known of what happened.

    python examples/python/errors.py
"""

from __future__ import annotations

import pickle
from typing import Any

import belvedere
from belvedere.layers import Timeout
from belvedere.providers import OpenAI
from belvedere.testing import MockServer

STEPS: list[dict[str, Any]] = [
    {"when": {"model": "busy"}, "error": {"status": 429, "retry_after": "2s"}},
    {"when": {"model": "broken"}, "answer": {"text": "This never ends well."}, "fault": {"type": "cut", "after": 3}},
    {"when": {"model": "slow"}, "timing": {"first_token": "1h"}},
    {"when": {"model": "locked"}, "error": {"status": 401}},
]


def main() -> None:
    with MockServer(STEPS) as server:
        provider = OpenAI(base_url=server.url, api_key="a-key-that-is-not-shown")
        client = belvedere.Client(provider=provider, layers=[Timeout(first_event="50ms")])

        try:
            client.complete("hi", model="busy")
        except belvedere.RateLimited as error:
            print(f"{error.kind}: come back in {error.retry_after} s, HTTP {error.http_status}")
            assert error.retry_after == 2.0 and error.category == "rate_limit"

        try:
            client.stream("hi", model="broken").collect()
        except belvedere.Truncated as error:
            # What had come is not lost, and it is not taken for a whole answer.
            assert error.partial is not None
            print(f"{error.kind}: {error.partial.text!r}")

        # Python's own classes catch them, too.
        try:
            client.complete("hi", model="slow")
        except TimeoutError as error:
            assert isinstance(error, belvedere.Timeout)
            print(f"{error.kind}: {error.phase}")

        # A whole category: what a caller does about it.
        try:
            client.complete("hi", model="locked")
        except belvedere.AuthError as error:
            print(f"{error.kind}: {error}")
            assert "a-key-that-is-not-shown" not in repr(error.to_dict())
            copy = pickle.loads(pickle.dumps(error))
            assert type(copy) is belvedere.Unauthorized and str(copy) == str(error)

        client.close()


if __name__ == "__main__":
    main()
