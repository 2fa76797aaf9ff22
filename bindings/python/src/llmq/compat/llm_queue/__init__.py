"""What the package llm_queue offered, in both of its generations (0.1 and 0.3), on llmq.

    from llmq.compat.llm_queue import ModelConfig, QueueManager, QueueRequest

    manager = QueueManager()
    await manager.register_queue(ModelConfig(model_id="gpt-4", rate_limit=10), processor)
    response = await manager.submit_request(QueueRequest(model_id="gpt-4", params={"n": 1}))

Requests run side by side as far as the limits allow, each as early as they allow, started in
order. Params and results are the objects themselves. docs/migrating_from_llm_queue.md has the rest,
and the way to import this as `llm_queue`.
"""

from .exceptions import (
    InvalidConfiguration,
    LLMQueueException,
    ModelNotRegistered,
    ProcessingError,
    QueueTimeout,
    RateLimitExceeded,
)
from .manager import QueueManager
from .models import (
    ModelConfig,
    QueueRequest,
    QueueResponse,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RequestStatus,
)
from .queue import Queue
from .rate_limiter import RateLimiter
from .utils import Timer, get_logger, setup_logging, with_timeout

#: The generation that this offers, and that llmq offers it.
__version__ = "0.3.0+llmq"
__author__ = "The llmq authors"
__email__ = ""
__license__ = "MIT"

__all__ = [
    "InvalidConfiguration",
    "LLMQueueException",
    "ModelConfig",
    "ModelNotRegistered",
    "ProcessingError",
    "Queue",
    "QueueManager",
    "QueueRequest",
    "QueueResponse",
    "QueueTimeout",
    "RateLimitExceeded",
    "RateLimiter",
    "RateLimiterConfig",
    "RateLimiterMode",
    "RateLimiterType",
    "RequestStatus",
    "Timer",
    "__author__",
    "__email__",
    "__license__",
    "__version__",
    "get_logger",
    "setup_logging",
    "with_timeout",
]
