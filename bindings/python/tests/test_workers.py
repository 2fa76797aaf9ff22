import asyncio
import logging
import math
import threading

import pytest
from conftest import LONG, config, mock

import llmq

MODEL = {"name": "m", "retry": {"base_ms": 1, "cap_ms": 1}}


@pytest.fixture
def manager():
    with llmq.Manager(config(MODEL)) as made:
        yield made
        made.close("abort")


def test_a_function_runs_the_attempts(manager):
    seen = []

    def run(job):
        seen.append((job.model, job.tenant, job.request_key, job.metadata, job.number, job.payload))
        job.usage = llmq.Usage(3, 4)
        return {"upper": job.text.upper()}

    manager.set_processor("m", run)
    response = manager.call("m", "hello", tenant="acme", request_key="k", metadata=b"more")
    assert response.json() == {"upper": "HELLO"}
    assert response.usage == llmq.Usage(3, 4)
    assert seen == [("m", "acme", "k", b"more", 1, b"hello")]


def test_requests_wait_for_the_function(manager):
    future = manager.submit("m", b"early")
    manager.set_processor("m", lambda job: job.payload)
    assert future.result(LONG).data == b"early"


@pytest.mark.parametrize(
    ("result", "data"),
    [(b"x", b"x"), ("é", "é".encode()), (None, b""), ([1], b"[1]"), (bytearray(b"y"), b"y")],
)
def test_results_of_every_form(manager, result, data):
    manager.set_processor("m", lambda _: result)
    assert manager.call("m", b"").data == data


def test_objects_pass_by_reference(manager):
    given, result = object(), object()
    got = []

    def run(job):
        got.append(job.object)
        return llmq.Ref(result)

    manager.set_processor("m", run)
    assert manager.call("m", llmq.Ref(given)).value is result
    assert got == [given]
    many = manager.call_many("m", [llmq.Ref(given)] * 5)
    assert all(response.value is result for response in many)
    assert manager.submit("m", llmq.Ref(given)).result(LONG).value is result
    assert [f.result(LONG).value for f in manager.submit_many("m", [llmq.Ref(1)] * 2)] == [
        result
    ] * 2
    assert manager._core.objects == {}
    with pytest.raises(ValueError, match="dedup_key"):
        manager.submit("m", llmq.Ref(given), dedup_key="a")
    with pytest.raises(llmq.ProcessingError, match="a Ref answers"):
        manager.call("m", b"bytes")
    with pytest.raises(llmq.UnknownModelError):
        manager.call("nobody", llmq.Ref(given))
    assert manager._core.objects == {}


def test_exceptions_fail_the_request_with_their_words(manager):
    manager.set_processor("m", lambda _: {}["missing"])
    with pytest.raises(llmq.ProcessingError, match="'missing'") as caught:
        manager.call("m", b"")
    assert caught.value.response.attempts == 1
    assert caught.value.response.error == "'missing'"

    def leave(_):
        raise SystemExit

    manager.set_processor("m", leave)
    with pytest.raises(llmq.ProcessingError, match="SystemExit"):
        manager.call("m", b"")
    manager.set_processor("m", lambda _: object())
    with pytest.raises(llmq.ProcessingError, match="a payload must be"):
        manager.call("m", b"")


def test_errors_of_llmq_are_tried_again(manager):
    def run(job):
        if job.number < 3:
            raise llmq.RateLimitedError(message="slow down", retry_after=0.001)
        return "well"

    manager.set_processor("m", run)
    response = manager.call("m", b"")
    assert response.text == "well"
    assert [each.status for each in response.history][:2] == ["LLMQ_ERR_RATE_LIMITED"] * 2
    assert response.history[0].message == "slow down"


def test_cancel_reaches_the_function(manager):
    stopped, started = threading.Event(), threading.Event()

    def run(job):
        started.set()
        assert not job.cancelled
        job.wait_cancelled(LONG)
        assert job.cancelled
        stopped.set()

    manager.set_processor("m", run)
    future = manager.submit("m", b"")
    assert started.wait(LONG)
    future.cancel()
    assert stopped.wait(LONG)
    assert future.response(LONG).status is llmq.Status.CANCELLED
    manager.set_processor("m", lambda _: b"on")
    assert manager.call("m", b"").data == b"on"


