"""Forks, exits and signals, each in an interpreter of its own."""

import asyncio
import signal
import subprocess
import sys
import time

import pytest
from conftest import HANG, LONG, chat, config

import llmq

SETUP = """
import asyncio, logging, multiprocessing, os, sys, threading, time
import llmq
CONFIG = {"models": [
    {"name": "m", "provider": "mock", "mock": {"latency_ms": 0}},
    {"name": "hang", "provider": "mock", "mock": {"fail_hang": 1}, "timeout_ms": 0}]}
BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}
"""

CHILD = """
def wait(pid):
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, code
"""


def test_a_forked_child_is_told(run_python):
    run_python(
        SETUP
        + CHILD
        + """
manager = llmq.Manager(CONFIG)
assert manager.call("m", BODY).ok
pending = manager.submit("hang", BODY)
stream = manager.stream("hang", BODY)
pid = os.fork()
if pid == 0:
    for use in (lambda: manager.call("m", BODY), manager.stats, lambda: pending.result(10),
                stream.response, stream.response, stream.__next__):
        try:
            use()
        except llmq.ForkedError as error:
            assert "process" in str(error), error
        else:
            os._exit(3)
    manager.close()
    with llmq.Manager(CONFIG) as own:
        assert own.call("m", BODY).ok
    sys.exit(0)
wait(pid)
assert manager.call("m", BODY).ok
"""
    )


def test_a_forked_child_gets_a_manager_of_its_own(run_python):
    run_python(
        SETUP
        + CHILD
        + """
manager = llmq.Manager({"models": [*CONFIG["models"], {"name": "own"}]}, on_fork="renew")
manager.register({"models": [{"name": "later", "provider": "mock", "mock": {"latency_ms": 0}}]})
manager.set_processor("own", lambda job: job.payload)
assert manager.call("own", b"x").data == b"x"
pending = manager.submit("hang", BODY)
pid = os.fork()
if pid == 0:
    assert manager.call("m", BODY).ok
    assert manager.call("later", BODY).ok
    assert manager.call("own", b"y").data == b"y"
    assert manager.stats().submitted == 3
    try:
        pending.result(10)
    except llmq.ForkedError:
        pass
    else:
        os._exit(3)
    manager.close("abort")
    os._exit(0)
wait(pid)
assert manager.call("m", BODY).ok
manager.close("abort")
"""
    )


def test_the_shared_manager_after_a_fork(run_python):
    run_python(
        SETUP
        + CHILD
        + """
assert llmq.Manager.shared(CONFIG).call("m", BODY).ok
pid = os.fork()
if pid == 0:
    assert llmq.Manager.shared(CONFIG).call("m", BODY).ok
    os._exit(0)
wait(pid)
assert llmq.Manager.shared().call("m", BODY).ok
"""
    )


