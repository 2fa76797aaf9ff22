"""Responses that are handed over while they come."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._errors import ClosedError, Error, ForkedError
from ._port import Piece
from ._response import Chunk, Response
from ._waiting import next_of

if TYPE_CHECKING:
    import asyncio

    from ._loop_port import LoopPort
    from ._manager import Manager


def to_chunk(piece: Piece) -> Chunk:
    """Copies a piece and lets the library have its room."""
    chunk = Chunk(piece.data(), piece.raw[w.ATTEMPT], piece.raw[w.OUTPUT_TOKENS])
    piece.release()
    return chunk


class Stream:
    """The chunks of one request, in order. For one thread at a time.

    As a context manager it cancels the request unless it has been read to its end. A reader that is
    slow makes the provider wait: beyond stream_buffer_bytes nothing more is read from it.
    """

    def __init__(self, owner: Manager) -> None:
        self._owner = owner
        self._queue: queue.SimpleQueue[Piece | Response[Any] | Error] = queue.SimpleQueue()
        self._response: Response[bytes] | None = None
        self._error: Error | None = None
        #: Id of the request.
        self.request_id = 0

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        """The next chunk.

        Raises:
            Error: The request failed.

        """
        if self._error is not None:
            raise self._error
        if self._response is not None:
            self._response.raise_for_status()
            raise StopIteration
        got = next_of(self._queue)
        if isinstance(got, Piece):
            return to_chunk(got)
        if isinstance(got, Response):
            self._response = got
            if got.ok:
                raise StopIteration
            got = got.to_error()
        self._error = got
        raise got

    def response(self) -> Response[bytes]:
        """The outcome, whatever it is, with the whole answer; chunks not read yet are skipped."""
        while self._response is None:
            got = next_of(self._queue)
            if isinstance(got, Piece):
                got.release()
            elif isinstance(got, Response):
                self._response = got
            else:
                self._error = got
                raise got
        return self._response

    def cancel(self) -> bool:
        """Asks for the request to be cancelled. Whether it could be asked: False after its end."""
        return self._response is None and self._owner.cancel(self.request_id)

    def close(self) -> None:
        """Cancels the request unless it has ended, and lets go of chunks that were not read."""
        try:
            self.cancel()
        except (ClosedError, ForkedError):
            return
        if self._error is None:
            self.response()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def chunk(self, piece: Piece) -> None:
        """Called by the manager."""
        self._queue.put(piece)

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager, once."""
        self._queue.put(response)

    def after_fork(self) -> None:
        """Called in a forked child."""
        self._queue = queue.SimpleQueue()
        self._queue.put(ForkedError(c.ERR_FORKED, "the request belongs to the parent process"))


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
