"""Takes over the client of an SDK: its calls wait for permits, and its answers teach the limits."""

from __future__ import annotations

import asyncio
import contextlib
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
#: Of SDKs whose clients do not tell how often they try again.
_RETRIES = 2
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
        provider: Whose answers they are, as in the setting model.*.provider. None: by the SDK, the
            host and the path of a call.
        attempts: Most of each call. None: one more than the client's max_retries, or 3 of a client
            that does not tell.
        **options: Of every call: tenant, priority, deadline of the wait.

    Raises:
        TypeError: The client has not the form that is needed.
        InvalidArgumentError: The provider is not known.

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
        attempts = 1 + int(getattr(client, "max_retries", _RETRIES))
    if provider is not None:
        explain(provider, {"status": 200})
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


def _provider(client: Any) -> str | None:
    """Whose answers an SDK reads; None: each call tells."""
    module = type(client).__module__.split(".", 1)[0]
    if module == "anthropic":
        return "anthropic"
    return "azure" if "Azure" in type(client).__name__ else None


def _provider_of(url: Any) -> str:
    if url.path.rstrip("/").endswith("/messages"):
        return "anthropic"
    if url.host.endswith(".azure.com") or "/openai/deployments/" in url.path:
        return "azure"
    return "openai"


@dataclass
class _Asked:
    """What a call asks for."""

    model: str
    body: bytes
    operation: c.Operation
    provider: str


class _Calls:
    """The permits of one wrapped client."""

    def __init__(
        self,
        manager: Manager | AsyncManager | None,
        provider: str | None,
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
        operation = _OPERATIONS.get(last, c.Operation.CUSTOM)
        return _Asked(str(model), body, operation, self.provider or _provider_of(request.url))

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
            self._make(manager, asked)
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
            self._make(manager, asked)
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

    def _make(self, manager: Manager | AsyncManager, asked: _Asked) -> None:
        charge = "realtime" if asked.provider == "anthropic" else "arrival"
        made = {"name": asked.model, "find_limits": True, "shape": "auto", "charge": charge}
        manager.register({"models": [made]}, skip_existing=True)

    def failed(self, asked: _Asked, permit: Permit, response: Any, number: int) -> float | None:
        """Tells of a refusal. Seconds until the call should be made again; None: it should not."""
        told = _explain(asked, response)
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

    def left(self, permit: Permit, problem: BaseException) -> None:
        """Tells of a call that did not come to its end for another reason than its connection."""
        # A program that was interrupted may have been heard: what was reserved stays charged.
        if not permit.ended:
            permit.release(Usage() if isinstance(problem, Exception) else None)


def _explain(asked: _Asked, response: Any) -> dict[str, Any]:
    lines: dict[str, list[str]] = {}
    for name, value in response.headers.multi_items():
        lines.setdefault(name, []).append(value)
    record = {"status": response.status_code, "headers": lines, "body": response.text}
    return explain(asked.provider, record)


def _usage_of(asked: _Asked, response: Any) -> Usage | None:
    """The usage that a whole answer tells, if it does."""
    told = _explain(asked, response).get("usage")
    if told is None:
        return None
    return Usage(
        told.get("input_tokens") or 0,
        told.get("output_tokens") or 0,
        told.get("cached_input_tokens") or 0,
    )


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

    def __init__(self, library: Any, response: Any, permit: Permit, asked: _Asked) -> None:
        self._library = library
        self._response = response
        self._permit = permit
        self._asked = asked
        self._raw: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._response.iter_raw():
                self._came(piece)
                yield piece
        except self._library.TransportError as problem:
            self._broke(problem)
            raise
        except BaseException:  # also of whoever reads no further
            self._left()
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
        except BaseException:
            self._left()
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
        if self._permit.ended:
            return
        usage = None
        with contextlib.suppress(Exception):  # a body that cannot be read: so will the program see
            whole = _whole(self._library, self._response, b"".join(self._raw))
            usage = _usage_of(self._asked, whole)
        self._permit.release(usage)

    def _broke(self, problem: Exception) -> None:
        if not self._permit.ended:
            self._permit.fail(c.Status.TRANSPORT, str(problem)[:200])

    def _left(self) -> None:
        # SDKs stop at the last event of a stream, which is not the last of its bytes.
        if any(end in b"".join(self._raw[-3:]) for end in _LAST_EVENTS):
            self._ended()
        elif not self._permit.ended:
            self._permit.release()


def _beside(kind: Any, inner: Any, transport: Any) -> Any:
    """A client with what an SDK's own one has, whose calls go by that transport."""

    class Client(kind):  # type: ignore[misc]
        # Headers, parameters, cookies and the rest, as they are by then.
        def build_request(self, *given: Any, **more: Any) -> Any:
            return inner.build_request(*given, **more)

    return Client(transport=transport, base_url=inner.base_url, timeout=inner.timeout)


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
                    if response.status_code < 400:
                        permit.report_limits(response.headers)
                        return _answer(library, response, Answer(library, response, permit, asked))
                    response = _whole(library, response, _body(response))
                    delay = calls.failed(asked, permit, response, number)
                    if delay is None:
                        return response
                except (library.TransportError, library.DecodingError) as problem:
                    delay = calls.broken(permit, library, problem, number)
                    if delay is None:
                        raise
                except BaseException as problem:
                    calls.left(permit, problem)
                    raise
                calls.pause(permit, delay)

        def close(self) -> None:
            inner.close()

    return _beside(library.Client, inner, Transport())


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
                    if response.status_code < 400:
                        permit.report_limits(response.headers)
                        return _answer(library, response, Answer(library, response, permit, asked))
                    response = _whole(library, response, await _body_async(response))
                    delay = calls.failed(asked, permit, response, number)
                    if delay is None:
                        return response
                except (library.TransportError, library.DecodingError) as problem:
                    delay = calls.broken(permit, library, problem, number)
                    if delay is None:
                        raise
                except BaseException as problem:
                    calls.left(permit, problem)
                    raise
                await calls.pause_async(permit, delay)

        async def aclose(self) -> None:
            await inner.aclose()

    return _beside(library.AsyncClient, inner, Transport())


def _body(response: Any) -> bytes:
    """The bytes of a refusal; its connection is free then, whatever happens."""
    try:
        return b"".join(response.iter_raw())
    finally:
        response.close()


async def _body_async(response: Any) -> bytes:
    try:
        return b"".join([piece async for piece in response.aiter_raw()])
    finally:
        await response.aclose()


def _answer(library: Any, response: Any, stream: Any) -> Any:
    return library.Response(
        response.status_code,
        headers=response.headers,
        stream=stream,
        extensions=response.extensions,
    )


def _passed(library: Any, response: Any) -> Any:
    return _answer(library, response, response.stream)
