// Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.

/** Major version of the header that this was made from. */
export const VERSION_MAJOR = 0;
/** Minor version of that header. */
export const VERSION_MINOR = 1;
/** Patch version of that header. */
export const VERSION_PATCH = 0;
/** Number of the binary interface; compare with llmq_abi_version(). */
export const ABI_VERSION = 0;

/** Status codes. Never renumbered, never reused; new ones are only appended. */
export const Status = {
  /** It went well. */
  OK: 0,
  /** NULL, wrong handle, wrong kind of id, bad struct_size or flag. */
  INVALID_ARG: -1,
  /** Out of memory. */
  NOMEM: -2,
  /** The manager has been shut down. */
  CLOSED: -3,
  /** Shutdown has begun, or the model is being removed. */
  CLOSING: -4,
  /** The handle was inherited through fork. */
  FORKED: -5,
  /** Not yet: ask again later. */
  AGAIN: -6,
  /** The time given for the wait or the attempt is over. */
  TIMEOUT: -7,
  /** The caller cancelled the request. */
  CANCELLED: -8,
  /** The request's deadline has passed, or cannot be met. */
  DEADLINE: -9,
  /** max_pending or max_pending_bytes is reached, the manager's or the tenant's. */
  QUEUE_FULL: -10,
  /** No model of that name is registered. */
  UNKNOWN_MODEL: -11,
  /** A model of that name is registered already. */
  MODEL_EXISTS: -12,
  /** No such configuration key. */
  UNKNOWN_KEY: -13,
  /** The key is known, its value is not acceptable. */
  INVALID_VALUE: -14,
  /** The request alone is larger than one of its limits. */
  OVERSIZE: -15,
  /** The id names something that is gone. */
  STALE: -16,
  /** It has ended before. */
  ALREADY_DONE: -17,
  /** The call would block the loop thread that it was made on. */
  WRONG_THREAD: -18,
  /** The provider refused the call for its rate (429). */
  RATE_LIMITED: -19,
  /** The account's quota or money is used up. */
  QUOTA_EXHAUSTED: -20,
  /** The provider is overloaded (503, 529). */
  OVERLOADED: -21,
  /** The provider failed (5xx). */
  SERVER: -22,
  /** The key was rejected (401, 403). */
  AUTH: -23,
  /** The provider rejected the request itself (400, 404, 422). */
  BAD_REQUEST: -24,
  /** More tokens than the model's context. */
  CONTEXT_TOO_LONG: -25,
  /** Refused by the provider's content filter. */
  CONTENT_FILTER: -26,
  /** A processor's own budget is used up; llmq itself ends no request so. */
  BUDGET: -27,
  /** No answer: name resolution, connection, TLS, or a broken reply. */
  TRANSPORT: -28,
  /** The processor reported its own failure; final. */
  PROCESSING: -29,
  /** Whoever ran the attempt vanished without a report, or gave it up. */
  ABANDONED: -30,
  /** Not in this build, or not possible for this model. */
  UNSUPPORTED: -31,
  /** A mistake in llmq: please report it. */
  INTERNAL: -32,
  /** A failure that fits no other class. */
  UNKNOWN: -33,
} as const;
/** A value of Status. */
export type Status = (typeof Status)[keyof typeof Status];

/** States of a request. A retry goes back to pending. */
export const State = {
  /** Waits for its limits, or for a retry. */
  PENDING: 1,
  /** An attempt runs. */
  PROCESSING: 2,
  /** It has its answer. */
  COMPLETED: 3,
  /** Its last attempt failed, or none could be made. */
  FAILED: 4,
  /** By its caller, or by a shutdown. */
  CANCELLED: 5,
  /** Its deadline passed first. */
  EXPIRED: 6,
} as const;
/** A value of State. */
export type State = (typeof State)[keyof typeof State];

/**
 * Priorities. Each has its place in line as if it had come so many seconds later, so nobody waits
 * for ever.
 */
export const Priority = {
  /** The same as NORMAL. */
  DEFAULT: 0,
  /** No later. */
  URGENT: 1,
  /** 30 s later. */
  HIGH: 2,
  /** 120 s later. */
  NORMAL: 3,
  /** 900 s later. */
  BATCH: 4,
} as const;
/** A value of Priority. */
export type Priority = (typeof Priority)[keyof typeof Priority];

