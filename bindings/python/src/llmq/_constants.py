# Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.
"""The constants of the C API: without LLMQ_, as numbers and as enumerations."""

from __future__ import annotations

import enum
from typing import Final

#: Major version of the header that this was made from.
VERSION_MAJOR: Final = 0
#: Minor version of that header.
VERSION_MINOR: Final = 1
#: Patch version of that header.
VERSION_PATCH: Final = 0
#: Number of the binary interface; compare with llmq_abi_version().
ABI_VERSION: Final = 0

# Status

#: It went well.
OK: Final = 0
#: NULL, wrong handle, wrong kind of id, bad struct_size or flag.
ERR_INVALID_ARG: Final = -1
#: Out of memory.
ERR_NOMEM: Final = -2
#: The manager has been shut down.
ERR_CLOSED: Final = -3
#: Shutdown has begun, or the model is being removed.
ERR_CLOSING: Final = -4
#: The handle was inherited through fork.
ERR_FORKED: Final = -5
#: Not yet: ask again later.
ERR_AGAIN: Final = -6
#: The time given for the wait or the attempt is over.
ERR_TIMEOUT: Final = -7
#: The caller cancelled the request.
ERR_CANCELLED: Final = -8
#: The request's deadline has passed, or cannot be met.
ERR_DEADLINE: Final = -9
#: max_pending or max_pending_bytes is reached, the manager's or the tenant's.
ERR_QUEUE_FULL: Final = -10
#: No model of that name is registered.
ERR_UNKNOWN_MODEL: Final = -11
#: A model of that name is registered already.
ERR_MODEL_EXISTS: Final = -12
#: No such configuration key.
ERR_UNKNOWN_KEY: Final = -13
#: The key is known, its value is not acceptable.
ERR_INVALID_VALUE: Final = -14
#: The request alone is larger than one of its limits.
ERR_OVERSIZE: Final = -15
#: The id names something that is gone.
ERR_STALE: Final = -16
#: It has ended before.
ERR_ALREADY_DONE: Final = -17
#: The call would block the loop thread that it was made on.
ERR_WRONG_THREAD: Final = -18
#: The provider refused the call for its rate (429).
ERR_RATE_LIMITED: Final = -19
#: The account's quota or money is used up.
ERR_QUOTA_EXHAUSTED: Final = -20
#: The provider is overloaded (503, 529).
ERR_OVERLOADED: Final = -21
#: The provider failed (5xx).
ERR_SERVER: Final = -22
#: The key was rejected (401, 403).
ERR_AUTH: Final = -23
#: The provider rejected the request itself (400, 404, 422).
ERR_BAD_REQUEST: Final = -24
#: More tokens than the model's context.
ERR_CONTEXT_TOO_LONG: Final = -25
#: Refused by the provider's content filter.
ERR_CONTENT_FILTER: Final = -26
#: A processor's own budget is used up; llmq itself ends no request so.
ERR_BUDGET: Final = -27
#: No answer: name resolution, connection, TLS, or a broken reply.
ERR_TRANSPORT: Final = -28
#: The processor reported its own failure; final.
ERR_PROCESSING: Final = -29
#: Whoever ran the attempt vanished without a report, or gave it up.
ERR_ABANDONED: Final = -30
#: Not in this build, or not possible for this model.
ERR_UNSUPPORTED: Final = -31
#: A mistake in llmq: please report it.
ERR_INTERNAL: Final = -32
#: A failure that fits no other class.
ERR_UNKNOWN: Final = -33

# State

#: Waits for its limits, or for a retry.
STATE_PENDING: Final = 1
#: An attempt runs.
STATE_PROCESSING: Final = 2
#: It has its answer.
STATE_COMPLETED: Final = 3
#: Its last attempt failed, or none could be made.
STATE_FAILED: Final = 4
#: By its caller, or by a shutdown.
STATE_CANCELLED: Final = 5
#: Its deadline passed first.
STATE_EXPIRED: Final = 6

# Priority

#: The same as NORMAL.
PRIORITY_DEFAULT: Final = 0
#: No later.
PRIORITY_URGENT: Final = 1
#: 30 s later.
PRIORITY_HIGH: Final = 2
#: 120 s later.
PRIORITY_NORMAL: Final = 3
#: 900 s later.
PRIORITY_BATCH: Final = 4

# Operation

