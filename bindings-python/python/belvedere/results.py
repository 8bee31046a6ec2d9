"""What clients and streams tell of calls: small frozen objects.

Native code makes them; nothing here is loaded before the first one is asked for.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from decimal import Decimal

End = Literal["finished", "truncated", "failed", "cancelled"]


class _Plain:
    def to_dict(self) -> dict[str, Any]:
        """Its fields, without those that are not known."""
        return {name: value for name, value in asdict(self).items() if value is not None}  # type: ignore[call-overload]


@dataclass(frozen=True)
class ToolCall(_Plain):
    """A tool call that the model wants to have run."""

    id: str
    name: str
    input: str
    """The arguments as JSON text, as the model wrote them."""

    @property
    def arguments(self) -> Any:
        """The arguments as an object. Raises ValueError where the model was cut off."""
        import json

        return json.loads(self.input) if self.input.strip() else {}


@dataclass(frozen=True)
class Usage(_Plain):
    """What an answer used. A class of tokens that is absent is unknown, which is not zero."""

    classes: dict[str, int] = field(default_factory=dict[str, int])
    """Counts by class; no token is in two."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    reported: dict[str, int] | None = None
    """The provider's own counters under common names."""
    raw: dict[str, Any] = field(default_factory=dict[str, Any])
    """The provider's usage object as it came."""


@dataclass(frozen=True)
class Attempt(_Plain):
    """One request to one provider, as it went."""

    provider: str = ""
    model: str | None = None
    target: str | None = None
    usage: Usage | None = None
    end: End | None = None
    error: str | None = None
    """The kind of error it failed with."""
    phase: str | None = None
    """Which limit ran out, where that kind is `timeout`."""
    status: int | None = None
    """The HTTP status."""
    elapsed: float | None = None
    """Seconds."""
    raw: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """The JSON form, the same in every language."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, the same in every language."""
        return dict(self.raw)


@dataclass(frozen=True)
class Progress(_Plain):
    """How far a stream is. Times are seconds."""

    state: Literal["waiting", "running", "paused", "finished", "truncated", "failed", "cancelled"] = "waiting"
    events: int = 0
    bytes: int = 0
    tokens: int = 0
    tokens_counted: bool = False
    """Whether `tokens` is the provider's count; else it is an estimate."""
    buffered: int = 0
    """Bytes of memory that were read ahead and not handed out."""
    elapsed: float = 0.0
    paused: float = 0.0
    first_event: float | None = None
    rate: float = 0.0
    """Tokens a second over the last five seconds."""
    mean_rate: float = 0.0
    fraction: float | None = None
    """How much of the answer is there, 0 to 1, where a bound is known."""
    stalls: int = 0
    longest_gap: float = 0.0


@dataclass(frozen=True)
class Metrics(_Plain):
    """How a stream went."""

    progress: Progress
    attempts: list[Attempt]
    usage: Usage | None


@dataclass(frozen=True)
class Circuit(_Plain):
    """A circuit of a breaker: that of an upstream, or of one model there."""

    provider: str
    host: str | None
    model: str | None
    """None: all models of the upstream."""
    state: Literal["closed", "open", "half_open"]
    open_for: float | None = None
    """How many seconds it stays open."""
    rests_for: float | None = None
    """For how many seconds the provider asked to be left alone."""


@dataclass(frozen=True)
class Balance(_Plain):
    """A budget in its current period, in nano-dollars or tokens."""

    name: str
    """What it is called in its store: its name, its unit and its period."""
    unit: Literal["usd", "tokens"]
    limit: int
    reserved: int
    settled: int
    released: int
    open: int
    left: int


@dataclass(frozen=True)
class Estimate(_Plain):
    """What a call may cost, in US dollars. None: unknown."""

    input_tokens: int
    low: Decimal | None
    high: Decimal | None
