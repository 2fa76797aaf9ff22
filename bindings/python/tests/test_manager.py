import gc
import json
import threading
import weakref

import pytest
from conftest import HANG, LONG, chat, config, mock

import llmq


def test_config_as_text_path_and_settings(tmp_path):
    text = json.dumps(config())
    path = tmp_path / "llmq.json"
    path.write_text(text)
    for source in (text, path, config()):
        with llmq.Manager(source, settings={"model.m.rpm": 7, "max_pending": 10}) as manager:
            assert manager.models() == ["m"]
            assert "requests/1m" in json.dumps(manager.info("m")) or "7" in json.dumps(
                manager.info()
            )


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ({"max_pendin": 1}, llmq.InvalidArgumentError, "max_pendin"),
        ({"max_pending": -1}, llmq.InvalidArgumentError, "max_pending"),
        ("{", llmq.InvalidArgumentError, "JSON"),
        ({"max_pending": {1}}, llmq.InvalidArgumentError, "JSON"),
        (7, TypeError, "config must be a mapping, JSON text or a path, not int"),
    ],
)
def test_configurations_that_are_wrong(source, kind, words):
    with pytest.raises(kind, match=words):
        llmq.Manager(source)


def test_errors_name_the_key():
    with pytest.raises(llmq.InvalidArgumentError) as caught:
        llmq.Manager(settings={"model.m.rpm": "many"})
    assert caught.value.status is llmq.Status.INVALID_VALUE
    assert caught.value.key == "model.m.rpm"
    assert isinstance(caught.value, ValueError)
    assert "LLMQ_ERR_INVALID_VALUE" in str(caught.value)


def test_refusals_say_why(manager):
    with pytest.raises(llmq.UnknownModelError, match='no model "nobody" is registered'):
        manager.submit("nobody", b"{}")
    with pytest.raises(llmq.InvalidArgumentError):
        manager.call("m", b"no json")
    future, *_ = manager.submit_many("nobody", [b"{}"])
    with pytest.raises(llmq.UnknownModelError, match="nobody"):
        future.result(LONG)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"urgent": True}, TypeError, "unknown option 'urgent'"),
        ({"priority": "high"}, TypeError, "priority"),
        ({"priority": 77}, llmq.InvalidArgumentError, "priority"),
        ({"deadline": -1}, ValueError, "deadline must be more than 0 seconds"),
        ({"timeout": 0}, ValueError, "timeout must be more than 0 seconds"),
        ({"timeout": "1s"}, TypeError, "timeout: must be seconds, not str"),
        ({"tenant": 5}, TypeError, "tenant: must be str or bytes, not int"),
        ({"max_attempts": 1 << 40}, OverflowError, "max_attempts"),
        ({"request_key": "x" * 2000}, llmq.InvalidArgumentError, "request_key"),
    ],
)
def test_options_that_are_wrong(manager, options, kind, words):
    with pytest.raises(kind, match=words):
        manager.submit("m", chat(), **options)
    assert manager.call("m", chat()).ok


def test_check_and_estimate(manager):
    manager.check("m", chat())
    with pytest.raises(llmq.UnknownModelError):
        manager.check("nobody", chat())
    usage = manager.estimate("m", chat(max_tokens=123))
    assert usage.output_tokens == 123
    assert usage.input_tokens > 0
    assert manager.stats().submitted == 0


def test_models_come_and_go_while_it_runs(manager):
    manager.register(config(mock("second")))
    assert manager.models() == ["m", "hang", "second"]
    with pytest.raises(llmq.ModelExistsError):
        manager.register(config(mock("second")))
    manager.register(config(mock("second"), mock("third")), skip_existing=True)
    assert manager.call("third", chat()).ok
    manager.remove_model("third")
    with pytest.raises(llmq.UnknownModelError):
        manager.call("third", chat())
    with pytest.raises(ValueError, match="mode must be one of drain, cancel, abort"):
        manager.remove_model("second", "gently")


def test_deployments_come_and_go(mock_server):
    url = mock_server()
    model = {"name": "gpt", "provider": "openai", "base_url": url}
    with llmq.Manager(config(model)) as manager:
        more = {"name": "gpt", "deployments": [{"name": "b", "base_url": url}]}
        manager.add_deployment("gpt", "b", config(more))
        manager.remove_deployment("gpt", "0")
        response = manager.call("gpt", chat(model="gpt"))
        assert response.deployment == "b"
        with pytest.raises(llmq.InvalidArgumentError):
            manager.remove_deployment("gpt", "b")


def test_answers_over_http_tell_more(mock_server):
    model = {"name": "gpt", "provider": "openai", "base_url": mock_server()}
    with llmq.Manager(config(model)) as manager:
        response = manager.call("gpt", chat(model="gpt"))
        assert response.http_status == 200
        assert response.provider_request_id
        assert response.usage.output_tokens
        assert response.fallback_model == ""


