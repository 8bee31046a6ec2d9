"""The chat model of LangChain over a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import BaseCallbackHandler  # noqa: E402
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from langchain_core.tools import tool  # noqa: E402
from pydantic import BaseModel, ValidationError  # noqa: E402

import belvedere  # noqa: E402
from belvedere.integrations.langchain import ChatBelvedere  # noqa: E402
from belvedere.testing import MockServer  # noqa: E402


class Sum(BaseModel):
    """A sum."""

    numbers: list[int]
    total: int


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def configuration(server: MockServer, kind: str = "openai") -> dict[str, Any]:
    return {"provider": {"type": kind, "model": "gpt-5-mini", "base_url": server.url, "api_key": "any"}}


@pytest.fixture
def model(mock: MockServer) -> Iterator[ChatBelvedere]:
    with belvedere.Client(configuration(mock)) as client:
        yield ChatBelvedere(client=client)


def test_an_answer(model: ChatBelvedere) -> None:
    answer = model.invoke([SystemMessage("Be kind."), HumanMessage("Good morning")])
    assert answer.text == "You said: Good morning"
    assert answer.response_metadata["model_name"] == "gpt-5-mini"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert (answer.response_metadata["provider"], answer.response_metadata["attempts"]) == ("openai", 1)
    assert answer.response_metadata["cost"] > 0
    usage = answer.usage_metadata
    assert usage is not None
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_a_stream(model: ChatBelvedere) -> None:
    chunks = list(model.stream("Good morning"))
    assert len(chunks) > 3
    whole: Any = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert whole.text == "You said: Good morning"
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.usage_metadata["output_tokens"] > 0
    assert chunks[-1].chunk_position == "last"


async def test_in_coroutines(mock: MockServer) -> None:
    async with belvedere.AsyncClient(configuration(mock)) as client:
        model = ChatBelvedere(async_client=client)
        assert (await model.ainvoke("Good morning")).text == "You said: Good morning"
        text = [chunk.text async for chunk in model.astream("Good morning")]
        assert "".join(text) == "You said: Good morning"
        assert [answer.text for answer in await model.abatch(["a", "b"])] == ["You said: a", "You said: b"]
        with pytest.raises(TypeError, match="client=belvedere.Client"):
            model.invoke("Good morning")


async def test_coroutines_over_threads(model: ChatBelvedere) -> None:
    assert (await model.ainvoke("Good morning")).text == "You said: Good morning"
    text = [chunk.text async for chunk in model.astream("Good morning")]
    assert "".join(text) == "You said: Good morning"


def test_callbacks_hear_the_tokens(model: ChatBelvedere) -> None:
    class Ear(BaseCallbackHandler):
        heard = ""

        def on_llm_new_token(self, token: str, **_: Any) -> None:
            self.heard += token

    ear = Ear()
    for _ in model.stream("Good morning", config={"callbacks": [ear]}):
        pass
    assert ear.heard == "You said: Good morning"


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_tools(mock: MockServer, kind: str) -> None:
    with belvedere.Client(configuration(mock, kind)) as client:
        model = ChatBelvedere(client=client, max_tokens=100)
        asked = HumanMessage("What is the weather?")
        answer = model.bind_tools([weather], tool_choice="any").invoke([asked])
        assert answer.response_metadata["finish_reason"] == "tool_calls"
        call = answer.tool_calls[0]
        assert (call["name"], list(call["args"])) == ("weather", ["city"])
        result = ToolMessage("sunny", tool_call_id=call["id"])
        after = model.bind_tools([weather]).invoke([asked, answer, result])
        assert after.text == "The tool says: sunny"


def test_tools_in_a_stream(model: ChatBelvedere) -> None:
    whole: Any = None
    for chunk in model.bind_tools([weather], tool_choice="weather").stream("What is the weather?"):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert [(call["name"], list(call["args"])) for call in whole.tool_calls] == [("weather", ["city"])]


def test_arguments_that_are_no_json(mock: MockServer, model: ChatBelvedere) -> None:
    mock.play([{"answer": {"tool_calls": [{"name": "weather", "input": '{"city": '}]}}])
    answer: AIMessage = model.bind_tools([weather]).invoke("What is the weather?")
    assert not answer.tool_calls
    assert (answer.invalid_tool_calls[0]["name"], answer.invalid_tool_calls[0]["args"]) == ("weather", '{"city": ')


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("include_raw", [False, True])
def test_structured_output(mock: MockServer, model: ChatBelvedere, method: Any, include_raw: bool) -> None:
    mock.play([{"answer": {"text": '{"numbers": [1, 2], "total": 3}'}}])
    answer: Any = model.with_structured_output(Sum, method=method, include_raw=include_raw).invoke("sum")
    if include_raw:
        assert (answer["parsing_error"], type(answer["raw"])) == (None, AIMessage)
        answer = answer["parsed"]
    assert answer == Sum(numbers=[1, 2], total=3)


def test_structured_output_by_a_tool_and_as_a_dict(mock: MockServer, model: ChatBelvedere) -> None:
    mock.play([{"answer": {"tool_calls": [{"input": {"numbers": [1, 2], "total": 3}}]}}])
    by_tool = model.with_structured_output(Sum, method="function_calling").invoke("sum")
    assert by_tool == Sum(numbers=[1, 2], total=3)
    mock.play([{"answer": {"text": '{"numbers": [1], "total": 1}'}}])
    assert model.with_structured_output(Sum.model_json_schema()).invoke("sum") == {"numbers": [1], "total": 1}


def test_thinking_is_told(mock: MockServer, model: ChatBelvedere) -> None:
    mock.play([{"answer": {"reasoning": "Let me think.", "text": "Done."}}])
    answer = model.invoke("think")
    assert (answer.text, answer.additional_kwargs) == ("Done.", {"reasoning_content": "Let me think."})
    assert [block["type"] for block in answer.content_blocks] == ["reasoning", "text"]
    whole: Any = None
    for chunk in model.stream("think"):
        whole = chunk if whole is None else whole + chunk
    assert (whole.text, whole.additional_kwargs) == ("Done.", {"reasoning_content": "Let me think."})


def test_parameters_are_sent_and_those_of_a_call_come_first(mock: MockServer, model: ChatBelvedere) -> None:
    short = ChatBelvedere(client=model.client, max_tokens=2)
    assert short.invoke("Good morning").response_metadata["finish_reason"] == "length"
    assert short.invoke("Good morning", max_tokens=50).text == "You said: Good morning"
    assert model.invoke("Good morning", stop=["Good"]).text == "You said: "
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        model.invoke("Good morning", wrong=1)


def test_errors_are_ours(mock: MockServer, model: ChatBelvedere) -> None:
    mock.play([{"error": {"status": 429, "retry_after": "2s"}}])
    with pytest.raises(belvedere.RateLimited) as caught:
        model.invoke("Good morning")
    assert caught.value.retry_after == 2.0
    with pytest.raises(belvedere.RateLimited):
        list(model.stream("Good morning"))


def test_it_says_who_it_is(model: ChatBelvedere) -> None:
    assert model._llm_type == "belvedere"
    params = model._get_ls_params()
    assert (params["ls_provider"], params["ls_model_name"]) == ("openai", "gpt-5-mini")
    with pytest.raises(ValidationError, match="client or async_client is needed"):
        ChatBelvedere()
