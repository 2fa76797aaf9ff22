import concurrent.futures
import dataclasses
import json
import threading

import pytest
from conftest import LONG, chat, config, mock

import llmq


def test_call_answers(manager):
    response = manager.call("m", chat())
    assert response.ok
    assert response.status is llmq.Status.OK
    assert response.state == llmq.State.COMPLETED
    assert response.json()["choices"][0]["message"]["role"] == "assistant"
    assert response.text == response.data.decode()
    assert response.value == response.data
    assert response.usage.input_tokens > 0
    assert response.usage.output_tokens == response.json()["usage"]["completion_tokens"]
    assert response.attempts == 1
    assert response.error == ""
    assert response.history == []
    assert response.run_s > 0
    assert response.raise_for_status() is response
    assert "completed" in repr(response)


@pytest.mark.parametrize(
    "payload",
    [
        chat(),
        json.dumps(chat()),
        json.dumps(chat()).encode(),
        bytearray(json.dumps(chat()), "utf-8"),
    ],
)
def test_payloads_of_every_form(manager, payload):
    assert manager.call("m", payload).ok


def test_payload_of_no_form(manager):
    with pytest.raises(
        TypeError, match="a payload must be bytes, str, or what JSON has, not object"
    ):
        manager.call("m", object())


def test_submit_gives_a_future_of_the_standard_kind(manager):
    futures = [manager.submit("m", chat()) for _ in range(20)]
    assert all(future.request_id for future in futures)
    done, pending = concurrent.futures.wait(futures, timeout=LONG)
    assert len(done) == 20
    assert not pending
    assert {future.result().request_id for future in futures} == {f.request_id for f in futures}


def test_submit_many_keeps_the_order(manager):
    payloads = [chat(str(i)) for i in range(2500)]
    futures = manager.submit_many("m", payloads)
    responses = [future.result(LONG) for future in futures]
    assert [future.request_id for future in futures] == [r.request_id for r in responses]


def test_call_many_keeps_the_order():
    with llmq.Manager(config(mock(mock={"latency_ms": "0..5", "seed": 3}))) as manager:
        alone = [
            manager.call("m", chat(str(i))).json()["usage"]["prompt_tokens"] for i in (1, 10**9)
        ]
        together = manager.call_many("m", [chat(str(10 ** (9 * (i % 2)))) for i in range(2500)])
        found = [response.json()["usage"]["prompt_tokens"] for response in together]
        assert found == [alone[i % 2] for i in range(2500)]
        assert manager.call_many("m", []) == []


def test_call_many_tells_each_outcome():
    model = mock("limited", limits=[{"tokens": 1000, "per": "1m"}])
    with llmq.Manager(config(model)) as manager:
        good, bad, broken = manager.call_many(
            "limited", [chat(), chat(max_tokens=100_000), b"no json"]
        )
        assert good.ok
        assert bad.status is llmq.Status.OVERSIZE
        assert "1000" in bad.error
        assert broken.status is llmq.Status.INVALID_VALUE
        with pytest.raises(llmq.OversizeError):
            bad.raise_for_status()


def test_callbacks_that_fail_block_nobody(manager):
    first = manager.submit("m", chat())
    first.add_done_callback(lambda _: 1 / 0)
    assert first.result(LONG).ok
    assert manager.submit("m", chat()).result(LONG).ok


def test_callbacks_may_submit(manager):
    later = concurrent.futures.Future()
    first = manager.submit("m", chat())
    first.add_done_callback(lambda _: later.set_result(manager.submit("m", chat())))
    assert later.result(LONG).result(LONG).ok


def test_cancel_of_what_runs_and_what_waits(manager):
    running = manager.submit("hang", chat())
    assert running.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        running.result(LONG)
    assert running.cancelled()
    assert running.response().status is llmq.Status.CANCELLED
    assert running.response().state == llmq.State.CANCELLED
    done = manager.submit("m", chat())
    done.result(LONG)
    assert not done.cancel()
    assert not manager.cancel(done.request_id)


def test_deadline(manager):
    with pytest.raises(llmq.DeadlineError) as caught:
        manager.call("hang", chat(), deadline=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.response.state == llmq.State.EXPIRED


def test_timeout_of_an_attempt(manager):
    with pytest.raises(llmq.AttemptTimeoutError) as caught:
        manager.call("hang", chat(), timeout=0.05, max_attempts=1)
    assert caught.value.response.attempts == 1


def test_wait_with_a_bound(manager):
    future = manager.submit("hang", chat())
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0.01)
    assert not future.done()
    future.cancel()


def test_metadata_and_keys_come_back(manager):
    response = manager.call("m", chat(), metadata=b"\x00mine", request_key="order-7", tenant="acme")
    assert response.metadata == b"\x00mine"
    assert response.request_key == "order-7"


