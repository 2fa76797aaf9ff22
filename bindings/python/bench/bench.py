"""What a request costs beyond C, in batches of 256; awaitables.

python bench.py [seconds that each figure may take]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from typing import Any, Callable

import llmq
from llmq import _port
from llmq import _wire as w
from llmq._library import lib

BATCH = 256
BODY = b'{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":1}'
CONFIG = {
    "models": [
        {"name": "m", "provider": "mock", "mock": {"latency_ms": 0}, "max_in_flight": 1_000_000}
    ],
    "max_pending": 1_000_000,
}
SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0


def per_request(run: Callable[[], int]) -> tuple[float, float]:
    """Microseconds of wall time and of this process's interpreter threads, per request."""
    run()
    walls, cpus = [], []
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until or len(walls) < 3:
        begin, cpu = time.perf_counter(), time.thread_time()
        count = run()
        walls.append((time.perf_counter() - begin) / count * 1e6)
        cpus.append((time.thread_time() - cpu) / count * 1e6)
    return statistics.median(walls), statistics.median(cpus)


def plain_c(manager: llmq.Manager) -> Callable[[], int]:
    """The same calls of the library with nothing of Python for each request."""
    port = _port.Port(manager._core)
    template = port.templates.get("m", 0, {})
    batch = w.Batch([template] * BATCH, [BODY] * BATCH, range(BATCH))
    pointer = manager._core.pointer

    def run() -> int:
        batch.submit(pointer)
        come = 0
        while come < BATCH:
            count = lib.llmq_cq_drain(port.cq, port._events, BATCH)
            if not count:
                lib.llmq_cq_wait(port.cq, -1)
            lib.llmq_events_release(port._events, w.EVENT_SIZE, count)
            come += count
        return BATCH

    return run


class _Here(_port.Port):
    """A queue that is drained on the thread that submits, so that all cost is on one clock."""


def python_batches(manager: llmq.Manager) -> Callable[[], int]:
    """submit and responses as call_many makes them."""
    from llmq._batch import submit_gathered  # noqa: PLC0415

    port = _Here(manager._core)

    def run() -> int:
        done: list[bool] = []
        gather = submit_gathered(port, "m", [BODY] * BATCH, {}, lambda: done.append(True))
        while not done:
            if not port.drain():
                lib.llmq_cq_wait(port.cq, -1)
        assert all(response.ok for response in gather.responses)
        return BATCH

    return run


async def future_and_task(count: int) -> None:
    """What asyncio itself takes for a task that waits for a future."""
    loop = asyncio.get_running_loop()

    async def wait() -> Any:
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        return await future

    await asyncio.gather(*[loop.create_task(wait()) for _ in range(count)])


def awaitables(count: int) -> tuple[float, float, float]:
    """Microseconds per await of asyncio alone and of calls, in turns, and the ratio of a turn."""

    async def main() -> tuple[float, float, float]:
        async with llmq.AsyncManager(CONFIG) as manager:
            bare, calls = [], []
            until = time.perf_counter() + 4 * SECONDS
            while time.perf_counter() < until or len(bare) < 20:
                begin = time.thread_time()
                await future_and_task(count)
                middle = time.thread_time()
                loop = asyncio.get_running_loop()
                before = threading.active_count()
                await asyncio.gather(
                    *[loop.create_task(manager.call("m", BODY)) for _ in range(count)]
                )
                assert threading.active_count() == before
                bare.append((middle - begin) / count * 1e6)
                calls.append((time.thread_time() - middle) / count * 1e6)
            ratio = statistics.median(call / own for call, own in zip(calls, bare))
            return statistics.median(bare), statistics.median(calls), ratio

    return asyncio.run(main())


def main() -> None:
    """Prints the table."""
    print(f"python {sys.version.split()[0]}, libllmq {llmq.library_version()}, batches of {BATCH}")
    with llmq.Manager(CONFIG) as manager:
        c_wall, c_cpu = per_request(plain_c(manager))
        wall, cpu = per_request(python_batches(manager))
        print(f"C calls alone          {c_wall:6.2f} us wall {c_cpu:6.2f} us of the thread")
        print(f"submit and responses   {wall:6.2f} us wall {cpu:6.2f} us of the thread")
        print(f"beyond C               {cpu - c_cpu:6.2f} us of the thread")
    bare, calls, ratio = awaitables(10_000)
    print(f"asyncio future + task  {bare:6.2f} us of the thread")
    print(f"await manager.call     {calls:6.2f} us of the thread, {ratio:.2f} x")


main()
