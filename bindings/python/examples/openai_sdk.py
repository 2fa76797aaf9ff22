"""OpenAI's client under the limits of a manager. LLMQ_MOCK is the address of `llmq mock`."""

import os

from openai import OpenAI

import llmq

mock = os.environ.get("LLMQ_MOCK")
client = OpenAI(api_key="none", base_url=f"{mock}/v1") if mock else OpenAI()
CONFIG = {"models": [{"name": "gpt-4o-mini", "rpm": 500, "concurrency": 8}]}
ASK = [{"role": "user", "content": "Name a river."}]

with llmq.Manager(CONFIG) as manager:
    client = llmq.wrap(client, manager)
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, max_tokens=20)
    print(answer.choices[0].message.content)
    for chunk in client.chat.completions.create(
        model="gpt-4o-mini", messages=ASK, max_tokens=20, stream=True
    ):
        for choice in chunk.choices:
            print(choice.delta.content or "", end="")
    print()
