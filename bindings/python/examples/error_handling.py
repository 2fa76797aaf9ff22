"""What may go wrong, and how it looks."""

import llmq

BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}
CONFIG = {
    "models": [
        {"name": "good", "provider": "mock", "tpm": 1000},
        {
            "name": "failing",
            "provider": "mock",
            "mock": {"latency_ms": 0, "fail_server": 1},
            "retry": {"max_attempts": 3, "base_ms": 1, "cap_ms": 1},
        },
        {"name": "silent", "provider": "mock", "mock": {"fail_hang": 1}},
    ]
}

try:
    llmq.Manager({"models": [{"name": "m", "rpm": "many"}]})
except llmq.InvalidArgumentError as error:
    print("configuration:", error)

with llmq.Manager(CONFIG) as manager:
    try:
        manager.call("nobody", BODY)
    except llmq.UnknownModelError as error:
        print("name:", error)
    try:
        manager.call("good", {**BODY, "max_tokens": 10_000})
    except llmq.OversizeError as error:
        print("size:", error)
    try:
        manager.call("failing", BODY)
    except llmq.ServerError as error:
        print("provider:", error.message, [attempt.status for attempt in error.response.history])
    try:
        manager.call("silent", BODY, deadline=0.1)
    except llmq.DeadlineError as error:
        print("time:", error)
