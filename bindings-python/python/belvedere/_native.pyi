"""The native module. What users need of it is in `belvedere`."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextvars import Context
from decimal import Decimal
from os import PathLike
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar, final, overload, type_check_only

from typing_extensions import Self, Unpack, disjoint_base

from belvedere.config import Streams, Transport
from belvedere.layers import Layer
from belvedere.providers import Provider
from belvedere.results import Attempt, Balance, Circuit, Estimate, Metrics, Progress, ToolCall, Usage
from belvedere.types import Message, Request, Scope, Time

_T_co = TypeVar("_T_co", covariant=True)
_Hook = TypeVar("_Hook", bound=Callable[["Signal"], Any])
_Config = Mapping[str, Any]
_Asked = str | Sequence[Message | Mapping[str, Any]] | Message | Request | Mapping[str, Any]
_Kind = Literal[
    "*",
    "error",
    "retry",
    "fallback",
    "hedge",
    "state_change",
    "ejected",
    "quota",
    "degraded",
    "store_failed",
    "reloaded",
    "reload_failed",
]
_End = Literal["finished", "truncated", "failed", "cancelled"]

@type_check_only
class _Entry(Protocol):
    def to_dict(self) -> dict[str, Any]: ...

@type_check_only
class _Options(TypedDict, total=False):
    timeout: Time | None
    scope: Scope | Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    idempotency_key: str | None
    raw: bool | None
    unsupported: Literal["strict", "drop"] | None
    attempts: int | None
    pause: Literal["backpressure", "spill", "checkpoint"] | None
    stream_id: str | None

@type_check_only
class _Fields(_Options, total=False):
    messages: Sequence[Message | Mapping[str, Any]] | None
    model: str | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    max_tokens: int | None
    max_completion_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    n: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logprobs: bool | None
    top_logprobs: int | None
    response_format: Mapping[str, Any] | None
    reasoning: Mapping[str, Any] | None
    user: str | None
    continue_final_message: bool | None
    extra_body: Mapping[str, Any] | None

@type_check_only
class _EmbedFields(_Options, total=False):
    model: str | None
    dimensions: int | None
    user: str | None
    extra_body: Mapping[str, Any] | None

@type_check_only
class _Sections(TypedDict, total=False):
    version: Literal[1] | None
    provider: Provider | _Entry | Mapping[str, Any] | None
    layers: Sequence[Layer | _Entry | Mapping[str, Any]] | None
    order: Literal["canonical", "as_written"] | None
    transport: Transport | Mapping[str, Any] | None
    streams: Streams | Mapping[str, Any] | None
    stores: Mapping[str, Any] | None

@type_check_only
class _Functions(TypedDict, total=False):
    counter: Function | Callable[[str], int] | Callable[[str], Awaitable[int]] | None
    on_any: Callable[[Signal], Any] | None
    on_error: Callable[[Signal], Any] | None
    on_retry: Callable[[Signal], Any] | None
    on_fallback: Callable[[Signal], Any] | None
    on_hedge: Callable[[Signal], Any] | None
    on_state_change: Callable[[Signal], Any] | None
    on_ejected: Callable[[Signal], Any] | None
    on_quota: Callable[[Signal], Any] | None
    on_degraded: Callable[[Signal], Any] | None
    on_store_failed: Callable[[Signal], Any] | None
    on_reloaded: Callable[[Signal], Any] | None
    on_reload_failed: Callable[[Signal], Any] | None

@type_check_only
class _Reloaded(_Sections, total=False):
    counter: Function | Callable[[str], int] | Callable[[str], Awaitable[int]] | None

@type_check_only
class _Named(_Sections, _Functions, total=False): ...

@final
class Event:
    """One event of an answer: the object of its JSON form, `type` and then its fields."""

    def __new__(cls, event: Mapping[str, Any] | None = None, /, **fields: Any) -> Self: ...
    @property
    def type(self) -> str: ...
    @property
    def delta(self) -> str | None:
        """What is new of a text, of thinking, of a refusal or of a tool's arguments; else None."""
    @property
    def choice(self) -> int:
        """Which answer, when more than one was asked for."""
    def to_dict(self) -> dict[str, Any]:
        """The JSON form, the same in every language."""
    def get(self, name: str, default: Any = None) -> Any:
        """A field, or `default` where the event has none of that name."""
    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: str, /) -> bool: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Answer:
    """A whole answer. Its parts become objects of Python when they are asked for."""

    def __new__(
        cls, answer: Mapping[str, Any], attempts: Sequence[Mapping[str, Any]] | None = None, /
    ) -> Self: ...
    @property
    def id(self) -> str | None: ...
    @property
    def model(self) -> str | None:
        """The model that answered, in the provider's words."""
    @property
    def text(self) -> str:
        """The visible text."""
    @property
    def reasoning(self) -> str | None:
        """The thinking; None when there is none."""
    @property
    def refusal(self) -> str | None:
        """The words in which the model declines; None when it does not."""
    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls that the caller has to run."""
    @property
    def message(self) -> Message:
        """The answer as a message to carry on with."""
    @property
    def finish_reason(
        self,
    ) -> (
        Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error", "other"] | None
    ):
        """Why it ended."""
    @property
    def usage(self) -> Usage | None:
        """What it used; None when the provider did not say."""
    @property
    def cost(self) -> Decimal | None:
        """What it cost in US dollars, all attempts together; None when unknown."""
    @property
    def cached(self) -> bool:
        """Whether it was at hand, so that no provider was asked."""
    @property
    def attempts(self) -> list[Attempt]:
        """The attempts it took."""
    @property
    def notices(self) -> list[dict[str, Any]]:
        """What the pipeline did."""
    @property
    def embeddings(self) -> list[list[float]]:
        """The vectors of an embedding, by index."""
    @property
    def models(self) -> list[dict[str, Any]]:
        """The models of a list."""
    @property
    def raw(self) -> dict[str, Any]:
        """The JSON form."""
    def to_dict(self) -> dict[str, Any]:
        """The JSON form, the same in every language."""
    def to_openai(self) -> dict[str, Any]:
        """The answer in the form of OpenAI's API. There is no time in it: `created` is 0."""
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any], /) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Checkpoint:
    """A stream in flight as data. It holds request and answer in plain text, and no credentials."""

    def __new__(cls, checkpoint: Mapping[str, Any], /) -> Self: ...
    @staticmethod
    def from_json(text: str) -> Checkpoint:
        """Reads the JSON text. Raises `InvalidRequest` when it is none, or of another version."""
    def to_json(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    @property
    def partial(self) -> Answer:
        """What had been handed out of the answer."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Pending(Coroutine[Any, Any, _T_co], Generic[_T_co]):
    """A call: to be awaited once. To drop it, or to cancel its task, cancels the call."""

    def __await__(self) -> Generator[Any, Any, _T_co]: ...
    def send(self, value: Any) -> Any: ...
    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any: ...
    def close(self) -> None: ...

@disjoint_base
class Controlled:
    """What both kinds of streams have: control, from any thread or task."""

    def pause(self) -> None:
        """Holds the stream back: nothing more is handed out, and the upstream stays open."""
    def resume(self) -> None:
        """Goes on: what was read meanwhile comes first."""
    def cancel(self) -> None:
        """Closes the upstream at once; the stream hands out nothing more, and `partial` stays."""
    @property
    def paused(self) -> bool: ...
    @property
    def end(self) -> _End | None:
        """How it ended; None while it has not."""
    @property
    def partial(self) -> Answer:
        """The answer as far as it was handed out."""
    def progress(self) -> Progress:
        """How far it is."""
    def metrics(self) -> Metrics:
        """How it went: its progress, attempts and usage."""
    def checkpoint(self) -> Checkpoint | None:
        """The stream as data, to be gone on with by `client.resume`; None when it has finished or not begun."""
    def expect_tokens(self, tokens: int) -> None:
        """Says how many tokens the answer is expected to have, for `progress().fraction`."""

@final
class AsyncStream(Controlled, AsyncIterator[Event]):
    """The answer as it comes: `async for event in stream`."""

    def __await__(self) -> Generator[Any, Any, Answer]: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Pending[Event]: ...
    def __aenter__(self) -> Pending[Self]: ...
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Pending[None]: ...
    def aclose(self) -> Pending[None]:
        """Ends the call, as `cancel` does."""
    def collect(self) -> Pending[Answer]:
        """Reads the rest and gives the whole answer. Raises what the stream ends with."""

@final
class Stream(Controlled, Iterator[Event]):
    """The answer as it comes: `for event in stream`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Event: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def close(self) -> None:
        """Ends the call, as `cancel` does."""
    def collect(self) -> Answer:
        """Reads the rest and gives the whole answer. Raises what the stream ends with."""

@disjoint_base
class Configured:
    """What both kinds of clients have."""

    def __new__(cls, config: _Config | None = None, /, **named: Unpack[_Named]) -> Self: ...
    def reload(self, config: _Config | None = None, /, **sections: Unpack[_Reloaded]) -> int:
        """Lets another configuration hold for the calls from now on, and gives the number of its generation."""
    @property
    def generation(self) -> int:
        """The number of the configuration that holds: 1, and one more for each reload."""
    @property
    def closed(self) -> bool:
        """Whether it takes no more calls."""
    @property
    def provider(self) -> str:
        """The name of the provider; the first one's, where there are several."""
    @property
    def model(self) -> str | None:
        """The model of requests that name none."""
    @overload
    def on(self, kind: _Kind, function: _Hook, /) -> _Hook:
        """Lets a function hear what the pipeline does: every signal of a kind, or all (`*`)."""
    @overload
    def on(self, kind: _Kind, function: None = None, /) -> Callable[[_Hook], _Hook]: ...
    def count_tokens(
        self,
        request: _Asked | None = None,
        /,
        *,
        counter: Callable[[str], int] | None = None,
        **fields: Unpack[_Fields],
    ) -> int:
        """How many tokens the request has, before an answer. Exact for OpenAI's models, else estimated."""
    def estimate_cost(self, request: _Asked | None = None, /, **fields: Unpack[_Fields]) -> Estimate:
        """What the call may cost, by the list prices of this release."""
    def health(self) -> list[Circuit]:
        """The circuits of its breakers."""

@final
class AsyncClient(Configured):
    """Sends requests through a pipeline, from coroutines of asyncio, uvloop or trio."""

    @staticmethod
    def from_file(path: str | PathLike[str], /, **named: Unpack[_Functions]) -> AsyncClient:
        """A client from a configuration file: `.yaml`, `.yml`, `.toml` or `.json`; with functions by name."""
    def to_sync(self) -> Client:
        """The same client for threads: one pipeline. To reload or to close one is to reload or to close both."""
    def complete(self, request: _Asked | None = None, /, **fields: Unpack[_Fields]) -> Pending[Answer]:
        """Asks, and gives the whole answer."""
    def stream(self, request: _Asked | None = None, /, **fields: Unpack[_Fields]) -> AsyncStream:
        """Asks, and gives the answer as it comes. The call begins when the stream is first read."""
    def embed(self, texts: str | Sequence[str], /, **fields: Unpack[_EmbedFields]) -> Pending[Answer]:
        """The vectors of some texts."""
    def models(self, **options: Unpack[_Options]) -> Pending[Answer]:
        """The models on offer; they are in `answer.models`."""
    def resume(self, checkpoint: Checkpoint, /) -> AsyncStream:
        """Goes on with a stream that was left. It needs the `repair` layer."""
    def attach(
        self, stream_id: str, /, offset: int = 0, *, scope: Scope | Mapping[str, Any] | None = None
    ) -> AsyncStream:
        """Reads a stream that was opened with `stream_id=`, from an offset in events on."""
    def budgets(self, *, scope: Scope | Mapping[str, Any] | None = None) -> Pending[list[Balance]]:
        """What is left of its budgets for a scope, in the current period."""
    def close(self, timeout: Time | None = None) -> Pending[int]:
        """Takes no more calls, lets open ones end until `timeout`, and says how many were cancelled then."""
    def __aenter__(self) -> Pending[Self]: ...
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> Pending[None]: ...

@final
class Client(Configured):
    """Sends requests through a pipeline, and waits for what they give. Threads may share it."""

    @staticmethod
    def from_file(path: str | PathLike[str], /, **named: Unpack[_Functions]) -> Client:
        """A client from a configuration file: `.yaml`, `.yml`, `.toml` or `.json`; with functions by name."""
    def to_async(self) -> AsyncClient:
        """The same client for coroutines: one pipeline. To reload or to close one is to reload or to close both."""
    def complete(self, request: _Asked | None = None, /, **fields: Unpack[_Fields]) -> Answer:
        """Asks, and gives the whole answer."""
    def stream(self, request: _Asked | None = None, /, **fields: Unpack[_Fields]) -> Stream:
        """Asks, and gives the answer as it comes. The call begins when the stream is first read."""
    def embed(self, texts: str | Sequence[str], /, **fields: Unpack[_EmbedFields]) -> Answer:
        """The vectors of some texts."""
    def models(self, **options: Unpack[_Options]) -> Answer:
        """The models on offer; they are in `answer.models`."""
    def resume(self, checkpoint: Checkpoint, /) -> Stream:
        """Goes on with a stream that was left. It needs the `repair` layer."""
    def attach(
        self, stream_id: str, /, offset: int = 0, *, scope: Scope | Mapping[str, Any] | None = None
    ) -> Stream:
        """Reads a stream that was opened with `stream_id=`, from an offset in events on."""
    def budgets(self, *, scope: Scope | Mapping[str, Any] | None = None) -> list[Balance]:
        """What is left of its budgets for a scope, in the current period."""
    def close(self, timeout: Time | None = None) -> int:
        """Takes no more calls, lets open ones end until `timeout`, and says how many were cancelled then."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class MockServer:
    """A provider on this machine that does what a script says, in every wire, over real HTTP."""

    def __new__(
        cls, script: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None, /, *, port: int = 0
    ) -> Self: ...
    @property
    def url(self) -> str:
        """Its address: the `base_url` of a provider."""
    def play(self, script: Sequence[Mapping[str, Any]] | Mapping[str, Any], /) -> None:
        """Plays another script from now on, from its beginning."""
    def stats(self) -> dict[str, Any]:
        """What it has seen and done: requests by wire, path and status, how answers ended, connections."""
    @property
    def requests(self) -> list[dict[str, Any]]:
        """The latest requests, a hundred at most: `method`, `url`, `headers` and `body`."""
    def reset_stats(self) -> None:
        """Counts from nothing again."""
    def close(self) -> None:
        """Stops it, and closes its connections. Idempotent."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Body:
    """The body of a streamed answer to an SDK, in pieces. To close or to drop it ends the call."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Pending[bytes]: ...
    def close(self) -> None:
        """Ends the call; without effect where it has ended."""

@final
class Simulation:
    """A simulated machine: virtual time, which moves at once when everybody waits, and a network that plays a script."""

    def __new__(
        cls,
        replies: Sequence[Mapping[str, Any]] | None = None,
        /,
        *,
        seed: int = 1,
        env: Mapping[str, str] | None = None,
    ) -> Self: ...
    def add(self, replies: Sequence[Mapping[str, Any]], /) -> None:
        """Adds replies to the end of the script."""
    def client(self, config: _Config | None = None, /, **sections: Unpack[_Named]) -> Client:
        """A client on this machine, for threads."""
    def async_client(self, config: _Config | None = None, /, **sections: Unpack[_Named]) -> AsyncClient:
        """A client on this machine, for coroutines."""
    @property
    def now(self) -> float:
        """The time, in seconds; it begins at 10."""
    @property
    def now_ns(self) -> int:
        """The same in whole nanoseconds."""
    def sleep(self, time: Time, /) -> Pending[None]:
        """Waits, in virtual time."""
    def advance(self, time: Time, /) -> None:
        """Lets time pass, and runs what is due meanwhile."""
    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests that the network has seen: `method`, `url`, `headers` and `body`."""
    @property
    def aborted(self) -> int:
        """How many connections our side closed before their reply was over."""
    def assert_idle(self) -> None:
        """Raises `AssertionError` when a task, a timer or a connection is left."""
    def _step(self) -> bool: ...
    def _pass(self, limit: float | None = None) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Function:
    """A function of Python as a part of a pipeline: what `belvedere.provider`, `layer` and `counter` make."""

    def __new__(
        cls,
        role: Literal["provider", "layer", "counter"],
        function: Callable[..., Any],
        is_async: bool,
        name: str | None = None,
        model: str | None = None,
    ) -> Self: ...
    @property
    def name(self) -> str:
        """The name that documents know it by: `{type: host, name: ...}`."""
    @property
    def __wrapped__(self) -> Callable[..., Any]: ...
    def to_dict(self) -> dict[str, Any]:
        """What stands for it in a configuration."""
    def __call__(self, *arguments: Any, **named: Any) -> Any: ...

@final
class Next:
    """What answers behind a layer: `call_next(request)` gives a stream that begins when it is read or awaited."""

    def __call__(self, request: Mapping[str, Any] | None = None, /) -> Any: ...

@final
class Signal:
    """What the pipeline did: the object of its JSON form. The attribute `error` is the exception itself."""

    @property
    def kind(self) -> str:
        """What happened, such as `retry`: the `type` of the JSON form."""
    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
    def __getattr__(self, name: str) -> Any: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: str, /) -> bool: ...

