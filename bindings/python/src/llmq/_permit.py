"""Permits: the caller makes the call itself, when the limits of the model have room for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Generator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._errors import Error, InvalidArgumentError, StaleError, check
from ._headers import HeaderLists
from ._library import ffi, lib
from ._reported import is_failure, usage_pointer, wait_ns, words_of
from ._response import Response, Usage
from ._waiting import until_set

if TYPE_CHECKING:
    from ._aio import AsyncManager
    from ._base import ManagerBase
    from ._core import Core
    from ._loop_port import LoopPort

_logger = logging.getLogger("llmq")


class Permit:
    """Leave to make one call now. To be ended once, from any thread.

    As a context manager it is released at the end of the block, with `usage` if that was set; a
    block that is left by an exception reports a failure: the status of an llmq.Error, such as
    `RateLimitedError(retry_after=2)`, else LLMQ_ERR_PROCESSING.

    Attributes:
        attempt_id: Id of the permit.
        request_id: Id of the request that asked for it; 0 of try_acquire.
        model: The model that the call goes to: another one than was asked for, if that fell back.
        deployment: Name of the deployment that the call goes to; "" if it has none.
        usage: What the call took: set it where it is known. None keeps what was reserved.

    """

    def __init__(self, manager: ManagerBase, request_id: int, attempt_id: int) -> None:
        self._manager = manager
        self._core: Core = manager._core
        self._ended = False
        self.attempt_id = attempt_id
        self.request_id = request_id
        self.model = self._text(lib.llmq_attempt_model)
        self.deployment = self._text(lib.llmq_attempt_deployment)
        self.usage: Usage | None = None

    def __repr__(self) -> str:
        return f"<llmq.Permit {self.attempt_id:#x} of {self.model!r}>"

    def _text(self, read: Any) -> str:
        start, size = ffi.new("const char **"), ffi.new("size_t *")
        if read(self._core.pointer, self.attempt_id, start, size) != c.OK or not size[0]:
            return ""
        return str(ffi.buffer(start[0], size[0])[:], "utf-8", "replace")

    @property
    def ended(self) -> bool:
        """Whether it was released, failed or found to be lost."""
        return self._ended

    def release(self, usage: Usage | None = None) -> bool:
        """Ends it: the call went well.

        Args:
            usage: What the call took; `Usage()` of one that was not made. None: not known, what
                was reserved stays charged.

        Returns:
            False if the permit was lost before: its lease or deadline is over, or it was cancelled.

        Raises:
            InvalidArgumentError: Of a usage that cannot be; the permit is still held.

        """
        return self._end(lib.llmq_permit_release, usage_pointer(usage))

    def fail(
        self, status: c.Status | int, message: str = "", retry_after: float | None = None
    ) -> bool:
        """Ends it: the call failed. What it was teaches the limits, the load and the breaker.

        Args:
            status: Status.RATE_LIMITED, Status.OVERLOADED, Status.SERVER, Status.TRANSPORT, ...
            message: Why, for people.
            retry_after: Seconds that the provider asked to wait.

        Returns:
            False if the permit was lost before.

        Raises:
            InvalidArgumentError: Of a status or time that cannot be; the permit is still held.

        """
        words = message.encode("utf-8", "replace")
        wait = wait_ns(retry_after)
        return self._end(lib.llmq_attempt_fail, int(status), words, len(words), wait)

    def _end(self, report: Any, *what: Any) -> bool:
        if self._ended:
            raise StaleError(c.ERR_STALE, "the permit was ended before")
        status = report(self._core.pointer, self.attempt_id, *what)
        if status != c.ERR_STALE:
            check(status)  # what is refused leaves the permit as it was
        self._ended = True
        return bool(status == c.OK)

    def heartbeat(self) -> bool:
        """The call still goes on: the lease (`timeout`) begins anew. False: the permit is lost."""
        status = lib.llmq_attempt_heartbeat(self._core.pointer, self.attempt_id)
        if status == c.ERR_STALE:
            return False
        check(status)
        return True

    def report_limits(self, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> bool:
        """Tells the headers of the answer, which teach the limits of the called deployment.

        Before it is ended. False: the permit was lost before.
        """
        lists = HeaderLists(headers)
        status = lib.llmq_attempt_report_limits(
            self._core.pointer, self.attempt_id, *lists.arguments
        )
        if status == c.ERR_STALE:
            return False
        check(status)
        return True

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ended:
            return
        # Nobody ends it after this: what is refused is left out.
        if exc is None:
            try:
                self.release(self.usage)
            except InvalidArgumentError:
                self.release()
                raise
        elif is_failure(exc):
            self._fail_with(exc)
        else:
            self.fail(c.ERR_PROCESSING, words_of(exc))

    def _fail_with(self, error: Error) -> None:
        words = words_of(error)
        try:
            self.fail(error.status, words, error.retry_after)
        except InvalidArgumentError as refused:
            _logger.warning("permit %#x: %s", self.attempt_id, refused.message)
            self.fail(error.status, words)

    def __del__(self) -> None:
        if getattr(self, "_ended", True) or not self._core.is_usable():
            return
        try:
            self.fail(c.ERR_ABANDONED, "the permit was dropped")
        except Exception:
            _logger.exception("a dropped permit could not be ended")


class PermitWaiter:
    """A thread that waits for a permit."""

    def __init__(self, manager: ManagerBase) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._come = threading.Event()
        self._permit: Permit | None = None
        self._error: Error | None = None
        self._gone = False
        self.request_id = 0

    def wait(self) -> Permit:
        """The permit, or why there is none."""
        try:
            until_set(self._come)
        except BaseException:
            with self._lock:
                self._gone, permit = True, self._permit
            if permit is not None:
                permit.release(Usage())
            else:
                self._manager.cancel(self.request_id)
            raise
        if self._error is not None:
            raise self._error
        assert self._permit is not None
        return self._permit

    def permit(self, raw: tuple[Any, ...]) -> None:
        """Called by the manager."""
        permit = Permit(self._manager, raw[w.REQUEST_ID], raw[w.ATTEMPT_ID])
        with self._lock:
            self._permit = permit
            gone = self._gone
        if gone:
            permit.release(Usage())
        self._come.set()

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager in place of permit."""
        self._error = response.to_error()
        self._come.set()

    def after_fork(self) -> None:
        """Called in a forked child, where nobody waits."""


