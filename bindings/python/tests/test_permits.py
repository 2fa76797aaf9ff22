import asyncio
import gc
import logging
import math
import threading

import pytest
from conftest import LONG, config

import llmq

MODEL = {"name": "m", "concurrency": 1}


def settled(manager):
    """Counters after what was reported has been taken up."""
    manager.info("m")  # in the turn of the loop that takes it up, or a later one
    manager.info("m")  # that turn is over, and its counters can be read
    return manager.stats("m")


@pytest.fixture
def manager():
    with llmq.Manager(config(MODEL)) as made:
        yield made
        made.close("abort")


def test_a_permit_holds_its_place(manager):
    with manager.acquire("m", est_input_tokens=10) as permit:
        assert permit.model == "m"
        assert permit.deployment == ""
        assert permit.request_id
        assert permit.heartbeat()
        assert manager.try_acquire("m") is None
        assert settled(manager).processing == 1
        permit.usage = llmq.Usage(7, 5)
    assert permit.ended
    stats = settled(manager)
    assert (stats.processing, stats.input_tokens, stats.output_tokens) == (0, 7, 5)
    second = manager.try_acquire("m")
    assert second is not None
    assert second.release(llmq.Usage())
    with pytest.raises(llmq.StaleError):
        second.release()


def test_permits_wait_in_line(manager):
    first = manager.acquire("m")
    got = []

    def work():
        with manager.acquire("m"):
            got.append(first.ended)

    thread = threading.Thread(target=work)
    thread.start()
    while manager.stats("m").pending == 0:
        pass
    assert got == []
    first.release()
    thread.join(LONG)
    assert got == [True]


def test_why_there_is_no_permit(manager):
    with pytest.raises(llmq.UnknownModelError):
        manager.acquire("nobody")
    with manager.acquire("m"), pytest.raises(llmq.DeadlineError):
        manager.acquire("m", deadline=0.01)
    with pytest.raises(llmq.UnknownModelError):
        manager.try_acquire("nobody")


def test_failures_are_told(manager):
    with pytest.raises(llmq.RateLimitedError), manager.acquire("m"):
        raise llmq.RateLimitedError(message="slow down", retry_after=60)
    assert settled(manager).rate_limited == 1
    assert manager.try_acquire("m") is None  # until it is over
    with pytest.raises(llmq.DeadlineError):
        manager.acquire("m", deadline=0.01)


def test_other_exceptions_free_the_place(manager):
    with pytest.raises(ZeroDivisionError), manager.acquire("m"):
        raise ZeroDivisionError
    assert settled(manager).failed == 1
    manager.acquire("m").release()


def test_a_lost_permit_says_so(manager):
    permit = manager.acquire("m", timeout=0.001)
    with manager.acquire("m"):
        pass
    assert not permit.heartbeat()
    assert not permit.release()


def test_a_dropped_permit_frees_its_place(manager):
    permit = manager.acquire("m")
    del permit
    gc.collect()
    manager.acquire("m").release()


def test_headers_teach_its_limits(manager):
    with manager.acquire("m") as permit:
        permit.report_limits({"x-ratelimit-limit-requests": "100"})


def test_headers_teach_the_deployment_that_was_called():
    places = [{"name": name, "provider": "mock", "rpm": 1000} for name in ("east", "west")]
    with llmq.Manager(config({"name": "m", "deployments": places})) as made:
        with made.acquire("m") as permit:
            called = permit.deployment
            permit.report_limits({"x-ratelimit-limit-requests": "60"})
        amounts = {
            place["name"]: limit["effective"]
            for place in made.info("m")["deployments"]
            for limit in place["limits"]
            if limit["kind"] == "requests"
        }
        assert amounts == {"east": 1000, "west": 1000, called: 60}


def test_permits_in_a_loop():
    async def main():
        async with llmq.AsyncManager(config(MODEL)) as manager:
            running = 0

            async def work():
                nonlocal running
                async with manager.acquire("m", est_input_tokens=1) as permit:
                    running += 1
                    assert running == 1
                    await asyncio.sleep(0)
                    running -= 1
                    permit.usage = llmq.Usage(1, 1)

            await asyncio.gather(*[work() for _ in range(50)])
            assert settled(manager).completed == 50
            held = await manager.acquire("m")
            assert manager.try_acquire("m") is None
            waiting = asyncio.ensure_future(work())
            while manager.stats("m").pending == 0:
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            with pytest.raises(llmq.DeadlineError):
                await manager.acquire("m", deadline=0.01)
            assert held.release()
            with pytest.raises(llmq.UnknownModelError):
                await manager.acquire("nobody")
            async with manager.acquire("m"):
                pass

    asyncio.run(main())


@pytest.mark.parametrize("usage", [llmq.Usage(-1), llmq.Usage(0, 2.5), {"input_tokens": 1}, 7])
def test_a_usage_that_is_refused_leaves_the_permit(manager, usage):
    permit = manager.acquire("m")
    with pytest.raises(llmq.InvalidArgumentError, match="usage"):
        permit.release(usage)
    assert not permit.ended
    assert manager.try_acquire("m") is None
    assert permit.release(llmq.Usage(3, 4))
    assert permit.ended
    assert settled(manager).input_tokens == 3


def test_a_permit_that_was_refused_is_still_caught_when_it_is_dropped(manager):
    permit = manager.acquire("m")
    with pytest.raises(llmq.InvalidArgumentError):
        permit.release(llmq.Usage(-1))
    del permit
    gc.collect()
    manager.acquire("m", deadline=LONG).release()


@pytest.mark.parametrize("wait", [-1, math.nan, math.inf, "soon"])
def test_a_wait_that_is_refused_leaves_the_permit(manager, wait):
    permit = manager.acquire("m")
    with pytest.raises(llmq.InvalidArgumentError, match="retry_after is"):
        permit.fail(llmq.Status.OVERLOADED, retry_after=wait)
    assert not permit.ended
    assert permit.fail(llmq.Status.OVERLOADED, retry_after=0.001)
    assert permit.ended


def test_a_block_ends_its_permit_whatever_it_reports(manager, caplog):
    with pytest.raises(llmq.InvalidArgumentError, match="input_tokens is -1"):
        with manager.acquire("m") as permit:
            permit.usage = llmq.Usage(-1)
    assert permit.ended
    assert settled(manager).completed == 1  # the call itself went well
    with caplog.at_level(logging.WARNING, "llmq"), pytest.raises(llmq.OverloadedError):
        with manager.acquire("m") as permit:
            raise llmq.OverloadedError(retry_after=math.nan)
    assert "retry_after is nan" in caplog.text
    assert permit.ended
    manager.acquire("m", deadline=LONG).release()


def test_usage_that_is_told_late_is_looked_at_as_well(manager):
    with pytest.raises(llmq.InvalidArgumentError, match="output_tokens is -2"):
        manager.update_usage(1, llmq.Usage(0, -2))


@pytest.mark.parametrize("dropped", [True, False])
def test_a_dropped_permit_says_nothing_of_the_provider(dropped):
    told = []
    with llmq.Manager(config(MODEL)) as manager:
        manager.set_hook(told.append, llmq.HookType.BREAKER_CHANGED)
        for _ in range(20):  # as many failures in a row open the circuit breaker
            permit = manager.acquire("m", deadline=LONG)
            if not dropped:
                permit.fail(llmq.Status.SERVER)
            del permit
            gc.collect()
        assert settled(manager).processing == 0
    assert bool(told) is not dropped
