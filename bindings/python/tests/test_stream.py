import time

import pytest
from conftest import HANG, LONG, chat, config, mock

import llmq


def test_chunks_come_in_order_and_the_whole_at_the_end(manager):
    stream = manager.stream("m", chat())
    chunks = list(stream)
    words = [
        c.json()["choices"][0]["delta"].get("content", "") for c in chunks if c.json()["choices"]
    ]
    whole = stream.response()
    assert "".join(words).strip() in whole.text
    assert whole.usage.output_tokens
    assert chunks[0].text == chunks[0].data.decode()
    assert list(stream) == []
    assert not stream.cancel()


def test_leaving_early_cancels(manager):
    with manager.stream("hang", chat()) as stream:
        assert stream.request_id
    assert stream.response().status is llmq.Status.CANCELLED
    with pytest.raises(llmq.RequestCancelledError):
        next(stream)


def test_a_stream_that_is_cut(manager):
    cut = mock("cut", mock={"latency_ms": 0, "fail_cut": 1, "tokens_per_s": 0})
    manager.register(config(cut))
    stream = manager.stream("cut", chat(max_tokens=50))
    seen = 0
    with pytest.raises(llmq.TransportError):
        for _ in stream:
            seen += 1
    assert seen > 0
    with pytest.raises(llmq.TransportError):
        next(stream)


def test_a_slow_reader_is_waited_for():
    with llmq.Manager(config(mock(mock={"latency_ms": 0, "tokens_per_s": 0}), HANG)) as manager:
        manager.set("model.m.rpm", 1000)
        stream = manager.stream("m", chat(max_tokens=5000))
        first = next(stream)
        assert first.attempt == 1
        assert manager.call("m", chat()).ok
        assert sum(1 for _ in stream) > 10
        assert manager.stream("m", chat()).response().ok
        manager.close("abort")


def test_refusals_come_at_once(manager):
    with pytest.raises(llmq.UnknownModelError):
        manager.stream("nobody", chat())


MODEL = {"name": "own"}

#: Streams of it take long.
STALLS = mock("stalls", mock={"latency_ms": 0, "tokens_per_s": 1}, timeout_ms=0)


def until(is_so):
    end = time.monotonic() + LONG
    while not is_so():
        assert time.monotonic() < end


def test_leaving_the_loop_cancels():
    with llmq.Manager(config(mock(), STALLS)) as manager:
        for _ in manager.stream("stalls", chat(max_tokens=5000)):
            break
        until(lambda: manager.info() and manager.stats().cancelled == 1)
        until(lambda: not manager._port.waiting)
        assert manager.call("m", chat()).ok


def test_a_stream_that_is_dropped_lets_its_chunks_go():
    with llmq.Manager(config(MODEL), settings={"stream_buffer_bytes": 1000}) as manager:
        full, told = [], []

        def run(job):
            while job.try_chunk(b"x" * 100) is not None:
                pass
            full.append(job)
            told.append(job.wait_cancelled(LONG))

        manager.set_processor("own", run)
        stream = manager.stream("own", b"")
        until(lambda: full)
        del stream
        until(lambda: told)
        assert told == [True]
        until(lambda: manager.info() and manager.stats().cancelled == 1)


def test_a_stream_that_was_read_cancels_nothing_when_it_is_dropped(manager):
    stream = manager.stream("m", chat())
    assert list(stream)
    del stream
    unread = manager.stream("m", chat())
    unread.response()
    del unread
    manager.info()
    assert manager.stats().cancelled == 0
    assert manager.stats().completed == 2
