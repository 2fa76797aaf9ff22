"""Responses that are handed over while they come."""

from __future__ import annotations

import contextlib
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

    from ._aio import AsyncManager
    from ._loop_port import LoopPort
    from ._manager import Manager


def to_chunk(piece: Piece) -> Chunk:
    """Copies a piece and lets the library have its room."""
    chunk = Chunk(piece.data(), piece.raw[w.ATTEMPT], piece.raw[w.OUTPUT_TOKENS])
    piece.release()
    return chunk


class Inbox:
    """What has come for a stream and was not read. The manager knows this and not the stream.

    So a stream that nobody refers to any more is noticed.
    """

    def __init__(self) -> None:
        self.items: queue.SimpleQueue[Piece | Response[Any] | Error] = queue.SimpleQueue()
        self._left = False
        self.request_id = 0

    def leave(self) -> None:
        """Nobody reads any more: lets go of what has come, and of what comes."""
        self._left = True
        self._drop()

    def _drop(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                got = self.items.get_nowait()
                if isinstance(got, Piece):
                    got.release()

    def chunk(self, piece: Piece) -> None:
        """Called by the manager."""
        self.items.put(piece)
        if self._left:
            self._drop()

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager, once."""
        self.items.put(response)

    def after_fork(self) -> None:
        """Called in a forked child."""
        self.items = queue.SimpleQueue()
        self.items.put(ForkedError(c.ERR_FORKED, "the request belongs to the parent process"))


class Stream:
    """The chunks of one request, in order. For one thread at a time.

    As a context manager it cancels the request unless it has been read to its end, and so does a
    stream that nobody refers to any more, such as that of a loop which was left. A reader that is
    slow makes the provider wait: beyond stream_buffer_bytes nothing more is read from it.
    """

    def __init__(self, owner: Manager, inbox: Inbox) -> None:
        self._owner = owner
        self._inbox = inbox
        self._response: Response[bytes] | None = None
        self._error: Error | None = None

    @property
    def request_id(self) -> int:
        """Id of the request."""
        return self._inbox.request_id

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
        got = next_of(self._inbox.items)
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
            if self._error is not None:
                raise self._error
            got = next_of(self._inbox.items)
            if isinstance(got, Piece):
                got.release()
            elif isinstance(got, Response):
                self._response = got
            else:
                self._error = got
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

    def __del__(self) -> None:
        if not self._owner._core.is_usable():
            return
        with contextlib.suppress(Error):
            self.cancel()
        self._inbox.leave()


class AsyncInbox:
    """What has come for a stream of a loop and was not read; see Inbox."""

    def __init__(self, port: LoopPort) -> None:
        self.port = port
        self.number = 0
        self.pieces: deque[Piece] = deque()
        self.response: Response[bytes] | None = None
        self.error: BaseException | None = None
        self._wake: asyncio.Future[None] | None = None
        self._left = False

    async def come(self) -> None:
        """Waits until there is more."""
        if self._wake is not None:
            raise RuntimeError("a stream is for one task at a time")
        self._wake = self.port.loop.create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def drop(self) -> None:
        """Lets go of chunks that were not read."""
        while self.pieces:
            self.pieces.popleft().release()

    def leave(self) -> None:
        """Nobody reads any more: cancels the request, and lets go of what has come and comes."""
        self._left = True
        self.cancel()
        self.drop()

    def cancel(self) -> bool:
        """Asks for the request to be cancelled. Whether it could be asked: False after its end."""
        return self.response is None and self.port.cancel(self.number)

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def chunk(self, piece: Piece) -> None:
        """Called by the manager."""
        if self._left:
            piece.release()
            return
        self.pieces.append(piece)
        self._notify()

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager, once."""
        self.response = response
        self._notify()

    def refuse(self, error: BaseException) -> None:
        """Called by the manager, in place of all else."""
        self.error = error
        self._notify()


class AsyncStream:
    """The chunks of one request, in order, for one task.

    As a context manager it cancels the request unless it has been read to its end, and so does a
    stream that nobody refers to any more, such as that of a loop which was left. A reader that is
    slow makes the provider wait: beyond stream_buffer_bytes nothing more is read from it.
    """

    def __init__(self, owner: AsyncManager, inbox: AsyncInbox) -> None:
        self._owner = owner
        self._inbox = inbox

    @property
    def request_id(self) -> int:
        """Id of the request; 0 after its end."""
        return self._inbox.port.request_id(self._inbox.number)

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        """The next chunk.

        Raises:
            Error: The request failed.

        """
        inbox = self._inbox
        while not inbox.pieces:
            if inbox.error is not None:
                raise inbox.error
            if inbox.response is not None:
                if inbox.response.ok:
                    raise StopAsyncIteration
                inbox.error = inbox.response.to_error()
                continue
            await inbox.come()
        return to_chunk(inbox.pieces.popleft())

    async def response(self) -> Response[bytes]:
        """The outcome, whatever it is, with the whole answer; chunks not read yet are skipped."""
        inbox = self._inbox
        while True:
            inbox.drop()
            if inbox.response is not None:
                return inbox.response
            if inbox.error is not None:
                raise inbox.error
            await inbox.come()

    def cancel(self) -> bool:
        """Asks for the request to be cancelled. Whether it could be asked: False after its end."""
        return self._inbox.cancel()

    async def close(self) -> None:
        """Cancels the request unless it has ended, and lets go of chunks that were not read."""
        self.cancel()
        if self._inbox.error is None and self._inbox.port.core.is_usable():
            await self.response()
        self._inbox.drop()

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        port = self._inbox.port
        if port.ended or not port.core.is_usable():
            return
        # On whichever thread it is found: a loop is told on its own.
        with contextlib.suppress(RuntimeError):  # it is closed
            port.loop.call_soon_threadsafe(self._inbox.leave)
