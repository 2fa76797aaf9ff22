"""Many at once: an outcome for each, also for those that fail."""

import llmq

CONFIG = {"models": [{"name": "m", "provider": "mock", "tpm": 100_000, "mock": {"latency_ms": 0}}]}
bodies = [
    {"messages": [{"role": "user", "content": f"Name river {i}."}], "max_tokens": 5}
    for i in range(1000)
]
bodies[500]["max_tokens"] = 1_000_000  # more than the limit of tokens

with llmq.Manager(CONFIG) as manager:
    responses = manager.call_many("m", bodies, priority=llmq.Priority.BATCH)
    print(sum(response.ok for response in responses), "answers")
    for place, response in enumerate(responses):
        if not response.ok:
            print(f"number {place}: {response.error}")
