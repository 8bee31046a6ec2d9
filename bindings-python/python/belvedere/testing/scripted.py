"""A provider that gives what a list says."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from belvedere._native import Answer, Event, Function

Scripted: TypeAlias = "str | Answer | Mapping[str, Any] | BaseException | Sequence[Event | Mapping[str, Any] | str | BaseException] | Callable[[dict[str, Any]], Any]"
"""One answer: its text, an `Answer` or its dict; an exception, which is raised; a list of events, which are streamed one
by one (an exception among them breaks the stream); or a function of the request that gives one of these."""


class ScriptedProvider:
    """A provider without a network: it gives the answers of a list, in order, and keeps the requests.

        provider = ScriptedProvider([belvedere.Overloaded("busy"), "Hello."])
        client = belvedere.Client(provider=provider, layers=[belvedere.layers.Retry(backoff="0s")])
        assert client.complete("Hi").text == "Hello."
        assert len(provider.requests) == 2

    When the list is used up, it gives `always`; without that, the call fails and says so.
    """

    def __init__(
        self,
        answers: Iterable[Scripted] = (),
        *,
        always: Scripted | None = None,
        name: str | None = None,
        model: str | None = "scripted-1",
    ) -> None:
        self.requests: list[dict[str, Any]] = []
        """The requests so far, in order."""
        self._answers = deque(answers)
        self._always = always
        self._lock = threading.Lock()
        self._function = Function("provider", _Said(self._next), False, name, model)

    def add(self, *answers: Scripted) -> None:
        """Adds answers to the end of the list."""
        self._answers.extend(answers)

    @property
    def left(self) -> int:
        """How many answers of the list are left."""
        return len(self._answers)

    @property
    def name(self) -> str:
        """The name that attempts carry, and that documents know it by."""
        return self._function.name

    def to_dict(self) -> dict[str, Any]:
        """What stands for it in a configuration."""
        return self._function.to_dict()

    def _next(self, request: dict[str, Any]) -> Any:
        with self._lock:
            self.requests.append(request)
            answer: Any = self._answers.popleft() if self._answers else self._always
        while callable(answer):
            answer = answer(request)
        if answer is None:
            raise AssertionError(f"the scripted provider {self.name!r} has no answer left")
        if isinstance(answer, BaseException):
            raise answer
        return answer if _is_whole(answer) else _played(answer)


class _Said:
    __name__ = "scripted"

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self._answer = answer

    def __call__(self, request: dict[str, Any]) -> Any:
        return self._answer(request)


def _is_whole(answer: Any) -> bool:
    return isinstance(answer, (str, Answer, Mapping))


def _played(events: Iterable[Any]) -> Iterable[Any]:
    for event in events:
        if isinstance(event, BaseException):
            raise event
        yield event
