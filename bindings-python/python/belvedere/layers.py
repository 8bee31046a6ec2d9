"""Layers: what stands between a call and its provider.

`Client(provider=..., layers=[Retry(attempts=5), Timeout(idle="30s")])` has them outermost first. Each is what a
configuration names by its `type`: `Retry(attempts=5)` and `{"type": "retry", "attempts": 5}` are the same.
A time is text with its unit, such as `"500ms"`, or a `datetime.timedelta`.
"""

# Written by `cargo xtask python`. Change what it is made from, not this file.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from belvedere._config import Duration, Entry, Layer, Provider

__all__ = [
    "Breaker",
    "BreakerSlow",
    "Budget",
    "BudgetAbandoned",
    "BudgetAllowance",
    "BudgetOnStoreFailure",
    "Cassette",
    "CassetteCompare",
    "CassetteMatching",
    "CassetteMode",
    "CassettePace",
    "Choose",
    "ChooseArm",
    "ChooseBy",
    "ChooseExperiment",
    "ChooseNearBudget",
    "ChooseRule",
    "Debugger",
    "Degrade",
    "DegradeCanned",
    "DegradeReason",
    "Layer",
    "Limit",
    "LimitOnStoreFailure",
    "ModelPrice",
    "Repair",
    "RepairPolicy",
    "Retry",
    "RetryBudget",
    "RetryOn",
    "Route",
    "RouteCondition",
    "RouteEjection",
    "RouteHedge",
    "RouteSticky",
    "RouteStrategy",
    "RouteTarget",
    "Scrub",
    "Throttle",
    "Timeout",
]


class BreakerSlow(Entry):
    """What slow calls do.

    Args:
        after: A call is slow whose first content takes as long as this. Default `30s`.
        rate: What share of the calls of the window must be slow, from 0.01 to 1. Default 0.8.
    """

    __slots__ = ("after", "rate")

    def __init__(
        self,
        *,
        after: Duration = "30s",
        rate: float = 0.8,
    ) -> None:
        self.after: Duration = after
        self.rate: float = rate


class Breaker(Layer):
    """Leaves an upstream alone for a while that fails too often.

    There is one circuit for each provider, host, credential and model. It is closed at first: calls go
    through. It opens when `failures` calls failed in a row, or when of the calls of the last `window`, at
    least `min_calls`, the share `rate` failed, or the share of `Slow` was slow. Then calls are refused with
    `CircuitOpen`, not a byte goes upstream, and the error says for how long. After `open_for` it is
    half-open: at most `probes` calls at once go through. As many answers close it; one failure opens it
    again.

    All models of an upstream have one circuit more: it opens when `failures` calls failed in a row with no
    answer of any model in between, and half as many are not of the model that failed most. So one bad model
    does not keep the others from being asked, and a host that is down is not tried model by model.

    - `Network`, `Overloaded`, `Timeout`, `Truncated`, `Malformed`, before or in the stream: a failure
    - the end of a whole answer: an answer
    - `RateLimited`: neither; a delay that the provider states is kept, up to `cooldown`
    - all other errors; a call that was cancelled, dropped, or lost to a faster one: neither

    A result counts at the end of the stream. That of a call which began in an earlier state does not count. A
    probe without a result gives its place back when it is dropped, and at the end of `probe_lease` at the
    latest.

    While a provider asked to be left alone, by a header or a field and not in a text, calls to that model are
    refused as `RateLimited` with what is left of the delay: a retry waits for it, and a route asks another
    target.

    Place it inside `retry`, so that each attempt passes it, and outside `timeout`, so that what takes too
    long is a failure. A call costs two short locks and one small box; an event costs one hop.

    Args:
        cooldown: The longest time that a provider may ask to be left alone. Default `1m`; `0s`: it may not.
        failures: How many calls must fail in a row. Default 10; `None`: any number may.
        min_calls: Of how many calls a share is one at least. Default 30.
        models: How many models of an upstream are kept; past it, those are forgotten that were not asked for
            the longest. Default 1000.
        open_for: How long it is open. Default `30s`.
        probe_lease: How long a probe stands in the way of another at most. Default `1m`.
        probes: How many calls go through at once while it is half-open, and how many must be answered.
            Default 1.
        rate: What share of the calls of the window must fail, from 0.01 to 1. Default 0.5; `None`: all may.
        slow: What slow calls do. Default `None`: nothing.
        window: Over how long shares are counted. Default `1m`.

    Example:
        Breaker(failures=3, open_for="10s")
    """

    __slots__ = (
        "cooldown",
        "failures",
        "min_calls",
        "models",
        "open_for",
        "probe_lease",
        "probes",
        "rate",
        "slow",
        "window",
    )
    _type = "breaker"

    def __init__(
        self,
        *,
        cooldown: Duration = "1m",
        failures: int | None = 10,
        min_calls: int = 30,
        models: int = 1000,
        open_for: Duration = "30s",
        probe_lease: Duration = "1m",
        probes: int = 1,
        rate: float | None = 0.5,
        slow: BreakerSlow | Mapping[str, Any] | None = None,
        window: Duration = "1m",
    ) -> None:
        self.cooldown: Duration = cooldown
        self.failures: int | None = failures
        self.min_calls: int = min_calls
        self.models: int = models
        self.open_for: Duration = open_for
        self.probe_lease: Duration = probe_lease
        self.probes: int = probes
        self.rate: float | None = rate
        self.slow: BreakerSlow | Mapping[str, Any] | None = slow
        self.window: Duration = window


BudgetAbandoned = Literal["close", "drain"]


class BudgetAllowance(Entry):
    """How much there is in each period: of money or of tokens.

    Args:
        every: When it is there again: `1h`, `1d` and the like from the beginning of the Unix epoch on, which
            is UTC; `month`, by the calendar; or `never`. Default `never`.
        tokens: Tokens, read and written.
        usd: US dollars, with at most six decimals.
    """

    __slots__ = ("every", "tokens", "usd")

    def __init__(
        self,
        *,
        every: str = "never",
        tokens: int | None = None,
        usd: str | float | None = None,
    ) -> None:
        self.every: str = every
        self.tokens: int | None = tokens
        self.usd: str | float | None = usd


BudgetOnStoreFailure = Literal["closed", "open"]


