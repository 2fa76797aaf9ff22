"""Takes over the client of an SDK: its calls wait for permits, and its answers teach the limits."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from . import _constants as c
from ._aio import AsyncManager
from ._base import explain
from ._errors import ClosedError, UnknownModelError
from ._manager import Manager
from ._permit import Permit
from ._response import Usage

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._wire import RequestOptions

ClientT = TypeVar("ClientT")

_HTTP_LIBRARIES = ("httpx", "httpx2")
_STATUSES = {
    "rate_limit": c.Status.RATE_LIMITED,
    "quota": c.Status.QUOTA_EXHAUSTED,
    "overloaded": c.Status.OVERLOADED,
    "server_error": c.Status.SERVER,
    "bad_request": c.Status.BAD_REQUEST,
    "context_length": c.Status.CONTEXT_TOO_LONG,
    "content_filter": c.Status.CONTENT_FILTER,
    "auth": c.Status.AUTH,
}
_OPERATIONS = {
    "completions": c.Operation.CHAT,
    "embeddings": c.Operation.EMBEDDINGS,
    "messages": c.Operation.MESSAGES,
    "responses": c.Operation.RESPONSES,
}
_LAST_EVENTS = (b"[DONE]", b"message_stop", b"response.completed")
_LEAST_DELAY, _MOST_DELAY = 0.5, 30.0


def wrap(
    client: ClientT,
    manager: Manager | AsyncManager | None = None,
    *,
    provider: str | None = None,
    attempts: int | None = None,
    **options: Unpack[RequestOptions],
) -> ClientT:
    """Gives a client like this one whose calls keep the limits of a manager.

    `client = llmq.wrap(OpenAI())` is all. Each call waits for a permit of the model that its body
    names; headers and usage of the answer, and refusals, teach the limits; the SDK's own retries
    are off, and calls that deserve it are tried again with a permit of their own. A streamed answer
    gives its permit back at its end. Where the model falls back (fallback.models), the body names
    the model that the permit is for; address and key stay the client's.

    Args:
        client: Of `openai` or `anthropic`, for threads or asyncio; or of another SDK that stands on
            httpx and has `with_options(http_client=..., max_retries=...)`.
        manager: Whose limits; models must be registered there. None: the shared manager, in which
            models are made as they are called, and their limits learnt from the answers.
        provider: Whose answers they are, as in the setting model.*.provider. None: by the SDK.
        attempts: Most of each call. None: one more than the client's max_retries.
        **options: Of every call: tenant, priority, deadline of the wait.

    Raises:
        TypeError: The client has not the form that is needed.

    """
    inner = getattr(client, "_client", None)
    library = _http_library(inner)
    with_options = getattr(client, "with_options", None)
    if library is None or with_options is None:
        raise TypeError(f"{type(client).__name__} is no client of an SDK that stands on httpx")
    for_loop = isinstance(inner, library.AsyncClient)
    if isinstance(manager, AsyncManager) and not for_loop:
        raise TypeError("a client for threads needs a Manager, not an AsyncManager")
    if attempts is None:
        attempts = 1 + int(getattr(client, "max_retries", 0))
    calls = _Calls(manager, provider or _provider(client), attempts, options)
    build = _async_client if for_loop else _client
    wrapped: ClientT = with_options(http_client=build(library, inner, calls), max_retries=0)
    return wrapped


def _http_library(inner: Any) -> Any:
    for kind in type(inner).__mro__:
        name = kind.__module__.split(".", 1)[0]
        if name in _HTTP_LIBRARIES:
            return sys.modules[name]
    return None


def _provider(client: Any) -> str:
    module = type(client).__module__.split(".", 1)[0]
    if module == "anthropic":
        return "anthropic"
    return "azure" if "Azure" in type(client).__name__ else "openai"


@dataclass
class _Asked:
    """What a call asks for."""

    model: str
    body: bytes
    operation: c.Operation


class _Calls:
    """The permits of one wrapped client."""

    def __init__(
        self,
        manager: Manager | AsyncManager | None,
        provider: str,
        attempts: int,
        options: Mapping[str, Any],
    ) -> None:
        self.provider = provider
        self.attempts = attempts
        self._manager = manager
        self._options = options
        self._of_loops: weakref.WeakKeyDictionary[Any, AsyncManager] = weakref.WeakKeyDictionary()

    def asked(self, request: Any, body: bytes) -> _Asked | None:
        """What a call asks for; None of one that no limit counts, such as a list of models."""
        if request.method != "POST":
            return None
        try:
            model = json.loads(body)["model"]
        except (ValueError, LookupError, TypeError):
            return None
        last = request.url.path.rstrip("/").rsplit("/", 1)[-1]
        return _Asked(str(model), body, _OPERATIONS.get(last, c.Operation.CUSTOM))

    def acquire(self, asked: _Asked) -> Permit:
        """A permit, on a thread."""
        manager = self._manager or Manager.shared()
        assert isinstance(manager, Manager)
        options: Any = {"operation": asked.operation, **self._options}
        try:
            return manager.acquire(asked.model, asked.body, **options)
        except UnknownModelError:
            if self._manager is not None:
                raise
            self._make(manager, asked.model)
        return manager.acquire(asked.model, asked.body, **options)

    async def acquire_async(self, asked: _Asked) -> Permit:
        """A permit, in a loop."""
        manager = self._of_loop()
        options: Any = {"operation": asked.operation, **self._options}
        try:
            return await manager.acquire(asked.model, asked.body, **options)
        except UnknownModelError:
            if self._manager is not None:
                raise
            self._make(manager, asked.model)
        return await manager.acquire(asked.model, asked.body, **options)

    def pause(self, permit: Permit, seconds: float) -> None:
        """Waits before the next try, on a thread.

        Raises:
            ClosedError: The manager of the last permit gives no other one.

        """
        if permit._manager._ending.pause(seconds):
            raise ClosedError(c.ERR_CLOSED)

    async def pause_async(self, permit: Permit, seconds: float) -> None:
        """As pause, in a loop."""
        if await permit._manager._ending.pause_async(seconds):
            raise ClosedError(c.ERR_CLOSED)

    def _of_loop(self) -> AsyncManager:
        if isinstance(self._manager, AsyncManager):
            return self._manager
        owner = self._manager or Manager.shared()
        loop = asyncio.get_running_loop()
        manager = self._of_loops.get(loop)
        if manager is None or manager._owner is not owner:
            manager = self._of_loops[loop] = owner.aio()
        return manager

    def _make(self, manager: Manager | AsyncManager, model: str) -> None:
        charge = "realtime" if self.provider == "anthropic" else "arrival"
        made = {"name": model, "find_limits": True, "shape": "auto", "charge": charge}
        manager.register({"models": [made]}, skip_existing=True)

    def failed(self, permit: Permit, response: Any, number: int) -> float | None:
        """Tells of a refusal. Seconds until the call should be made again; None: it should not."""
        told = self._explain(response.status_code, response.headers, response.text)
        wait = told.get("retry_after_ms")
        retry_after = None if wait is None else wait / 1e3
        status = _STATUSES.get(told.get("error_class") or "", c.Status.UNKNOWN)
        permit.report_limits(response.headers)
        permit.fail(status, response.text[:200], retry_after)
        if not told.get("retryable") or number >= self.attempts:
            return None
        if status is c.Status.RATE_LIMITED and retry_after is not None:
            return 0.0  # the next permit comes no earlier
        return max(retry_after or 0.0, _delay(number))

    def broken(self, permit: Permit, library: Any, problem: Exception, number: int) -> float | None:
        """Tells of a call without an answer. As failed."""
        late = isinstance(problem, library.TimeoutException)
        permit.fail(c.Status.TIMEOUT if late else c.Status.TRANSPORT, str(problem)[:200])
        return _delay(number) if number < self.attempts else None

    def went_well(self, permit: Permit, response: Any) -> None:
        """Ends a permit with the usage that the whole answer tells."""
        told = self._explain(response.status_code, response.headers, response.text).get("usage")
        usage = None
        if told is not None:
            usage = Usage(
                told.get("input_tokens") or 0,
                told.get("output_tokens") or 0,
                told.get("cached_input_tokens") or 0,
            )
        permit.release(usage)

    def _explain(self, status: int, headers: Any, body: str) -> dict[str, Any]:
        lines: dict[str, list[str]] = {}
        for name, value in headers.multi_items():
            lines.setdefault(name, []).append(value)
        return explain(self.provider, {"status": status, "headers": lines, "body": body})


def _delay(number: int) -> float:
    most = min(_MOST_DELAY, _LEAST_DELAY * 3**number)
    return random.uniform(_LEAST_DELAY, most)


def _directed(library: Any, request: Any, asked: _Asked, permit: Permit) -> Any:
    """The request as it goes to the model of its permit: perhaps one that this fell back to."""
    if permit.model == asked.model:
        return request
    body = json.dumps({**json.loads(asked.body), "model": permit.model}).encode()
    headers = request.headers.copy()
    headers["content-length"] = str(len(body))
    return library.Request(
        request.method, request.url, headers=headers, content=body, extensions=request.extensions
    )


def _whole(library: Any, response: Any, raw: bytes) -> Any:
    """An answer that has been read, for who wants its text."""
    return library.Response(response.status_code, headers=response.headers, content=raw)


class _Answer:
    """The bytes of an answer, at whose end its permit ends. For threads and loops."""

    def __init__(self, library: Any, response: Any, permit: Permit, calls: _Calls) -> None:
        self._library = library
        self._response = response
        self._permit = permit
        self._calls = calls
        self._raw: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._response.iter_raw():
                self._came(piece)
                yield piece
        except self._library.TransportError as problem:
            self._broke(problem)
            raise
        self._ended()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.aiter_raw():
                self._came(piece)
                yield piece
        except self._library.TransportError as problem:
            self._broke(problem)
            raise
        self._ended()

    def close(self) -> None:
        """Called by the client: at the end, or before if nobody reads on."""
        self._response.close()
        self._left()

    async def aclose(self) -> None:
        """As close, in a loop."""
        await self._response.aclose()
        self._left()

    def _came(self, piece: bytes) -> None:
        self._raw.append(piece)
        self._permit.heartbeat()

    def _ended(self) -> None:
        if not self._permit.ended:
            whole = _whole(self._library, self._response, b"".join(self._raw))
            self._calls.went_well(self._permit, whole)

    def _broke(self, problem: Exception) -> None:
        if not self._permit.ended:
            self._permit.fail(c.Status.TRANSPORT, str(problem)[:200])

    def _left(self) -> None:
        # SDKs stop at the last event of a stream, which is not the last of its bytes.
        if any(end in b"".join(self._raw[-3:]) for end in _LAST_EVENTS):
            self._ended()
        elif not self._permit.ended:
            self._permit.release()


def _client(library: Any, inner: Any, calls: _Calls) -> Any:
    class Answer(_Answer, library.SyncByteStream):  # type: ignore[misc]
        pass

    class Transport(library.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            asked = calls.asked(request, request.read())
            if asked is None:
                return _passed(library, inner.send(request, stream=True))
            number = 0
            while True:
                number += 1
                permit = calls.acquire(asked)
                try:
                    response = inner.send(_directed(library, request, asked, permit), stream=True)
                except library.TransportError as problem:
                    delay = calls.broken(permit, library, problem, number)
                    if delay is None:
                        raise
                except BaseException:
                    permit.release(Usage())
                    raise
                else:
                    if response.status_code < 400:
                        permit.report_limits(response.headers)
                        return _answer(library, response, Answer(library, response, permit, calls))
                    response = _whole(library, response, b"".join(response.iter_raw()))
                    delay = calls.failed(permit, response, number)
                    if delay is None:
                        return response
                calls.pause(permit, delay)

        def close(self) -> None:
            inner.close()

    return library.Client(transport=Transport(), base_url=inner.base_url, timeout=inner.timeout)


def _async_client(library: Any, inner: Any, calls: _Calls) -> Any:
    class Answer(_Answer, library.AsyncByteStream):  # type: ignore[misc]
        pass

    class Transport(library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            asked = calls.asked(request, await request.aread())
            if asked is None:
                return _passed(library, await inner.send(request, stream=True))
            number = 0
            while True:
                number += 1
                permit = await calls.acquire_async(asked)
                try:
                    directed = _directed(library, request, asked, permit)
                    response = await inner.send(directed, stream=True)
                except library.TransportError as problem:
                    delay = calls.broken(permit, library, problem, number)
                    if delay is None:
                        raise
                except BaseException:
                    permit.release(Usage())
                    raise
                else:
                    if response.status_code < 400:
                        permit.report_limits(response.headers)
                        return _answer(library, response, Answer(library, response, permit, calls))
                    raw = [piece async for piece in response.aiter_raw()]
                    response = _whole(library, response, b"".join(raw))
                    delay = calls.failed(permit, response, number)
                    if delay is None:
                        return response
                await calls.pause_async(permit, delay)

        async def aclose(self) -> None:
            await inner.aclose()

    return library.AsyncClient(
        transport=Transport(), base_url=inner.base_url, timeout=inner.timeout
    )


def _answer(library: Any, response: Any, stream: Any) -> Any:
    return library.Response(
        response.status_code,
        headers=response.headers,
        stream=stream,
        extensions=response.extensions,
    )


def _passed(library: Any, response: Any) -> Any:
    return _answer(library, response, response.stream)
