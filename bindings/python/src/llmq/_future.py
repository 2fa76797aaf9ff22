"""What submit gives, and what collects the responses of many requests."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _constants as c
from . import _wire as w
from ._errors import Error, ForkedError
from ._response import Response, with_decoder
from ._waiting import until_done

if TYPE_CHECKING:
    from ._manager import Manager

T = TypeVar("T")

_NUMBER = w.BY_REFERENCE - 1


class Future(concurrent.futures.Future, Generic[T]):  # type: ignore[type-arg]
    """A request that was submitted. Works with concurrent.futures.wait and as_completed.

    `result()` gives the Response, or raises what the request failed with; `response()` gives the
    Response of either. Callbacks run on the manager's event thread: they must be quick.
    """

    def __init__(self, owner: Manager) -> None:
        super().__init__()
        self._owner = owner
        self._decode: Callable[[bytes], T] | None = None
        self._cancelling = False
        self._outcome: Response[T] | None = None
        #: Id of the request, for state, wait_estimate and update_usage of the manager.
        self.request_id = 0

    def cancel(self) -> bool:
        """Asks for the request to be cancelled; a running HTTP call is closed at once.

        Whether it could be asked: False after its end. The future ends when the request has.
        """
        if self.done():
            return self.cancelled()
        self._cancelling = True
        return self._owner.cancel(self.request_id)

    def result(self, timeout: float | None = None) -> Response[T]:
        """Waits for the Response of a request that completes.

        Args:
            timeout: Seconds to wait; None = as long as it takes. The request goes on after that.

        Raises:
            Error: The request failed; `error.response` tells the rest.
            concurrent.futures.TimeoutError: The time is over.
            concurrent.futures.CancelledError: This future was cancelled.

        """
        if timeout is None:
            until_done(self)
        response: Response[T] = super().result(timeout)
        return response

    def response(self, timeout: float | None = None) -> Response[T]:
        """Waits for the outcome, whatever it is.

        Args:
            timeout: Seconds to wait; None = as long as it takes.

        Raises:
            concurrent.futures.TimeoutError: The time is over.
            ForkedError: The request belongs to the parent of this process.

        """
        try:
            return self.result(timeout)
        except (concurrent.futures.CancelledError, Error):
            if self._outcome is None:
                raise
            return self._outcome

    def decode_with(self, decode: Callable[[bytes], T]) -> None:
        """Lets `value` of the response be what `decode` makes of its payload."""
        self._decode = decode
        if self._outcome is not None:
            with_decoder(self._outcome, decode)

    def finish(self, response: Response[Any]) -> None:
        """Called by the manager, once."""
        self._outcome = with_decoder(response, self._decode)
        if response.ok:
            self.set_result(response)
        elif response.status == c.Status.CANCELLED and self._cancelling:
            super().cancel()
            self.set_running_or_notify_cancel()
        else:
            self.set_exception(response.to_error())

    def after_fork(self) -> None:
        """Called in a forked child: another thread of the parent may have held the lock."""
        concurrent.futures.Future.__init__(self)
        self.set_exception(ForkedError(c.ERR_FORKED, "the request belongs to the parent process"))


class Gather:
    """Collects the responses of requests with numbers in a row, in their order."""

    def __init__(self, first: int, count: int, done: Callable[[], None]) -> None:
        self.first = first & _NUMBER
        self.responses: list[Any] = [None] * count
        self.ids: list[int] = []
        self._done = done
        self._come = 0
        self._expected = -1

    def add(self, number: int, response: Response[Any]) -> None:
        """Called by the manager, once for each request that was accepted."""
        self.responses[(number & _NUMBER) - self.first] = response
        self._come += 1
        if self._come == self._expected:
            self._done()

    def expect(self, count: int) -> None:
        """Says how many were accepted: when as many have come, all is there."""
        self._expected = count
        if self._come == count:
            self._done()

    def pending_ids(self) -> list[int]:
        """Ids of the requests that have not ended."""
        return [
            request_id
            for request_id, response in zip(self.ids, self.responses)
            if response is None and request_id
        ]

    def after_fork(self) -> None:
        """Called in a forked child, where nobody waits for it."""