class ModelPrice(Entry):
    """What a model costs, in US dollars per million units of each class, as its provider's price list states it.

    A class without a price is unknown, which is not free. These classes cost what another does where they
    have no price of their own, because that is how providers' lists are meant:

    - `reasoning` as `output`: thinking is billed as output (OpenAI, Anthropic, Google);
    - `cache_read`, `image_input`, `video_input` and `tool_prompt` as `input`: a list that states no discount
      or surcharge grants none.

    Audio, pictures that are written, and what is written to a cache always need a price of their own.

    Args:
        above: Prices of long prompts: more input tokens than this, cached ones included, and they hold for
            the whole call. A class left out keeps its price.
        audio_input: Audio read.
        audio_output: Audio written.
        cache_read: Input read from the prompt cache.
        cache_write_1h: Input written to the prompt cache for one hour.
        cache_write_5m: Input written to the prompt cache, for five minutes or for a time unstated.
        image_input: Images read.
        image_output: Images written.
        input: Text read.
        max_output: The most tokens that an answer can have: what bounds the cost of a call without
            `max_tokens`.
        other: Classes without a name of their own here, by the provider's word.
        output: Text written.
        reasoning: Thinking.
        services: Prices of other service tiers, by the provider's word: `batch`, `flex`, `priority`. A class
            left out is unknown there.
        tool_prompt: Input the provider added to run its own tools.
        video_input: Video read.
        web_search_calls: Calls of the provider's web search: dollars per million calls, so `10000` for a cent
            each.
    """

    __slots__ = (
        "above",
        "audio_input",
        "audio_output",
        "cache_read",
        "cache_write_1h",
        "cache_write_5m",
        "image_input",
        "image_output",
        "input",
        "max_output",
        "other",
        "output",
        "reasoning",
        "services",
        "tool_prompt",
        "video_input",
        "web_search_calls",
    )

    def __init__(
        self,
        *,
        above: Mapping[str, ModelPrice | Mapping[str, Any]] | None = None,
        audio_input: str | float | None = None,
        audio_output: str | float | None = None,
        cache_read: str | float | None = None,
        cache_write_1h: str | float | None = None,
        cache_write_5m: str | float | None = None,
        image_input: str | float | None = None,
        image_output: str | float | None = None,
        input: str | float | None = None,
        max_output: int | None = None,
        other: Mapping[str, str | float] | None = None,
        output: str | float | None = None,
        reasoning: str | float | None = None,
        services: Mapping[str, ModelPrice | Mapping[str, Any]] | None = None,
        tool_prompt: str | float | None = None,
        video_input: str | float | None = None,
        web_search_calls: str | float | None = None,
    ) -> None:
        self.above: Mapping[str, ModelPrice | Mapping[str, Any]] | None = above
        self.audio_input: str | float | None = audio_input
        self.audio_output: str | float | None = audio_output
        self.cache_read: str | float | None = cache_read
        self.cache_write_1h: str | float | None = cache_write_1h
        self.cache_write_5m: str | float | None = cache_write_5m
        self.image_input: str | float | None = image_input
        self.image_output: str | float | None = image_output
        self.input: str | float | None = input
        self.max_output: int | None = max_output
        self.other: Mapping[str, str | float] | None = other
        self.output: str | float | None = output
        self.reasoning: str | float | None = reasoning
        self.services: Mapping[str, ModelPrice | Mapping[str, Any]] | None = services
        self.tool_prompt: str | float | None = tool_prompt
        self.video_input: str | float | None = video_input
        self.web_search_calls: str | float | None = web_search_calls


class Budget(Layer):
    """Holds calls to a budget: so much money, or so many tokens, in each period, for each key. The settings of a
    `Budget`; a `limit` is needed.

    Before a call is made, the most that it can cost is reserved; when it ends, however it does, it is settled
    by what its attempts used. So calls at once can't spend the same money. A call beyond the limit is refused
    with `BudgetExceeded` before anything is sent; a stream that runs into it ends so, and the error has what
    came.

    Place it outside of everything that makes attempts, and of `limit`, `choose` and `cache`.

    Args:
        name: What it is called in the store: budgets of one name, unit and period count together. Default
            `budget`.
        abandoned: What becomes of an answer that its caller leaves. Default `close`.
            `"close"`: Its connection is closed. What it cost is estimated by what came, where the provider
                did not tell.
            `"drain"`: It is read on in the background, so that the provider tells what it cost.
        drain_for: How long an answer is read on under `drain`. Default `30s`.
        keep: How long the lines of a call are kept. Default: 30 days in a store that survives the process, a
            minute in memory; `0s`: not at all.
        lease: How long a reservation is taken to be of a call that still runs; after that it counts as spent.
            Default `1h`.
        limit: How much there is.
        max_keys: Of how many keys this process remembers how much they used. Default 100,000.
        max_output: How many tokens are reserved for an answer that does not come as a stream, where neither
            the request nor the table of prices says how many there can be. Default 4096.
        on_store_failure: What holds when the store fails. Default `closed`.
            `"closed"`: Nobody gets through.
            `"open"`: Everybody gets through, and the ledger does not know of it.
        per: Whose calls are counted together: those that agree in all of these. Default: all calls.
        prices: Prices that go before the shipped table.
        soft: The share of the limit from which on a signal warns. Default `0.8`; `None`: none does.
        store: The store that keeps its ledger, by its name in the document's `stores`. Default: `memory`.
        store_timeout: How long the store is waited for before it counts as failed. Default `1s`.
        top_up: How many tokens of the answer are reserved at a time, for a stream without `max_tokens`.
            Default 512.
        unknown_price: What becomes of a call whose price is unknown. Default `refuse`. A budget of tokens has
            no such calls.
            `"refuse"`: It is refused: a limit that does not know what it lets through is none.
            `"allow"`: It is let through and costs the budget nothing. Its line says that the cost is unknown.
            `{"assume": ...}`: It has this price. Its line says that the cost is an estimate.

    Example:
        Budget(limit={"every": "month", "usd": 50}, per=["tenant"])
    """

    __slots__ = (
        "name",
        "abandoned",
        "drain_for",
        "keep",
        "lease",
        "limit",
        "max_keys",
        "max_output",
        "on_store_failure",
        "per",
        "prices",
        "soft",
        "store",
        "store_timeout",
        "top_up",
        "unknown_price",
    )
    _type = "budget"

    def __init__(
        self,
        *,
        name: str = "budget",
        abandoned: BudgetAbandoned = "close",
        drain_for: Duration = "30s",
        keep: Duration | None = None,
        lease: Duration = "1h",
        limit: BudgetAllowance | Mapping[str, Any] = BudgetAllowance(every="never"),
        max_keys: int = 100000,
        max_output: int = 4096,
        on_store_failure: BudgetOnStoreFailure = "closed",
        per: Sequence[str] = (),
        prices: Mapping[str, ModelPrice | Mapping[str, Any]] | None = None,
        soft: float | None = 0.8,
        store: str | None = None,
        store_timeout: Duration = "1s",
        top_up: int = 512,
        unknown_price: Literal["refuse"] | Literal["allow"] | Mapping[str, Any] = "refuse",
    ) -> None:
        self.name: str = name
        self.abandoned: BudgetAbandoned = abandoned
        self.drain_for: Duration = drain_for
        self.keep: Duration | None = keep
        self.lease: Duration = lease
        self.limit: BudgetAllowance | Mapping[str, Any] = limit
        self.max_keys: int = max_keys
        self.max_output: int = max_output
        self.on_store_failure: BudgetOnStoreFailure = on_store_failure
        self.per: Sequence[str] = per
        self.prices: Mapping[str, ModelPrice | Mapping[str, Any]] | None = prices
        self.soft: float | None = soft
        self.store: str | None = store
        self.store_timeout: Duration = store_timeout
        self.top_up: int = top_up
        self.unknown_price: Literal["refuse"] | Literal["allow"] | Mapping[str, Any] = unknown_price


