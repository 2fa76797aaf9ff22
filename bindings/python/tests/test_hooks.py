"""Hooks and plans."""

import asyncio
import gc
import threading
import weakref

import pytest
from conftest import chat, config, mock
from test_process import CHILD, SETUP

import llmq
from llmq import HookType as T

OF_ONE = [T.REQUEST_SUBMITTED, T.ADMITTED, T.ATTEMPT_STARTED, T.ATTEMPT_FINISHED, T.COMPLETED]


def kinds(told, request_id=None):
    return [each.type for each in told if request_id in (None, each.request_id)]


def test_the_life_of_a_request(manager):
    told = []
    manager.set_hook(told.append)
    response = manager.call("m", chat(), tenant="acme")
    assert kinds(told) == OF_ONE  # all before the response
    first, last = told[0], told[-1]
    assert {each.request_id for each in told} == {response.request_id}
    assert {each.model for each in told} == {"m"}
    assert {each.tenant for each in told} == {"acme"}
    assert (first.state, last.state) == (llmq.State.PENDING, llmq.State.COMPLETED)
    assert (last.status, last.attempt, last.usage) == (llmq.Status.OK, 1, response.usage)
    assert first.time_s <= last.time_s
    assert last.run_s == pytest.approx(response.run_s)


def test_pieces_of_a_stream(manager):
    told = []
    manager.set_hook(told.append, T.FIRST_BYTE | T.COMPLETED)
    with manager.stream("m", chat()) as stream:
        list(stream)
    assert kinds(told) == [T.FIRST_BYTE, T.COMPLETED]


def test_retries():
    failing = {"name": "m", "provider": "mock", "mock": {"latency_ms": 0, "fail_server": 1}}
    retry = {"max_attempts": 2, "base_ms": 1, "cap_ms": 1}
    told = []
    with llmq.Manager({"models": [{**failing, "retry": retry}]}) as manager:
        manager.set_hook(told.append, T.RETRIED | T.COMPLETED)
        with pytest.raises(llmq.ServerError):
            manager.call("m", chat())
    retried, ended = told
    assert (retried.type, retried.status, retried.attempt) == (T.RETRIED, llmq.Status.SERVER, 1)
    assert retried.delay_s > 0
    assert (ended.type, ended.status, ended.attempt) == (T.COMPLETED, llmq.Status.SERVER, 2)


def test_limits_that_change():
    told = []
    with llmq.Manager(config(mock(rpm=100))) as manager:
        manager.set_hook(told.append, T.LIMIT_CHANGED)
        manager.set("model.m.rpm", 200)
        manager.call("m", chat())
    (changed,) = told
    assert (changed.limit, changed.old_value, changed.new_value) == ("requests/1m", 100, 200)
    assert changed.request_id == 0


def test_another_one_takes_its_place(manager):
    first, second = [], []
    manager.set_hook(first.append, T.COMPLETED)
    manager.call("m", chat())
    manager.set_hook(second.append, T.COMPLETED)
    manager.call("m", chat())
    manager.set_hook(None)
    manager.call("m", chat())
    assert (len(first), len(second)) == (1, 1)


def test_what_a_hook_raises_is_logged(manager, caplog):
    told = []

    def broken(hook):
        told.append(hook)
        raise ValueError(hook)

    manager.set_hook(broken, T.COMPLETED)
    assert all(each.ok for each in manager.call_many("m", [chat()] * 3))
    assert len(told) == 3
    assert [each.message for each in caplog.records] == ["a hook failed"] * 3


def test_a_hook_may_use_the_manager(manager):
    told = []
    manager.set_hook(lambda hook: told.append(manager.info("m")["model"]), T.COMPLETED)
    manager.call("m", chat())
    assert told == ["m"]


def lost_in(caplog):
    texts = [record for record in caplog.records if "were not told" in record.getMessage()]
    return sum(record.args[0] for record in texts)


def test_a_slow_hook_loses_events_and_says_so(manager, caplog):
    most, told, begun, go = 65_536, [], threading.Event(), threading.Event()

    def slow(hook):
        begun.set()
        assert go.wait(60)
        told.append(hook)

    manager.set_hook(slow, T.REQUEST_SUBMITTED)
    futures = [manager.submit("m", chat())]
    assert begun.wait(60)
    futures += manager.submit_many("m", [chat()] * (most + 1000))
    while manager.stats().submitted < len(futures):
        manager.info()  # a turn of the library's loop
    go.set()
    assert all(future.response().ok for future in futures)
    manager.call("m", chat())
    assert len(told) + lost_in(caplog) == len(futures) + 1
    assert lost_in(caplog) >= 1000


