"""The mock server: it runs at once, says what it saw, and is gone when it is closed."""

from __future__ import annotations

import pytest

from belvedere import Client, ConfigInvalid, Network, Overloaded
from belvedere.providers import Anthropic, OpenAI
from belvedere.testing import MockServer


def ask(url: str, text: str = "hi") -> str:
    with Client(provider=OpenAI(model="any", base_url=url, api_key="any")) as client:
        return client.complete(text).text


def test_steps_are_taken_in_turn_and_counted() -> None:
    with MockServer([{"times": 1, "error": {"status": 503}}, {"answer": {"text": "Hello."}}]) as server:
        with pytest.raises(Overloaded):
            ask(server.url)
        assert ask(server.url) == "Hello."
        stats = server.stats()
        assert stats["requests"] == 2
        assert stats["by_wire"] == {"openai.chat": 2}
        assert {int(status): count for status, count in stats["by_status"].items()} == {200: 1, 503: 1}
        server.reset_stats()
        assert server.stats()["requests"] == 0


def test_without_a_script_it_says_what_was_said() -> None:
    with MockServer() as server:
        assert ask(server.url, "Good morning") == "You said: Good morning"
        server.play({"steps": [{"answer": {"text": "Good night."}}]})
        assert ask(server.url) == "Good night."


def test_it_speaks_every_wire() -> None:
    with MockServer([{"answer": {"text": "Bonjour."}}]) as server:
        with Client(provider=Anthropic(model="any", base_url=server.url, api_key="any")) as client:
            assert client.complete("hi", max_tokens=100).text == "Bonjour."
        assert server.stats()["by_wire"] == {"anthropic.messages": 1}


def test_a_script_that_is_wrong_is_refused_with_its_path() -> None:
    with pytest.raises(ConfigInvalid, match=r"\[0\].*anwser"):
        MockServer([{"anwser": {"text": "x"}}])


def test_a_closed_server_is_gone() -> None:
    server = MockServer()
    url = server.url
    server.close()
    server.close()
    assert repr(server) == f"<MockServer {url}, closed>"
    with pytest.raises(RuntimeError, match="closed"):
        server.stats()
    with pytest.raises(Network):
        ask(url)
