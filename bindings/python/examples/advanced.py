"""A processor of your own, tenants, priorities, deduplication, changes while it runs."""

import llmq

CONFIG = {
    "tenants": [{"name": "live", "weight": 4}, {"name": "batch", "weight": 1}],
    "models": [{"name": "own", "concurrency": 4}],
}


class Tokenizer:
    """Something that cannot be sent anywhere."""

    def count(self, text: str) -> int:
        return len(text.split())


def process(job: llmq.Job) -> llmq.Ref:
    tokenizer, text = job.object
    count = tokenizer.count(text)
    job.usage = llmq.Usage(input_tokens=count)
    return llmq.Ref({"tokens": count, "tenant": job.tenant})


with llmq.Manager(CONFIG) as manager:
    manager.set_processor("own", process)
    given = llmq.Ref((Tokenizer(), "one two three"))
    urgent = manager.submit("own", given, tenant="live", priority=llmq.Priority.URGENT)
    later = manager.submit("own", given, tenant="batch", priority=llmq.Priority.BATCH)
    print(urgent.result().value, later.result().value)

    manager.set("model.own.concurrency", 8)
    manager.register({"models": [{"name": "mock", "provider": "mock"}]})
    body = {"messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 5}
    same = [manager.submit("mock", body, dedup_key="river") for _ in range(3)]
    print([future.result().shared for future in same].count(True), "of 3 shared a call")
    print(manager.stats())
