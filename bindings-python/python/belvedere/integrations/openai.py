"""The official `openai` package over a pipeline: its requests do not leave the process, the pipeline answers them.

    from openai import AsyncOpenAI

    from belvedere import AsyncClient
    from belvedere.integrations.openai import belvedere_http_client

    client = AsyncClient.from_file("belvedere.yaml")
    openai = AsyncOpenAI(api_key="unused", http_client=belvedere_http_client(client))

Chat completions, responses, embeddings and the list of models work as ever, streams too, whatever provider stands behind
the pipeline. Errors come with the status and the body that OpenAI sends for them, so that they are `openai`'s own
exceptions. What the pipeline has retried to the end is not retried once more. The `timeout` of the package holds: for the
beginning of an answer, and between two pieces of a stream.

The key, the address, organization and project that the package was given are not used: those of the configuration are.
`extra_headers` and `extra_body` go to the provider. A pipeline has no place for `extra_query`: that is a `BadRequestError`.
SDKs of other providers that take an `http_client` of httpx (`anthropic` does) work in the same way.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

from belvedere import AsyncClient, Client

__all__ = ["belvedere_http_client"]


def belvedere_http_client(
    client: Client | AsyncClient,
    *,
    scope: Mapping[str, Any] | None = None,
    library: ModuleType | None = None,
) -> Any:
    """An HTTP client that sends its requests through a pipeline.

    An `httpx.AsyncClient` for an `AsyncClient`, for `AsyncOpenAI`; an `httpx.Client` for a `Client`, for `OpenAI`.
    Closing it leaves the pipeline open.

    scope: who asks (`tenant`, `user`, ...), for all of its requests.
    library: `httpx` or `httpx2`. By default the one that the installed `openai` stands on.
    """
    if not isinstance(client, (Client, AsyncClient)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"client must be a belvedere.Client or AsyncClient, not {type(client).__name__}")
    httpx = library or import_module(_library())
    whole, transport = _classes(httpx, isinstance(client, AsyncClient))
    # Proxies of the environment are for requests that go out.
    return whole(transport=transport(httpx, client, scope), trust_env=False)


def _library() -> str:
    """What the installed `openai` stands on: httpx2 from its third major version on."""
    try:
        major = int(metadata.version("openai").partition(".")[0])
    except (metadata.PackageNotFoundError, ValueError):
        return "httpx"
    return "httpx2" if major >= 3 else "httpx"


@functools.cache
def _classes(httpx: ModuleType, is_async: bool) -> tuple[Any, Any]:
    """The client's class, and a transport that the library takes for its own."""
    if is_async:
        stream = type("BelvedereStream", (_AsyncStream, httpx.AsyncByteStream), {})
        bases = (_AsyncTransport, httpx.AsyncBaseTransport)
        return httpx.AsyncClient, type("BelvedereTransport", bases, {"stream": stream})
    stream = type("BelvedereStream", (_Stream, httpx.SyncByteStream), {})
    return httpx.Client, type("BelvedereTransport", (_Transport, httpx.BaseTransport), {"stream": stream})


class _Served:
    """What both kinds of transports have."""

    stream: Any

    def __init__(self, httpx: Any, client: Any, scope: Mapping[str, Any] | None) -> None:
        self._httpx = httpx
        self._client = client
        self._scope = scope

    def _pending(self, request: Any, content: bytes) -> Any:
        return self._client._serve(
            request.method,
            request.url.raw_path.decode("ascii"),
            request.headers.raw,
            content,
            self._scope,
            request.extensions.get("timeout", {}).get("read"),
        )

    def _response(self, request: Any, answer: tuple[int, list[tuple[bytes, bytes]], Any]) -> Any:
        status, headers, body = answer
        if isinstance(body, bytes):
            return self._httpx.Response(status, headers=headers, content=body)
        return self._httpx.Response(status, headers=headers, stream=self.stream(body, self._late, request))

    def _late(self, request: Any, error: TimeoutError) -> Exception:
        late: Exception = self._httpx.ReadTimeout(str(error), request=request)
        return late


class _Transport(_Served):
    def handle_request(self, request: Any) -> Any:
        try:
            return self._response(request, self._pending(request, request.read()))
        except TimeoutError as error:
            raise self._late(request, error) from None


class _AsyncTransport(_Served):
    async def handle_async_request(self, request: Any) -> Any:
        content = await request.aread()
        try:
            return self._response(request, await self._pending(request, content))
        except TimeoutError as error:
            raise self._late(request, error) from None


class _Stream:
    def __init__(self, body: Any, late: Any, request: Any) -> None:
        self._body = body
        self._late = late
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except TimeoutError as error:
            raise self._late(self._request, error) from None

    def close(self) -> None:
        self._body.close()


class _AsyncStream:
    def __init__(self, body: Any, late: Any, request: Any) -> None:
        self._body = body
        self._late = late
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._body:
                yield piece
        except TimeoutError as error:
            raise self._late(self._request, error) from None

    async def aclose(self) -> None:
        self._body.close()
