"""Lets the rest of the program import `llmq.compat.llm_queue` as `llm_queue`.

    import llmq.compat.install  # before the first import of llm_queue

    from llm_queue import QueueManager

It holds for this process alone: nothing is written where packages are installed, so the older
package may be installed beside this one. A process uses one of the two: where the older one has
been imported already, this raises ImportError.
"""

from __future__ import annotations

import sys

from . import llm_queue as _home
from .llm_queue import exceptions, manager, models, queue, rate_limiter, utils

_OLD_NAME = "llm_queue"


def _install() -> None:
    there = sys.modules.get(_OLD_NAME)
    if there is _home:
        return
    if there is not None:
        raise ImportError(
            f"{_OLD_NAME} has been imported already, from {getattr(there, '__file__', None)}: "
            "import llmq.compat.install before it",
            name=_OLD_NAME,
        )
    for module in (exceptions, manager, models, queue, rate_limiter, utils):
        sys.modules[module.__name__.replace(_home.__name__, _OLD_NAME, 1)] = module
    sys.modules[_OLD_NAME] = _home


_install()
