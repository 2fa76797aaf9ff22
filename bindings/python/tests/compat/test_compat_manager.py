"""QueueManager: one for the process, models, requests, status, shutdown."""

import asyncio
import threading

import pytest
from compat_tools import LONG, Held, echo, fresh, run  # noqa: F401

from llmq.compat.llm_queue import (
    InvalidConfiguration,
    LLMQueueException,
    ModelConfig,
    ModelNotRegistered,
    QueueManager,
    QueueRequest,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RateLimitExceeded,
    RequestStatus,
)

MODEL = ModelConfig(model_id="m", rate_limit=1000)


def test_there_is_one_manager():
    assert QueueManager() is QueueManager()


def test_there_is_one_manager_for_all_threads():
    made = []
    threads = [threading.Thread(target=lambda: made.append(QueueManager())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(made) == len(threads)
    assert all(manager is QueueManager() for manager in made)


def test_after_reset_instance_there_is_another_one():
    async def main():
        old = QueueManager()
        await old.register_queue(MODEL, echo)
        QueueManager.reset_instance()
        assert QueueManager() is not old
        assert QueueManager().get_registered_models() == old.get_registered_models() == []

    run(main())


def test_reset_instance_ends_what_waits():
    async def main():
        held = Held()
        manager = QueueManager()
        one = RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=1)
        await manager.register_queue(ModelConfig(model_id="m", rate_limiters=[one]), held)
        queue = manager.queues["m"]
        requests = [QueueRequest(model_id="m", params=n) for n in range(2)]
        tasks = [asyncio.create_task(manager.submit_request(each)) for each in requests]
        await held.until(1)
        QueueManager.reset_instance()
        waited = await tasks[1]
        assert waited.status is RequestStatus.FAILED
        assert waited.error
        held.let()
        assert (await tasks[0]).status is RequestStatus.COMPLETED
        with pytest.raises(LLMQueueException, match="shut down"):
            await queue.enqueue(QueueRequest(model_id="m"))

    run(main())


def test_the_manager_is_usable_again_after_shutdown_all():
    async def main():
        manager = QueueManager()
        for round_ in range(3):
            await manager.register_queue(MODEL, echo)
            response = await manager.submit_request(QueueRequest(model_id="m", params=round_))
            assert response.result == round_
            await manager.shutdown_all()
            assert manager._gate is None
            assert manager.get_registered_models() == []
            with pytest.raises(ModelNotRegistered):
                await manager.submit_request(QueueRequest(model_id="m"))
        assert QueueManager() is manager

    run(main())


def test_shutdown_all_without_models():
    run(QueueManager().shutdown_all())


def test_shutdown_all_waits_for_what_is_there():
    async def main():
        held = Held()
        manager = QueueManager()
        one = RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=1)
        await manager.register_queue(ModelConfig(model_id="m", rate_limiters=[one]), held)
        requests = [
            QueueRequest(model_id="m", params=n, wait_for_completion=False) for n in range(5)
        ]
        for request in requests:
            await manager.submit_request(request)
        await held.until(1)
        ending = asyncio.create_task(manager.shutdown_all())
        await asyncio.sleep(0)
        assert not ending.done()
        with pytest.raises(LLMQueueException, match="has been shut down"):
            await manager.submit_request(QueueRequest(model_id="m"))
        held.let()
        await ending
        assert [request.status for request in requests] == [RequestStatus.COMPLETED] * 5
        assert [request.result for request in requests] == list(range(5))

    run(main())


def test_a_shutdown_that_is_given_up_can_be_asked_for_again():
    async def main():
        held = Held()
        manager = QueueManager()
        await manager.register_queue(MODEL, held)
        submitted = asyncio.create_task(manager.submit_request(QueueRequest(model_id="m")))
        await held.until(1)
        ending = asyncio.create_task(manager.shutdown_all())
        for _ in range(10):
            await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        held.let()
        assert (await submitted).status is RequestStatus.COMPLETED
        await manager.shutdown_all()
        await manager.register_queue(MODEL, echo)

    run(main())


def test_models_are_told_in_order():
    async def main():
        manager = QueueManager()
        for name in ("b", "a", "openai/gpt-4o:free"):
            await manager.register_queue(ModelConfig(model_id=name, rate_limit=1), echo)
        assert manager.get_registered_models() == ["b", "a", "openai/gpt-4o:free"]

    run(main())


def test_a_known_model_is_refused():
    async def main():
        await QueueManager().register_queue(MODEL, echo)
        with pytest.raises(ValueError, match="'m' is already registered") as caught:
            await QueueManager().register_queue(MODEL, echo)
        assert isinstance(caught.value, InvalidConfiguration)

    run(main())


