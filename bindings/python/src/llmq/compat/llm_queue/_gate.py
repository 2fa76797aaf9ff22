"""The llmq manager behind queues: leave to run a processor is a permit of the model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Sequence
from typing import Any

from ... import (
    AsyncManager,
    ClosedError,
    Error,
    InvalidArgumentError,
    Manager,
    OversizeError,
    Permit,
    StaleError,
    Status,
    UnknownModelError,
    Usage,
)
from .exceptions import InvalidConfiguration, LLMQueueException, RateLimitExceeded
from .models import RateLimiterConfig, RateLimiterType, check_text, period

_KINDS = {
    RateLimiterType.RPM: "requests",
    RateLimiterType.RPD: "requests",
    RateLimiterType.TPM: "tokens",
    RateLimiterType.TPD: "tokens",
    RateLimiterType.ITPM: "input_tokens",
    RateLimiterType.OTPM: "output_tokens",
    RateLimiterType.CONCURRENT: "concurrency",
}


def _place(limiter: RateLimiterConfig) -> tuple[str, int]:
    kind = _KINDS[limiter.type]
    return kind, 0 if kind == "concurrency" else period(limiter)


class Gate:
    """One llmq manager, for any number of models and of event loops.

    A manager that is inherited by a forked process is made anew there, with limits of its own.
    """

    def __init__(self) -> None:
        self._manager = Manager({}, on_fork="renew")
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._loops: dict[asyncio.AbstractEventLoop, AsyncManager] = {}

    def add(self, model: str, limiters: Sequence[RateLimiterConfig]) -> None:
        """Registers a model; of limits of one kind over one period the smallest holds.

        Raises:
            InvalidConfiguration: Its name or a limit is not acceptable, or the name is taken.

        """
        check_text("model_id", model)
        if model == "*":
            raise InvalidConfiguration("model_id must not be '*', which means all models")
        least: dict[tuple[str, int], int] = {}
        for limiter in limiters:
            place = _place(limiter)
            least[place] = min(limiter.limit, least.get(place, limiter.limit))
        limits = [
            {kind: limit, "per": f"{seconds}s"} if seconds else {kind: limit}
            for (kind, seconds), limit in least.items()
        ]
        try:
            self._manager.register({"models": [{"name": model, "limits": limits}]})
        except Error as error:
            raise InvalidConfiguration(f"model {model!r}: {error.message}") from error

    def remove(self, model: str) -> None:
        """Forgets a model, of which nothing waits or runs any more."""
        with contextlib.suppress(UnknownModelError, ClosedError):
            self._manager.remove_model(model)

    def check(self, model: str, input_tokens: int, output_tokens: int) -> None:
        """Raises RateLimitExceeded if a request of that size could never start."""
        try:
            self._manager.check(
                model, b"", est_input_tokens=input_tokens, est_output_tokens=output_tokens
            )
        except OversizeError as error:
            raise RateLimitExceeded(f"model {model!r}: {error.message}") from error
        except InvalidArgumentError as error:
            raise InvalidConfiguration(f"model {model!r}: {error.message}") from error
        except Error as error:
            raise LLMQueueException(f"model {model!r}: {error.message}") from error

    async def acquire(self, model: str, input_tokens: int = 0, output_tokens: int = 0) -> Permit:
        """Waits for the turn of a request; the first who asks is the first to get it."""
        return await self._here().acquire(
            model,
            est_input_tokens=input_tokens,
            est_output_tokens=output_tokens,
            timeout=None,
            late_usage=True,
        )

    def try_acquire(self, model: str) -> Permit | None:
        """Leave to run now, or None."""
        return self._manager.try_acquire(model, timeout=None)

    def end(self, permit: Permit, error: str | None, usage: Usage | None) -> None:
        """Ends the turn of a request. One that was lost, by a shutdown, has been ended."""
        with contextlib.suppress(ClosedError):
            if error is None:
                permit.release(usage)
            else:
                permit.fail(Status.PROCESSING, error)

    def update_usage(self, request_id: int, usage: Usage) -> None:
        """Corrects what a request is charged that has ended, once, while that still matters."""
        # StaleError: usage is known already, or its charge lies in no window any more.
        with contextlib.suppress(StaleError, ClosedError):
            self._manager.update_usage(request_id, usage)

    def counts(self, model: str, limiters: Sequence[RateLimiterConfig]) -> list[int]:
        """How much of each limit is used."""
        used = {
            (limit["kind"], limit.get("period_ms", 0) // 1000): limit["used"] + limit["reserved"]
            for limit in self._manager.info(model)["limits"]
        }
        return [used[_place(limiter)] for limiter in limiters]

    def _here(self) -> AsyncManager:
        loop = asyncio.get_running_loop()
        if self._pid != os.getpid():  # the lock and the loops are the parent's
            self._pid, self._lock, self._loops = os.getpid(), threading.Lock(), {}
        with self._lock:
            found = self._loops.get(loop)
            if found is None:
                for gone in [each for each in self._loops if each.is_closed()]:
                    del self._loops[gone]
                found = self._loops[loop] = self._manager.aio()
        return found

    async def close(self) -> None:
        """Ends it once all permits have been ended."""
        loop = asyncio.get_running_loop()
        with self._lock:
            here = self._loops.pop(loop, None)
            self._loops.clear()
        if here is not None:
            await here.close()
        await loop.run_in_executor(None, self._manager.close)

    def abort(self) -> None:
        """Ends it now: who waits for a permit gets an error."""
        self._manager.close("abort")


def usage_of(record: Any) -> Usage | None:
    """The usage that a request tells, if it tells any."""
    given, made = record.actual_input_tokens, record.actual_output_tokens
    if given is None and made is None:
        return None
    return Usage(0 if given is None else given, 0 if made is None else made)
