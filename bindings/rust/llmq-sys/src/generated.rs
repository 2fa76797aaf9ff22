// Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.

use core::ffi::{c_char, c_void};
use core::marker::{PhantomData, PhantomPinned};

/// Owns everything: one loop, the models, the queues.
#[repr(C)]
pub struct llmq_manager_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Settings, as keys and values.
#[repr(C)]
pub struct llmq_conf_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Completion queue: events to be drained by the caller.
#[repr(C)]
pub struct llmq_cq_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Why a cold call failed.
#[repr(C)]
pub struct llmq_error_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// The one terminal outcome of a request.
#[repr(C)]
pub struct llmq_response_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Requests that are to be reckoned with, not sent.
#[repr(C)]
pub struct llmq_plan_t {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// LLMQ_OK or a negative LLMQ_ERR_ constant.
pub type llmq_status_t = i32;
/// Never 0; carries a generation, so a stale id is recognised.
pub type llmq_request_id_t = u64;
/// Never 0; a space of its own, apart from request ids.
pub type llmq_attempt_id_t = u64;

/// Major version of the header that this was made from.
pub const LLMQ_VERSION_MAJOR: u32 = 0;
/// Minor version of that header.
pub const LLMQ_VERSION_MINOR: u32 = 1;
/// Patch version of that header.
pub const LLMQ_VERSION_PATCH: u32 = 0;
/// Number of the binary interface; compare with llmq_abi_version().
pub const LLMQ_ABI_VERSION: u32 = 0;

// Status
/// It went well.
pub const LLMQ_OK: llmq_status_t = 0;
/// NULL, wrong handle, wrong kind of id, bad struct_size or flag.
pub const LLMQ_ERR_INVALID_ARG: llmq_status_t = -1;
/// Out of memory.
pub const LLMQ_ERR_NOMEM: llmq_status_t = -2;
/// The manager has been shut down.
pub const LLMQ_ERR_CLOSED: llmq_status_t = -3;
/// Shutdown has begun, or the model is being removed.
pub const LLMQ_ERR_CLOSING: llmq_status_t = -4;
/// The handle was inherited through fork.
pub const LLMQ_ERR_FORKED: llmq_status_t = -5;
/// Not yet: ask again later.
pub const LLMQ_ERR_AGAIN: llmq_status_t = -6;
/// The time given for the wait or the attempt is over.
pub const LLMQ_ERR_TIMEOUT: llmq_status_t = -7;
/// The caller cancelled the request.
pub const LLMQ_ERR_CANCELLED: llmq_status_t = -8;
/// The request's deadline has passed, or cannot be met.
pub const LLMQ_ERR_DEADLINE: llmq_status_t = -9;
/// max_pending or max_pending_bytes is reached, the manager's or the tenant's.
pub const LLMQ_ERR_QUEUE_FULL: llmq_status_t = -10;
/// No model of that name is registered.
pub const LLMQ_ERR_UNKNOWN_MODEL: llmq_status_t = -11;
/// A model of that name is registered already.
pub const LLMQ_ERR_MODEL_EXISTS: llmq_status_t = -12;
/// No such configuration key.
pub const LLMQ_ERR_UNKNOWN_KEY: llmq_status_t = -13;
/// The key is known, its value is not acceptable.
pub const LLMQ_ERR_INVALID_VALUE: llmq_status_t = -14;
/// The request alone is larger than one of its limits.
pub const LLMQ_ERR_OVERSIZE: llmq_status_t = -15;
/// The id names something that is gone.
pub const LLMQ_ERR_STALE: llmq_status_t = -16;
/// It has ended before.
pub const LLMQ_ERR_ALREADY_DONE: llmq_status_t = -17;
/// The call would block the loop thread that it was made on.
pub const LLMQ_ERR_WRONG_THREAD: llmq_status_t = -18;
/// The provider refused the call for its rate (429).
pub const LLMQ_ERR_RATE_LIMITED: llmq_status_t = -19;
/// The account's quota or money is used up.
pub const LLMQ_ERR_QUOTA_EXHAUSTED: llmq_status_t = -20;
/// The provider is overloaded (503, 529).
pub const LLMQ_ERR_OVERLOADED: llmq_status_t = -21;
/// The provider failed (5xx).
pub const LLMQ_ERR_SERVER: llmq_status_t = -22;
/// The key was rejected (401, 403).
pub const LLMQ_ERR_AUTH: llmq_status_t = -23;
/// The provider rejected the request itself (400, 404, 422).
pub const LLMQ_ERR_BAD_REQUEST: llmq_status_t = -24;
/// More tokens than the model's context.
pub const LLMQ_ERR_CONTEXT_TOO_LONG: llmq_status_t = -25;
/// Refused by the provider's content filter.
pub const LLMQ_ERR_CONTENT_FILTER: llmq_status_t = -26;
/// A processor's own budget is used up; llmq itself ends no request so.
pub const LLMQ_ERR_BUDGET: llmq_status_t = -27;
/// No answer: name resolution, connection, TLS, or a broken reply.
pub const LLMQ_ERR_TRANSPORT: llmq_status_t = -28;
/// The processor reported its own failure; final.
pub const LLMQ_ERR_PROCESSING: llmq_status_t = -29;
/// Whoever ran the attempt vanished without a report, or gave it up.
pub const LLMQ_ERR_ABANDONED: llmq_status_t = -30;
/// Not in this build, or not possible for this model.
pub const LLMQ_ERR_UNSUPPORTED: llmq_status_t = -31;
/// A mistake in llmq: please report it.
pub const LLMQ_ERR_INTERNAL: llmq_status_t = -32;
/// A failure that fits no other class.
pub const LLMQ_ERR_UNKNOWN: llmq_status_t = -33;

// State
/// Waits for its limits, or for a retry.
pub const LLMQ_STATE_PENDING: i32 = 1;
/// An attempt runs.
pub const LLMQ_STATE_PROCESSING: i32 = 2;
/// It has its answer.
pub const LLMQ_STATE_COMPLETED: i32 = 3;
/// Its last attempt failed, or none could be made.
pub const LLMQ_STATE_FAILED: i32 = 4;
/// By its caller, or by a shutdown.
pub const LLMQ_STATE_CANCELLED: i32 = 5;
/// Its deadline passed first.
pub const LLMQ_STATE_EXPIRED: i32 = 6;

// Priority
/// The same as NORMAL.
pub const LLMQ_PRIORITY_DEFAULT: i32 = 0;
/// No later.
pub const LLMQ_PRIORITY_URGENT: i32 = 1;
/// 30 s later.
pub const LLMQ_PRIORITY_HIGH: i32 = 2;
/// 120 s later.
pub const LLMQ_PRIORITY_NORMAL: i32 = 3;
/// 900 s later.
pub const LLMQ_PRIORITY_BATCH: i32 = 4;

// Operation
/// Chat in the form of OpenAI's chat completions; built-in providers of another form get it
/// translated (docs/providers.md). Answers stay in the provider's own form.
pub const LLMQ_OP_CHAT: i32 = 0;
/// Embeddings, likewise.
pub const LLMQ_OP_EMBEDDINGS: i32 = 1;
/// Anthropic's messages, byte for byte.
pub const LLMQ_OP_MESSAGES: i32 = 2;
/// OpenAI's responses, byte for byte.
pub const LLMQ_OP_RESPONSES: i32 = 3;
/// A body of the provider's own form for its main operation, byte for byte. Processors get what
/// they were given: llmq does not look inside.
pub const LLMQ_OP_CUSTOM: i32 = 4;

// RequestFlags
/// Keep the response, payload included, readable by id.
pub const LLMQ_REQUEST_KEEP: u32 = 1;
/// Usage may be reported after the end (llmq_usage_update).
pub const LLMQ_REQUEST_LATE_USAGE: u32 = 2;
/// Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then DONE with all of it.
/// A body with "stream": true asks for the same.
pub const LLMQ_REQUEST_STREAM: u32 = 4;
/// Of a stream: an attempt that fails after output may be tried again. Its CHUNK events begin anew
/// then, with the next attempt number. Without it such a failure is the end.
pub const LLMQ_REQUEST_RESTART: u32 = 8;

// EventFlags
/// READY: the caller takes chunks (llmq_attempt_chunk).
pub const LLMQ_EVENT_STREAM: u32 = 1;
/// DONE: the usage is that of a call which another request has told already.
pub const LLMQ_EVENT_SHARED: u32 = 2;
/// DONE: an answer from before; its usage was that call's, and nothing is counted.
pub const LLMQ_EVENT_CACHED: u32 = 4;

// RegisterFlags
/// Leave known models alone instead of failing.
pub const LLMQ_REGISTER_SKIP_EXISTING: u32 = 1;

// ShutdownMode
/// Run everything to its end (until the deadline, then as ABORT).
pub const LLMQ_SHUTDOWN_DRAIN: i32 = 0;
/// Cancel what waits, let running attempts end (until the deadline).
pub const LLMQ_SHUTDOWN_CANCEL: i32 = 1;
/// Cancel everything at once.
pub const LLMQ_SHUTDOWN_ABORT: i32 = 2;

// EventType
/// The terminal event of a request.
pub const LLMQ_EV_DONE: i32 = 1;
/// A piece of a streamed response, before its DONE. None comes of an attempt that is tried again.
pub const LLMQ_EV_CHUNK: i32 = 2;
/// An attempt may run now: what a processor or a worker is given.
pub const LLMQ_EV_READY: i32 = 3;
/// The caller may make its call now (llmq_acquire). Terminal.
pub const LLMQ_EV_PERMIT: i32 = 4;
/// The attempt has ended for llmq: whoever runs it should stop.
pub const LLMQ_EV_CANCEL_REQUESTED: i32 = 5;
/// The shutdown that was asked for is complete.
pub const LLMQ_EV_CLOSED: i32 = 6;
/// What a hook is told (llmq_set_hook_queue).
pub const LLMQ_EV_HOOK: i32 = 7;
/// Nothing more comes of that hook.
pub const LLMQ_EV_HOOK_ENDED: i32 = 8;
/// A provider's key is asked for (llmq_set_key_queue).
pub const LLMQ_EV_KEY: i32 = 9;

// CqFdKind
/// An eventfd (Linux); elsewhere a pipe.
pub const LLMQ_CQ_FD_EVENTFD: i32 = 0;
/// A pipe everywhere.
pub const LLMQ_CQ_FD_PIPE: i32 = 1;

// LogLevel
/// Everything.
pub const LLMQ_LOG_TRACE: i32 = 0;
/// Also how each request ended.
pub const LLMQ_LOG_DEBUG: i32 = 1;
/// Also failed attempts, and models and limits that change.
pub const LLMQ_LOG_INFO: i32 = 2;
/// What somebody should look at, such as a used-up quota.
pub const LLMQ_LOG_WARN: i32 = 3;
/// What does not work.
pub const LLMQ_LOG_ERROR: i32 = 4;
/// Nothing.
pub const LLMQ_LOG_OFF: i32 = 5;

// Features
/// The built-in HTTP providers.
pub const LLMQ_FEATURE_HTTP: u64 = 1;
/// `provider: mock`, in-process. Always set.
pub const LLMQ_FEATURE_MOCK: u64 = 2;
/// Limits by calendar: weeks, months and time zones other than UTC.
pub const LLMQ_FEATURE_CALENDAR: u64 = 4;

// HookType
/// The manager has taken it up.
pub const LLMQ_HOOK_REQUEST_SUBMITTED: u32 = 1;
/// Every limit has room, and holds it for this attempt.
pub const LLMQ_HOOK_ADMITTED: u32 = 2;
/// Handed to the processor or the provider's connection.
pub const LLMQ_HOOK_ATTEMPT_STARTED: u32 = 4;
/// The first output of a streamed response.
pub const LLMQ_HOOK_FIRST_BYTE: u32 = 8;
/// Well or not, or given up: on cancel, time-out, shutdown.
pub const LLMQ_HOOK_ATTEMPT_FINISHED: u32 = 16;
/// The attempt has failed, and another one will follow.
pub const LLMQ_HOOK_RETRIED: u32 = 32;
/// The circuit breaker of a deployment.
pub const LLMQ_HOOK_BREAKER_CHANGED: u32 = 64;
/// What is enforced of a limit, by a setting, or by what answers have shown: told when an answer of
/// that deployment comes in, at the latest. Limits that each tenant has to itself are not told of.
pub const LLMQ_HOOK_LIMIT_CHANGED: u32 = 128;
/// The outcome of a request, whatever it is: just before its DONE.
pub const LLMQ_HOOK_COMPLETED: u32 = 256;

// BreakerState
/// Calls go there.
pub const LLMQ_BREAKER_CLOSED: i32 = 0;
/// No calls go there.
pub const LLMQ_BREAKER_OPEN: i32 = 1;
/// A few calls find out whether it works again.
pub const LLMQ_BREAKER_HALF_OPEN: i32 = 2;

// SizeofKind
/// llmq_request_t.
pub const LLMQ_SIZEOF_REQUEST: i32 = 1;
/// llmq_usage_t.
pub const LLMQ_SIZEOF_USAGE: i32 = 2;
/// llmq_event_t.
pub const LLMQ_SIZEOF_EVENT: i32 = 3;
/// llmq_stats_t.
pub const LLMQ_SIZEOF_STATS: i32 = 4;
/// llmq_wait_t.
pub const LLMQ_SIZEOF_WAIT: i32 = 5;
/// llmq_hook_t.
pub const LLMQ_SIZEOF_HOOK: i32 = 6;
/// llmq_outcome_t.
pub const LLMQ_SIZEOF_OUTCOME: i32 = 7;

// ProbeFlags
/// send no request: the way to the provider, TLS included, and no more
pub const LLMQ_PROBE_CONNECT_ONLY: u32 = 1;
/// ask for an embedding, not for a chat
pub const LLMQ_PROBE_EMBEDDINGS: u32 = 2;

/// Actual consumption of one attempt. Counts are \>= 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_usage_t {
    /// sizeof(llmq_usage_t).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Everything that entered the model, cached tokens included.
    pub input_tokens: i64,
    /// Everything that it produced, reasoning included.
    pub output_tokens: i64,
    /// The part of input_tokens that was read from a cache.
    pub cached_input_tokens: i64,
    /// Money in millionths of the currency's unit; 0 if unknown.
    pub cost_micros: i64,
    /// The part of output_tokens that is not shown; 0 if none or unknown.
    pub reasoning_tokens: i64,
}

