"""What a call of the official `openai` package says beside its fields: time, headers, query, models, raw responses."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

openai = pytest.importorskip("openai")

from openai import AsyncOpenAI, OpenAI  # noqa: E402

import belvedere  # noqa: E402
from belvedere.integrations.openai import belvedere_http_client  # noqa: E402
from belvedere.testing import MockServer, Simulation  # noqa: E402
from upstream import Upstream  # noqa: E402

ASK: Any = [{"role": "user", "content": "Good morning"}]


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def provider(server: MockServer, kind: str = "openai", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "model": "gpt-5-mini", "base_url": server.url, "api_key": "any", **fields}


@pytest.fixture
def sync(mock: MockServer) -> Iterator[OpenAI]:
    with belvedere.Client(provider=provider(mock)) as client:
        yield OpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))


@pytest.fixture
async def asynchronous(mock: MockServer) -> AsyncIterator[AsyncOpenAI]:
    async with belvedere.AsyncClient(provider=provider(mock)) as client:
        yield AsyncOpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))


def test_an_answer_says_when_it_was_asked_for(sync: OpenAI) -> None:
    before = int(time.time())
    answer = sync.chat.completions.create(model="m", messages=ASK)
    chunks = list(sync.chat.completions.create(model="m", messages=ASK, stream=True))
    response = sync.responses.create(model="m", input="Good morning")
    events: Any = list(sync.responses.create(model="m", input="Good morning", stream=True))
    after = int(time.time())
    assert before <= answer.created <= after
    assert before <= chunks[0].created <= after
    assert {chunk.created for chunk in chunks} == {chunks[0].created}
    assert before <= response.created_at <= after
    assert before <= events[0].response.created_at <= after


def test_the_time_is_that_of_the_clients_clock() -> None:
    body = {"id": "x", "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]}
    reply = {"headers": {"content-type": "application/json"}, "body": [{"text": json.dumps(body)}]}
    with Simulation([reply]) as machine:
        client = machine.client(provider={"type": "openai", "model": "m", "api_key": "any", "base_url": "http://x.test"})
        sdk = OpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        answer = sdk.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == "hi"
    assert 0 < answer.created < 1_790_000_000, "not the time of this process"


def test_the_time_goes_to_no_provider(mock: MockServer, sync: OpenAI) -> None:
    sync.chat.completions.create(model="m", messages=ASK)
    sync.responses.create(model="m", input="Good morning")
    for request in mock.requests:
        assert "created" not in str(request["body"]) and "asked" not in str(request["body"])


def test_a_model_of_the_list(sync: OpenAI) -> None:
    listed = sync.models.list().data[0]
    assert sync.models.retrieve(listed.id) == listed


async def test_a_model_in_coroutines(asynchronous: AsyncOpenAI) -> None:
    assert (await asynchronous.models.retrieve("mock-1")).id == "mock-1"


def test_the_configured_model_is_there_though_it_is_not_listed(sync: OpenAI) -> None:
    model = sync.models.retrieve("gpt-5-mini")
    assert (model.id, model.object) == ("gpt-5-mini", "model")


def test_an_id_with_a_slash(mock: MockServer) -> None:
    with belvedere.Client(provider=provider(mock, model="meta/llama 4")) as client:
        sdk = OpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        assert sdk.models.retrieve("meta/llama 4").id == "meta/llama 4"


def test_a_model_that_nobody_has_is_not_found_and_those_there_are_named(sync: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"`gpt-9`.*mock-1, gpt-5-mini"):
        sync.models.retrieve("gpt-9")


def test_a_provider_without_a_list_has_the_configured_model() -> None:
    @belvedere.provider(model="parrot-1")
    def parrot(request: dict[str, Any]) -> str:
        if request.get("operation") == "models":
            raise belvedere.Unsupported("no list here")
        return "hello"

    with belvedere.Client(provider=parrot) as client:
        sdk = OpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        assert [model.id for model in sdk.models.list()] == ["parrot-1"]
        assert sdk.models.retrieve("parrot-1").id == "parrot-1"


def test_an_error_of_the_list_is_told(mock: MockServer, sync: OpenAI) -> None:
    mock.play([{"error": {"status": 401, "message": "as asked"}}])
    with pytest.raises(openai.AuthenticationError, match="as asked"):
        sync.models.retrieve("mock-1")


def test_further_headers_go_to_the_provider(mock: MockServer, sync: OpenAI) -> None:
    sdk = sync.with_options(default_headers={"X-Team": "blue"})
    sdk.chat.completions.create(model="m", messages=ASK, extra_headers={"X-Trace": "7", "Authorization": "Bearer no"})
    headers = mock.requests[-1]["headers"]
    assert (headers["x-team"], headers["x-trace"]) == ("blue", "7")
    assert "Bearer no" not in str(headers)


def test_the_packages_own_headers_stay_here(mock: MockServer, sync: OpenAI) -> None:
    sdk = sync.with_options(organization="org", project="proj")
    sdk.chat.completions.create(model="m", messages=ASK)
    headers = mock.requests[-1]["headers"]
    assert not [name for name in headers if name.startswith(("x-stainless", "openai-"))]
    assert headers["user-agent"].startswith("belvedere/")
    assert "unused" not in str(headers)


def test_further_fields_of_the_body_go_to_the_provider(mock: MockServer, sync: OpenAI) -> None:
    sync.chat.completions.create(model="m", messages=ASK, extra_body={"chat_template_kwargs": {"a": 1}})
    assert mock.requests[-1]["body"]["chat_template_kwargs"] == {"a": 1}
    with pytest.raises(openai.BadRequestError, match="top_k: the server does not know it"):
        sync.chat.completions.create(model="m", messages=ASK, extra_body={"top_k": 3})


def test_a_query_has_no_place_and_that_is_told(mock: MockServer, sync: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"query: `trace`.*base_url"):
        sync.chat.completions.create(model="m", messages=ASK, extra_query={"trace": "1"})
    assert mock.requests == []


def test_a_page_of_the_models(sync: OpenAI) -> None:
    listed = sync.models.list(extra_query={"limit": 5})
    assert [model.id for model in listed] == ["mock-1"]


def test_azures_client(mock: MockServer) -> None:
    with belvedere.Client(provider=provider(mock)) as client:
        sdk = openai.AzureOpenAI(
            api_key="unused",
            api_version="2025-01-01",
            azure_endpoint="https://any",
            http_client=belvedere_http_client(client),
        )
        answer = sdk.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == "You said: Good morning"
    assert "api-key" not in mock.requests[-1]["headers"]


def test_the_timeout_of_a_call_holds(upstream: Upstream) -> None:
    with belvedere.Client(provider=upstream.provider()) as client:
        sdk = OpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        begun = time.monotonic()
        for stream in (False, True):
            with pytest.raises(openai.APITimeoutError):
                sdk.chat.completions.create(model="hang", messages=ASK, stream=stream, timeout=0.2)
        assert time.monotonic() - begun < 20
        quick = sdk.with_options(timeout=0.0001).chat.completions.create(model="quick", messages=ASK, timeout=60)
        assert quick.choices[0].message.content
        assert upstream.settle(open=0)["open"] == 0


async def test_the_timeout_of_a_call_holds_in_coroutines(upstream: Upstream) -> None:
    async with belvedere.AsyncClient(provider=upstream.provider()) as client:
        sdk = AsyncOpenAI(api_key="unused", max_retries=0, http_client=belvedere_http_client(client))
        with pytest.raises(openai.APITimeoutError):
            await sdk.chat.completions.create(model="hang", messages=ASK, timeout=0.2)


def test_a_raw_response(sync: OpenAI) -> None:
    raw = sync.chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert raw.status_code == 200
    assert raw.headers["content-type"].startswith("application/json")
    assert raw.parse().choices[0].message.content == "You said: Good morning"


def test_a_raw_response_that_is_read_bit_by_bit(sync: OpenAI) -> None:
    with sync.chat.completions.with_streaming_response.create(model="m", messages=ASK, stream=True) as raw:
        lines = [line for line in raw.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in lines)


async def test_raw_responses_in_coroutines(asynchronous: AsyncOpenAI) -> None:
    raw = await asynchronous.chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert raw.parse().choices[0].message.content == "You said: Good morning"
    streaming = asynchronous.chat.completions.with_streaming_response
    async with streaming.create(model="m", messages=ASK) as response:
        assert (await response.parse()).choices[0].message.content == "You said: Good morning"


def test_what_is_not_there_says_what_is(sync: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="chat completions, responses, embeddings and models are"):
        sync.responses.retrieve("resp_1")
    with pytest.raises(openai.NotFoundError, match="no operation of the pipeline is at POST /v1/images/generations"):
        sync.images.generate(prompt="a cat")
