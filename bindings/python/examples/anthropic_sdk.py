"""Anthropic's client under the limits of a manager. LLMQ_MOCK is the address of `llmq mock`."""

import os

from anthropic import Anthropic

import llmq

mock = os.environ.get("LLMQ_MOCK")
client = Anthropic(api_key="none", base_url=mock) if mock else Anthropic()
CONFIG = {"models": [{"name": "claude-haiku", "rpm": 50, "itpm": 50_000, "otpm": 10_000}]}

with llmq.Manager(CONFIG) as manager:
    client = llmq.wrap(client, manager)
    answer = client.messages.create(
        model="claude-haiku",
        max_tokens=20,
        messages=[{"role": "user", "content": "Name a river."}],
    )
    print(answer.content[0].text, answer.usage.output_tokens)
