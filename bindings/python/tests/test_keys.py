"""Keys that a function gives, against a provider that knows one."""

import asyncio
import gc
import json
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import LONG, chat
from test_process import CHILD, SETUP

import llmq

GOOD = json.dumps(
    {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
WRONG = b'{"error": {"code": "invalid_api_key"}}'


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["authorization"].removeprefix("Bearer ")
        self.server.seen.append(key)
        good = self.server.good in (None, key)
        body = GOOD if good else WRONG
        self.send_response(200 if good else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def provider():
    """Takes every key, or `good` alone; `seen` are those that it was sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    server.good, server.seen = None, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def model(provider, name="m", **more):
    return {"name": name, "provider": "openai", "base_url": provider.url, **more}


def test_each_attempt_has_the_key_of_its_deployment(provider):
    count = iter(range(1, 100))

    def keys(name, deployment):
        return f"{next(count)}/{name}/{deployment}"

    places = model(provider, "places", deployments=[{"name": "east"}])
    with llmq.Manager({"models": [model(provider), places]}, keys=keys) as manager:
        manager.register({"models": [model(provider, "later")]})
        for name in ("m", "m", "places", "later"):
            manager.call(name, chat())
    assert provider.seen == ["1/m/", "2/m/", "3/places/east", "4/later/"]


def of_none(_model, _deployment):
    return None


def of_nothing(_model, _deployment):
    return ""


def broken(_model, _deployment):
    raise LookupError("the vault is sealed")


def wordless(_model, _deployment):
    raise ZeroDivisionError


def wrong(_model, _deployment):
    return 7


def leaving(_model, _deployment):
    raise SystemExit("leaving")


FAILURES = [
    (of_none, "no key for model m"),
    (of_nothing, "no key for model m"),
    (broken, "the vault is sealed"),
    (wordless, "ZeroDivisionError"),
    (wrong, "a key is text, not int"),
]


@pytest.mark.parametrize(("keys", "words"), [*FAILURES, (leaving, "leaving")])
def test_without_a_key_the_request_fails_in_words(provider, keys, words):
    with llmq.Manager({"models": [model(provider)]}, keys=keys) as manager:
        for _ in range(2):  # the thread has gone on
            with pytest.raises(llmq.AuthError, match=words):
                manager.call("m", chat())
    assert provider.seen == []


@pytest.mark.parametrize(("keys", "words"), FAILURES)
@pytest.mark.parametrize("awaited", [False, True])
def test_the_same_in_a_loop(provider, keys, words, awaited):
    async def to_be_awaited(name, deployment):
        await asyncio.sleep(0)
        return keys(name, deployment)

    async def main():
        given = to_be_awaited if awaited else keys
        async with llmq.AsyncManager({"models": [model(provider)]}, keys=given) as manager:
            with pytest.raises(llmq.AuthError, match=words):
                await manager.call("m", chat())

    asyncio.run(main())
    assert provider.seen == []


def test_a_key_that_was_replaced_is_tried_after_a_refusal(provider):
    provider.good = "new"
    given = iter(["old"])

    def keys(_model, _deployment):
        return next(given, "new")

    with llmq.Manager({"models": [model(provider)]}, keys=keys) as manager:
        response = manager.call("m", chat())
    assert response.attempts == 2
    assert provider.seen == ["old", "new"]


def test_a_key_that_was_not_replaced_is_not(provider):
    provider.good = "new"
    with llmq.Manager({"models": [model(provider)]}, keys=lambda *_: "old") as manager:
        with pytest.raises(llmq.AuthError) as caught:
            manager.call("m", chat())
    assert caught.value.response.attempts == 1
    assert provider.seen == ["old"]


def test_coroutine_functions_are_awaited_beside_each_other(provider):
    async def main():
        asked, go = [], asyncio.Event()

        async def keys(name, _deployment):
            asked.append(name)
            if len(asked) == 3:
                go.set()
            await asyncio.wait_for(go.wait(), LONG)
            return f"key-{name}"

        names = ["a", "b", "c"]
        models = [model(provider, name) for name in names]
        async with llmq.AsyncManager({"models": models}, keys=keys) as manager:
            await asyncio.gather(*[manager.call(name, chat()) for name in names])

    asyncio.run(main())
    assert sorted(provider.seen) == ["key-a", "key-b", "key-c"]


def test_a_manager_of_threads_gives_the_keys_of_its_loops(provider):
    async def main(owner):
        async with owner.aio() as manager:
            await manager.call("m", chat())

    with llmq.Manager({"models": [model(provider)]}, keys=lambda *_: "k") as owner:
        asyncio.run(main(owner))
    assert provider.seen == ["k"]


def test_coroutine_functions_need_a_loop(provider):
    async def keys(_model, _deployment):
        return "k"

    with pytest.raises(TypeError, match="not a coroutine function"):
        llmq.Manager({"models": [model(provider)]}, keys=keys)


def test_a_function_that_waits_holds_up_no_response_and_may_use_the_manager(provider):
    asked, go = threading.Event(), threading.Event()

    def keys(_model, _deployment):
        asked.set()
        assert go.wait(LONG)
        return manager.call("own", b"secret").data.decode()

    with llmq.Manager({"models": [model(provider), {"name": "own"}]}, keys=keys) as manager:
        manager.set_processor("own", lambda job: job.payload)
        waits = manager.submit("m", chat())
        assert asked.wait(LONG)
        assert manager.call("own", b"quick").data == b"quick"
        go.set()
        assert waits.result(LONG).ok
    assert provider.seen == ["secret"]


def test_close_ends_what_waits_for_a_key(provider):
    asked, go = threading.Event(), threading.Event()

    def keys(_model, _deployment):
        asked.set()
        go.wait(LONG)
        return "late"

    manager = llmq.Manager({"models": [model(provider)]}, keys=keys)
    future = manager.submit("m", chat())
    assert asked.wait(LONG)
    manager.close("abort")
    assert future.done()
    with pytest.raises(llmq.ClosedError):
        future.result()
    go.set()  # its answer comes to a closed manager
    (thread,) = [each for each in threading.enumerate() if each.name == "llmq-keys"] or [None]
    if thread is not None:
        thread.join(LONG)
        assert not thread.is_alive()
    assert provider.seen == []


def test_close_cancels_a_coroutine_that_gives_a_key(provider):
    async def main():
        asked, cancelled = asyncio.Event(), asyncio.Event()

        async def keys(_model, _deployment):
            asked.set()
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        manager = llmq.AsyncManager({"models": [model(provider)]}, keys=keys)
        future = manager.submit("m", chat())
        await asked.wait()
        await manager.close("abort")
        with pytest.raises(llmq.ClosedError):
            await future
        await asyncio.wait_for(cancelled.wait(), LONG)

    asyncio.run(main())


def test_drain_waits_for_keys(provider):
    go = threading.Event()

    def keys(_model, _deployment):
        assert go.wait(LONG)
        return "k"

    with llmq.Manager({"models": [model(provider)]}, keys=keys) as manager:
        future = manager.submit("m", chat())
        manager.shutdown("drain")
        go.set()
    assert future.result(0).ok


def test_without_a_reference_the_manager_goes(provider):
    class Vault:
        def __init__(self):
            self.manager = llmq.Manager({"models": [model(provider)]}, keys=self.key)

        def key(self, _model, _deployment):
            return "k"

    vault = Vault()
    vault.manager.call("m", chat())
    gone = weakref.ref(vault.manager)
    del vault
    deadline = time.monotonic() + LONG
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
    assert gone() is None


def test_the_process_ends_while_a_key_is_asked_for(run_python, provider):
    run_python(
        f"""
import threading, llmq
asked = threading.Event()
def keys(model, deployment):
    asked.set()
    threading.Event().wait()
manager = llmq.Manager({{"models": [{model(provider)!r}]}}, keys=keys)
manager.submit("m", "{{}}")
assert asked.wait({LONG})
"""
    )


def test_a_child_has_the_keys_of_its_parent(run_python, provider):
    run_python(
        SETUP
        + CHILD
        + f"""
keys = lambda model, deployment: "child" if os.getpid() != parent else "parent"
parent = os.getpid()
manager = llmq.Manager({{"models": [{model(provider)!r}]}}, on_fork="renew", keys=keys)
assert manager.call("m", BODY).ok
pid = os.fork()
if pid == 0:
    assert manager.call("m", BODY).ok
    manager.close()
    sys.exit(0)
wait(pid)
assert manager.call("m", BODY).ok
"""
    )
    assert provider.seen == ["parent", "child", "parent"]
