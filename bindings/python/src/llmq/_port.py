"""Completion queues: events are drained in batches and handed to whoever waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from . import _constants as c
from . import _wire as w
from ._core import Core
from ._errors import check
from ._future import Gather
from ._library import ffi, lib
from ._response import Response, copied, taken, with_value

#: Events that are drained at a time.
BATCH = 256

_logger = logging.getLogger("llmq")
_FLAGGED = w.BY_REFERENCE


class Piece:
    """A drained event by itself, whose bytes the library holds until it is released."""

    __slots__ = ("_record", "raw")

    def __init__(self, record: bytearray, raw: tuple[Any, ...]) -> None:
        self._record: Any = record
        self.raw = raw

    def data(self) -> bytes:
        """The bytes; not after release."""
        if not self.raw[w.DATA_LEN]:
            return b""
        return bytes(ffi.buffer(ffi.cast("char *", self.raw[w.DATA]), self.raw[w.DATA_LEN]))

    def release(self) -> None:
        """Makes room for more of the stream. May be called again."""
        record, self._record = self._record, None
        if record is not None:
            lib.llmq_events_release(
                ffi.from_buffer("llmq_event_t[]", record, require_writable=True), w.EVENT_SIZE, 1
            )


class Port:
    """A completion queue of a manager, and who waits for its events, by number.

    What waits has `finish(response)`, and `chunk(piece)` if it takes pieces.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        holder = ffi.new("llmq_cq_t **")
        check(lib.llmq_cq_create(holder))
        self.cq = ffi.gc(holder[0], lib.llmq_cq_unref)
        self.waiting: dict[int, Any] = {}
        #: Ids of requests by number, where a request is cancelled by its number.
        self.ids: dict[int, int] = {}
        self.templates = w.Templates(self.cq, core.detailed)
        #: What is done with events that end no request, by type.
        self.handlers: dict[int, Callable[[int, tuple[Any, ...]], None]] = {}
        self._storage = bytearray(BATCH * w.EVENT_SIZE)
        self._view = memoryview(self._storage)
        self._events = ffi.from_buffer("llmq_event_t[]", self._storage, require_writable=True)
        self._events[0].stride = w.EVENT_SIZE
        core.attach(self)

    def after_fork(self) -> None:
        """Fails what waits: its events belong to the parent."""
        raise NotImplementedError

    def stop(self, seconds: float) -> None:
        """Ends draining, and waits that long for it."""
        raise NotImplementedError

    def drain(self) -> int:
        """Hands over up to BATCH events; how many there were."""
        count: int = lib.llmq_cq_drain(self.cq, self._events, BATCH)
        if count:
            try:
                self._dispatch(count)
            finally:
                lib.llmq_events_release(self._events, w.EVENT_SIZE, count)
        return count

    def accepted(self, numbers: Iterable[int], ids: Iterable[int]) -> None:
        """Told of the ids of requests that were handed over together."""

    def granted(self, number: int) -> None:
        """Told of requests that ended with a permit."""

    def _dispatch(self, count: int) -> None:
        # The two commonest waiters are served in place: a method's call would cost as much.
        pop, forget, memory = self.waiting.pop, self.ids.pop, w.memory
        at_type, at_status, at_number, at_attempt = w.TYPE, w.STATUS, w.USER_DATA, w.ATTEMPT
        at_data, at_length = w.DATA, w.DATA_LEN
        for place, raw in enumerate(w.EVENT.iter_unpack(self._view[: count * w.EVENT_SIZE])):
            try:
                if raw[at_type] != c.EV_DONE:
                    self._other(place, raw)
                    continue
                number = raw[at_number]
                if raw[at_status] or number >= _FLAGGED or raw[at_attempt] > 1:
                    response = self._taken(place, raw)
                else:
                    start = raw[at_data] - 1
                    length = raw[at_length]
                    response = Response(raw, memory[start : start + length] if length else b"")
                waiter = pop(number, None)
                kind = waiter.__class__
                if kind is Gather:
                    waiter.add(number, response)
                elif kind is asyncio.Future:
                    forget(number, None)
                    if waiter.done():
                        pass
                    elif raw[at_status]:
                        waiter.set_exception(response.to_error())
                    else:
                        waiter.set_result(response)
                elif waiter is not None:
                    forget(number, None)
                    waiter.finish(response)
            except Exception:
                _logger.exception("an event could not be handed over")

    def _taken(self, place: int, raw: tuple[Any, ...]) -> Response[Any]:
        number = raw[w.USER_DATA]
        if raw[w.STATUS] or number & w.DETAILED or raw[w.ATTEMPT] > 1:
            response = taken(self._events + place, raw)
        else:
            response = copied(raw)
        if number & w.BY_REFERENCE:
            passed = self.core.objects.pop(number, None)
            if passed is not None:
                with_value(response, passed.result)
        return response

    def keep(self, place: int, raw: tuple[Any, ...]) -> Piece:
        """Takes an event out of those that are released together."""
        at = place * w.EVENT_SIZE
        piece = Piece(self._storage[at : at + w.EVENT_SIZE], raw)
        self._events[place].handle = ffi.NULL
        return piece

    def _other(self, place: int, raw: tuple[Any, ...]) -> None:
        kind, number = raw[w.TYPE], raw[w.USER_DATA]
        if kind == c.EV_CHUNK:
            waiter = self.waiting.get(number)
            if waiter is not None and hasattr(waiter, "chunk"):
                waiter.chunk(self.keep(place, raw))
        elif kind == c.EV_PERMIT:
            waiter = self.waiting.pop(number, None)
            self.granted(number)
            if waiter is not None:
                waiter.permit(raw)
        elif kind == c.EV_CLOSED:
            closed = self.waiting.pop(number, None)
            if closed is not None:
                closed()
        else:
            handler = self.handlers.get(kind)
            if handler is not None:
                handler(place, raw)


class ThreadPort(Port):
    """A completion queue that a thread of its own drains."""

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._stop = False
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to drain, if it has not begun."""
        if self._thread is None:
            with self._start_lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="llmq-events", daemon=True)
                    thread.start()
                    self._thread = thread

    @property
    def ended(self) -> bool:
        """Whether it drains no more."""
        return self._stop

    def is_own_thread(self) -> bool:
        """Whether the caller runs on the thread that drains."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        while not self._stop:
            if not self.drain():
                lib.llmq_cq_wait(self.cq, -1)
        while self.drain():
            pass

    def end(self) -> None:
        """Lets the thread end, when it has handed over what is there."""
        self._stop = True
        lib.llmq_cq_wake(self.cq)

    def stop(self, seconds: float) -> None:
        """Ends the thread, and waits that long for it."""
        self.end()
        if self._thread is not None and not self.is_own_thread():
            self._thread.join(seconds)

    def after_fork(self) -> None:
        """Fails what waits: its events belong to the parent."""
        self._thread, self._stop = None, True
        waiting = list(self.waiting.values())
        self.waiting.clear()
        for waiter in waiting:
            fork = getattr(waiter, "after_fork", None)
            if fork is not None:
                with contextlib.suppress(Exception):
                    fork()
