"""What tests of programs stand on that use providers: no key, no network, and the same every time.

    from belvedere import Client
    from belvedere.providers import OpenAI
    from belvedere.testing import MockServer

    with MockServer([{"times": 1, "error": {"status": 503}}, {"answer": {"text": "Hello."}}]) as server:
        client = Client(provider=OpenAI(model="any", base_url=server.url, api_key="any"), layers=[{"type": "retry"}])
        assert client.complete("Hi").text == "Hello."
        assert server.stats()["requests"] == 2

A step says which requests it is for (`when`), how often (`times`), and what is done: `answer`, `timing`, `delivery`,
`fault` or `error`. The guide of the mock server has them all: docs/mock-server.md.
"""

from __future__ import annotations

from belvedere._native import MockServer, Simulation
from belvedere.testing.simulation import run

__all__ = ["MockServer", "Simulation", "run"]
