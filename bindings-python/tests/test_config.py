"""The typed parts of a configuration: what they become, and that they can't be changed or give secrets away."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import timedelta
from typing import Any

import pytest

from belvedere import config, layers, providers
from belvedere._config import Entry, Layer, Provider
from belvedere.layers import Budget, BudgetAllowance, ModelPrice, Repair, Retry, RetryBudget, Route, RouteTarget, Timeout
from belvedere.providers import ApiKeyAuth, Groq, MetadataAuth, OpenAI, Vertex


def classes(module: Any, base: type[Entry]) -> list[type[Entry]]:
    found = [getattr(module, name) for name in module.__all__]
    return [thing for thing in found if isinstance(thing, type) and issubclass(thing, base)]


ENTRIES = classes(layers, Entry) + classes(providers, Entry) + classes(config, Entry)


def some(entry: type[Entry]) -> Entry:
    """One of a class, with a text where something is needed."""
    parameters = inspect.signature(entry).parameters.values()
    return entry(**{p.name: "x" for p in parameters if p.default is inspect.Parameter.empty})


def test_an_entry_is_what_a_configuration_has() -> None:
    assert Retry().to_dict() == {"type": "retry"}
    assert Retry(attempts=5).to_dict() == {"type": "retry", "attempts": 5}
    assert OpenAI(model="m").to_dict() == {"type": "openai", "model": "m"}
    assert config.Transport(proxy="none").to_dict() == {"proxy": "none"}


def test_what_is_none_by_default_is_left_out_and_what_is_not_is_said() -> None:
    assert Timeout(total=None).to_dict() == {"type": "timeout"}
    assert Timeout(idle=None).to_dict() == {"type": "timeout", "idle": None}
    assert Retry(budget=None).to_dict() == {"type": "retry", "budget": None}
    assert Retry(budget=RetryBudget(retries=5)).to_dict() == {"type": "retry", "budget": {"retries": 5}}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("1h 30m", "1h 30m"),
        (timedelta(minutes=2), "120s"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(microseconds=7), "7us"),
        (timedelta(0), "0s"),
    ],
)
def test_a_duration_is_text_or_a_timedelta(given: Any, text: str) -> None:
    assert Repair(backoff=given).to_dict()["backoff"] == text
    assert Repair(backoff=given) == Repair(backoff=text)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Repair(backoff=timedelta(seconds=-1))


def test_entries_hold_entries_and_dicts_alike() -> None:
    typed = Route(
        strategy="cost",
        targets=[RouteTarget(provider=Groq(model="m"), layers=[Timeout(idle=None)], when=["overloaded"])],
        prices={"m": ModelPrice(input="0.15", above={"200000": {"input": "6"}})},
    )
    plain = Route(
        strategy="cost",
        targets=[
            {
                "provider": {"type": "groq", "model": "m"},
                "layers": [{"type": "timeout", "idle": None}],
                "when": ["overloaded"],
            }
        ],
        prices={"m": {"input": "0.15", "above": {"200000": {"input": "6"}}}},
    )
    assert typed.to_dict() == plain.to_dict()
    assert typed == plain
    assert typed.to_dict()["prices"] == {"m": {"input": "0.15", "above": {"200000": {"input": "6"}}}}


def test_an_entry_can_not_be_changed() -> None:
    on = ["network"]
    retry = Retry(on=on)  # type: ignore[arg-type]
    on.append("timeout")
    assert retry.on == ("network",)
    with pytest.raises(AttributeError, match=r"Retry\.attempts can't be changed"):
        retry.attempts = 7
    with pytest.raises(AttributeError, match="can't be deleted"):
        del retry.attempts
    with pytest.raises(TypeError, match="atempts"):
        Retry(atempts=7)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Retry(7)  # type: ignore[misc]


def test_entries_of_other_types_are_not_equal() -> None:
    assert OpenAI(model="m") != Groq(model="m")
    assert Retry() != {"type": "retry"}
    assert Retry(attempts=3) == Retry()


def test_no_secret_is_shown() -> None:
    for shown in [
        OpenAI(api_key="sk-secret"),
        OpenAI(api_key=["sk-secret", "sk-secret-2"]),
        OpenAI(headers={"authorization": "secret"}),
        Vertex(credentials=ApiKeyAuth(key="secret")),
        Vertex(credentials={"type": "api_key", "key": "secret"}),
        Route(targets=[RouteTarget(provider=OpenAI(api_key="sk-secret"))]),
    ]:
        assert "secret" not in repr(shown)
        assert "secret" in str(shown.to_dict())
    assert repr(OpenAI(api_key={"env": "MY_KEY"})) == "OpenAI(api_key={'env': 'MY_KEY'})"
    assert repr(Vertex(credentials=MetadataAuth())) == "Vertex(credentials=MetadataAuth())"


def test_repr_is_what_makes_it() -> None:
    budget = Budget(limit=BudgetAllowance(usd=5, every="1d"), per=["tenant"])
    assert repr(budget) == "Budget(limit=BudgetAllowance(every='1d', usd=5), per=('tenant',))"
    assert eval(repr(budget), vars(layers)) == budget


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.__name__)
def test_every_entry_is_documented_copied_and_pickled(entry: type[Entry]) -> None:
    doc = entry.__doc__ or ""
    assert len(doc.splitlines()[0]) > 10
    if "__init__" in vars(entry):
        for name in inspect.signature(entry).parameters:
            assert f"\n        {name}: " in doc, name
    one = some(entry)
    assert copy.copy(one) == one and copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one
    assert max(map(len, doc.splitlines())) <= 120


def test_every_layer_and_provider_has_its_type() -> None:
    for base, module in ((Layer, layers), (Provider, providers)):
        found = [entry for entry in classes(module, base) if entry._type is not None]
        types = [entry._type for entry in found]
        assert len(found) >= 12 and len(set(types)) == len(types)
        assert all(some(entry).to_dict()["type"] == entry._type for entry in found)
