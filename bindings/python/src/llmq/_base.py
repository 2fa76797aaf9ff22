"""What managers do at once, without waiting for a request: the same in both kinds."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from . import _constants as c
from . import _wire as w
from ._config import Conf, ConfigSource, setting_text
from ._errors import check
from ._headers import HeaderLists
from ._hooks import HookFunction, Listener
from ._library import ffi, lib, take_buffer
from ._reported import usage_pointer
from ._response import Response, Usage, owned

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._core import Core
    from ._ending import Ending
    from ._port import Port

#: What becomes of requests when a manager, a model or a deployment goes: they run to their end
#: ("drain"), those that wait are cancelled ("cancel"), all are cancelled ("abort").
Mode = Literal["drain", "cancel", "abort"]

#: Everything that a hook can be told.
ALL_EVENTS = sum(c.HookType)

_MODES = {"drain": c.SHUTDOWN_DRAIN, "cancel": c.SHUTDOWN_CANCEL, "abort": c.SHUTDOWN_ABORT}


def mode_number(mode: str) -> int:
    """The library's number of a mode."""
    try:
        return _MODES[mode]
    except KeyError:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}, not {mode!r}") from None


@dataclass(frozen=True)
class Stats:
    """Counters of a manager or of one model, since its creation unless said otherwise."""

    submitted: int
    """Accepted requests."""
    completed: int
    """Requests that got their answer."""
    failed: int
    """Requests whose last attempt failed, or for which none could be made."""
    cancelled: int
    """Requests that were cancelled."""
    expired: int
    """Requests whose deadline passed."""
    attempts: int
    """Attempts started."""
    retries: int
    """Attempts beyond the first of a request."""
    rate_limited: int
    """Attempts that the provider refused for their rate."""
    pending: int
    """Now: waiting, retries included."""
    processing: int
    """Now: running."""
    pending_bytes: int
    """Now: payload bytes of live requests; 0 for one model."""
    input_tokens: int
    """Usage of ended attempts."""
    output_tokens: int
    """Usage of ended attempts."""
    cached_input_tokens: int
    """Usage of ended attempts."""
    wakeups: int
    """Times that the library's thread woke; 0 for one model."""
    reasoning_tokens: int
    """The part of output_tokens that was not shown."""


_STATS = tuple(field.name for field in fields(Stats))


@dataclass(frozen=True)
class WaitEstimate:
    """When a request that waits may start, as things stand."""

    position: int
    """Place in line, from 1; 0 = it runs."""
    p50_s: float
    """Seconds from now: as likely earlier as later."""
    p90_s: float
    """Seconds from now: nine times out of ten earlier."""
    blocked_by: str
    """The limit that decides, "tokens/1m of pool account"; "" if none does."""


