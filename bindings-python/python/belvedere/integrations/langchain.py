"""A chat model of LangChain over a pipeline. Needs `langchain-core`: `pip install belvedere[langchain]`.

    from belvedere import AsyncClient, Client
    from belvedere.integrations.langchain import ChatBelvedere

    model = ChatBelvedere(client=Client.from_file("belvedere.yaml"), temperature=0.2)
    print(model.invoke("Why is the sky blue?").text)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar, Literal, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, model_validator
from typing_extensions import Self

from belvedere import Answer, AsyncClient, Client, Event

__all__ = ["ChatBelvedere"]


class ChatBelvedere(BaseChatModel):
    """A chat model whose calls go through a pipeline: its retries, routes, budgets and limits hold for all of them.

    Needs a `client` for `invoke`, `stream` and `batch`, an `async_client` for `ainvoke`, `astream` and `abatch`, or
    both. With a `client` alone, the asynchronous methods wait in threads.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    client: Client | None = None
    """For calls that wait in a thread."""
    async_client: AsyncClient | None = None
    """For calls in coroutines."""
    model: str | None = None
    """The model. By default the one of the configuration."""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    """Sequences that end the answer."""
    timeout: float | None = None
    """Seconds that a call may take, all attempts together."""
    scope: Mapping[str, Any] | None = None
    """Who asks: `tenant`, `user`, ..."""
    extra_body: Mapping[str, Any] | None = None
    """Further fields of the body of a request."""

    @model_validator(mode="after")
    def _has_a_client(self) -> Self:
        if self.client is None and self.async_client is None:
            raise ValueError("client or async_client is needed")
        return self

    @property
    def _llm_type(self) -> str:
        return "belvedere"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"provider": self._configured.provider, "model": self._model, **self._fields()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self._configured.provider
        if model := kwargs.get("model") or self._model:
            params["ls_model_name"] = model
        return params

    @property
    def _configured(self) -> Client | AsyncClient:
        client = self.client if self.client is not None else self.async_client
        assert client is not None
        return client

    @property
    def _model(self) -> str | None:
        return self.model or self._configured.model

    def _fields(self) -> dict[str, Any]:
        names = ("model", "temperature", "max_tokens", "top_p", "seed", "stop", "timeout", "scope", "extra_body")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def _asked(self, messages: list[BaseMessage], stop: list[str] | None, named: dict[str, Any]) -> dict[str, Any]:
        asked = {**self._fields(), **named, "messages": convert_to_openai_messages(messages)}
        if stop is not None:
            asked["stop"] = stop
        return asked

    def _threads(self) -> Client:
        if self.client is None:
            raise TypeError("this needs ChatBelvedere(client=belvedere.Client(...)); there is an async_client only")
        return self.client

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(self._threads().complete(**self._asked(messages, stop, kwargs)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.async_client is None:
            return await super()._agenerate(messages, stop, None, **kwargs)
        return _result(await self.async_client.complete(**self._asked(messages, stop, kwargs)))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        telling = _Telling()
        with self._threads().stream(**self._asked(messages, stop, kwargs)) as stream:
            for event in stream:
                if chunk := telling.chunk(event):
                    if run_manager:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
            yield telling.last(stream.partial)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.async_client is None:
            async for said in super()._astream(messages, stop, None, **kwargs):
                yield said
            return
        telling = _Telling()
        async with self.async_client.stream(**self._asked(messages, stop, kwargs)) as stream:
            async for event in stream:
                if chunk := telling.chunk(event):
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
            yield telling.last(stream.partial)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Lets the model call tools.

        tool_choice: `auto`, `none`, `any` or `required` (True is the same), or the name of a tool.
        """
        wire = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        if tool_choice is not None and tool_choice is not False:
            kwargs["tool_choice"] = _tool_choice(tool_choice)
        return super().bind(tools=wire, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Literal["json_schema", "function_calling", "json_mode"] = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Answers that fit a schema: a class of pydantic gives its objects, all others give dicts.

        method: how the model is brought to it. `json_schema` by the response format, `function_calling` by a tool,
        `json_mode` by the demand for JSON alone.
        """
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        if kwargs:
            raise ValueError(f"Received unsupported arguments {kwargs}")
        is_model = isinstance(schema, type) and issubclass(schema, BaseModel)
        wanted: dict[str, Any] = {"type": "json_object"}
        asked = cast(Any, schema)
        if method == "json_schema":
            described = convert_to_json_schema(asked, strict=strict)
            name = described.get("title", "answer")
            wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": described}}
            if strict is not None:
                wanted["json_schema"]["strict"] = strict
        model = self.bind(
            response_format=wanted,
            ls_structured_output_format={"kwargs": {"method": method}, "schema": schema},
        )
        parser: Any = PydanticOutputParser(pydantic_object=asked) if is_model else JsonOutputParser()
        if not include_raw:
            structured: Runnable[LanguageModelInput, dict[str, Any] | BaseModel] = model | parser
            return structured
        parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")


class _Telling:
    """The chunks of an answer from its events. Of several choices it tells the first."""

    def chunk(self, event: Event) -> ChatGenerationChunk | None:
        """What an event tells; None where LangChain has no place for it."""
        message = self._message(event)
        return ChatGenerationChunk(message=message) if message is not None else None

    def _message(self, event: Event) -> AIMessageChunk | None:
        kind = event.type
        if kind in ("text", "reasoning", "refusal", "tool_start", "tool_input") and event.choice != 0:
            return None
        if kind == "text":
            return AIMessageChunk(content=event.delta or "")
        if kind == "reasoning":
            return AIMessageChunk(content="", additional_kwargs={"reasoning_content": event.delta})
        if kind == "refusal":
            return AIMessageChunk(content="", additional_kwargs={"refusal": event.delta})
        if kind == "tool_start" and event.get("by", "client") == "client":
            piece = tool_call_chunk(name=event["name"], args="", id=event["id"], index=event["part"])
            return AIMessageChunk(content="", tool_call_chunks=[piece])
        if kind == "tool_input":
            piece = tool_call_chunk(name=None, args=event.delta, id=None, index=event["part"])
            return AIMessageChunk(content="", tool_call_chunks=[piece])
        return None

    def last(self, answer: Answer) -> ChatGenerationChunk:
        """The end: usage, and how it ended."""
        told = _response_metadata(answer)
        message = AIMessageChunk(
            content="", usage_metadata=_usage(answer), response_metadata=told, chunk_position="last"
        )
        return ChatGenerationChunk(message=message, generation_info={"finish_reason": told.get("finish_reason")})


def _tool_choice(choice: str | bool | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, bool) or choice == "any":
        return "required"
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        return {"type": "function", "function": {"name": choice}}
    return choice


def _result(answer: Answer) -> ChatResult:
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in answer.tool_calls:
        try:
            arguments = call.arguments
        except json.JSONDecodeError as error:
            invalid.append(invalid_tool_call(name=call.name, args=call.input, id=call.id, error=str(error)))
        else:
            calls.append(tool_call(name=call.name, args=arguments, id=call.id))
    extra = {"reasoning_content": answer.reasoning, "refusal": answer.refusal}
    told = _response_metadata(answer)
    message = AIMessage(
        content=answer.text,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        additional_kwargs={name: text for name, text in extra.items() if text},
        usage_metadata=_usage(answer),
        response_metadata=told,
        id=answer.id,
    )
    generation = ChatGeneration(message=message, generation_info={"finish_reason": told.get("finish_reason")})
    return ChatResult(generations=[generation], llm_output={"model_name": told.get("model_name")})


def _response_metadata(answer: Answer) -> dict[str, Any]:
    attempts = answer.attempts
    told = {
        "model_provider": "belvedere",
        "id": answer.id,
        "model_name": answer.model,
        "finish_reason": answer.finish_reason,
        "provider": attempts[-1].provider if attempts else None,
        "attempts": len(attempts),
        "cost": float(answer.cost) if answer.cost is not None else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _usage(answer: Answer) -> UsageMetadata | None:
    usage = answer.usage
    if usage is None:
        return None
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    classes = usage.classes
    told = UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=usage.total_tokens or read + written)
    cached = sum(classes.get(name, 0) for name in ("cache_write_5m", "cache_write_1h"))
    inputs: Any = {
        "audio": classes.get("audio_input"),
        "cache_read": classes.get("cache_read"),
        "cache_creation": cached,
    }
    outputs: Any = {"audio": classes.get("audio_output"), "reasoning": classes.get("reasoning")}
    if any(inputs.values()):
        told["input_token_details"] = _known(inputs)
    if any(outputs.values()):
        told["output_token_details"] = _known(outputs)
    return told


def _known(counts: Any) -> Any:
    return {name: count for name, count in counts.items() if count}
