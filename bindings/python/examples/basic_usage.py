"""A model, a limit, a call."""

import llmq

CONFIG = {"models": [{"name": "gpt-4o-mini", "provider": "mock", "rpm": 500, "concurrency": 8}]}

with llmq.Manager(CONFIG) as manager:
    body = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 20}
    response = manager.call("gpt-4o-mini", body)
    print(response.json()["choices"][0]["message"]["content"])
    print(f"waited {response.queued_s:.3f} s, ran {response.run_s:.3f} s, took {response.usage}")
