"""Belvedere: one middleware pipeline around pluggable LLM providers.

    import belvedere

    client = belvedere.Client(provider={"type": "openai", "model": "gpt-5-mini", "api_key": {"env": "OPENAI_API_KEY"}})
    print(client.complete("Why is the sky blue?").text)

`AsyncClient` is the same for coroutines. What a configuration may say is in `belvedere.layers`, `belvedere.providers`
and `belvedere.config`; what can go wrong is in `belvedere.errors`, and each of its classes is here, too.
"""

from __future__ import annotations

import atexit
import os
from importlib import import_module

from belvedere._native import (
    Answer,
    AsyncClient,
    AsyncStream,
    Checkpoint,
    Client,
    Event,
    Pending,
    Stream,
    _after_fork,
    _at_exit,
)

# Known to type checkers; `typing` itself takes longer to load than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from belvedere import config, errors, layers, providers, results, types
    from belvedere.errors import *  # noqa: F403
    from belvedere.errors import Error

__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncStream",
    "Checkpoint",
    "Client",
    "Error",
    "Event",
    "Pending",
    "Stream",
    "config",
    "errors",
    "layers",
    "providers",
    "results",
    "types",
]

if TYPE_CHECKING:
    # For who checks types, all exceptions are here from the beginning.
    __all__ += errors.__all__

_MODULES = frozenset({"config", "errors", "integrations", "layers", "providers", "results", "testing", "types"})


def __getattr__(name: str) -> Any:
    # What is seldom needed is loaded when it is.
    if name in _MODULES:
        return import_module(f"belvedere.{name}")
    if not name.startswith("_"):
        errors = import_module("belvedere.errors")
        if name in errors.__all__:
            found = getattr(errors, name)
            globals()[name] = found
            return found
    raise AttributeError(f"module 'belvedere' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *import_module("belvedere.errors").__all__})


# A child of a fork forgets what its parent has running, before anything else runs there.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