#: Chat in the form of OpenAI's chat completions; built-in providers of another form get
#: it translated (docs/providers.md). Answers stay in the provider's own form.
OP_CHAT: Final = 0
#: Embeddings, likewise.
OP_EMBEDDINGS: Final = 1
#: Anthropic's messages, byte for byte.
OP_MESSAGES: Final = 2
#: OpenAI's responses, byte for byte.
OP_RESPONSES: Final = 3
#: A body of the provider's own form for its main operation, byte for byte. Processors
#: get what they were given: llmq does not look inside.
OP_CUSTOM: Final = 4

# RequestFlags

#: Keep the response, payload included, readable by id.
REQUEST_KEEP: Final = 1
#: Usage may be reported after the end (llmq_usage_update).
REQUEST_LATE_USAGE: Final = 2
#: Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then DONE with
#: all of it. A body with "stream": true asks for the same.
REQUEST_STREAM: Final = 4
#: Of a stream: an attempt that fails after output may be tried again. Its CHUNK events
#: begin anew then, with the next attempt number. Without it such a failure is the end.
REQUEST_RESTART: Final = 8

# EventFlags

#: READY: the caller takes chunks (llmq_attempt_chunk).
EVENT_STREAM: Final = 1
#: DONE: the usage is that of a call which another request has told already.
EVENT_SHARED: Final = 2
#: DONE: an answer from before; its usage was that call's, and nothing is counted.
EVENT_CACHED: Final = 4

# RegisterFlags

#: Leave known models alone instead of failing.
REGISTER_SKIP_EXISTING: Final = 1

# ShutdownMode

#: Run everything to its end (until the deadline, then as ABORT).
SHUTDOWN_DRAIN: Final = 0
#: Cancel what waits, let running attempts end (until the deadline).
SHUTDOWN_CANCEL: Final = 1
#: Cancel everything at once.
SHUTDOWN_ABORT: Final = 2

# EventType

#: The terminal event of a request.
EV_DONE: Final = 1
#: A piece of a streamed response, before its DONE. None comes of an attempt that is
#: tried again.
EV_CHUNK: Final = 2
#: An attempt may run now: what a processor or a worker is given.
EV_READY: Final = 3
#: The caller may make its call now (llmq_acquire). Terminal.
EV_PERMIT: Final = 4
#: The attempt has ended for llmq: whoever runs it should stop.
EV_CANCEL_REQUESTED: Final = 5
#: The shutdown that was asked for is complete.
EV_CLOSED: Final = 6
#: What a hook is told (llmq_set_hook_queue).
EV_HOOK: Final = 7
#: Nothing more comes of that hook.
EV_HOOK_ENDED: Final = 8
#: A provider's key is asked for (llmq_set_key_queue).
EV_KEY: Final = 9

# CqFdKind

#: An eventfd (Linux); elsewhere a pipe.
CQ_FD_EVENTFD: Final = 0
#: A pipe everywhere.
CQ_FD_PIPE: Final = 1

# LogLevel

#: Everything.
LOG_TRACE: Final = 0
#: Also how each request ended.
LOG_DEBUG: Final = 1
#: Also failed attempts, and models and limits that change.
LOG_INFO: Final = 2
#: What somebody should look at, such as a used-up quota.
LOG_WARN: Final = 3
#: What does not work.
LOG_ERROR: Final = 4
#: Nothing.
LOG_OFF: Final = 5

# Features

#: The built-in HTTP providers.
FEATURE_HTTP: Final = 1
#: `provider: mock`, in-process. Always set.
FEATURE_MOCK: Final = 2
#: Limits by calendar: weeks, months and time zones other than UTC.
FEATURE_CALENDAR: Final = 4

# HookType

#: The manager has taken it up.
HOOK_REQUEST_SUBMITTED: Final = 1
#: Every limit has room, and holds it for this attempt.
HOOK_ADMITTED: Final = 2
#: Handed to the processor or the provider's connection.
HOOK_ATTEMPT_STARTED: Final = 4
#: The first output of a streamed response.
HOOK_FIRST_BYTE: Final = 8
#: Well or not, or given up: on cancel, time-out, shutdown.
HOOK_ATTEMPT_FINISHED: Final = 16
#: The attempt has failed, and another one will follow.
HOOK_RETRIED: Final = 32
#: The circuit breaker of a deployment.
HOOK_BREAKER_CHANGED: Final = 64
#: What is enforced of a limit, by a setting, or by what answers have shown: told when
#: an answer of that deployment comes in, at the latest. Limits that each tenant has to
#: itself are not told of.
HOOK_LIMIT_CHANGED: Final = 128
#: The outcome of a request, whatever it is: just before its DONE.
HOOK_COMPLETED: Final = 256

# BreakerState

#: Calls go there.
BREAKER_CLOSED: Final = 0
#: No calls go there.
BREAKER_OPEN: Final = 1
#: A few calls find out whether it works again.
BREAKER_HALF_OPEN: Final = 2

