"""Queue: how processors run, what they get, give and raise."""

import asyncio
import contextvars
import functools
import threading

import pytest
from compat_tools import LONG, Held, echo, fresh, run  # noqa: F401

from llmq.compat.llm_queue import (
    InvalidConfiguration,
    LLMQueueException,
    ModelConfig,
    ProcessingError,
    Queue,
    QueueManager,
    QueueRequest,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RequestStatus,
)

CONCURRENT_1 = [RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=1)]


async def once(processor, request=None):
    """Has one request processed."""
    queue = Queue("m", processor, rate_limit=1000)
    try:
        return await queue.enqueue(request or QueueRequest(model_id="m"))
    finally:
        await queue.shutdown()


class Unserialisable:
    def __reduce__(self):
        raise TypeError("not to be serialised")

    __copy__ = __deepcopy__ = __reduce__


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_params_metadata_and_results_are_the_objects_themselves(kind):
    params, metadata, result = Unserialisable(), {"held": Unserialisable()}, Unserialisable()
    seen = []

    def work(request):
        seen.append(request)
        return result

    async def work_async(request):
        return work(request)

    request = QueueRequest(model_id="m", params=params, metadata=metadata)
    response = run(once(work if kind == "sync" else work_async, request))
    assert seen[0] is request
    assert request.params is params
    assert request.metadata is metadata
    assert response.result is request.result is result


def test_a_processor_that_raises_gives_a_failed_response():
    calls = []

    async def failing(request):
        calls.append(request)
        raise ProcessingError("no such river")

    response = run(once(failing))
    assert response.status is RequestStatus.FAILED
    assert response.error == "no such river"
    assert response.result is None
    assert response.processing_time >= 0
    assert len(calls) == 1


@pytest.mark.parametrize(
    "error", [ValueError("a", 1), KeyError("k"), StopIteration("s"), OSError()]
)
def test_the_error_is_the_text_of_the_exception(error):
    def failing(request):
        raise error

    response = run(once(failing))
    assert response.status is RequestStatus.FAILED
    assert response.error == str(error)


def test_failures_are_neither_raised_nor_tried_again_nor_hold_up_others():
    calls = []

    async def failing(request):
        calls.append(request.params)
        raise TimeoutError("slow")

    async def main():
        manager = QueueManager()
        await manager.register_queue(ModelConfig(model_id="m", rate_limit=1000), failing)
        for n in range(100):
            response = await manager.submit_request(QueueRequest(model_id="m", params=n))
            assert response.status is RequestStatus.FAILED
            assert response.error == "slow"
        await manager.shutdown_all()

    run(main())
    assert calls == list(range(100))


def test_a_processor_that_is_cancelled_fails():
    async def cancelled(request):
        raise asyncio.CancelledError

    response = run(once(cancelled))
    assert (response.status, response.error) == (RequestStatus.FAILED, "cancelled")


def test_a_coroutine_function_runs_in_the_event_loop_of_the_request():
    loops = []

    async def work(request):
        loops.append((asyncio.get_running_loop(), threading.current_thread()))

    async def main():
        await once(work)
        assert loops == [(asyncio.get_running_loop(), threading.current_thread())]

    run(main())


def test_any_other_function_runs_on_a_thread():
    async def main():
        here = threading.current_thread()
        assert (await once(lambda _: threading.current_thread())).result is not here

    run(main())


def test_functions_on_threads_run_side_by_side():
    together = threading.Barrier(8)

    def work(request):
        together.wait(LONG)  # fails unless 8 run at once
        return request.params

    async def main():
        queue = Queue("m", work, rate_limit=1000)
        responses = await asyncio.gather(
            *(queue.enqueue(QueueRequest(model_id="m", params=n)) for n in range(8))
        )
        await queue.shutdown()
        assert [response.result for response in responses] == list(range(8))

    run(main())


def test_a_function_may_return_something_to_be_awaited():
    async def answer(text, request):
        return text, request.params

    request = QueueRequest(model_id="m", params=7)
    assert run(once(lambda request: answer("a", request), request)).result == ("a", 7)
    assert run(once(functools.partial(answer, "b"), request)).result == ("b", 7)


def test_an_object_may_be_a_processor():
    class Processor:
        async def __call__(self, request):
            return self, asyncio.get_running_loop()

    async def main():
        processor = Processor()
        result = (await once(processor)).result
        assert result == (processor, asyncio.get_running_loop())

    run(main())


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_context_variables_reach_the_processor(kind):
    variable = contextvars.ContextVar("variable", default="none")

    async def work(request):
        return variable.get()

    async def main():
        variable.set("mine")
        processor = work if kind == "async" else lambda _: variable.get()
        assert (await once(processor)).result == "mine"

    run(main())


def test_requests_really_run_concurrently():
    async def main():
        held = Held()
        queue = Queue("m", held, rate_limit=1000)
        tasks = [
            asyncio.create_task(queue.enqueue(QueueRequest(model_id="m", params=n)))
            for n in range(100)
        ]
        await held.until(100)  # none has ended
        assert held.most == 100
        held.let()
        assert [response.result for response in await asyncio.gather(*tasks)] == list(range(100))
        await queue.shutdown()

    run(main())


