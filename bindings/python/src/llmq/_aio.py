"""The manager for asyncio: events come through the loop's own poll, and no call has a thread."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._base import ManagerBase, Mode, mode_number
from ._config import ConfigSource
from ._core import Core, OnFork
from ._errors import ClosedError, Error, check
from ._library import ffi, lib
from ._manager import SLICE, Manager, submit_gathered, why_refused
from ._model import AsyncModel, RequestT, ResponseT
from ._port import BATCH, Piece, Port
from ._response import Chunk, Response
from ._stream import to_chunk

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: Batches of events that are handed over before the loop does something else.
_TURNS = 4


class LoopPort(Port):
    """A completion queue that an event loop drains, and requests that are handed over together.

    All that is submitted in one turn of the loop goes to the library in one call.
    """

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(core)
        self.loop = loop
        self.ended = False
        self._ids: dict[int, int] = {}
        self._queued: list[tuple[w.Template, bytes, int]] = []
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

    def enqueue(self, template: w.Template, payload: bytes, waiter: Any) -> int:
        """Has a request submitted at the end of this turn of the loop; gives its number."""
        number = next(self._numbers, 0)
        if not number:
            first = self.core.reserve(SLICE)
            self._numbers = iter(range(first, first + SLICE))
            number = next(self._numbers)
        number |= template.bits
        queued = self._queued
        queued.append((template, payload, number))
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
        templates, payloads, numbers = zip(*self._queued)
        self._queued.clear()
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
        self._ids.update(zip(numbers, ids))

    def _refuse(self, number: int, error: BaseException) -> None:
        waiter = self.waiting.pop(number, None)
        self._ids.pop(number, None)
        if isinstance(waiter, asyncio.Future):
            if not waiter.done():
                waiter.set_exception(error)
        elif waiter is not None:
            waiter.refuse(error)

    def request_id(self, number: int) -> int:
        """Id of a request that has not ended; 0 if there is none."""
        if number in self.waiting and number not in self._ids:
            self.flush()
        return self._ids.get(number, 0)

    def cancel(self, number: int) -> bool:
        """Asks for a request to be cancelled. Whether it could be asked: False after its end."""
        request_id = self.request_id(number)
        if not request_id or not self.core.is_usable():
            return False
        return bool(lib.llmq_cancel(self.core.pointer, request_id) == c.OK)

    def finish(self, waiter: Any, response: Response[Any]) -> None:
        """Gives a waiter its outcome."""
        self._ids.pop(response._raw[w.USER_DATA], None)
        if not isinstance(waiter, asyncio.Future):
            waiter.finish(response)
        elif not waiter.done():
            if response._raw[w.STATUS]:
                waiter.set_exception(response.to_error())
            else:
                waiter.set_result(response)

    def live_numbers(self) -> list[int]:
        """Numbers of requests that have not ended."""
        return list(self._ids)

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
        self._ids.clear()
        self._queued.clear()


class AsyncStream:
    """The chunks of one request, in order, for one task.

    As a context manager it cancels the request unless it has been read to its end. A reader that is
    slow makes the provider wait: beyond stream_buffer_bytes nothing more is read from it.
    """

    def __init__(self, port: LoopPort) -> None:
        self._port = port
        self._number = 0
        self._pieces: deque[Piece] = deque()
        self._response: Response[bytes] | None = None
        self._error: BaseException | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def request_id(self) -> int:
        """Id of the request; 0 after its end."""
        return self._port.request_id(self._number)

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        """The next chunk.

        Raises:
            Error: The request failed.

        """
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._response is not None:
                if self._response.ok:
                    raise StopAsyncIteration
                self._error = self._response.to_error()
                continue
            await self._next()
        return to_chunk(self._pieces.popleft())

    async def response(self) -> Response[bytes]:
        """The outcome, whatever it is, with the whole answer; chunks not read yet are skipped."""
        while True:
            self._drop()
            if self._response is not None:
                return self._response
            if self._error is not None:
                raise self._error
            await self._next()

    def cancel(self) -> bool:
        """Asks for the request to be cancelled. Whether it could be asked: False after its end."""
        return self._response is None and self._port.cancel(self._number)

    async def close(self) -> None:
        """Cancels the request unless it has ended, and lets go of chunks that were not read."""
        self.cancel()
        if self._error is None and self._port.core.is_usable():
            await self.response()
        self._drop()

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _next(self) -> None:
        if self._wake is not None:
            raise RuntimeError("a stream is for one task at a time")
        self._wake = self._port.loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _drop(self) -> None:
        while self._pieces:
            self._pieces.popleft().release()

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def chunk(self, piece: Piece) -> None:
        """Called by the manager."""
        self._pieces.append(piece)
        self._notify()

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager, once."""
        self._response = response
        self._notify()

    def refuse(self, error: BaseException) -> None:
        """Called by the manager, in place of all else."""
        self._error = error
        self._notify()


