"""What a type checker sees: generics keep their types. Checked by lint.sh, run by nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmq.compat.llm_queue import (
    ModelConfig,
    Queue,
    QueueManager,
    QueueRequest,
    QueueResponse,
    RateLimiterConfig,
    RateLimiterType,
    with_timeout,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


@dataclass
class Prompt:
    """A type of requests."""

    text: str


@dataclass
class Answer:
    """A type of results."""

    text: str


async def ask(request: QueueRequest[Prompt]) -> Answer:
    """A processor."""
    assert_type(request.params, Prompt)
    return Answer(request.params.text)


def ask_on_thread(request: QueueRequest[Prompt]) -> Answer:
    """Another one."""
    return Answer(request.params.text)


CONFIG = ModelConfig(
    model_id="m", rate_limiters=[RateLimiterConfig(type=RateLimiterType.RPM, limit=1)]
)


async def with_types() -> None:
    """Both types."""
    manager: QueueManager[Prompt, Answer] = QueueManager()
    await manager.register_queue(CONFIG, ask)
    await manager.register_all_queues([CONFIG], ask_on_thread)
    request = QueueRequest(model_id="m", params=Prompt("Hello"))
    assert_type(request, QueueRequest[Prompt])
    response = await manager.submit_request(request)
    assert_type(response, QueueResponse[Answer])
    assert_type(response.result, "Answer | None")
    assert_type(await manager.get_status("m", request.id), "QueueResponse[Answer] | None")
    assert_type(await with_timeout(manager.submit_request, 1.0, request), QueueResponse[Answer])
    assert_type(manager.queues["m"], Queue[Prompt, Answer])
    queue: Queue[Prompt, Answer] = Queue("m", ask, rate_limit=1)
    assert_type(await queue.enqueue(request), QueueResponse[Answer])
    await manager.submit_request(QueueRequest(model_id="m", params=7))  # type: ignore[arg-type]


async def without_types() -> None:
    """Neither."""

    async def processor(request: QueueRequest[Any]) -> dict[str, Any]:
        return {"metadata": request.metadata}

    manager: QueueManager[Any, Any] = QueueManager()
    await manager.register_queue(ModelConfig(model_id="m", rate_limit=1), processor)
    request: QueueRequest[Any] = QueueRequest(model_id="m", metadata={"a": 1})
    assert_type(await manager.submit_request(request), QueueResponse[Any])
