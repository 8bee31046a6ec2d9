"""A stream as data: left in one client, gone on with in another, and no word is said twice.

    python examples/python/checkpoint.py
"""

from __future__ import annotations

from belvedere import Checkpoint, Client
from belvedere.layers import Repair
from belvedere.providers import Anthropic
from belvedere.testing import MockServer

FIRST = {"times": 1, "answer": {"text": "The first half is here and the rest never comes"}, "timing": {"per_token": "20ms"}}
SECOND = {"answer": {"text": "and so is the second."}}


def main() -> None:
    with MockServer([FIRST, SECOND]) as server:
        provider = Anthropic(model="any", base_url=server.url, api_key="any")

        with Client(provider=provider, layers=[Repair()]) as client:
            stream = client.stream("Say something in two halves.", max_tokens=100)
            for event in stream:
                if event.type == "text" and stream.partial.text.endswith("here "):
                    break
            checkpoint = stream.checkpoint()
            stream.cancel()
        assert checkpoint is not None
        saved = checkpoint.to_json()
        print(f"saved {len(saved)} bytes after {checkpoint.partial.text!r}")

        # Another process, another day, any language.
        with Client(provider=provider, layers=[Repair()]) as client:
            stream = client.resume(Checkpoint.from_json(saved))
            # What had been handed out comes again first, then a notice that it goes on, then the rest.
            answer = stream.collect()
            print(f"resumed: {answer.text!r}, {[notice['notice'] for notice in answer.notices]}")
        assert answer.text == "The first half is here and so is the second."


if __name__ == "__main__":
    main()
