"""What the Python peers share: the requests, and one line of JSON at the end."""
import asyncio
import json
import math
import os
import signal
import sys

BASE_URL, FILE = sys.argv[1:3]
CONCURRENCY = 200
REQUESTS = 300
TOKENS = 60000
PERIOD_S = 6
RETRIES = 10

with open(FILE, encoding="utf-8") as lines:
    BODIES = [json.loads(line)["body"] for line in lines if line.strip()]


def tokens_of(body):
    """Exactly what the mock charges: a real client could not know better."""
    characters = sum(len(message["content"]) for message in body["messages"])
    return math.ceil(characters / 4) + body["max_tokens"]


def run_all(call):
    """call(body) is a coroutine function that makes one call as the peer's limiter allows."""
    counts = {"completed": 0, "failed": 0}

    def report():
        print(json.dumps(counts), flush=True)

    def stop(*_):
        report()
        os._exit(0)

    async def one(body, places):
        async with places:
            try:
                await call(body)
                counts["completed"] += 1
            except Exception as error:  # whatever a peer raises, the call is lost
                counts["failed"] += 1
                print(f"{type(error).__name__}: {error}", file=sys.stderr)

    async def everything():
        places = asyncio.Semaphore(CONCURRENCY)
        await asyncio.gather(*(one(body, places) for body in BODIES))

    signal.signal(signal.SIGTERM, stop)
    asyncio.run(everything())
    report()
    os._exit(0)  # not held up by what a peer leaves behind
