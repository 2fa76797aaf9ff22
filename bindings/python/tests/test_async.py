import asyncio
import gc
import threading

import pytest
from conftest import HANG, LONG, chat, config, mock

import llmq


def run(main):
    return asyncio.run(asyncio.wait_for(main, LONG))


def test_calls_answer():
    async def main():
        async with llmq.AsyncManager(config()) as manager:
            response = await manager.call("m", chat())
            assert response.ok
            assert (await manager.submit("m", chat(), tenant="acme")).ok
            many = await manager.call_many("m", [chat(), b"no json", chat()])
            assert [each.ok for each in many] == [True, False, True]
            assert many[1].status is llmq.Status.INVALID_VALUE
            assert await manager.call_many("m", []) == []
            assert manager.stats().completed == 4

    run(main())


def test_ten_thousand_at_once_without_a_thread_each():
    async def main():
        async with llmq.AsyncManager(config(mock(max_in_flight=100000))) as manager:
            before = threading.active_count()
            calls = [manager.call("m", chat()) for _ in range(10_000)]
            answers = await asyncio.gather(*calls)
            assert threading.active_count() == before
            assert len({answer.request_id for answer in answers}) == 10_000
            assert all(answer.ok for answer in answers)

    run(main())


def test_refusals_are_raised_where_they_are_awaited():
    async def main():
        async with llmq.AsyncManager(config()) as manager:
            with pytest.raises(llmq.UnknownModelError, match="nobody"):
                await manager.call("nobody", chat())
            good, bad = await asyncio.gather(
                manager.call("m", chat()), manager.call("m", b"no json"), return_exceptions=True
            )
            assert good.ok
            assert isinstance(bad, llmq.InvalidArgumentError)
            with pytest.raises(TypeError, match="unknown option"):
                await manager.call("m", chat(), urgent=True)
            with pytest.raises(llmq.UnknownModelError):
                async for _ in manager.stream("nobody", chat()):
                    pass

    run(main())


def test_cancelling_the_task_cancels_the_request():
    async def main():
        async with llmq.AsyncManager(config(HANG)) as manager:
            task = asyncio.create_task(manager.call("hang", chat()))
            many = asyncio.create_task(manager.call_many("hang", [chat()] * 3))
            while manager.stats().processing < 4:
                await asyncio.sleep(0)
            task.cancel()
            many.cancel()
            future = manager.submit("hang", chat())
            future.cancel()  # before it was handed over
            for each in (task, many):
                with pytest.raises(asyncio.CancelledError):
                    await each
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(manager.call("hang", chat()), 0.01)
            while manager.stats().cancelled < manager.stats().submitted:
                await asyncio.sleep(0)
            await manager.close("abort")

    run(main())


def test_streams():
    async def main():
        async with llmq.AsyncManager(config(mock(), HANG)) as manager:
            async with manager.stream("m", chat()) as stream:
                chunks = [chunk async for chunk in stream]
                whole = await stream.response()
            assert whole.ok
            assert chunks[0].json()["object"] == "chat.completion.chunk"
            assert chunks[0].attempt == 1
            async with manager.stream("m", chat()) as stream:
                await stream.__anext__()
            assert (await manager.stream("m", chat()).response()).ok
            async with manager.stream("hang", chat()) as stream:
                assert stream.request_id
            assert (await stream.response()).status is llmq.Status.CANCELLED
            with pytest.raises(llmq.RequestCancelledError):
                await stream.__anext__()

    run(main())


def test_a_stream_that_nobody_reads_holds_up_nobody():
    async def main():
        model = mock(mock={"latency_ms": 0, "tokens_per_s": 0})
        async with llmq.AsyncManager(config(model, stream_buffer_bytes=2000)) as manager:
            slow = manager.stream("m", chat(max_tokens=1000))
            assert (await manager.call("m", chat())).ok
            assert [chunk async for chunk in manager.stream("m", chat())]
            seen = [chunk async for chunk in slow]
            assert sum(len(chunk.data) for chunk in seen) > 2000  # more than was held for it
            words = [each["delta"].get("content") for c in seen for each in c.json()["choices"]]
            whole = await slow.response()
            assert "".join(word or "" for word in words).strip()
            assert "".join(word or "" for word in words).strip() in whole.text
            assert seen[-1].json()["usage"]["completion_tokens"] == whole.usage.output_tokens

    run(main())


