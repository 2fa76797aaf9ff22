"""Completion queues that an event loop drains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from . import _constants as c
from . import _wire as w
from ._batch import SLICE, why_refused
from ._core import Core
from ._errors import Error, check
from ._library import ffi, lib
from ._port import BATCH, Port

#: Batches of events that are handed over before the loop does something else.
_TURNS = 4


class LoopPort(Port):
    """A completion queue that an event loop drains, and requests that are handed over together.

    All that is submitted in one turn of the loop goes to the library in one call.
    """

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(core)
        self.loop = loop
        self.create_future = loop.create_future
        self.ended = False
        # Three lists, since a tuple for each request would be work for the garbage collector.
        self._templates: list[w.Template] = []
        self._payloads: list[bytes] = []
        self._queued: list[int] = []
        self._numbers = iter(range(0))
        self._idle: asyncio.Future[None] | None = None
        fd = ffi.new("int32_t *")
        check(lib.llmq_cq_fd(self.cq, c.CQ_FD_EVENTFD, fd))
        self._fd = int(fd[0])
        loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        for _ in range(_TURNS):
            if self.drain() < BATCH:
                break
        if self._idle is not None and not self.waiting and not self._idle.done():
            self._idle.set_result(None)

    async def emptied(self, seconds: float | None) -> None:
        """Returns when nothing waits here any more, or after that time."""
        if self.waiting:
            self._idle = self.loop.create_future()
            await asyncio.wait([self._idle], timeout=seconds)

    def enqueue(
        self, template: w.Template, payload: Any, waiter: Any, options: Mapping[str, Any] | None
    ) -> int:
        """Has a request submitted at the end of this turn of the loop; gives its number."""
        number = next(self._numbers, 0)
        if not number:
            first = self.core.reserve(SLICE)
            self._numbers = iter(range(first, first + SLICE))
            number = next(self._numbers)
        number |= template.bits
        if type(payload) is not bytes:
            body = w.to_bytes(payload)
            if type(payload) is w.Ref:
                number = self.core.refer(number, payload, options or {})
            payload = body
        queued = self._queued
        queued.append(number)
        self._templates.append(template)
        self._payloads.append(payload)
        self.waiting[number] = waiter
        if len(queued) == 1:
            self.loop.call_soon(self.flush)
        elif len(queued) == SLICE:
            self.flush()
        return number

    def flush(self) -> None:
        """Hands over what is queued."""
        if not self._queued:
            return
        templates, payloads, numbers = self._templates, self._payloads, self._queued
        self._templates, self._payloads, self._queued = [], [], []
        try:
            batch = w.Batch(templates, payloads, numbers)
            ids, refused = batch.submit(self.core.pointer)
        except (Error, MemoryError) as error:
            for number in numbers:
                self._refuse(number, error)
            return
        self.accepted(numbers, ids)
        for place, status in refused:
            self._refuse(numbers[place], why_refused(batch, self.core, place, status))

    def accepted(self, numbers: Iterable[int], ids: Iterable[int]) -> None:
        """Notes the ids of requests, by which they can be cancelled."""
        self.ids.update(zip(numbers, ids))

    def granted(self, number: int) -> None:
        """Told of requests that ended with a permit."""
        self.ids.pop(number, None)

    def _refuse(self, number: int, error: BaseException) -> None:
        waiter = self.waiting.pop(number, None)
        self.ids.pop(number, None)
        self.core.objects.pop(number, None)
        if isinstance(waiter, asyncio.Future):
            if not waiter.done():
                waiter.set_exception(error)
        elif waiter is not None:
            waiter.refuse(error)

    def request_id(self, number: int) -> int:
        """Id of a request that has not ended; 0 if there is none."""
        if number in self.waiting and number not in self.ids:
            self.flush()
        return self.ids.get(number, 0)

    def cancel(self, number: int) -> bool:
        """Asks for a request to be cancelled. Whether it could be asked: False after its end."""
        request_id = self.request_id(number)
        if not request_id or not self.core.is_usable():
            return False
        return bool(lib.llmq_cancel(self.core.pointer, request_id) == c.OK)

    def live_numbers(self) -> list[int]:
        """Numbers of requests that have not ended."""
        return list(self.ids)

    def detach(self) -> None:
        """Ends draining. On the loop's thread."""
        if not self.ended:
            self.ended = True
            if not self.loop.is_closed():
                self.loop.remove_reader(self._fd)

    def stop(self, seconds: float) -> None:
        """The interpreter ends: the loop does not run any more."""
        self.ended = True

    def after_fork(self) -> None:
        """The loop belongs to the parent, and so does everything that waits."""
        self.ended = True
        self.waiting.clear()
        self.ids.clear()
        self._templates, self._payloads, self._queued = [], [], []