/** What a request asks of a built-in provider. Processors see it as it was given. */
export const Operation = {
  /**
   * Chat in the form of OpenAI's chat completions; built-in providers of another form get it
   * translated (docs/providers.md). Answers stay in the provider's own form.
   */
  CHAT: 0,
  /** Embeddings, likewise. */
  EMBEDDINGS: 1,
  /** Anthropic's messages, byte for byte. */
  MESSAGES: 2,
  /** OpenAI's responses, byte for byte. */
  RESPONSES: 3,
  /**
   * A body of the provider's own form for its main operation, byte for byte. Processors get what
   * they were given: llmq does not look inside.
   */
  CUSTOM: 4,
} as const;
/** A value of Operation. */
export type Operation = (typeof Operation)[keyof typeof Operation];

/** Flags of llmq_request_t. */
export const RequestFlags = {
  /** Keep the response, payload included, readable by id. */
  KEEP: 1,
  /** Usage may be reported after the end (llmq_usage_update). */
  LATE_USAGE: 2,
  /**
   * Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then DONE with all of it.
   * A body with "stream": true asks for the same.
   */
  STREAM: 4,
  /**
   * Of a stream: an attempt that fails after output may be tried again. Its CHUNK events begin anew
   * then, with the next attempt number. Without it such a failure is the end.
   */
  RESTART: 8,
} as const;
/** Bits of RequestFlags, added up. */
export type RequestFlags = number;

/** Flags of llmq_event_t. */
export const EventFlags = {
  /** READY: the caller takes chunks (llmq_attempt_chunk). */
  STREAM: 1,
  /** DONE: the usage is that of a call which another request has told already. */
  SHARED: 2,
  /** DONE: an answer from before; its usage was that call's, and nothing is counted. */
  CACHED: 4,
} as const;
/** Bits of EventFlags, added up. */
export type EventFlags = number;

/** Flags of llmq_manager_register_models. */
export const RegisterFlags = {
  /** Leave known models alone instead of failing. */
  SKIP_EXISTING: 1,
} as const;
/** Bits of RegisterFlags, added up. */
export type RegisterFlags = number;

/** How llmq_manager_shutdown and llmq_manager_remove_model treat what is still there. */
export const ShutdownMode = {
  /** Run everything to its end (until the deadline, then as ABORT). */
  DRAIN: 0,
  /** Cancel what waits, let running attempts end (until the deadline). */
  CANCEL: 1,
  /** Cancel everything at once. */
  ABORT: 2,
} as const;
/** A value of ShutdownMode. */
export type ShutdownMode = (typeof ShutdownMode)[keyof typeof ShutdownMode];

/** Types of events. Skip (but release) types that you do not know. */
export const EventType = {
  /** The terminal event of a request. */
  DONE: 1,
  /**
   * A piece of a streamed response, before its DONE. None comes of an attempt that is tried again.
   */
  CHUNK: 2,
  /** An attempt may run now: what a processor or a worker is given. */
  READY: 3,
  /** The caller may make its call now (llmq_acquire). Terminal. */
  PERMIT: 4,
  /** The attempt has ended for llmq: whoever runs it should stop. */
  CANCEL_REQUESTED: 5,
  /** The shutdown that was asked for is complete. */
  CLOSED: 6,
  /** What a hook is told (llmq_set_hook_queue). */
  HOOK: 7,
  /** Nothing more comes of that hook. */
  HOOK_ENDED: 8,
  /** A provider's key is asked for (llmq_set_key_queue). */
  KEY: 9,
} as const;
/** A value of EventType. */
export type EventType = (typeof EventType)[keyof typeof EventType];

/** Where in the library the file descriptor of a completion queue comes from. */
export const CqFdKind = {
  /** An eventfd (Linux); elsewhere a pipe. */
  EVENTFD: 0,
  /** A pipe everywhere. */
  PIPE: 1,
} as const;
/** A value of CqFdKind. */
export type CqFdKind = (typeof CqFdKind)[keyof typeof CqFdKind];

