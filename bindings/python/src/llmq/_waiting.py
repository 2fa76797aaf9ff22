"""Waits that Ctrl-C ends in any case.

CPython looks for signals between two instructions. One that arrives when the main thread has looked
and is about to sleep on a lock is not seen before the next wake-up: so the main thread wakes up.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import math
import queue
import threading
import time
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK = 0.2  # seconds


def _hears_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


def until_set(event: threading.Event, seconds: float = math.inf) -> bool:
    """Waits for an event, that long at most; whether it is set."""
    if not _hears_signals():
        return event.wait(None if seconds == math.inf else seconds)
    until = time.monotonic() + seconds
    while not event.wait(max(0.0, min(_LOOK, until - time.monotonic()))):
        if time.monotonic() >= until:
            return event.is_set()
    return True


def until_done(future: concurrent.futures.Future[Any]) -> None:
    """Waits for the end of a future, on the main thread; other threads wait in its result()."""
    if not _hears_signals():
        return
    while not future.done():
        with contextlib.suppress(
            concurrent.futures.TimeoutError, concurrent.futures.CancelledError
        ):
            future.exception(_LOOK)


def next_of(items: queue.SimpleQueue[T]) -> T:
    """Waits for the next item."""
    if not _hears_signals():
        return items.get()
    while True:
        with contextlib.suppress(queue.Empty):
            return items.get(timeout=_LOOK)
