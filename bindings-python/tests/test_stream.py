"""Streams: what they hand out, how they are controlled, and how they end."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import time
from contextlib import aclosing, closing
from typing import Any

import pytest

import belvedere
from upstream import Upstream


def client(upstream: Upstream, model: str, **sections: Any) -> belvedere.Client:
    return belvedere.Client(provider=upstream.provider(model), **sections)


def async_client(upstream: Upstream, model: str, **sections: Any) -> belvedere.AsyncClient:
    return belvedere.AsyncClient(provider=upstream.provider(model), **sections)


def test_an_event_is_the_object_of_its_json_form() -> None:
    event = belvedere.Event({"type": "text", "part": 1, "delta": "hi"})
    assert event == belvedere.Event(type="text", part=1, delta="hi")
    assert (event.type, event.delta, event.part, event.choice) == ("text", "hi", 1, 0)
    assert event["part"] == 1 and "delta" in event and event.get("other") is None and event.get("other", 3) == 3
    assert event.to_dict() == {"type": "text", "part": 1, "delta": "hi"}
    assert list(event.to_dict()) == ["type", "part", "delta"]
    assert repr(event) == "Event(type='text', part=1, delta='hi')"
    with pytest.raises(AttributeError, match="type `text` has no `reason`"):
        event.reason
    with pytest.raises(KeyError):
        event["reason"]
    for same in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
        assert same == event
    finish = belvedere.Event(type="finish", reason="stop", choice=2)
    assert (finish.reason, finish.choice, finish.delta) == ("stop", 2, None)
    with pytest.raises(belvedere.InvalidRequest, match="one of start, text"):
        belvedere.Event(type="nonsense")
    with pytest.raises(TypeError):
        belvedere.Event()


def test_a_stream_hands_out_all_events(upstream: Upstream) -> None:
    stream = client(upstream, "burst-3").stream("hi")
    events = list(stream)
    assert [event.type for event in events] == ["start", "text", "text", "text", "part_end", "finish"]
    assert "".join(event.delta or "" for event in events) == "t0 t1 t2 "
    assert stream.end == "finished" and stream.partial.text == "t0 t1 t2 "
    assert list(stream) == []
    assert repr(stream) == "<belvedere.Stream, finished>"


async def test_a_burst_is_whole_and_in_order(upstream: Upstream) -> None:
    stream = async_client(upstream, "burst-5000").stream("hi")
    deltas = [event.delta async for event in stream if event.type == "text"]
    assert deltas == [f"t{n} " for n in range(5000)]
    assert stream.end == "finished"
    assert stream.progress().events == 5003


async def test_a_stream_opens_with_its_block(upstream: Upstream) -> None:
    before = upstream.stats()["requests"]
    stream = async_client(upstream, "quick").stream("hi")
    await asyncio.sleep(0.02)
    assert upstream.stats()["requests"] == before, "it begins at the first await"
    async with stream as same:
        assert same is stream
        assert upstream.stats()["requests"] == before + 1
    with pytest.raises(belvedere.RateLimited):
        async with async_client(upstream, "error-429").stream("hi"):
            pytest.fail("it is not open")
    with pytest.raises(belvedere.Overloaded), client(upstream, "error-500").stream("hi"):
        pytest.fail("it is not open")


async def test_w4_leaving_a_stream_closes_the_upstream(upstream: Upstream) -> None:
    made = async_client(upstream, "endless")
    left = upstream.stats()["left"]
    async with made.stream("hi") as stream:
        async for _ in stream:
            break
    assert stream.end == "cancelled"
    async with aclosing(made.stream("hi")) as stream:
        async for event in stream:
            if event.type == "text":
                break
    assert stream.partial.text.startswith("t0 ")
    async for _ in made.stream("hi"):
        break
    gc.collect()
    stream = made.stream("hi")
    await anext(stream)
    stream.cancel()
    assert [event async for event in stream] == []
    stats = upstream.settle(open=0)
    assert (stats["open"], stats["left"]) == (0, left + 4)


def test_w4_leaving_a_stream_of_a_thread_closes_the_upstream(upstream: Upstream) -> None:
    made = client(upstream, "endless")
    left = upstream.stats()["left"]
    with made.stream("hi") as stream:
        next(stream)
    with closing(made.stream("hi")) as stream:
        next(stream)
    for _ in made.stream("hi"):
        break
    stats = upstream.settle(open=0)
    assert (stats["open"], stats["left"]) == (0, left + 3)


async def test_a_cancelled_read_loses_no_event(upstream: Upstream) -> None:
    stream = async_client(upstream, "paced-20").stream("hi")
    deltas = []
    while stream.end is None:
        try:
            event = await asyncio.wait_for(anext(stream, None), 0.003)
        except (asyncio.TimeoutError, TimeoutError):
            continue
        if event is not None and event.type == "text":
            deltas.append(event.delta)
    assert deltas == [f"t{n} " for n in range(20)]


async def test_a_pause_hands_nothing_out(upstream: Upstream) -> None:
    stream = async_client(upstream, "paced-40").stream("hi")
    await anext(stream)
    stream.pause()
    assert stream.paused and stream.progress().state == "paused"
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    seen = stream.progress().events
    stream.resume()
    assert (await waiting).type in ("text", "start") and not stream.paused
    assert seen == 1
    deltas = [event.delta async for event in stream if event.type == "text"]
    assert deltas[-1] == "t39 " and stream.end == "finished"
    early = async_client(upstream, "quick").stream("hi")
    early.pause()
    waiting = asyncio.ensure_future(anext(early))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    early.resume()
    assert (await waiting).type == "start"


async def test_what_was_read_before_a_pause_comes_after_it(upstream: Upstream) -> None:
    stream = async_client(upstream, "stall").stream("hi")
    await anext(stream)
    await asyncio.sleep(0.05)
    stream.pause()
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stream.resume()
    assert (await asyncio.wait_for(waiting, 2)).delta == "t0 "
    assert [(await anext(stream)).delta for _ in range(2)] == ["t1 ", "t2 "]
    stream.cancel()


async def test_what_was_read_ahead_does_not_count(upstream: Upstream) -> None:
    stream = async_client(upstream, "burst-200").stream("hi")
    await anext(stream)
    await anext(stream)
    await asyncio.sleep(0.05)
    progress = stream.progress()
    assert (progress.events, progress.bytes) == (2, 3)
    assert progress.buffered > 0, "it was read ahead"
    checkpoint = stream.checkpoint()
    assert checkpoint is not None and checkpoint.partial.text == "t0 "


async def test_a_slow_reader_slows_the_upstream(upstream: Upstream) -> None:
    stream = async_client(upstream, "burst-200000").stream("hi")
    await anext(stream)
    await asyncio.sleep(0.3)
    assert upstream.stats()["open"] == 1, "the upstream is held back"
    assert stream.progress().buffered < 200_000
    stream.cancel()
    assert upstream.settle(open=0)["open"] == 0


async def test_collect_gives_the_rest_or_the_partial_answer(upstream: Upstream) -> None:
    stream = async_client(upstream, "burst-10").stream("hi")
    await anext(stream)
    answer = await stream.collect()
    assert answer.text == "".join(f"t{n} " for n in range(10))
    assert [attempt.end for attempt in answer.attempts] == ["finished"]
    assert await stream.collect() == answer and stream.end == "finished"
    stream = async_client(upstream, "stall").stream("hi")
    for _ in range(4):
        await anext(stream)
    collecting = asyncio.ensure_future(stream.collect())
    await asyncio.sleep(0.02)
    stream.cancel()
    with pytest.raises(belvedere.Cancelled) as raised:
        await collecting
    assert raised.value.partial is not None and raised.value.partial.text == "t0 t1 t2 "
    assert client(upstream, "burst-2").stream("hi").collect().text == "t0 t1 "


async def test_metrics_tell_how_it_went(upstream: Upstream) -> None:
    stream = async_client(upstream, "burst-10").stream("hi")
    assert stream.progress().state == "waiting" and stream.metrics().attempts == []
    assert stream.checkpoint() is None
    stream.expect_tokens(10)
    async for _ in stream:
        pass
    metrics = stream.metrics()
    assert (metrics.progress.state, metrics.progress.events) == ("finished", 13)
    assert [attempt.provider for attempt in metrics.attempts] == ["openai"]
    assert stream.checkpoint() is None, "it has finished"


async def test_a_checkpoint_goes_on_elsewhere(upstream: Upstream) -> None:
    made = async_client(upstream, "burst-3", layers=[{"type": "repair"}])
    stream = made.stream("hi")
    async for event in stream:
        if event.delta == "t0 ":
            break
    checkpoint = stream.checkpoint()
    stream.cancel()
    assert checkpoint is not None
    same = belvedere.Checkpoint.from_json(checkpoint.to_json())
    assert same == checkpoint == pickle.loads(pickle.dumps(checkpoint)) == belvedere.Checkpoint(checkpoint.to_dict())
    resumed = [event async for event in made.resume(same)]
    assert resumed[0].type == "start" and "continued" in {event.get("notice") for event in resumed}
    with pytest.raises(belvedere.Unsupported):
        await anext(async_client(upstream, "burst-3").resume(same))
    with pytest.raises(belvedere.InvalidRequest, match="version 2"):
        belvedere.Checkpoint.from_json('{"version": 2}')


async def test_readers_attach_to_a_stream_with_an_id(upstream: Upstream) -> None:
    made = async_client(upstream, "paced-5")
    stream = made.stream("hi", stream_id="s1", scope={"tenant": "acme"})
    first = [event async for event in stream]
    again = [event async for event in made.attach("s1", scope={"tenant": "acme"})]
    later = [event async for event in made.attach("s1", 2, scope={"tenant": "acme"})]
    assert again == first and later == first[2:]
    with pytest.raises(belvedere.InvalidRequest):
        await anext(made.attach("s1", scope={"tenant": "other"}))


async def test_a_truncated_stream_raises_with_its_partial(upstream: Upstream) -> None:
    made = async_client(upstream, "stall", layers=[{"type": "timeout", "idle": "100ms"}])
    texts = []
    with pytest.raises(belvedere.Timeout) as raised:
        async for event in made.stream("hi"):
            texts.append(event.delta or "")
    assert "".join(texts) == "t0 t1 t2 "
    assert raised.value.partial is not None and raised.value.partial.text == "t0 t1 t2 "
    assert raised.value.phase == "idle"


async def test_control_works_from_another_thread(upstream: Upstream) -> None:
    stream = async_client(upstream, "endless").stream("hi")
    threading.Timer(0.05, stream.cancel).start()
    began = time.monotonic()
    assert len([event async for event in stream]) > 0
    assert stream.end == "cancelled" and time.monotonic() - began < 2


async def test_two_readers_share_the_events(upstream: Upstream) -> None:
    stream = async_client(upstream, "paced-30").stream("hi")

    async def read() -> list[Any]:
        return [event.delta async for event in stream if event.type == "text"]

    one, other = await asyncio.wait_for(asyncio.gather(read(), read()), 5)
    assert sorted(one + other, key=lambda delta: int(delta[1:])) == [f"t{n} " for n in range(30)]
