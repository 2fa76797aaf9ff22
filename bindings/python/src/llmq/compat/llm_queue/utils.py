"""Small helpers that programs of llm_queue import from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

_ROOT = logging.getLogger("llm_queue")
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def get_logger(name: str) -> logging.Logger:
    """The logger `llm_queue.NAME`: a child of the one that stands for the package."""
    return _ROOT.getChild(name)


def setup_logging(level: int | str = logging.INFO, format_string: str | None = None) -> None:
    """Sets the level of the program's log, and shows it on stderr if it is shown nowhere yet.

    Args:
        level: Least level that is shown, of the module logging.
        format_string: How a line looks, in %-style; None = time, level, logger and text.

    """
    root = logging.getLogger()
    root.setLevel(level)
    if root.handlers:
        return
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter(format_string or _LINE))
    root.addHandler(shown)


async def with_timeout(
    work: Callable[..., Awaitable[T]], /, timeout: float, *args: Any, **kwargs: Any
) -> T:
    """What `await work(*args, **kwargs)` gives, if it takes no longer than `timeout` seconds.

    With submit_request as `work` only the wait ends: the request goes on, and get_status knows it.

    Raises:
        asyncio.TimeoutError: It was not there in time.

    """
    return await asyncio.wait_for(work(*args, **kwargs), timeout)


class _Instant(NamedTuple):
    wall: float
    clock: float


def _now() -> _Instant:
    return _Instant(time.time(), time.perf_counter())


class Timer:
    """Tells how long a block took, also one that raised: `with Timer() as timer: ...`."""

    _begin: _Instant | None = None
    _end: _Instant | None = None

    @property
    def start_time(self) -> float | None:
        """Unix time at which the block began; None before."""
        return self._begin.wall if self._begin else None

    @property
    def end_time(self) -> float | None:
        """Unix time at which it ended; None until then."""
        return self._end.wall if self._end else None

    @property
    def elapsed(self) -> float | None:
        """Seconds that it took, whatever became of the wall clock; None until its end."""
        if self._begin is None or self._end is None:
            return None
        return self._end.clock - self._begin.clock

    def __enter__(self) -> Timer:
        self._begin, self._end = _now(), None
        return self

    def __exit__(self, *_: object) -> None:
        self._end = _now()

    async def __aenter__(self) -> Timer:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()
