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
    Function,
    Pending,
    Signal,
    Stream,
    _after_fork,  # pyright: ignore[reportPrivateUsage]
    _at_exit,  # pyright: ignore[reportPrivateUsage]
)

# Known to type checkers; `typing` itself takes longer to load than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, overload

    from belvedere import config, errors, layers, providers, results, types
    from belvedere.errors import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
    from belvedere.errors import Error
else:

    def overload(function):
        return function


__all__ = [
    "Answer",
    "AsyncClient",
    "AsyncStream",
    "Checkpoint",
    "Client",
    "Error",
    "Event",
    "Function",
    "Pending",
    "Signal",
    "Stream",
    "config",
    "counter",
    "errors",
    "layer",
    "layers",
    "provider",
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


@overload
def provider(function: Callable[..., Any], /, *, name: str | None = None, model: str | None = None) -> Function: ...
@overload
def provider(
    function: None = None, /, *, name: str | None = None, model: str | None = None
) -> Callable[[Callable[..., Any]], Function]: ...
def provider(function: Any = None, /, *, name: str | None = None, model: str | None = None) -> Any:
    """Makes a provider of a function, for `Client(provider=...)` and as a target of a route. It is a decorator, too.

        @belvedere.provider
        async def echo(request):
            yield request["messages"][-1]["content"]

    The function gets the request as a dict. It gives the whole answer (a str, an `Answer` or its dict) or, as a
    generator, events one by one: `Event` objects, their dicts, or pieces of text. It may be a coroutine function, which
    runs on the event loop of the call, or a plain one, which runs in a thread. An exception of `belvedere.errors` that it
    raises keeps its kind, so that retries and routes understand it.
    """
    from belvedere import _host

    return _host.made("provider", function, name, model)


@overload
def layer(function: Callable[..., Any], /, *, name: str | None = None) -> Function: ...
@overload
def layer(function: None = None, /, *, name: str | None = None) -> Callable[[Callable[..., Any]], Function]: ...
def layer(function: Any = None, /, *, name: str | None = None) -> Any:
    """Makes a layer of a function, for `Client(layers=[...])`. It is a decorator, too.

        @belvedere.layer
        async def polite(request, call_next):
            answer = await call_next({**request, "user": "me"})
            return answer

    The function gets each request as a dict, and `call_next`, which gives the stream of what stands behind it: awaited
    (`.collect()` in a plain function) it is the whole answer, read it gives events. What the function gives is as for
    `provider`; a stream that it returns unread is handed on as it is, without a detour through Python.
    """
    from belvedere import _host

    return _host.made("layer", function, name)


@overload
def counter(function: Callable[[str], Any], /, *, name: str | None = None) -> Function: ...
@overload
def counter(
    function: None = None, /, *, name: str | None = None
) -> Callable[[Callable[[str], Any]], Function]: ...
def counter(function: Any = None, /, *, name: str | None = None) -> Any:
    """Makes a counter of tokens of a function, for `Client(counter=...)` or in front of `Client(layers=[...])`. It is a
    decorator, too.

        @belvedere.counter
        def exact(text):
            return len(tokenizer.encode(text))

    The function gets a text and gives its number of tokens; what a request has around its texts is added. The layers
    behind it that count before they ask (`budget`, `limit`, `route` with `strategy: cost`) go by that, in place of their
    estimate. It may be a coroutine function, which runs on the event loop of the call, or a plain one, which runs in a
    thread.
    """
    from belvedere import _host

    return _host.made("counter", function, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *import_module("belvedere.errors").__all__})


# A child of a fork forgets what its parent has running, before anything else runs there.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