CassetteCompare = Literal["exact", "canonical"]


class CassetteMatching(Entry):
    """How a request is compared with recorded ones.

    Args:
        body: What of the body must be equal. Default `canonical`.
            `"exact"`: Every byte.
            `"canonical"`: The JSON value: neither the order of fields nor the form of numbers counts. Bodies
                that are no JSON are compared byte by byte.
        headers: Headers that must be equal, beside method and address. Default: `content-type`.
        ignore: Fields of the body that may differ, with `body: canonical`: paths as in `Scrub.fields`.
        in_order: True: requests come in the order they were recorded. Default `False`: the first unused
            exchange that fits.
        repeat: True: an exchange answers any number of requests. Default `False`: one.
    """

    __slots__ = ("body", "headers", "ignore", "in_order", "repeat")

    def __init__(
        self,
        *,
        body: CassetteCompare = "canonical",
        headers: Sequence[str] = ("content-type",),
        ignore: Sequence[str] = (),
        in_order: bool = False,
        repeat: bool = False,
    ) -> None:
        self.body: CassetteCompare = body
        self.headers: Sequence[str] = headers
        self.ignore: Sequence[str] = ignore
        self.in_order: bool = in_order
        self.repeat: bool = repeat


CassetteMode = Literal["record", "replay", "auto"]


CassettePace = Literal["instant", "recorded"]


class Scrub(Entry):
    """What is taken out of an exchange beside what always is: credentials in headers and addresses, and wherever
    the same text stands elsewhere.

    Args:
        fields: Fields of JSON bodies, as paths whose steps are joined by dots; `*` is every step:
            `messages.*.content`, `user`.
        headers: Further headers, by name.
        texts: Texts, wherever they stand.
    """

    __slots__ = ("fields", "headers", "texts")

    def __init__(
        self,
        *,
        fields: Sequence[str] = (),
        headers: Sequence[str] = (),
        texts: Sequence[str] = (),
    ) -> None:
        self.fields: Sequence[str] = fields
        self.headers: Sequence[str] = headers
        self.texts: Sequence[str] = texts


class Cassette(Layer):
    """Records a client's traffic to a cassette file, or answers from one. In a configuration its type is
    `cassette`, in builds with the feature `testing`.

    It wraps the lent network, so its place among the layers does not matter. A file is written each time an
    exchange is over; a cassette that holds what looks like a secret is not, and the call fails instead.

    Args:
        path: The file.
        matching: How requests are compared with recorded ones.
        mode: What to do. Default `auto`.
            `"record"`: Records; what the file held is replaced.
            `"replay"`: Replays; nothing reaches the network.
            `"auto"`: Replays when the file is there, records when it is not.
        pace: How fast it is replayed. Default `instant`.
            `"instant"`: At once.
            `"recorded"`: With the times of the recording, on the lent clock.
        scrub: What is taken out beside credentials.
    """

    __slots__ = ("path", "matching", "mode", "pace", "scrub")
    _type = "cassette"

    def __init__(
        self,
        *,
        path: str,
        matching: CassetteMatching | Mapping[str, Any] = CassetteMatching(body="canonical", headers=("content-type",), ignore=(), in_order=False, repeat=False),
        mode: CassetteMode = "auto",
        pace: CassettePace = "instant",
        scrub: Scrub | Mapping[str, Any] = Scrub(fields=(), headers=(), texts=()),
    ) -> None:
        self.path: str = path
        self.matching: CassetteMatching | Mapping[str, Any] = matching
        self.mode: CassetteMode = mode
        self.pace: CassettePace = pace
        self.scrub: Scrub | Mapping[str, Any] = scrub


class ChooseArm(Entry):
    """A model of an experiment.

    Args:
        model: The model to ask.
        weight: Its share of the calls, in proportion to the weights of the others. Default 1.
    """

    __slots__ = ("model", "weight")

    def __init__(
        self,
        *,
        model: str,
        weight: int = 1,
    ) -> None:
        self.model: str = model
        self.weight: int = weight


ChooseBy = Literal["call", "session", "user", "tenant"]


class ChooseExperiment(Entry):
    """An experiment: calls are split among several models, and how they fare is compared.

    Args:
        name: Its name. Another name splits anew, and begins a new count.
        arms: The models. The others are compared with the first.
        by: What is always in the same arm. Default `user`.
            `"call"`: Each call by itself.
            `"session"`: A session.
            `"user"`: A user.
            `"tenant"`: A tenant.
        task: The task it is for, as in a rule. Default `None`: all calls.
    """

    __slots__ = ("name", "arms", "by", "task")

    def __init__(
        self,
        *,
        name: str,
        arms: Sequence[ChooseArm | Mapping[str, Any]],
        by: ChooseBy = "user",
        task: str | None = None,
    ) -> None:
        self.name: str = name
        self.arms: Sequence[ChooseArm | Mapping[str, Any]] = arms
        self.by: ChooseBy = by
        self.task: str | None = task


