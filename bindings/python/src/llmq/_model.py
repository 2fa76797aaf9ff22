"""Typed models: requests and answers as types of the program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._future import Future
from ._response import Response, with_decoder

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._aio import AsyncManager
    from ._manager import Manager
    from ._wire import RequestOptions

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class Model(Generic[RequestT, ResponseT]):
    """A model whose requests and answers have types.

    Args:
        manager: Who runs the calls.
        name: Of a model that is registered there.
        encode: Makes the payload of a request: bytes, text, or what is sent as JSON.
        decode: Makes the answer of the payload of a response. Called when `response.value` is read
            for the first time; what it raises is raised there.

    """

    def __init__(
        self,
        manager: Manager,
        name: str,
        encode: Callable[[RequestT], Any],
        decode: Callable[[bytes], ResponseT],
    ) -> None:
        self.name = name
        self._manager = manager
        self._encode = encode
        self._decode = decode

    def submit(self, request: RequestT, **options: Unpack[RequestOptions]) -> Future[ResponseT]:
        """As Manager.submit."""
        future = self._manager.submit(self.name, self._encode(request), **options)
        future.decode_with(self._decode)
        return future

    def call(self, request: RequestT, **options: Unpack[RequestOptions]) -> Response[ResponseT]:
        """As Manager.call."""
        response = self._manager.call(self.name, self._encode(request), **options)
        return with_decoder(response, self._decode)

    def call_many(
        self, requests: Iterable[RequestT], **options: Unpack[RequestOptions]
    ) -> list[Response[ResponseT]]:
        """As Manager.call_many."""
        bodies = [self._encode(request) for request in requests]
        responses = self._manager.call_many(self.name, bodies, **options)
        return [with_decoder(response, self._decode) for response in responses]


class AsyncModel(Generic[RequestT, ResponseT]):
    """As Model, for asyncio."""

    def __init__(
        self,
        manager: AsyncManager,
        name: str,
        encode: Callable[[RequestT], Any],
        decode: Callable[[bytes], ResponseT],
    ) -> None:
        self.name = name
        self._manager = manager
        self._encode = encode
        self._decode = decode

    def submit(
        self, request: RequestT, **options: Unpack[RequestOptions]
    ) -> asyncio.Task[Response[ResponseT]]:
        """As AsyncManager.submit; a task that may be awaited or not."""
        return asyncio.get_running_loop().create_task(self.call(request, **options))

    async def call(
        self, request: RequestT, **options: Unpack[RequestOptions]
    ) -> Response[ResponseT]:
        """As AsyncManager.call."""
        response = await self._manager.call(self.name, self._encode(request), **options)
        return with_decoder(response, self._decode)

    async def call_many(
        self, requests: Iterable[RequestT], **options: Unpack[RequestOptions]
    ) -> list[Response[ResponseT]]:
        """As AsyncManager.call_many."""
        bodies = [self._encode(request) for request in requests]
        responses = await self._manager.call_many(self.name, bodies, **options)
        return [with_decoder(response, self._decode) for response in responses]