def test_settings_change_while_it_runs(manager):
    manager.set("model.m.rpm", 1)
    assert manager.call("m", chat()).ok
    waiting = manager.submit("m", chat())
    estimate = manager.wait_estimate(waiting.request_id)
    assert estimate.position == 1
    assert estimate.blocked_by == "requests/1m"
    assert 0 < estimate.p50_s <= estimate.p90_s
    assert manager.state(waiting.request_id) is llmq.State.PENDING
    assert manager.peek(waiting.request_id) is None
    manager.set("model.m.rpm", 100)
    assert waiting.result(LONG).ok
    assert manager.state(waiting.request_id) is llmq.State.COMPLETED
    assert manager.peek(waiting.request_id).usage == waiting.result().usage
    with pytest.raises(llmq.InvalidArgumentError, match="rpmm"):
        manager.set("model.m.rpmm", 1)
    with pytest.raises(llmq.StaleError):
        manager.wait_estimate(waiting.request_id)


def test_stats_of_one_and_all(manager):
    manager.call_many("m", [chat()] * 3)
    assert manager.stats().completed == manager.stats("m").completed == 3
    assert manager.stats("hang").completed == 0
    assert "joined" in json.dumps(manager.all_stats())
    with pytest.raises(llmq.UnknownModelError):
        manager.stats("nobody")


def test_headers_of_other_clients_teach_limits(manager):
    manager.report_limits("m", {"x-ratelimit-limit-requests": "100", "other": "x"})
    manager.report_limits("m", [("x-ratelimit-remaining-requests", "99")])
    with pytest.raises(llmq.UnknownModelError):
        manager.report_limits("nobody", {})


def test_queue_full():
    with llmq.Manager(config(HANG, max_pending=2)) as manager:
        futures = [manager.submit("hang", chat()) for _ in range(2)]
        with pytest.raises(llmq.QueueFullError):
            manager.submit("hang", chat())
        manager.close("abort")
        assert {future.response(LONG).status for future in futures} == {llmq.Status.CLOSING}
        with pytest.raises(llmq.ClosedError):
            futures[0].result(LONG)


def test_leaving_the_block_lets_all_end():
    with llmq.Manager(config(mock(latency_ms=20, concurrency=1))) as manager:
        futures = [manager.submit("m", chat()) for _ in range(3)]
    assert all(future.done() and future.result().ok for future in futures)
    with pytest.raises(llmq.ClosedError):
        manager.submit("m", chat())
    with pytest.raises(llmq.ClosedError):
        manager.stats()
    manager.close()


def test_leaving_the_block_by_an_exception_aborts():
    with pytest.raises(ZeroDivisionError), llmq.Manager(config(HANG)) as manager:
        future = manager.submit("hang", chat())
        raise ZeroDivisionError
    assert future.response(LONG).state == llmq.State.CANCELLED


def test_close_by_cancel_lets_what_runs_end():
    with llmq.Manager(config({"name": "m", "concurrency": 1})) as manager:
        started, go_on = threading.Event(), threading.Event()
        manager.set_processor("m", lambda _: (started.set(), go_on.wait(LONG)) and b"end")
        futures = [manager.submit("m", b"") for _ in range(3)]
        assert started.wait(LONG)
        closer = threading.Thread(target=manager.close, args=("cancel",))
        closer.start()
        assert futures[2].response(LONG).state == llmq.State.CANCELLED
        assert not futures[0].done()
        go_on.set()
        closer.join(LONG)
        assert futures[0].result(LONG).data == b"end"


def test_close_with_a_bound_aborts_then():
    manager = llmq.Manager(config(HANG))
    future = manager.submit("hang", chat())
    manager.close("drain", timeout=0.05)
    assert future.response(LONG).state == llmq.State.CANCELLED


def test_close_in_a_callback_is_refused(manager):
    caught = []

    def close(_):
        try:
            manager.close()
        except RuntimeError as error:
            caught.append(str(error))

    future = manager.submit("m", chat())
    future.add_done_callback(close)
    manager.call("m", chat())
    assert caught == [] or "own callback" in caught[0]


def test_a_manager_that_nobody_needs_goes():
    manager = llmq.Manager(config())
    future = manager.submit("m", chat())
    core = weakref.ref(manager._core)
    del manager
    assert future.result(LONG).ok  # until then the future keeps it
    del future
    gc.collect()
    for _ in range(200):
        if core() is None:
            break
        gc.collect()
    assert core() is None


def test_the_shared_manager():
    first = llmq.Manager.shared(config())
    assert llmq.Manager.shared() is first
    assert llmq.Manager.shared(config()) is first
    with pytest.raises(llmq.InvalidArgumentError):
        llmq.Manager.shared(config(mock("other")))
    assert first.call("m", chat()).ok
    first.close()
    second = llmq.Manager.shared(config(mock("other")))
    assert second is not first
    assert second.models() == ["other"]
    second.close()


def test_explain():
    told = llmq.explain(
        "openai", {"status": 429, "headers": {"retry-after": "2"}, "body": {"error": {}}}
    )
    assert told["retryable"] is True
    assert told["retry_after_ms"] == 2000
    with pytest.raises(llmq.InvalidArgumentError):
        llmq.explain("openai", {"headers": 5})
