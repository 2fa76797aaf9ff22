"""Limits of every type, usage of tokens, RateLimiter."""

import asyncio
import time

import pytest
from compat_tools import Held, echo, fresh, run  # noqa: F401

from llmq import Usage
from llmq.compat.llm_queue import (
    InvalidConfiguration,
    ModelConfig,
    QueueManager,
    QueueRequest,
    RateLimiter,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RequestStatus,
)

T = RateLimiterType


def usages(manager, model="m"):
    """What is used of each limit, by type."""
    return {each["type"]: each["usage"] for each in manager.get_queue_info(model)["rate_limiters"]}


async def register(*limits, processor=echo):
    manager = QueueManager()
    configs = [RateLimiterConfig(type=kind, limit=limit) for kind, limit in limits]
    await manager.register_queue(ModelConfig(model_id="m", rate_limiters=configs), processor)
    return manager


@pytest.mark.parametrize(
    ("kind", "used_by_one", "in_llmq"),
    [
        (T.RPM, 1, ("requests", 60_000)),
        (T.RPD, 1, ("requests", 86_400_000)),
        (T.TPM, 30, ("tokens", 60_000)),
        (T.TPD, 30, ("tokens", 86_400_000)),
        (T.ITPM, 10, ("input_tokens", 60_000)),
        (T.OTPM, 20, ("output_tokens", 60_000)),
        (T.CONCURRENT, 1, ("concurrency", None)),
    ],
)
def test_each_type_of_limit_holds(kind, used_by_one, in_llmq):
    async def main():
        held = Held()
        manager = await register((kind, 2 * used_by_one), processor=held)
        limits = manager._gate._manager.info("m")["limits"]
        amounts = {(each["kind"], each.get("period_ms")): each["amount"] for each in limits}
        assert amounts[in_llmq] == 2 * used_by_one
        requests = [
            QueueRequest(model_id="m", estimated_input_tokens=10, estimated_output_tokens=20)
            for _ in range(3)
        ]
        tasks = [asyncio.create_task(manager.submit_request(each)) for each in requests]
        await held.until(2)
        assert usages(manager) == {kind: 2 * used_by_one}
        assert manager.get_queue_info("m")["rate_limiters"][0]["available"] == 0
        assert requests[2].status is RequestStatus.PENDING
        assert manager.get_queue_info("m")["queue_size"] == 1
        held.let()
        await asyncio.gather(*tasks[:2])
        if kind is T.CONCURRENT:
            assert (await tasks[2]).status is RequestStatus.COMPLETED
        else:  # the window is full for a minute at least
            assert requests[2].status is RequestStatus.PENDING
            QueueManager.reset_instance()
            assert (await tasks[2]).status is RequestStatus.FAILED
        assert held.most == 2

    run(main())


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(model_id="m", rate_limit=2, time_period=1),
        ModelConfig(
            model_id="m", rate_limiters=[RateLimiterConfig(type=T.RPD, limit=2, time_period=1)]
        ),
    ],
)
def test_a_time_period_of_ones_own(config):
    async def main():
        manager = QueueManager()
        await manager.register_queue(config, echo)
        began = time.monotonic()
        await asyncio.gather(
            *(manager.submit_request(QueueRequest(model_id="m")) for _ in range(3))
        )
        assert time.monotonic() - began >= 1
        await manager.shutdown_all()

    run(main())


def test_all_limits_hold_together():
    async def main():
        held = Held()
        manager = await register((T.RPM, 100), (T.TPM, 50), (T.CONCURRENT, 9), processor=held)
        for _ in range(5):
            await manager.submit_request(
                QueueRequest(model_id="m", estimated_input_tokens=20, wait_for_completion=False)
            )
        await held.until(2)
        assert usages(manager) == {T.RPM: 2, T.TPM: 40, T.CONCURRENT: 2}
        assert manager.get_queue_info("m")["queue_size"] == 3

    run(main())


def test_of_two_limits_of_one_kind_the_smaller_holds():
    async def main():
        held = Held()
        manager = await register((T.CONCURRENT, 5), (T.CONCURRENT, 2), processor=held)
        for _ in range(4):
            await manager.submit_request(QueueRequest(model_id="m", wait_for_completion=False))
        await held.until(2)
        assert manager.get_queue_info("m")["queue_size"] == 2
        assert [each["limit"] for each in manager.get_queue_info("m")["rate_limiters"]] == [5, 2]

    run(main())


def test_limits_of_the_form_of_0_3_take_the_place_of_rate_limit():
    async def main():
        manager = QueueManager()
        config = ModelConfig(
            model_id="m", rate_limit=1, rate_limiters=[RateLimiterConfig(type=T.RPM, limit=50)]
        )
        await manager.register_queue(config, echo)
        assert manager.get_queue_info("m")["rate_limit"] == 50

    run(main())


def test_estimated_tokens_count_until_usage_is_known():
    async def main():
        manager = await register((T.TPM, 1000), (T.ITPM, 1000), (T.OTPM, 1000))
        request = QueueRequest(model_id="m", estimated_input_tokens=100, estimated_output_tokens=50)
        response = await manager.submit_request(request)
        assert response.input_tokens_used is response.output_tokens_used is None
        assert usages(manager) == {T.TPM: 150, T.ITPM: 100, T.OTPM: 50}
        await manager.update_token_usage("m", request.id, input_tokens=85, output_tokens=42)
        assert usages(manager) == {T.TPM: 127, T.ITPM: 85, T.OTPM: 42}
        assert (request.actual_input_tokens, request.actual_output_tokens) == (85, 42)
        status = await manager.get_status("m", request.id)
        assert (status.input_tokens_used, status.output_tokens_used) == (85, 42)

    run(main())


