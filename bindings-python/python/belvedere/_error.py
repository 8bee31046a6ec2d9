"""The base of all errors. The classes below it are generated: see `errors.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from belvedere._native import Answer
    from belvedere.results import Attempt


class Error(Exception):
    """What went wrong with a call, a stream or a configuration.

    `str(error)` says what happened on one line. No key, header, prompt or answer is part of it; what had come of the
    answer is in `partial`.
    """

    kind: ClassVar[str] = "unexpected"
    """What went wrong, such as `rate_limited`. Each kind is a class below this one."""
    category: ClassVar[str] = "permanent"
    """What a caller does about it: `transient`, `rate_limit`, `auth`, `validation` or `permanent`."""

    message: str
    """What happened, in one sentence."""
    status: str
    """Whether waiting can help: `permanent`, `temporary`, or `persistent` when retries have given up."""
    retry_after: float | None
    """How many seconds the provider, or a limit of ours, asks to wait."""
    retry_after_is_hint: bool
    """Whether `retry_after` stood in the words of the provider only."""
    http_status: int | None
    """The HTTP status of the answer that carried the error."""
    provider: str | None
    """The name of the provider that was asked last."""
    model: str | None
    """The model that was asked for last."""
    request_id: str | None
    """The provider's id of the request, for its support desk."""
    reported: dict[str, Any]
    """What the provider itself said: `status`, `type`, `code`, `message`, `param`, `request_id`, as far as it did."""
    phase: str | None
    """Of a timeout: `connect`, `first_event`, `idle` or `total`."""
    partial: Answer | None
    """The answer as far as it had come."""
    attempts: int
    """How many attempts were made; 0 when no provider was reached."""
    history: list[Attempt]
    """The attempts, in the order they began."""
    context: dict[str, str]
    """Further facts, such as the file of a configuration."""

    def __init__(
        self,
        message: str = "",
        *,
        text: str | None = None,
        status: str | None = None,
        retry_after: float | None = None,
        retry_after_is_hint: bool = False,
        http_status: int | None = None,
        provider: str | None = None,
        model: str | None = None,
        request_id: str | None = None,
        reported: dict[str, Any] | None = None,
        phase: str | None = None,
        partial: Answer | None = None,
        attempts: int = 0,
        history: list[Attempt] | None = None,
        context: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message if text is None else text)
        waits = self.category in ("transient", "rate_limit")
        self.message = message
        self.status = status or ("temporary" if waits else "permanent")
        self.retry_after = retry_after
        self.retry_after_is_hint = retry_after_is_hint
        self.http_status = http_status
        self.provider = provider
        self.model = model
        self.request_id = request_id
        self.reported = reported or {}
        self.phase = phase
        self.partial = partial
        self.attempts = attempts
        self.history = history or []
        self.context = context or {}

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, the same in every language."""
        found: dict[str, Any] = {"category": self.category, "kind": self.kind}
        if self.phase is not None:
            found["phase"] = self.phase
        found |= {"status": self.status, "message": self.message}
        if self.reported:
            found["provider"] = dict(self.reported)
        if self.retry_after is not None:
            found["retry_after_s"] = self.retry_after
        if self.retry_after_is_hint:
            found["retry_after_is_hint"] = True
        if self.attempts:
            found["attempts"] = self.attempts
        if len(self.history) > 1:
            found["history"] = [attempt.to_dict() for attempt in self.history]
        if self.partial is not None:
            found["partial"] = self.partial.to_dict()
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Error) or type(self) is not type(other):
            return NotImplemented
        return self.args == other.args and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return Exception.__hash__(self)


def _rebuilt(kind: type[Error], args: tuple[Any, ...], fields: dict[str, Any]) -> Error:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error
