"""Helpers that programs of llm_queue use."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"


def setup_logging(level: int = logging.INFO, format_string: str | None = None) -> None:
    """Sends log lines of the program to stderr, unless it has said already where they go."""
    logging.basicConfig(level=level, format=_FORMAT if format_string is None else format_string)


def get_logger(name: str) -> logging.Logger:
    """The logger "llm_queue.NAME"."""
    return logging.getLogger(f"llm_queue.{name}")


async def with_timeout(
    coro: Callable[..., Awaitable[T]], timeout: float, *args: Any, **kwargs: Any
) -> T:
    """Awaits `coro(*args, **kwargs)` for that many seconds.

    Around submit_request it bounds the wait: the request itself goes on, and get_status tells of
    it.

    Raises:
        asyncio.TimeoutError: It took longer.

    """
    return await asyncio.wait_for(coro(*args, **kwargs), timeout)


class Timer:
    """Measures the seconds of a `with` or `async with` block.

    Attributes:
        start_time: When it began, in seconds of time.time(); None before.
        end_time: When it ended, likewise.
        elapsed: Seconds between, on a clock that is never set.

    """

    def __init__(self) -> None:
        self.start_time: float | None = None
        self.end_time: float | None = None
        self.elapsed: float | None = None
        self._began = 0.0

    def __enter__(self) -> Timer:
        self.start_time = time.time()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.elapsed = time.perf_counter() - self._began
        self.end_time = time.time()

    async def __aenter__(self) -> Timer:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc, traceback)
