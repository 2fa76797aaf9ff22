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
from ._hooks import Hooks
from ._library import ffi, lib
from ._response import Response, copied, taken, with_value

#: Events that are drained at a time.
BATCH = 256

_logger = logging.getLogger("llmq")
_FLAGGED = w.BY_REFERENCE
_COLUMNS = [
    w.column(each) for each in ("type", "status", "attempt", "user_data", "data", "data_len")
]
#: Words of the DONE of a request that completed at its first attempt.
_HEAD, _ONCE = w.words_of(w.event_of(attempt=1, state=c.STATE_COMPLETED), "type", "attempt")
(_HOOK,) = w.words_of(w.event_of(type=c.EV_HOOK), "type")


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
        #: Who is told what happens.
        self.hooks = Hooks(self.cq)
        #: What is done with events that end no request, by type.
        self.handlers: dict[int, Callable[[int, tuple[Any, ...]], None]] = {}
        self._storage = bytearray(BATCH * w.EVENT_SIZE)
        self._words = memoryview(self._storage).cast("Q")
        self._events = ffi.from_buffer("llmq_event_t[]", self._storage, require_writable=True)
        self._records = ffi.buffer(self._events)
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
        # Most events are answers of a first attempt that hold all there is to know. They are told
        # apart by three words, and dealt with in place: calls would cost as much as all the rest.
        pop, forget, memory, records = self.waiting.pop, self.ids.pop, w.memory, self._records
        size, new, kind_of_loop = w.EVENT_SIZE, object.__new__, asyncio.Future
        words, end, step = self._words, count * w.EVENT_WORDS, w.EVENT_WORDS
        columns = [words[first:end:step].tolist() for first in _COLUMNS]
        at = -size
        for head, verdict, tries, number, start, length in zip(*columns):
            at += size
            try:
                if head != _HEAD or verdict or tries != _ONCE or number >= _FLAGGED:
                    if head == _HOOK:
                        self.hooks.tell(number, start, length)
                    else:
                        self._other(at // size)
                    continue
                response: Response[Any] = new(Response)
                response._record = records[at : at + size]
                response._data = memory[start - 1 : start - 1 + length] if length else b""
                response._more = None
                waiter = pop(number, None)
                kind = waiter.__class__
                if kind is kind_of_loop:
                    forget(number, None)
                    if not waiter.done():
                        waiter.set_result(response)
                elif kind is Gather:
                    waiter.add(number, response)
                elif waiter is not None:
                    forget(number, None)
                    waiter.finish(response)
            except Exception:
                _logger.exception("an event could not be handed over")

    def _other(self, place: int) -> None:
        raw = w.EVENT.unpack_from(self._storage, place * w.EVENT_SIZE)
        kind, number = raw[w.TYPE], raw[w.USER_DATA]
        if kind == c.EV_DONE:
            response = self._taken(place, raw)
            waiter = self.waiting.pop(number, None)
            if isinstance(waiter, Gather):
                waiter.add(number, response)
                return
            self.ids.pop(number, None)
            if not isinstance(waiter, asyncio.Future):
                if waiter is not None:
                    waiter.finish(response)
            elif not waiter.done():
                if response.ok:
                    waiter.set_result(response)
                else:
                    waiter.set_exception(response.to_error())
        elif kind == c.EV_CHUNK:
            waiter = self.waiting.get(number)
            if waiter is not None and hasattr(waiter, "chunk"):
                waiter.chunk(self.keep(place, raw))
        elif kind == c.EV_PERMIT:
            waiter = self.waiting.pop(number, None)
            self.granted(number)
            if waiter is not None:
                waiter.permit(raw)
        elif kind == c.EV_HOOK_ENDED:
            self.hooks.end(number, raw[w.DATA])
        elif kind == c.EV_CLOSED:
            closed = self.waiting.pop(number, None)
            if closed is not None:
                closed()
        else:
            handler = self.handlers.get(kind)
            if handler is not None:
                handler(place, raw)

    def _taken(self, place: int, raw: tuple[Any, ...]) -> Response[Any]:
        number = raw[w.USER_DATA]
        at = place * w.EVENT_SIZE
        record = self._records[at : at + w.EVENT_SIZE]
        if raw[w.STATUS] or number & w.DETAILED or raw[w.ATTEMPT] > 1:
            response = taken(self._events + place, record)
        else:
            response = copied(record)
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