class ManagerBase:
    """Reading, changing and asking: everything that does not wait for a response."""

    _core: Core
    _listener: Listener | None = None

    def _live_port(self) -> Port:
        raise NotImplementedError

    @property
    def _ending(self) -> Ending:
        return self._core.ending

    def _one(self, model: str, payload: Any, options: Mapping[str, Any]) -> w.Batch:
        template = self._live_port().templates.get(model, 0, options)
        return w.Batch([template], [w.to_bytes(payload)], [0])

    def check(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> None:
        """Raises what a submit of the same would raise, without submitting.

        Raises:
            Error: UnknownModelError, OversizeError, InvalidArgumentError, QueueFullError and so on.

        """
        self._one(model, payload, options).check(self._core.pointer)

    def estimate(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> Usage:
        """What the request will probably use; cost_micros is 0 without prices."""
        batch = self._one(model, payload, options)
        usage, err = usage_pointer(Usage()), ffi.new("llmq_error_t **")
        check(lib.llmq_request_estimate(self._core.pointer, batch.pointer(), usage, err), err)
        return Usage(*(getattr(usage, name) for name in Usage._fields))

    def cancel(self, request_id: int) -> bool:
        """Asks for a request to be cancelled. Whether it could be asked: False after its end."""
        status = lib.llmq_cancel(self._core.pointer, request_id)
        if status == c.ERR_STALE:
            return False
        check(status)
        return True

    def state(self, request_id: int) -> c.State:
        """State of a live or recently finished request.

        Raises:
            StaleError: It is forgotten.

        """
        state = ffi.new("int32_t *")
        check(lib.llmq_request_state(self._core.pointer, request_id, state))
        return c.State(state[0])

    def peek(self, request_id: int) -> Response[bytes] | None:
        """Status, timings and usage of a recently finished request, without payload and texts.

        None while it is pending.

        Raises:
            StaleError: It is forgotten (setting history_max).

        """
        holder = ffi.new("llmq_response_t **")
        status = lib.llmq_response_peek(self._core.pointer, request_id, holder)
        if status == c.ERR_AGAIN:
            return None
        check(status)
        return owned(holder[0])

    def take_response(self, request_id: int) -> Response[bytes] | None:
        """The response of a request that was submitted with keep; None while it is pending.

        Kept are the last keep_max of them, for keep_age_s, until they are taken.

        Raises:
            StaleError: It was taken, or is forgotten.

        """
        holder = ffi.new("llmq_response_t **")
        status = lib.llmq_response_get(self._core.pointer, request_id, holder)
        if status == c.ERR_AGAIN:
            return None
        check(status)
        return owned(holder[0])

    def wait_estimate(self, request_id: int) -> WaitEstimate:
        """When a request that waits may start, and which limit it waits for.

        Raises:
            StaleError: It has ended.

        """
        wait = ffi.new("llmq_wait_t *", {"struct_size": ffi.sizeof("llmq_wait_t")})
        check(lib.llmq_request_wait_estimate(self._core.pointer, request_id, wait))
        return WaitEstimate(
            wait.position,
            wait.p50_ns / 1e9,
            wait.p90_ns / 1e9,
            str(ffi.string(wait.blocked_by), "utf-8", "replace"),
        )

    def update_usage(self, request_id: int, usage: Usage) -> None:
        """Reports the usage of a finished request that was submitted with late_usage.

        Raises:
            StaleError: It is known already, or too late to matter.
            InvalidArgumentError: It cannot be.

        """
        check(lib.llmq_usage_update(self._core.pointer, request_id, usage_pointer(usage)))

    def models(self) -> list[str]:
        """Names of the registered models, in the order of registration."""
        holder = ffi.new("char **")
        check(lib.llmq_manager_models_json(self._core.pointer, holder, ffi.NULL))
        names: list[str] = json.loads(take_buffer(holder))
        return names

    def info(self, model: str | None = None) -> dict[str, Any]:
        """State of a model, or of all: settings, queue, and of each limit what is used and free."""
        holder, name = ffi.new("char **"), _text(model)
        check(
            lib.llmq_manager_info_json(self._core.pointer, name, len(name or b""), holder, ffi.NULL)
        )
        info: dict[str, Any] = json.loads(take_buffer(holder))
        return info

    def stats(self, model: str | None = None) -> Stats:
        """Counters of a model, or of the whole manager."""
        stats = ffi.new("llmq_stats_t *", {"struct_size": ffi.sizeof("llmq_stats_t")})
        name = _text(model)
        check(lib.llmq_stats(self._core.pointer, name, len(name or b""), stats))
        return Stats(*(getattr(stats, field) for field in _STATS))

    def all_stats(self) -> dict[str, Any]:
        """Counters of the manager and every model, with what is known of estimates and caches."""
        holder = ffi.new("char **")
        check(lib.llmq_stats_json(self._core.pointer, holder, ffi.NULL))
        stats: dict[str, Any] = json.loads(take_buffer(holder))
        return stats

    def set(self, key: str, value: object) -> None:
        """Changes one setting while everything runs: `set("model.gpt-4o.rpm", 500)`.

        Keys that docs/configuration.md marks as live. A manager that is made anew after a fork
        does not have what was set.
        """
        err = ffi.new("llmq_error_t **")
        check(
            lib.llmq_manager_set(
                self._core.pointer, key.encode(), setting_text(value).encode(), err
            ),
            err,
        )

    def set_hook(self, function: HookFunction | None, events: int = ALL_EVENTS) -> None:
        """Has a function told what happens, for metrics and tracing.

        There is one hook of a manager: the next one takes its place. The function runs where
        callbacks do, on the manager's event thread or in its loop, in the order of events, and of
        a request before its future is done. What it raises is logged. While it is behind by more
        than 65,536 events, further ones are counted and not told.

        Args:
            function: Gets a Hook. None: nobody is told any more.
            events: Which kinds, HookType.COMPLETED | HookType.RETRIED.

        """
        if inspect.iscoroutinefunction(function):
            raise TypeError("a hook must be a function, not a coroutine function")
        port = self._live_port()
        before, pointer = self._listener, self._core.pointer
        if before is not None:
            before.hooks.keep(before)
        if function is None:
            check(lib.llmq_set_hook_queue(pointer, 0, ffi.NULL, 0))
            self._listener = None
        else:
            self._listener = port.hooks.listen(pointer, function, int(events))

    def _renew_hook(self, port: Port) -> None:
        """Has a new queue, of another loop or in a forked child, take the place of another one."""
        before = self._listener
        if before is not None:
            self._listener = port.hooks.listen(self._core.pointer, before.function, before.events)

    def register(self, config: ConfigSource, *, skip_existing: bool = False) -> None:
        """Adds the models of a configuration, one or many; all or none.

        Raises:
            ModelExistsError: A name is taken, unless skip_existing leaves those alone.

        """
        self._core.register(config, skip_existing)

    def remove_model(self, model: str, mode: Mode = "drain") -> None:
        """Removes a model: requests that it has end as `mode` says, new ones are refused."""
        name = model.encode()
        check(lib.llmq_manager_remove_model(self._core.pointer, name, len(name), mode_number(mode)))
        self._core.forget_model(model)

    def add_deployment(self, model: str, name: str, config: ConfigSource) -> None:
        """Adds another place where a model is called, as `config` describes it for that model."""
        err, deployed = ffi.new("llmq_error_t **"), name.encode()
        check(
            lib.llmq_manager_add_deployment(
                self._core.pointer,
                model.encode(),
                len(model.encode()),
                deployed,
                len(deployed),
                Conf(config).pointer,
                err,
            ),
            err,
        )
        self._core.forget_model(model)

    def remove_deployment(self, model: str, name: str, mode: Mode = "drain") -> None:
        """Removes a place where a model is called; its requests go elsewhere."""
        err, deployed = ffi.new("llmq_error_t **"), name.encode()
        check(
            lib.llmq_manager_remove_deployment(
                self._core.pointer,
                model.encode(),
                len(model.encode()),
                deployed,
                len(deployed),
                mode_number(mode),
                err,
            ),
            err,
        )

    def report_limits(
        self, model: str, headers: Mapping[str, str] | Iterable[tuple[str, str]]
    ) -> None:
        """Tells the headers of a provider's answer to a call that was made elsewhere.

        They teach the limits of the model, or of its first deployment.
        Hand over all of them, also of good answers.
        """
        name, lists = model.encode(), HeaderLists(headers)
        check(lib.llmq_report_limits(self._core.pointer, name, len(name), *lists.arguments))


def _text(model: str | None) -> Any:
    return ffi.NULL if model is None else ffi.from_buffer(model.encode())


def explain(provider: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Says what llmq makes of a recorded answer of a provider; nothing is sent.

    Args:
        provider: As in the setting model.*.provider.
        record: status, headers and body of the answer; of a stream, all of it as text.

    Returns:
        retryable, retry_after_ms, limits, usage, error_class and what else it tells.

    Raises:
        InvalidArgumentError: The provider is not known, or the record makes no sense.

    """
    holder, err = ffi.new("char **"), ffi.new("llmq_error_t **")
    name, text = provider.encode(), json.dumps(dict(record)).encode()
    check(lib.llmq_explain_json(name, len(name), text, len(text), holder, ffi.NULL, err), err)
    told: dict[str, Any] = json.loads(take_buffer(holder))
    return told