def test_register_all_queues_skips_known_models():
    async def main():
        async def other(request):
            return "other"

        manager = QueueManager()
        await manager.register_queue(MODEL, echo)
        await manager.register_all_queues([MODEL, ModelConfig(model_id="n", rate_limit=1)], other)
        assert manager.get_registered_models() == ["m", "n"]
        mine = await manager.submit_request(QueueRequest(model_id="m", params="mine"))
        assert mine.result == "mine"
        assert (await manager.submit_request(QueueRequest(model_id="n"))).result == "other"

    run(main())


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (ModelConfig(model_id="", rate_limit=1), "1 .. 255 bytes"),
        (ModelConfig(model_id="*", rate_limit=1), "all models"),
        (ModelConfig(model_id="m", rate_limit=1, time_period=40 * 86400), "31d"),
    ],
)
def test_what_llmq_does_not_take_is_told(config, told):
    async def main():
        with pytest.raises(InvalidConfiguration, match=told):
            await QueueManager().register_queue(config, echo)
        assert QueueManager().get_registered_models() == []

    run(main())


def test_a_processor_is_callable():
    with pytest.raises(InvalidConfiguration, match="must be callable, not 'text'"):
        run(QueueManager().register_queue(MODEL, "text"))


def test_unknown_models():
    async def main():
        manager = QueueManager()
        for ask in (
            manager.submit_request(QueueRequest(model_id="m")),
            manager.get_status("m", "x"),
            manager.update_token_usage("m", "x", 1, 1),
        ):
            with pytest.raises(ModelNotRegistered, match="'m' is not registered"):
                await ask
        with pytest.raises(ModelNotRegistered):
            manager.get_queue_info("m")
        assert manager.get_all_queues_info() == {}

    run(main())


def test_status_from_beginning_to_end():
    async def main():
        held = Held()
        manager = QueueManager()
        one = RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=1)
        await manager.register_queue(ModelConfig(model_id="m", rate_limiters=[one]), held)
        requests = [QueueRequest(model_id="m", params=[n]) for n in range(2)]
        tasks = [asyncio.create_task(manager.submit_request(each)) for each in requests]
        await held.until(1)
        first, second = [await manager.get_status("m", each.id) for each in requests]
        assert (first.status, first.result) == (RequestStatus.PROCESSING, None)
        assert (second.status, second.result) == (RequestStatus.PENDING, None)
        assert first.created_at == requests[0].created_at
        assert requests[0].status is RequestStatus.PROCESSING
        held.let()
        responses = await asyncio.gather(*tasks)
        for request, response in zip(requests, responses):
            status = await manager.get_status("m", request.id)
            assert status is response
            assert status.status is RequestStatus.COMPLETED
            assert status.result is request.params
            assert status.request_id == request.id
            assert status.processing_time >= 0
        assert await manager.get_status("m", "nobody") is None

    run(main())


def test_the_last_finished_requests_stay_readable():
    async def main():
        manager = QueueManager()
        await manager.register_queue(ModelConfig(model_id="m", rate_limit=100000), echo)
        requests = [QueueRequest(model_id="m", params=n) for n in range(1003)]
        await asyncio.gather(*map(manager.submit_request, requests))
        known = [await manager.get_status("m", each.id) is not None for each in requests]
        assert known == [False] * 3 + [True] * 1000

    run(main())


def test_wait_for_completion_false_returns_at_once():
    async def main():
        held = Held()
        manager = QueueManager()
        await manager.register_queue(MODEL, held)
        request = QueueRequest(model_id="m", params="later", wait_for_completion=False)
        response = await manager.submit_request(request)
        assert response.status is RequestStatus.PENDING
        assert response.request_id == request.id
        assert response.result is response.error is response.processing_time is None
        await held.until(1)
        held.let()
        await manager.queues["m"].shutdown()
        assert (await manager.get_status("m", request.id)).result == "later"

    run(main())


def test_who_stops_waiting_does_not_end_the_request():
    async def main():
        held = Held()
        manager = QueueManager()
        await manager.register_queue(MODEL, held)
        request = QueueRequest(model_id="m", params="kept")
        submitted = asyncio.create_task(manager.submit_request(request))
        await held.until(1)
        submitted.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submitted
        assert (await manager.get_status("m", request.id)).status is RequestStatus.PROCESSING
        held.let()
        await manager.queues["m"].shutdown()
        assert (await manager.get_status("m", request.id)).result == "kept"

    run(main())


def test_info_has_the_keys_of_both_generations():
    async def main():
        held = Held()
        manager = QueueManager()
        limits = [
            RateLimiterConfig(type=RateLimiterType.RPM, limit=500),
            RateLimiterConfig(type=RateLimiterType.TPM, limit=3000),
            RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=2),
        ]
        await manager.register_queue(ModelConfig(model_id="m", rate_limiters=limits), held)
        tasks = [
            asyncio.create_task(
                manager.submit_request(
                    QueueRequest(
                        model_id="m", estimated_input_tokens=100, estimated_output_tokens=200
                    )
                )
            )
            for _ in range(5)
        ]
        await held.until(2)
        info = manager.get_queue_info("m")
        assert info == {
            "model_id": "m",
            "queue_size": 3,
            "rate_limiter_usage": 2,
            "rate_limit": 500,
            "rate_limiter_mode": "requests_per_period",
            "rate_limiters": [
                {"type": RateLimiterType.RPM, "limit": 500, "usage": 2, "available": 498},
                {"type": RateLimiterType.TPM, "limit": 3000, "usage": 600, "available": 2400},
                {"type": RateLimiterType.CONCURRENT, "limit": 2, "usage": 2, "available": 0},
            ],
        }
        assert manager.get_all_queues_info() == {"m": info}
        held.let()
        await asyncio.gather(*tasks)
        assert manager.get_queue_info("m")["queue_size"] == 0

    run(main())


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (None, "requests_per_period"),
        (RateLimiterMode.REQUESTS_PER_PERIOD, "requests_per_period"),
        (RateLimiterMode.CONCURRENT_REQUESTS, "concurrent_requests"),
    ],
)
def test_info_of_the_form_of_0_1(mode, shown):
    async def main():
        manager = QueueManager()
        config = ModelConfig(model_id="m", rate_limit=7, rate_limiter_mode=mode, time_period=5)
        await manager.register_queue(config, echo)
        info = manager.get_queue_info("m")
        assert info["rate_limit"] == 7
        assert info["rate_limiter_mode"] == shown
        assert len(info["rate_limiters"]) == 1

    run(main())