def test_what_was_lost_at_the_end_is_said_too(manager, caplog):
    begun, go = threading.Event(), threading.Event()
    manager.set_hook(lambda _: (begun.set(), go.wait(60)), T.REQUEST_SUBMITTED)
    manager.submit("m", chat())
    assert begun.wait(60)
    futures = manager.submit_many("m", [chat()] * 70_000)
    while manager.stats().submitted <= len(futures):
        manager.info()
    manager.set_hook(None)
    go.set()
    assert all(future.response().ok for future in futures)
    manager.call("m", chat())
    assert lost_in(caplog) >= 70_000 - 65_536


def test_in_a_loop():
    async def main():
        told = []
        async with llmq.AsyncManager(config()) as manager:
            manager.set_hook(lambda hook: told.append((hook.type, asyncio.get_running_loop())))
            await manager.call("m", chat())
        assert told == [(kind, asyncio.get_running_loop()) for kind in OF_ONE]

    asyncio.run(main())


def test_in_one_loop_after_the_other():
    told = []
    manager = llmq.AsyncManager(config())

    async def call():
        if not told:
            manager.set_hook(told.append, T.COMPLETED)
        await manager.call("m", chat())

    asyncio.run(call())
    asyncio.run(call())
    assert kinds(told) == [T.COMPLETED] * 2


def test_coroutine_functions_are_refused(manager):
    async def hook(_):
        pass

    with pytest.raises(TypeError, match="not a coroutine function"):
        manager.set_hook(hook)


def test_a_hook_keeps_no_manager_alive():
    held = [llmq.Manager(config())]
    held[0].set_hook(lambda _, manager=held[0]: manager)
    core, thread = weakref.ref(held[0]._core), held[0]._port._thread
    held.clear()
    gc.collect()
    thread.join(60)
    assert core() is None


ENDS = {
    "while hooks come": "manager.submit_many('m', [BODY] * 300)",
    "closed": "manager.call_many('m', [BODY] * 100); manager.close()",
    "abandoned": "manager.submit_many('m', [BODY] * 300); del manager",
    "while another thread computes": """
threading.Thread(target=lambda: [0 for _ in iter(int, 1)], daemon=True).start()
manager.submit_many('m', [BODY] * 300)""",
    "in a loop": """
async def main():
    global own
    own = manager.aio()
    own.set_hook(told.append)
    for _ in range(300): own.submit("m", BODY)
    await asyncio.sleep(0)
asyncio.run(main())""",
    "abandoned with its loop": """
async def main():
    own = llmq.AsyncManager(CONFIG)
    own.set_hook(told.append)
    for _ in range(300): own.submit("m", BODY)
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())""",
    "with managers that are made at its end": """
import atexit
def late():
    try:
        llmq.Manager(CONFIG)
    except llmq.ClosedError:
        return
    os._exit(3)
atexit.unregister(llmq._core._at_exit)
atexit.register(late)
atexit.register(llmq._core._at_exit)""",
}


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends(run_python, how):
    source = f"""{SETUP}
told = []
manager = llmq.Manager(CONFIG)
manager.set_hook(told.append)
{ENDS[how]}
"""
    for _ in range(3):
        assert run_python(source).stderr == ""


def test_after_a_fork(run_python):
    run_python(
        SETUP
        + CHILD
        + """
told = []
manager = llmq.Manager(CONFIG, on_fork="renew")
manager.set_hook(lambda hook: told.append(os.getpid()), llmq.HookType.COMPLETED)
manager.call("m", BODY)
pid = os.fork()
if pid == 0:
    manager.call("m", BODY)
    assert told == [os.getppid(), os.getpid()], told
    sys.exit(0)
wait(pid)
manager.call("m", BODY)
assert told == [os.getpid()] * 2
"""
    )


def test_a_plan():
    limited = mock(rpm=60)
    asked = (llmq.Request("m", chat(), tenant="acme") for _ in range(100))
    told = llmq.plan(config(limited, mock("other")), asked)
    assert told["requests"] == 100
    assert told["bound_by"] == "requests/1m"
    assert 30_000 < told["duration_ms"] < 120_000
    assert [each["model"] for each in told["models"]] == ["m", "other"]
    assert [each["tenant"] for each in told["tenants"]] == ["acme"]


def test_a_plan_counts_what_is_too_large():
    limited = mock(limits=[{"tokens": 10, "per": "1m"}])
    told = llmq.plan(config(limited), [llmq.Request("m", chat(), est_input_tokens=11)])
    assert (told["requests"], told["oversize"]) == (0, 1)


def test_a_plan_refuses_what_a_manager_would():
    with pytest.raises(llmq.UnknownModelError, match="nobody"):
        llmq.plan(config(), [llmq.Request("nobody", chat())])
    with pytest.raises(llmq.InvalidArgumentError, match="rpm"):
        llmq.plan(config(), [], settings={"model.m.rpm": "many"})
