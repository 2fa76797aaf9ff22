# frozen_string_literal: true

# Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.

# The constants of the C API, a module for each group.
module LLMQ
  # The header that this gem was written against.
  module Header
    # Major version of the header that this was made from.
    VERSION_MAJOR = 0
    # Minor version of that header.
    VERSION_MINOR = 1
    # Patch version of that header.
    VERSION_PATCH = 0
    # Number of the binary interface; compare with llmq_abi_version().
    ABI_VERSION = 0
  end

  # Status codes. Never renumbered, never reused; new ones are only appended.
  module Status
    # It went well.
    OK = 0
    # NULL, wrong handle, wrong kind of id, bad struct_size or flag.
    INVALID_ARG = -1
    # Out of memory.
    NOMEM = -2
    # The manager has been shut down.
    CLOSED = -3
    # Shutdown has begun, or the model is being removed.
    CLOSING = -4
    # The handle was inherited through fork.
    FORKED = -5
    # Not yet: ask again later.
    AGAIN = -6
    # The time given for the wait or the attempt is over.
    TIMEOUT = -7
    # The caller cancelled the request.
    CANCELLED = -8
    # The request's deadline has passed, or cannot be met.
    DEADLINE = -9
    # max_pending or max_pending_bytes is reached, the manager's or the tenant's.
    QUEUE_FULL = -10
    # No model of that name is registered.
    UNKNOWN_MODEL = -11
    # A model of that name is registered already.
    MODEL_EXISTS = -12
    # No such configuration key.
    UNKNOWN_KEY = -13
    # The key is known, its value is not acceptable.
    INVALID_VALUE = -14
    # The request alone is larger than one of its limits.
    OVERSIZE = -15
    # The id names something that is gone.
    STALE = -16
    # It has ended before.
    ALREADY_DONE = -17
    # The call would block the loop thread that it was made on.
    WRONG_THREAD = -18
    # The provider refused the call for its rate (429).
    RATE_LIMITED = -19
    # The account's quota or money is used up.
    QUOTA_EXHAUSTED = -20
    # The provider is overloaded (503, 529).
    OVERLOADED = -21
    # The provider failed (5xx).
    SERVER = -22
    # The key was rejected (401, 403).
    AUTH = -23
    # The provider rejected the request itself (400, 404, 422).
    BAD_REQUEST = -24
    # More tokens than the model's context.
    CONTEXT_TOO_LONG = -25
    # Refused by the provider's content filter.
    CONTENT_FILTER = -26
    # A processor's own budget is used up; llmq itself ends no request so.
    BUDGET = -27
    # No answer: name resolution, connection, TLS, or a broken reply.
    TRANSPORT = -28
    # The processor reported its own failure; final.
    PROCESSING = -29
    # Whoever ran the attempt vanished without a report, or gave it up.
    ABANDONED = -30
    # Not in this build, or not possible for this model.
    UNSUPPORTED = -31
    # A mistake in llmq: please report it.
    INTERNAL = -32
    # A failure that fits no other class.
    UNKNOWN = -33
  end

  # States of a request. A retry goes back to pending.
  module State
    # Waits for its limits, or for a retry.
    PENDING = 1
    # An attempt runs.
    PROCESSING = 2
    # It has its answer.
    COMPLETED = 3
    # Its last attempt failed, or none could be made.
    FAILED = 4
    # By its caller, or by a shutdown.
    CANCELLED = 5
    # Its deadline passed first.
    EXPIRED = 6
  end

  # Priorities. Each has its place in line as if it had come so many seconds later, so nobody waits
  # for ever.
  module Priority
    # The same as NORMAL.
    DEFAULT = 0
    # No later.
    URGENT = 1
    # 30 s later.
    HIGH = 2
    # 120 s later.
    NORMAL = 3
    # 900 s later.
    BATCH = 4
  end

  # What a request asks of a built-in provider. Processors see it as it was given.
  module Operation
    # Chat in the form of OpenAI's chat completions; built-in providers of another form get it
    # translated (docs/providers.md). Answers stay in the provider's own form.
    CHAT = 0
    # Embeddings, likewise.
    EMBEDDINGS = 1
    # Anthropic's messages, byte for byte.
    MESSAGES = 2
    # OpenAI's responses, byte for byte.
    RESPONSES = 3
    # A body of the provider's own form for its main operation, byte for byte. Processors get what
    # they were given: llmq does not look inside.
    CUSTOM = 4
  end

  # Flags of llmq_request_t.
  module RequestFlags
    # Keep the response, payload included, readable by id.
    KEEP = 1
    # Usage may be reported after the end (llmq_usage_update).
    LATE_USAGE = 2
    # Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then DONE with all of
    # it. A body with "stream": true asks for the same.
    STREAM = 4
    # Of a stream: an attempt that fails after output may be tried again. Its CHUNK events begin
    # anew then, with the next attempt number. Without it such a failure is the end.
    RESTART = 8
  end

  # Flags of llmq_event_t.
  module EventFlags
    # READY: the caller takes chunks (llmq_attempt_chunk).
    STREAM = 1
    # DONE: the usage is that of a call which another request has told already.
    SHARED = 2
    # DONE: an answer from before; its usage was that call's, and nothing is counted.
    CACHED = 4
  end

  # Flags of llmq_manager_register_models.
  module RegisterFlags
    # Leave known models alone instead of failing.
    SKIP_EXISTING = 1
  end

  # How llmq_manager_shutdown and llmq_manager_remove_model treat what is still there.
  module ShutdownMode
    # Run everything to its end (until the deadline, then as ABORT).
    DRAIN = 0
    # Cancel what waits, let running attempts end (until the deadline).
    CANCEL = 1
    # Cancel everything at once.
    ABORT = 2
  end

  # Types of events. Skip (but release) types that you do not know.
  module EventType
    # The terminal event of a request.
    DONE = 1
    # A piece of a streamed response, before its DONE. None comes of an attempt that is tried again.
    CHUNK = 2
    # An attempt may run now: what a processor or a worker is given.
    READY = 3
    # The caller may make its call now (llmq_acquire). Terminal.
    PERMIT = 4
    # The attempt has ended for llmq: whoever runs it should stop.
    CANCEL_REQUESTED = 5
    # The shutdown that was asked for is complete.
    CLOSED = 6
    # What a hook is told (llmq_set_hook_queue).
    HOOK = 7
    # Nothing more comes of that hook.
    HOOK_ENDED = 8
    # A provider's key is asked for (llmq_set_key_queue).
    KEY = 9
  end

  # Where in the library the file descriptor of a completion queue comes from.
  module CqFdKind
    # An eventfd (Linux); elsewhere a pipe.
    EVENTFD = 0
    # A pipe everywhere.
    PIPE = 1
  end

  # Log levels.
  module LogLevel
    # Everything.
    TRACE = 0
    # Also how each request ended.
    DEBUG = 1
    # Also failed attempts, and models and limits that change.
    INFO = 2
    # What somebody should look at, such as a used-up quota.
    WARN = 3
    # What does not work.
    ERROR = 4
    # Nothing.
    OFF = 5
  end

  # Bits of llmq_features().
  module Features
    # The built-in HTTP providers.
    HTTP = 1
    # `provider: mock`, in-process. Always set.
    MOCK = 2
    # Limits by calendar: weeks, months and time zones other than UTC.
    CALENDAR = 4
  end

  # What a hook can be told of: bits of the mask of llmq_set_hook, and types of llmq_hook_t. Of one
  # request they come in the order of its life: REQUEST_SUBMITTED; of each attempt ADMITTED,
  # ATTEMPT_STARTED, of a streamed response FIRST_BYTE, ATTEMPT_FINISHED, then RETRIED if there will
  # be another one; COMPLETED. Two attempts may run at a time where hedge.enabled is set; the slower
  # one is given up before the end. Attempts of a call that several requests share (dedup_key) are
  # told under a request_id of the call's own, with the user_data of the request that began it.
  module HookType
    # The manager has taken it up.
    REQUEST_SUBMITTED = 1
    # Every limit has room, and holds it for this attempt.
    ADMITTED = 2
    # Handed to the processor or the provider's connection.
    ATTEMPT_STARTED = 4
    # The first output of a streamed response.
    FIRST_BYTE = 8
    # Well or not, or given up: on cancel, time-out, shutdown.
    ATTEMPT_FINISHED = 16
    # The attempt has failed, and another one will follow.
    RETRIED = 32
    # The circuit breaker of a deployment.
    BREAKER_CHANGED = 64
    # What is enforced of a limit, by a setting, or by what answers have shown: told when an answer
    # of that deployment comes in, at the latest. Limits that each tenant has to itself are not told
    # of.
    LIMIT_CHANGED = 128
    # The outcome of a request, whatever it is: just before its DONE.
    COMPLETED = 256
  end

  # States of a circuit breaker.
  module BreakerState
    # Calls go there.
    CLOSED = 0
    # No calls go there.
    OPEN = 1
    # A few calls find out whether it works again.
    HALF_OPEN = 2
  end

  # Structs whose size llmq_sizeof() tells.
  module SizeofKind
    # llmq_request_t.
    REQUEST = 1
    # llmq_usage_t.
    USAGE = 2
    # llmq_event_t.
    EVENT = 3
    # llmq_stats_t.
    STATS = 4
    # llmq_wait_t.
    WAIT = 5
    # llmq_hook_t.
    HOOK = 6
    # llmq_outcome_t.
    OUTCOME = 7
  end

  # Flags of llmq_probe_json.
  module ProbeFlags
    # send no request: the way to the provider, TLS included, and no more
    CONNECT_ONLY = 1
    # ask for an embedding, not for a chat
    EMBEDDINGS = 2
  end
end
