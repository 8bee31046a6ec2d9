"""Functions of Python as providers, layers, hooks and counters."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import belvedere
from belvedere import Answer, AsyncClient, Client, Event
from belvedere.testing import Simulation, run

RETRY = {"type": "retry", "attempts": 3, "backoff": "0s"}


def words(request: dict[str, Any]) -> str:
    content = request["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


@belvedere.provider(model="parrot-1")
async def parrot(request: dict[str, Any]) -> str:
    return f"You said: {words(request)}"


@belvedere.provider
async def speller(request: dict[str, Any]) -> AsyncIterator[str]:
    for letter in words(request):
        yield letter


@belvedere.provider
def plain(request: dict[str, Any]) -> Iterator[str]:
    yield from words(request).split()


# Providers


def test_a_whole_answer_is_one_attempt_of_the_function() -> None:
    answer = Client(provider=parrot).complete("hi")
    assert (answer.text, answer.finish_reason, answer.cached) == ("You said: hi", "stop", False)
    assert [(attempt.provider, attempt.model, attempt.end) for attempt in answer.attempts] == [
        ("parrot", "parrot-1", "finished")
    ]


async def test_pieces_of_text_become_a_stream_that_is_complete() -> None:
    async with AsyncClient(provider=speller).stream("ab") as stream:
        events = [event.to_dict() async for event in stream]
    assert [event["type"] for event in events] == ["start", "text", "text", "part_end", "finish"]
    assert [event["delta"] for event in events[1:3]] == ["a", "b"]
    assert stream.end == "finished"


def test_a_plain_generator_streams_from_a_thread() -> None:
    here = threading.current_thread().name
    seen: list[str] = []

    def counting(request: dict[str, Any]) -> Iterator[str]:
        for word in plain(request):
            seen.append(threading.current_thread().name)
            yield word

    assert Client(provider=belvedere.provider(counting)).complete("one two").text == "onetwo"
    assert len(seen) == 2 and here not in seen


def test_events_and_their_dicts_are_taken_as_they_are() -> None:
    @belvedere.provider
    def events(request: dict[str, Any]) -> Iterator[Any]:
        yield Event(type="start", id="a-1", model="m")
        yield {"type": "text", "part": 0, "delta": "x"}
        yield {"type": "part_end", "part": 0}
        yield {"type": "usage", "classes": {"input": 3, "output": 1}}
        yield {"type": "finish", "reason": "length"}

    answer = Client(provider=events).complete("hi")
    assert (answer.id, answer.text, answer.finish_reason) == ("a-1", "x", "length")
    assert answer.usage is not None and answer.usage.output_tokens == 1
    assert answer.attempts[0].usage is not None


def test_a_function_that_gives_nothing_says_what_it_may_give() -> None:
    with pytest.raises(belvedere.Unexpected) as raised:
        Client(provider=belvedere.provider(lambda request: None)).complete("hi")
    assert isinstance(raised.value.__cause__, TypeError)
    assert "NoneType; give an Answer" in str(raised.value.__cause__)


def test_a_plain_function_may_give_a_coroutine() -> None:
    assert Client(provider=belvedere.provider(lambda request: parrot(request))).complete("x").text == "You said: x"


def test_an_object_that_can_be_called_is_a_provider() -> None:
    class Fixed:
        async def __call__(self, request: dict[str, Any]) -> Answer:
            return Answer({"choices": [{"index": 0, "parts": [{"type": "text", "text": "fixed"}]}]})

    assert Client(provider=belvedere.provider(Fixed(), name="fixed")).complete("x").text == "fixed"


def test_documents_name_functions() -> None:
    named = belvedere.provider(lambda request: "by its name", name="by-name")
    assert named.to_dict() == {"type": "host", "name": "by-name"}
    assert Client({"provider": {"type": "host", "name": "by-name"}}).complete("x").text == "by its name"
    with pytest.raises(belvedere.ConfigInvalid, match="no provider of the host has this name"):
        Client(provider={"type": "host", "name": "nobody"})


def test_functions_are_targets_of_a_route() -> None:
    @belvedere.provider
    def broken(request: dict[str, Any]) -> str:
        raise belvedere.Overloaded("down")

    route = {"type": "route", "targets": [{"name": "a", "provider": broken}, {"name": "b", "provider": parrot}]}
    answer = Client(layers=[route]).complete("hi")
    assert answer.text == "You said: hi"
    assert [(attempt.target, attempt.error) for attempt in answer.attempts] == [("a", "overloaded"), ("b", None)]


# Layers


async def test_a_layer_changes_what_is_asked_and_what_is_answered() -> None:
    @belvedere.layer
    async def polite(request: dict[str, Any], call_next: Any) -> str:
        request["messages"].append({"role": "user", "content": "please"})
        answer = await call_next(request)
        return str(answer.text.upper())

    assert (await AsyncClient(provider=parrot, layers=[polite]).complete("hi")).text == "YOU SAID: PLEASE"


async def test_a_layer_that_streams_sees_each_event() -> None:
    seen: list[str] = []

    @belvedere.layer
    async def watched(request: dict[str, Any], call_next: Any) -> AsyncIterator[Event]:
        async for event in call_next():
            seen.append(event.type)
            yield event

    answer = await AsyncClient(provider=speller, layers=[watched]).complete("ab")
    assert answer.text == "ab"
    assert seen == ["start", "text", "text", "part_end", "finish"]


def test_a_stream_that_is_returned_unread_is_handed_on() -> None:
    @belvedere.layer
    def through(request: dict[str, Any], call_next: Any) -> Any:
        return call_next(request)

    @belvedere.layer
    async def through_too(request: dict[str, Any], call_next: Any) -> Any:
        return call_next()

    assert Client(provider=speller, layers=[through, through_too]).complete("abc").text == "abc"


def test_a_plain_layer_collects_and_may_ask_again() -> None:
    @belvedere.layer
    def twice(request: dict[str, Any], call_next: Any) -> str:
        return str(call_next().collect().text + "; " + call_next().collect().text)

    answer = Client(provider=parrot, layers=[twice]).complete("hi")
    assert answer.text == "You said: hi; You said: hi"
    assert len(answer.attempts) == 2


def test_a_layer_sees_the_options_of_the_call() -> None:
    seen: list[Any] = []

    @belvedere.layer
    def look(request: dict[str, Any], call_next: Any) -> Any:
        seen.append(request.get("options"))
        return call_next(request)

    client = Client(provider=parrot, layers=[look])
    client.complete("hi")
    client.complete("hi", scope={"tenant": "acme"})
    assert "scope" not in seen[0] and seen[1]["scope"] == {"tenant": "acme"}


async def test_functions_run_on_the_loop_and_in_the_context_of_the_call() -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")

    @belvedere.layer
    async def on_loop(request: dict[str, Any], call_next: Any) -> str:
        answer = await call_next()
        return f"{user.get()} {asyncio.get_running_loop() is loop} {answer.text}"

    @belvedere.provider
    def in_thread(request: dict[str, Any]) -> str:
        return user.get()

    loop = asyncio.get_running_loop()
    user.set("ada")
    answer = await AsyncClient(provider=in_thread, layers=[on_loop]).complete("hi")
    assert answer.text == "ada True ada"


# Errors


async def test_an_error_of_ours_keeps_its_kind_and_comes_back_as_the_same_object() -> None:
    raised = belvedere.RateLimited("slow down", retry_after=7.0, reported={"code": "slow"})

    @belvedere.provider
    async def limited(request: dict[str, Any]) -> str:
        raise raised

    with pytest.raises(belvedere.RateLimited) as caught:
        await AsyncClient(provider=limited).complete("hi")
    assert caught.value is raised
    assert (raised.retry_after, raised.reported, raised.attempts) == (7.0, {"code": "slow"}, 1)


def test_layers_understand_the_errors_of_functions() -> None:
    tries: list[int] = []

    @belvedere.provider
    def third_time_lucky(request: dict[str, Any]) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise belvedere.Overloaded("busy")
        return "lucky"

    answer = Client(provider=third_time_lucky, layers=[RETRY]).complete("hi")
    assert (answer.text, len(answer.attempts)) == ("lucky", 3)


def test_retries_that_give_up_say_so_in_the_object_that_was_raised() -> None:
    @belvedere.provider
    def busy(request: dict[str, Any]) -> str:
        raise belvedere.Overloaded("busy")

    with pytest.raises(belvedere.Overloaded) as caught:
        Client(provider=busy, layers=[RETRY]).complete("hi")
    assert (caught.value.status, caught.value.attempts) == ("persistent", 3)
    assert len(caught.value.history) == 3


def test_any_other_exception_is_the_cause_of_what_is_raised() -> None:
    raised = KeyError("a prompt")

    @belvedere.provider
    def broken(request: dict[str, Any]) -> str:
        raise raised

    with pytest.raises(belvedere.Unexpected) as caught:
        Client(provider=broken).complete("hi")
    assert caught.value.__cause__ is raised
    assert "prompt" not in str(caught.value)


async def test_an_exception_in_the_middle_of_a_stream_ends_it_with_what_had_come() -> None:
    @belvedere.provider
    async def breaks(request: dict[str, Any]) -> AsyncIterator[str]:
        yield "half of "
        raise belvedere.Network("gone")

    stream = AsyncClient(provider=breaks).stream("hi")
    with pytest.raises(belvedere.Network) as caught:
        await stream.collect()
    assert caught.value.partial is not None and caught.value.partial.text == "half of "


async def test_errors_from_behind_reach_a_layer_as_exceptions() -> None:
    @belvedere.provider
    def broken(request: dict[str, Any]) -> str:
        raise belvedere.Overloaded("busy")

    @belvedere.layer
    async def rescue(request: dict[str, Any], call_next: Any) -> Any:
        try:
            return await call_next()
        except belvedere.Overloaded as error:
            return f"rescued from {error.message}"

    assert (await AsyncClient(provider=broken, layers=[rescue]).complete("hi")).text == "rescued from busy"


# Cancellation


async def test_to_cancel_the_task_cancels_the_coroutine() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    @belvedere.provider
    async def slow(request: dict[str, Any]) -> str:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise
        return "late"

    async def ask() -> Answer:
        return await AsyncClient(provider=slow).complete("hi")

    task = asyncio.create_task(ask())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 5)


async def test_to_leave_a_stream_closes_the_generator() -> None:
    closed = asyncio.Event()

    @belvedere.provider
    async def endless(request: dict[str, Any]) -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
        finally:
            closed.set()

    async with AsyncClient(provider=endless).stream("hi") as stream:
        async for event in stream:
            if event.type == "text":
                break
    await asyncio.wait_for(closed.wait(), 5)


async def test_a_generator_that_never_waits_ends_when_nobody_reads() -> None:
    from belvedere import _host

    class Gone:
        """What a function writes to whose reader has left: it takes nothing, and there is always room."""

        closed = True
        ended = False

        def put(self, item: Any) -> bool:
            return False

        async def room(self) -> None: ...

        def end(self) -> None:
            self.ended = True

        def fail(self, error: BaseException) -> None:
            raise error

    given = 0

    def more() -> Iterator[str]:
        nonlocal given
        while given < 1000:
            given += 1
            yield "more "

    async def slowly() -> AsyncIterator[str]:
        for word in more():
            yield word

    async def at_once() -> Iterator[str]:
        return more()

    for generator in (slowly(), at_once()):
        gone: Any = Gone()
        given = 0
        await _host._later(generator, gone)
        assert (given, gone.ended) == (1, True)


def test_to_leave_a_stream_closes_the_plain_generator() -> None:
    closed = threading.Event()

    def endless(request: dict[str, Any]) -> Iterator[str]:
        try:
            while True:
                yield "more "
        finally:
            closed.set()

    with Client(provider=belvedere.provider(endless)).stream("hi") as stream:
        for event in stream:
            if event.type == "text":
                break
    assert closed.wait(5)


async def test_a_generator_is_not_far_ahead_of_its_reader() -> None:
    made: list[int] = []

    @belvedere.provider
    async def eager(request: dict[str, Any]) -> AsyncIterator[str]:
        for number in range(10_000):
            made.append(number)
            yield "x"

    stream = AsyncClient(provider=eager).stream("hi")
    async with stream:
        await anext(stream)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(made) < 1_000


# No lock is held while Python is entered (N7)


def test_n7_a_provider_asks_the_client_that_asks_it() -> None:
    @belvedere.provider
    def nested(request: dict[str, Any]) -> str:
        if words(request) == "inner":
            return "inner answer"
        return f"outer, {client.complete('inner').text}, {client.health()}, {client.generation}"

    client = Client(provider=nested, layers=[{"type": "breaker"}, {"type": "timeout"}])
    assert client.complete("outer").text.startswith("outer, inner answer, [")


async def test_n7_a_hook_calls_back_into_the_client() -> None:
    heard: list[str] = []
    done = asyncio.Event()
    fails = [True]

    @belvedere.provider
    async def once(request: dict[str, Any]) -> str:
        if fails and fails.pop():
            raise belvedere.Overloaded("busy")
        return "well"

    client = AsyncClient(provider=once, layers=[RETRY])

    @client.on("retry")
    async def again(signal: Any) -> None:
        heard.append((await client.complete("from the hook")).text)
        client.reload({"provider": once.to_dict(), "layers": [RETRY]})
        done.set()

    assert (await client.complete("hi")).text == "well"
    await asyncio.wait_for(done.wait(), 5)
    assert heard == ["well"] and client.generation == 2


def test_n7_a_thread_that_sleeps_in_a_function_holds_up_nobody() -> None:
    @belvedere.provider
    def slow(request: dict[str, Any]) -> str:
        if words(request) == "slow":
            gate.wait(10)
        return words(request)

    gate, client, answers = threading.Event(), Client(provider=slow), []
    thread = threading.Thread(target=lambda: answers.append(client.complete("slow").text))
    thread.start()
    assert client.complete("quick").text == "quick"
    gate.set()
    thread.join(10)
    assert answers == ["slow"]


# Hooks


def test_hooks_hear_signals_of_their_kind_in_order() -> None:
    @belvedere.provider
    def busy(request: dict[str, Any]) -> str:
        raise belvedere.Overloaded("busy")

    everything: list[Any] = []
    errors: list[Any] = []
    client = Client(provider=busy, layers=[RETRY])
    client.on("*", everything.append)
    client.on("error", errors.append)
    with pytest.raises(belvedere.Overloaded) as caught:
        client.complete("hi")
    deadline = time.monotonic() + 5
    while len(everything) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [signal.type for signal in everything] == ["retry", "retry", "error"]
    assert [signal["retry"] for signal in everything[:2]] == [1, 2]
    assert errors[0].error is caught.value
    assert errors[0].to_dict()["error"]["kind"] == "overloaded"


def test_a_hook_that_raises_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = threading.Event()
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: raised.set())
    failing = [True]

    @belvedere.provider
    def once(request: dict[str, Any]) -> str:
        if failing and failing.pop():
            raise belvedere.Overloaded("busy")
        return "well"

    client = Client(provider=once, layers=[RETRY])
    client.on("retry", lambda signal: 1 // 0)
    assert client.complete("hi").text == "well"
    assert raised.wait(5)


# Counters


def test_a_function_counts_tokens() -> None:
    client = Client(provider=parrot)
    letters = client.count_tokens("hello", counter=len)
    assert letters - client.count_tokens("", counter=len) == 5
    with pytest.raises(ZeroDivisionError):
        client.count_tokens("hello", counter=lambda text: 1 // 0)


# On a simulated machine


def test_functions_run_on_a_simulated_machine() -> None:
    @belvedere.provider
    async def patient(request: dict[str, Any]) -> str:
        await asyncio.sleep(3600)
        return "an hour later"

    simulation = Simulation()

    async def main() -> tuple[str, float]:
        client = simulation.async_client(provider=patient)
        began = simulation.now
        answer = await client.complete("hi")
        return answer.text, simulation.now - began

    assert run(simulation, main()) == ("an hour later", 3600.0)
    simulation.assert_idle()


# Other loops, forks, the end


def test_functions_run_in_trio() -> None:
    trio = pytest.importorskip("trio")
    seen: list[str] = []
    begun: list[Any] = []

    @belvedere.provider
    async def patient(request: dict[str, Any]) -> AsyncIterator[str]:
        try:
            begun[-1].set()
            await trio.sleep(0)
            yield "slowly"
            await trio.sleep(60 if words(request) == "never" else 0)
        finally:
            seen.append("closed")

    @belvedere.layer
    async def through(request: dict[str, Any], call_next: Any) -> Any:
        return str((await call_next()).text + ", in trio")

    async def main() -> None:
        begun.append(trio.Event())
        client = AsyncClient(provider=patient, layers=[through])
        assert (await client.complete("hi")).text == "slowly, in trio"
        begun.append(trio.Event())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(AsyncClient(provider=patient).complete, "never")
            await begun[-1].wait()
            nursery.cancel_scope.cancel()
        with trio.fail_after(20):
            while len(seen) < 2:
                await trio.sleep(0.01)

    trio.run(main)


def test_a_child_of_a_fork_has_its_own_threads_and_loop() -> None:
    import os

    client = Client(provider=parrot)
    heard: list[Any] = []
    client.on("*", heard.append)
    assert client.complete("parent").text == "You said: parent"
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if client.complete("child").text == "You said: child" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_close_lets_hooks_hear_the_last_call() -> None:
    @belvedere.provider
    def busy(request: dict[str, Any]) -> str:
        raise belvedere.Overloaded("busy")

    heard: list[str] = []
    with Client(provider=busy) as client:
        client.on("error", lambda signal: heard.append(signal.kind))
        with pytest.raises(belvedere.Overloaded):
            client.complete("hi")
    assert heard == ["error"]


async def test_two_hundred_calls_at_once() -> None:
    client = AsyncClient(provider=parrot, layers=[RETRY])
    answers = await asyncio.gather(*(client.complete(str(number)) for number in range(200)))
    assert [answer.text for answer in answers] == [f"You said: {number}" for number in range(200)]