@final
class Sink:
    """What a function of Python writes its answer to."""

    def put(self, item: Event | Mapping[str, Any] | str) -> bool:
        """Gives one event. True: wait for room before the next one."""
    def answer(self, answer: Answer | Mapping[str, Any] | str) -> None:
        """Gives the whole answer."""
    def hand_on(self, stream: Controlled) -> bool:
        """Hands on a stream that nobody has read from. False: somebody has."""
    def room(self) -> Pending[None]:
        """Waits for room, in a coroutine."""
    def wait(self) -> None:
        """Waits for room, in a thread."""
    @property
    def closed(self) -> bool:
        """Whether nobody reads any more."""
    def end(self) -> None:
        """All was given."""
    def fail(self, error: BaseException) -> None:
        """It raised an exception."""

@final
class Waiter:
    """What a call yields to its event loop while it waits."""

    def add_done_callback(
        self, callback: Callable[[Waiter], object], *, context: Context | None = None
    ) -> None: ...
    def remove_done_callback(self, callback: Callable[[Waiter], object]) -> int: ...
    def get_loop(self) -> AbstractEventLoop: ...
    def cancel(self, msg: Any = None) -> bool: ...
    def cancelled(self) -> bool: ...
    def done(self) -> bool: ...
    def result(self) -> None: ...
    def exception(self) -> BaseException | None: ...
    def drop(self) -> None:
        """Nobody waits any more."""

@final
class Port:
    """The crossing into one event loop."""

    def __init__(self) -> None: ...
    def fileno(self) -> int | None:
        """The file descriptor that is readable when something is done; None in a child of a fork."""
    def drain(self) -> None:
        """Steps the coroutines whose work is done."""

def _after_fork() -> None: ...
def _at_exit() -> None: ...
def _panicking_call() -> Pending[None]: ...
def _panicking_stream() -> AsyncStream: ...
