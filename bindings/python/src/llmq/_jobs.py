"""Attempts that functions of this process run."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._errors import Error, InvalidArgumentError, RequestCancelledError, check
from ._library import ffi, lib
from ._reported import is_failure, usage_pointer, wait_ns, words_of

if TYPE_CHECKING:
    from ._core import Core
    from ._port import Piece
    from ._response import Usage

_logger = logging.getLogger("llmq")

#: Seconds between two tries to hand over a chunk for which its reader has no room.
_LEAST_PAUSE, _MOST_PAUSE = 0.001, 0.05


class BaseJob:
    """One attempt of a request, for the function that runs it.

    Attributes:
        attempt_id: Id of the attempt.
        request_id: Id of the request; of a shared call, of the call.
        number: Which attempt of its request it is, from 1.
        payload: What was submitted, as bytes.
        object: The object that was submitted in a Ref; else None.
        streams: Whether the caller takes chunks.
        usage: What the attempt took: set it where it is known.

    """

    def __init__(self, core: Core, piece: Piece) -> None:
        raw = piece.raw
        passed = core.objects.get(raw[w.USER_DATA]) if raw[w.USER_DATA] & w.BY_REFERENCE else None
        self.attempt_id: int = raw[w.ATTEMPT_ID]
        self.request_id: int = raw[w.REQUEST_ID]
        self.number: int = raw[w.ATTEMPT]
        self.payload: bytes = piece.data()
        self.object: Any = passed.payload if passed is not None else None
        self.streams = bool(raw[w.FLAGS] & c.EVENT_STREAM)
        self.usage: Usage | None = None
        self._core = core
        self._piece = piece
        self._passed = passed
        self._stop = threading.Event()

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode("utf-8", "replace")

    def json(self) -> Any:
        """The payload, read as JSON.

        Raises:
            ValueError: It is none.

        """
        return json.loads(self.payload)

    @property
    def model(self) -> str:
        """Name of the model. This and the next three: until the function has returned."""
        return self._bytes(lib.llmq_attempt_model, "char").decode("utf-8", "replace")

    @property
    def tenant(self) -> str:
        """Whose request it is."""
        return self._bytes(lib.llmq_attempt_tenant, "char").decode("utf-8", "replace")

    @property
    def request_key(self) -> str:
        """The caller's own id."""
        return self._bytes(lib.llmq_attempt_request_key, "char").decode("utf-8", "replace")

    @property
    def metadata(self) -> bytes:
        """Metadata as given with the request."""
        return self._bytes(lib.llmq_attempt_metadata, "void")

    def _bytes(self, read: Any, kind: str) -> bytes:
        start, size = ffi.new(f"const {kind} **"), ffi.new("size_t *")
        check(read(self._core.pointer, self.attempt_id, start, size))
        return bytes(ffi.buffer(start[0], size[0])) if size[0] else b""

    @property
    def cancelled(self) -> bool:
        """Whether the request has ended: what the function still does is for nothing."""
        return self._stop.is_set()

    def heartbeat(self) -> bool:
        """The function still works: the lease of the attempt begins anew.

        False: the attempt has ended, what the function still does is for nothing.
        """
        status = lib.llmq_attempt_heartbeat(self._core.pointer, self.attempt_id)
        if status == c.ERR_STALE:
            return False
        check(status)
        return True

    def try_chunk(self, data: bytes | str) -> bool | None:
        """Hands over a piece of the response, or not: None if its reader has no room now.

        False: the caller takes no chunks.

        Raises:
            RequestCancelledError: The request has ended.

        """
        piece = w.to_bytes(data)
        status = lib.llmq_attempt_chunk(self._core.pointer, self.attempt_id, piece, len(piece))
        if status == c.ERR_AGAIN:
            return None
        if status == c.ERR_UNSUPPORTED:
            return False
        if status == c.ERR_STALE:
            raise RequestCancelledError(message="the attempt has ended")
        check(status)
        return True

    def stop(self) -> None:
        """Called by the manager when the request has ended before its attempt."""
        self._stop.set()

    def succeed(self, result: Any) -> None:
        """Called by the manager with what the function returned."""
        try:
            data = b"" if result is None else w.to_bytes(result)
            usage = usage_pointer(self.usage)
            if isinstance(result, w.Ref):
                if self._passed is None:
                    raise TypeError("a Ref answers a request whose payload is a Ref, and no other")
                self._passed.result = result.object
        except BaseException as problem:  # what it returned is the function's too
            self._end(*_failure(c.ERR_PROCESSING, words_of(problem), 0))
            if isinstance(problem, KeyboardInterrupt):
                raise
        else:
            self._end(lib.llmq_attempt_succeed, data, len(data), usage)

    def fail(self, problem: BaseException) -> None:
        """Called by the manager with what the function raised."""
        status, wait = c.ERR_PROCESSING, 0
        if is_failure(problem):
            status = int(problem.status)
            try:
                wait = wait_ns(problem.retry_after)
            except InvalidArgumentError as refused:
                _logger.warning("request %#x: %s", self.request_id, refused.message)
        self._end(*_failure(status, words_of(problem), wait))

    def _end(self, report: Any, *what: Any) -> None:
        """Ends the attempt, in whatever way: one that stays open would hold its place for ever."""
        try:
            try:
                self._tell(report, *what)
            except (Error, MemoryError) as refused:
                if self._core.is_usable():
                    _logger.warning(
                        "request %#x: its end was refused: %s", self.request_id, refused
                    )
                    self._tell(*_failure(c.ERR_PROCESSING, words_of(refused), 0))
        except (Error, MemoryError) as error:
            if self._core.is_usable():
                _logger.error("request %#x could not be ended: %s", self.request_id, error)
        finally:
            self._piece.release()

    def _tell(self, report: Any, *what: Any) -> None:
        status = report(self._core.pointer, self.attempt_id, *what)
        if status != c.ERR_STALE:
            check(status)


def _failure(status: int, words: str, wait: int) -> tuple[Any, ...]:
    message = words.encode("utf-8", "replace")
    return lib.llmq_attempt_fail, status, message, len(message), wait


class Job(BaseJob):
    """One attempt, for a function that runs on a thread."""

    def wait_cancelled(self, seconds: float | None = None) -> bool:
        """Waits for the request's end, that long at most; whether it has ended."""
        return self._stop.wait(seconds)

    def chunk(self, data: bytes | str) -> bool:
        """Hands over a piece of the response; waits while the reader has no room for it.

        False: the caller takes no chunks.

        Raises:
            RequestCancelledError: The request has ended.

        """
        pause = _LEAST_PAUSE
        while (taken := self.try_chunk(data)) is None:
            if self._stop.wait(pause):
                raise RequestCancelledError(message="the attempt has ended")
            pause = min(2 * pause, _MOST_PAUSE)
        return taken


class AsyncJob(BaseJob):
    """One attempt, for a coroutine function. When the request ends its task is cancelled."""

    async def chunk(self, data: bytes | str) -> bool:
        """Hands over a piece of the response; waits while the reader has no room for it.

        False: the caller takes no chunks.

        Raises:
            RequestCancelledError: The request has ended.

        """
        pause = _LEAST_PAUSE
        while (taken := self.try_chunk(data)) is None:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE)
        return taken