def test_a_loop_after_a_fork(run_python):
    run_python(
        SETUP
        + CHILD
        + """
manager = llmq.AsyncManager(CONFIG, on_fork="renew")
asyncio.run(manager.call("m", BODY))
pid = os.fork()
if pid == 0:
    assert asyncio.run(manager.call("m", BODY)).ok
    os._exit(0)
wait(pid)
assert asyncio.run(manager.call("m", BODY)).ok
"""
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run_python, tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(
        SETUP
        + """
def work(count):
    with llmq.Manager(CONFIG) as manager:
        return sum(response.ok for response in manager.call_many("m", [BODY] * count))

def inherit(manager):
    try:
        manager.call("m", BODY)
    except llmq.ForkedError:
        sys.exit(7)

def main(method):
    with llmq.Manager(CONFIG) as manager:
        assert manager.call("m", BODY).ok
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            assert pool.map(work, [3, 4, 5]) == [3, 4, 5]
        if method == "fork":
            child = context.Process(target=inherit, args=(manager,))
            child.start()
            child.join()
            assert child.exitcode == 7, child.exitcode
        assert manager.call("m", BODY).ok

if __name__ == "__main__":
    main(sys.argv[1])
"""
    )
    subprocess.run([sys.executable, str(program), method], check=True, timeout=60)


EXITS = {
    "with requests on their way": """
manager = llmq.Manager(CONFIG)
for _ in range(100):
    manager.submit("hang", BODY)
""",
    "with a loop": """
async def main():
    global manager
    manager = llmq.AsyncManager(CONFIG)
    manager.submit("hang", BODY)
    await asyncio.sleep(0)
asyncio.run(main())
""",
    "with a processor that runs": """
manager = llmq.Manager({"models": [{"name": "own"}]})
started = threading.Event()
manager.set_processor("own", lambda job: (started.set(), time.sleep(1000)))
manager.submit("own", b"")
started.wait()
""",
    "with a thread that waits": """
manager = llmq.Manager(CONFIG)
threading.Thread(target=lambda: manager.call("hang", BODY), daemon=True).start()
while manager.stats().processing == 0: pass
""",
    "with logs": """
logging.basicConfig(level=1)
manager = llmq.Manager(CONFIG)
manager.submit_many("m", [BODY] * 200)
""",
    "with handlers that use llmq": """
class Asking(logging.Handler):
    def emit(self, record): manager.info()
logging.getLogger("llmq").addHandler(Asking())
logging.getLogger("llmq").setLevel(1)
manager = llmq.Manager(CONFIG)
manager.submit_many("m", [BODY] * 200)
""",
    "with a stream that nobody reads": """
manager = llmq.Manager({**CONFIG, "stream_buffer_bytes": 1000})
stream = manager.stream("m", {**BODY, "max_tokens": 1000})
""",
    "with the shared manager": """
llmq.Manager.shared(CONFIG).submit("hang", BODY)
""",
}


#: Seconds from the end of the program, or the signal, to the end of the process.
PROMISED = 1.0
#: More than half of so many tries must keep the promise, which bounds their median: a busy machine
#: may stand still for longer, but not most of the time.
TRIES = 5


def within_promise(measure):
    took, need = [], TRIES // 2 + 1
    while sum(each < PROMISED for each in took) < need:
        took.append(measure())
        assert sum(each >= PROMISED for each in took) < need, took


@pytest.mark.parametrize("how", EXITS)
def test_the_interpreter_ends(run_python, how):
    def measure():
        done = run_python(SETUP + EXITS[how] + "\nprint(time.monotonic(), flush=True)\n")
        return time.monotonic() - float(done.stdout.split()[-1])

    within_promise(measure)


#: What the main thread waits in, and how many requests there are then.
WAITS = {
    "call": ('manager.call("hang", BODY)', 1),
    "call_many": ('manager.call_many("hang", [BODY] * 3)', 3),
    "result": ('manager.submit("hang", BODY).result()', 1),
    "acquire": ('held = manager.acquire("one"); manager.acquire("one")', 2),
    "stream": ('list(manager.stream("hang", BODY))', 1),
    "close": ('manager.submit("hang", BODY); manager.close()', 1),
    "loop": ("asyncio.run(loop())", 1),
}

WAITING = """
manager = llmq.Manager({"models": [*CONFIG["models"], {"name": "one", "concurrency": 1}]})
async def loop():
    async with manager.aio() as own:
        await own.call("hang", BODY)
def ready():
    while manager.stats().submitted < COUNT:
        manager.info()
    print("ready", flush=True)
threading.Thread(target=ready).start()
"""


@pytest.mark.parametrize("how", WAITS)
def test_interrupts_end_every_wait(how):
    wait, count = WAITS[how]
    source = SETUP + f"COUNT = {count}\n" + WAITING + wait

    def measure():
        with subprocess.Popen(
            [sys.executable, "-c", source],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            try:
                assert program.stdout.readline() == "ready\n"
                begin = time.monotonic()
                program.send_signal(signal.SIGINT)
                told = program.communicate(timeout=LONG)[1]
                took = time.monotonic() - begin
            finally:
                program.kill()
        assert "KeyboardInterrupt" in told
        assert program.returncode in (1, 130, -signal.SIGINT)
        return took

    within_promise(measure)


async def chunks(manager):
    async with manager.stream("hang", chat()) as stream:
        return [chunk async for chunk in stream]


async def second_permit(manager):
    async with manager.acquire("one"):
        await manager.acquire("one")


TASKS = {
    "call": lambda manager: manager.call("hang", chat()),
    "call_many": lambda manager: manager.call_many("hang", [chat()] * 3),
    "stream": chunks,
    "acquire": second_permit,
    "close": lambda manager: [manager.submit("hang", chat()), manager.close()][1],
}


@pytest.mark.parametrize("how", TASKS)
def test_a_cancelled_task_ends_with_its_loop(how):
    async def main():
        models = config(HANG, {"name": "one", "concurrency": 1})
        async with llmq.AsyncManager(models) as manager:
            task = asyncio.create_task(TASKS[how](manager))
            while manager.stats().submitted < (2 if how == "acquire" else 1):
                await asyncio.sleep(0)
            begin = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return begin

    within_promise(lambda: -asyncio.run(main()) + time.monotonic())


def test_logs_reach_logging(run_python):
    done = run_python(
        SETUP
        + """
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(levelname)s %(message)s")
with llmq.Manager({"models": [{"name": "m", "provider": "mock", "retry": {"max_attempts": 1},
                               "mock": {"latency_ms": 0, "fail_server": 1}}]}) as manager:
    manager.call_many("m", [BODY])
"""
    )
    assert "llmq INFO" in done.stderr
    assert "llmq DEBUG" in done.stderr


def test_logs_are_silent_by_default(run_python):
    done = run_python(SETUP + 'llmq.Manager(CONFIG).call("m", BODY)')
    assert done.stderr == ""


def test_a_file_for_the_log_is_left_alone(run_python, tmp_path):
    path = tmp_path / "log"
    run_python(
        SETUP
        + f"""
logging.basicConfig(level=logging.DEBUG)
with llmq.Manager({{**CONFIG, "log": {{"level": "debug", "file": {str(path)!r}}}}}) as manager:
    manager.call("m", BODY)
"""
    )
    assert "llmq" in path.read_text()