class ChooseNearBudget(Entry):
    """A cheaper model near a budget.

    Args:
        model: The model to ask then.
        above: From this share of a budget on, reservations included; 0.8 is 80%. Of several budgets, the one
            that is used most counts.
    """

    __slots__ = ("model", "above")

    def __init__(
        self,
        *,
        model: str,
        above: float,
    ) -> None:
        self.model: str = model
        self.above: float = above


class ChooseRule(Entry):
    """Which model requests of a kind go to. Of several rules, the first that applies says it.

    Args:
        preferred: The model to ask.
        complexity_threshold: From this score of `Complexity` on, `fallback` is asked. Default `None`:
            `preferred` is, at every score.
        fallback: The model to ask from the threshold on, for what is too hard for the preferred one. Default
            `None`: the rule does not apply there, and the next is tried.
        tags: Tags that the call's scope must have, all of them. Default: none.
        task: The task it is for: that of the scope's tag `TASK` or, without one, what the request looks like
            (`Complexity.task`). Default `None`: any.
    """

    __slots__ = ("preferred", "complexity_threshold", "fallback", "tags", "task")

    def __init__(
        self,
        *,
        preferred: str,
        complexity_threshold: float | None = None,
        fallback: str | None = None,
        tags: Mapping[str, str] | None = None,
        task: str | None = None,
    ) -> None:
        self.preferred: str = preferred
        self.complexity_threshold: float | None = complexity_threshold
        self.fallback: str | None = fallback
        self.tags: Mapping[str, str] | None = tags
        self.task: str | None = task


class Choose(Layer):
    """Chooses the model of a request that names none. Who says so, first to last:

    1. `near_budget`: once that much of a budget is used, the cheaper model.
    2. `experiment`: the model of the call's arm.
    3. `rules`: the first that applies.

    Where none of them does, the provider's configured model answers. A request that names a model keeps it,
    unless `override` is set. The model is written into the request, so layers further in see it as if the
    caller had named it: the cache has it in its key. Where the caller's own word is overruled, and near a
    budget, the stream begins with `Notice.Chosen`.

    Place it inside `budget` and `limit`, which know what is left, and outside of `cache` and `route`. A rule
    costs a few comparisons. A threshold costs one pass over the text of the last turn, `Complexity.of`; so
    does a task, for calls without the tag `TASK`. An event costs nothing, except in an experiment: its calls
    are watched to their end.

    A clone is a handle: `report` tells how an experiment stands, `record` adds what people thought of the
    answers.

    Args:
        experiment: Calls are split among several models. Default `None`: no experiment.
        near_budget: A cheaper model near a budget. Default `None`: the same model to the end.
        override: Whether it also chooses for requests that name a model. Default `False`: the caller's word
            holds.
        rules: Which model requests of a kind go to. Default: none.

    Example:
        Choose(rules=[{"complexity_threshold": 0.3, "fallback": "large", "preferred": "small"}])
    """

    __slots__ = ("experiment", "near_budget", "override", "rules")
    _type = "choose"

    def __init__(
        self,
        *,
        experiment: ChooseExperiment | Mapping[str, Any] | None = None,
        near_budget: ChooseNearBudget | Mapping[str, Any] | None = None,
        override: bool = False,
        rules: Sequence[ChooseRule | Mapping[str, Any]] = (),
    ) -> None:
        self.experiment: ChooseExperiment | Mapping[str, Any] | None = experiment
        self.near_budget: ChooseNearBudget | Mapping[str, Any] | None = near_budget
        self.override: bool = override
        self.rules: Sequence[ChooseRule | Mapping[str, Any]] = rules


class Debugger(Layer):
    """Records the last calls of a client: every chunk, event, state and time, within bounds. In a configuration
    its type is `debugger`, in builds with the feature `testing`.

    Place it outermost: it shows what the caller sees, beside everything that went over the wire for it.
    Clones share the recordings, so keep one and give the other to the client. It costs a copy of every
    event's text, so it belongs into tests and to a developer's machine.

    Args:
        bytes: How many bytes of memory the chunks of a call may take, and as many again its events. The
            oldest are let go. The requests are kept whole. Default 262144 (256 KiB).
        calls: How many calls are kept, the newest ones. Default 16.
        path: Where the timelines of all kept calls are written whenever one ends. Default `None`: nowhere.
        scrub: What is taken out beside credentials.
    """

    __slots__ = ("bytes", "calls", "path", "scrub")
    _type = "debugger"

    def __init__(
        self,
        *,
        bytes: int = 262144,
        calls: int = 16,
        path: str | None = None,
        scrub: Scrub | Mapping[str, Any] = Scrub(fields=(), headers=(), texts=()),
    ) -> None:
        self.bytes: int = bytes
        self.calls: int = calls
        self.path: str | None = path
        self.scrub: Scrub | Mapping[str, Any] = scrub


DegradeReason = Literal[
    "network",
    "overloaded",
    "timeout",
    "truncated",
    "malformed",
    "circuit_open",
    "store",
    "rate_limited",
    "quota_exhausted",
    "model_not_found",
    "unauthorized",
    "forbidden",
    "content_filtered",
    "unexpected",
]


class DegradeCanned(Entry):
    """A text for some calls.

    Args:
        answer: The text.
        tags: Tags that the call's scope must have, all of them, such as `task: support` or `language: de`.
            Default: none.
        when: The failures it is for. Default: all that the layer steps in for.
            `"network"`: The connection could not be made, was reset, or broke.
            `"overloaded"`: The provider is overloaded or failed on its side.
            `"timeout"`: A time limit ran out.
            `"truncated"`: The wire ended before the answer.
            `"malformed"`: The provider sent what its protocol does not allow.
            `"circuit_open"`: A circuit breaker refused the call.
            `"store"`: A store failed.
            `"rate_limited"`: Too many requests or tokens.
            `"quota_exhausted"`: The account's quota or credit is used up.
            `"model_not_found"`: The model does not exist or is not open to this account.
            `"unauthorized"`: The credentials are missing or wrong.
            `"forbidden"`: The credentials do not allow this.
            `"content_filtered"`: The provider's content filter refused the request or the answer.
            `"unexpected"`: What none of the others says.
    """

    __slots__ = ("answer", "tags", "when")

    def __init__(
        self,
        *,
        answer: str,
        tags: Mapping[str, str] | None = None,
        when: Sequence[DegradeReason] | None = None,
    ) -> None:
        self.answer: str = answer
        self.tags: Mapping[str, str] | None = tags
        self.when: Sequence[DegradeReason] | None = when


