"""What calls take and cost, side by side."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, overload

from belvedere import Error
from belvedere._native import Answer, AsyncClient, Client


@dataclass(frozen=True)
class Latency:
    """Times in seconds; None where nothing was measured."""

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None

    @staticmethod
    def of(times: Iterable[float]) -> Latency:
        """The figures of some times."""
        times = sorted(times)
        if not times:
            return Latency()
        p50, p90, p99 = (times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.9, 0.99))
        return Latency(statistics.fmean(times), p50, p90, p99, times[-1])


@dataclass(frozen=True)
class Benchmark:
    """What the calls of a run took and cost."""

    calls: int
    failed: int
    elapsed: float
    """Seconds from the first call to the last end."""
    rate: float
    """Calls a second."""
    latency: Latency
    """Of the calls that succeeded."""
    first_event: Latency
    """Until the first content came; measured where answers are streamed."""
    cost: Decimal | None
    """US dollars of all answers together; None when one is unknown."""
    input_tokens: int
    output_tokens: int
    attempts: int
    """All attempts of the calls that succeeded."""
    cached: int
    """How many answers were at hand."""
    errors: dict[str, int] = field(default_factory=dict[str, int])
    """How many calls failed, by kind."""

    def __str__(self) -> str:
        def ms(seconds: float | None) -> str:
            return "-" if seconds is None else f"{seconds * 1000:.1f} ms"

        cost = "unknown" if self.cost is None else f"${self.cost}"
        lines = [
            f"{self.calls} calls in {self.elapsed:.2f} s ({self.rate:.1f}/s), {self.failed} failed {self.errors or ''}",
            f"latency      p50 {ms(self.latency.p50)}  p90 {ms(self.latency.p90)}  p99 {ms(self.latency.p99)}"
            f"  max {ms(self.latency.max)}",
            f"tokens       {self.input_tokens} in, {self.output_tokens} out; cost {cost}",
            f"attempts     {self.attempts}; {self.cached} answers were at hand",
        ]
        if self.first_event.p50 is not None:
            lines.insert(2, f"first event  p50 {ms(self.first_event.p50)}  p99 {ms(self.first_event.p99)}")
        return "\n".join(line.rstrip() for line in lines)


@dataclass
class _Call:
    answer: Answer | None = None
    error: str | None = None
    took: float = 0.0
    first: float | None = None


@overload
def run_benchmark(
    client: Client, requests: Iterable[Any], concurrency: int = 8, *, stream: bool = False, **options: Any
) -> Benchmark: ...


@overload
def run_benchmark(
    client: AsyncClient, requests: Iterable[Any], concurrency: int = 8, *, stream: bool = False, **options: Any
) -> Awaitable[Benchmark]: ...


def run_benchmark(
    client: Client | AsyncClient,
    requests: Iterable[Any],
    concurrency: int = 8,
    *,
    stream: bool = False,
    **options: Any,
) -> Benchmark | Awaitable[Benchmark]:
    """Makes a call for each request, so many at a time, and says what they took and cost.

    With an `AsyncClient` it is awaited. With `stream` the answers are streamed, and the time to the first content is
    measured, too. `options` are those of every call, such as `timeout=` or `scope=`.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be at least 1")
    asked = list(requests)
    if isinstance(client, AsyncClient):
        return _run_async(client, asked, concurrency, stream, options)
    began = time.perf_counter()

    def call(request: Any) -> _Call:
        return _call(client, request, stream, options)

    with ThreadPoolExecutor(concurrency) as pool:
        calls = list(pool.map(call, asked))
    return _figures(calls, time.perf_counter() - began)


def _call(client: Client, request: Any, stream: bool, options: dict[str, Any]) -> _Call:
    call, began = _Call(), time.perf_counter()
    try:
        if stream:
            answering = client.stream(request, **options)
            for event in answering:
                if event.delta is not None:
                    call.first = time.perf_counter() - began
                    break
            call.answer = answering.collect()
        else:
            call.answer = client.complete(request, **options)
    except Error as error:
        call.error = error.kind
    call.took = time.perf_counter() - began
    return call


async def _run_async(
    client: AsyncClient, requests: list[Any], concurrency: int, stream: bool, options: dict[str, Any]
) -> Benchmark:
    calls: list[_Call] = []
    left = iter(requests)

    async def work() -> None:
        for request in left:
            calls.append(await _call_async(client, request, stream, options))

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return _figures(calls, time.perf_counter() - began)


async def _call_async(client: AsyncClient, request: Any, stream: bool, options: dict[str, Any]) -> _Call:
    call, began = _Call(), time.perf_counter()
    try:
        if stream:
            answering = client.stream(request, **options)
            async for event in answering:
                if event.delta is not None:
                    call.first = time.perf_counter() - began
                    break
            call.answer = await answering.collect()
        else:
            call.answer = await client.complete(request, **options)
    except Error as error:
        call.error = error.kind
    call.took = time.perf_counter() - began
    return call


def _figures(calls: list[_Call], elapsed: float) -> Benchmark:
    answers = [call.answer for call in calls if call.answer is not None]
    errors: dict[str, int] = {}
    for call in calls:
        if call.error is not None:
            errors[call.error] = errors.get(call.error, 0) + 1
    costs = [answer.cost for answer in answers if not answer.cached]
    usages = [answer.usage for answer in answers if answer.usage is not None]
    return Benchmark(
        calls=len(calls),
        failed=sum(errors.values()),
        elapsed=elapsed,
        rate=len(calls) / elapsed if elapsed > 0 else 0.0,
        latency=Latency.of(call.took for call in calls if call.error is None),
        first_event=Latency.of(call.first for call in calls if call.first is not None),
        cost=None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0)),
        input_tokens=sum(usage.input_tokens or 0 for usage in usages),
        output_tokens=sum(usage.output_tokens or 0 for usage in usages),
        attempts=sum(len(answer.attempts) for answer in answers),
        cached=sum(answer.cached for answer in answers),
        errors=errors,
    )