# SizeofKind

#: llmq_request_t.
SIZEOF_REQUEST: Final = 1
#: llmq_usage_t.
SIZEOF_USAGE: Final = 2
#: llmq_event_t.
SIZEOF_EVENT: Final = 3
#: llmq_stats_t.
SIZEOF_STATS: Final = 4
#: llmq_wait_t.
SIZEOF_WAIT: Final = 5
#: llmq_hook_t.
SIZEOF_HOOK: Final = 6
#: llmq_outcome_t.
SIZEOF_OUTCOME: Final = 7

# ProbeFlags

#: send no request: the way to the provider, TLS included, and no more
PROBE_CONNECT_ONLY: Final = 1
#: ask for an embedding, not for a chat
PROBE_EMBEDDINGS: Final = 2


class Status(enum.IntEnum):
    """Status codes.

    Never renumbered, never reused; new ones are only appended.
    """

    #: It went well.
    OK = 0
    #: NULL, wrong handle, wrong kind of id, bad struct_size or flag.
    INVALID_ARG = -1
    #: Out of memory.
    NOMEM = -2
    #: The manager has been shut down.
    CLOSED = -3
    #: Shutdown has begun, or the model is being removed.
    CLOSING = -4
    #: The handle was inherited through fork.
    FORKED = -5
    #: Not yet: ask again later.
    AGAIN = -6
    #: The time given for the wait or the attempt is over.
    TIMEOUT = -7
    #: The caller cancelled the request.
    CANCELLED = -8
    #: The request's deadline has passed, or cannot be met.
    DEADLINE = -9
    #: max_pending or max_pending_bytes is reached, the manager's or the tenant's.
    QUEUE_FULL = -10
    #: No model of that name is registered.
    UNKNOWN_MODEL = -11
    #: A model of that name is registered already.
    MODEL_EXISTS = -12
    #: No such configuration key.
    UNKNOWN_KEY = -13
    #: The key is known, its value is not acceptable.
    INVALID_VALUE = -14
    #: The request alone is larger than one of its limits.
    OVERSIZE = -15
    #: The id names something that is gone.
    STALE = -16
    #: It has ended before.
    ALREADY_DONE = -17
    #: The call would block the loop thread that it was made on.
    WRONG_THREAD = -18
    #: The provider refused the call for its rate (429).
    RATE_LIMITED = -19
    #: The account's quota or money is used up.
    QUOTA_EXHAUSTED = -20
    #: The provider is overloaded (503, 529).
    OVERLOADED = -21
    #: The provider failed (5xx).
    SERVER = -22
    #: The key was rejected (401, 403).
    AUTH = -23
    #: The provider rejected the request itself (400, 404, 422).
    BAD_REQUEST = -24
    #: More tokens than the model's context.
    CONTEXT_TOO_LONG = -25
    #: Refused by the provider's content filter.
    CONTENT_FILTER = -26
    #: A processor's own budget is used up; llmq itself ends no request so.
    BUDGET = -27
    #: No answer: name resolution, connection, TLS, or a broken reply.
    TRANSPORT = -28
    #: The processor reported its own failure; final.
    PROCESSING = -29
    #: Whoever ran the attempt vanished without a report, or gave it up.
    ABANDONED = -30
    #: Not in this build, or not possible for this model.
    UNSUPPORTED = -31
    #: A mistake in llmq: please report it.
    INTERNAL = -32
    #: A failure that fits no other class.
    UNKNOWN = -33


class State(enum.IntEnum):
    """States of a request.

    A retry goes back to pending.
    """

    #: Waits for its limits, or for a retry.
    PENDING = 1
    #: An attempt runs.
    PROCESSING = 2
    #: It has its answer.
    COMPLETED = 3
    #: Its last attempt failed, or none could be made.
    FAILED = 4
    #: By its caller, or by a shutdown.
    CANCELLED = 5
    #: Its deadline passed first.
    EXPIRED = 6


class Priority(enum.IntEnum):
    """Priorities.

    Each has its place in line as if it had come so many seconds later, so nobody waits
    for ever.
    """

    #: The same as NORMAL.
    DEFAULT = 0
    #: No later.
    URGENT = 1
    #: 30 s later.
    HIGH = 2
    #: 120 s later.
    NORMAL = 3
    #: 900 s later.
    BATCH = 4