def test_leaving_the_loop_cancels():
    async def main():
        model = mock("slow", mock={"latency_ms": 0, "tokens_per_s": 1}, timeout_ms=0)
        async with llmq.AsyncManager(config(mock(), model)) as manager:
            async for _ in manager.stream("slow", chat(max_tokens=5000)):
                break
            while manager.stats().cancelled < 1:
                await asyncio.sleep(0)
            while manager._port.waiting:
                await asyncio.sleep(0)
            manager.stream("slow", chat())  # nobody keeps it
            while manager.stats().cancelled < 2:
                await asyncio.sleep(0)
            stream = manager.stream("m", chat())
            assert [chunk async for chunk in stream]
            del stream
            unread = manager.stream("m", chat())
            await unread.response()
            del unread
            await asyncio.sleep(0)
            assert (await manager.call("m", chat())).ok
            assert manager.stats().cancelled == 2
            assert manager.stats().completed == 3

    run(main())


def test_a_stream_keeps_its_manager():
    async def main():
        stream = llmq.AsyncManager(config()).stream("m", chat())
        gc.collect()
        assert [chunk async for chunk in stream]

    run(main())


def test_leaving_the_block():
    async def main():
        async with llmq.AsyncManager(config(mock(latency_ms=20))) as manager:
            future = manager.submit("m", chat())
        assert future.done()
        assert future.result().ok
        with pytest.raises(llmq.ClosedError):
            await manager.call("m", chat())
        with pytest.raises(ZeroDivisionError):
            async with llmq.AsyncManager(config(HANG)) as manager:
                future = manager.submit("hang", chat())
                await asyncio.sleep(0)
                raise ZeroDivisionError
        with pytest.raises(llmq.ClosedError):
            future.result()
        manager = llmq.AsyncManager(config(HANG))
        future = manager.submit("hang", chat())
        await manager.close(timeout=0.05)
        assert future.exception().response.state == llmq.State.CANCELLED

    run(main())


def test_cancelling_a_close_aborts():
    async def main():
        manager = llmq.AsyncManager(config(HANG))
        future = manager.submit("hang", chat())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(manager.close(), 0.05)
        assert future.exception().response.state == llmq.State.CANCELLED

    run(main())


def test_threads_and_a_loop_over_the_same_limits():
    async def main(owner):
        async with owner.aio() as manager:
            assert (await manager.call("m", chat())).ok
            future = manager.submit("hang", chat())
            many = asyncio.ensure_future(manager.call_many("hang", [chat()] * 2))
            while manager.stats().processing < 3:
                await asyncio.sleep(0)
            await manager.close("abort")
            with pytest.raises(llmq.RequestCancelledError):
                await future
            assert {each.status for each in await many} == {llmq.Status.CANCELLED}
        with pytest.raises(llmq.ClosedError):
            await manager.call("m", chat())
        assert owner.call("m", chat()).ok

    with llmq.Manager(config(mock(), HANG)) as owner:
        run(main(owner))
        run(main(owner))
        assert owner.stats().completed == 4


def test_one_manager_in_one_loop_after_the_other():
    manager = llmq.AsyncManager(config())

    async def use():
        assert (await manager.call("m", chat())).ok

    run(use())
    run(use())
    run(manager.close())


def test_another_loop_at_the_same_time_is_refused():
    async def main():
        async with llmq.AsyncManager(config()) as manager:
            await manager.call("m", chat())
            caught = []

            def elsewhere():
                try:
                    asyncio.run(manager.call("m", chat()))
                except RuntimeError as error:
                    caught.append(str(error))

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join(LONG)
            assert "another event loop" in caught[0]

    run(main())


def test_typed_models():
    async def main():
        async with llmq.AsyncManager(config()) as manager:
            model = manager.model("m", encode=chat, decode=len)
            response = await model.call("a")
            assert response.value == len(response.data)
            assert (await model.submit("a")).value > 0
            assert [r.value > 0 for r in await model.call_many(["a", "b"])] == [True, True]

    run(main())


def test_waiters_that_fail_block_nobody():
    async def main():
        async with llmq.AsyncManager(config()) as manager:
            future = manager.submit("m", chat())
            future.add_done_callback(lambda _: 1 / 0)
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            assert (await future).ok
            assert (await manager.call("m", chat())).ok

    run(main())


def test_a_manager_that_is_dropped_lets_its_loop_go():
    async def main():
        manager = llmq.AsyncManager(config())
        await manager.call("m", chat())
        port = manager._port
        del manager
        gc.collect()
        while not port.ended:
            await asyncio.sleep(0)

    run(main())