/// An event. In drained events `handle` owns `data`; see llmq_events_release.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_event_t {
    /// Bytes to the next event: sizeof of the caller; in callbacks, of the library.
    pub stride: u32,
    /// LLMQ_EV_.
    pub r#type: i32,
    /// DONE: LLMQ_OK or why not.
    pub status: llmq_status_t,
    /// LLMQ_EVENT_.
    pub flags: u32,
    /// 0 for CLOSED.
    pub request_id: llmq_request_id_t,
    /// READY, PERMIT, CANCEL_REQUESTED and CHUNK: the attempt. KEY: the question. DONE: 0.
    pub attempt_id: llmq_attempt_id_t,
    /// As given with the request (CLOSED: with the shutdown; HOOK, HOOK_ENDED and KEY: with the
    /// queue).
    pub user_data: u64,
    /// DONE: the response's payload. READY: the request's payload. PERMIT: the name of the
    /// deployment that the call goes to. CHUNK: the JSON of one event of the provider's stream, or
    /// what llmq_attempt_chunk gave. HOOK and HOOK_ENDED: an llmq_hook_t. KEY: the name of the
    /// model, NUL, the name of the deployment.
    pub data: *const c_void,
    /// Bytes at data.
    pub data_len: u64,
    /// Owns data until released or taken. NULL in callbacks for READY and CHUNK. Of a drained
    /// READY: releasing it does not end the attempt.
    pub handle: *mut c_void,
    /// DONE: time from submit to the start of the last attempt (or to the end).
    pub queued_ns: i64,
    /// DONE: time the last attempt ran; 0 if none did.
    pub run_ns: i64,
    /// DONE with an error: when a new try may make sense; 0 = not known.
    pub retry_after_ns: i64,
    /// DONE: usage of the last attempt. CHUNK: 0, but for output_tokens so far.
    pub input_tokens: i64,
    /// As in llmq_usage_t.
    pub output_tokens: i64,
    /// As in llmq_usage_t.
    pub cached_input_tokens: i64,
    /// As in llmq_usage_t.
    pub cost_micros: i64,
    /// DONE: attempts made. READY and CHUNK: number of this attempt, from 1.
    pub attempt: u32,
    /// DONE: LLMQ_STATE_.
    pub state: i32,
    /// DONE of a stream: time from the last attempt's start to its first output; 0 = none came.
    pub first_output_ns: i64,
    /// DONE: the part of output_tokens that is not shown.
    pub reasoning_tokens: i64,
}

/// What a DONE event tells beside its members. Texts are NUL-terminated, "" where there is nothing,
/// and live as long as the event's data.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_outcome_t {
    /// sizeof(llmq_outcome_t).
    pub struct_size: u32,
    /// HTTP status of the last answer; 0 if there was none.
    pub http_status: i32,
    /// 1: the event's counts of tokens are the provider's; 0: not known.
    pub usage_known: i32,
    /// 1: an attempt has failed, llmq_response_attempts_json tells of each.
    pub has_history: i32,
    /// What went wrong, in words.
    pub error: *const c_char,
    /// Bytes at error.
    pub error_len: u64,
    /// As llmq_response_provider_request_id.
    pub provider_request_id: *const c_char,
    /// Bytes at provider_request_id.
    pub provider_request_id_len: u64,
    /// As llmq_response_deployment.
    pub deployment: *const c_char,
    /// Bytes at deployment.
    pub deployment_len: u64,
    /// As llmq_response_fallback_model.
    pub fallback_model: *const c_char,
    /// Bytes at fallback_model.
    pub fallback_model_len: u64,
    /// As given with the request.
    pub request_key: *const c_char,
    /// Bytes at request_key.
    pub request_key_len: u64,
    /// As given with the request.
    pub metadata: *const c_void,
    /// Bytes at metadata.
    pub metadata_len: u64,
}

/// A request. Zero members mean the default. Everything pointed to is copied.
///
/// Sharing. Requests that carry the same dedup_key share one call while it waits or runs, if model,
/// tenant, operation and payload are the same too and both are streams or neither is; with another
/// payload a request is called for itself. The key alone asks for it: who gives none shares
/// nothing, and no setting is needed. What the first one says of tokens, time-out and attempts
/// holds for the call; it is as urgent as its most urgent request. Each request keeps its own
/// deadline, events, metadata and flags, counts as one in max_pending and statistics, and ends
/// once, as the call ends. A cancel or a deadline takes only that request out; the call ends with
/// the last one. Limits, usage and cost count the call once: every DONE tells its usage, and all
/// but one of them carry LLMQ_EVENT_SHARED, so that a sum over the events without SHARED and CACHED
/// counts each call once. llmq_usage_update counts for the call, the first time that one of its
/// requests reports it. READY and CANCEL_REQUESTED tell a processor the id of the call, which is no
/// caller's, and user_data of the request that came first.
///
/// Shared streams. Every request gets all pieces from the first on. Who joins late gets at once
/// what has come, up to stream_buffer_bytes; of a longer answer nobody can join the call any more,
/// and the next request begins another. The provider is made to wait when none of the requests has
/// room: a slow reader holds up nobody, and what it has not read stays in its own queue, beyond
/// stream_buffer_bytes up to the length of the answer. An attempt that fails after output ends the
/// requests without LLMQ_REQUEST_RESTART; for the others it is tried again.
///
/// Cache. With the key cache.ttl_s of the model, an answer to a request with a dedup_key is kept,
/// and given to later requests that would have shared its call: at once, with LLMQ_EVENT_CACHED,
/// without an attempt, and without counting in limits, usage or cost, the usage being that of then.
/// Only successful answers are kept, and streams up to stream_buffer_bytes; the pieces come again,
/// with attempt and attempt_id 0. cache.max_bytes bounds what all take.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_request_t {
    /// sizeof(llmq_request_t).
    pub struct_size: u32,
    /// LLMQ_REQUEST_.
    pub flags: u32,
    /// LLMQ_OP_.
    pub operation: i32,
    /// LLMQ_PRIORITY_.
    pub priority: i32,
    /// Name of a registered model.
    pub model: *const c_char,
    /// Bytes at model.
    pub model_len: usize,
    /// Whose request it is; "" by default. At most 255 bytes.
    pub tenant: *const c_char,
    /// Bytes at tenant.
    pub tenant_len: usize,
    /// What the processor or provider gets.
    pub payload: *const c_void,
    /// At most 2 GiB - 1, and within max_pending_bytes.
    pub payload_len: usize,
    /// The caller's own id: in logs and look-ups. At most 1,024 bytes.
    pub request_key: *const c_char,
    /// Bytes at request_key.
    pub request_key_len: usize,
    /// "" = none. Requests with the same one share a call: see above. At most 1,024 bytes.
    pub dedup_key: *const c_char,
    /// Bytes at dedup_key.
    pub dedup_key_len: usize,
    /// Opaque to llmq; comes back with the response.
    pub metadata: *const c_void,
    /// Bytes at metadata.
    pub metadata_len: usize,
    /// Absolute on llmq_now_ns(); 0 = none, -1 = none.
    pub deadline_ns: i64,
    /// Per attempt; 0 = the model's timeout_ms, -1 = none. Rounded up to 1 ms.
    pub timeout_ns: i64,
    /// 0 = llmq estimates; -1 = none.
    pub est_input_tokens: i64,
    /// 0 = llmq estimates; -1 = none.
    pub est_output_tokens: i64,
    /// 0 = the model's max_attempts; at most 60.
    pub max_attempts: u32,
    /// 0.
    pub reserved0: u32,
    /// Comes back in every event of the request.
    pub user_data: u64,
    /// Where its events go, CHUNK and DONE; or
    pub cq: *mut llmq_cq_t,
    /// ... the function that gets it; not both; neither only with KEEP.
    pub done_fn: llmq_event_fn,
    /// First argument of done_fn.
    pub done_user: *mut c_void,
    /// 0.
    pub reserved: [u64; 4],
}

