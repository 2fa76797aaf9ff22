"""Threads and tasks that run the attempts of models without a provider."""

from __future__ import annotations

import asyncio
import inspect
import logging
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from . import _constants as c
from . import _wire as w
from ._core import Core
from ._errors import check
from ._jobs import AsyncJob, Job
from ._library import ffi, lib
from ._port import Piece, Port

_logger = logging.getLogger("llmq")

#: Runs one attempt: what it returns is the response's payload (bytes, text, what JSON has, or a
#: Ref), what it raises the failure.
Processor = Callable[[Job], Any]
#: The same as a coroutine function.
AsyncProcessor = Callable[[AsyncJob], Awaitable[Any]]


def _attempt_model(core: Core, attempt_id: int) -> str:
    """The model whose processor is to run the attempt; "" if the attempt is gone."""
    start, size = ffi.new("const char **"), ffi.new("size_t *")
    if lib.llmq_attempt_model(core.pointer, attempt_id, start, size) != c.OK:
        return ""
    return str(ffi.buffer(start[0], size[0])[:], "utf-8")


class Workers:
    """The processors of one completion queue. Drained on one thread; run by a subclass."""

    def __init__(self, core: Core, port: Port) -> None:
        self._core = core
        self.port = port
        self._processors: dict[str, Callable[[Any], Any]] = {}
        self._leases: dict[str, float | None] = {}
        self._running: dict[int, Any] = {}
        port.handlers[c.EV_READY] = self._ready
        port.handlers[c.EV_CANCEL_REQUESTED] = self._cancel

    def set(self, model: str, processor: Callable[[Any], Any], lease: float | None) -> None:
        """Has the attempts of a model run by a function."""
        # Before, so that the first attempt finds it; a model that refuses it has no attempts here.
        self._processors[model] = processor
        self._leases[model] = lease
        name = model.encode()
        lease_ns = -1 if lease is None else max(1, int(lease * 1e9))
        check(
            lib.llmq_model_set_workers(self._core.pointer, name, len(name), self.port.cq, lease_ns)
        )

    def set_all(self, others: Workers) -> None:
        """Takes over what another one had, after a fork."""
        for model, processor in others._processors.items():
            self.set(model, processor, others._leases[model])

    def _ready(self, place: int, raw: tuple[Any, ...]) -> None:
        piece = self.port.keep(place, raw)
        model = _attempt_model(self._core, raw[w.ATTEMPT_ID])
        processor = self._processors.get(model)
        if processor is None:  # it has ended, or its model went
            piece.release()
            return
        self._start(processor, piece)

    def _cancel(self, _place: int, raw: tuple[Any, ...]) -> None:
        raise NotImplementedError

    def _start(self, processor: Callable[[Any], Any], piece: Piece) -> None:
        raise NotImplementedError


class ThreadWorkers(Workers):
    """Runs attempts on threads: as many as run at a time, up to a bound."""

    def __init__(self, core: Core, port: Port, most: int) -> None:
        super().__init__(core, port)
        self.most = most
        self._jobs: queue.SimpleQueue[tuple[Processor, Job] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads = 0

    def _start(self, processor: Processor, piece: Piece) -> None:
        job = Job(self._core, piece)
        self._running[job.attempt_id] = job
        with self._lock:
            self._idle -= 1  # one of them will take it
            wanted = self._idle < 0 and self._threads < self.most
            if wanted:
                self._threads += 1
                self._idle += 1
        self._jobs.put((processor, job))
        if wanted:
            threading.Thread(target=self._work, name="llmq-worker", daemon=True).start()

    def _work(self) -> None:
        while True:
            got = self._jobs.get()
            if got is None:
                return
            try:
                self._run(*got)
            except BaseException:
                _logger.exception("an attempt could not be ended")
            with self._lock:
                self._idle += 1

    def _run(self, processor: Processor, job: Job) -> None:
        try:
            result = processor(job)
        except BaseException as problem:  # the thread goes on; the request has the failure
            job.fail(problem)
        else:
            job.succeed(result)
        finally:
            self._running.pop(job.attempt_id, None)

    def _cancel(self, _place: int, raw: tuple[Any, ...]) -> None:
        job = self._running.get(raw[w.ATTEMPT_ID])
        if job is not None:
            job.stop()

    def end(self) -> None:
        """Lets the threads end, when they have run what is queued."""
        with self._lock:
            count = self._threads
        for job in list(self._running.values()):
            job.stop()
        for _ in range(count):
            self._jobs.put(None)


class LoopWorkers(Workers):
    """Runs attempts as tasks of an event loop."""

    def __init__(self, core: Core, port: Port, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(core, port)
        self._loop = loop

    def set(self, model: str, processor: AsyncProcessor, lease: float | None) -> None:
        """Has the attempts of a model run by a coroutine function."""
        call = getattr(processor, "__call__", None)  # noqa: B004  objects may be processors too
        if not (inspect.iscoroutinefunction(processor) or inspect.iscoroutinefunction(call)):
            raise TypeError("the processor of an AsyncManager must be a coroutine function")
        super().set(model, processor, lease)

    def _start(self, processor: AsyncProcessor, piece: Piece) -> None:
        job = AsyncJob(self._core, piece)
        task = self._loop.create_task(self._run(processor, job))
        self._running[job.attempt_id] = (task, job)

    async def _run(self, processor: AsyncProcessor, job: AsyncJob) -> None:
        try:
            result = await processor(job)
        except KeyboardInterrupt as problem:  # meant for the program
            job.fail(problem)
            raise
        except BaseException as problem:  # the loop goes on; the request has the failure
            job.fail(problem)
        else:
            job.succeed(result)
        finally:
            self._running.pop(job.attempt_id, None)

    def _cancel(self, _place: int, raw: tuple[Any, ...]) -> None:
        task, job = self._running.get(raw[w.ATTEMPT_ID], (None, None))
        if job is not None:
            job.stop()
            task.cancel()
