"""Exceptions: what can go wrong with a call, a stream or a configuration.

All are an `Error`. Below it is a class for what a caller does about it (`TransientError`, `RateLimitError`,
`AuthError`, `ValidationError`, `PermanentError`), and below those one for each kind (`Timeout`, `RateLimited`, ...).
Those with a natural counterpart among Python's own are that, too: a `Timeout` is a `TimeoutError`.
"""

# Written by `cargo xtask python`. Change what it is made from, not this file.

from __future__ import annotations

from typing import Final

from belvedere._error import Error

__all__ = [
    "AuthError",
    "Blocked",
    "BudgetExceeded",
    "Cancelled",
    "CircuitOpen",
    "ConfigInvalid",
    "ContentFiltered",
    "ContextTooLong",
    "Error",
    "Forbidden",
    "InvalidRequest",
    "KINDS",
    "Malformed",
    "ModelNotFound",
    "Network",
    "Overloaded",
    "PermanentError",
    "QuotaExhausted",
    "RateLimitError",
    "RateLimited",
    "Store",
    "Timeout",
    "TransientError",
    "Truncated",
    "Unauthorized",
    "Unexpected",
    "Unsupported",
    "ValidationError",
]


class TransientError(Error):
    """The same call may work a moment later."""

    category = "transient"


class RateLimitError(Error):
    """The same call works once the limit allows it."""

    category = "rate_limit"


class AuthError(Error):
    """Credentials have to change."""

    category = "auth"


class ValidationError(Error):
    """The request or the configuration has to change."""

    category = "validation"


class PermanentError(Error):
    """Trying again does not help."""

    category = "permanent"


class Network(TransientError, ConnectionError):
    """The connection could not be made, was reset, or broke.

    Let `Retry` repeat it. If it stays: check the address, the proxy and the name server.
    """

    kind = "network"


class Overloaded(TransientError):
    """The provider is overloaded or failed on its side.

    Let `Retry` wait, `Route` ask another target, and `Breaker` leave it alone for a while.
    """

    kind = "overloaded"


class Timeout(TransientError, TimeoutError):
    """A time limit ran out; `phase` says which: `connect`, `first_event`, `idle` or `total`.

    Raise that limit of the layer `Timeout`, or the call's `timeout`, if the answer is worth the wait.
    """

    kind = "timeout"


class Truncated(TransientError):
    """The answer ended without the provider's word that it is whole.

    `partial` has what came. `Repair` goes on from there by itself.
    """

    kind = "truncated"


class Malformed(TransientError):
    """The provider sent what its protocol does not allow.

    Check `base_url`: often it is the page of a proxy. Report it if the provider is at fault.
    """

    kind = "malformed"


class CircuitOpen(TransientError):
    """A circuit breaker refused the call, because the provider failed too often.

    Wait for `retry_after`, or let `Route` ask another target.
    """

    kind = "circuit_open"


class Store(TransientError):
    """A store failed.

    Check the store that the layer names; `on_store_failure` says what holds meanwhile.
    """

    kind = "store"


class RateLimited(RateLimitError):
    """Too many requests or tokens.

    Wait for `retry_after`; `Retry` does. `Limit` keeps a program below the limit in the first place.
    """

    kind = "rate_limited"


class Unauthorized(AuthError, PermissionError):
    """The credentials are missing or wrong.

    Check the key and the environment variable that it is read from.
    """

    kind = "unauthorized"


class Forbidden(AuthError, PermissionError):
    """The credentials are right and do not allow this.

    Ask for the permission, or use another key.
    """

    kind = "forbidden"


class InvalidRequest(ValidationError, ValueError):
    """The request is not acceptable as it is.

    The message names the field and what is allowed there.
    """

    kind = "invalid_request"


class ContextTooLong(ValidationError, ValueError):
    """The request does not fit the model's context.

    Send less, or ask a model with a longer context. `count_tokens` counts beforehand.
    """

    kind = "context_too_long"


class Unsupported(ValidationError):
    """The target or this build lacks what was asked for.

    Leave it out, ask another target, or set `unsupported="drop"` on the provider.
    """

    kind = "unsupported"


class ConfigInvalid(ValidationError, ValueError):
    """The configuration is wrong; the message lists every finding with its path.

    Correct them all: each says what is allowed.
    """

    kind = "config_invalid"


class ModelNotFound(PermanentError, LookupError):
    """The model does not exist or is not open to this account.

    Check its name; `Route` asks another target.
    """

    kind = "model_not_found"


class ContentFiltered(PermanentError):
    """The provider's content filter refused the request or the answer.

    Change the request. `partial` has what was answered before.
    """

    kind = "content_filtered"


class QuotaExhausted(PermanentError):
    """The account's quota or credit is used up.

    Pay, or let `Route` ask another account.
    """

    kind = "quota_exhausted"


class BudgetExceeded(PermanentError):
    """A budget of the layer `Budget` is used up.

    Wait for its next period, or raise it. `client.budgets()` says how much is left.
    """

    kind = "budget_exceeded"


class Blocked(PermanentError):
    """A guard's verdict.

    The request or the answer breaks a rule of this program; nothing goes around it.
    """

    kind = "blocked"


class Cancelled(PermanentError):
    """The call was cancelled by its owner. It is not `asyncio.CancelledError`: that ends the task.

    Nothing: somebody called `cancel()`.
    """

    kind = "cancelled"


class Unexpected(PermanentError):
    """What none of the others says. An exception of a function in Python is its `__cause__`.

    Report it, with its `to_dict()`.
    """

    kind = "unexpected"


KINDS: Final[dict[str, type[Error]]] = {
    "network": Network,
    "overloaded": Overloaded,
    "timeout": Timeout,
    "truncated": Truncated,
    "malformed": Malformed,
    "circuit_open": CircuitOpen,
    "store": Store,
    "rate_limited": RateLimited,
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "invalid_request": InvalidRequest,
    "context_too_long": ContextTooLong,
    "unsupported": Unsupported,
    "config_invalid": ConfigInvalid,
    "model_not_found": ModelNotFound,
    "content_filtered": ContentFiltered,
    "quota_exhausted": QuotaExhausted,
    "budget_exceeded": BudgetExceeded,
    "blocked": Blocked,
    "cancelled": Cancelled,
    "unexpected": Unexpected,
}
"""The class of each kind."""
