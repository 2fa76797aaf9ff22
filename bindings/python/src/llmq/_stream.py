"""Responses that are handed over while they come."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._errors import ClosedError, Error, ForkedError
from ._port import Piece
from ._response import Chunk, Response

if TYPE_CHECKING:
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
            raise StopIteration
        got = self._queue.get()
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
            got = self._queue.get()
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
