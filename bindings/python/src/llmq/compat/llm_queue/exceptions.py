"""Errors of llm_queue."""


class LLMQueueException(Exception):  # noqa: N818  programs catch it by that name
    """Base of all errors of llm_queue."""


class RateLimitExceeded(LLMQueueException):
    """The request alone is larger than one of its limits: it could never start."""


class QueueTimeout(LLMQueueException):
    """A queue took too long. For programs to raise and catch; llm_queue raises it nowhere."""


class ModelNotRegistered(LLMQueueException):
    """No model of that name is registered."""


class InvalidConfiguration(LLMQueueException, ValueError):  # noqa: N818  likewise
    """A model, a limit or a request has a value that makes no sense."""


class ProcessingError(LLMQueueException):
    """A processor failed. For processors to raise: its text becomes the error of the response."""