class Degrade(Layer):
    """Answers a chat that failed with a last resort: a smaller model, then a text written beforehand.

    It steps in only before the first content was handed out: a stream that breaks later ends with its error,
    because a text that is joined to half an answer is no answer. It never steps in for a verdict of a guard
    (`Blocked`), a cancel, or a request that is wrong in itself, and not for a call that goes on with a
    checkpoint.

    A last resort is marked, so that nobody takes it for an answer of the model: the stream begins with
    `Notice.Degraded`, the hooks hear `Signal.Degraded`, and the call is answered by `DEGRADED`, which no
    cache keeps. The failed attempts stay in the list of the call's attempts.

    The smaller model is one further attempt, drawn on the call's budget. A text that is not JSON is not given
    to a request for JSON, and none is given where the answer must be a tool call or goes on with a prefix.

    Place it inside `choose` and outside of `cache`, `route` and `retry`: it is asked when all of them gave
    up. It reads a stream ahead up to its first content; from there on, an event costs nothing. With a `model`
    it clones the request.

    Args:
        model: A smaller model to ask instead, first of all. Default `None`: none.
        answer: The text for all others. Default `None`: they fail with their error.
        answers: Texts for some calls; the first that applies is the answer. Default: none.
        when: The failures it steps in for. Default: those that are not the caller's fault and not the
            configuration's, `Reason.USUAL`.
            `"network"`: The connection could not be made, was reset, or broke.
            `"overloaded"`: The provider is overloaded or failed on its side.
            `"timeout"`: A time limit ran out.
            `"truncated"`: The wire ended before the answer.
            `"malformed"`: The provider sent what its protocol does not allow.
            `"circuit_open"`: A circuit breaker refused the call.
            `"store"`: A store failed.
            `"rate_limited"`: Too many requests or tokens.
            `"quota_exhausted"`: The account's quota or credit is used up.
            `"model_not_found"`: The model does not exist or is not open to this account.
            `"unauthorized"`: The credentials are missing or wrong.
            `"forbidden"`: The credentials do not allow this.
            `"content_filtered"`: The provider's content filter refused the request or the answer.
            `"unexpected"`: What none of the others says.

    Example:
        Degrade(answer="We are busy. Please try again in a minute.")
    """

    __slots__ = ("model", "answer", "answers", "when")
    _type = "degrade"

    def __init__(
        self,
        *,
        model: str | None = None,
        answer: str | None = None,
        answers: Sequence[DegradeCanned | Mapping[str, Any]] = (),
        when: Sequence[DegradeReason] = ("network", "overloaded", "timeout", "truncated", "malformed", "circuit_open", "store", "rate_limited", "quota_exhausted"),
    ) -> None:
        self.model: str | None = model
        self.answer: str | None = answer
        self.answers: Sequence[DegradeCanned | Mapping[str, Any]] = answers
        self.when: Sequence[DegradeReason] = when


LimitOnStoreFailure = Literal["closed", "degraded", "open"]


class Limit(Layer):
    """Holds calls to so many requests, so many tokens, or both, in a time, for each key. The settings of a
    `Limit`; at least one of `requests` and `tokens` is needed.

    A call that finds the quota used up waits for its turn, at most `wait`; then it is refused as
    `RateLimited`, and the error says when to come back. Tokens are reserved by estimate, and settled when the
    answer tells how many there were.

    Place it inside `budget` and outside of `cache`: a hit uses a request, too.

    Args:
        name: What it is called in the store: limits of one name count together. Default `limit`.
        burst: How many requests may come at once after a rest. Default: as many as `requests` has.
        max_keys: How many keys are kept in this process; those beyond share one quota. Default 100,000.
        on_store_failure: What holds when the store fails. Default `degraded`.
            `"closed"`: Nobody gets through.
            `"degraded"`: This process's share of the limit.
            `"open"`: Everybody gets through.
        output: How many tokens are reserved for the answer of a request without `max_tokens`. Default 1024.
        per: Whose calls are counted together: those that agree in all of these. Default: all calls.
        requests: How many requests in how much time, such as `10/min`. Default: no limit.
        share: How many processes share the store: each has this part of the limit when the store fails.
            Default 1.
        store: The store that keeps it, by its name in the document's `stores`. Default: none, the limit is of
            this process.
        store_timeout: How long the store is waited for before it counts as failed. Default `1s`.
        tokens: How many tokens in how much time, such as `100000/day`. Default: no limit.
        wait: How long a call waits for its turn before it is refused. Default `0s`: it does not.

    Example:
        Limit(per=["user"], requests="10/min", wait="5s")
    """

    __slots__ = (
        "name",
        "burst",
        "max_keys",
        "on_store_failure",
        "output",
        "per",
        "requests",
        "share",
        "store",
        "store_timeout",
        "tokens",
        "wait",
    )
    _type = "limit"

    def __init__(
        self,
        *,
        name: str = "limit",
        burst: int | None = None,
        max_keys: int = 100000,
        on_store_failure: LimitOnStoreFailure = "degraded",
        output: int = 1024,
        per: Sequence[str] = (),
        requests: str | None = None,
        share: int = 1,
        store: str | None = None,
        store_timeout: Duration = "1s",
        tokens: str | None = None,
        wait: Duration = "0s",
    ) -> None:
        self.name: str = name
        self.burst: int | None = burst
        self.max_keys: int = max_keys
        self.on_store_failure: LimitOnStoreFailure = on_store_failure
        self.output: int = output
        self.per: Sequence[str] = per
        self.requests: str | None = requests
        self.share: int = share
        self.store: str | None = store
        self.store_timeout: Duration = store_timeout
        self.tokens: str | None = tokens
        self.wait: Duration = wait