def test_requests_start_in_order():
    async def main():
        held = Held()
        queue = Queue("m", held, rate_limit=1000)
        for n in range(50):
            request = QueueRequest(model_id="m", params=n, wait_for_completion=False)
            await queue.enqueue(request)
        await held.until(50)
        assert [request.params for request in held.begun] == list(range(50))
        held.let()
        await queue.shutdown()

    run(main())


def test_concurrent_1_keeps_the_old_order():
    ended = []

    async def work(request):
        for _ in range(50 - request.params):  # the later, the quicker
            await asyncio.sleep(0)
        ended.append(request.params)

    async def main():
        queue = Queue("m", work, rate_limiters=CONCURRENT_1)
        await asyncio.gather(
            *(queue.enqueue(QueueRequest(model_id="m", params=n)) for n in range(50))
        )
        await queue.shutdown()

    run(main())
    assert ended == list(range(50))


def test_arguments_of_both_generations():
    async def main():
        old = Queue("m", 5, echo, RateLimiterMode.CONCURRENT_REQUESTS)
        assert old.model_id == "m"
        assert old.processor_func is echo
        assert old.info()["rate_limit"] == 5
        assert old.info()["rate_limiter_mode"] == "concurrent_requests"
        await old.shutdown()
        named = Queue(
            model_id="m",
            rate_limit=10,
            processor_func=echo,
            rate_limiter_mode=RateLimiterMode.REQUESTS_PER_PERIOD,
            time_period=60,
        )
        assert named.info()["rate_limit"] == 10
        await named.shutdown()
        with pytest.raises(InvalidConfiguration, match="'m' has no limit"):
            Queue("m", echo)

    run(main())


def test_sizes_and_usage():
    async def main():
        held = Held()
        queue = Queue("m", held, rate_limiters=CONCURRENT_1)
        assert (queue.get_queue_size(), queue.get_rate_limiter_usage()) == (0, 0)
        requests = [
            QueueRequest(model_id="m", params=n, wait_for_completion=False) for n in range(3)
        ]
        for request in requests:
            await queue.enqueue(request)
        await held.until(1)
        assert (queue.get_queue_size(), queue.get_rate_limiter_usage()) == (2, 1)
        assert list(queue.requests.values()) == requests
        held.let()
        await queue.shutdown()
        assert queue.get_queue_size() == 0
        assert queue.requests == {}

    run(main())


def test_after_its_shutdown_a_queue_takes_nothing():
    async def main():
        queue = Queue("m", echo, rate_limit=10)
        request = QueueRequest(model_id="m", params=1)
        await queue.enqueue(request)
        await queue.shutdown()
        await queue.shutdown()
        with pytest.raises(LLMQueueException, match="shut down"):
            await queue.enqueue(QueueRequest(model_id="m"))
        assert (await queue.get_status(request.id)).result == 1

    run(main())


def test_a_request_may_be_handed_over_again():
    answers = [ValueError("first"), "second", ValueError("third")]

    async def work(request):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def main():
        queue = Queue("m", work, rate_limit=10)
        request = QueueRequest(model_id="m")
        assert (await queue.enqueue(request)).error == "first"
        response = await queue.enqueue(request)
        assert (response.status, response.result) == (RequestStatus.COMPLETED, "second")
        assert response.error is request.error is None
        assert await queue.get_status(request.id) is response
        request.wait_for_completion = False
        response = await queue.enqueue(request)
        assert (response.status, request.result) == (RequestStatus.PENDING, None)
        await queue.shutdown()
        response = await queue.get_status(request.id)
        assert (response.status, response.error) == (RequestStatus.FAILED, "third")
        assert response.result is request.result is None

    run(main())


@pytest.mark.parametrize("told", [-1, 3.7, "12", {}])
def test_usage_that_cannot_be_fails_the_request_and_frees_its_place(told):
    async def main():
        def process(request):
            request.actual_input_tokens = told if request.params else 1
            return "done"

        queue = Queue("m", process, rate_limiters=CONCURRENT_1)
        bad = await queue.enqueue(QueueRequest(model_id="m", params=1))
        assert bad.status is RequestStatus.FAILED
        assert f"input_tokens is {told!r}" in bad.error
        assert bad.result is None
        assert (await queue.get_status(bad.request_id)).status is RequestStatus.FAILED
        good = await queue.enqueue(QueueRequest(model_id="m", params=0))
        assert good.status is RequestStatus.COMPLETED
        assert queue.requests == {}
        await queue.shutdown()

    run(main())


def test_an_exception_without_words_fails_the_request():
    class Unspeakable(Exception):
        def __str__(self):
            raise ValueError("no words")

    async def process(request):
        if request.params:
            raise Unspeakable
        return "done"

    async def main():
        queue = Queue("m", process, rate_limiters=CONCURRENT_1)
        bad = await queue.enqueue(QueueRequest(model_id="m", params=1))
        assert (bad.status, bad.error) == (RequestStatus.FAILED, "Unspeakable")
        good = await queue.enqueue(QueueRequest(model_id="m", params=0))
        assert good.status is RequestStatus.COMPLETED
        await queue.shutdown()

    run(main())
