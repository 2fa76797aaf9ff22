"""The manager for threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._base import ManagerBase, Mode, mode_number
from ._batch import SLICE, hand_over, in_slices, submit_gathered, why_refused
from ._config import ConfigSource
from ._core import Core, OnFork, when_dropped
from ._errors import ClosedError, Error, ForkedError, check
from ._future import Future
from ._keys import KeyFunction, ThreadKeys, check_key_function
from ._library import ffi, lib
from ._model import Model, RequestT, ResponseT
from ._permit import Permit, PermitWaiter, submit_acquire, try_acquire
from ._port import ThreadPort
from ._response import Response
from ._stream import Inbox, Stream
from ._waiting import until_set
from ._workers import Processor, ThreadWorkers

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._aio import AsyncManager


class Manager(ManagerBase):
    """Runs calls as early as their limits allow, in order, each answered once.

    Any thread may call any method. One thread of the manager waits for events; no call has a thread
    of its own. As a context manager it lets everything end that was submitted, or aborts it if the
    block is left by an exception.

    Args:
        config: Models, limits and the rest, in the library's own form (docs/configuration.md).
        settings: Single keys on top of that, `{"model.gpt-4o.rpm": 500}`.
        log_level: Least level, of the logging module, of lines that reach the logger "llmq";
            None = the level that this logger has now, unless the configuration says where to log.
        on_fork: What a forked child gets that uses the manager: ForkedError ("error"), or a manager
            of its own made from the same configuration ("renew"). It has limits of its own then:
            give each process its share with the option `share=1/4` of a limit.
        keys: Gives the provider's key of every model that names no other source of it, also of
            those that are registered later: called with the names of the model and of its
            deployment ("" for the only one) before each attempt, so that a key which has changed is
            used at once. None or "" = there is none: the attempt fails with AuthError, and so it
            does when the function raises, with its words. It runs on a thread of its own, one
            call after the other.

    """

    def __init__(
        self,
        config: ConfigSource = None,
        *,
        settings: Mapping[str, object] | None = None,
        log_level: int | None = None,
        on_fork: OnFork = "error",
        keys: KeyFunction | None = None,
    ) -> None:
        check_key_function(keys)
        asks = keys is not None
        self._start(Core(config, settings, log_level, on_fork, False, asks), keys)

    def _start(self, core: Core, keys: KeyFunction | None) -> None:
        self._core = core
        self._port = ThreadPort(core)
        self._keys: ThreadKeys | None = None
        if keys is not None:
            self._keys = ThreadKeys(core, self._port, keys)
            self._port.start()
        self._closing: threading.Event | None = None
        self._workers: ThreadWorkers | None = None
        self._finalizer = when_dropped(self, _abandon, core, self._port)

    @classmethod
    def shared(
        cls,
        config: ConfigSource = None,
        *,
        log_level: int | None = None,
        keys: KeyFunction | None = None,
    ) -> Manager:
        """The process's one shared manager: made on first use, until it is closed.

        The first configuration wins, and the first keys: without one, later calls take what is
        there.

        Raises:
            InvalidArgumentError: There is one with a different configuration.

        """
        return _shared(config, log_level, keys)

    def __repr__(self) -> str:
        return f"<llmq.Manager {'open' if self._core.is_usable() else 'closed'} at {id(self):#x}>"

    def _live_port(self) -> ThreadPort:
        self._core.pointer  # noqa: B018  raises where it is closed or was inherited
        if self._port.ended:
            with self._core.lock:
                if self._port.ended:
                    self._port, self._closing = ThreadPort(self._core), None
                    self._renew_workers()
                    self._renew_hook(self._port)
                    if self._keys is not None:
                        self._keys = ThreadKeys(self._core, self._port, self._keys.function)
        self._port.start()
        return self._port

    def _renew_workers(self) -> None:
        """Runs in a forked child what ran in its parent."""
        before = self._workers
        if before is not None:
            self._workers = ThreadWorkers(self._core, self._port, before.most)
            self._workers.set_all(before)

    # Submit

    def submit(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> Future[Any]:
        """Hands over a request and returns at once.

        Args:
            model: Name of a registered model.
            payload: What the provider or processor gets: bytes or text as they are, a mapping or a
                sequence as JSON, a Ref by reference.
            **options: See RequestOptions.

        Raises:
            Error: It was refused: UnknownModelError, OversizeError, QueueFullError and so on. What
                happens later is in the future.

        """
        future: Future[Any] = Future(self)
        self._submit_one(future, model, 0, payload, options)
        return future

    def _submit_one(
        self, waiter: Any, model: str, flags: int, payload: Any, options: Mapping[str, Any]
    ) -> None:
        port = self._live_port()
        template = port.templates.get(model, flags, options)
        body = w.to_bytes(payload)
        number = self._core.refer(self._core.reserve(1) | template.bits, payload, options)
        batch = w.Batch([template], [body], [number])
        port.waiting[number] = waiter
        ids, refused = batch.submit(self._core.pointer)
        if refused:
            del port.waiting[number]
            self._core.objects.pop(number, None)
            raise why_refused(batch, self._core, 0, refused[0][1])
        waiter.request_id = ids[0]

    def submit_many(
        self, model: str, payloads: Iterable[Any], **options: Unpack[w.RequestOptions]
    ) -> list[Future[Any]]:
        """Hands over many requests of one model, in order: a future for each.

        One that is refused, also for its payload, has its error in its future; the others go on.
        """
        port, core = self._live_port(), self._core
        payloads = list(payloads)
        futures: list[Future[Any]] = [Future(self) for _ in payloads]
        for begin, numbers in in_slices(core, port, model, payloads, options):
            waiters = futures[begin : begin + SLICE]
            port.waiting.update(zip(numbers, waiters))
            ids, errors = hand_over(port, model, payloads[begin : begin + SLICE], options, numbers)
            for waiter, request_id in zip(waiters, ids):
                waiter.request_id = request_id
            for place, error in errors:
                waiters[place].set_exception(error)
        return futures

    def submit_batch(self, requests: Iterable[w.Request]) -> list[Future[Any]]:
        """Hands over different requests in order, in one call, until one is refused.

        Raises:
            Error: Why that one was refused; `accepted` of the error has the futures of those before
                it. Nothing after it was submitted.

        """
        given = list(requests)
        port, core = self._live_port(), self._core
        templates = [port.templates.get(each.model, 0, each.options) for each in given]
        bodies = [w.to_bytes(each.payload) for each in given]
        first = core.reserve(len(given))
        numbers = [
            core.refer((first + place) | template.bits, each.payload, each.options)
            for place, (template, each) in enumerate(zip(templates, given))
        ]
        futures: list[Future[Any]] = [Future(self) for _ in given]
        port.waiting.update(zip(numbers, futures))
        batch = w.Batch(templates, bodies, numbers)
        ids, refused = batch.submit(core.pointer, all_or_prefix=True)
        for future, request_id in zip(futures, ids):
            future.request_id = request_id
        if refused:
            ((place, status),) = refused
            for number in numbers[place:]:
                del port.waiting[number]
                core.objects.pop(number, None)
            error = why_refused(batch, core, place, status)
            error.accepted = futures[:place]
            raise error
        return futures

    def call(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> Response[Any]:
        """Hands over a request and waits for its response. Ctrl-C cancels it.

        Raises:
            Error: It was refused, or failed; `error.response` tells the rest.

        """
        return wait_for(self.submit(model, payload, **options))

    def call_many(
        self, model: str, payloads: Iterable[Any], **options: Unpack[w.RequestOptions]
    ) -> list[Response[Any]]:
        """Hands over many requests of one model and waits for all: the fastest form.

        Gives a response for each, in the order of the payloads, also for those that were refused or
        failed: `response.ok` tells, `response.raise_for_status()` raises. Ctrl-C cancels what is
        left.
        """
        payloads = list(payloads)
        if not payloads:
            return []
        port = self._live_port()
        done = threading.Event()
        gather = submit_gathered(port, model, payloads, options, done.set)
        try:
            until_set(done)
        except BaseException:
            for request_id in gather.pending_ids():
                with contextlib.suppress(Error):
                    self.cancel(request_id)
            raise
        return gather.responses

    def stream(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> Stream:
        """Hands over a request whose response is read chunk by chunk.

        Raises:
            Error: It was refused. What happens later is raised by the stream.

        """
        inbox = Inbox()
        self._submit_one(inbox, model, c.REQUEST_STREAM, payload, options)
        return Stream(self, inbox)

    def model(
        self,
        name: str,
        *,
        encode: Callable[[RequestT], Any],
        decode: Callable[[bytes], ResponseT],
    ) -> Model[RequestT, ResponseT]:
        """A model whose requests and answers have types; see Model."""
        return Model(self, name, encode, decode)

    def aio(self) -> AsyncManager:
        """The same manager for the event loop that runs now: limits and queues are shared."""
        from ._aio import AsyncManager  # noqa: PLC0415  it imports this module

        return AsyncManager._over(self)

    # Run

    def set_processor(
        self,
        model: str,
        processor: Processor,
        *,
        threads: int = 32,
        lease: float | None = None,
    ) -> None:
        """Has the attempts of a model without a provider run by a function, on threads.

        The function gets a Job. What it returns is the response's payload: bytes, text, what JSON
        has, or a Ref. What it raises fails the attempt: an llmq.Error with its status (so that
        `RateLimitedError(retry_after=2)` is tried again), anything else is final, with
        LLMQ_ERR_PROCESSING and its words.

        Args:
            model: Name of a registered model that has no provider.
            processor: The function. It takes the place of another one.
            threads: Most attempts of all models of this manager that run at a time; the limits of
                a model (concurrency, max_in_flight) should not allow more.
            lease: Seconds after which an attempt of which nothing is heard (`job.heartbeat()`, a
                chunk) is lost and tried again. None: the function is waited for.

        """
        port = self._live_port()
        if self._workers is None:
            self._workers = ThreadWorkers(self._core, port, threads)
        self._workers.most = max(threads, self._workers.most)
        self._workers.set(model, processor, lease)

    def acquire(
        self, model: str, payload: Any = b"", **options: Unpack[w.RequestOptions]
    ) -> Permit:
        """Waits for leave to make a call of this model elsewhere, and takes it.

        `with manager.acquire("gpt-4o", body) as permit:` makes the call in the block.

        Args:
            model: Name of a registered model, with any provider or none.
            payload: The body of the call, from which tokens are estimated; it is not kept.
            **options: See RequestOptions: est_input_tokens and est_output_tokens, priority, tenant,
                deadline; timeout is the lease of the permit.

        Raises:
            Error: There is none: OversizeError, DeadlineError and so on.

        """
        return self._ask(model, payload, options).wait()

    def _ask(self, model: str, payload: Any, options: Mapping[str, Any]) -> PermitWaiter:
        """Takes a place in the line for permits."""
        port = self._live_port()
        waiter = PermitWaiter(self)
        number = self._core.reserve(1)
        template = port.templates.get(model, 0, options)
        port.waiting[number] = waiter
        try:
            batch = w.Batch([template], [w.to_bytes(payload)], [number])
            waiter.request_id = submit_acquire(batch, self._core)
        except BaseException:
            port.waiting.pop(number, None)
            raise
        return waiter

    def try_acquire(
        self, model: str, payload: Any = b"", **options: Unpack[w.RequestOptions]
    ) -> Permit | None:
        """As acquire, without waiting: None if there is no room now."""
        self._core.pointer  # noqa: B018  raises where it is closed or was inherited
        return try_acquire(self, w.single(model, w.to_bytes(payload), options))

    # End

    def close(self, mode: Mode = "drain", timeout: float | None = None) -> None:
        """Ends the manager. Nothing can be submitted any more; what was, ends as `mode` says.

        Args:
            mode: "drain" runs everything to its end, "cancel" only what runs already, "abort"
                cancels everything at once.
            timeout: Seconds until what is left is aborted; None = no bound.

        Raises:
            RuntimeError: It was called in a callback of this manager, which would wait for itself.

        """
        number = mode_number(mode)
        if not self._core.is_usable():
            return
        if self._port.is_own_thread():
            raise RuntimeError("a manager cannot be closed in its own callback")
        try:
            port = self._live_port()
        except (ClosedError, ForkedError):
            return
        self._shutdown(port, number, _deadline(timeout))
        assert self._closing is not None
        try:
            until_set(self._closing)
        except BaseException:
            self._shutdown(port, c.SHUTDOWN_ABORT, 0)
            raise
        finally:
            self._core.destroy()
            port.stop(_JOIN_SECONDS)
            if self._workers is not None:
                self._workers.end()
            if self._keys is not None:
                self._keys.end()
            self._finalizer.detach()

    def shutdown(self, mode: Mode = "drain", timeout: float | None = None) -> None:
        """Begins to end the manager, as close does, and does not wait.

        A second call may only sharpen mode or time. `close` waits for the end.
        """
        number = mode_number(mode)
        self._shutdown(self._live_port(), number, _deadline(timeout))

    def _shutdown(self, port: ThreadPort, mode: int, deadline_ns: int) -> None:
        self._core.ending.begin()
        with self._core.lock:
            if self._closing is None:
                closed = self._closing = threading.Event()
                number = self._core.reserve(1)
                port.waiting[number] = closed.set
                status = lib.llmq_manager_shutdown(
                    self._core.pointer, mode, deadline_ns, port.cq, number
                )
                if status == c.ERR_CLOSED:
                    closed.set()
                    return
                check(status)
                return
        with contextlib.suppress(ClosedError):
            check(lib.llmq_manager_shutdown(self._core.pointer, mode, deadline_ns, ffi.NULL, 0))

    def __enter__(self) -> Manager:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close("drain" if exc is None else "abort")


_JOIN_SECONDS = 1.0


def _deadline(timeout: float | None) -> int:
    return 0 if timeout is None else int(lib.llmq_now_ns() + max(0, int(timeout * 1e9))) or 1


def wait_for(future: Future[Any]) -> Response[Any]:
    """Waits for a future's response; who is interrupted cancels it."""
    try:
        return future.result()
    except BaseException:
        if not future.done():
            with contextlib.suppress(Error):
                future.cancel()
        raise


def _abandon(core: Core, port: ThreadPort) -> None:
    """Ends a manager that nobody refers to any more, without waiting for it."""
    if core.is_usable():
        core.release()
    port.end()


_shared_lock = threading.Lock()
_shared_managers: list[Manager] = []


def _shared(config: ConfigSource, log_level: int | None, keys: KeyFunction | None) -> Manager:
    check_key_function(keys)
    asks = keys is not None
    with _shared_lock:
        there = _shared_managers[0] if _shared_managers else None
        if there is not None and there._core.is_usable():
            if config is not None:
                Core(config, None, log_level, "error", True, asks).release()
            return there
        manager = Manager.__new__(Manager)
        manager._start(Core(config, None, log_level, "error", True, asks), keys)
        _shared_managers[:] = [manager]
        return manager