RepairPolicy = Literal["fail", "restart", "continue"]


class Repair(Layer):
    """Repairs an answer that breaks: cut, reset, silent, or ended by an error of the provider's side.

    What breaks is an error of the kinds `Network`, `Overloaded`, `Truncated`, `Malformed` and `Timeout` (not
    `total`), before or in the stream. All other errors, an error that a layer further in has given up on, and
    an error after `Finish` are handed on. As long as nothing of the answer was handed out, which takes its
    first content, the request is simply sent again. After that the `policy` says what is done:

    - `fail`: the error, with the partial answer in it. Nothing is sent again, not even before the first
      content.
    - `restart`: `Notice.Restart`, and one whole new answer.
    - `continue`: `Notice.Continued`, and the rest of the same answer; where that can't be had, as `restart`.
      How depends on what was open:

    - text. What is asked: the partial answer is given as the beginning of the answer
      (`continue_final_message`); a target that lacks this is shown it, and asked to go on by `ask`. What is
      done at the seam: what is repeated is taken out: all of it, or, when asked, an end of at least 8
      characters or 12 bytes; where several ends fit, the answer is asked for again
    - text, JSON asked for. What is asked: as above, but never by `ask`: a target that is held to a form
      writes the whole value. What is done at the seam: the joined value must parse, or the answer is
      restarted
    - a tool call, reasoning. What is asked: the text before it is given as above; without such text the
      request is sent again. What is done at the seam: the new call must begin with what was handed out, or
      the answer is restarted behind the text that was kept
    - anything else. What is asked: the request is sent again. What is done at the seam: the new answer must
      begin with what was handed out, or it is a restart

    So what was handed out is always the beginning of one answer, or is voided by a `Restart`. Text of fewer
    than 16 characters is asked for anew: a repetition could not be told from an answer that repeats itself.
    Nor is an answer continued whose call has an idempotency key: with it, only the same request may be sent.
    The continued answer keeps id and model of its first attempt, and each attempt may use the whole
    `max_tokens`.

    Usage is that of all attempts together. Where an attempt broke before it told its usage, a notice says
    that the sum lacks it. The last error is the one that is handed out, with the partial answer and the
    number of attempts; when a target refuses to go on with a partial answer, the error that broke it stays
    the cause.

    A further attempt is drawn from the call's attempt budget, too. It begins after a random wait of up to
    `backoff`, doubled each time, and no sooner than the provider said; where that is more than a minute away,
    or past the deadline, the error is handed on instead. It does not begin while the call is paused.

    The layer also goes on with the `Checkpoint` of a call.

    Place it outside `retry`, inside `route`: each target repairs its own answers, and each attempt of a
    repair has the retries, the breaker and the time limits that a first one has. An answer that does not
    break is handed on event for event; it costs a clone of the request and, for each event, one append to the
    partial answer. An answer that was asked for as a whole and is all there costs nothing.

    Args:
        ask: The user's message that asks a target for the rest, where it can only be asked. `{tail}` stands
            for the end of what it said, as a JSON string. Default: `Repair.ASK`, which is in no language.
        attempts: How many further attempts a call may make here. Default 2.
        backoff: The longest wait before the first further attempt; it doubles with each. Default `250ms`;
            `0s`: none.
        policy: What is done about an answer that broke. Default `continue`.
            `"fail"`: It ends with the error, the partial answer inside.
            `"restart"`: It is void, and a whole new one follows.
            `"continue"`: It goes on where it broke; where that can't be had, it is restarted.
    """

    __slots__ = ("ask", "attempts", "backoff", "policy")
    _type = "repair"

    def __init__(
        self,
        *,
        ask: str = "{\"continue_after\": {tail}}",
        attempts: int = 2,
        backoff: Duration = "250ms",
        policy: RepairPolicy = "continue",
    ) -> None:
        self.ask: str = ask
        self.attempts: int = attempts
        self.backoff: Duration = backoff
        self.policy: RepairPolicy = policy


class RetryBudget(Entry):
    """How many retries an upstream gets that fails: a bucket that answers fill.

    All calls to one provider, host and credential share it. As in AWS's SDKs it is fed by success and not by
    time (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>); as in gRPC every
    answer gives a part of a retry (`retryThrottling`,
    <https://github.com/grpc/proposal/blob/master/A6-client-retries.md>). No retry is held until it has ended:
    a budget that waiting retries use up would depend on how many calls run at once.

    Args:
        ratio: What part of a retry each answer gives back, from 0 to 1. Default 0.3: enough while up to 23%
            of all attempts fail, and never more than 30% of load on top.
        retries: How many retries the full bucket holds. Default 100.
    """

    __slots__ = ("ratio", "retries")

    def __init__(
        self,
        *,
        ratio: float = 0.3,
        retries: int = 100,
    ) -> None:
        self.ratio: float = ratio
        self.retries: int = retries


RetryOn = Literal[
    "network",
    "overloaded",
    "rate_limited",
    "timeout",
    "truncated",
    "malformed",
    "circuit_open",
]


