"""The hierarchy of exceptions: one root, a class for each category and kind, all of them data."""

from __future__ import annotations

import copy
import pickle

import pytest

import belvedere
from belvedere import errors

CATEGORIES = {
    "transient": errors.TransientError,
    "rate_limit": errors.RateLimitError,
    "auth": errors.AuthError,
    "validation": errors.ValidationError,
    "permanent": errors.PermanentError,
}


@pytest.mark.parametrize(("kind", "cls"), errors.KINDS.items())
def test_every_kind_is_an_error_of_its_category(kind: str, cls: type[errors.Error]) -> None:
    assert cls.kind == kind
    assert issubclass(cls, CATEGORIES[cls.category]) and issubclass(cls, errors.Error)
    assert getattr(belvedere, cls.__name__) is cls
    assert cls.__doc__ and "\n\n" in cls.__doc__, "what happened, and what to do"


@pytest.mark.parametrize("cls", errors.KINDS.values())
def test_every_error_survives_pickle_and_copy(cls: type[errors.Error]) -> None:
    error = cls("it went wrong", text="kind: it went wrong [status 418]", retry_after=1.5, http_status=418, attempts=2)
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(same) is cls
        assert str(same) == "kind: it went wrong [status 418]"
        assert (same.message, same.retry_after, same.http_status, same.attempts) == ("it went wrong", 1.5, 418, 2)
        assert same.to_dict() == error.to_dict()


def test_natural_counterparts_catch_them() -> None:
    for cls, natural in [
        (errors.Timeout, TimeoutError),
        (errors.Network, ConnectionError),
        (errors.InvalidRequest, ValueError),
        (errors.ConfigInvalid, ValueError),
        (errors.Unauthorized, PermissionError),
        (errors.ModelNotFound, LookupError),
    ]:
        with pytest.raises(natural, match="what happened"):
            raise cls("what happened")


def test_a_cancelled_call_is_no_cancelled_task() -> None:
    import asyncio

    assert not issubclass(errors.Cancelled, asyncio.CancelledError)
    assert issubclass(errors.Cancelled, Exception)


def test_whether_waiting_helps_is_said() -> None:
    assert errors.Overloaded("x").status == "temporary"
    assert errors.RateLimited("x").status == "temporary"
    assert errors.Unauthorized("x").status == "permanent"
    assert errors.Overloaded("x", status="persistent").to_dict() == {
        "category": "transient",
        "kind": "overloaded",
        "status": "persistent",
        "message": "x",
    }
