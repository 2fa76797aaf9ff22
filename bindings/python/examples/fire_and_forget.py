"""Hand over and go on: the block ends when everything has its answer."""

import llmq

BODY = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}

with llmq.Manager({"models": [{"name": "m", "provider": "mock", "concurrency": 4}]}) as manager:
    for number in range(20):
        future = manager.submit("m", BODY, request_key=f"order-{number}")
        future.add_done_callback(lambda done: print(done.result().request_key, "is done"))
    print("all handed over")
