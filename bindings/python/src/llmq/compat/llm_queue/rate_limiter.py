"""A limit on its own, in the 0.1 form."""

from __future__ import annotations

from collections import deque

from ... import Permit
from ._gate import Gate
from .models import (
    ModelConfig,
    RateLimiterMode,
    check_count,
    limiters,
    member,
)

_MODEL = "rate limiter"


class RateLimiter:
    """One limit: so many starts in any window of time_period seconds, or so many at a time.

    May be used from several event loops.

    Args:
        limit: How many.
        mode: What it counts.
        time_period: Seconds that starts are counted over.

    Raises:
        InvalidConfiguration: A value makes no sense.

    """

    def __init__(
        self,
        limit: int,
        mode: RateLimiterMode = RateLimiterMode.REQUESTS_PER_PERIOD,
        time_period: int = 60,
    ) -> None:
        check_count("limit", limit, least=1)
        self.limit = limit
        self.mode = member(RateLimiterMode, "mode", mode)
        config = ModelConfig(
            _MODEL, rate_limit=limit, rate_limiter_mode=mode, time_period=time_period
        )
        self.time_period = time_period
        self._limits = limiters(config)
        self._held: deque[Permit] = deque()
        self._gate = Gate()
        self._gate.add(_MODEL, self._limits)

    async def acquire(self) -> bool:
        """Takes a place if there is one now; whether there was."""
        permit = self._gate.try_acquire(_MODEL)
        if permit is not None:
            self._take(permit)
        return permit is not None

    async def wait_for_slot(self) -> None:
        """Waits for a place, in order, and takes it."""
        self._take(await self._gate.acquire(_MODEL))

    async def release(self) -> None:
        """Gives back a place of CONCURRENT_REQUESTS; starts are not given back."""
        if self._held:
            self._gate.end(self._held.popleft(), None, None)

    def get_current_usage(self) -> int:
        """How many places are taken."""
        return self._gate.counts(_MODEL, self._limits)[0]

    def get_available_slots(self) -> int:
        """How many places there are now."""
        return max(0, self.limit - self.get_current_usage())

    def _take(self, permit: Permit) -> None:
        self._held.append(permit)
        if self.mode == RateLimiterMode.REQUESTS_PER_PERIOD:
            self._gate.end(self._held.popleft(), None, None)
