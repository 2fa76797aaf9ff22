"""Configurations, requests, responses, enumerations and exceptions, in both generations."""

import time
import uuid

import pytest

import llmq.compat.llm_queue as home
from llmq.compat.llm_queue import (
    InvalidConfiguration,
    LLMQueueException,
    ModelConfig,
    ModelNotRegistered,
    ProcessingError,
    QueueRequest,
    QueueResponse,
    QueueTimeout,
    RateLimiterConfig,
    RateLimiterMode,
    RateLimiterType,
    RateLimitExceeded,
    RequestStatus,
)

GENERATION_0_1 = {
    "QueueManager Queue RateLimiter ModelConfig QueueRequest QueueResponse RateLimiterMode",
    "RequestStatus LLMQueueException RateLimitExceeded QueueTimeout ModelNotRegistered",
    "InvalidConfiguration ProcessingError setup_logging get_logger with_timeout Timer",
    "__version__ __author__ __email__ __license__",
}
GENERATION_0_3 = {
    "QueueManager Queue ModelConfig QueueRequest QueueResponse RateLimiterConfig RateLimiterType",
    *GENERATION_0_1,
}


@pytest.mark.parametrize("generation", [GENERATION_0_1, GENERATION_0_3])
def test_every_name_is_there(generation):
    names = {name for line in generation for name in line.split()}
    assert names <= set(home.__all__)
    assert all(hasattr(home, name) for name in home.__all__)


def test_exceptions_have_their_bases():
    for kind in (
        RateLimitExceeded,
        QueueTimeout,
        ModelNotRegistered,
        InvalidConfiguration,
        ProcessingError,
    ):
        assert kind.__bases__[0] is LLMQueueException
    assert LLMQueueException.__bases__ == (Exception,)
    assert issubclass(InvalidConfiguration, ValueError)
    assert not issubclass(ProcessingError, ValueError)


def test_config_in_the_form_of_0_1():
    config = ModelConfig(model_id="m", rate_limit=10)
    assert (config.rate_limit, config.time_period) == (10, 60)
    assert config.rate_limiters == []
    config = ModelConfig(
        model_id="m",
        rate_limit=5,
        rate_limiter_mode=RateLimiterMode.CONCURRENT_REQUESTS,
        time_period=30,
    )
    assert config.rate_limiter_mode is RateLimiterMode.CONCURRENT_REQUESTS
    assert config.time_period == 30


def test_config_in_the_form_of_0_3():
    limit = RateLimiterConfig(type=RateLimiterType.TPM, limit=1000, time_period=30)
    config = ModelConfig(model_id="m", rate_limiters=[limit])
    assert config.rate_limiters == [limit]
    assert config.rate_limit is None
    assert RateLimiterConfig(type=RateLimiterType.RPM, limit=1).time_period is None


def test_values_of_enumerations_and_mappings_are_taken():
    config = ModelConfig(
        model_id="m",
        rate_limit=1,
        rate_limiter_mode="concurrent_requests",
        rate_limiters=[{"type": "otpm", "limit": 5}],
    )
    assert config.rate_limiter_mode is RateLimiterMode.CONCURRENT_REQUESTS
    assert config.rate_limiters[0].type is RateLimiterType.OTPM


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ModelConfig(model_id="m"), "'m' has no limit"),
        (lambda: ModelConfig(model_id=7, rate_limit=1), "model_id must be a str, not 7"),
        (lambda: ModelConfig(model_id="m", rate_limit=0), "rate_limit must be greater than 0"),
        (lambda: ModelConfig(model_id="m", rate_limit=1.5), "rate_limit must be an integer"),
        (lambda: ModelConfig(model_id="m", rate_limit=True), "rate_limit must be an integer"),
        (lambda: ModelConfig(model_id="m", rate_limit=1, time_period=0), "time_period must be"),
        (
            lambda: ModelConfig(model_id="m", rate_limit=1, rate_limiter_mode="often"),
            "requests_per_period, concurrent_requests, not 'often'",
        ),
        (lambda: ModelConfig(model_id="m", rate_limiters=[7]), "RateLimiterConfig, not 7"),
        (lambda: RateLimiterConfig(type="often", limit=1), "type must be one of rpm, "),
        (lambda: RateLimiterConfig(type="rpm", limit=-1), "limit must be greater than 0, not -1"),
        (lambda: RateLimiterConfig(type="rpm", limit=1, time_period=-1), "time_period must be"),
        (lambda: QueueRequest(model_id="m", estimated_input_tokens=-1), "0 or more, not -1"),
        (lambda: QueueRequest(model_id="m", estimated_output_tokens="9"), "an integer, not '9'"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, told):
    with pytest.raises(InvalidConfiguration, match="^.*" + told.replace("(", r"\(")):
        make()


def test_enumerations_are_texts():
    assert RequestStatus.COMPLETED == "completed"
    assert [status.value for status in RequestStatus] == [
        "pending",
        "processing",
        "completed",
        "failed",
    ]
    assert [kind.name for kind in RateLimiterType] == [
        "RPM",
        "RPD",
        "TPM",
        "TPD",
        "ITPM",
        "OTPM",
        "CONCURRENT",
    ]
    assert all(kind.value == kind.name.lower() for kind in RateLimiterType)


def test_a_request_has_params_or_metadata():
    params, metadata = object(), {"prompt": "Hello"}
    assert QueueRequest(model_id="m", params=params).params is params
    request = QueueRequest(model_id="m", metadata=metadata)
    assert request.metadata is metadata
    assert request.params is None


def test_a_new_request():
    before = time.time()
    request = QueueRequest(model_id="m")
    assert before <= request.created_at <= time.time()
    assert uuid.UUID(request.id)
    assert request.id != QueueRequest(model_id="m").id
    assert QueueRequest(model_id="m", id="mine").id == "mine"
    assert request.status is RequestStatus.PENDING
    assert request.wait_for_completion is True
    assert request.result is request.error is None
    assert request.estimated_input_tokens is request.estimated_output_tokens is None
    assert request.actual_input_tokens is request.actual_output_tokens is None


def test_fields_by_name_are_the_objects_themselves():
    result = object()
    response = QueueResponse(request_id="r", model_id="m", status="completed", result=result)
    dumped = response.model_dump()
    assert dumped["result"] is result
    assert dumped["status"] is RequestStatus.COMPLETED
    assert set(dumped) == {
        "request_id",
        "model_id",
        "status",
        "result",
        "error",
        "processing_time",
        "created_at",
        "input_tokens_used",
        "output_tokens_used",
    }


def test_generics_keep_their_types():
    request = QueueRequest[bytes](model_id="m", params=b"x")
    assert request.__orig_class__.__args__ == (bytes,)
    response = QueueResponse[int](request_id="r", model_id="m", status="completed", result=1)
    assert response.__orig_class__.__args__ == (int,)
    assert home.QueueManager[str, int].__args__ == (str, int)
    assert home.QueueManager[int].__args__[1] is int
    assert home.Queue[str, int].__args__ == (str, int)
    assert home.Queue[int].__args__[1] is int
    assert home.QueueManager[str, int]() is home.QueueManager[int]() is home.QueueManager()
