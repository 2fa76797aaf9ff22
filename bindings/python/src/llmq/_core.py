"""The library's manager, and what every completion queue of it shares."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from . import _constants as c
from . import _logging
from ._config import Conf, ConfigSource
from ._ending import Ending
from ._errors import ClosedError, ForkedError, check
from ._library import ffi, lib
from ._wire import BY_REFERENCE, Ref, Templates

OnFork = Literal["error", "renew"]

#: What threads and handlers may take at exit, all together.
_EXIT_SECONDS = 0.5


class _Port(Protocol):
    templates: Templates

    def after_fork(self) -> None: ...

    def stop(self, seconds: float) -> None: ...


class Passed:
    """An object that goes to a processor by reference, and what came of it."""

    __slots__ = ("payload", "result")

    def __init__(self, payload: Any) -> None:
        self.payload = payload
        self.result: Any = None


def when_dropped(what: object, call: Callable[..., object], *given: Any) -> Any:
    """Has a function called when nobody refers to something any more, though not at exit."""
    finalizer: Any = weakref.finalize(what, call, *given)
    finalizer.atexit = False
    return finalizer


def refuse_dedup(options: Mapping[str, Any]) -> None:
    """Raises ValueError of a dedup_key, for requests whose payload is a Ref."""
    if options.get("dedup_key"):
        raise ValueError("dedup_key compares payloads, and a Ref has no bytes to compare")


class Core:
    """One manager of the library with what it was made from."""

    def __init__(
        self,
        config: ConfigSource,
        settings: Mapping[str, object] | None,
        log_level: int | None,
        on_fork: OnFork,
        shared: bool,
        asks_for_keys: bool = False,
    ) -> None:
        if on_fork not in ("error", "renew"):
            raise ValueError(f'on_fork must be "error" or "renew", not {on_fork!r}')
        self._recipes: list[tuple[ConfigSource, Mapping[str, object] | None]] = [(config, settings)]
        self._log_level = log_level
        self._on_fork = on_fork
        self._shared = shared
        self._asks_for_keys = asks_for_keys
        #: Of the manager: begins when it is closed, or is about to be.
        self.ending = Ending()
        self.lock = threading.RLock()
        self._next_number = 1
        self._pid = os.getpid()
        self._closed = self._released = False
        self._ports: weakref.WeakSet[_Port] = weakref.WeakSet()
        #: Of each model whether its responses tell more than an event holds.
        self.detailed: dict[str, bool] = {}
        #: Payloads, and then results, that are passed by reference, by number.
        self.objects: dict[int, Passed] = {}
        self._open()
        _cores.add(self)

    def _open(self) -> None:
        if _State.ending:
            raise ClosedError(c.ERR_CLOSED, "the interpreter ends")
        conf = Conf(*self._recipes[0])
        self._set_log(conf)
        if self._asks_for_keys:
            check(lib.llmq_conf_ask_for_keys(conf.pointer))
        holder, err = ffi.new("llmq_manager_t **"), ffi.new("llmq_error_t **")
        create = lib.llmq_manager_shared if self._shared else lib.llmq_manager_create
        check(create(conf.pointer, holder, err), err)
        self._base = holder[0]
        # A reference of its own: whoever calls while another thread closes finds a closed manager.
        self._pointer = ffi.gc(lib.llmq_manager_ref(self._base), lib.llmq_manager_unref)
        self._note(conf)

    def _set_log(self, conf: Conf) -> None:
        level = self._log_level
        if level is None:
            own = conf.get("log.level"), conf.get("log.file")
            if not all(is_default for _, is_default in own):
                return
            level = _logging.logger.getEffectiveLevel()
        name = _logging.level_name(level)
        if name != "off":
            conf.set("log.file", _logging.log_path())
            conf.set("log.level", name)

    def _note(self, conf: Conf) -> None:
        for name in conf.models():
            self.detailed[name] = conf.called_over_http(name)
        for port in list(self._ports):
            port.templates.forget()

    @property
    def pointer(self) -> Any:
        """The library's manager, to be called.

        Raises:
            ClosedError: It has been closed.
            ForkedError: It was made before a fork, and is not made anew.

        """
        if self._pid != os.getpid():
            self._renew()
        if self._closed:
            raise ClosedError(c.ERR_CLOSED)
        return self._pointer

    def _renew(self) -> None:
        if self._on_fork == "error" and not self._closed:
            raise ForkedError(
                c.ERR_FORKED,
                f"this manager was made in process {self._pid}, before a fork: make one in this "
                'process, or pass on_fork="renew"',
            )
        with self.lock:
            if self._pid == os.getpid():
                return
            if not self._closed:
                self._open()
                for config, settings in self._recipes[1:]:
                    self._register(Conf(config, settings), skip_existing=True)
            self._pid = os.getpid()

    def is_usable(self) -> bool:
        """Whether it belongs to this process and is open."""
        return not self._closed and self._pid == os.getpid()

    def register(self, config: ConfigSource, skip_existing: bool) -> None:
        """Adds the models of a configuration."""
        conf = Conf(config)
        pointer = self.pointer
        self._register(conf, skip_existing, pointer)
        self._recipes.append((config, None))

    def _register(self, conf: Conf, skip_existing: bool, pointer: Any = None) -> None:
        err = ffi.new("llmq_error_t **")
        flags = c.REGISTER_SKIP_EXISTING if skip_existing else 0
        check(
            lib.llmq_manager_register_models(pointer or self._pointer, conf.pointer, flags, err),
            err,
        )
        self._note(conf)

    def forget_model(self, model: str) -> None:
        """The name may come to mean another model."""
        self.detailed.pop(model, None)
        for port in list(self._ports):
            port.templates.forget()

    def reserve(self, count: int) -> int:
        """The first of so many numbers for requests, each of which is used once."""
        with self.lock:
            first = self._next_number
            self._next_number += count
        return first

    def refer(self, number: int, payload: Any, options: Mapping[str, Any]) -> int:
        """The number of a request, marked if its payload goes by reference."""
        if not isinstance(payload, Ref):
            return number
        refuse_dedup(options)
        number |= BY_REFERENCE
        self.objects[number] = Passed(payload.object)
        return number

    def attach(self, port: _Port) -> None:
        """Notes who drains events of this manager."""
        self._ports.add(port)

    def destroy(self) -> None:
        """Aborts what is left, and ends the library's thread. May be called again."""
        with self.lock:
            if self._closed:
                return
            self._closed = True
        self.ending.begin()
        lib.llmq_manager_destroy(self._base)

    def release(self) -> None:
        """Lets go of a manager that others in the process may share."""
        with self.lock:
            if self._closed:
                return
            self._closed = self._released = True
        self.ending.begin()
        lib.llmq_manager_unref(self._base)

    def exit(self, until: float) -> None:
        """Ends everything, since the interpreter does, and waits for threads until that time."""
        if self._pid != os.getpid():
            return
        # Hooks are told no more: thousands of requests that are aborted would take their time.
        lib.llmq_set_hook_queue(self._pointer, 0, ffi.NULL, 0)
        if self._released:  # its thread may not have ended yet
            lib.llmq_manager_destroy(self._pointer)
            ffi.gc(self._pointer, None)  # that reference is gone
        self.destroy()
        for port in list(self._ports):
            with contextlib.suppress(Exception):
                port.stop(_left(until))

    def after_fork(self) -> None:
        """Ends what the parent's threads would have ended; this process has none of them."""
        self.lock = threading.RLock()
        self.ending = Ending()
        self.objects.clear()
        for port in list(self._ports):
            port.after_fork()


_cores: weakref.WeakSet[Core] = weakref.WeakSet()


class _State:
    #: No manager may begin any more: nobody would end it.
    ending = False


def _after_fork() -> None:
    for core in list(_cores):
        try:
            core.after_fork()
        except Exception:
            logging.getLogger("llmq").exception("after a fork")


def _left(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _at_exit() -> None:
    _State.ending = True
    until = time.monotonic() + _EXIT_SECONDS
    for core in list(_cores):
        core.exit(until)
    _logging.stop(until)


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