class AsyncPermitWaiter:
    """A task that waits for a permit: to be awaited, or used with `async with`."""

    def __init__(self, manager: AsyncManager, port: LoopPort, batch: w.Batch, number: int) -> None:
        self._manager = manager
        self._port = port
        self._batch = batch
        self._number = number
        self._future: asyncio.Future[Permit] | None = None
        self._permit: Permit | None = None

    def __await__(self) -> Generator[Any, None, Permit]:
        return self._acquire().__await__()

    async def _acquire(self) -> Permit:
        if self._future is not None:
            raise RuntimeError("a permit is acquired once")
        future: asyncio.Future[Permit] = self._port.loop.create_future()
        self._future = future
        self._port.waiting[self._number] = self
        try:
            request_id = submit_acquire(self._batch, self._manager._core)
        except BaseException:
            del self._port.waiting[self._number]
            raise
        self._port.accepted([self._number], [request_id])
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                future.result().release(Usage())
            else:
                self._port.cancel(self._number)
            raise

    async def __aenter__(self) -> Permit:
        self._permit = await self._acquire()
        return self._permit

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._permit is not None:
            self._permit.__exit__(exc_type, exc, traceback)

    def permit(self, raw: tuple[Any, ...]) -> None:
        """Called by the manager."""
        permit = Permit(self._manager, raw[w.REQUEST_ID], raw[w.ATTEMPT_ID])
        assert self._future is not None
        if self._future.done():
            permit.release(Usage())
        else:
            self._future.set_result(permit)

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager in place of permit."""
        self.refuse(response.to_error())

    def refuse(self, error: BaseException) -> None:
        """Called by the manager in place of all else."""
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)


def try_acquire(manager: ManagerBase, batch: w.Batch) -> Permit | None:
    """A permit if there is room for one now."""
    core = manager._core
    attempt = ffi.new("llmq_attempt_id_t *")
    status = lib.llmq_try_acquire(core.pointer, batch.pointer(), attempt, ffi.NULL)
    if status == c.ERR_AGAIN:
        return None
    if status != c.OK:
        batch.check(core.pointer)
        check(status)
    return Permit(manager, 0, attempt[0])


def submit_acquire(batch: w.Batch, core: Core) -> int:
    """Asks for the permit of a batch of one; gives the id of the request."""
    request_id = ffi.new("llmq_request_id_t *")
    status = lib.llmq_acquire(core.pointer, batch.pointer(), request_id)
    if status != c.OK:
        batch.check(core.pointer)
        check(status)
    return int(request_id[0])