def test_chunks_reach_the_caller(manager):
    def run(job):
        assert job.streams
        return str(sum(job.chunk(f"{i};") for i in range(5)))

    manager.set_processor("m", run)
    stream = manager.stream("m", b"")
    assert [chunk.text for chunk in stream] == ["0;", "1;", "2;", "3;", "4;"]
    assert stream.response().text == "5"


def test_chunks_for_who_takes_none(manager):
    manager.set_processor("m", lambda job: str((job.streams, job.chunk(b"x"))))
    assert manager.call("m", b"").text == "(False, False)"


def test_a_slow_reader_holds_its_function_alone():
    with llmq.Manager(config(MODEL, stream_buffer_bytes=1000)) as manager:
        held = threading.Event()

        def run(job):
            if not job.streams:
                return b"quick"
            while job.try_chunk(b"x" * 100) is not None:
                pass
            held.set()
            job.chunk(b"last")
            return b"slow"

        manager.set_processor("m", run)
        stream = manager.stream("m", b"")
        assert held.wait(LONG)
        assert manager.call("m", b"").data == b"quick"
        assert [chunk.text for chunk in stream][-1] == "last"
        assert stream.response().data == b"slow"


def test_attempts_run_side_by_side(manager):
    barrier = threading.Barrier(8)

    def run(_):
        barrier.wait(LONG)
        return b"all were there"

    manager.set_processor("m", run)
    assert all(response.ok for response in manager.call_many("m", [b""] * 8))


def test_no_more_threads_than_allowed():
    with llmq.Manager(config(MODEL)) as manager:
        running, most, lock = 0, 0, threading.Lock()

        def run(_):
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            with lock:
                running -= 1

        manager.set_processor("m", run, threads=2)
        assert all(response.ok for response in manager.call_many("m", [b""] * 200))
        assert 1 <= most <= 2


def test_closing_lets_attempts_end():
    started, go_on = threading.Event(), threading.Event()

    def run(_):
        started.set()
        assert go_on.wait(LONG)
        return b"end"

    with llmq.Manager(config(MODEL)) as manager:
        manager.set_processor("m", run)
        future = manager.submit("m", b"")
        assert started.wait(LONG)
        go_on.set()
    assert future.result().data == b"end"


def test_models_with_a_provider_take_none():
    with llmq.Manager(config(mock())) as manager:
        with pytest.raises(llmq.UnsupportedError):
            manager.set_processor("m", lambda _: b"")
        with pytest.raises(llmq.UnknownModelError):
            manager.set_processor("nobody", lambda _: b"")


def test_coroutines_run_the_attempts():
    async def main():
        async with llmq.AsyncManager(config(MODEL)) as manager:

            async def run(job):
                await asyncio.sleep(0)
                if job.text == "fail":
                    raise KeyError("missing")
                if job.text == "object":
                    return llmq.Ref(job)
                if job.text == "hang":
                    started.set()
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        cancelled.set()
                        raise
                if job.streams:
                    await job.chunk(b"piece")
                return job.text.upper()

            started, cancelled = asyncio.Event(), asyncio.Event()
            with pytest.raises(TypeError, match="coroutine function"):
                manager.set_processor("m", lambda _: b"")
            manager.set_processor("m", run)
            answers = await asyncio.gather(*[manager.call("m", f"a{i}") for i in range(500)])
            assert [answer.text for answer in answers] == [f"A{i}" for i in range(500)]
            with pytest.raises(llmq.ProcessingError, match="missing"):
                await manager.call("m", "fail")
            assert [chunk.data async for chunk in manager.stream("m", "s")] == [b"piece"]
            task = asyncio.create_task(manager.call("m", "hang"))
            await asyncio.wait_for(started.wait(), LONG)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(cancelled.wait(), LONG)

    asyncio.run(main())


ONE = {**MODEL, "concurrency": 1}


def nested():
    """What json gives up on."""
    made = []
    for _ in range(200_000):
        made = [made]
    return made


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no words")


class Fickle(dict):
    def items(self):
        raise SystemExit("not now")


