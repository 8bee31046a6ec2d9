"""What requests are made of: plain dicts, as other libraries have them, so that a type checker and an editor know them.

Messages, parts and tools are OpenAI's as they are; parts that only this library has stand beside them. A field that is
not listed is not an error: it is sent as it is. :func:`system`, :func:`user`, :func:`assistant` and :func:`tool` make
messages; :func:`image`, :func:`audio` and :func:`file` make parts of a user's message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict, Union

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from typing_extensions import NotRequired, Required, TypeAlias

    Time: TypeAlias = Union[float, str, timedelta]
    """Seconds, a text with units (`"20s"`), or a timedelta."""
    Content: TypeAlias = Union[str, Sequence[Union[str, "Part", Mapping[str, Any]]], None]
    """What a message says: a text, or a list of texts and parts."""
    Messages: TypeAlias = Sequence[Union["Message", Mapping[str, Any]]]
    """A conversation."""
    Tools: TypeAlias = Sequence[Union["Tool", "Function", Mapping[str, Any]]]
    """What the model may call. A provider's own tool is its own object."""

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
"""Who speaks."""
End = Literal["finished", "truncated", "failed", "cancelled"]
"""How a stream ended."""
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "error", "other"]
"""Why the model stopped."""


class TextPart(TypedDict):
    """Text."""

    type: Literal["text"]
    text: str


class ImageURL(TypedDict):
    """Where a picture is: an address, or its bytes as a `data:` URL."""

    url: str
    detail: NotRequired[Literal["auto", "low", "high"]]


class ImagePart(TypedDict):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageURL | str


class VideoURL(TypedDict):
    """Where a video is: an address, or its bytes as a `data:` URL."""

    url: str


class VideoPart(TypedDict):
    """Moving pictures."""

    type: Literal["video_url"]
    video_url: VideoURL | str


class InputAudio(TypedDict):
    """Sound: base64, and its format, such as `wav` or `mp3`."""

    data: str
    format: NotRequired[str]


class AudioPart(TypedDict):
    """Sound."""

    type: Literal["input_audio"]
    input_audio: InputAudio


class FileData(TypedDict, total=False):
    """A document: its bytes as base64 or a `data:` URL, its address, or the id it was uploaded under."""

    file_data: str
    file_url: str
    file_id: str
    filename: str


class FilePart(TypedDict):
    """A document."""

    type: Literal["file"]
    file: FileData


class ReasoningPart(TypedDict):
    """The model's thinking, carried back where the provider wants it."""

    type: Literal["reasoning"]
    text: str
    signature: NotRequired[str]
    wire: NotRequired[str]


class RefusalPart(TypedDict):
    """The model declined, in words."""

    type: Literal["refusal"]
    text: str


class ToolCallPart(TypedDict):
    """A call of a tool, as a part. `input` is JSON text, as the model wrote it."""

    type: Literal["tool_call"]
    id: str
    name: str
    input: str
    by: NotRequired[Literal["client", "provider"]]


class ToolResultPart(TypedDict):
    """The result of a tool call, as a part."""

    type: Literal["tool_result"]
    id: str
    content: str | Sequence[str | Mapping[str, Any]]
    name: NotRequired[str]
    is_error: NotRequired[bool]


class MediaPart(TypedDict):
    """A picture, sound, video or document in this library's own form."""

    type: Literal["media"]
    kind: Literal["image", "audio", "video", "file"]
    source: Mapping[str, Any]
    """`{"url": ...}`, `{"id": ...}` or `{"data": {"mime": ..., "data": base64}}`."""
    name: NotRequired[str]


class OpaquePart(TypedDict):
    """A part that only its provider understands, carried back as it is."""

    type: Literal["opaque"]
    kind: str
    data: Any
    wire: NotRequired[str]


Part = Union[
    TextPart,
    ImagePart,
    VideoPart,
    AudioPart,
    FilePart,
    ReasoningPart,
    RefusalPart,
    ToolCallPart,
    ToolResultPart,
    MediaPart,
    OpaquePart,
]
"""A piece of a message."""


class CalledFunction(TypedDict):
    """Which function the model called, with its arguments as JSON text."""

    name: str
    arguments: str


