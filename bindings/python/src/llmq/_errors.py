"""Errors: one class for each thing that a program may want to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _constants as c
from ._library import ffi, lib, text

if TYPE_CHECKING:
    from ._response import Response


class Error(Exception):
    """Something that llmq could not do. Base of all its errors.

    Attributes:
        status: Which failure it is.
        message: What was wrong, with the limit and the value where there are any.
        key: The configuration key or argument that was at fault; "" if none.
        response: The outcome of the request, if it was one that failed.
        accepted: Of submit_batch, the futures of the requests before the one that was refused.
        retry_after: Seconds, in an error that a processor raises: no new try before that time.

    A processor raises `llmq.RateLimitedError(message="...", retry_after=2)` to say what happened.

    """

    status: c.Status | int
    message: str
    key: str
    response: Response[Any] | None
    retry_after: float | None

    def __init__(
        self,
        status: int | None = None,
        message: str = "",
        key: str = "",
        response: Response[Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        if status is None:
            status = next(
                (code for code, kind in _CLASSES.items() if kind is type(self)), c.ERR_UNKNOWN
            )
        self.retry_after = retry_after
        self.accepted: list[Any] = []
        self.status = to_status(status)
        self.message = message or text(lib.llmq_status_message(status))
        self.key = key
        self.response = response
        super().__init__(self.status, self.message, key)

    def __str__(self) -> str:
        name = text(lib.llmq_status_name(int(self.status)))
        shown = f" ({self.key})" if self.key and self.key not in self.message else ""
        return f"{name}: {self.message}{shown}"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (int(self.status), self.message, self.key))


class InvalidArgumentError(Error, ValueError):
    """An argument, a configuration key or its value is not acceptable."""


class UnknownModelError(Error, LookupError):
    """No model of that name is registered."""


class ModelExistsError(Error):
    """A model of that name is registered already."""


class ClosedError(Error):
    """The manager has been shut down, or is about to be."""


class ForkedError(Error):
    """The manager was made before a fork; this process needs one of its own."""


class QueueFullError(Error):
    """max_pending or max_pending_bytes is reached."""


class OversizeError(Error):
    """The request alone is larger than one of its limits."""


class StaleError(Error):
    """The id names something that is gone."""


class RequestCancelledError(Error):
    """The request was cancelled: by its caller or a shutdown."""


class DeadlineError(Error, TimeoutError):
    """The request's deadline has passed, or cannot be met."""


class AttemptTimeoutError(Error, TimeoutError):
    """The last attempt took too long."""


class RateLimitedError(Error):
    """The provider refused the call for its rate (429), more often than it is retried."""


class QuotaExhaustedError(Error):
    """The account's quota or money is used up."""


class OverloadedError(Error):
    """The provider is overloaded (503, 529)."""


class ServerError(Error):
    """The provider failed (5xx)."""


class AuthError(Error):
    """The key was rejected (401, 403)."""


class BadRequestError(Error):
    """The provider rejected the request itself (400, 404, 422)."""


class ContextTooLongError(BadRequestError):
    """More tokens than the model's context."""


class ContentFilterError(BadRequestError):
    """Refused by the provider's content filter."""


class BudgetError(Error):
    """A processor's own budget is used up; llmq itself ends no request so."""


class TransportError(Error, ConnectionError):
    """No answer: name resolution, connection, TLS, or a broken reply."""


class ProcessingError(Error):
    """The processor failed: it raised an exception, or reported one."""


class AbandonedError(Error):
    """Whoever ran the attempt vanished without a report."""


class UnsupportedError(Error):
    """Not in this build of the library, or not possible for this model."""


_CLASSES: dict[int, type[Error]] = {
    c.ERR_INVALID_ARG: InvalidArgumentError,
    c.ERR_UNKNOWN_KEY: InvalidArgumentError,
    c.ERR_INVALID_VALUE: InvalidArgumentError,
    c.ERR_UNKNOWN_MODEL: UnknownModelError,
    c.ERR_MODEL_EXISTS: ModelExistsError,
    c.ERR_CLOSED: ClosedError,
    c.ERR_CLOSING: ClosedError,
    c.ERR_FORKED: ForkedError,
    c.ERR_QUEUE_FULL: QueueFullError,
    c.ERR_OVERSIZE: OversizeError,
    c.ERR_STALE: StaleError,
    c.ERR_ALREADY_DONE: StaleError,
    c.ERR_CANCELLED: RequestCancelledError,
    c.ERR_DEADLINE: DeadlineError,
    c.ERR_TIMEOUT: AttemptTimeoutError,
    c.ERR_RATE_LIMITED: RateLimitedError,
    c.ERR_QUOTA_EXHAUSTED: QuotaExhaustedError,
    c.ERR_OVERLOADED: OverloadedError,
    c.ERR_SERVER: ServerError,
    c.ERR_AUTH: AuthError,
    c.ERR_BAD_REQUEST: BadRequestError,
    c.ERR_CONTEXT_TOO_LONG: ContextTooLongError,
    c.ERR_CONTENT_FILTER: ContentFilterError,
    c.ERR_BUDGET: BudgetError,
    c.ERR_TRANSPORT: TransportError,
    c.ERR_PROCESSING: ProcessingError,
    c.ERR_ABANDONED: AbandonedError,
    c.ERR_UNSUPPORTED: UnsupportedError,
}


def to_status(status: int) -> c.Status | int:
    """The enumeration's member, or the number as it is if a later library made it up."""
    try:
        return c.Status(status)
    except ValueError:
        return status


def make_error(
    status: int, message: str = "", key: str = "", response: Response[Any] | None = None
) -> Error:
    """The error of the class that belongs to a status."""
    return _CLASSES.get(status, Error)(status, message, key, response)


def check(status: int, holder: Any = None) -> None:
    """Raises what a call answered, in the words of `holder` (llmq_error_t **), which is freed."""
    if status == c.OK:
        return
    if status == c.ERR_NOMEM:
        raise MemoryError("llmq is out of memory")
    if holder is None or holder[0] == ffi.NULL:
        raise make_error(status)
    message = text(lib.llmq_error_message(holder[0]))
    key = text(lib.llmq_error_key(holder[0]))
    lib.llmq_error_free(holder[0])
    raise make_error(status, message, key)