def test_a_request_that_no_limit_would_ever_let_through_is_refused():
    async def main():
        manager = QueueManager()
        limit = RateLimiterConfig(type=RateLimiterType.TPM, limit=100)
        await manager.register_queue(ModelConfig(model_id="m", rate_limiters=[limit]), echo)
        for wait in (True, False):
            request = QueueRequest(
                model_id="m", estimated_output_tokens=101, wait_for_completion=wait
            )
            with pytest.raises(RateLimitExceeded, match=r"101.*100|100.*101"):
                await manager.submit_request(request)
            assert await manager.get_status("m", request.id) is None

    run(main())


def test_several_event_loops_share_the_limits():
    manager = QueueManager()
    running = most = 0
    lock = threading.Lock()
    together = threading.Barrier(2)

    async def processor(request):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        await asyncio.sleep(0)
        with lock:
            running -= 1
        return request.params

    async def submit(part):
        together.wait(LONG)
        return await asyncio.gather(
            *(manager.submit_request(QueueRequest(model_id="m", params=(part, n))) for n in part)
        )

    one = RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=1)
    run(manager.register_queue(ModelConfig(model_id="m", rate_limiters=[one]), processor))
    answers = {}
    parts = [range(50), range(50, 100)]
    threads = [
        threading.Thread(target=lambda part=part: answers.update({part: run(submit(part))}))
        for part in parts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert most == 1
    for part in parts:
        assert [each.result for each in answers[part]] == [(part, n) for n in part]
    run(manager.shutdown_all())


def test_shutdown_waits_for_requests_of_other_event_loops():
    manager = QueueManager()
    begun, go = threading.Event(), threading.Event()

    async def processor(request):
        begun.set()
        await asyncio.get_running_loop().run_in_executor(None, go.wait, LONG)
        return request.params

    run(manager.register_queue(MODEL, processor))
    request = QueueRequest(model_id="m", params="other")
    thread = threading.Thread(target=lambda: run(manager.submit_request(request)))
    thread.start()
    assert begun.wait(LONG)

    async def main():
        ending = asyncio.create_task(manager.queues["m"].shutdown())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not ending.done()
        go.set()
        await ending
        assert request.result == "other"
        await manager.shutdown_all()

    run(main())
    thread.join(LONG)


def test_what_an_event_loop_leaves_behind_has_failed():
    manager = QueueManager()
    request = QueueRequest(model_id="m", wait_for_completion=False)

    async def main():
        held = Held()
        await manager.register_queue(MODEL, held)
        await manager.submit_request(request)
        await held.until(1)

    run(main())
    assert request.status is RequestStatus.FAILED
    assert request.error == "cancelled"
    assert run(manager.get_status("m", request.id)).error == "cancelled"
    assert manager.get_queue_info("m")["queue_size"] == 0
    run(manager.shutdown_all())


FORK = """
import asyncio, os
from llmq.compat.llm_queue import ModelConfig, QueueManager, QueueRequest

def work(request):
    return os.getpid()

async def submit():
    response = await QueueManager().submit_request(QueueRequest(model_id="m"))
    assert response.result == os.getpid(), response

async def parent():
    await QueueManager().register_queue(ModelConfig(model_id="m", rate_limit=1000), work)
    await submit()

asyncio.run(parent())
child = os.fork()
if child == 0:
    asyncio.run(submit())
    asyncio.run(QueueManager().shutdown_all())
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
asyncio.run(submit())
print("both")
"""


def test_a_forked_process_has_queues_of_its_own(run_python):
    assert run_python(FORK).stdout == "both\n"


EXIT = """
import asyncio
from llmq.compat.llm_queue import ModelConfig, QueueManager, QueueRequest

async def work(request):
    return request.params

async def main():
    await QueueManager().register_queue(ModelConfig(model_id="m", rate_limit=1000), work)
    print((await QueueManager().submit_request(QueueRequest(model_id="m", params=1))).result)

asyncio.run(main())
"""


def test_a_program_that_does_not_shut_down_ends(run_python):
    assert run_python(EXIT).stdout == "1\n"
