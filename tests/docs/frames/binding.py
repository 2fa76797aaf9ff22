"""What the parts of programs in bindings/python/README.md stand in: a manager, and stand-ins of what is not llmq's."""

from types import SimpleNamespace

import llmq

config = {"models": [{"name": name, "provider": "mock", "rpm": 6000} for name in ("gpt-4o", "gpt-4o-mini")]}
body = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 20}
bodies = [body] * 3
some_object, url = object(), "http://127.0.0.1:9"
requests = SimpleNamespace(post=lambda *_, **__: SimpleNamespace(headers={"x-ratelimit-limit-requests": "500"}))
vault = SimpleNamespace(read=lambda path: path)
metrics = SimpleNamespace(count=lambda *_, **__: None)
manager = llmq.Manager(config)
/* @SNIPPET@ */
manager.close()