/// Counters of a manager or of one model. Totals since its creation unless said otherwise.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_stats_t {
    /// sizeof(llmq_stats_t).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Accepted requests.
    pub submitted: u64,
    /// Requests that ended with LLMQ_OK.
    pub completed: u64,
    /// Requests that ended in LLMQ_STATE_FAILED.
    pub failed: u64,
    /// Requests that ended in LLMQ_STATE_CANCELLED.
    pub cancelled: u64,
    /// Requests that ended in LLMQ_STATE_EXPIRED.
    pub expired: u64,
    /// Attempts started.
    pub attempts: u64,
    /// Attempts beyond the first of a request.
    pub retries: u64,
    /// Attempts that ended with LLMQ_ERR_RATE_LIMITED.
    pub rate_limited: u64,
    /// Now: waiting, retries included.
    pub pending: u64,
    /// Now: running.
    pub processing: u64,
    /// Now: payload bytes of live requests (manager; 0 for one model).
    pub pending_bytes: u64,
    /// Usage of ended attempts.
    pub input_tokens: u64,
    /// As in llmq_usage_t.
    pub output_tokens: u64,
    /// As in llmq_usage_t.
    pub cached_input_tokens: u64,
    /// Times the loop thread woke (manager; 0 for one model).
    pub wakeups: u64,
    /// The part of output_tokens that was not shown.
    pub reasoning_tokens: u64,
}

/// When a request that waits may start, as things stand.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_wait_t {
    /// sizeof(llmq_wait_t).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Place in line, from 1; 0 = it runs.
    pub position: u64,
    /// From now: as likely earlier as later.
    pub p50_ns: i64,
    /// From now: nine times out of ten earlier.
    pub p90_ns: i64,
    /// The limit that decides, "tokens/1m of pool account"; "" if none does. NUL-terminated,
    /// shortened if need be.
    pub blocked_by: [c_char; 64],
}

/// What a hook is told. Members that a type does not mention are 0 and "". Everything pointed to
/// lives until the hook returns; of an event, until that is released: there model, deployment,
/// tenant and limit follow the struct, after struct_size bytes, in that order and each with its
/// NUL, so that one copy of data_len bytes has all.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct llmq_hook_t {
    /// What the library has filled: members beyond it are not there.
    pub struct_size: u32,
    /// LLMQ_HOOK_.
    pub r#type: u32,
    /// 0 of BREAKER_CHANGED and LIMIT_CHANGED.
    pub request_id: llmq_request_id_t,
    /// 0 before the first attempt.
    pub attempt_id: llmq_attempt_id_t,
    /// Of the request.
    pub user_data: u64,
    /// When it happened, on llmq_now_ns().
    pub time_ns: i64,
    /// NUL-terminated, as the three texts below.
    pub model: *const c_char,
    /// Bytes at model.
    pub model_len: u64,
    /// Where the attempt runs or ran, or what has changed; "" where a model has one without a name.
    pub deployment: *const c_char,
    /// Bytes at deployment.
    pub deployment_len: u64,
    /// Of the request.
    pub tenant: *const c_char,
    /// Bytes at tenant.
    pub tenant_len: u64,
    /// LIMIT_CHANGED: "tokens/1m", "tokens/1m of pool account".
    pub limit: *const c_char,
    /// Bytes at limit.
    pub limit_len: u64,
    /// Number of the attempt, from 1. COMPLETED: attempts made.
    pub attempt: u32,
    /// ATTEMPT_FINISHED and RETRIED: of the attempt. COMPLETED: of the request. BREAKER_CHANGED to
    /// OPEN: of the failure that opened it.
    pub status: llmq_status_t,
    /// LLMQ_STATE_ of the request then.
    pub state: i32,
    /// 1 if the counts below are those of the provider.
    pub usage_known: u32,
    /// From the submit until then; once an attempt has started, until that.
    pub queued_ns: i64,
    /// ATTEMPT_FINISHED: how long it ran. COMPLETED: since the start of the last one.
    pub run_ns: i64,
    /// RETRIED: no attempt starts before that time from then.
    pub delay_ns: i64,
    /// ATTEMPT_FINISHED, COMPLETED: usage of the last attempt.
    pub input_tokens: i64,
    /// As in llmq_usage_t.
    pub output_tokens: i64,
    /// As in llmq_usage_t.
    pub cached_input_tokens: i64,
    /// As in llmq_usage_t.
    pub cost_micros: i64,
    /// As in llmq_usage_t.
    pub reasoning_tokens: i64,
    /// LIMIT_CHANGED: the amount before; 0 = there was none. BREAKER_CHANGED: LLMQ_BREAKER_.
    pub old_value: i64,
    /// The same after; LIMIT_CHANGED: 0 = there is none any more. ADMITTED, ATTEMPT_STARTED,
    /// FIRST_BYTE, ATTEMPT_FINISHED: 1 = the attempt began beside another one that was slow
    /// (hedge.enabled).
    pub new_value: i64,
    /// BREAKER_CHANGED to OPEN: when it is tried again, on llmq_now_ns().
    pub until_ns: i64,
    /// COMPLETED of a request that shared a call (dedup_key): the request_id of its attempts, which
    /// belong to no request alone; else 0.
    pub call_id: llmq_request_id_t,
    /// Of an event: how many before it were not told, as too many were not released.
    pub lost: u64,
}

// The layout that this was made for.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<llmq_usage_t>() == 48);
    assert!(core::mem::size_of::<llmq_event_t>() == 144);
    assert!(core::mem::size_of::<llmq_outcome_t>() == 112);
    assert!(core::mem::size_of::<llmq_request_t>() == 216);
    assert!(core::mem::size_of::<llmq_stats_t>() == 136);
    assert!(core::mem::size_of::<llmq_wait_t>() == 96);
    assert!(core::mem::size_of::<llmq_hook_t>() == 224);
};

/// A callback that receives one event.
pub type llmq_event_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, event: *const llmq_event_t)>;
/// Is told that a completion queue has got its first event.
pub type llmq_wakeup_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;
/// Frees the `user` of a registered callback, exactly once.
pub type llmq_user_free_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;
/// Gives memory: `size` bytes, or NULL.
pub type llmq_alloc_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, size: usize) -> *mut c_void>;
/// Takes back what an llmq_alloc_fn gave for that size.
pub type llmq_dealloc_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, memory: *mut c_void, size: usize)>;
/// Receives log lines: level LLMQ_LOG_, text without a newline.
pub type llmq_log_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, level: i32, text: *const c_char, text_len: usize),
>;
/// Gives the key of a provider: writes at most `cap` bytes, returns the length, or -1 if there is
/// none.
pub type llmq_api_key_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        model: *const c_char,
        model_len: usize,
        out: *mut c_char,
        cap: usize,
    ) -> i64,
>;
/// The same with the name of the deployment; "" for a model's only one, without a name.
pub type llmq_deployment_key_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        model: *const c_char,
        model_len: usize,
        deployment: *const c_char,
        deployment_len: usize,
        out: *mut c_char,
        cap: usize,
    ) -> i64,
>;
/// A callback that is told what happens.
pub type llmq_hook_fn = Option<unsafe extern "C" fn(user: *mut c_void, hook: *const llmq_hook_t)>;

