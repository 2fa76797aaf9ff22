"""What goes into queues and comes out of them.

All are ordinary objects whose fields hold what they were given: nothing is copied or serialised.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Generic, TypeVar, cast

from .exceptions import InvalidConfiguration

P = TypeVar("P")
T = TypeVar("T")
EnumT = TypeVar("EnumT", bound=Enum)


class RateLimiterType(str, Enum):
    """What a limit counts, and over which time unless it says its own."""

    RPM = "rpm"
    """Requests per minute."""
    RPD = "rpd"
    """Requests per day."""
    TPM = "tpm"
    """Tokens per minute, input and output together."""
    TPD = "tpd"
    """Tokens per day, input and output together."""
    ITPM = "itpm"
    """Input tokens per minute."""
    OTPM = "otpm"
    """Output tokens per minute."""
    CONCURRENT = "concurrent"
    """Requests at a time."""


class RateLimiterMode(str, Enum):
    """What the one limit of the 0.1 form counts."""

    REQUESTS_PER_PERIOD = "requests_per_period"
    """Requests in the time that the limit counts over."""
    CONCURRENT_REQUESTS = "concurrent_requests"
    """Requests at a time."""


class RequestStatus(str, Enum):
    """Where a request is."""

    PENDING = "pending"
    """It waits for its turn."""
    PROCESSING = "processing"
    """Its processor runs."""
    COMPLETED = "completed"
    """The processor gave a result."""
    FAILED = "failed"
    """It has ended without one: the error says why."""


class OneOrTwo:
    """A generic class of requests and results that takes the one parameter of 0.1, too."""

    def __class_getitem__(cls, params: Any) -> Any:
        """Of one parameter, which is the type of results, the type of requests is Any."""
        both = params if isinstance(params, tuple) else (Any, params)
        return super().__class_getitem__(both)  # type: ignore[misc]


class _Record:
    def model_dump(self) -> dict[str, Any]:
        """The fields by name; values are the objects themselves."""
        return {each.name: getattr(self, each.name) for each in fields(cast(Any, self))}


@dataclass
class RateLimiterConfig(_Record):
    """One limit of a model.

    Args:
        type: What it counts, as RateLimiterType or its value.
        limit: How much of it, at least 1.
        time_period: Over so many seconds; None = a minute or a day, as the type says.

    Raises:
        InvalidConfiguration: A value makes no sense.

    """

    type: RateLimiterType
    limit: int
    time_period: int | None = None

    def __post_init__(self) -> None:
        self.type = member(RateLimiterType, "type", self.type)
        check_count("limit", self.limit, least=1)
        if self.time_period is not None:
            check_count("time_period", self.time_period, least=1)


@dataclass
class ModelConfig(_Record):
    """A model and its limits, in either form.

    Args:
        model_id: Name of the model.
        rate_limiters: Limits, all of which hold (0.3).
        rate_limit: The one limit: requests per time_period or at a time (0.1). Where rate_limiters
            are given, these count alone.
        rate_limiter_mode: What rate_limit counts; None = requests per period.
        time_period: Seconds that rate_limit counts over.

    Raises:
        InvalidConfiguration: There is no limit, or a value makes no sense.

    """

    model_id: str
    rate_limiters: list[RateLimiterConfig] = field(default_factory=list)
    rate_limit: int | None = None
    rate_limiter_mode: RateLimiterMode | None = None
    time_period: int = 60

    def __post_init__(self) -> None:
        check_text("model_id", self.model_id)
        self.rate_limiters = [_limiter(each) for each in self.rate_limiters]
        if self.rate_limit is not None:
            check_count("rate_limit", self.rate_limit, least=1)
        elif not self.rate_limiters:
            raise InvalidConfiguration(
                f"model {self.model_id!r} has no limit: give rate_limiters or rate_limit"
            )
        if self.rate_limiter_mode is not None:
            self.rate_limiter_mode = member(
                RateLimiterMode, "rate_limiter_mode", self.rate_limiter_mode
            )
        check_count("time_period", self.time_period, least=1)


@dataclass
class QueueRequest(_Record, Generic[P]):
    """A request for a model.

    Args:
        model_id: Name of a registered model.
        params: What the processor works on: any object, passed by reference.
        metadata: More about it, by reference too; the whole of it in the 0.1 form.
        wait_for_completion: Whether submit_request waits for the end.
        estimated_input_tokens: Input tokens that limits of tokens expect; None = 0.
        estimated_output_tokens: Output tokens likewise; None = 0, and after 20 requests of the
            model whose usage was told what most of them took.
        id: Name of the request; None = one is made.

    Attributes:
        status: Where the request is.
        result: What the processor returned, once it has.
        error: Why it failed, if it did.
        actual_input_tokens: Input tokens used, if the processor set it or usage was told.
        actual_output_tokens: Output tokens likewise.
        created_at: When it was made, in seconds of time.time().

    """

    model_id: str
    params: P = cast(P, None)  # noqa: RUF009  None is the same for all
    wait_for_completion: bool = True
    estimated_input_tokens: int | None = None
    estimated_output_tokens: int | None = None
    metadata: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: float = field(default_factory=time.time)
    status: RequestStatus = RequestStatus.PENDING
    result: Any = None
    error: str | None = None
    actual_input_tokens: int | None = None
    actual_output_tokens: int | None = None

    def __post_init__(self) -> None:
        check_text("model_id", self.model_id)
        check_text("id", self.id)
        self.status = member(RequestStatus, "status", self.status)
        for name in _TOKENS:
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), least=0)


@dataclass
class QueueResponse(_Record, Generic[T]):
    """What a request came to, or where it is.

    Attributes:
        request_id: Id of the request.
        model_id: Name of its model.
        status: Where it is, or how it ended.
        result: What the processor returned: the object itself.
        error: Text of the exception that made it fail.
        processing_time: Seconds that the processor ran.
        created_at: When the request was made, in seconds of time.time().
        input_tokens_used: Input tokens used, if known.
        output_tokens_used: Output tokens used, if known.

    """

    request_id: str
    model_id: str
    status: RequestStatus
    result: T | None = None
    error: str | None = None
    processing_time: float | None = None
    created_at: float = field(default_factory=time.time)
    input_tokens_used: int | None = None
    output_tokens_used: int | None = None

    def __post_init__(self) -> None:
        self.status = member(RequestStatus, "status", self.status)


_TOKENS = (
    "estimated_input_tokens",
    "estimated_output_tokens",
    "actual_input_tokens",
    "actual_output_tokens",
)
_DAY = 86400
_MINUTE = 60
_DAILY = frozenset({RateLimiterType.RPD, RateLimiterType.TPD})


def period(limiter: RateLimiterConfig) -> int:
    """Seconds that a limit counts over."""
    return limiter.time_period or (_DAY if limiter.type in _DAILY else _MINUTE)


def limiters(config: ModelConfig) -> Sequence[RateLimiterConfig]:
    """The limits of a model, in whichever form they were given."""
    if config.rate_limiters:
        return config.rate_limiters
    assert config.rate_limit is not None
    if config.rate_limiter_mode == RateLimiterMode.CONCURRENT_REQUESTS:
        return [RateLimiterConfig(RateLimiterType.CONCURRENT, config.rate_limit)]
    return [RateLimiterConfig(RateLimiterType.RPM, config.rate_limit, config.time_period)]


def member(kind: type[EnumT], name: str, value: Any) -> EnumT:
    """The member of an enumeration that a value is, or is the value of."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise InvalidConfiguration(f"{name} must be one of {known}, not {value!r}") from None


def check_count(name: str, value: Any, *, least: int) -> None:
    """Raises InvalidConfiguration unless a value is an integer of at least that."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidConfiguration(f"{name} must be an integer, not {value!r}")
    if value < least:
        bound = "greater than 0" if least else "0 or more"
        raise InvalidConfiguration(f"{name} must be {bound}, not {value}")


def check_text(name: str, value: Any) -> None:
    """Raises InvalidConfiguration unless a value is a text."""
    if not isinstance(value, str):
        raise InvalidConfiguration(f"{name} must be a str, not {value!r}")


def _limiter(value: Any) -> RateLimiterConfig:
    if isinstance(value, RateLimiterConfig):
        return value
    if isinstance(value, Mapping):
        return RateLimiterConfig(**value)
    raise InvalidConfiguration(f"rate_limiters must hold RateLimiterConfig, not {value!r}")
