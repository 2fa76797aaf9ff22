"""llm_queue 0.3 on llmq: several limits, types, usage of tokens, requests nobody waits for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from llmq.compat.llm_queue import (
    ModelConfig,
    QueueManager,
    QueueRequest,
    RateLimiterConfig,
    RateLimiterType,
)


@dataclass
class Prompt:
    """What is asked."""

    text: str


@dataclass
class Answer:
    """What comes back."""

    text: str
    tokens: int


async def process(request: QueueRequest[Prompt]) -> Answer:
    """Stands for a call of an LLM. What it raises becomes the error of the response."""
    if not request.params.text:
        raise ValueError("there is no prompt")
    await asyncio.sleep(0.01)
    return Answer(request.params.text.upper(), tokens=7)


async def main() -> None:
    """One that is waited for, one that fails, one that is looked after later."""
    manager: QueueManager[Prompt, Answer] = QueueManager()
    limits = [
        RateLimiterConfig(type=RateLimiterType.RPM, limit=500),
        RateLimiterConfig(type=RateLimiterType.TPM, limit=30_000),
        RateLimiterConfig(type=RateLimiterType.CONCURRENT, limit=10),
    ]
    await manager.register_queue(ModelConfig(model_id="gpt-4", rate_limiters=limits), process)

    request = QueueRequest(
        model_id="gpt-4",
        params=Prompt("name a river"),
        estimated_input_tokens=10,
        estimated_output_tokens=50,
    )
    response = await manager.submit_request(request)
    assert response.result is not None
    print(response.status.value, response.result.text)
    await manager.update_token_usage(
        "gpt-4", request.id, input_tokens=3, output_tokens=response.result.tokens
    )
    for limit in manager.get_queue_info("gpt-4")["rate_limiters"]:
        print(limit["type"].value, limit["usage"], "of", limit["limit"])

    failed = await manager.submit_request(QueueRequest(model_id="gpt-4", params=Prompt("")))
    print(failed.status.value, failed.error)

    later = QueueRequest(model_id="gpt-4", params=Prompt("later"), wait_for_completion=False)
    print((await manager.submit_request(later)).status.value)
    queue = manager.queues["gpt-4"]
    await queue.shutdown()
    status = await queue.get_status(later.id)
    assert status is not None
    print(status.status.value, status.result)
    await manager.shutdown_all()


asyncio.run(main())
