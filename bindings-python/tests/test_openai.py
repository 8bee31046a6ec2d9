"""The official `openai` package over a pipeline: it works as ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

openai = pytest.importorskip("openai")

import httpx  # noqa: E402
from openai import AsyncOpenAI, OpenAI  # noqa: E402
from pydantic import BaseModel  # noqa: E402

import belvedere  # noqa: E402
from belvedere.integrations.openai import belvedere_http_client  # noqa: E402
from belvedere.testing import MockServer  # noqa: E402
from upstream import Upstream  # noqa: E402

ASK: Any = [{"role": "user", "content": "Good morning"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class Sum(BaseModel):
    numbers: list[int]
    total: int


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def provider(server: MockServer, kind: str = "openai") -> dict[str, Any]:
    return {"type": kind, "model": "gpt-5-mini", "base_url": server.url, "api_key": "any"}


@pytest.fixture
def sync(mock: MockServer) -> Iterator[OpenAI]:
    with belvedere.Client(provider=provider(mock)) as client:
        yield OpenAI(api_key="unused", http_client=belvedere_http_client(client))


@pytest.fixture
async def asynchronous(mock: MockServer) -> AsyncIterator[AsyncOpenAI]:
    async with belvedere.AsyncClient(provider=provider(mock)) as client:
        yield AsyncOpenAI(api_key="unused", http_client=belvedere_http_client(client))


def test_a_chat(sync: OpenAI) -> None:
    answer = sync.chat.completions.create(model="gpt-5-mini", messages=ASK)
    assert answer.choices[0].message.content == "You said: Good morning"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_chat_in_coroutines(asynchronous: AsyncOpenAI) -> None:
    ask = asynchronous.chat.completions.create
    answers = await asyncio.gather(
        *(ask(model="gpt-5-mini", messages=[{"role": "user", "content": f"number {n}"}]) for n in range(20))
    )
    said = [answer.choices[0].message.content for answer in answers]
    assert said == [f"You said: number {n}" for n in range(20)]


def test_a_stream(sync: OpenAI) -> None:
    stream = sync.chat.completions.create(
        model="gpt-5-mini", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "You said: Good morning"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None


async def test_a_stream_in_coroutines(asynchronous: AsyncOpenAI) -> None:
    stream = await asynchronous.chat.completions.create(model="gpt-5-mini", messages=ASK, stream=True)
    text = [c.choices[0].delta.content or "" async for c in stream]
    assert "".join(text) == "You said: Good morning"
    assert len(text) > 3


async def test_the_helper_for_streams(asynchronous: AsyncOpenAI) -> None:
    async with asynchronous.chat.completions.stream(model="gpt-5-mini", messages=ASK) as stream:
        kinds = {event.type async for event in stream}
        final = await stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == "You said: Good morning"


def test_tools(sync: OpenAI) -> None:
    answer = sync.chat.completions.create(
        model="gpt-5-mini", messages=ASK, tools=TOOLS, tool_choice="required"
    )
    assert answer.choices[0].finish_reason == "tool_calls"
    calls: Any = answer.choices[0].message.tool_calls
    assert calls[0].function.name == "weather"
    assert "city" in json.loads(calls[0].function.arguments)
    result: Any = {"role": "tool", "tool_call_id": calls[0].id, "content": "sunny"}
    messages: Any = [*ASK, answer.choices[0].message, result]
    after = sync.chat.completions.create(model="gpt-5-mini", messages=messages, tools=TOOLS)
    assert after.choices[0].message.content == "The tool says: sunny"


def test_tools_in_a_stream(sync: OpenAI) -> None:
    stream = sync.chat.completions.create(
        model="gpt-5-mini", messages=ASK, tools=TOOLS, tool_choice="required", stream=True
    )
    pieces = [c.choices[0].delta.tool_calls[0] for c in stream if c.choices and c.choices[0].delta.tool_calls]
    assert pieces[0].function is not None and pieces[0].function.name == "weather"
    arguments = "".join(p.function.arguments or "" for p in pieces if p.function)
    assert "city" in json.loads(arguments)


def test_structured_output(sync: OpenAI, mock: MockServer) -> None:
    mock.play([{"answer": {"text": '{"numbers": [1, 2], "total": 3}'}}])
    answer = sync.chat.completions.parse(model="gpt-5-mini", messages=ASK, response_format=Sum)
    assert answer.choices[0].message.parsed == Sum(numbers=[1, 2], total=3)


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(sync: OpenAI, encoding: Any) -> None:
    named = {} if encoding is None else {"encoding_format": encoding}
    answer = sync.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=8, **named)
    assert [row.index for row in answer.data] == [0, 1]
    vector: Any = answer.data[0].embedding
    if encoding != "base64":
        assert len(vector) == 8
        assert sum(x * x for x in vector) == pytest.approx(1, abs=1e-5)


async def test_models(asynchronous: AsyncOpenAI) -> None:
    assert [model.id async for model in asynchronous.models.list()] == ["mock-1"]


def test_responses(sync: OpenAI) -> None:
    answer = sync.responses.create(model="gpt-5-mini", input="Good morning")
    assert answer.output_text == "You said: Good morning"
    stream = sync.responses.create(model="gpt-5-mini", input="Good morning", stream=True)
    events = list(stream)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "You said: Good morning"
    assert events[-1].type == "response.completed"


def test_another_provider_behind_it(mock: MockServer) -> None:
    with belvedere.Client(provider=provider(mock, "anthropic")) as client:
        sdk = OpenAI(api_key="unused", http_client=belvedere_http_client(client))
        answer = sdk.chat.completions.create(model="claude-haiku-4-5", messages=ASK, max_tokens=100)
    assert answer.choices[0].message.content == "You said: Good morning"
    assert mock.stats()["by_wire"] == {"anthropic.messages": 1}


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors(mock: MockServer, sync: OpenAI, status: int, raised: str, stream: bool) -> None:
    mock.play([{"error": {"status": status, "message": "as asked"}}])
    sdk = sync.with_options(max_retries=0)
    with pytest.raises(getattr(openai, raised), match="as asked") as caught:
        sdk.chat.completions.create(model="gpt-5-mini", messages=ASK, stream=stream)
    body: Any = caught.value.body
    assert {"message", "type", "param", "code"} <= set(body)


def test_retry_after_is_told(mock: MockServer, sync: OpenAI) -> None:
    mock.play([{"error": {"status": 429, "retry_after": "7s"}}])
    with pytest.raises(openai.RateLimitError) as caught:
        sync.with_options(max_retries=0).chat.completions.create(model="gpt-5-mini", messages=ASK)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "rate_limit_exceeded"


def test_what_the_pipeline_retried_is_not_retried_again(mock: MockServer) -> None:
    retry = {"type": "retry", "attempts": 2, "backoff": "1ms"}
    mock.play([{"error": {"status": 503}}])
    with belvedere.Client(provider=provider(mock), layers=[retry]) as client:
        sdk = OpenAI(api_key="unused", max_retries=5, http_client=belvedere_http_client(client))
        with pytest.raises(openai.InternalServerError):
            sdk.chat.completions.create(model="gpt-5-mini", messages=ASK)
    assert mock.stats()["requests"] == 2


def test_an_error_in_a_stream(mock: MockServer, sync: OpenAI) -> None:
    mock.play([{"answer": {"text": "one two three four"}, "fault": {"type": "reset", "after": 2}}])
    stream = sync.chat.completions.create(model="gpt-5-mini", messages=ASK, stream=True)
    text = ""
    with pytest.raises(openai.APIError):
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
    assert text == "one two "


def test_what_no_wire_has_is_not_found(sync: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no operation of the pipeline"):
        sync.moderations.create(input="x")


def test_a_request_that_is_wrong_is_refused_with_its_field(sync: OpenAI) -> None:
    wrong: Any = [{"role": "user", "content": 7}]
    with pytest.raises(openai.BadRequestError, match="messages"):
        sync.chat.completions.create(model="gpt-5-mini", messages=wrong)


def test_the_timeout_of_the_package_holds(upstream: Upstream) -> None:
    with belvedere.Client(provider=upstream.provider()) as client:
        sdk = OpenAI(api_key="unused", max_retries=0, timeout=0.2, http_client=belvedere_http_client(client))
        for stream in (False, True):
            with pytest.raises(openai.APITimeoutError):
                sdk.chat.completions.create(model="hang", messages=ASK, stream=stream)
        stalled = sdk.chat.completions.create(model="stall", messages=ASK, stream=True)
        # openai 2 lets the error of httpx through here.
        with pytest.raises((openai.APITimeoutError, httpx.ReadTimeout)):
            list(stalled)
        assert upstream.settle(open=0)["open"] == 0


async def test_cancelling_a_task_closes_the_upstream(upstream: Upstream) -> None:
    before = upstream.stats()["left"]
    async with belvedere.AsyncClient(provider=upstream.provider()) as client:
        sdk = AsyncOpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        for stream in (False, True):
            task: Any = asyncio.create_task(
                sdk.chat.completions.create(model="hang", messages=ASK, stream=stream)  # type: ignore[call-overload]
            )
            await asyncio.to_thread(upstream.settle, open=1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            stats = await asyncio.to_thread(upstream.settle, open=0)
            assert stats["open"] == 0
    assert upstream.stats()["left"] == before + 2


async def test_closing_a_stream_closes_the_upstream(upstream: Upstream) -> None:
    before = upstream.stats()["left"]
    async with belvedere.AsyncClient(provider=upstream.provider()) as client:
        sdk = AsyncOpenAI(api_key="unused", http_client=belvedere_http_client(client))
        stream = await sdk.chat.completions.create(model="endless", messages=ASK, stream=True)
        async for _ in stream:
            break
        await stream.close()
        assert (await asyncio.to_thread(upstream.settle, open=0))["left"] == before + 1


def test_closing_a_stream_of_a_thread_closes_the_upstream(upstream: Upstream) -> None:
    before = upstream.stats()["left"]
    with belvedere.Client(provider=upstream.provider()) as client:
        sdk = OpenAI(api_key="unused", http_client=belvedere_http_client(client))
        with sdk.chat.completions.create(model="endless", messages=ASK, stream=True) as stream:
            next(iter(stream))
        assert upstream.settle(open=0)["left"] == before + 1


def test_a_scope_is_for_all_requests_of_the_client(mock: MockServer) -> None:
    limit = {"type": "limit", "per": ["tenant"], "requests": "1/h", "wait": "0s"}
    with belvedere.Client(provider=provider(mock), layers=[limit]) as client:

        def ask(tenant: str) -> str | None:
            http = belvedere_http_client(client, scope={"tenant": tenant})
            sdk = OpenAI(api_key="unused", max_retries=0, http_client=http)
            return sdk.chat.completions.create(model="m", messages=ASK).choices[0].message.content

        assert ask("a") == ask("b") == "You said: Good morning"
        with pytest.raises(openai.RateLimitError):
            ask("a")


def test_httpx_of_the_caller(mock: MockServer) -> None:
    with belvedere.Client(provider=provider(mock)) as client:
        http = belvedere_http_client(client, library=httpx)
        assert isinstance(http, httpx.Client)
        answer = http.post("https://any/v1/messages", json={"model": "m", "max_tokens": 9, "messages": ASK})
        assert answer.json()["content"][0]["text"] == "You said: Good morning"


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match=r"belvedere\.Client or AsyncClient, not int"):
        belvedere_http_client(7)  # type: ignore[arg-type]
