"""Runs calls to LLM APIs as early as their limits allow, in order, each answered once.

    import llmq

    config = {"models": [{"name": "gpt-4o-mini", "provider": "openai", "rpm": 500}]}
    with llmq.Manager(config) as manager:
        response = manager.call("gpt-4o-mini", {"messages": [...]})
        print(response.json())

`llmq.AsyncManager` is the same for asyncio.
"""

from __future__ import annotations

from ._aio import AsyncManager
from ._base import Mode, Stats, WaitEstimate, explain
from ._config import ConfigSource
from ._constants import (
    BreakerState,
    Features,
    HookType,
    Operation,
    Priority,
    State,
    Status,
)
from ._core import OnFork
from ._errors import (
    AbandonedError,
    AttemptTimeoutError,
    AuthError,
    BadRequestError,
    BudgetError,
    ClosedError,
    ContentFilterError,
    ContextTooLongError,
    DeadlineError,
    Error,
    ForkedError,
    InvalidArgumentError,
    ModelExistsError,
    OverloadedError,
    OversizeError,
    ProcessingError,
    QueueFullError,
    QuotaExhaustedError,
    RateLimitedError,
    RequestCancelledError,
    ServerError,
    StaleError,
    TransportError,
    UnknownModelError,
    UnsupportedError,
)
from ._future import Future
from ._hooks import Hook, HookFunction
from ._jobs import AsyncJob, Job
from ._keys import AsyncKeyFunction, KeyFunction
from ._library import LibraryError, features, library_path, library_version
from ._manager import Manager
from ._model import AsyncModel, Model
from ._permit import Permit
from ._plan import plan
from ._response import Attempt, Chunk, Response, Usage
from ._stream import AsyncStream, Stream
from ._wire import Ref, Request, RequestOptions
from ._workers import AsyncProcessor, Processor
from ._wrap import wrap

__version__ = "0.1.0"

__all__ = [
    "AbandonedError",
    "AsyncJob",
    "AsyncKeyFunction",
    "AsyncManager",
    "AsyncModel",
    "AsyncProcessor",
    "AsyncStream",
    "Attempt",
    "AttemptTimeoutError",
    "AuthError",
    "BadRequestError",
    "BreakerState",
    "BudgetError",
    "Chunk",
    "ClosedError",
    "ConfigSource",
    "ContentFilterError",
    "ContextTooLongError",
    "DeadlineError",
    "Error",
    "Features",
    "ForkedError",
    "Future",
    "Hook",
    "HookFunction",
    "HookType",
    "InvalidArgumentError",
    "Job",
    "KeyFunction",
    "LibraryError",
    "Manager",
    "Mode",
    "Model",
    "ModelExistsError",
    "OnFork",
    "Operation",
    "OverloadedError",
    "OversizeError",
    "Permit",
    "Priority",
    "ProcessingError",
    "Processor",
    "QueueFullError",
    "QuotaExhaustedError",
    "RateLimitedError",
    "Ref",
    "Request",
    "RequestCancelledError",
    "RequestOptions",
    "Response",
    "ServerError",
    "StaleError",
    "State",
    "Stats",
    "Status",
    "Stream",
    "TransportError",
    "UnknownModelError",
    "UnsupportedError",
    "Usage",
    "WaitEstimate",
    "explain",
    "features",
    "library_path",
    "library_version",
    "plan",
    "wrap",
]
