"""The manager for asyncio: events come through the loop's own poll, and no call has a thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _constants as c
from . import _wire as w
from ._base import ManagerBase, Mode, mode_number
from ._batch import submit_gathered
from ._config import ConfigSource
from ._core import Core, OnFork, when_dropped
from ._ending import Ending
from ._errors import ClosedError, Error, check
from ._keys import AsyncKeyFunction, LoopKeys
from ._library import lib
from ._loop_port import LoopPort
from ._manager import Manager
from ._model import AsyncModel, RequestT, ResponseT
from ._permit import AsyncPermitWaiter, Permit, try_acquire
from ._response import Response
from ._stream import AsyncInbox, AsyncStream
from ._workers import AsyncProcessor, LoopWorkers

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncManager(ManagerBase):
    """The manager for asyncio. Belongs to the event loop in which it is first used.

    What it does is what Manager does; its arguments are the same. Use it with `async with`: the
    block ends when everything that was submitted has, or aborts it if it is left by an exception.
    Cancelling a task that waits for a request cancels the request. `keys` runs in the loop, and may
    be a coroutine function too.
    """

    def __init__(
        self,
        config: ConfigSource = None,
        *,
        settings: Mapping[str, object] | None = None,
        log_level: int | None = None,
        on_fork: OnFork = "error",
        keys: AsyncKeyFunction | None = None,
    ) -> None:
        asks = keys is not None
        self._start(Core(config, settings, log_level, on_fork, False, asks), None, keys)

    def _start(self, core: Core, owner: Manager | None, keys: AsyncKeyFunction | None) -> None:
        self._core = core
        self._owner = owner
        self._own_ending = None if owner is None else Ending(core.ending)
        self._key_function = keys
        self._keys: LoopKeys | None = None
        self._port: LoopPort | None = None
        self._workers: LoopWorkers | None = None
        self._closed = False

    @classmethod
    def _over(cls, owner: Manager) -> AsyncManager:
        manager = cls.__new__(cls)
        manager._start(owner._core, owner, None)
        return manager

    def __repr__(self) -> str:
        return (
            f"<llmq.AsyncManager {'open' if self._core.is_usable() else 'closed'} at {id(self):#x}>"
        )

    def _live_port(self) -> LoopPort:
        port = self._port
        loop = asyncio.get_running_loop()
        if port is not None and port.loop is loop and not port.ended:
            return port
        self._core.pointer  # noqa: B018  raises where it is closed or was inherited
        if self._closed:
            raise ClosedError(c.ERR_CLOSED)
        if port is not None and not port.ended and not port.loop.is_closed():
            raise RuntimeError("this AsyncManager belongs to another event loop that is still open")
        self._port = LoopPort(self._core, loop)
        self._renew_hook(self._port)
        if self._key_function is not None:
            self._keys = LoopKeys(self._core, self._port, self._key_function, loop)
        core = self._core if self._owner is None else None
        when_dropped(self, _abandon, core, self._port)
        return self._port

    @property
    def _ending(self) -> Ending:
        return self._own_ending or self._core.ending

    # Submit

    def submit(
        self, model: str, payload: Any, **options: Unpack[w.RequestOptions]
    ) -> asyncio.Future[Response[Any]]:
        """Hands over a request; the future may be awaited or not.

        Arguments as for Manager.submit. A refusal is in the future as well. Cancelling the future
        cancels the request.
        """
        port = self._live_port()
        future: asyncio.Future[Response[Any]] = port.loop.create_future()
        template = port.templates.get(model, 0, options)
        number = port.enqueue(template, payload, future, options)

        def ended(done: asyncio.Future[Any], _owner: AsyncManager = self) -> None:
            if done.cancelled():  # until then the future keeps its manager
                port.cancel(number)

        future.add_done_callback(ended)
        return future

    def call(
        self, model: str, payload: Any, **options: Unpack[w.RequestOptions]
    ) -> Coroutine[Any, Any, Response[Any]]:
        """Hands over a request and waits for its response; to be awaited, or made a task.

        Raises:
            Error: It was refused, or failed; `error.response` tells the rest.

        """
        # Only the inner one is a coroutine, so that no request keeps an empty dictionary.
        return self._call(model, payload, options or None)

    async def _call(
        self, model: str, payload: Any, options: Mapping[str, Any] | None
    ) -> Response[Any]:
        port = self._port
        if port is None or port.ended or port.loop is not asyncio.get_running_loop():
            port = self._live_port()
        future: asyncio.Future[Response[Any]] = port.create_future()
        template = port.templates.simplest.get(model) if options is None else None
        if template is None:
            template = port.templates.get(model, 0, options or {})
        number = port.enqueue(template, payload, future, options)
        try:
            return await future
        except asyncio.CancelledError:
            port.cancel(number)
            raise

    async def call_many(
        self, model: str, payloads: Iterable[Any], **options: Unpack[w.RequestOptions]
    ) -> list[Response[Any]]:
        """Hands over many requests of one model and waits for all: the fastest form.

        Gives a response for each, in the order of the payloads, also for those that were refused or
        failed: `response.ok` tells, `response.raise_for_status()` raises.
        """
        payloads = list(payloads)
        if not payloads:
            return []
        port = self._live_port()
        done = port.loop.create_future()

        def finished() -> None:
            if not done.done():
                done.set_result(None)

        gather = submit_gathered(port, model, payloads, options, finished)
        try:
            await done
        except asyncio.CancelledError:
            for request_id in gather.pending_ids():
                lib.llmq_cancel(self._core.pointer, request_id)
            raise
        return gather.responses

    def stream(self, model: str, payload: Any, **options: Unpack[w.RequestOptions]) -> AsyncStream:
        """Hands over a request whose response is read chunk by chunk.

        What it is refused or fails with is raised by the stream.
        """
        port = self._live_port()
        inbox = AsyncInbox(port)
        template = port.templates.get(model, c.REQUEST_STREAM, options)
        inbox.number = port.enqueue(template, payload, inbox, options)
        return AsyncStream(self, inbox)

    def model(
        self,
        name: str,
        *,
        encode: Callable[[RequestT], Any],
        decode: Callable[[bytes], ResponseT],
    ) -> AsyncModel[RequestT, ResponseT]:
        """A model whose requests and answers have types; see AsyncModel."""
        return AsyncModel(self, name, encode, decode)

    # Run

    def set_processor(
        self, model: str, processor: AsyncProcessor, *, lease: float | None = None
    ) -> None:
        """Has the attempts of a model without a provider run by a coroutine function, as tasks.

        As Manager.set_processor; the function gets an AsyncJob, and its task is cancelled when the
        request ends. Belongs to the loop that runs now.
        """
        port = self._live_port()
        if self._workers is None or self._workers.port is not port:
            self._workers = LoopWorkers(self._core, port, port.loop)
        self._workers.set(model, processor, lease)

    def acquire(
        self, model: str, payload: Any = b"", **options: Unpack[w.RequestOptions]
    ) -> AsyncPermitWaiter:
        """Leave to make a call of this model elsewhere, when its limits have room.

        `async with manager.acquire("gpt-4o", body) as permit:` makes the call in the block;
        `permit = await manager.acquire(...)` leaves it to you to end it. Arguments as for
        Manager.acquire.
        """
        port = self._live_port()
        number = self._core.reserve(1)
        template = port.templates.get(model, 0, options)
        batch = w.Batch([template], [w.to_bytes(payload)], [number])
        return AsyncPermitWaiter(self, port, batch, number)

    def try_acquire(
        self, model: str, payload: Any = b"", **options: Unpack[w.RequestOptions]
    ) -> Permit | None:
        """As acquire, without waiting: None if there is no room now."""
        self._core.pointer  # noqa: B018  raises where it is closed or was inherited
        return try_acquire(self, w.single(model, w.to_bytes(payload), options))

    # End

    async def close(self, mode: Mode = "drain", timeout: float | None = None) -> None:
        """Ends the manager. Nothing can be submitted any more; what was, ends as `mode` says.

        Of a manager that `Manager.aio` gave, only the requests that were submitted here end.

        Args:
            mode: "drain" runs everything to its end, "cancel" only what runs already, "abort"
                cancels everything at once.
            timeout: Seconds until what is left is aborted; None = no bound.

        """
        number = mode_number(mode)
        if self._closed or not self._core.is_usable():
            self._closed = True
            return
        port = self._live_port()
        port.flush()
        self._closed = True
        self._ending.begin()
        try:
            if self._owner is None:
                await self._shutdown(port, number, timeout)
            else:
                await self._end_own(port, number, timeout)
        finally:
            if self._owner is None:
                self._core.destroy()
            if self._keys is not None:
                self._keys.end()
            while port.drain():
                pass
            port.detach()

    async def _shutdown(self, port: LoopPort, mode: int, timeout: float | None) -> None:
        closed = port.loop.create_future()

        def finished() -> None:
            if not closed.done():
                closed.set_result(None)

        number = self._core.reserve(1)
        port.waiting[number] = finished
        deadline = 0 if timeout is None else lib.llmq_now_ns() + max(0, int(timeout * 1e9)) or 1
        check(lib.llmq_manager_shutdown(self._core.pointer, mode, deadline, port.cq, number))
        await closed

    async def _end_own(self, port: LoopPort, mode: int, timeout: float | None) -> None:
        if mode == c.SHUTDOWN_DRAIN:
            await port.emptied(timeout)
        for number in port.live_numbers():
            if mode == c.SHUTDOWN_ABORT or self._waits(port.request_id(number)):
                port.cancel(number)
        await port.emptied(timeout)
        for number in port.live_numbers():
            port.cancel(number)
        await port.emptied(None)

    def _waits(self, request_id: int) -> bool:
        with contextlib.suppress(Error):
            return self.state(request_id) == c.State.PENDING
        return False

    async def __aenter__(self) -> AsyncManager:
        self._live_port()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close("drain" if exc is None else "abort")


def _abandon(core: Core | None, port: LoopPort) -> None:
    """Ends a manager that nobody refers to any more, from whichever thread finds out."""
    if core is not None and core.is_usable():
        core.release()
    with contextlib.suppress(RuntimeError):
        port.loop.call_soon_threadsafe(port.detach)
