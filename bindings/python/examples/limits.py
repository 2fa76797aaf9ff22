"""Concurrency bounds how many run; a limit per period how many start. Several hold together."""

import time

import llmq

BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}
MOCK = {"provider": "mock", "mock": {"latency_ms": 100}}
CONFIG = {
    "models": [
        {"name": "concurrent", "limits": [{"concurrency": 2}], **MOCK},
        {"name": "per period", "limits": [{"requests": 5, "per": "1s"}], **MOCK},
        {
            "name": "several",
            "limits": [
                {"requests": 5, "per": "1s"},
                {"tokens": 100_000, "per": "1m"},
                {"concurrency": 2},
            ],
            **MOCK,
        },
    ]
}

with llmq.Manager(CONFIG) as manager:
    for name in manager.models():
        begin = time.monotonic()
        manager.call_many(name, [BODY] * 10)
        print(f"{name}: 10 calls in {time.monotonic() - begin:.1f} s")