class MessageToolCall(TypedDict):
    """A tool call in a message, as OpenAI writes it."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class Message(TypedDict, total=False):
    """A message. `content` is a text or a list of parts; the role `tool` needs `tool_call_id`."""

    role: Required[Role]
    content: Content
    name: str
    tool_calls: Sequence[MessageToolCall | Mapping[str, Any]]
    tool_call_id: str
    refusal: str
    reasoning_content: str


class Function(TypedDict):
    """A function that the model may call. `parameters` is a JSON Schema."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[Mapping[str, Any]]
    strict: NotRequired[bool]


class Tool(TypedDict):
    """A function, as OpenAI wraps it."""

    type: Literal["function"]
    function: Function


class NamedFunction(TypedDict):
    """The name of a function."""

    name: str


class NamedTool(TypedDict):
    """One tool, as OpenAI chooses it."""

    type: NotRequired[Literal["function"]]
    function: NamedFunction


ToolChoice = Union[Literal["auto", "none", "required"], NamedTool, NamedFunction]
"""Which tool the model must or may call."""


class Schema(TypedDict):
    """A named JSON Schema."""

    name: str
    schema: NotRequired[Mapping[str, Any]]
    description: NotRequired[str]
    strict: NotRequired[bool]


class PlainFormat(TypedDict):
    """Free text, or some JSON object."""

    type: Literal["text", "json_object"]


class SchemaFormat(TypedDict):
    """JSON that a schema describes."""

    type: Literal["json_schema"]
    json_schema: Schema


ResponseFormat = Union[PlainFormat, SchemaFormat]
"""The form that the answer must have."""


class Reasoning(TypedDict, total=False):
    """How much the model should think: in words, or in tokens."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"]
    max_tokens: int


class Scope(TypedDict, total=False):
    """Whom a call belongs to: what budgets, limits, caches and records are kept by."""

    tenant: str
    project: str
    user: str
    session: str
    tags: Mapping[str, str]


class Options(TypedDict, total=False):
    """Options of one call. They steer the pipeline; the provider sees none of them but the headers."""

    timeout: Time
    scope: Scope
    headers: Mapping[str, str]
    idempotency_key: str
    raw: bool
    unsupported: Literal["strict", "drop"]
    attempts: int
    pause: Literal["backpressure", "spill", "checkpoint"]
    stream_id: str


class Request(TypedDict, total=False):
    """A whole request. Fields that are not listed are sent as they are."""

    operation: Literal["chat", "embed", "models"]
    model: str
    messages: Messages
    input: Sequence[str]
    tools: Tools
    tool_choice: ToolChoice | Mapping[str, Any]
    parallel_tool_calls: bool
    max_tokens: int
    max_completion_tokens: int
    temperature: float
    top_p: float
    top_k: int
    stop: str | Sequence[str]
    seed: int
    n: int
    presence_penalty: float
    frequency_penalty: float
    logprobs: bool
    top_logprobs: int
    response_format: ResponseFormat | Mapping[str, Any]
    reasoning: Reasoning
    user: str
    dimensions: int
    continue_final_message: bool
    options: Options


def system(content: Content) -> Message:
    """An instruction of the application."""
    return {"role": "system", "content": content}


def user(*content: str | Part | Mapping[str, Any]) -> Message:
    """What the person says: a text, or several texts and parts (:func:`image`, :func:`audio`, :func:`file`)."""
    if len(content) == 1 and isinstance(content[0], str):
        return {"role": "user", "content": content[0]}
    return {"role": "user", "content": list(content)}


def assistant(content: Content) -> Message:
    """What the model said."""
    return {"role": "assistant", "content": content}


def tool(tool_call_id: str, content: Content) -> Message:
    """The result of the tool call with this id."""
    return {"role": "tool", "tool_call_id": tool_call_id, "content": content}


def image(source: str | bytes, *, mime: str = "image/png", detail: Literal["auto", "low", "high"] = "auto") -> ImagePart:
    """A picture: an address, or its bytes with their media type."""
    url = source if isinstance(source, str) else _data_url(source, mime)
    return {"type": "image_url", "image_url": {"url": url} if detail == "auto" else {"url": url, "detail": detail}}


def audio(data: bytes, *, format: str = "wav") -> AudioPart:
    """Sound in a format such as `wav` or `mp3`."""
    return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": format}}


def file(data: bytes, *, name: str, mime: str = "application/pdf") -> FilePart:
    """A document."""
    return {"type": "file", "file": {"file_data": _data_url(data, mime), "filename": name}}


def _data_url(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{_base64(data)}"


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode("ascii")
