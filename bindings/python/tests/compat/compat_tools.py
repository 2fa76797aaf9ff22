import asyncio

import pytest

from llmq.compat.llm_queue import QueueManager

#: Longest that anything may take on a busy machine; never waited for when all is well.
LONG = 60


def run(main):
    """Runs a coroutine in an event loop of its own."""
    return asyncio.run(asyncio.wait_for(main, LONG))


class Held:
    """A processor that tells what has begun, and goes on when it is let."""

    def __init__(self):
        self.begun = []
        self.running = self.most = 0
        self._more = asyncio.Condition()
        self._go = asyncio.Event()

    async def __call__(self, request):
        async with self._more:
            self.begun.append(request)
            self.running += 1
            self.most = max(self.most, self.running)
            self._more.notify_all()
        await self._go.wait()
        self.running -= 1
        return request.params

    async def until(self, count):
        """Waits until so many have begun."""
        async with self._more:
            await self._more.wait_for(lambda: len(self.begun) >= count)

    def let(self):
        """Lets all go on."""
        self._go.set()


async def echo(request):
    """Gives back the params themselves."""
    return request.params


@pytest.fixture(autouse=True)
def fresh():
    """Each test of a module that imports this has a manager of its own."""
    yield
    QueueManager.reset_instance()