class Retry(Layer):
    """Sends a request again whose attempt failed before its first content.

    An attempt is retried when its error is temporary and of a kind in `on`. What fails for good (a wrong
    request, a wrong key, a context that is too long, an empty account) is handed on as it came, and so is an
    answer that broke after its first content: that is `repair`'s. An answer that hit its length is an answer.

    Before each retry it is waited, at random between nothing and `backoff`, a limit that doubles with each
    retry up to `max_backoff`. A provider that says when to come back is never asked sooner: the random wait
    comes on top of its own, so that many clients that were told the same moment do not come back in one. A
    provider that wants more than `max_wait` is not waited for, nor is anything past the deadline of the call:
    then the error is handed on at once, with its `retry_after`.

    Retries stay within three bounds: `attempts` of this layer, the attempts of the whole call
    (`Options.attempts`), and the `budget` of the upstream. The budget is one for each provider, host and
    credential. Each retry takes one from it, each answer gives `ratio` of one back, so an upstream that
    answers nothing soon gets no retries at all.

    The last error is the one that is handed out, marked as persistent: no layer further out tries the same
    again. The client lists all attempts in it. An answer that took retries begins with one `Notice.Retried`
    for each; nothing else of a failed attempt shows. Whoever listens hears of `Signal.Retry` before each
    wait.

    An idempotency key of the caller goes with every attempt. None is made up: no wire of this library
    documents one for its answers.

    Place it outside `breaker` and `timeout`, inside `repair` and `route`: each attempt passes the breaker and
    has time limits of its own, and a target is given up before the next one is asked. The layer costs a clone
    of the request, which shares its messages; an event costs nothing, unless there were retries.

    Args:
        attempts: How many attempts there may be, the first included. Default 3; 1: no retries.
        backoff: The longest wait before the first retry; it doubles with each. Default `500ms`; `0s`: none.
        budget: How many retries an upstream gets that fails. `None`: as many as each call may make.
        max_backoff: What that limit grows to at most. Default `8s`.
        max_wait: The longest wait that a provider may ask for. Default `60s`.
        on: What is retried. Default: all but `circuit_open`, which does not last for a wait or two.
            `"network"`: The connection could not be made, or broke.
            `"overloaded"`: The provider is overloaded or failed on its side.
            `"rate_limited"`: Too many requests or tokens.
            `"timeout"`: A time limit of the attempt ran out, whichever.
            `"truncated"`: The answer ended before its first content.
            `"malformed"`: What came is not what the wire's protocol allows: the page of a proxy, for one.
            `"circuit_open"`: The breaker refused the attempt.
    """

    __slots__ = ("attempts", "backoff", "budget", "max_backoff", "max_wait", "on")
    _type = "retry"

    def __init__(
        self,
        *,
        attempts: int = 3,
        backoff: Duration = "500ms",
        budget: RetryBudget | Mapping[str, Any] | None = RetryBudget(ratio=0.3, retries=100),
        max_backoff: Duration = "8s",
        max_wait: Duration = "1m",
        on: Sequence[RetryOn] = ("network", "overloaded", "rate_limited", "timeout", "truncated", "malformed"),
    ) -> None:
        self.attempts: int = attempts
        self.backoff: Duration = backoff
        self.budget: RetryBudget | Mapping[str, Any] | None = budget
        self.max_backoff: Duration = max_backoff
        self.max_wait: Duration = max_wait
        self.on: Sequence[RetryOn] = on


class RouteEjection(Entry):
    """When and for how long a target is left out.

    Args:
        base: How long the first time; the second time twice as long, and so on. Default: `30s`.
        consecutive: This many failures in a row. Default: 5.
        failure_rate: This part of its last 64 calls failed, and twice that of its peers. Default: 0.5.
        max: How long at most. Default: `5m`.
        min_calls: How many calls are seen before `failure_rate` counts, at most 64. Default: 20.
        share: The part of the targets that is left out at most. One always stays. Default: 0.5.
    """

    __slots__ = ("base", "consecutive", "failure_rate", "max", "min_calls", "share")

    def __init__(
        self,
        *,
        base: Duration = "30s",
        consecutive: int = 5,
        failure_rate: float = 0.5,
        max: Duration = "5m",
        min_calls: int = 20,
        share: float = 0.5,
    ) -> None:
        self.base: Duration = base
        self.consecutive: int = consecutive
        self.failure_rate: float = failure_rate
        self.max: Duration = max
        self.min_calls: int = min_calls
        self.share: float = share


class RouteHedge(Entry):
    """When a second attempt is begun beside one that is slow.

    Args:
        max: Second attempts to answered calls, at most. Default: 0.05.
        min_samples: How many answers of a target are seen before its calls are hedged. Default: 20.
        quantile: The part of a target's calls that had their first content sooner than what counts as slow.
            Default: 0.95.
    """

    __slots__ = ("max", "min_samples", "quantile")

    def __init__(
        self,
        *,
        max: float = 0.05,
        min_samples: int = 20,
        quantile: float = 0.95,
    ) -> None:
        self.max: float = max
        self.min_samples: int = min_samples
        self.quantile: float = quantile


RouteSticky = Literal["session"]


RouteStrategy = Literal["priority", "weighted", "least_latency", "cost"]


RouteCondition = Literal[
    "network",
    "overloaded",
    "timeout",
    "truncated",
    "malformed",
    "circuit_open",
    "store",
    "rate_limited",
    "unauthorized",
    "forbidden",
    "invalid_request",
    "context_too_long",
    "unsupported",
    "config_invalid",
    "model_not_found",
    "content_filtered",
    "quota_exhausted",
    "budget_exceeded",
    "unexpected",
]


class RouteTarget(Entry):
    """The document of a target.

    Args:
        provider: The provider.
        name: Its name; none has two. Default: `provider/model`.
        layers: Its own layers, outermost first.
        weight: Its share where shares are drawn: by `weighted` and `sticky`. 0: only a fallback. Default: 1.
        when: Makes it a fallback only, asked after these kinds of error. Default: asked in its turn, and
            after all errors that another target may not have.
    """

    __slots__ = ("provider", "name", "layers", "weight", "when")

    def __init__(
        self,
        *,
        provider: Provider | Mapping[str, Any],
        name: str | None = None,
        layers: Sequence[Layer | Mapping[str, Any]] | None = None,
        weight: int = 1,
        when: Sequence[RouteCondition] | None = None,
    ) -> None:
        self.provider: Provider | Mapping[str, Any] = provider
        self.name: str | None = name
        self.layers: Sequence[Layer | Mapping[str, Any]] | None = layers
        self.weight: int = weight
        self.when: Sequence[RouteCondition] | None = when