class Operation(enum.IntEnum):
    """What a request asks of a built-in provider.

    Processors see it as it was given.
    """

    #: Chat in the form of OpenAI's chat completions; built-in providers of another form
    #: get it translated (docs/providers.md). Answers stay in the provider's own form.
    CHAT = 0
    #: Embeddings, likewise.
    EMBEDDINGS = 1
    #: Anthropic's messages, byte for byte.
    MESSAGES = 2
    #: OpenAI's responses, byte for byte.
    RESPONSES = 3
    #: A body of the provider's own form for its main operation, byte for byte.
    #: Processors get what they were given: llmq does not look inside.
    CUSTOM = 4


class RequestFlags(enum.IntFlag):
    """Flags of llmq_request_t."""

    #: Keep the response, payload included, readable by id.
    KEEP = 1
    #: Usage may be reported after the end (llmq_usage_update).
    LATE_USAGE = 2
    #: Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then DONE
    #: with all of it. A body with "stream": true asks for the same.
    STREAM = 4
    #: Of a stream: an attempt that fails after output may be tried again. Its CHUNK
    #: events begin anew then, with the next attempt number. Without it such a failure
    #: is the end.
    RESTART = 8


class EventFlags(enum.IntFlag):
    """Flags of llmq_event_t."""

    #: READY: the caller takes chunks (llmq_attempt_chunk).
    STREAM = 1
    #: DONE: the usage is that of a call which another request has told already.
    SHARED = 2
    #: DONE: an answer from before; its usage was that call's, and nothing is counted.
    CACHED = 4


class RegisterFlags(enum.IntFlag):
    """Flags of llmq_manager_register_models."""

    #: Leave known models alone instead of failing.
    SKIP_EXISTING = 1


class ShutdownMode(enum.IntEnum):
    """How llmq_manager_shutdown and llmq_manager_remove_model treat what is still there."""

    #: Run everything to its end (until the deadline, then as ABORT).
    DRAIN = 0
    #: Cancel what waits, let running attempts end (until the deadline).
    CANCEL = 1
    #: Cancel everything at once.
    ABORT = 2


class LogLevel(enum.IntEnum):
    """Log levels."""

    #: Everything.
    TRACE = 0
    #: Also how each request ended.
    DEBUG = 1
    #: Also failed attempts, and models and limits that change.
    INFO = 2
    #: What somebody should look at, such as a used-up quota.
    WARN = 3
    #: What does not work.
    ERROR = 4
    #: Nothing.
    OFF = 5


class Features(enum.IntFlag):
    """Bits of llmq_features()."""

    #: The built-in HTTP providers.
    HTTP = 1
    #: `provider: mock`, in-process. Always set.
    MOCK = 2
    #: Limits by calendar: weeks, months and time zones other than UTC.
    CALENDAR = 4


class HookType(enum.IntFlag):
    """What a hook can be told of: bits of the mask of llmq_set_hook, and types of llmq_hook_t.

    Of one request they come in the order of its life: REQUEST_SUBMITTED; of each
    attempt ADMITTED, ATTEMPT_STARTED, of a streamed response FIRST_BYTE,
    ATTEMPT_FINISHED, then RETRIED if there will be another one; COMPLETED. Two attempts
    may run at a time where hedge.enabled is set; the slower one is given up before the
    end. Attempts of a call that several requests share (dedup_key) are told under a
    request_id of the call's own, with the user_data of the request that began it.
    """

    #: The manager has taken it up.
    REQUEST_SUBMITTED = 1
    #: Every limit has room, and holds it for this attempt.
    ADMITTED = 2
    #: Handed to the processor or the provider's connection.
    ATTEMPT_STARTED = 4
    #: The first output of a streamed response.
    FIRST_BYTE = 8
    #: Well or not, or given up: on cancel, time-out, shutdown.
    ATTEMPT_FINISHED = 16
    #: The attempt has failed, and another one will follow.
    RETRIED = 32
    #: The circuit breaker of a deployment.
    BREAKER_CHANGED = 64
    #: What is enforced of a limit, by a setting, or by what answers have shown: told
    #: when an answer of that deployment comes in, at the latest. Limits that each
    #: tenant has to itself are not told of.
    LIMIT_CHANGED = 128
    #: The outcome of a request, whatever it is: just before its DONE.
    COMPLETED = 256


class BreakerState(enum.IntEnum):
    """States of a circuit breaker."""

    #: Calls go there.
    CLOSED = 0
    #: No calls go there.
    OPEN = 1
    #: A few calls find out whether it works again.
    HALF_OPEN = 2


class ProbeFlags(enum.IntFlag):
    """Flags of llmq_probe_json."""

    #: send no request: the way to the provider, TLS included, and no more
    CONNECT_ONLY = 1
    #: ask for an embedding, not for a chat
    EMBEDDINGS = 2
