"""Keys of providers that a function of the program gives.

The library asks by events of the completion queue. One attempt waits for each answer; responses and
limits do not.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Optional, Union

from . import _constants as c
from . import _wire as w
from ._core import Core, when_dropped
from ._errors import ClosedError, ForkedError, check
from ._library import ffi, lib
from ._port import Port

#: Gives the key for the model and deployment that it is told the names of ("" for a model's only
#: deployment without a name). None = there is none.
KeyFunction = Callable[[str, str], Optional[str]]
#: The same, or a coroutine function.
AsyncKeyFunction = Callable[[str, str], Union[Optional[str], Awaitable[Optional[str]]]]


def check_key_function(function: Any) -> None:
    """Raises TypeError if calls of a function, or of an object, have to be awaited."""
    call = getattr(function, "__call__", None)  # noqa: B004  objects may be called too
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
        raise TypeError("a Manager takes keys from a function, not a coroutine function")


class _Question:
    """A key that an attempt waits for."""

    def __init__(self, core: Core, raw: tuple[Any, ...]) -> None:
        self._core = core
        self._number = raw[w.ATTEMPT_ID]
        names = ffi.buffer(ffi.cast("char *", raw[w.DATA]), raw[w.DATA_LEN])[:]
        self.model, self.deployment = str(names, "utf-8", "replace").split("\0", 1)

    def answer(self, key: object) -> None:
        """Answers with what the function gave."""
        if key is None or isinstance(key, str):
            self._give((key or "").encode(), b"")
        else:
            self.fail(TypeError(f"a key is text, not {type(key).__name__}"))

    def fail(self, problem: BaseException) -> None:
        """Answers that there is none, since the function raised."""
        words = str(problem) or type(problem).__name__
        self._give(b"", words.encode("utf-8", "replace"))

    def _give(self, key: bytes, error: bytes) -> None:
        try:
            check(
                lib.llmq_key_answer(
                    self._core.pointer, self._number, key, len(key), error, len(error)
                )
            )
        except (ClosedError, ForkedError):
            return  # nobody waits for it any more


class Keys:
    """Whom the keys of a manager are asked of, as long as this object lives.

    The queue holds no function: one that refers to the manager would keep it alive.
    """

    def __init__(self, core: Core, port: Port, function: Callable[[str, str], Any]) -> None:
        self._core = core
        self.function = function
        mine = weakref.ref(self)

        def asked(_place: int, raw: tuple[Any, ...]) -> None:
            keys = mine()
            if keys is not None:
                keys._ask(_Question(core, raw))

        port.handlers[c.EV_KEY] = asked
        check(lib.llmq_set_key_queue(core.pointer, port.cq, 0))

    def _ask(self, question: _Question) -> None:
        raise NotImplementedError

    def end(self) -> None:
        """Nobody is asked any more."""
        raise NotImplementedError


class ThreadKeys(Keys):
    """Calls the function on a thread of its own, which begins with the first question.

    A function that waits holds up no response then, and may use the manager.
    """

    def __init__(self, core: Core, port: Port, function: KeyFunction) -> None:
        self._questions: queue.SimpleQueue[tuple[KeyFunction, _Question] | None]
        self._questions = queue.SimpleQueue()
        self._started = False
        self._finalizer = when_dropped(self, self._questions.put, None)
        super().__init__(core, port, function)

    def _ask(self, question: _Question) -> None:
        self._questions.put((self.function, question))
        if not self._started:
            self._started = True
            threading.Thread(
                target=_answer_all, args=(self._questions,), name="llmq-keys", daemon=True
            ).start()

    def end(self) -> None:
        """Nobody is asked any more; a function that runs is not waited for."""
        self._finalizer()


def _answer_all(questions: queue.SimpleQueue[tuple[KeyFunction, _Question] | None]) -> None:
    while True:
        asked = questions.get()
        if asked is None:
            return
        function, question = asked
        del asked
        try:
            question.answer(function(question.model, question.deployment))
        except BaseException as problem:  # the thread goes on; the request has the failure
            question.fail(problem)
        del function, question  # they keep nobody alive while the thread waits


class LoopKeys(Keys):
    """Calls the function in an event loop; what it gives to be awaited is awaited in a task."""

    def __init__(
        self,
        core: Core,
        port: Port,
        function: AsyncKeyFunction,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__(core, port, function)

    def _ask(self, question: _Question) -> None:
        try:
            key = self.function(question.model, question.deployment)
        except Exception as problem:
            question.fail(problem)
            return
        if not inspect.isawaitable(key):
            question.answer(key)
            return
        task = self._loop.create_task(_await_key(key, question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Nobody is asked any more, and what runs is cancelled."""
        for task in list(self._tasks):
            task.cancel()


async def _await_key(key: Awaitable[str | None], question: _Question) -> None:
    try:
        question.answer(await key)
    except asyncio.CancelledError as problem:
        question.fail(problem)
        raise
    except Exception as problem:
        question.fail(problem)
