"""What all typed parts of a configuration share: they are built by keywords, do not change, and become a dict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Union, cast

Duration = Union[str, timedelta]
"""A time with its unit, such as ``"500ms"``, ``"20s"`` or ``"1h 30m"``, or a :class:`datetime.timedelta`.
A bare number is refused: its unit could be anything."""

Secret = Union[str, Mapping[str, str]]
"""The secret itself, or where it is: ``{"env": "OPENAI_API_KEY"}``, ``{"file": "/run/secrets/key"}``."""


class Entry:
    """A part of a configuration: built by keywords, unchangeable, compared by content.

    Wherever one is taken, the dict of the same fields is, too.
    """

    __slots__ = ()
    _type: ClassVar[str | None] = None
    _secret: ClassVar[frozenset[str]] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """Gives the entry as a configuration file has it. Fields that have their default are left out."""
        entry: dict[str, Any] = {} if self._type is None else {"type": self._type}
        entry.update((name.rstrip("_"), _plain(value)) for name, value in self._stated())
        return entry

    def _stated(self) -> Iterator[tuple[str, Any]]:
        """The fields that have not their default, in the order of the signature."""
        defaults: Mapping[str, Any] = getattr(type(self).__init__, "__kwdefaults__", None) or {}
        for base in reversed(type(self).__mro__):
            for name in base.__dict__.get("__slots__", ()):
                value = getattr(self, name)
                if name not in defaults or value != defaults[name]:
                    yield name, value

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, name):
            raise AttributeError(f"{type(self).__name__}.{name} can't be changed; make another one")
        object.__setattr__(self, name, _kept(value))

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} can't be deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        shown = (f"{name}={_shown(value) if name in self._secret else repr(value)}" for name, value in self._stated())
        return f"{type(self).__name__}({', '.join(shown)})"


class Layer(Entry):
    """A layer of the pipeline. :mod:`belvedere.layers` has them all."""

    __slots__ = ()


class Provider(Entry):
    """A provider. :mod:`belvedere.providers` has them all."""

    __slots__ = ()


class Store(Entry):
    """A store for layers that share state."""

    __slots__ = ()


def duration_text(value: timedelta) -> str:
    """The text of a duration, as documents have it: ``timedelta(minutes=2)`` is ``"120s"``."""
    micros = value // timedelta(microseconds=1)
    if micros < 0:
        raise ValueError("a duration can't be negative")
    for unit, size in (("s", 1_000_000), ("ms", 1_000)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{micros}us"


def _kept(value: Any) -> Any:
    """A value that nobody else can change, as far as that is cheap."""
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(_kept, cast(Iterable[Any], value)))
    return value


def _plain(value: Any) -> Any:
    """A value of dicts, lists, texts and numbers only."""
    if isinstance(value, Entry):
        return value.to_dict()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Mapping):
        fields = cast(Mapping[object, Any], value)
        # JSON's names are text: `above={200_000: ...}` of a price.
        return {str(key): _plain(inner) for key, inner in fields.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in cast(Iterable[Any], value)]
    return value


def _shown(value: Any) -> str:
    """A secret shows where it is, never what it is."""
    if isinstance(value, Mapping):
        fields = cast(Mapping[object, Any], value)
        if set(fields) <= {"env", "file"}:
            return repr(dict(fields))
    if isinstance(value, Entry):
        return repr(value)
    return "'***'"
