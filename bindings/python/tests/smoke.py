"""What every version of Python must be able to do, with nothing installed but the package."""

import asyncio
import sys

import llmq

CONFIG = {"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}
BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}


async def in_a_loop() -> None:
    async with llmq.AsyncManager(CONFIG) as manager:
        answers = await asyncio.gather(*[manager.call("m", BODY) for _ in range(300)])
        assert all(answer.ok for answer in answers)
        assert [chunk async for chunk in manager.stream("m", BODY)]


with llmq.Manager(CONFIG) as shared:
    assert all(answer.ok for answer in shared.call_many("m", [BODY] * 300))
    assert list(shared.stream("m", BODY))
    try:
        shared.call("nobody", BODY)
    except llmq.UnknownModelError as error:
        assert "nobody" in str(error)
    else:
        sys.exit("a model that is not there was called")
asyncio.run(in_a_loop())
print(f"python {sys.version.split()[0]}: works with libllmq {llmq.library_version()}")
