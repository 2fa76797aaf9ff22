"""A program of llm_queue 0.1 as it was, on llmq: one line was added, the first."""

import llmq.compat.install  # noqa: F401, I001  before the first import of llm_queue

import asyncio
from typing import Any

from llm_queue import ModelConfig, QueueManager, QueueRequest, RateLimiterMode


async def process(request: QueueRequest[Any]) -> dict[str, Any]:
    """Stands for a call of an LLM."""
    await asyncio.sleep(0.01)
    return {"text": f"{request.metadata['prompt']}, world"}


async def main() -> None:
    """Five requests, two at a time."""
    manager = QueueManager()
    config = ModelConfig(
        model_id="gpt-4", rate_limit=2, rate_limiter_mode=RateLimiterMode.CONCURRENT_REQUESTS
    )
    await manager.register_queue(config, process)
    responses = await asyncio.gather(
        *(
            manager.submit_request(QueueRequest(model_id="gpt-4", metadata={"prompt": greeting}))
            for greeting in ("Hello", "Salut", "Hallo", "Ciao", "Hej")
        )
    )
    for response in responses:
        print(response.status.value, response.result["text"])
    print(manager.get_queue_info("gpt-4")["rate_limiter_mode"])
    await manager.shutdown_all()


asyncio.run(main())