def test_dedup_shares_a_call():
    with llmq.Manager(config(mock(latency_ms=50))) as manager:
        futures = [manager.submit("m", chat(), dedup_key="same") for _ in range(5)]
        responses = [future.result(LONG) for future in futures]
        assert len({response.data for response in responses}) == 1
        assert sum(response.shared for response in responses) == 4
        assert manager.stats().attempts == 1


def test_cache_answers_again():
    with llmq.Manager(config(mock(cache={"ttl_s": 600}))) as manager:
        first = manager.call("m", chat(), dedup_key="same")
        again = manager.call("m", chat(), dedup_key="same")
        assert again.data == first.data
        assert (first.cached, again.cached) == (False, True)


def test_history_of_a_failure():
    failing = mock(mock={"latency_ms": 0, "fail_server": 1}, retry={"base_ms": 1, "cap_ms": 1})
    with llmq.Manager(config(failing)) as manager:
        with pytest.raises(llmq.ServerError) as caught:
            manager.call("m", chat(), max_attempts=3)
        response = caught.value.response
        assert response.attempts == 3
        assert [each.number for each in response.history] == [1, 2, 3]
        assert {each.status for each in response.history} == {"LLMQ_ERR_SERVER"}
        assert response.history[0].retry_delay_s is not None
        assert response.history[2].retry_delay_s is None
        assert response.error
        assert manager.stats().retries == 2


def test_priorities_and_tenants_order_the_line():
    slow = mock(latency_ms=5, concurrency=1)
    with llmq.Manager(config(slow)) as manager:
        order = []
        blocker = manager.submit("m", chat())
        levels = [llmq.Priority.BATCH, llmq.Priority.NORMAL, llmq.Priority.URGENT]
        futures = [manager.submit("m", chat(), priority=level) for level in levels]
        for level, future in zip(levels, futures):
            future.add_done_callback(lambda _, level=level: order.append(level))
        concurrent.futures.wait([blocker, *futures], timeout=LONG)
        assert order == sorted(order)


@dataclasses.dataclass
class Question:
    text: str


@dataclasses.dataclass
class Answer:
    text: str


def typed(manager):
    return manager.model(
        "m",
        encode=lambda question: chat(question.text),
        decode=lambda data: Answer(json.loads(data)["choices"][0]["message"]["content"]),
    )


def test_typed_models(manager):
    model = typed(manager)
    assert isinstance(model.call(Question("a")).value, Answer)
    assert isinstance(model.submit(Question("a")).result(LONG).value, Answer)
    assert all(isinstance(r.value, Answer) for r in model.call_many([Question("a")] * 3))


def test_decoders_that_fail_tell_their_reader_alone(manager):
    model = manager.model("m", encode=chat, decode=lambda _: 1 / 0)
    response = model.call("a")
    assert response.ok
    with pytest.raises(ZeroDivisionError):
        _ = response.value
    assert manager.call("m", chat()).ok


def test_many_threads_at_once(manager):
    failed = []

    def work():
        try:
            for _ in range(25):
                assert manager.call("m", chat()).ok
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert failed == []
    assert manager.stats().completed == 200


def test_ten_thousand_at_once_without_a_thread_each(manager):
    before = threading.active_count()
    futures = manager.submit_many("m", [chat()] * 10_000)
    assert threading.active_count() <= before + 1
    assert all(future.result(LONG).ok for future in futures)


def test_late_usage(manager):
    future = manager.submit("m", chat(), late_usage=True)
    future.result(LONG)
    with pytest.raises(llmq.StaleError):  # the mock has told it
        manager.update_usage(future.request_id, llmq.Usage(5, 7))


def test_a_body_that_asks_for_a_stream_is_answered_whole(manager):
    assert manager.call("m", chat(stream=True)).ok


def odd_ones():
    """Payloads of which some cannot be sent, in two slices."""
    payloads = [chat(str(i)) for i in range(2000)]
    for place in (0, 700, 1999):
        payloads[place] = object()
    payloads[3] = {"a": {1}}
    payloads[5] = "\ud800"
    payloads[1500] = b"no json"
    return payloads, {0, 3, 5, 700, 1500, 1999}


def test_a_payload_that_is_none_refuses_itself_alone(manager):
    payloads, odd = odd_ones()
    futures = manager.submit_many("m", payloads)
    for place, future in enumerate(futures):
        if place in odd:
            with pytest.raises(llmq.InvalidArgumentError):
                future.result(LONG)
        else:
            assert future.result(LONG).ok
    assert "a payload must be bytes" in str(futures[0].exception())
    answers = manager.call_many("m", payloads)
    assert {place for place, answer in enumerate(answers) if not answer.ok} == odd
    assert "a payload must be bytes" in answers[1999].error
    assert manager._core.objects == {}
    assert not manager._port.waiting


def test_a_reference_that_cannot_be_compared_begins_nothing(manager):
    payloads = [chat()] * 1500 + [llmq.Ref(1)]
    with pytest.raises(ValueError, match="dedup_key"):
        manager.submit_many("m", payloads, dedup_key="a")
    assert manager.stats().submitted == 0
    assert manager._core.objects == {}
