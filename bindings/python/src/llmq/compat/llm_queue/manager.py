"""The queues of all models of a process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

from ._gate import Gate
from .exceptions import InvalidConfiguration, ModelNotRegistered
from .models import ModelConfig, OneOrTwo, QueueRequest, QueueResponse
from .queue import Processor, Queue

P = TypeVar("P")
T = TypeVar("T")


class QueueManager(OneOrTwo, Generic[P, T]):
    """The queues of all models: one for the process, however often it is made.

    May be used from several event loops, one after the other or at once. A forked process has
    queues of its own, of the same models, without the requests of its parent.

    Attributes:
        queues: The queues, by model_id.

    """

    _instance: ClassVar[QueueManager[Any, Any] | None] = None
    _lock: ClassVar[threading.RLock] = threading.RLock()

    queues: dict[str, Queue[P, T]]
    _gate: Gate | None

    def __new__(cls) -> QueueManager[P, T]:
        """The one that there is; made if there is none."""
        with QueueManager._lock:
            made = QueueManager._instance
            if made is None:
                made = super().__new__(cls)
                made.queues = {}
                made._gate = None
                QueueManager._instance = made
            return made

    async def register_queue(
        self, model_config: ModelConfig, processor_func: Processor[P, T]
    ) -> None:
        """Adds a model.

        Args:
            model_config: The model and its limits.
            processor_func: Gets each QueueRequest of the model and returns its result. A coroutine
                function runs in the event loop of the request, any other function on a thread.

        Raises:
            InvalidConfiguration: It is registered already, or a value makes no sense.

        """
        with self._lock:
            model_id = model_config.model_id
            if model_id in self.queues:
                raise InvalidConfiguration(f"model {model_id!r} is already registered")
            if self._gate is None:
                self._gate = Gate()
            self.queues[model_id] = Queue._over(model_config, processor_func, self._gate)

    async def register_all_queues(
        self, models: Iterable[ModelConfig], processor_func: Processor[P, T]
    ) -> None:
        """Adds models that share a processor; those that are registered already stay as they are.

        Raises:
            InvalidConfiguration: A value makes no sense.

        """
        for config in models:
            if config.model_id not in self.queues:
                await self.register_queue(config, processor_func)

    async def submit_request(self, request: QueueRequest[P]) -> QueueResponse[T]:
        """Hands over a request.

        Returns:
            How it ended: COMPLETED with the object that the processor returned, or FAILED with the
            text of what it raised. With wait_for_completion=False, at once that it is PENDING.

        Raises:
            ModelNotRegistered: There is no such model.
            RateLimitExceeded: Its estimates are more than one of the limits.

        """
        return await self._queue(request.model_id).enqueue(request)

    async def get_status(self, model_id: str, request_id: str) -> QueueResponse[T] | None:
        """Where a request is, or how it ended, with its result; None if it is unknown.

        The last 1,000 finished requests of each model are known.

        Raises:
            ModelNotRegistered: There is no such model.

        """
        return await self._queue(model_id).get_status(request_id)

    async def update_token_usage(
        self, model_id: str, request_id: str, input_tokens: int, output_tokens: int
    ) -> None:
        """Tells how many tokens a request took, running or finished; an unknown id is ignored.

        Raises:
            ModelNotRegistered: There is no such model.

        """
        await self._queue(model_id).update_token_usage(request_id, input_tokens, output_tokens)

    def get_registered_models(self) -> list[str]:
        """Names of the models, in the order in which they were registered."""
        return list(self.queues)

    def get_queue_info(self, model_id: str) -> dict[str, Any]:
        """The state of a model's queue.

        Returns:
            model_id, queue_size (requests that wait), rate_limiters (of each limit: type, limit,
            usage, available), and of the first limit rate_limiter_usage, rate_limit and
            rate_limiter_mode.

        Raises:
            ModelNotRegistered: There is no such model.

        """
        return self._queue(model_id).info()

    def get_all_queues_info(self) -> dict[str, dict[str, Any]]:
        """The state of each queue, by model_id."""
        return {model_id: queue.info() for model_id, queue in list(self.queues.items())}

    async def shutdown_all(self) -> None:
        """Waits until all requests are done, and forgets all models. It can be used again then."""
        queues = list(self.queues.values())
        for queue in queues:
            queue.close()
        await asyncio.gather(*(queue.shutdown() for queue in queues))
        with self._lock:
            for queue in queues:
                if self.queues.get(queue.model_id) is queue:
                    del self.queues[queue.model_id]
            gate = None
            if not self.queues:
                gate, self._gate = self._gate, None
        if gate is not None:
            await gate.close()

    @classmethod
    def reset_instance(cls) -> None:
        """Lets the next QueueManager() be a new one, for tests.

        Requests of the old one that still wait end as FAILED.
        """
        with QueueManager._lock:
            old = QueueManager._instance
            QueueManager._instance = None
        if old is not None:
            gate, old._gate = old._gate, None
            for queue in old.queues.values():
                queue.close()
            old.queues.clear()
            if gate is not None:
                gate.abort()

    @classmethod
    def _after_fork(cls) -> None:
        QueueManager._lock = threading.RLock()

    def _queue(self, model_id: str) -> Queue[P, T]:
        queue = self.queues.get(model_id)
        if queue is None:
            raise ModelNotRegistered(f"model {model_id!r} is not registered")
        return queue


os.register_at_fork(after_in_child=QueueManager._after_fork)