def test_usage_counts_also_while_the_end_is_under_way():
    async def main():
        manager = await register((T.TPM, 1000))
        gate = manager._gate
        for n in range(1, 201):
            permit = await gate.acquire("m", 1, 4)
            gate.end(permit, None, None)
            gate.update_usage(permit.request_id, Usage(1, 2))
            assert usages(manager) == {T.TPM: 3 * n}
            gate.update_usage(permit.request_id, Usage(9, 9))  # known: the first one counts
            assert usages(manager) == {T.TPM: 3 * n}

    run(main())


def test_usage_after_a_shutdown():
    async def main():
        manager = await register((T.TPM, 1000))
        gate = manager._gate
        permit = await gate.acquire("m", 1, 4)
        gate.end(permit, None, None)
        await manager.shutdown_all()
        gate.update_usage(permit.request_id, Usage(1, 2))  # its limits have gone: nothing to do

    run(main())


def test_usage_without_estimates():
    async def main():
        manager = await register((T.TPM, 1000))
        request = QueueRequest(model_id="m")
        await manager.submit_request(request)
        assert usages(manager) == {T.TPM: 0}
        await manager.update_token_usage("m", request.id, 300, 100)
        assert usages(manager) == {T.TPM: 400}

    run(main())


def test_the_processor_tells_what_it_used():
    async def work(request):
        request.actual_input_tokens, request.actual_output_tokens = 7, 8

    async def main():
        manager = await register((T.ITPM, 1000), (T.OTPM, 1000), processor=work)
        response = await manager.submit_request(
            QueueRequest(model_id="m", estimated_input_tokens=100, estimated_output_tokens=50)
        )
        assert (response.input_tokens_used, response.output_tokens_used) == (7, 8)
        assert usages(manager) == {T.ITPM: 7, T.OTPM: 8}

    run(main())


def test_usage_told_while_the_request_runs():
    async def main():
        held = Held()
        manager = await register((T.TPM, 1000), processor=held)
        request = QueueRequest(model_id="m", estimated_output_tokens=500)
        submitted = asyncio.create_task(manager.submit_request(request))
        await held.until(1)
        await manager.update_token_usage("m", request.id, 1, 2)
        held.let()
        assert (await submitted).output_tokens_used == 2
        assert usages(manager) == {T.TPM: 3}

    run(main())


def test_usage_of_a_failed_request():
    async def failing(request):
        raise ValueError("late")

    async def main():
        manager = await register((T.TPM, 1000), processor=failing)
        request = QueueRequest(model_id="m", estimated_output_tokens=500)
        assert (await manager.submit_request(request)).error == "late"
        await manager.update_token_usage("m", request.id, 3, 4)
        assert usages(manager) == {T.TPM: 7}

    run(main())


def test_usage_of_an_unknown_request_is_ignored():
    async def main():
        manager = await register((T.TPM, 1000))
        await manager.submit_request(QueueRequest(model_id="m", estimated_input_tokens=10))
        assert await manager.update_token_usage("m", "nobody", 500, 500) is None
        assert usages(manager) == {T.TPM: 10}

    run(main())


def test_usage_is_no_negative_number():
    async def main():
        manager = await register((T.TPM, 1000))
        with pytest.raises(ValueError, match="output_tokens must be 0 or more, not -1"):
            await manager.update_token_usage("m", "nobody", 1, -1)

    run(main())


def test_rate_limiter_of_starts():
    async def main():
        limiter = RateLimiter(limit=3)
        assert (limiter.limit, limiter.time_period) == (3, 60)
        assert limiter.mode is RateLimiterMode.REQUESTS_PER_PERIOD
        assert (limiter.get_current_usage(), limiter.get_available_slots()) == (0, 3)
        assert [await limiter.acquire() for _ in range(4)] == [True, True, True, False]
        await limiter.release()
        assert (limiter.get_current_usage(), limiter.get_available_slots()) == (3, 0)
        assert await limiter.acquire() is False

    run(main())


def test_rate_limiter_waits_for_the_window():
    async def main():
        limiter = RateLimiter(limit=1, time_period=1)
        began = time.monotonic()
        await limiter.wait_for_slot()
        assert await limiter.acquire() is False
        await limiter.wait_for_slot()
        assert time.monotonic() - began >= 1

    run(main())


def test_rate_limiter_of_places():
    async def main():
        limiter = RateLimiter(2, RateLimiterMode.CONCURRENT_REQUESTS)
        assert [await limiter.acquire() for _ in range(3)] == [True, True, False]
        waiting = asyncio.create_task(limiter.wait_for_slot())
        await asyncio.sleep(0)
        assert not waiting.done()
        await limiter.release()
        await waiting
        assert (limiter.get_current_usage(), limiter.get_available_slots()) == (2, 0)
        for _ in range(3):
            await limiter.release()
        assert limiter.get_available_slots() == 2

    run(main())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"limit": 0}, "limit must be greater than 0"),
        ({"limit": 1, "time_period": 0}, "time_period must be greater than 0"),
        ({"limit": 1, "mode": "often"}, "mode must be one of"),
    ],
)
def test_rate_limiter_refuses_what_makes_no_sense(arguments, told):
    with pytest.raises(InvalidConfiguration, match=told):
        RateLimiter(**arguments)
