"""aiolimiter for requests and for tokens around the openai SDK."""
from aiolimiter import AsyncLimiter
from openai import AsyncOpenAI

from common import BASE_URL, PERIOD_S, REQUESTS, RETRIES, TOKENS, run_all, tokens_of

# Ten retries; the SDK's default is two.
client = AsyncOpenAI(base_url=BASE_URL, api_key="none", max_retries=RETRIES)
requests = AsyncLimiter(REQUESTS, PERIOD_S)
tokens = AsyncLimiter(TOKENS, PERIOD_S)


async def call(body):
    await requests.acquire()
    await tokens.acquire(tokens_of(body))
    await client.chat.completions.create(**body)


run_all(call)