/** Log levels. */
export const LogLevel = {
  /** Everything. */
  TRACE: 0,
  /** Also how each request ended. */
  DEBUG: 1,
  /** Also failed attempts, and models and limits that change. */
  INFO: 2,
  /** What somebody should look at, such as a used-up quota. */
  WARN: 3,
  /** What does not work. */
  ERROR: 4,
  /** Nothing. */
  OFF: 5,
} as const;
/** A value of LogLevel. */
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** Bits of llmq_features(). */
export const Features = {
  /** The built-in HTTP providers. */
  HTTP: 1n,
  /** `provider: mock`, in-process. Always set. */
  MOCK: 2n,
  /** Limits by calendar: weeks, months and time zones other than UTC. */
  CALENDAR: 4n,
} as const;
/** Bits of Features, added up. */
export type Features = bigint;

/**
 * What a hook can be told of: bits of the mask of llmq_set_hook, and types of llmq_hook_t. Of one
 * request they come in the order of its life: REQUEST_SUBMITTED; of each attempt ADMITTED,
 * ATTEMPT_STARTED, of a streamed response FIRST_BYTE, ATTEMPT_FINISHED, then RETRIED if there will
 * be another one; COMPLETED. Two attempts may run at a time where hedge.enabled is set; the slower
 * one is given up before the end. Attempts of a call that several requests share (dedup_key) are
 * told under a request_id of the call's own, with the user_data of the request that began it.
 */
export const HookType = {
  /** The manager has taken it up. */
  REQUEST_SUBMITTED: 1,
  /** Every limit has room, and holds it for this attempt. */
  ADMITTED: 2,
  /** Handed to the processor or the provider's connection. */
  ATTEMPT_STARTED: 4,
  /** The first output of a streamed response. */
  FIRST_BYTE: 8,
  /** Well or not, or given up: on cancel, time-out, shutdown. */
  ATTEMPT_FINISHED: 16,
  /** The attempt has failed, and another one will follow. */
  RETRIED: 32,
  /** The circuit breaker of a deployment. */
  BREAKER_CHANGED: 64,
  /**
   * What is enforced of a limit, by a setting, or by what answers have shown: told when an answer
   * of that deployment comes in, at the latest. Limits that each tenant has to itself are not told
   * of.
   */
  LIMIT_CHANGED: 128,
  /** The outcome of a request, whatever it is: just before its DONE. */
  COMPLETED: 256,
} as const;
/** Bits of HookType, added up. */
export type HookType = number;

/** States of a circuit breaker. */
export const BreakerState = {
  /** Calls go there. */
  CLOSED: 0,
  /** No calls go there. */
  OPEN: 1,
  /** A few calls find out whether it works again. */
  HALF_OPEN: 2,
} as const;
/** A value of BreakerState. */
export type BreakerState = (typeof BreakerState)[keyof typeof BreakerState];

/** Structs whose size llmq_sizeof() tells. */
export const SizeofKind = {
  /** llmq_request_t. */
  REQUEST: 1,
  /** llmq_usage_t. */
  USAGE: 2,
  /** llmq_event_t. */
  EVENT: 3,
  /** llmq_stats_t. */
  STATS: 4,
  /** llmq_wait_t. */
  WAIT: 5,
  /** llmq_hook_t. */
  HOOK: 6,
  /** llmq_outcome_t. */
  OUTCOME: 7,
} as const;
/** A value of SizeofKind. */
export type SizeofKind = (typeof SizeofKind)[keyof typeof SizeofKind];

/** Flags of llmq_probe_json. */
export const ProbeFlags = {
  /** send no request: the way to the provider, TLS included, and no more */
  CONNECT_ONLY: 1,
  /** ask for an embedding, not for a chat */
  EMBEDDINGS: 2,
} as const;
/** Bits of ProbeFlags, added up. */
export type ProbeFlags = number;

/** Where the members of llmq_usage_t are, in bytes, with 64-bit pointers. */
export const UsageLayout = {
  size: 48,
  offsets: {
    struct_size: 0,
    reserved: 4,
    input_tokens: 8,
    output_tokens: 16,
    cached_input_tokens: 24,
    cost_micros: 32,
    reasoning_tokens: 40,
  },
} as const;

