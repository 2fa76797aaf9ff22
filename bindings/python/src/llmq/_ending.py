"""The end of a manager, for those who wait for something else meanwhile."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable

from ._waiting import until_set


class Ending:
    """Has begun or not. Whoever pauses is woken when it does.

    Args:
        whole: The end of what this is a part of: when that begins, so does this.

    """

    def __init__(self, whole: Ending | None = None) -> None:
        self._begun = threading.Event()
        self._lock = threading.Lock()
        self._wakes: set[Callable[[], object]] = set()
        self._parts: weakref.WeakSet[Ending] = weakref.WeakSet()
        if whole is not None:
            whole._has_part(self)

    def _has_part(self, part: Ending) -> None:
        with self._lock:
            self._parts.add(part)
            begun = self._begun.is_set()
        if begun:
            part.begin()

    def begin(self) -> None:
        """Wakes everybody. May be called again, on any thread."""
        with self._lock:
            self._begun.set()
            wakes, self._wakes = self._wakes, set()
            parts = list(self._parts)
        for wake in wakes:
            wake()
        for part in parts:
            part.begin()

    def pause(self, seconds: float) -> bool:
        """Waits that long at most; whether the end has begun."""
        return until_set(self._begun, seconds)

    async def pause_async(self, seconds: float) -> bool:
        """As pause, in a loop."""
        loop = asyncio.get_running_loop()
        begun = loop.create_future()

        def note() -> None:
            if not begun.done():
                begun.set_result(None)

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(note)

        with self._lock:
            if self._begun.is_set():
                return True
            self._wakes.add(wake)
        try:
            await asyncio.wait([begun], timeout=seconds)
        finally:
            with self._lock:
                self._wakes.discard(wake)
        return self._begun.is_set()