#: How a function ends that the library or this package cannot take, and words of the failure.
REFUSED = {
    "negative": (
        llmq.Usage(input_tokens=-1),
        b"",
        "usage: input_tokens is -1, and must be 0 or more",
    ),
    "fraction": (llmq.Usage(output_tokens=3.7), b"", "usage: output_tokens is 3.7, and must be"),
    "text": (llmq.Usage(cached_input_tokens="12"), b"", "usage: cached_input_tokens is '12', and"),
    "huge": (
        llmq.Usage(cost_micros=1 << 63),
        b"",
        "usage: cost_micros is 9223372036854775808, and",
    ),
    "none": (
        llmq.Usage(reasoning_tokens=None),
        b"",
        "usage: reasoning_tokens is None, and must be",
    ),
    "dict": ({"input_tokens": 1}, b"", "usage is {'input_tokens': 1}, and must be an llmq.Usage"),
    "number": (5, b"", "usage is 5, and must be an llmq.Usage"),
    "no JSON": (None, {1: {2}}, "set"),
    "no payload": (None, object(), "a payload must be"),
    "too deep": (None, nested(), "recursion"),
    "half a letter": (None, "\ud800", "surrogates not allowed"),
    "raises": (None, Fickle(a=1), "not now"),
    "status": (None, llmq.Error(-12345, "what is this"), "what is this"),
    "words": (None, llmq.RateLimitedError(message=5), "5"),
    "words of nothing": (None, Unspeakable(), "Unspeakable"),
    "leaves": (None, SystemExit(3), "3"),
}


def ends_so(job, how):
    job.usage, result, _ = REFUSED[how]
    if isinstance(result, BaseException):
        raise result
    return result


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_reported_ends_the_attempt(how):
    words = REFUSED[how][2]
    with llmq.Manager(config({**ONE, "retry": {"max_attempts": 1}})) as manager:
        manager.set_processor(
            "m", lambda job: ends_so(job, how) if job.payload else b"on", threads=1
        )
        response = manager.submit("m", b"bad").response(LONG)
        assert not response.ok
        if how != "words":
            assert response.status == (-12345 if how == "status" else llmq.Status.PROCESSING)
        assert words in response.error
        workers = [t for t in threading.enumerate() if t.name == "llmq-worker"]
        assert manager.submit("m", b"").result(LONG).data == b"on"
        assert [t for t in threading.enumerate() if t.name == "llmq-worker"] == workers


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_reported_ends_the_attempt_in_a_loop(how):
    async def main():
        async with llmq.AsyncManager(config({**ONE, "retry": {"max_attempts": 1}})) as manager:

            async def run(job):
                return ends_so(job, how) if job.payload else b"on"

            manager.set_processor("m", run)
            with pytest.raises(llmq.Error) as caught:
                await asyncio.wait_for(manager.call("m", b"bad"), LONG)
            assert REFUSED[how][2] in caught.value.message
            assert (await asyncio.wait_for(manager.call("m", b""), LONG)).data == b"on"

    asyncio.run(main())


@pytest.mark.parametrize("wait", [-1, math.nan, math.inf, -math.inf, "soon"])
def test_a_failure_with_a_wrong_wait_is_a_failure(wait, caplog):
    def run(job):
        if job.payload:
            raise llmq.RateLimitedError(message="slow down", retry_after=wait)
        return b"on"

    with llmq.Manager(config({**ONE, "retry": {"max_attempts": 1}})) as manager:
        manager.set_processor("m", run, threads=1)
        with caplog.at_level(logging.WARNING, "llmq"):
            response = manager.submit("m", b"bad").response(LONG)
        assert response.status is llmq.Status.RATE_LIMITED
        assert response.error == "slow down"
        assert response.retry_after_s is None
        assert f"retry_after is {wait!r}" in caplog.text
        assert manager.submit("m", b"").result(LONG).data == b"on"


def test_a_wait_of_ages_is_as_long_as_can_be_said():
    def run(job):
        raise llmq.RateLimitedError(retry_after=1e300)

    with llmq.Manager(config({**ONE, "retry": {"max_attempts": 1}})) as manager:
        manager.set_processor("m", run)
        response = manager.submit("m", b"").response(LONG)
        assert response.status is llmq.Status.RATE_LIMITED
        assert response.retry_after_s > 1e9
