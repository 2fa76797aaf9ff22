"""What happens to requests, limits and circuit breakers, told to a function of the program.

The library tells of it on its own thread, which takes the interpreter's lock for as long as copying
needs. The function runs where events are drained: on the manager's event thread, or in its loop.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _constants as c
from . import _wire as w
from ._errors import check, to_status
from ._library import ffi, lib
from ._response import Usage

_logger = logging.getLogger("llmq")

#: Told and not taken yet, at most; what comes then is lost.
MOST = 100_000

_LAYOUT, _PLACES, _ = w.layout_of("llmq_hook_t")
_TEXTS = ("model", "deployment", "tenant", "limit")
_NANO = 1e-9


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


class Feed:
    """What hooks have told and their functions have not been given, of one completion queue."""

    def __init__(self, cq: Any) -> None:
        self._cq = cq
        self._told: deque[tuple[HookFunction, bytes, list[bytes]]] = deque()
        self._lost = 0

    def __bool__(self) -> bool:
        return bool(self._told)

    def put(self, function: HookFunction, record: bytes, texts: list[bytes]) -> None:
        """Called on the library's thread: the least that can be done there."""
        if len(self._told) >= MOST:
            self._lost += 1
            return
        self._told.append((function, record, texts))
        if len(self._told) == 1:
            lib.llmq_cq_wake(self._cq)

    def deliver(self) -> None:
        """Gives the functions what there is, in order."""
        while self._told:
            function, record, texts = self._told.popleft()
            try:
                function(_hook(record, texts))
            except Exception:
                _logger.exception("a hook failed")
        lost, self._lost = self._lost, 0
        if lost:
            _logger.warning("%d events were not told, since hooks took too long", lost)


class Listener:
    """A function that is to be told. It is told no more when this object is gone."""

    def __init__(self, feed: Feed, function: HookFunction, events: int) -> None:
        self.feed = feed
        self.function = function
        self.events = events


def _hook(record: bytes, texts: list[bytes]) -> Hook:
    told = dict(zip(_PLACES, _LAYOUT.unpack(record)))
    usage = Usage(*(told[name] for name in Usage._fields)) if told["usage_known"] else None
    model, deployment, tenant, limit = (text.decode("utf-8", "replace") for text in texts)
    return Hook(
        type=c.HookType(told["type"]),
        request_id=told["request_id"],
        attempt_id=told["attempt_id"],
        model=model,
        deployment=deployment,
        tenant=tenant,
        limit=limit,
        attempt=told["attempt"],
        status=to_status(told["status"]),
        state=told["state"],
        usage=usage,
        time_s=told["time_ns"] * _NANO,
        queued_s=told["queued_ns"] * _NANO,
        run_s=told["run_ns"] * _NANO,
        delay_s=told["delay_ns"] * _NANO,
        old_value=told["old_value"],
        new_value=told["new_value"],
        until_s=told["until_ns"] * _NANO,
        call_id=told["call_id"],
    )


class _State:
    """Handles that the library may still call with, by address. They keep no manager alive."""

    changed = threading.Condition()
    live: dict[int, Any] = {}  # noqa: RUF012  the one table of the process


def _address(user: Any) -> int:
    return int(ffi.cast("uintptr_t", user))


@ffi.callback("void(void *, const llmq_hook_t *)")  # type: ignore[untyped-decorator]
def _tell(user: Any, hook: Any) -> None:
    listener = ffi.from_handle(user)()
    if listener is not None:
        texts = [ffi.unpack(getattr(hook, name), getattr(hook, f"{name}_len")) for name in _TEXTS]
        listener.feed.put(listener.function, ffi.buffer(hook, _LAYOUT.size)[:], texts)


@ffi.callback("void(void *)")  # type: ignore[untyped-decorator]
def _free(user: Any) -> None:
    with _State.changed:
        _State.live.pop(_address(user), None)
        _State.changed.notify_all()


def set_hook(manager: Any, listener: Listener | None) -> None:
    """Has the library tell a function; None = nobody."""
    if listener is None:
        check(lib.llmq_set_hook(manager, 0, ffi.NULL, ffi.NULL, ffi.NULL))
        return
    user = ffi.new_handle(weakref.ref(listener))
    with _State.changed:
        _State.live[_address(user)] = user
    check(lib.llmq_set_hook(manager, listener.events, _tell, user, _free))


def wait_until_none(seconds: float) -> None:
    """Waits until the library calls no hook any more: after that the interpreter may end."""
    with _State.changed:
        _State.changed.wait_for(lambda: not _State.live, seconds)


def after_fork() -> None:
    """In a forked child nothing calls the hooks of the parent."""
    _State.changed = threading.Condition()
    _State.live = {}