class AsyncManager(ManagerBase):
    """The manager for asyncio. Belongs to the event loop in which it is first used.

    What it does is what Manager does; its arguments are the same. Use it with `async with`: the
    block ends when everything that was submitted has, or aborts it if it is left by an exception.
    Cancelling a task that waits for a request cancels the request.
    """

    def __init__(
        self,
        config: ConfigSource = None,
        *,
        settings: Mapping[str, object] | None = None,
        log_level: int | None = None,
        on_fork: OnFork = "error",
    ) -> None:
        self._start(Core(config, settings, log_level, on_fork, shared=False), None)

    def _start(self, core: Core, owner: Manager | None) -> None:
        self._core = core
        self._owner = owner
        self._port: LoopPort | None = None
        self._closed = False

    @classmethod
    def _over(cls, owner: Manager) -> AsyncManager:
        manager = cls.__new__(cls)
        manager._start(owner._core, owner)
        return manager

    def __repr__(self) -> str:
        return (
            f"<llmq.AsyncManager {'open' if self._core.is_usable() else 'closed'} at {id(self):#x}>"
        )

    def _live_port(self) -> LoopPort:
        port = self._port
        loop = asyncio.get_running_loop()
        if port is not None and port.loop is loop and not port.ended:
            return port
        self._core.pointer  # noqa: B018  raises where it is closed or was inherited
        if self._closed:
            raise ClosedError(c.ERR_CLOSED)
        if port is not None and not port.ended and not port.loop.is_closed():
            raise RuntimeError("this AsyncManager belongs to another event loop that is still open")
        self._port = LoopPort(self._core, loop)
        core = self._core if self._owner is None else None
        weakref.finalize(self, _abandon, core, self._port).atexit = False
        return self._port

    # Submit

    def submit(
        self, model: str, payload: Any, **options: Unpack[w.RequestOptions]
    ) -> asyncio.Future[Response[Any]]:
        """Hands over a request; the future may be awaited or not.

        Arguments as for Manager.submit. A refusal is in the future as well. Cancelling the future
        cancels the request.
        """
        port = self._live_port()
        future: asyncio.Future[Response[Any]] = port.loop.create_future()
        template = port.templates.get(model, 0, options)
        number = port.enqueue(template, w.to_bytes(payload), future)

        def ended(done: asyncio.Future[Any], _owner: AsyncManager = self) -> None:
            if done.cancelled():  # until then the future keeps its manager
                port.cancel(number)

        future.add_done_callback(ended)
        return future

    async def call(
        self, model: str, payload: Any, **options: Unpack[w.RequestOptions]
    ) -> Response[Any]:
        """Hands over a request and waits for its response.

        Raises:
            Error: It was refused, or failed; `error.response` tells the rest.

        """
        port = self._live_port()
        future: asyncio.Future[Response[Any]] = port.loop.create_future()
        template = port.templates.get(model, 0, options)
        number = port.enqueue(template, w.to_bytes(payload), future)
        try:
            return await future
        except asyncio.CancelledError:
            port.cancel(number)
            raise

    async def call_many(
        self, model: str, payloads: Iterable[Any], **options: Unpack[w.RequestOptions]
    ) -> list[Response[Any]]:
        """Hands over many requests of one model and waits for all: the fastest form.

        Gives a response for each, in the order of the payloads, also for those that were refused or
        failed: `response.ok` tells, `response.raise_for_status()` raises.
        """
        bodies = [w.to_bytes(payload) for payload in payloads]
        if not bodies:
            return []
        port = self._live_port()
        done = port.loop.create_future()

        def finished() -> None:
            if not done.done():
                done.set_result(None)

        gather = submit_gathered(port, self._core, model, bodies, options, finished)
        try:
            await done
        except asyncio.CancelledError:
            for request_id in gather.pending_ids():
                lib.llmq_cancel(self._core.pointer, request_id)
            raise
        return gather.responses

    def stream(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> AsyncStream:
        """Hands over a request whose response is read chunk by chunk.

        What it is refused or fails with is raised by the stream.
        """
        port = self._live_port()
        stream = AsyncStream(port)
        template = port.templates.get(model, c.REQUEST_STREAM, options)
        stream._number = port.enqueue(template, w.to_bytes(payload), stream)
        return stream

    def model(
        self,
        name: str,
        *,
        encode: Callable[[RequestT], Any],
        decode: Callable[[bytes], ResponseT],
    ) -> AsyncModel[RequestT, ResponseT]:
        """A model whose requests and answers have types; see AsyncModel."""
        return AsyncModel(self, name, encode, decode)

    # End

    async def close(self, mode: Mode = "drain", timeout: float | None = None) -> None:
        """Ends the manager. Nothing can be submitted any more; what was, ends as `mode` says.

        Of a manager that `Manager.aio` gave, only the requests that were submitted here end.

        Args:
            mode: "drain" runs everything to its end, "cancel" only what runs already, "abort"
                cancels everything at once.
            timeout: Seconds until what is left is aborted; None = no bound.

        """
        number = mode_number(mode)
        if self._closed or not self._core.is_usable():
            self._closed = True
            return
        port = self._live_port()
        port.flush()
        self._closed = True
        try:
            if self._owner is None:
                await self._shutdown(port, number, timeout)
            else:
                await self._end_own(port, number, timeout)
        finally:
            if self._owner is None:
                self._core.destroy()
            while port.drain():
                pass
            port.detach()

    async def _shutdown(self, port: LoopPort, mode: int, timeout: float | None) -> None:
        closed = port.loop.create_future()

        def finished() -> None:
            if not closed.done():
                closed.set_result(None)

        number = self._core.reserve(1)
        port.waiting[number] = finished
        deadline = 0 if timeout is None else lib.llmq_now_ns() + max(0, int(timeout * 1e9)) or 1
        check(lib.llmq_manager_shutdown(self._core.pointer, mode, deadline, port.cq, number))
        await closed

    async def _end_own(self, port: LoopPort, mode: int, timeout: float | None) -> None:
        if mode == c.SHUTDOWN_DRAIN:
            await port.emptied(timeout)
        for number in port.live_numbers():
            if mode == c.SHUTDOWN_ABORT or self._waits(port.request_id(number)):
                port.cancel(number)
        await port.emptied(timeout)
        for number in port.live_numbers():
            port.cancel(number)
        await port.emptied(None)

    def _waits(self, request_id: int) -> bool:
        with contextlib.suppress(Error):
            return self.state(request_id) == c.State.PENDING
        return False

    async def __aenter__(self) -> AsyncManager:
        self._live_port()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close("drain" if exc is None else "abort")


def _abandon(core: Core | None, port: LoopPort) -> None:
    """Ends a manager that nobody refers to any more, from whichever thread finds out."""
    if core is not None and core.is_usable():
        core.release()
    with contextlib.suppress(RuntimeError):
        port.loop.call_soon_threadsafe(port.detach)