class Route(Layer):
    """Answers by one of several targets, each a provider with layers of its own. The settings of a `Route`: in a
    document its targets are documents, too; in code they are `Target`s.

    What stands inside the route is its first target, named `primary`; the `targets` follow. A configuration
    whose route names all its targets needs no `provider`. When a target fails before its first content, the
    next one is asked, for streams and whole answers alike. A guard's verdict and a cancel are final.

    Place it outside of `repair`, `retry`, `breaker` and `timeout`, which belong to a target each, and inside
    of everything that is about the whole call.

    Args:
        ejection: Leaves a target out for a while that fails more than its peers. Default: none is.
        hedge: A second attempt beside one that is slow. Default: none.
        prices: Prices that go before those of the shipped table, for `cost`. Default: none.
        primary: The name of what stands inside the route, its first target, where there is one. Default:
            `primary`.
        sticky: Whose calls go to the same target while it is healthy, whatever the strategy. Default:
            nobody's.
            `"session"`: Those with the same `session` in their scope: what the provider has cached of a
                conversation is at one target.
        strategy: Which target is asked first. Default: `priority`.
            `"priority"`: In the order they are listed.
            `"weighted"`: Drawn by `weight`; then as listed.
            `"least_latency"`: The better one of two that are drawn, by the time to the first content and the
                calls under way; then the quickest.
            `"cost"`: The cheapest for this request, by estimated tokens and the prices of the models; those
                without a known price last.
        targets: The other targets, in order.
    """

    __slots__ = ("ejection", "hedge", "prices", "primary", "sticky", "strategy", "targets")
    _type = "route"

    def __init__(
        self,
        *,
        ejection: RouteEjection | Mapping[str, Any] | None = None,
        hedge: RouteHedge | Mapping[str, Any] | None = None,
        prices: Mapping[str, ModelPrice | Mapping[str, Any]] | None = None,
        primary: str = "primary",
        sticky: RouteSticky | None = None,
        strategy: RouteStrategy = "priority",
        targets: Sequence[RouteTarget | Mapping[str, Any]] | None = None,
    ) -> None:
        self.ejection: RouteEjection | Mapping[str, Any] | None = ejection
        self.hedge: RouteHedge | Mapping[str, Any] | None = hedge
        self.prices: Mapping[str, ModelPrice | Mapping[str, Any]] | None = prices
        self.primary: str = primary
        self.sticky: RouteSticky | None = sticky
        self.strategy: RouteStrategy = strategy
        self.targets: Sequence[RouteTarget | Mapping[str, Any]] | None = targets


class Throttle(Layer):
    """Hands a stream out evenly, for readers that can't take bursts. It limits the speed, in tokens, bytes or
    events, and cuts text anew: by word, by line, or at a regular cadence.

    Text and thinking are cut; all other events pass as they are and keep their place between them. No byte is
    reordered, lost or repeated, and no character as people see it (a grapheme cluster) is cut that came
    whole. An answer that comes whole to a caller who streams is handed out the same way: it is the greatest
    burst of all. What is asked for as a whole passes as it is: nobody watches it come.

    - A speed holds in any stretch of time, to within one event, or one beat of a cadence. What was handed out
      is paid by waiting afterwards, so the first word does not wait.
    - The upstream is slowed down, not buffered: it is read only while everything held will be out within
      `window`, and while less than 32 KiB are held. So the end, whether finish or error, comes at most
      `window` after it was read.
    - The piece of a word or a line whose end does not come is handed out after `window`.
    - While the call is paused, time stands still here: nothing is handed out, and nothing is made up for
      afterwards. Under the policies `spill` and `checkpoint` it goes on, because they read on.
    - A cancel is not delayed at all.

    Tokens are estimated (see `Estimate`); tokens and bytes count text, thinking, refusals and tool arguments.

    Place it outermost, behind `observe` only: what others store or check must not wait for a slow reader, and
    the limits of `timeout` do not count the time of a reader. It costs one copy of the text, one reading of
    the clock for each event, and a timer while it waits. Without any setting it costs nothing.

    Args:
        by: In which pieces text is handed out: `word`, `line`, or a time between two pieces. Default `None`:
            `word` where a speed is set, else as it came.
        bytes: So many bytes of text in so much time. Default `None`: no limit.
        events: So many events in so much time. Default `None`: no limit.
        tokens: So many tokens in so much time, such as `50/s`. Default `None`: no limit.
        window: How long the end, or the unfinished piece of a word or line, is held back at most. Default
            `1s`.

    Example:
        Throttle(events="2/s")
    """

    __slots__ = ("by", "bytes", "events", "tokens", "window")
    _type = "throttle"

    def __init__(
        self,
        *,
        by: str | None = None,
        bytes: str | None = None,
        events: str | None = None,
        tokens: str | None = None,
        window: Duration = "1s",
    ) -> None:
        self.by: str | None = by
        self.bytes: str | None = bytes
        self.events: str | None = events
        self.tokens: str | None = tokens
        self.window: Duration = window


class Timeout(Layer):
    """Ends an attempt that takes too long. Four clocks watch it, each for one thing that goes wrong:

    - `connect`: a new connection is not there in time. A request that finds a connection in the pool is not
      held to it, nor one whose transport cannot tell (the browser's).
    - `first_event`: no content came. It runs from the start of the call until the first event that is
      content; `Start`, `Usage`, `Notice` and `Raw` are none, because providers send those before the model
      has done a thing.
    - `idle`: the wire went silent after content had come. Any bytes are a sign of life, also the comments and
      pings that yield no event. While `first_event` is off, it runs from the head of the response on.
    - `total`: the attempt is not over.

    A limit that is `None` is off. The error is `Timeout` with the phase, and names the timer and its length.
    The upstream connection is closed before the error is handed out. A stream whose `Finish` has come never
    fails: it ends. The time that a caller takes between two events is not counted, except by `total`.

    A pause of the call stops `first_event`, `idle` and `total`, however long it is; on resume each has the
    time that it had left. `connect` goes on: it watches the network and not the caller, and an attempt that
    is begun in a pause, by a repair, must not wait for a host that is not there.

    Place it innermost, around the provider: then each attempt of a retry has its own limits. The deadline of
    the whole call is `Options.timeout`: a moment, which no pause moves. The layer costs one timer, for the
    limit that is reached first, and, for each wait, one reading of the clock; an event that needs no waiting
    costs a few instructions.

    Args:
        connect: Until a new connection stands: name resolution, TCP and TLS. Default `10s`.
        first_event: From the start of the call until the first content. Default `10m`.
        idle: Between two signs of life on the wire. Default `2m`.
        total: From the start of the call until its end. Default `None`: off.

    Example:
        Timeout(first_event="30s", idle=None)
    """

    __slots__ = ("connect", "first_event", "idle", "total")
    _type = "timeout"

    def __init__(
        self,
        *,
        connect: Duration | None = "10s",
        first_event: Duration | None = "10m",
        idle: Duration | None = "2m",
        total: Duration | None = None,
    ) -> None:
        self.connect: Duration | None = connect
        self.first_event: Duration | None = first_event
        self.idle: Duration | None = idle
        self.total: Duration | None = total
