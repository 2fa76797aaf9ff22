"""The real SDKs, against `llmq mock`."""

import asyncio
import gc
import json
import socket
import threading
import time

import pytest
from conftest import LONG, mock_stats

import llmq

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

ASK = {"model": "gpt", "messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 8}
MODEL = {"name": "gpt", "shape": "sliding"}


@pytest.fixture
def manager():
    with llmq.Manager({"models": [MODEL]}) as made:
        yield made


def of_openai(url, **more):
    return openai.OpenAI(api_key="none", base_url=f"{url}/v1", **more)


GONE = "http://127.0.0.1:9"


def http_of(client):
    """The library that an SDK's client stands on."""
    from llmq._wrap import _http_library

    return _http_library(client._client)


def settled(manager):
    manager.info()
    manager.info()
    return manager.stats()


def test_openai(mock_server, manager):
    client = llmq.wrap(of_openai(mock_server()), manager, tenant="acme")
    answer = client.chat.completions.create(**ASK)
    assert answer.choices[0].message.content
    assert client.max_retries == 0
    stats = settled(manager)
    assert (stats.completed, stats.attempts, stats.processing) == (1, 1, 0)
    assert stats.input_tokens == answer.usage.prompt_tokens
    assert stats.output_tokens == answer.usage.completion_tokens


def test_openai_streams_give_the_permit_back_at_their_end(mock_server, manager):
    client = llmq.wrap(of_openai(mock_server()), manager)
    stream = client.chat.completions.create(
        **ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = iter(stream)
    next(chunks)
    assert settled(manager).processing == 1
    last = list(chunks)[-1]
    stats = settled(manager)
    assert (stats.processing, stats.completed) == (0, 1)
    assert stats.output_tokens == last.usage.completion_tokens
    with client.chat.completions.create(**ASK, stream=True) as stream:
        next(iter(stream))
    assert settled(manager).processing == 0


def test_openai_in_a_loop(mock_server):
    async def main(url):
        async with llmq.AsyncManager({"models": [{**MODEL, "concurrency": 4}]}) as manager:
            client = llmq.wrap(openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1"), manager)
            answers = await asyncio.gather(
                *[client.chat.completions.create(**ASK) for _ in range(12)]
            )
            stream = await client.chat.completions.create(
                **ASK, stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in stream]
            stats = settled(manager)
            assert stats.completed == 13
            assert stats.output_tokens == sum(
                each.usage.completion_tokens for each in [*answers, chunks[-1]]
            )
            await client.close()

    asyncio.run(main(mock_server("--limit", "concurrency=4")))


def test_anthropic(mock_server):
    with llmq.Manager({"models": [{"name": "claude"}]}) as manager:
        ask = {"model": "claude", "max_tokens": 8, "messages": ASK["messages"]}
        url = mock_server()
        client = llmq.wrap(anthropic.Anthropic(api_key="none", base_url=url), manager)
        answer = client.messages.create(**ask)
        stats = settled(manager)
        assert stats.input_tokens == answer.usage.input_tokens
        assert stats.output_tokens == answer.usage.output_tokens
        with client.messages.stream(**ask) as stream:
            assert "".join(stream.text_stream)
            told = stream.get_final_message().usage
        stats = settled(manager)
        assert stats.completed == 2
        assert stats.output_tokens == answer.usage.output_tokens + told.output_tokens

        async def main():
            own = anthropic.AsyncAnthropic(api_key="none", base_url=url)
            client = llmq.wrap(own, manager)
            assert (await client.messages.create(**ask)).content
            await client.close()

        asyncio.run(main())
        assert settled(manager).completed == 3


def test_limits_hold_across_threads(mock_server):
    url = mock_server()
    begin = time.monotonic()
    with llmq.Manager(
        {"models": [{**MODEL, "limits": [{"requests": 20, "per": "1s"}]}]}
    ) as manager:
        client = llmq.wrap(of_openai(url), manager)
        threads = [
            threading.Thread(
                target=lambda: [client.chat.completions.create(**ASK) for _ in range(8)]
            )
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert settled(manager).completed == 40
        assert time.monotonic() - begin >= 1
        assert mock_stats(url)["requests"] == 40


def test_refusals_teach_and_are_tried_again(mock_server):
    url = mock_server("--limit", "requests=2/1s,shape=fixed")
    with llmq.Manager({"models": [MODEL]}) as manager:
        client = llmq.wrap(of_openai(url), manager, attempts=10)
        for _ in range(4):
            assert client.chat.completions.create(**ASK).choices
        assert settled(manager).rate_limited >= 1


def test_failures_reach_the_program_as_the_sdks_own(mock_server, manager):
    client = llmq.wrap(of_openai(mock_server("--fail-server", "1")), manager, attempts=1)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ASK)
    assert settled(manager).failed == 1
    # Older SDKs put every exception into one of their own.
    with pytest.raises((llmq.UnknownModelError, openai.APIConnectionError)) as raised:
        client.chat.completions.create(**{**ASK, "model": "nobody"})
    told = raised.value
    assert isinstance(told, llmq.UnknownModelError) or isinstance(
        told.__cause__, llmq.UnknownModelError
    )
    gone = llmq.wrap(of_openai("http://127.0.0.1:9"), manager, attempts=1)
    with pytest.raises(openai.APIConnectionError):
        gone.chat.completions.create(**ASK)
    assert settled(manager).processing == 0


FALLS_BACK = {
    "models": [
        {
            "name": "gpt",
            "limits": [{"requests": 1, "per": "1h"}],
            "fallback": {"models": ["second"], "after_ms": 1},
        },
        {"name": "second"},
    ]
}


def test_a_call_that_falls_back_names_the_model_of_its_permit(mock_server):
    url = mock_server()

    async def main(manager):
        own = openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
        client = llmq.wrap(own, manager)
        assert (await client.chat.completions.create(**ASK)).model == "second"
        await client.close()

    with llmq.Manager(FALLS_BACK) as manager:
        client = llmq.wrap(of_openai(url), manager)
        assert client.chat.completions.create(**ASK).model == "gpt"
        answer = client.chat.completions.create(**ASK)
        assert answer.model == "second"
        assert answer.choices[0].message.content
        asyncio.run(main(manager))
        settled(manager)
        assert manager.stats("second").completed == 2


def test_one_line_and_nothing_else(mock_server):
    url = mock_server("--limit", "requests=100/1m")
    try:
        client = llmq.wrap(of_openai(url))
        for _ in range(7):
            assert client.chat.completions.create(**ASK).choices
        shared = llmq.Manager.shared()
        assert "gpt" in shared.models()
        assert settled(shared).rate_limited == 0
        learnt = {(limit["kind"], limit["amount"]) for limit in shared.info("gpt")["limits"]}
        assert ("requests", 100) in learnt

        async def main():
            client = llmq.wrap(openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1"))
            assert (await client.chat.completions.create(**ASK)).choices
            await client.close()

        asyncio.run(main())
        assert settled(llmq.Manager.shared()).completed == 8
    finally:
        llmq.Manager.shared().close()


def test_what_cannot_be_wrapped():
    with pytest.raises(TypeError, match="object is no client"):
        llmq.wrap(object())
    with pytest.raises(TypeError, match="needs a Manager"):
        llmq.wrap(of_openai("http://127.0.0.1:9"), llmq.AsyncManager())


def closed_in(error):
    """Whether a closed manager is what it tells of: older SDKs put it into one of their own."""
    return isinstance(error, llmq.ClosedError) or isinstance(error.__cause__, llmq.ClosedError)


@pytest.fixture
def paused(monkeypatch):
    """Has pauses between tries last; the event says that one is about to begin."""
    begins = threading.Event()

    def delay(_number):
        begins.set()
        return 2 * LONG

    monkeypatch.setattr("llmq._wrap._delay", delay)
    return begins


@pytest.mark.parametrize("end", ["close", "shutdown"])
def test_the_end_of_a_manager_ends_the_pause_between_tries(mock_server, paused, end):
    manager = llmq.Manager({"models": [MODEL]})
    client = llmq.wrap(of_openai(mock_server("--fail-server", "1")), manager, attempts=5)
    raised = []

    def call():
        try:
            client.chat.completions.create(**ASK)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert paused.wait(LONG)
    getattr(manager, end)()
    thread.join(LONG)  # less than the pause
    assert not thread.is_alive()
    assert closed_in(raised[0])
    manager.close()


@pytest.mark.parametrize("whole", [False, True])
def test_the_same_in_a_loop(mock_server, paused, whole):
    url = mock_server("--fail-server", "1")

    async def main():
        owner = llmq.Manager({"models": [MODEL]})
        manager = owner.aio()
        own = openai.AsyncOpenAI(api_key="none", base_url=f"{url}/v1")
        client = llmq.wrap(own, manager, attempts=5)
        call = asyncio.ensure_future(client.chat.completions.create(**ASK))
        assert await asyncio.to_thread(paused.wait, LONG)
        if whole:
            await asyncio.to_thread(owner.close)
        else:
            await manager.close()
        with pytest.raises((llmq.ClosedError, openai.APIConnectionError)) as told:
            await asyncio.wait_for(call, LONG)
        assert closed_in(told.value)
        await client.close()
        owner.close()

    asyncio.run(main())


def test_a_pause_ends_by_itself(mock_server, monkeypatch, manager):
    monkeypatch.setattr("llmq._wrap._delay", lambda _number: 0.001)
    url = mock_server("--fail-server", "1")
    client = llmq.wrap(of_openai(url), manager, attempts=3)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**ASK)
    assert mock_stats(url)["requests"] == 3


ANSWER = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Seine"},
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
).encode()
CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": []}
EVENT = f"data: {json.dumps(CHUNK)}\n\n".encode()


def answer(status, body=ANSWER, *, length=None, kind="application/json", more=""):
    """An answer as it goes over the wire; length: what it claims."""
    head = f"HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}"
    return f"{head}content-length: {length or len(body)}\r\n\r\n".encode() + body


class Server:
    """Gives each connection the next of its answers, the last one to all further ones.

    An answer that ends in `...` stays open after what it says, until the client has gone.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        self.said, self.gone = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            got = b""
            while b"\r\n\r\n" not in got:
                got += connection.recv(65536)
            head, _, body = got.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            while len(body) < length:
                body += connection.recv(65536)
            self.seen.append(head.decode())
            said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            stays = said.endswith(b"...")
            connection.sendall(said.removesuffix(b"...") if stays else said)
            self.said.set()
            if stays:
                while connection.recv(65536):
                    pass
                self.gone.set()


@pytest.fixture
def serve():
    made = []

    def start(*answers):
        made.append(Server(*answers))
        return made[-1]

    yield start
    for each in made:
        each.listener.close()


@pytest.fixture
def quick(monkeypatch):
    """Has pauses between tries last no time."""
    monkeypatch.setattr("llmq._wrap._delay", lambda _number: 0.001)


ONE = {**MODEL, "concurrency": 1}
#: A refusal of which more is said to come than does.
CUT = answer(500, b'{"error"', length=1000)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_refusal_that_is_cut_is_tried_again(serve, quick, status):
    with llmq.Manager({"models": [ONE]}) as manager:
        server = serve(answer(status, b"{", length=1000), answer(200))
        client = llmq.wrap(of_openai(server.url), manager)
        assert client.chat.completions.create(**ASK).choices
        stats = settled(manager)
        assert (stats.completed, stats.failed, stats.processing) == (1, 1, 0)
        server.answers[:] = [CUT]
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**ASK)
        assert len(server.seen) == 2 + 3  # three tries in all, none of them the SDK's
        assert settled(manager).processing == 0


def test_the_same_refusal_in_a_loop(serve, quick):
    server = serve(CUT, answer(200), CUT)

    async def main():
        async with llmq.AsyncManager({"models": [ONE]}) as manager:
            own = openai.AsyncOpenAI(api_key="none", base_url=f"{server.url}/v1")
            client = llmq.wrap(own, manager)
            assert (await client.chat.completions.create(**ASK)).choices
            with pytest.raises(openai.APIConnectionError):
                await client.chat.completions.create(**ASK)
            assert len(server.seen) == 2 + 3
            assert settled(manager).processing == 0
            await client.close()

    asyncio.run(main())


def test_a_body_that_cannot_be_read_is_no_answer(serve, quick):
    garbled = answer(503, b"not gzip", more="content-encoding: gzip\r\n")
    with llmq.Manager({"models": [ONE]}) as manager:
        server = serve(garbled, answer(200))
        client = llmq.wrap(of_openai(server.url), manager)
        assert client.chat.completions.create(**ASK).choices
        assert settled(manager).processing == 0


def test_a_task_that_is_cancelled_in_a_refusal_gives_its_permit_back(serve):
    server = serve(answer(500, b"{...", length=1000))

    async def main():
        async with llmq.AsyncManager({"models": [ONE]}) as manager:
            own = openai.AsyncOpenAI(api_key="none", base_url=f"{server.url}/v1")
            client = llmq.wrap(own, manager)
            call = asyncio.ensure_future(client.chat.completions.create(**ASK))
            assert await asyncio.to_thread(server.said.wait, LONG)
            while settled(manager).processing == 0:
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert settled(manager).processing == 0
            assert await asyncio.to_thread(server.gone.wait, LONG)
            assert len(server.seen) == 1
            await client.close()

    asyncio.run(main())


def test_ctrl_c_in_a_refusal_gives_the_permit_back(serve, manager, monkeypatch):
    server = serve(answer(500))
    client = llmq.wrap(of_openai(server.url), manager)

    def interrupted(_self, *_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(http_of(client).Response, "iter_raw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.chat.completions.create(**ASK)
    assert settled(manager).processing == 0


def test_a_stream_that_stalls_or_is_left_gives_its_permit_back(serve):
    stalls = answer(200, EVENT + b"...", length=10_000, kind="text/event-stream")
    with llmq.Manager({"models": [ONE]}) as manager:
        client = llmq.wrap(of_openai(serve(stalls).url, timeout=0.2), manager)
        with pytest.raises(Exception, match=r"timed out|[Tt]imeout"):
            list(client.chat.completions.create(**ASK, stream=True))
        assert settled(manager).processing == 0
        patient = llmq.wrap(of_openai(serve(stalls).url), manager)
        for _ in patient.chat.completions.create(**ASK, stream=True):
            break
        gc.collect()
        assert settled(manager).processing == 0
        stream = patient.chat.completions.create(**ASK, stream=True)
        assert settled(manager).processing == 1
        del stream  # never read
        gc.collect()
        assert settled(manager).processing == 0


def test_what_has_no_answer_is_tried_three_times_in_all(serve, quick, manager):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = llmq.wrap(of_openai(gone), manager)
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(**ASK)
    assert settled(manager).attempts == 3
    asked = []
    acquire = manager.acquire
    manager.acquire = lambda *given, **more: asked.append(given) or acquire(*given, **more)
    with pytest.raises((llmq.UnknownModelError, openai.APIConnectionError)):
        client.chat.completions.create(**{**ASK, "model": "nobody"})
    assert len(asked) == 1


def test_the_clients_own_http_client_keeps_what_it_was_given(serve, quick):
    http = http_of(of_openai(GONE))
    told = []
    server = serve(answer(500), answer(307, b"", more="location: /elsewhere\r\n"), answer(200))
    with llmq.Manager({"models": [ONE]}) as manager:
        own = http.Client(
            headers={"x-team": "rivers"},
            params={"region": "north"},
            cookies={"seat": "7"},
            event_hooks={"request": [told.append], "response": [told.append]},
            follow_redirects=True,
        )
        client = llmq.wrap(of_openai(server.url, http_client=own), manager)
        assert client.chat.completions.create(**ASK).choices
        own.headers["x-team"] = "lakes"
        assert client.chat.completions.create(**ASK).choices
    first, second, followed, last = server.seen
    for head in (first, second, last):
        assert head.startswith("POST /v1/chat/completions?region=north ")
        assert "cookie: seat=7" in head.lower()
    assert "x-team: rivers" in first.lower()
    assert followed.startswith("POST /elsewhere")
    assert "x-team: lakes" in last.lower()
    assert len(told) == 8


def test_the_same_of_a_client_for_loops(serve):
    http = http_of(of_openai(GONE))
    server = serve(answer(200))

    async def main():
        async with llmq.AsyncManager({"models": [ONE]}) as manager:
            own = http.AsyncClient(headers={"x-team": "rivers"}, params={"region": "north"})
            client = llmq.wrap(
                openai.AsyncOpenAI(api_key="none", base_url=f"{server.url}/v1", http_client=own),
                manager,
            )
            assert (await client.chat.completions.create(**ASK)).choices
            await client.close()

    asyncio.run(main())
    assert server.seen[0].startswith("POST /v1/chat/completions?region=north ")
    assert "x-team: rivers" in server.seen[0].lower()


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai"),
        ("https://proxy/v1/messages", "anthropic"),
        ("https://me.services.ai.azure.com/anthropic/v1/messages", "anthropic"),
        ("https://me.openai.azure.com/openai/v1/responses", "azure"),
        ("https://proxy/openai/deployments/four/chat/completions", "azure"),
    ],
)
def test_whose_answers_they_are(url, provider):
    from llmq._wrap import _provider_of

    assert _provider_of(http_of(of_openai(GONE)).URL(url)) == provider


def test_a_provider_that_is_not_known():
    with pytest.raises(llmq.InvalidArgumentError):
        llmq.wrap(of_openai(GONE), provider="nobody")
