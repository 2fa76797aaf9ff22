"""The queue of one model."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import os
import time
import weakref
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar, Union, cast

from ... import Error, Permit, Usage
from ._gate import Gate, usage_of
from .exceptions import InvalidConfiguration, LLMQueueException
from .models import (
    ModelConfig,
    OneOrTwo,
    QueueRequest,
    QueueResponse,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RequestStatus,
    check_count,
    limiters,
)

P = TypeVar("P")
T = TypeVar("T")

#: What runs requests: a coroutine function, or a function that is called on a thread.
Processor = Union[Callable[[QueueRequest[P]], Awaitable[T]], Callable[[QueueRequest[P]], T]]

#: Finished requests of a queue that stay readable.
HISTORY = 1000
#: Threads of a queue, and thereby requests at a time, where the processor is no coroutine function.
THREADS = 64

_CANCELLED = "cancelled"


class _Finished(Generic[P, T]):
    """A request that has ended, its response, and its id in llmq (0: it never had its turn)."""

    __slots__ = ("number", "request", "response")

    def __init__(self, request: QueueRequest[P], response: QueueResponse[T], number: int) -> None:
        self.request = request
        self.response = response
        self.number = number


class Queue(OneOrTwo, Generic[P, T]):
    """The queue of one model: runs requests with a processor as early as the limits allow.

    Requests start in the order in which they came, and run side by side as far as the limits
    allow; CONCURRENT with limit 1 runs one after the other. May be used from several event loops.

    Args:
        model_id: Name of the model.
        processor_func: Gets each QueueRequest and returns its result. A coroutine function runs in
            the event loop of the request, any other function on one of up to 64 threads.
        rate_limit: The one limit, in the 0.1 form.
        rate_limiter_mode: What rate_limit counts.
        time_period: Seconds that rate_limit counts over.
        rate_limiters: Limits, in the 0.3 form.

    Raises:
        InvalidConfiguration: There is no limit, or a value makes no sense.

    """

    def __init__(
        self,
        model_id: str,
        processor_func: Processor[P, T],
        rate_limit: int | None = None,
        rate_limiter_mode: RateLimiterMode | None = None,
        time_period: int = 60,
        rate_limiters: Iterable[RateLimiterConfig] = (),
    ) -> None:
        if callable(rate_limit):  # the order of 0.1
            processor_func, rate_limit = rate_limit, cast(Any, processor_func)
        config = ModelConfig(
            model_id=model_id,
            rate_limiters=list(rate_limiters),
            rate_limit=rate_limit,
            rate_limiter_mode=rate_limiter_mode,
            time_period=time_period,
        )
        self._start(config, processor_func, Gate(), owns_gate=True)

    @classmethod
    def _over(cls, config: ModelConfig, processor_func: Processor[P, T], gate: Gate) -> Queue[P, T]:
        """A queue whose gate belongs to a manager."""
        queue = cls.__new__(cls)
        queue._start(config, processor_func, gate, owns_gate=False)
        return queue

    def _start(
        self, config: ModelConfig, processor: Processor[P, T], gate: Gate, *, owns_gate: bool
    ) -> None:
        if not callable(processor):
            raise InvalidConfiguration(f"processor_func must be callable, not {processor!r}")
        self.model_id = config.model_id
        self.processor_func = processor
        #: Requests that wait or run, by id.
        self.requests: dict[str, QueueRequest[P]] = {}
        self._limiters: Sequence[RateLimiterConfig] = list(limiters(config))
        self._finished: dict[str, _Finished[P, T]] = {}
        self._tasks: dict[asyncio.Task[QueueResponse[T]], QueueRequest[P]] = {}
        self._waiting = 0
        self._closed = False
        self._gate = gate
        self._owns_gate = owns_gate
        self._on_threads = not _is_coroutine_function(processor)
        self._threads: ThreadPoolExecutor | None = None
        bounds = list(self._limiters)
        if self._on_threads:
            bounds.append(RateLimiterConfig(RateLimiterType.CONCURRENT, THREADS))
        gate.add(self.model_id, bounds)
        _queues.add(self)

    async def enqueue(self, request: QueueRequest[P]) -> QueueResponse[T]:
        """Hands over a request.

        Returns:
            How it ended, or, with wait_for_completion=False, at once that it is PENDING. Whoever
            stops waiting does not end the request: get_status tells of it.

        Raises:
            RateLimitExceeded: Its estimates are more than one of the limits.
            LLMQueueException: The queue has been shut down.

        """
        if self._closed:
            raise LLMQueueException(f"the queue of model {self.model_id!r} has been shut down")
        self._gate.check(
            self.model_id, request.estimated_input_tokens or 0, request.estimated_output_tokens or 0
        )
        request.status, request.result, request.error = RequestStatus.PENDING, None, None
        request.actual_input_tokens = request.actual_output_tokens = None
        self.requests[request.id] = request
        self._waiting += 1
        task = asyncio.get_running_loop().create_task(self._run(request))
        self._tasks[task] = request
        task.add_done_callback(self._forget)
        if request.wait_for_completion:
            return await asyncio.shield(task)
        return _snapshot(request)

    async def get_status(self, request_id: str) -> QueueResponse[T] | None:
        """Where a request is, or how it ended; None if it is unknown.

        The last 1,000 finished requests are known, with their results.
        """
        request = self.requests.get(request_id)
        if request is not None:
            return _snapshot(request)
        finished = self._finished.get(request_id)
        return None if finished is None else finished.response

    async def update_token_usage(
        self, request_id: str, input_tokens: int, output_tokens: int
    ) -> None:
        """Tells how many tokens a request took; an unknown id is ignored.

        The limits take what is told first after the end of the request, or last before it.
        """
        check_count("input_tokens", input_tokens, least=0)
        check_count("output_tokens", output_tokens, least=0)
        request = self.requests.get(request_id)
        finished = self._finished.get(request_id) if request is None else None
        if finished is not None:
            request = finished.request
            finished.response.input_tokens_used = input_tokens
            finished.response.output_tokens_used = output_tokens
            if finished.number:
                usage = Usage(input_tokens, output_tokens)
                self._gate.update_usage(finished.number, usage)
        if request is not None:
            request.actual_input_tokens = input_tokens
            request.actual_output_tokens = output_tokens

    def get_queue_size(self) -> int:
        """Requests that wait for their turn."""
        return self._waiting

    def get_rate_limiter_usage(self) -> int:
        """How much of the first limit is used."""
        return self._gate.counts(self.model_id, self._limiters[:1])[0]

    def info(self) -> dict[str, Any]:
        """What QueueManager.get_queue_info tells."""
        first = self._limiters[0]
        used = self._gate.counts(self.model_id, self._limiters)
        return {
            "model_id": self.model_id,
            "queue_size": self._waiting,
            "rate_limiter_usage": used[0],
            "rate_limit": first.limit,
            "rate_limiter_mode": _mode(first.type),
            "rate_limiters": [
                {
                    "type": limiter.type,
                    "limit": limiter.limit,
                    "usage": usage,
                    "available": max(0, limiter.limit - usage),
                }
                for limiter, usage in zip(self._limiters, used)
            ],
        }

    def close(self) -> None:
        """Takes no more requests."""
        self._closed = True

    async def shutdown(self) -> None:
        """Takes no more requests, and waits until those that it has are done."""
        self.close()
        here = asyncio.get_running_loop()
        ends: list[asyncio.Future[Any]] = []
        for task in list(self._tasks):
            loop = task.get_loop()
            if loop is here:
                ends.append(task)
            elif loop.is_running():
                there = asyncio.run_coroutine_threadsafe(_ended(task), loop)
                ends.append(asyncio.wrap_future(there))
        if ends:
            await asyncio.wait(ends)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
        if self._owns_gate:
            await self._gate.close()
        else:
            self._gate.remove(self.model_id)

    # Run

    async def _run(self, request: QueueRequest[P]) -> QueueResponse[T]:
        try:
            permit = await self._gate.acquire(
                self.model_id,
                request.estimated_input_tokens or 0,
                request.estimated_output_tokens or 0,
            )
        except (Error, asyncio.CancelledError) as why:
            return self._end(request, None, str(why) or _CANCELLED, None)
        finally:
            self._waiting -= 1
        request.status = RequestStatus.PROCESSING
        began = time.perf_counter()
        error: str | None = None
        try:
            request.result, raised = await self._call(request)
            error = None if raised is None else _words_of(raised)
        except asyncio.CancelledError as cancelled:
            error = str(cancelled) or _CANCELLED
        except BaseException as fatal:
            self._end(request, permit, repr(fatal), None)
            raise
        return self._end(request, permit, error, time.perf_counter() - began)

    async def _call(self, request: QueueRequest[P]) -> tuple[Any, Exception | None]:
        """Result or exception of the processor."""
        try:
            if not self._on_threads:
                return await cast(Awaitable[T], self.processor_func(request)), None
            result, error = await self._call_on_thread(request)
            if inspect.isawaitable(result):
                result = await result
            return result, error
        except Exception as error:
            return None, error

    async def _call_on_thread(self, request: QueueRequest[P]) -> tuple[Any, Exception | None]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, f"llm_queue-{self.model_id}")
        context = contextvars.copy_context()
        call = asyncio.get_running_loop().run_in_executor(
            self._threads, context.run, _outcome, self.processor_func, request
        )
        return await call

    def _end(
        self,
        request: QueueRequest[P],
        permit: Permit | None,
        error: str | None,
        seconds: float | None,
    ) -> QueueResponse[T]:
        number = 0
        if permit is not None:
            number = permit.request_id
            try:
                self._gate.end(permit, error, usage_of(request))
            except Error as refused:  # the permit is still held
                error, request.result = refused.message, None
                self._gate.end(permit, error, None)
        request.error = error
        request.status = RequestStatus.COMPLETED if error is None else RequestStatus.FAILED
        response: QueueResponse[T] = _snapshot(request)
        response.result = request.result
        response.processing_time = seconds
        self.requests.pop(request.id, None)
        self._finished.pop(request.id, None)
        self._finished[request.id] = _Finished(request, response, number)
        while len(self._finished) > HISTORY:
            self._finished.pop(next(iter(self._finished)), None)
        return response

    def _forget(self, task: asyncio.Task[QueueResponse[T]]) -> None:
        request = self._tasks.pop(task, None)
        if request is not None and task.cancelled():  # before it began
            self._waiting -= 1
            self._end(request, None, _CANCELLED, None)

    def _after_fork(self) -> None:
        """The requests, tasks and threads are the parent's."""
        self.requests.clear()
        self._tasks.clear()
        self._waiting = 0
        self._threads = None


_queues: weakref.WeakSet[Queue[Any, Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for queue in list(_queues):
        queue._after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _is_coroutine_function(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  an object may have a coroutine there
    )


def _words_of(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _outcome(function: Callable[[Any], Any], request: Any) -> tuple[Any, Exception | None]:
    """Result or exception as values: a future would not take every exception."""
    try:
        return function(request), None
    except Exception as error:
        return None, error


def _snapshot(request: QueueRequest[Any]) -> QueueResponse[Any]:
    return QueueResponse(
        request_id=request.id,
        model_id=request.model_id,
        status=request.status,
        error=request.error,
        created_at=request.created_at,
        input_tokens_used=request.actual_input_tokens,
        output_tokens_used=request.actual_output_tokens,
    )


def _mode(kind: RateLimiterType) -> str:
    """The 0.1 name of what a limit counts; its own where 0.1 had none."""
    if kind == RateLimiterType.CONCURRENT:
        return RateLimiterMode.CONCURRENT_REQUESTS.value
    if kind in (RateLimiterType.RPM, RateLimiterType.RPD):
        return RateLimiterMode.REQUESTS_PER_PERIOD.value
    return str(kind.value)


async def _ended(task: asyncio.Task[Any]) -> None:
    await asyncio.wait([task])
