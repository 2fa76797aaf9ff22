"""What processors and holders of permits report, in the form that the library takes."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from . import _constants as c
from ._errors import Error, InvalidArgumentError
from ._library import ffi
from ._response import Usage

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

_MOST = (1 << 63) - 1
_MOST_STATUS = (1 << 31) - 1
#: Later than this is never, and fits in nanoseconds.
_LONGEST_S = float(1 << 32)


def _refused(key: str, message: str) -> InvalidArgumentError:
    return InvalidArgumentError(c.ERR_INVALID_ARG, message, key)


def usage_pointer(usage: Usage | None) -> Any:
    """The usage as llmq_usage_t; NULL of None.

    Raises:
        InvalidArgumentError: It is none: names the member and its value.

    """
    if usage is None:
        return ffi.NULL
    if not isinstance(usage, Usage):
        raise _refused("usage", f"usage is {usage!r}, and must be an llmq.Usage")
    counts = [_count(name, value) for name, value in zip(Usage._fields, usage)]
    return ffi.new("llmq_usage_t *", (ffi.sizeof("llmq_usage_t"), 0, *counts))


def _count(name: str, value: Any) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise _refused("usage", f"usage: {name} is {value!r}, and must be a whole number") from None
    if count < 0:
        raise _refused("usage", f"usage: {name} is {count}, and must be 0 or more")
    if count > _MOST:
        raise _refused("usage", f"usage: {name} is {count}, and must be less than 2^63")
    return count


def wait_ns(retry_after: float | None) -> int:
    """Seconds after which a new try makes sense, in nanoseconds; 0 of None.

    Raises:
        InvalidArgumentError: It is no time to wait.

    """
    if retry_after is None:
        return 0
    if not isinstance(retry_after, (int, float)) or not 0 <= retry_after < float("inf"):
        raise _refused(
            "retry_after",
            f"retry_after is {retry_after!r}, and must be seconds, 0 or more and not infinite",
        )
    return int(min(retry_after, _LONGEST_S) * 1e9)


def is_failure(problem: BaseException | None) -> TypeGuard[Error]:
    """Whether an exception says which failure of a call it is."""
    return (
        isinstance(problem, Error)
        and isinstance(problem.status, int)
        and -_MOST_STATUS <= problem.status < 0
    )


def words_of(problem: BaseException) -> str:
    """What an exception says, or is."""
    told = problem.message if isinstance(problem, Error) else problem
    try:
        words = str(told)
    except Exception:
        words = ""
    return words or type(problem).__name__
