"""What the server says, and what the clients have to have heard."""

from __future__ import annotations

from typing import Any

WORDS = "The sky is blue because air scatters short waves of light far more than long ones".split()
PACE = 0.010
# Chunks of an answer that carry text; a whole answer is one piece.
CHUNKS = {"whole": 1, "burst": 200, "paced": 100}


def _text(words: int) -> str:
    return " ".join(WORDS[n % len(WORDS)] for n in range(words))


TEXTS = {"whole": _text(60), "burst": _text(CHUNKS["burst"]), "paced": _text(CHUNKS["paced"])}


def steps() -> list[dict[str, Any]]:
    """The script of the mock server (docs/mock-server.md)."""
    plain: list[dict[str, Any]] = [{"when": {"path": f"/{what}/*"}, "answer": {"text": TEXTS[what]}} for what in TEXTS]
    for step in plain:
        if step["when"]["path"] == "/paced/*":
            step["timing"] = {"per_token": f"{round(PACE * 1000)}ms"}
    return plain


if __name__ == "__main__":
    import sys

    from belvedere.testing import MockServer

    with MockServer(steps()) as server:
        print(server.url, flush=True)
        sys.stdin.read()
