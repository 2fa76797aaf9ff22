"""The built-in provider: no SDK. LLMQ_MOCK is the address of `llmq mock`."""

import os

import llmq

model = {"name": "gpt-4o-mini", "provider": "openai", "rpm": 500, "tpm": 200_000}
if "LLMQ_MOCK" in os.environ:
    model["base_url"] = os.environ["LLMQ_MOCK"]

with llmq.Manager({"models": [model]}) as manager:
    response = manager.call(
        "gpt-4o-mini",
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Name a river."}],
            "max_tokens": 20,
        },
    )
    print(response.json()["choices"][0]["message"]["content"])
    print("HTTP", response.http_status, response.provider_request_id, response.usage)