functions! {
    /// Version of the library in use: MAJOR * 1,000,000 + MINOR * 1,000 + PATCH.
    ///
    /// * Returns: The number; cannot fail.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_version_num() -> u32;
    /// Version of the library in use as text, "0.1.0".
    ///
    /// * Returns: A static string.
    /// * Ownership: static, never freed
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_version_string() -> *const c_char;
    /// The libraries that this one runs on, with their versions, "libuv/1.44.2 cJSON/1.7.15
    /// libcurl/7.88.1 ...".
    ///
    /// * Returns: A static string: words NAME/VERSION with a space between; "libcurl/missing" if
    ///   that cannot be opened.
    /// * Ownership: static, never freed
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_version_libraries() -> *const c_char;
    /// Number of the library's binary interface; compare with LLMQ_ABI_VERSION.
    ///
    /// * Returns: The number; cannot fail.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_abi_version() -> u32;
    /// What this build contains: LLMQ_FEATURE_ bits.
    ///
    /// * Returns: The bits; cannot fail.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_features() -> u64;
    /// Name of a status code, "LLMQ_ERR_TIMEOUT".
    ///
    /// * Returns: A static string; for unknown codes "LLMQ_ERR_?".
    /// * Ownership: static, never freed
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_status_name(status: llmq_status_t) -> *const c_char;
    /// One sentence about a status code, in English.
    ///
    /// * Returns: A static string, also for unknown codes.
    /// * Ownership: static, never freed
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_status_message(status: llmq_status_t) -> *const c_char;
    /// The clock of deadlines: monotonic nanoseconds from an arbitrary start.
    ///
    /// * Returns: Nanoseconds; cannot fail.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_now_ns() -> i64;
    /// Size in bytes of a transparent struct in this build of the library, for bindings to check at
    /// load.
    ///
    /// * `what`: LLMQ_SIZEOF_.
    /// * Returns: The size; 0 for an unknown number.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_sizeof(what: i32) -> usize;
    /// Status code of an error.
    ///
    /// * Returns: The code; LLMQ_OK for NULL or a wrong handle.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_error_code(error: *const llmq_error_t) -> llmq_status_t;
    /// What was wrong, with the limit and the value where there are any.
    ///
    /// * Returns: NUL-terminated text; "" for NULL.
    /// * Ownership: belongs to the error
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_error_message(error: *const llmq_error_t) -> *const c_char;
    /// The configuration key or argument that was at fault.
    ///
    /// * Returns: NUL-terminated text; "" if none.
    /// * Ownership: belongs to the error
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_error_key(error: *const llmq_error_t) -> *const c_char;
    /// Frees an error. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the error
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_error_free(error: *mut llmq_error_t);
    /// Frees a buffer that a function of this library allocated for its caller. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the buffer
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_buf_free(buf: *mut c_char);
    /// Makes an empty configuration: every key at its default.
    ///
    /// * `conf` (out): The new configuration.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller frees it with llmq_conf_free
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_create(conf: *mut *mut llmq_conf_t) -> llmq_status_t;
    /// Frees a configuration. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the configuration; managers made from it are not concerned
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_free(conf: *mut llmq_conf_t);
    /// Copies a configuration. Callbacks set on it are shared: their user_free runs when the last
    /// copy and the last manager made from one are gone.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller frees the copy with llmq_conf_free
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_copy(conf: *const llmq_conf_t, copy: *mut *mut llmq_conf_t) -> llmq_status_t;
    /// Sets one key. Keys of models, pools and tenants are `model.\<name\>.\<key\>` and so on; the
    /// name `*` gives defaults for all. docs/configuration.md lists the keys with their ranges.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_INVALID_VALUE,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: key and value are copied; err, if set, is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set(
        conf: *mut llmq_conf_t,
        key: *const c_char,
        value: *const c_char,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Sets every key of a JSON document (see docs/configuration.md). All or nothing.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_INVALID_VALUE,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: the text is copied; err, if set, is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set_json(
        conf: *mut llmq_conf_t,
        json: *const c_char,
        json_len: usize,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Value of a key as text: what was set, or the default.
    ///
    /// * `value` (out): NUL-terminated text, to be freed with llmq_buf_free.
    /// * `is_default` (out): 1 if the key was not set; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_NOMEM.
    /// * Ownership: value is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_get(
        conf: *const llmq_conf_t,
        key: *const c_char,
        value: *mut *mut c_char,
        is_default: *mut i32,
    ) -> llmq_status_t;
    /// Lists the keys that exist. Keys of models, pools and tenants come as `model.*.\<key\>` and
    /// so on.
    ///
    /// * `index`: From 0.
    /// * `key`, `type`, `def`, `doc` (out): Static strings: the key, its type and range, its
    ///   default, one sentence. Each may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG past the last key, LLMQ_ERR_NOMEM.
    /// * Ownership: static strings
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_key_at(
        index: usize,
        key: *mut *const c_char,
        r#type: *mut *const c_char,
        def: *mut *const c_char,
        doc: *mut *const c_char,
    ) -> llmq_status_t;
    /// The presets that the key `preset` takes: limits and prices that providers publish for their
    /// plans.
    ///
    /// * `json` (out): An array of {"preset", "source", "as_of", "prices_source", "prices_as_of",
    ///   "models": \[{"model", "limits", "price_input", ...}\]}, to be freed with llmq_buf_free;
    ///   without prices their members are not there. In `model`, * stands for any part of a name.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_presets_json(json: *mut *mut c_char) -> llmq_status_t;
    /// Lists the providers over HTTP that the key `provider` takes.
    ///
    /// * `index`: From 0.
    /// * `name`, `base_url`, `key_variable`, `charge`, `api_version` (out): Static strings: the
    ///   value of `provider`, and what the keys `base_url`, `api_key_env`, `charge` and
    ///   `api_version` are with it unless they are set ("" = nothing). Each may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG past the last provider.
    /// * Ownership: static strings
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_provider_at(
        index: usize,
        name: *mut *const c_char,
        base_url: *mut *const c_char,
        key_variable: *mut *const c_char,
        charge: *mut *const c_char,
        api_version: *mut *const c_char,
    ) -> llmq_status_t;
    /// Checks the configuration as a whole, as llmq_manager_create would, without making a manager:
    /// limits that contradict each other, missing key variables, unreadable files, a log that
    /// cannot be written.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: err, if set, is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: for the reading of key files and the opening of the log
    /// * Since: 0.1
    pub fn llmq_conf_validate(
        conf: *const llmq_conf_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Names of the models that the configuration holds, as a JSON array of strings, in the order
    /// of their first mention; `*` is not among them.
    ///
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_models_json(conf: *const llmq_conf_t, json: *mut *mut c_char)
        -> llmq_status_t;
    /// As llmq_conf_models_json: names of the deployments of a model; an empty array if its only
    /// one has no name.
    ///
    /// * Returns: As llmq_conf_models_json.
    /// * Ownership: json is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_deployments_json(
        conf: *const llmq_conf_t,
        model: *const c_char,
        model_len: usize,
        json: *mut *mut c_char,
    ) -> llmq_status_t;
    /// As llmq_conf_models_json: names of the pools.
    ///
    /// * Returns: As llmq_conf_models_json.
    /// * Ownership: json is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_pools_json(conf: *const llmq_conf_t, json: *mut *mut c_char) -> llmq_status_t;
    /// As llmq_conf_models_json: names of the tenants that have settings of their own.
    ///
    /// * Returns: As llmq_conf_models_json.
    /// * Ownership: json is the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_tenants_json(
        conf: *const llmq_conf_t,
        json: *mut *mut c_char,
    ) -> llmq_status_t;
    /// Sends log lines of managers made from this configuration to a function. Without it, and
    /// without log.level or the environment variable LLMQ_LOG=level\[:file\], llmq is silent.
    ///
    /// * `level`: Least level that is delivered, LLMQ_LOG_.
    /// * `fn`: Called on the thread that logs, mostly the loop thread; must not call llmq. NULL
    ///   removes it.
    /// * `user_free`: Run once when the callback is no longer needed, also if this call fails; may
    ///   be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set_log(
        conf: *mut llmq_conf_t,
        level: i32,
        r#fn: llmq_log_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// Has managers that are made from this configuration take from functions of the host what
    /// grows with their requests: the records of requests, their payloads and texts, answers, and
    /// the data of chunks. Everything else (limits, settings, handles, the cache, connections, what
    /// a call sends, libcurl, libuv) stays on the heap.
    ///
    /// * `alloc`: Gives `size` bytes, at least 1, aligned as malloc's are, or NULL: then what needs
    ///   them is refused with LLMQ_ERR_NOMEM, or ends with it. Runs on each thread that calls llmq
    ///   and on the loop thread, several at a time, some with a lock of llmq held: it must not call
    ///   llmq. NULL, with dealloc: the heap again.
    /// * `dealloc`: Takes back what alloc gave, with the same size; on any thread, as above.
    /// * `user_free`: Run once when the last block is back and no configuration and no manager
    ///   needs the functions, also if this call fails; may be NULL. A response may be that last
    ///   one: they outlive managers.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG (one function without the other), LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set_allocator(
        conf: *mut llmq_conf_t,
        alloc: llmq_alloc_fn,
        dealloc: llmq_dealloc_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// Asks a function for the provider key of every model that names no other source, before each
    /// attempt: a rotated key is used at once. New programs take llmq_conf_set_deployment_key_fn,
    /// which is told the deployment as well.
    ///
    /// * `fn`: Called on the loop thread. NULL removes it.
    /// * `user_free`: Run once when the callback is no longer needed, also if this call fails; may
    ///   be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set_api_key_fn(
        conf: *mut llmq_conf_t,
        r#fn: llmq_api_key_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// As llmq_conf_set_api_key_fn, and in place of it, with a function that is told which
    /// deployment of the model the key is for.
    ///
    /// * Returns: As llmq_conf_set_api_key_fn.
    /// * Ownership: takes user
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_set_deployment_key_fn(
        conf: *mut llmq_conf_t,
        r#fn: llmq_deployment_key_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// As llmq_conf_set_deployment_key_fn, and in place of it, for languages whose functions no
    /// foreign thread should call, or that have to wait for a key: the manager asks by events, see
    /// llmq_set_key_queue. llmq_probe_json has nobody to ask.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG.
    /// * Ownership: nothing changes hands
    /// * Threads: one at a time per configuration
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_conf_ask_for_keys(conf: *mut llmq_conf_t) -> llmq_status_t;
    /// Makes a manager with its own loop thread, and registers the models of the configuration.
    ///
    /// * `conf`: NULL = all defaults, no models.
    /// * `manager` (out): The manager, with one reference.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED,
    ///   LLMQ_ERR_NOMEM, LLMQ_ERR_INTERNAL.
    /// * Ownership: the caller ends it with llmq_manager_destroy, or drops it with
    ///   llmq_manager_unref
    /// * Threads: any thread
    /// * Blocks: until its thread runs
    /// * Since: 0.1
    pub fn llmq_manager_create(
        conf: *const llmq_conf_t,
        manager: *mut *mut llmq_manager_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// The process's one shared manager: created on first use, gone with its last reference. The
    /// first configuration wins; a later call with NULL takes what is there, one with a different
    /// configuration fails. After llmq_manager_shutdown of it the next call creates a new one.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED,
    ///   LLMQ_ERR_NOMEM, LLMQ_ERR_INTERNAL.
    /// * Ownership: each successful call gives a reference, to be dropped with llmq_manager_unref
    /// * Threads: any thread
    /// * Blocks: until its thread runs
    /// * Since: 0.1
    pub fn llmq_manager_shared(
        conf: *const llmq_conf_t,
        manager: *mut *mut llmq_manager_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Adds a reference.
    ///
    /// * Returns: The same manager; NULL for NULL or a wrong handle.
    /// * Ownership: the caller owes one more llmq_manager_unref
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_ref(manager: *mut llmq_manager_t) -> *mut llmq_manager_t;
    /// Sets the completion queue that events LLMQ_EV_KEY come to, for models that
    /// llmq_conf_ask_for_keys was called for. One comes before each attempt that needs a key:
    /// `data` is the name of the model, a NUL, and the name of its deployment ("" for the only one
    /// without a name), request_id the request, attempt_id what llmq_key_answer takes. The attempt
    /// waits for the answer, within its timeout_ms; nothing else does. When a provider has refused
    /// a key it is asked for once more before the attempt ends, and tried again if it is another
    /// one; and at most once a second, with request_id 0, while a deployment is given up since its
    /// key was refused. A manager has one such queue: each call takes the place of the one before.
    /// What is asked while there is none waits for the next one; what an earlier one was told is
    /// still to be answered. Where the last user of the queue is gone, there is no key.
    ///
    /// * `cq`: Where the events go. NULL removes it.
    /// * `user_data`: Comes back in every event.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: keeps a reference to cq until it is replaced or the manager has ended; what is
    ///   drained belongs to the caller (llmq_events_release)
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_set_key_queue(
        manager: *mut llmq_manager_t,
        cq: *mut llmq_cq_t,
        user_data: u64,
    ) -> llmq_status_t;
    /// Answers an event LLMQ_EV_KEY, once. An answer that nobody waits for any more, as the attempt
    /// has ended, counts for nothing.
    ///
    /// * `question`: attempt_id of the event.
    /// * `key`: The key, at most 8,192 bytes; empty = there is none: the attempt ends with
    ///   LLMQ_ERR_AUTH.
    /// * `error`: Why there is none, in words: a part of the message of the response. NULL =
    ///   nothing to say.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: key and error are copied; the copy of the key is wiped
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_key_answer(
        manager: *mut llmq_manager_t,
        question: u64,
        key: *const c_char,
        key_len: usize,
        error: *const c_char,
        error_len: usize,
    ) -> llmq_status_t;
    /// Drops a reference. The last one of a manager that was not shut down aborts it in the
    /// background. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes one reference
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_unref(manager: *mut llmq_manager_t);
    /// Registers the models of a configuration, one or many; all or none.
    ///
    /// * `flags`: LLMQ_REGISTER_.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_MODEL_EXISTS, LLMQ_ERR_INVALID_VALUE,
    ///   LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: the configuration is copied; err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: for the reading of key files
    /// * Since: 0.1
    pub fn llmq_manager_register_models(
        manager: *mut llmq_manager_t,
        conf: *const llmq_conf_t,
        flags: u32,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Removes a model: new requests for it are refused at once, those it has end as `mode` says.
    /// Its name is free again at once.
    ///
    /// * `mode`: LLMQ_SHUTDOWN_DRAIN, _CANCEL or _ABORT.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_remove_model(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        mode: i32,
    ) -> llmq_status_t;
    /// Adds a deployment to a registered model: another place where its calls are made. A model
    /// that had one without a name has it as "0" from then on, and what were the model's limits are
    /// limits of that one.
    ///
    /// * `name`: 1 to 255 bytes; no other deployment of the model has it.
    /// * `conf`: What it says of model.MODEL.deployments.NAME is taken, and pools that are new;
    ///   what it does not say of the deployment, the model's settings say. Its key function, if it
    ///   has one, gives the key.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_INVALID_VALUE
    ///   (also: the name is taken, the key is missing, or a processor runs the model),
    ///   LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: everything is copied; err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: for the reading of a key file
    /// * Since: 0.1
    pub fn llmq_manager_add_deployment(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        name: *const c_char,
        name_len: usize,
        conf: *const llmq_conf_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Removes a deployment: nothing starts there any more. No request ends for it: who waits goes
    /// elsewhere. Its name is free again at once. The last one of a model goes with the model alone
    /// (llmq_manager_remove_model).
    ///
    /// * `mode`: LLMQ_SHUTDOWN_DRAIN: what runs there ends; _CANCEL and _ABORT: it is tried
    ///   elsewhere. A stream whose output has begun is not, unless it has LLMQ_REQUEST_RESTART:
    ///   that one ends, with LLMQ_ERR_TRANSPORT.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNKNOWN_KEY (no
    ///   such deployment), LLMQ_ERR_INVALID_VALUE (it is the last one), LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_remove_deployment(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        name: *const c_char,
        name_len: usize,
        mode: i32,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Changes one setting while everything runs: max_pending, max_pending_bytes, and of registered
    /// models and pools what docs/configuration.md marks as live, such as limits, prices, retries
    /// and time-outs. What limits have counted stays; waiting requests meet the new limits, and one
    /// that no longer fits ends with LLMQ_ERR_OVERSIZE. Time-outs, attempts and estimates are those
    /// of requests submitted from then on.
    ///
    /// * `key`: As for llmq_conf_set, with the name of one model, deployment or pool: `*` is none.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY (also: no such pool or
    ///   deployment), LLMQ_ERR_INVALID_VALUE (also: it contradicts what else is set),
    ///   LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (it cannot change while the manager runs),
    ///   LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: key and value are copied; err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_set(
        manager: *mut llmq_manager_t,
        key: *const c_char,
        value: *const c_char,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Names of the registered models, as a JSON array of strings, in the order of registration.
    ///
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_models_json(
        manager: *mut llmq_manager_t,
        json: *mut *mut c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// State of a model, or of all, as JSON: settings, queue, and for each limit used, reserved,
    /// available and the next time that room appears. `concurrency` tells how many attempts may run
    /// at a time: `effective` is less than `configured`, and `why` says so, since the provider was
    /// overloaded (`overloads` times until now). `tenant_limits` tells of each limit that tenants
    /// have to themselves how many `tenants` use it, and how many are `waiting` for it. Of a model
    /// whose deployments have names, `limits` are those over all of them, and `deployments` has
    /// `name`, `state`, `limits` and `concurrency` of each. States are ready, paused (a
    /// Retry-After), quota_exhausted, key_refused, out (its circuit breaker is open), probed
    /// (half-open), leaving.
    ///
    /// * `model`: NULL = all models.
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_WRONG_THREAD in a
    ///   callback of another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: any thread, not from a callback of another manager
    /// * Blocks: up to one loop turn; inline in callbacks
    /// * Since: 0.1
    pub fn llmq_manager_info_json(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        json: *mut *mut c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// Begins to shut down: new requests are refused with LLMQ_ERR_CLOSING, the others end as
    /// `mode` says, each with its terminal event. A second call may only sharpen the mode or the
    /// deadline.
    ///
    /// * `deadline_ns`: Absolute on llmq_now_ns(); what still runs then is aborted. 0 or -1 = none.
    /// * `cq`: Receives one LLMQ_EV_CLOSED after all other events; may be NULL.
    /// * `user_data`: Comes back in that event.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSED if it is complete already,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: the cq is referenced until the event
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_shutdown(
        manager: *mut llmq_manager_t,
        mode: i32,
        deadline_ns: i64,
        cq: *mut llmq_cq_t,
        user_data: u64,
    ) -> llmq_status_t;
    /// Aborts what is left, waits until every terminal event has been handed over, ends the thread,
    /// and drops the caller's reference. NULL is allowed.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_WRONG_THREAD in a callback (nothing
    ///   happened), LLMQ_ERR_FORKED (the memory is freed).
    /// * Ownership: takes one reference unless LLMQ_ERR_WRONG_THREAD or LLMQ_ERR_INVALID_ARG
    /// * Threads: any thread, not from a callback
    /// * Blocks: until drained
    /// * Since: 0.1
    pub fn llmq_manager_destroy(manager: *mut llmq_manager_t) -> llmq_status_t;
    /// A descriptor that is readable when llmq_manager_process has something to do.
    ///
    /// * `fd` (out): For poll, epoll, kqueue: do not read or close it. Gone when
    ///   llmq_manager_process says LLMQ_ERR_CLOSED. Windows has none: there the timeout alone says
    ///   when to process.
    /// * Returns: LLMQ_OK, LLMQ_ERR_UNSUPPORTED (a thread of its own, or Windows),
    ///   LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: belongs to the manager
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_manager_fd(manager: *mut llmq_manager_t, fd: *mut i32) -> llmq_status_t;
    /// How long the host may wait for the descriptor before it calls llmq_manager_process anyway.
    /// Ask after each llmq_manager_process.
    ///
    /// * `timeout_ns` (out): 0 = call it at once; negative = for ever.
    /// * Returns: LLMQ_OK, LLMQ_ERR_UNSUPPORTED (the manager has a thread of its own),
    ///   LLMQ_ERR_WRONG_THREAD in a callback, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread, not from a callback
    /// * Blocks: up to one loop turn; while another thread processes
    /// * Since: 0.1
    pub fn llmq_manager_timeout_ns(
        manager: *mut llmq_manager_t,
        timeout_ns: *mut i64,
    ) -> llmq_status_t;
    /// Works on what has come in and what is due; does not wait. The calling thread is the host's
    /// thread from then on.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_CLOSED (everything has ended, and so has the descriptor),
    ///   LLMQ_ERR_UNSUPPORTED (the manager has a thread of its own), LLMQ_ERR_WRONG_THREAD in a
    ///   callback, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: one at a time per manager, not from a callback
    /// * Blocks: never; callbacks run inside
    /// * Since: 0.1
    pub fn llmq_manager_process(manager: *mut llmq_manager_t) -> llmq_status_t;
    /// Hands over a request. Never waits for a limit: it queues.
    ///
    /// * `id` (out): Written before the request becomes visible, so its callback may run first. May
    ///   be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_QUEUE_FULL,
    ///   LLMQ_ERR_OVERSIZE, LLMQ_ERR_INVALID_VALUE (the payload is not what the model's provider
    ///   takes), LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: everything is copied; the cq is referenced until the event is released
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_submit(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        id: *mut llmq_request_id_t,
    ) -> llmq_status_t;
    /// Hands over many requests, in order, until one is refused.
    ///
    /// * `stride`: Bytes from one request to the next.
    /// * `ids` (out): One id for each accepted request; may be NULL.
    /// * `accepted` (out): Length of the accepted prefix; may be NULL.
    /// * Returns: LLMQ_OK if all were accepted, else the status of the first that was refused, as
    ///   llmq_submit.
    /// * Ownership: as llmq_submit
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_submit_batch(
        manager: *mut llmq_manager_t,
        requests: *const llmq_request_t,
        stride: usize,
        n: usize,
        ids: *mut llmq_request_id_t,
        accepted: *mut usize,
    ) -> llmq_status_t;
    /// Hands over a request and waits for its response. The request's cq and done_fn must be NULL.
    ///
    /// * `timeout_ns`: How long to wait; negative = for ever. If it passes, the request is
    ///   cancelled.
    /// * `response` (out): The outcome, also if the request failed: LLMQ_OK means that there is a
    ///   response.
    /// * Returns: LLMQ_OK, LLMQ_ERR_TIMEOUT (cancelled), LLMQ_ERR_WRONG_THREAD, and the statuses of
    ///   llmq_submit.
    /// * Ownership: the caller frees the response with llmq_response_free
    /// * Threads: any thread, not from a callback
    /// * Blocks: up to timeout
    /// * Since: 0.1
    pub fn llmq_submit_wait(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        timeout_ns: i64,
        response: *mut *mut llmq_response_t,
    ) -> llmq_status_t;
    /// Says in words whether llmq_submit would accept the request now, without submitting it.
    ///
    /// * Returns: As llmq_submit.
    /// * Ownership: err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_request_check(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// What the request will probably use: tokens, and their price where the model has prices.
    /// Input tokens come from the bytes of the text by a line that is fitted to the usage of the
    /// model's answers (llmq_stats_json, `estimates`), images and tools by the documented rules;
    /// until 8 answers are known, from 4 bytes per token. A limit whose `charge` is `arrival`
    /// reserves what the provider counts on arrival, 4 bytes per token, all the same. Output tokens
    /// are what the body says, else what 95 of 100 answers of that priority did not pass, else
    /// est_output_tokens, capped by the smallest limit.
    ///
    /// * `usage`: Its struct_size must be set. cost_micros is 0 without prices.
    /// * Returns: As llmq_request_check.
    /// * Ownership: filled for the caller; err, if set, is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_request_estimate(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        usage: *mut llmq_usage_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// When a request that waits may start, and which limit it waits for.
    ///
    /// * `wait`: Its struct_size must be set.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE (it has ended),
    ///   LLMQ_ERR_WRONG_THREAD in a callback of another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: filled for the caller
    /// * Threads: any thread, not from a callback of another manager
    /// * Blocks: up to one loop turn; inline in callbacks
    /// * Since: 0.1
    pub fn llmq_request_wait_estimate(
        manager: *mut llmq_manager_t,
        id: llmq_request_id_t,
        wait: *mut llmq_wait_t,
    ) -> llmq_status_t;
    /// Asks for a request to be cancelled. It ends with LLMQ_ERR_CANCELLED unless it ends otherwise
    /// first; a running HTTP call is closed at once.
    ///
    /// * Returns: LLMQ_OK (asked), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE (ended before),
    ///   LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cancel(manager: *mut llmq_manager_t, id: llmq_request_id_t) -> llmq_status_t;
    /// State of a live or recently finished request.
    ///
    /// * `state` (out): LLMQ_STATE_.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_request_state(
        manager: *mut llmq_manager_t,
        id: llmq_request_id_t,
        state: *mut i32,
    ) -> llmq_status_t;
    /// Moves out the response of a request submitted with LLMQ_REQUEST_KEEP. Kept are the last
    /// keep_max of them, for keep_age_s.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_AGAIN while it is pending, LLMQ_ERR_STALE (also: it has ended
    ///   and was not kept), LLMQ_ERR_INVALID_ARG (also: it is live and was submitted without KEEP),
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller frees the response with llmq_response_free
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_get(
        manager: *mut llmq_manager_t,
        id: llmq_request_id_t,
        response: *mut *mut llmq_response_t,
    ) -> llmq_status_t;
    /// Status, state, timings, attempts and usage of one of the last history_max finished requests
    /// of each model, as a response without payload and texts. May be asked again and again.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_AGAIN while it is pending, LLMQ_ERR_STALE,
    ///   LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller frees the response with llmq_response_free
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_peek(
        manager: *mut llmq_manager_t,
        id: llmq_request_id_t,
        response: *mut *mut llmq_response_t,
    ) -> llmq_status_t;
    /// Reports the usage of a finished request that was submitted with LLMQ_REQUEST_KEEP or
    /// LLMQ_REQUEST_LATE_USAGE: its charges are corrected where they lie, as long as they lie in a
    /// window.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG (also: a negative count), LLMQ_ERR_STALE,
    ///   LLMQ_ERR_AGAIN while it is not finished (what this thread has reported or released before
    ///   counts), LLMQ_ERR_ALREADY_DONE if usage is known and the history still remembers it,
    ///   LLMQ_ERR_WRONG_THREAD in a callback of another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: copied
    /// * Threads: any thread, not from a callback of another manager
    /// * Blocks: up to one loop turn; inline in callbacks
    /// * Since: 0.1
    pub fn llmq_usage_update(
        manager: *mut llmq_manager_t,
        id: llmq_request_id_t,
        usage: *const llmq_usage_t,
    ) -> llmq_status_t;
    /// Sets the function that runs the attempts of a model that has no built-in provider. Requests
    /// submitted before wait for it.
    ///
    /// * `fn`: Gets LLMQ_EV_READY on the loop thread; must return quickly, and end the attempt now
    ///   or later, from any thread, with llmq_attempt_succeed or llmq_attempt_fail. The event's
    ///   data lives until then.
    /// * `cancel_fn`: Gets LLMQ_EV_CANCEL_REQUESTED when the attempt has ended for llmq (cancel,
    ///   time-out, shutdown): stop, and still call llmq_attempt_fail or _succeed once, which
    ///   answers LLMQ_ERR_STALE and releases the data. May be NULL.
    /// * `user_free`: Run once when the processor is replaced or the manager ends, also if this
    ///   call fails.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (the
    ///   model has a built-in provider), LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_model_set_processor(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        r#fn: llmq_event_fn,
        cancel_fn: llmq_event_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// Sets a completion queue that the attempts of a model without built-in provider come to: any
    /// thread that drains it is a worker, and runs what it has drained. Takes the place of a
    /// processor or of other workers; requests submitted before wait for it. The same queue may
    /// serve several models and managers, and take events of requests.
    ///
    /// READY. attempt_id is what the calls below take, `attempt` its number, `data` the payload,
    /// user_data that of the request: tell events of a queue that serves several ends apart by
    /// `type` first. Each READY is drained by one thread and is its to run. What is READY counts as
    /// running, drained or not: bound it with max_in_flight or a limit of concurrency. End the
    /// attempt from any thread with llmq_attempt_succeed or llmq_attempt_fail; llmq_attempt_chunk
    /// streams. The payload, and what llmq_attempt_model, _tenant, _request_key and _metadata point
    /// to, live until the attempt has ended and the event is released (llmq_events_release),
    /// whichever is later: release it when the attempt is reported, or as soon as everything is
    /// copied. Releasing does not end the attempt.
    ///
    /// Lease. It begins when the event is drained. An attempt of which nothing is heard for that
    /// long - no report, no chunk, no llmq_attempt_heartbeat - is lost: it ends with
    /// LLMQ_ERR_ABANDONED, what it holds of concurrency is free, its tokens stay charged, and the
    /// request is tried again at once while it has attempts left; max_attempts = 1 makes the loss
    /// final. (A stream of which the caller has seen output is not tried again without
    /// LLMQ_REQUEST_RESTART.) llmq_attempt_succeed, _fail, _chunk and _heartbeat of a lost attempt
    /// answer LLMQ_ERR_STALE: its result counts for nothing. What nobody drains waits, as long as
    /// time-out and deadline let it; when the last user of the queue is gone, attempts end with
    /// LLMQ_ERR_ABANDONED at once.
    ///
    /// CANCEL_REQUESTED comes to the same queue, after the READY, when an attempt has ended for
    /// llmq before it was reported: cancel, time-out, deadline, shutdown with ABORT, a lost lease.
    /// It has attempt_id, request_id and user_data, and no data. Stop the work if you can; nothing
    /// need be reported (a report answers LLMQ_ERR_STALE). It may be for an attempt that is still
    /// to be drained, has just been reported, or is not known to the worker any more.
    ///
    /// A worker's loop: llmq_cq_wait or the fd of llmq_cq_fd, llmq_cq_drain, by type; end it with
    /// llmq_cq_wake. To stop cleanly: llmq_manager_shutdown, run on until LLMQ_EV_CLOSED has come
    /// to this queue or another one.
    ///
    /// * `cq`: Is referenced until workers or a processor take its place, the model is removed, or
    ///   the manager ends.
    /// * `lease_ns`: 0 = 60 s, -1 = none.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (the
    ///   model has a built-in provider), LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: the cq is referenced
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_model_set_workers(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        cq: *mut llmq_cq_t,
        lease_ns: i64,
    ) -> llmq_status_t;
    /// The runner of an attempt is still there: its lease (llmq_model_set_workers) begins anew. Of
    /// a processor's attempt, which has none, it says whether the result is still wanted.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE (the attempt has ended: stop), LLMQ_ERR_INVALID_ARG,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_heartbeat(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
    ) -> llmq_status_t;
    /// Asks for a permit: the caller makes the call itself, with an SDK of its own, when the limits
    /// of the model have room for it. The permit waits in the line of the model, by priority,
    /// tenant and deadline like any request, and counts as one (llmq_cancel, llmq_request_state,
    /// llmq_request_wait_estimate, stats, hooks). The model may have any provider, or none; its
    /// limits, deployments and learning work as for calls of llmq's own.
    ///
    /// The request. Tokens are est_input_tokens and est_output_tokens; where these are 0, what the
    /// payload says, if there is one (a body in the form of `operation`, looked at and not kept),
    /// else the defaults of the model. timeout_ns is the lease of the permit (0 = timeout_ms of the
    /// model, -1 = none), deadline_ns bounds the wait and the permit. cq or done_fn is set; flags
    /// other than LLMQ_REQUEST_LATE_USAGE, and dedup_key, are not. max_attempts counts for nothing:
    /// a permit is one attempt.
    ///
    /// The answer is one event, to cq or done_fn: PERMIT, with request_id, attempt_id, user_data,
    /// and in `data` the name of the deployment that the call must go to ("" where the model has
    /// one without a name; the event owns it, release it as others); or DONE with the status that
    /// says why there is no permit (cancel, deadline, shutdown, oversize). Both are terminal: no
    /// other event follows, also no CANCEL_REQUESTED. Where the model has fallback.models, the
    /// permit may be for one of these: llmq_attempt_model tells.
    ///
    /// Then make the call, and end the permit once, from any thread: llmq_permit_release with the
    /// usage of the answer, or llmq_attempt_fail with the status that fits: LLMQ_ERR_RATE_LIMITED
    /// with its Retry-After teaches the limits, LLMQ_ERR_OVERLOADED, _SERVER and _TRANSPORT the
    /// bounds of load and the circuit breaker, as for calls of llmq's own. Headers are told
    /// besides, before (llmq_report_limits). Nothing is tried again: after a failure that should
    /// be, ask for another permit. Switch off retries of the SDK: each call takes a permit of its
    /// own.
    ///
    /// The lease begins when the PERMIT is drained, or done_fn is called. When it is over, or the
    /// deadline or a shutdown with ABORT comes first, or llmq_cancel takes the permit back, the
    /// permit is lost: its place of concurrency is free, its tokens stay charged, the request ends
    /// (a lapsed lease with LLMQ_ERR_ABANDONED), and release and fail answer LLMQ_ERR_STALE.
    /// llmq_attempt_heartbeat renews the lease. A shutdown with DRAIN or CANCEL waits for permits
    /// that are out, until its deadline.
    ///
    /// A model without provider, processor and workers gives permits alone: once one was asked for,
    /// requests of llmq_submit to it end with LLMQ_ERR_UNSUPPORTED.
    ///
    /// * `id` (out): Written before the request becomes visible. May be NULL.
    /// * Returns: As llmq_submit.
    /// * Ownership: everything is copied; the cq is referenced until the event is released
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_acquire(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        id: *mut llmq_request_id_t,
    ) -> llmq_status_t;
    /// Takes a permit if it could start now, passing nobody who waits. As llmq_acquire but for the
    /// answer; cq and done_fn must be NULL. The lease begins at once. In stats and hooks one that
    /// is not given is a request that was cancelled.
    ///
    /// * `attempt` (out): The permit; 0 if there is none. llmq_attempt_deployment tells where the
    ///   call goes.
    /// * `wait_ns` (out): With LLMQ_ERR_AGAIN: how long it would wait, as likely less as more. May
    ///   be NULL.
    /// * Returns: LLMQ_OK (there is a permit), LLMQ_ERR_AGAIN (not now), LLMQ_ERR_DEADLINE and
    ///   other statuses of requests that can never start, LLMQ_ERR_WRONG_THREAD in a callback of
    ///   another manager, and the statuses of llmq_submit.
    /// * Ownership: everything is copied
    /// * Threads: any thread, not from a callback of another manager
    /// * Blocks: up to one loop turn; inline in callbacks
    /// * Since: 0.1
    pub fn llmq_try_acquire(
        manager: *mut llmq_manager_t,
        request: *const llmq_request_t,
        attempt: *mut llmq_attempt_id_t,
        wait_ns: *mut i64,
    ) -> llmq_status_t;
    /// Ends a permit whose call went well.
    ///
    /// * `usage`: Actual usage, which corrects what was charged; NULL = not known: the reservation
    ///   stays charged. Of a call that was not made, zeros: its tokens are given back.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE (it was lost, or ended before), LLMQ_ERR_INVALID_ARG (the
    ///   permit is still there), LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM (the permit is still there).
    /// * Ownership: copied
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_permit_release(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        usage: *const llmq_usage_t,
    ) -> llmq_status_t;
    /// Hands over a piece of the response of a running attempt: the caller gets it as
    /// LLMQ_EV_CHUNK, pieces in order and before DONE. An attempt that has handed over one is not
    /// retried any more. llmq_attempt_succeed still gives the whole response.
    ///
    /// * `data`: The piece; copied. NULL with len 0.
    /// * Returns: LLMQ_OK, LLMQ_ERR_AGAIN while the caller holds stream_buffer_bytes of earlier
    ///   pieces (come again when it may have released some), LLMQ_ERR_UNSUPPORTED (the caller takes
    ///   no chunks: see LLMQ_EVENT_STREAM), LLMQ_ERR_STALE (the attempt has ended),
    ///   LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: copied
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_chunk(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *const c_void,
        len: usize,
    ) -> llmq_status_t;
    /// Ends an attempt with a result.
    ///
    /// * `data`: The response's payload; copied. NULL with len 0.
    /// * `usage`: Actual usage; NULL = not known: the reservation stays charged.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE (it had ended: the result is dropped),
    ///   LLMQ_ERR_INVALID_ARG (the attempt still runs), LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM (the
    ///   attempt still runs).
    /// * Ownership: copied; the READY event's data is gone afterwards
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_succeed(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *const c_void,
        len: usize,
        usage: *const llmq_usage_t,
    ) -> llmq_status_t;
    /// Ends an attempt with a failure. LLMQ_ERR_RATE_LIMITED, _OVERLOADED, _SERVER, _TRANSPORT and
    /// _TIMEOUT are retried; every other status is final.
    ///
    /// * `status`: A negative status.
    /// * `message`: Why, for people; copied. May be NULL with len 0.
    /// * `retry_after_ns`: With a retryable status: no retry before that time from now; 0 = not
    ///   known. With LLMQ_ERR_RATE_LIMITED the model starts nothing before then.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG (the attempt still runs),
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM (the attempt still runs).
    /// * Ownership: copied; the READY event's data is gone afterwards
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_fail(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        status: llmq_status_t,
        message: *const c_char,
        len: usize,
        retry_after_ns: i64,
    ) -> llmq_status_t;
    /// Tells what a provider's answer showed of its limits, where the calls are made by the
    /// caller's own SDK: the headers of the answer, x-ratelimit-* among them. They teach the limits
    /// of the model, or of its first deployment (llmq_attempt_report_limits: of the one that was
    /// called), as the answers of a built-in provider do. Hand over all headers, of good answers
    /// too: other names are skipped, and values that make no sense are left out. A refusal (429) is
    /// reported with llmq_attempt_fail besides.
    ///
    /// * `names`, `values`: `count` texts each, NUL-terminated unless their lengths are given.
    /// * `name_lens`, `value_lens`: `count` lengths in bytes; NULL = the texts are NUL-terminated.
    /// * `count`: At most 4,096; with 0 the arrays may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG (also: a NULL text), LLMQ_ERR_UNKNOWN_MODEL,
    ///   LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: copied
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_report_limits(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        names: *const *const c_char,
        name_lens: *const usize,
        values: *const *const c_char,
        value_lens: *const usize,
        count: usize,
    ) -> llmq_status_t;
    /// As llmq_report_limits, for the deployment that the attempt, or permit, goes to: call it
    /// before the attempt is ended.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE (the attempt has ended), LLMQ_ERR_INVALID_ARG,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: copied
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_report_limits(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        names: *const *const c_char,
        name_lens: *const usize,
        values: *const *const c_char,
        value_lens: *const usize,
        count: usize,
    ) -> llmq_status_t;
    /// Model, tenant, request key and metadata of the request of an attempt that has not been
    /// reported yet; of a worker's attempt also: that has not ended. Of a permit, likewise; copy
    /// them before it ends.
    ///
    /// * `data`, `len` (out): Bytes that live as long as the READY event's data; of a permit, as
    ///   long as it does.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: belongs to the attempt
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_model(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *mut *const c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// As llmq_attempt_model: the tenant.
    ///
    /// * Returns: As llmq_attempt_model.
    /// * Ownership: belongs to the attempt
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_tenant(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *mut *const c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// As llmq_attempt_model: the request key.
    ///
    /// * Returns: As llmq_attempt_model.
    /// * Ownership: belongs to the attempt
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_request_key(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *mut *const c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// As llmq_attempt_model: the metadata.
    ///
    /// * Returns: As llmq_attempt_model.
    /// * Ownership: belongs to the attempt
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_metadata(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *mut *const c_void,
        len: *mut usize,
    ) -> llmq_status_t;
    /// As llmq_attempt_model: of a permit, the name of the deployment that its call goes to; ""
    /// where the model has one without a name, and of processors and workers.
    ///
    /// * Returns: As llmq_attempt_model.
    /// * Ownership: belongs to the attempt
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_deployment(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        data: *mut *const c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// Number of an attempt among those of its request, as in its READY event.
    ///
    /// * `number` (out): From 1.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread, until the attempt is reported
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_attempt_number(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        number: *mut u32,
    ) -> llmq_status_t;
    /// When a running attempt ends at the latest: at its time-out, or the request's deadline. A
    /// lease may end before.
    ///
    /// * `deadline_ns` (out): On llmq_now_ns(); 0 = it is not bounded.
    /// * Returns: LLMQ_OK, LLMQ_ERR_STALE (it has ended), LLMQ_ERR_INVALID_ARG,
    ///   LLMQ_ERR_WRONG_THREAD in a callback of another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
    ///   LLMQ_ERR_NOMEM.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread, not from a callback of another manager
    /// * Blocks: up to one loop turn; inline in callbacks
    /// * Since: 0.1
    pub fn llmq_attempt_deadline_ns(
        manager: *mut llmq_manager_t,
        attempt: llmq_attempt_id_t,
        deadline_ns: *mut i64,
    ) -> llmq_status_t;
    /// Makes a completion queue. It may serve several managers and outlives them.
    ///
    /// * `cq` (out): The queue, with one reference.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller drops it with llmq_cq_unref
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_create(cq: *mut *mut llmq_cq_t) -> llmq_status_t;
    /// Adds a reference.
    ///
    /// * Returns: The same queue; NULL for NULL or a wrong handle.
    /// * Ownership: the caller owes one more llmq_cq_unref
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_ref(cq: *mut llmq_cq_t) -> *mut llmq_cq_t;
    /// Drops a reference. Drained events stay valid until they are released; events that nobody can
    /// drain any more are dropped. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes one reference
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_unref(cq: *mut llmq_cq_t);
    /// Moves up to `max` events into the caller's storage. The caller sets `stride` of events\[0\];
    /// it is written into every event.
    ///
    /// * `events`: Storage for max events of `stride` bytes each; stride \>= 128 (the first
    ///   header's), and at most 4,096, else 0. What this library does not know of an event becomes
    ///   zero.
    /// * Returns: How many events were written; 0 if there are none, or the arguments are wrong.
    /// * Ownership: each event's handle is the caller's, until llmq_events_release or
    ///   llmq_event_take
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_drain(cq: *mut llmq_cq_t, events: *mut llmq_event_t, max: usize) -> usize;
    /// Waits until there is an event.
    ///
    /// * Returns: LLMQ_OK (there is one), LLMQ_ERR_TIMEOUT, LLMQ_ERR_AGAIN (woken by llmq_cq_wake),
    ///   LLMQ_ERR_WRONG_THREAD on a loop thread, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread, not from a callback
    /// * Blocks: up to timeout
    /// * Since: 0.1
    pub fn llmq_cq_wait(cq: *mut llmq_cq_t, timeout_ns: i64) -> llmq_status_t;
    /// Ends the llmq_cq_wait of one waiting thread, or the next one, with LLMQ_ERR_AGAIN; makes the
    /// file descriptor readable until the next drain.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_wake(cq: *mut llmq_cq_t) -> llmq_status_t;
    /// A file descriptor that is readable exactly while the queue holds events; only llmq_cq_drain
    /// resets it.
    ///
    /// * `kind`: LLMQ_CQ_FD_; the first call decides.
    /// * `fd` (out): The descriptor: poll it, do not read or close it. Windows has none: see
    ///   llmq_cq_set_wakeup.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_INTERNAL (none to be
    ///   had), LLMQ_ERR_UNSUPPORTED.
    /// * Ownership: belongs to the queue
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_fd(cq: *mut llmq_cq_t, kind: i32, fd: *mut i32) -> llmq_status_t;
    /// Sets the function that is called each time that the queue, which was empty, gets an event:
    /// for hosts whose loop is woken by a call (uv_async_send, PostMessage), not by a descriptor.
    /// It is called once until the queue has been drained empty; at once, on this thread, if there
    /// are events already. llmq_cq_wake does not call it.
    ///
    /// * `fn`: Called with no lock held, on the loop thread of a manager, mostly; must return
    ///   quickly. NULL removes it.
    /// * `user_free`: Run once when the function has been replaced or the queue's last user has
    ///   gone, and no call of fn is left; also if this call fails. May be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_cq_set_wakeup(
        cq: *mut llmq_cq_t,
        r#fn: llmq_wakeup_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// Drains up to `max` events and calls a function with each, on this thread. An event is
    /// released when the function returns, unless it was taken (llmq_event_take, with the event
    /// cast from const).
    ///
    /// * `fn`: May call everything, also llmq_cq_drain and this function.
    /// * Returns: How many there were; 0 if there are none, or the arguments are wrong.
    /// * Ownership: events are released
    /// * Threads: any thread
    /// * Blocks: never; fn runs inside
    /// * Since: 0.1
    pub fn llmq_cq_dispatch(
        cq: *mut llmq_cq_t,
        r#fn: llmq_event_fn,
        user: *mut c_void,
        max: usize,
    ) -> usize;
    /// Releases drained events and what their handles own. Events that were taken, or have no
    /// handle, are skipped; released events may be released again.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the handles
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_events_release(events: *mut llmq_event_t, stride: usize, n: usize);
    /// Reads what a DONE event tells beside its members, without a response being made. Works on
    /// drained events until they are released or taken, and inside done_fn.
    ///
    /// * `outcome` (out): Its struct_size must be set.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG (no DONE event, or taken before), LLMQ_ERR_FORKED.
    /// * Ownership: filled for the caller; the texts belong to the event
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_event_outcome(
        event: *const llmq_event_t,
        outcome: *mut llmq_outcome_t,
    ) -> llmq_status_t;
    /// Turns a DONE event into a response that lives on. Works on drained events and inside
    /// done_fn, there with the event cast from const.
    ///
    /// * `response` (out): The outcome.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG (no DONE event, or taken before), LLMQ_ERR_NOMEM
    ///   (still the event's), LLMQ_ERR_FORKED.
    /// * Ownership: the caller frees the response with llmq_response_free; the event's data moves
    ///   there
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_event_take(
        event: *mut llmq_event_t,
        response: *mut *mut llmq_response_t,
    ) -> llmq_status_t;
    /// Status of a request's outcome.
    ///
    /// * Returns: LLMQ_OK or the error; LLMQ_ERR_INVALID_ARG for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_status(response: *const llmq_response_t) -> llmq_status_t;
    /// Final state, LLMQ_STATE_.
    ///
    /// * Returns: The state; 0 for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_state(response: *const llmq_response_t) -> i32;
    /// Payload: the processor's data, or the body that the provider sent, also with an error.
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: The bytes, followed by a NUL that is not counted; never NULL.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_data(response: *const llmq_response_t, len: *mut usize) -> *const c_void;
    /// What went wrong, in words.
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: NUL-terminated text; "" if nothing did.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_error(response: *const llmq_response_t, len: *mut usize) -> *const c_char;
    /// Usage of the last attempt.
    ///
    /// * `usage`: Its struct_size must be set.
    /// * Returns: LLMQ_OK, LLMQ_ERR_AGAIN if usage is not known, LLMQ_ERR_INVALID_ARG.
    /// * Ownership: filled for the caller
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_usage(
        response: *const llmq_response_t,
        usage: *mut llmq_usage_t,
    ) -> llmq_status_t;
    /// Times of the request on llmq_now_ns(): submitted, start of the last attempt (0 = none), end.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG. Each out parameter may be NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_timings(
        response: *const llmq_response_t,
        submitted_ns: *mut i64,
        started_ns: *mut i64,
        finished_ns: *mut i64,
    ) -> llmq_status_t;
    /// Time from the start of the last attempt to its first output, of a response that was
    /// streamed.
    ///
    /// * Returns: Nanoseconds; 0 if none came, and for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_first_output_ns(response: *const llmq_response_t) -> i64;
    /// Whose the answer and its usage are: LLMQ_EVENT_SHARED and LLMQ_EVENT_CACHED, as in the DONE
    /// event.
    ///
    /// * Returns: The bits; 0 for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_flags(response: *const llmq_response_t) -> u32;
    /// Attempts made.
    ///
    /// * Returns: The number; 0 for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_attempts(response: *const llmq_response_t) -> u32;
    /// The attempts of a request of which at least one has failed, the last one included.
    ///
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free: an array of {"attempt"
    ///   (from 1), "deployment" (where it has a name), "status" ("LLMQ_ERR_SERVER"), "http_status"
    ///   (if there was an answer), "message" (of the provider or the processor; at most 200 bytes),
    ///   "started_ms" (from the submit; of a shared call from its begin), "run_ms",
    ///   "retry_delay_ms" (if another one followed: until it could start)}. A second call beside a
    ///   slow one (hedge.enabled) has "hedge": true; the slower of two ended with
    ///   LLMQ_ERR_CANCELLED. \[\] if none has failed, and of llmq_response_peek, which keeps no
    ///   texts.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_attempts_json(
        response: *const llmq_response_t,
        json: *mut *mut c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// Id of the request.
    ///
    /// * Returns: The id; 0 for NULL.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_request_id(response: *const llmq_response_t) -> llmq_request_id_t;
    /// HTTP status of the last answer of a built-in provider.
    ///
    /// * Returns: The status; 0 if there was none.
    /// * Ownership: nothing changes hands
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_http_status(response: *const llmq_response_t) -> i32;
    /// The provider's own id of its last answer (x-request-id).
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: NUL-terminated text; "" if there was none.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_provider_request_id(
        response: *const llmq_response_t,
        len: *mut usize,
    ) -> *const c_char;
    /// Name of the model that the request went to in the end, if it is not the one that was asked
    /// for (setting model.*.fallback.models).
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: NUL-terminated text; "" if it stayed with the model that was asked for.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_fallback_model(
        response: *const llmq_response_t,
        len: *mut usize,
    ) -> *const c_char;
    /// Name of the deployment that ran the last attempt.
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: NUL-terminated text; "" if none ran, or the model's only deployment has no name.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_deployment(
        response: *const llmq_response_t,
        len: *mut usize,
    ) -> *const c_char;
    /// Metadata as given with the request.
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: The bytes; never NULL.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_metadata(
        response: *const llmq_response_t,
        len: *mut usize,
    ) -> *const c_void;
    /// Request key as given with the request.
    ///
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: NUL-terminated text; "" if none.
    /// * Ownership: belongs to the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_request_key(
        response: *const llmq_response_t,
        len: *mut usize,
    ) -> *const c_char;
    /// Frees a response. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the response
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_response_free(response: *mut llmq_response_t);
    /// Counters of a model, or of the whole manager. The values belong together up to one turn of
    /// the loop, and are told before what ended in it: whoever has heard of an end, by event,
    /// callback or llmq_submit_wait, finds it counted.
    ///
    /// * `model`: NULL = the whole manager, removed models included.
    /// * `stats`: Its struct_size must be set.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_FORKED.
    /// * Ownership: filled for the caller
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_stats(
        manager: *mut llmq_manager_t,
        model: *const c_char,
        model_len: usize,
        stats: *mut llmq_stats_t,
    ) -> llmq_status_t;
    /// The same for the manager and every registered model, as JSON; also `joined`, requests that
    /// shared the call of one before them, `hedges`, second calls beside a slow one, `hedges_won`,
    /// those whose output came first, and `cache` (hits, misses, evicted, and entries and bytes
    /// now).
    ///
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_stats_json(
        manager: *mut llmq_manager_t,
        json: *mut *mut c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// Sets the function that is told what happens to requests, limits and circuit breakers, for
    /// metrics and tracing. A manager has one; the next call takes its place, after what has
    /// happened by then has been told. Kinds of events that are not asked for cost a test of one
    /// bit.
    ///
    /// * `mask`: LLMQ_HOOK_ bits. UINT32_MAX asks for all, also for those of later versions: skip
    ///   types that you do not know. 0 asks for none.
    /// * `fn`: Called on the loop thread, in the order of events: must return quickly; may submit,
    ///   cancel, read, and set a hook. NULL removes the hook.
    /// * `user_free`: Run once when the hook has been replaced or the manager ends, also if this
    ///   call fails; may be NULL. The hook is not called after that.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
    /// * Ownership: takes user
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_set_hook(
        manager: *mut llmq_manager_t,
        mask: u32,
        r#fn: llmq_hook_fn,
        user: *mut c_void,
        user_free: llmq_user_free_fn,
    ) -> llmq_status_t;
    /// The same, told as events LLMQ_EV_HOOK of a completion queue in place of a call on the loop
    /// thread: for languages whose functions no foreign thread should call. `data` of such an event
    /// is an llmq_hook_t. They come in order, COMPLETED before the DONE of the request if that goes
    /// to the same queue. At most 65,536 of one call are kept that were not released: what happens
    /// beyond that is not told, and `lost` of the next event counts it. A manager has one hook,
    /// function or queue: each call takes the place of the one before. Its last event is
    /// LLMQ_EV_HOOK_ENDED, once it has been replaced or the manager has ended (then before
    /// LLMQ_EV_CLOSED): `data` is an llmq_hook_t of type 0, of which time_ns and lost are set.
    ///
    /// * `mask`: LLMQ_HOOK_ bits, as above.
    /// * `cq`: Where the events go. NULL removes the hook.
    /// * `user_data`: Comes back in every event of this call.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED,
    ///   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM. After an error no event comes.
    /// * Ownership: keeps a reference to cq until its last event; what is drained belongs to the
    ///   caller (llmq_events_release)
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_set_hook_queue(
        manager: *mut llmq_manager_t,
        mask: u32,
        cq: *mut llmq_cq_t,
        user_data: u64,
    ) -> llmq_status_t;
    /// Makes a plan with the models of a configuration. It has no thread, needs no key, and sends
    /// nothing.
    ///
    /// * `plan` (out): The plan.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_NOMEM.
    /// * Ownership: the caller frees it with llmq_plan_free; the configuration is copied
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_plan_create(
        conf: *const llmq_conf_t,
        plan: *mut *mut llmq_plan_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Adds the models of a configuration; those that the plan knows stay as they are.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_ALREADY_DONE (it
    ///   has been run), LLMQ_ERR_NOMEM.
    /// * Ownership: the configuration is copied; err, if set, is the caller's
    /// * Threads: one at a time per plan
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_plan_add_models(
        plan: *mut llmq_plan_t,
        conf: *const llmq_conf_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Adds a request, with the checks and estimates of llmq_submit. Its payload is looked at and
    /// not kept; cq and done_fn are not needed.
    ///
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_OVERSIZE
    ///   (counted, left out), LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_ALREADY_DONE
    ///   (it has been run), LLMQ_ERR_NOMEM.
    /// * Ownership: nothing of the request is kept; err, if set, is the caller's
    /// * Threads: one at a time per plan
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_plan_add(
        plan: *mut llmq_plan_t,
        request: *const llmq_request_t,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Runs everything that was added through the engine under a virtual clock, as if all had been
    /// submitted at once and every call lasted plan.latency_ms and its output at plan.tokens_per_s;
    /// once per plan. It begins now: windows of calendars end when they do. Tenants have their
    /// weights and limits, not their caps.
    ///
    /// * `json` (out): NUL-terminated text, to be freed with llmq_buf_free: requests, oversize,
    ///   expired, unfinished (after a hundred years), input_tokens, output_tokens, cost (in the
    ///   unit of the prices), duration_ms, bound_by (the limit that the line waited for the
    ///   longest, or null), models: the same for each, and tenants: the same for each but for
    ///   bound_by.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_ALREADY_DONE, LLMQ_ERR_NOMEM.
    /// * Ownership: json is the caller's
    /// * Threads: one at a time per plan
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_plan_run(
        plan: *mut llmq_plan_t,
        json: *mut *mut c_char,
        len: *mut usize,
    ) -> llmq_status_t;
    /// Frees a plan. NULL is allowed.
    ///
    /// * Returns: Nothing.
    /// * Ownership: takes the plan
    /// * Threads: one at a time per plan
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_plan_free(plan: *mut llmq_plan_t);
    /// Says whether llmq would try again after an answer, when, and what else it reads from it.
    /// Nothing is sent.
    ///
    /// * `provider`: Name as in model.*.provider; may be empty if the record names its own.
    /// * `record`: A JSON object: status; headers, name to value or list of values; body, a string
    ///   (of a stream all of it) or a JSON value; optionally now_unix_ms, the clock at that time,
    ///   else the Date header serves; optionally provider, which overrules the argument.
    /// * `json` (out): NUL-terminated JSON without line breaks, to be freed with llmq_buf_free:
    ///   retryable, retry_after_ms, hint_source (header, reset_header, body, body_text), limits
    ///   {requests, tokens, input_tokens, output_tokens: {limit, remaining, reset_ms}}, usage
    ///   {input_tokens, output_tokens, cached_input_tokens}, error_class (rate_limit, quota,
    ///   overloaded, server_error, bad_request, context_length, content_filter, auth), null where
    ///   nothing is told; and what else is known, such as other_limits, body_limit and
    ///   stream_error.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE (err names the member that
    ///   is wrong), LLMQ_ERR_NOMEM.
    /// * Ownership: json and err, if set, are the caller's
    /// * Threads: any thread
    /// * Blocks: never
    /// * Since: 0.1
    pub fn llmq_explain_json(
        provider: *const c_char,
        provider_len: usize,
        record: *const c_char,
        record_len: usize,
        json: *mut *mut c_char,
        len: *mut usize,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
    /// Makes one call to the provider of a model over HTTP, as a manager of this configuration
    /// would make it, and tells what was found on the way. The request is a chat of one word with
    /// max_tokens 16: it costs a few tokens and counts against the limits. Where the key cannot be
    /// read none is sent. No key is ever in the result.
    ///
    /// * `conf`: Its API key function is asked, if it has one.
    /// * `model`: One that the configuration names.
    /// * `flags`: LLMQ_PROBE_ flags.
    /// * `json` (out): NUL-terminated JSON without line breaks, to be freed with llmq_buf_free:
    ///   url; key {source (environment, file, function, headers, none), name, error, warning};
    ///   proxy, host and port, or null; address that was connected to; dns_ms, connect_ms, tls_ms,
    ///   first_byte_ms, total_ms; http_version; certificate {subject, issuer, expires_unix_s};
    ///   failed_at (dns, proxy, connect, tls, request); status, the name of the status that a
    ///   request would end with, and message; clock_ahead_ms, of this machine against the Date of
    ///   the answer, which has whole seconds; answer, as llmq_explain_json takes it. Null, or left
    ///   out, where nothing is known. Of a model whose deployments have names: deployments, an
    ///   array of the same for each, with its name.
    /// * `len` (out): Its length; may be NULL.
    /// * Returns: LLMQ_OK, whatever was found; LLMQ_ERR_INVALID_ARG; LLMQ_ERR_UNKNOWN_MODEL;
    ///   LLMQ_ERR_UNSUPPORTED if the model has no provider over HTTP, or cannot do that operation;
    ///   LLMQ_ERR_INVALID_VALUE (err names the setting); LLMQ_ERR_INTERNAL; LLMQ_ERR_NOMEM.
    /// * Ownership: json and err, if set, are the caller's
    /// * Threads: one at a time per configuration
    /// * Blocks: for the reading of the key file and one call: up to the model's time-out, a minute
    ///   at most
    /// * Since: 0.1
    pub fn llmq_probe_json(
        conf: *const llmq_conf_t,
        model: *const c_char,
        model_len: usize,
        flags: u32,
        json: *mut *mut c_char,
        len: *mut usize,
        err: *mut *mut llmq_error_t,
    ) -> llmq_status_t;
}
