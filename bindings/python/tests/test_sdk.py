"""The real SDKs, against `llmq mock`."""

import asyncio
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
