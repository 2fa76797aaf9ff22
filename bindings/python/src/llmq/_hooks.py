"""What happens to requests, limits and circuit breakers, told to a function of the program.

It comes as events of a completion queue. The function runs where these are drained: on the
manager's event thread, or in its loop.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from . import _constants as c
from . import _wire as w
from ._errors import check, to_status
from ._library import lib
from ._response import Usage

_logger = logging.getLogger("llmq")

_UNPACK = w.layout_of("llmq_hook_t")[0].unpack_from
_NANO = 1e-9
_TYPES: dict[int, c.HookType] = {kind.value: kind for kind in c.HookType}
_STATUSES: dict[int, c.Status | int] = {status.value: status for status in c.Status}


class Hook(NamedTuple):
    """Something that happened. What a type does not mention is 0, "" or None."""

    type: c.HookType
    """What it was."""
    request_id: int
    """Of which request; of attempts of a shared call, the id of the call."""
    attempt_id: int
    """Of which attempt; 0 before the first."""
    model: str
    """Name of the model."""
    deployment: str
    """Where the attempt runs or ran, or what has changed."""
    tenant: str
    """Whose request it is."""
    limit: str
    """LIMIT_CHANGED: "tokens/1m", "tokens/1m of pool account"."""
    attempt: int
    """Number of the attempt, from 1. COMPLETED: attempts made."""
    status: c.Status | int
    """ATTEMPT_FINISHED, RETRIED: of the attempt; COMPLETED: of the request; else of why."""
    state: int
    """State of the request then."""
    usage: Usage | None
    """ATTEMPT_FINISHED, COMPLETED: usage of the last attempt, if the provider told it."""
    time_s: float
    """When it happened, on the library's monotonic clock."""
    queued_s: float
    """Seconds from the submit until then; once an attempt has started, until that."""
    run_s: float
    """ATTEMPT_FINISHED: seconds that it ran. COMPLETED: since the start of the last one."""
    delay_s: float
    """RETRIED: no attempt starts within so many seconds."""
    old_value: int
    """LIMIT_CHANGED: the amount before. BREAKER_CHANGED: the BreakerState before."""
    new_value: int
    """The same after it. Of attempts: 1 = it began beside one that was slow."""
    until_s: float
    """BREAKER_CHANGED to OPEN: when it is tried again, on the library's clock."""
    call_id: int
    """COMPLETED of a request that shared a call: the request_id of its attempts."""


HookFunction = Callable[[Hook], None]


@lru_cache(256)
def _texts(texts: bytes, *lengths: int) -> tuple[str, ...]:
    """The texts behind a record, which most records share with others."""
    found, at = [], 0
    for length in lengths:
        found.append(texts[at : at + length].decode("utf-8", "replace"))
        at += length + 1
    return tuple(found)


def _read(start: int, length: int) -> tuple[Hook, int]:
    """What an event tells, and how many before it were not told."""
    # Members in the order of llmq_hook_t: names would cost as much as all the rest.
    (
        size,
        kind,
        request_id,
        attempt_id,
        _,
        time_ns,
        _,
        model_length,
        _,
        deployment_length,
        _,
        tenant_length,
        _,
        limit_length,
        attempt,
        status,
        state,
        usage_known,
        queued_ns,
        run_ns,
        delay_ns,
        *usage,
        old_value,
        new_value,
        until_ns,
        call_id,
        lost,
    ) = _UNPACK(w.memory, start - 1)
    model, deployment, tenant, limit = _texts(
        w.memory[start - 1 + size : start - 1 + length],
        model_length,
        deployment_length,
        tenant_length,
        limit_length,
    )
    verdict = _STATUSES.get(status)
    hook = Hook(
        _TYPES.get(kind) or c.HookType(kind),
        request_id,
        attempt_id,
        model,
        deployment,
        tenant,
        limit,
        attempt,
        to_status(status) if verdict is None else verdict,
        state,
        Usage._make(usage) if usage_known else None,
        time_ns * _NANO,
        queued_ns * _NANO,
        run_ns * _NANO,
        delay_ns * _NANO,
        old_value,
        new_value,
        until_ns * _NANO,
        call_id,
    )
    return hook, lost


class Listener:
    """A function that is told, as long as this object lives."""

    def __init__(self, hooks: Hooks, number: int, function: HookFunction, events: int) -> None:
        self.hooks = hooks
        self.number = number
        self.function = function
        self.events = events


class Hooks:
    """Who is told of the hook events of one completion queue.

    The queue holds no function: one that refers to the manager would keep it alive.
    """

    def __init__(self, cq: Any) -> None:
        self._cq = cq
        self._numbers = count(1)
        self._listeners: dict[int, weakref.ref[Listener]] = {}
        self._replaced: dict[int, Listener] = {}

    def listen(self, manager: Any, function: HookFunction, events: int) -> Listener:
        """Has a function told, in place of any other one of the manager."""
        listener = Listener(self, next(self._numbers), function, events)
        self._listeners[listener.number] = weakref.ref(listener)
        try:
            check(lib.llmq_set_hook_queue(manager, events, self._cq, listener.number))
        except BaseException:
            del self._listeners[listener.number]
            raise
        return listener

    def keep(self, listener: Listener) -> None:
        """Keeps one that is about to be replaced, until it has been told all that was before."""
        self._replaced[listener.number] = listener
        if listener.number not in self._listeners:  # it has been
            del self._replaced[listener.number]

    def tell(self, number: int, start: int, length: int) -> None:
        """Hands over an event: its number, and where its data are."""
        known = self._listeners.get(number)
        listener = None if known is None else known()
        if listener is None:
            return
        hook, lost = _read(start, length)
        if lost:
            _warn(lost)
        try:
            listener.function(hook)
        except Exception:
            _logger.exception("a hook failed")

    def end(self, number: int, start: int) -> None:
        """Nothing more comes of that number."""
        lost = _UNPACK(w.memory, start - 1)[-1]
        if lost:
            _warn(lost)
        self._listeners.pop(number, None)
        self._replaced.pop(number, None)


def _warn(lost: int) -> None:
    _logger.warning("%d events were not told, since hooks took too long", lost)
