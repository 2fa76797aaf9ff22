"""Ten thousand calls in a loop, and an answer piece by piece."""

import asyncio

import llmq

CONFIG = {"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}
BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 20}


async def main() -> None:
    async with llmq.AsyncManager(CONFIG) as manager:
        answers = await asyncio.gather(*[manager.call("m", BODY) for _ in range(10_000)])
        print(sum(answer.ok for answer in answers), "answers")
        async with manager.stream("m", BODY) as stream:
            async for chunk in stream:
                for choice in chunk.json()["choices"]:
                    print(choice["delta"].get("content", ""), end="")
        print()


asyncio.run(main())