/** Where the members of llmq_event_t are, in bytes, with 64-bit pointers. */
export const EventLayout = {
  size: 144,
  offsets: {
    stride: 0,
    type: 4,
    status: 8,
    flags: 12,
    request_id: 16,
    attempt_id: 24,
    user_data: 32,
    data: 40,
    data_len: 48,
    handle: 56,
    queued_ns: 64,
    run_ns: 72,
    retry_after_ns: 80,
    input_tokens: 88,
    output_tokens: 96,
    cached_input_tokens: 104,
    cost_micros: 112,
    attempt: 120,
    state: 124,
    first_output_ns: 128,
    reasoning_tokens: 136,
  },
} as const;

/** Where the members of llmq_outcome_t are, in bytes, with 64-bit pointers. */
export const OutcomeLayout = {
  size: 112,
  offsets: {
    struct_size: 0,
    http_status: 4,
    usage_known: 8,
    has_history: 12,
    error: 16,
    error_len: 24,
    provider_request_id: 32,
    provider_request_id_len: 40,
    deployment: 48,
    deployment_len: 56,
    fallback_model: 64,
    fallback_model_len: 72,
    request_key: 80,
    request_key_len: 88,
    metadata: 96,
    metadata_len: 104,
  },
} as const;

/** Where the members of llmq_request_t are, in bytes, with 64-bit pointers. */
export const RequestLayout = {
  size: 216,
  offsets: {
    struct_size: 0,
    flags: 4,
    operation: 8,
    priority: 12,
    model: 16,
    model_len: 24,
    tenant: 32,
    tenant_len: 40,
    payload: 48,
    payload_len: 56,
    request_key: 64,
    request_key_len: 72,
    dedup_key: 80,
    dedup_key_len: 88,
    metadata: 96,
    metadata_len: 104,
    deadline_ns: 112,
    timeout_ns: 120,
    est_input_tokens: 128,
    est_output_tokens: 136,
    max_attempts: 144,
    reserved0: 148,
    user_data: 152,
    cq: 160,
    done_fn: 168,
    done_user: 176,
    reserved: 184,
  },
} as const;

/** Where the members of llmq_stats_t are, in bytes, with 64-bit pointers. */
export const StatsLayout = {
  size: 136,
  offsets: {
    struct_size: 0,
    reserved: 4,
    submitted: 8,
    completed: 16,
    failed: 24,
    cancelled: 32,
    expired: 40,
    attempts: 48,
    retries: 56,
    rate_limited: 64,
    pending: 72,
    processing: 80,
    pending_bytes: 88,
    input_tokens: 96,
    output_tokens: 104,
    cached_input_tokens: 112,
    wakeups: 120,
    reasoning_tokens: 128,
  },
} as const;

/** Where the members of llmq_wait_t are, in bytes, with 64-bit pointers. */
export const WaitLayout = {
  size: 96,
  offsets: {
    struct_size: 0,
    reserved: 4,
    position: 8,
    p50_ns: 16,
    p90_ns: 24,
    blocked_by: 32,
  },
} as const;

/** Where the members of llmq_hook_t are, in bytes, with 64-bit pointers. */
export const HookLayout = {
  size: 224,
  offsets: {
    struct_size: 0,
    type: 4,
    request_id: 8,
    attempt_id: 16,
    user_data: 24,
    time_ns: 32,
    model: 40,
    model_len: 48,
    deployment: 56,
    deployment_len: 64,
    tenant: 72,
    tenant_len: 80,
    limit: 88,
    limit_len: 96,
    attempt: 104,
    status: 108,
    state: 112,
    usage_known: 116,
    queued_ns: 120,
    run_ns: 128,
    delay_ns: 136,
    input_tokens: 144,
    output_tokens: 152,
    cached_input_tokens: 160,
    cost_micros: 168,
    reasoning_tokens: 176,
    old_value: 184,
    new_value: 192,
    until_ns: 200,
    call_id: 208,
    lost: 216,
  },
} as const;
