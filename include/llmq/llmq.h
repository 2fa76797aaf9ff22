/* clang-format off */
/* llmq/llmq.h - run calls to LLM APIs as early as their limits allow, in order, each answered once.
 * Conventions:
 * Naming     llmq_<noun>_<verb>; types llmq_x_t; constants LLMQ_. create/ref/unref/destroy.
 * Errors     Functions that can fail return llmq_status_t: LLMQ_OK is 0, errors are negative and never
 *            renumbered. Cold calls take `llmq_error_t **err` last (may be NULL): on failure it receives an
 *            object with code, message and offending key, to be freed with llmq_error_free.
 * Promise    A call that returns an error never leads to an event. llmq_submit that returns LLMQ_OK leads to
 *            exactly one terminal event (LLMQ_EV_DONE), also on cancel, time-out and shutdown, and never on
 *            the submitter's stack.
 * Ownership  What goes in is copied before the call returns. What comes out says who frees it.
 * Memory     Where none is left a call gives LLMQ_ERR_NOMEM and has changed nothing; destroy, unref, free and release
 *            need none. On the loop, an attempt that cannot be run or answered for lack of memory ends its
 *            request with LLMQ_ERR_NOMEM. If a table of the loop itself cannot grow, the manager breaks off: every
 *            open request ends so, once, and calls give LLMQ_ERR_CLOSED. (libuv aborts if it cannot make a loop.)
 * Strings    Pointer + length, UTF-8; `const char *` without a length is NUL-terminated: an argument, or static.
 * Threads    Any thread may call any function unless its `Threads` tag says otherwise. Callbacks run on the
 *            manager's loop thread with no lock held: they must return quickly; they may submit, cancel,
 *            finish and read; calls that would block return LLMQ_ERR_WRONG_THREAD there, also those to
 *            another manager.
 * Time       int64_t nanoseconds; in waits negative = forever, 0 = do not wait. Deadlines are absolute on
 *            llmq_now_ns(), a monotonic clock. Wall clock only where the name says _unix_ms.
 * Structs    First member `struct_size` (event: `stride`), set by the caller to sizeof. Zero = default.
 *            Members are only ever appended. A smaller struct, of an older header, is taken as it is; of a
 *            larger one, what is read beyond must be zero, and what is filled becomes zero. At most 4,096.
 * NULL       A no-op to destroy, unref and free; anywhere else LLMQ_ERR_INVALID_ARG unless the text allows it.
 * fork       In a forked child every inherited handle answers LLMQ_ERR_FORKED; unref frees its memory and
 *            leaves descriptors and threads alone. Inherited events can be released, and no more.
 */
#ifndef LLMQ_LLMQ_H_
#define LLMQ_LLMQ_H_

#include <stddef.h>
#include <stdint.h>

#include <llmq/export.h>
#include <llmq/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------
 * Types
 * ---------------------------------------------------------------------------------------------------- */

typedef struct llmq_manager llmq_manager_t;   /**< Owns everything: one loop, the models, the queues. */
typedef struct llmq_conf llmq_conf_t;         /**< Settings, as keys and values. */
typedef struct llmq_cq llmq_cq_t;             /**< Completion queue: events to be drained by the caller. */
typedef struct llmq_error llmq_error_t;       /**< Why a cold call failed. */
typedef struct llmq_response llmq_response_t; /**< The one terminal outcome of a request. */
typedef struct llmq_plan llmq_plan_t;         /**< Requests that are to be reckoned with, not sent. */

typedef int32_t llmq_status_t;        /**< LLMQ_OK or a negative LLMQ_ERR_ constant. */
typedef uint64_t llmq_request_id_t;   /**< Never 0; carries a generation, so a stale id is recognised. */
typedef uint64_t llmq_attempt_id_t;   /**< Never 0; a space of its own, apart from request ids. */

/** Status codes. Never renumbered, never reused; new ones are only appended. */
enum {
  LLMQ_OK = 0,                    /**< It went well. */
  LLMQ_ERR_INVALID_ARG = -1,      /**< NULL, wrong handle, wrong kind of id, bad struct_size or flag. */
  LLMQ_ERR_NOMEM = -2,            /**< Out of memory. */
  LLMQ_ERR_CLOSED = -3,           /**< The manager has been shut down. */
  LLMQ_ERR_CLOSING = -4,          /**< Shutdown has begun, or the model is being removed. */
  LLMQ_ERR_FORKED = -5,           /**< The handle was inherited through fork. */
  LLMQ_ERR_AGAIN = -6,            /**< Not yet: ask again later. */
  LLMQ_ERR_TIMEOUT = -7,          /**< The time given for the wait or the attempt is over. */
  LLMQ_ERR_CANCELLED = -8,        /**< The caller cancelled the request. */
  LLMQ_ERR_DEADLINE = -9,         /**< The request's deadline has passed, or cannot be met. */
  LLMQ_ERR_QUEUE_FULL = -10,      /**< max_pending or max_pending_bytes is reached, the manager's or the tenant's. */
  LLMQ_ERR_UNKNOWN_MODEL = -11,   /**< No model of that name is registered. */
  LLMQ_ERR_MODEL_EXISTS = -12,    /**< A model of that name is registered already. */
  LLMQ_ERR_UNKNOWN_KEY = -13,     /**< No such configuration key. */
  LLMQ_ERR_INVALID_VALUE = -14,   /**< The key is known, its value is not acceptable. */
  LLMQ_ERR_OVERSIZE = -15,        /**< The request alone is larger than one of its limits. */
  LLMQ_ERR_STALE = -16,           /**< The id names something that is gone. */
  LLMQ_ERR_ALREADY_DONE = -17,    /**< It has ended before. */
  LLMQ_ERR_WRONG_THREAD = -18,    /**< The call would block the loop thread that it was made on. */
  LLMQ_ERR_RATE_LIMITED = -19,    /**< The provider refused the call for its rate (429). */
  LLMQ_ERR_QUOTA_EXHAUSTED = -20, /**< The account's quota or money is used up. */
  LLMQ_ERR_OVERLOADED = -21,      /**< The provider is overloaded (503, 529). */
  LLMQ_ERR_SERVER = -22,          /**< The provider failed (5xx). */
  LLMQ_ERR_AUTH = -23,            /**< The key was rejected (401, 403). */
  LLMQ_ERR_BAD_REQUEST = -24,     /**< The provider rejected the request itself (400, 404, 422). */
  LLMQ_ERR_CONTEXT_TOO_LONG = -25, /**< More tokens than the model's context. */
  LLMQ_ERR_CONTENT_FILTER = -26,  /**< Refused by the provider's content filter. */
  LLMQ_ERR_BUDGET = -27,          /**< A processor's own budget is used up; llmq itself ends no request so. */
  LLMQ_ERR_TRANSPORT = -28,       /**< No answer: name resolution, connection, TLS, or a broken reply. */
  LLMQ_ERR_PROCESSING = -29,      /**< The processor reported its own failure; final. */
  LLMQ_ERR_ABANDONED = -30,       /**< Whoever ran the attempt vanished without a report, or gave it up. */
  LLMQ_ERR_UNSUPPORTED = -31,     /**< Not in this build, or not possible for this model. */
  LLMQ_ERR_INTERNAL = -32,        /**< A mistake in llmq: please report it. */
  LLMQ_ERR_UNKNOWN = -33          /**< A failure that fits no other class. */
};

/** States of a request. A retry goes back to pending. */
enum {
  LLMQ_STATE_PENDING = 1,    /**< Waits for its limits, or for a retry. */
  LLMQ_STATE_PROCESSING = 2, /**< An attempt runs. */
  LLMQ_STATE_COMPLETED = 3,  /**< It has its answer. */
  LLMQ_STATE_FAILED = 4,     /**< Its last attempt failed, or none could be made. */
  LLMQ_STATE_CANCELLED = 5,  /**< By its caller, or by a shutdown. */
  LLMQ_STATE_EXPIRED = 6     /**< Its deadline passed first. */
};

/** Priorities. Each has its place in line as if it had come so many seconds later, so nobody waits for ever. */
enum {
  LLMQ_PRIORITY_DEFAULT = 0, /**< The same as NORMAL. */
  LLMQ_PRIORITY_URGENT = 1,  /**< No later. */
  LLMQ_PRIORITY_HIGH = 2,    /**< 30 s later. */
  LLMQ_PRIORITY_NORMAL = 3,  /**< 120 s later. */
  LLMQ_PRIORITY_BATCH = 4    /**< 900 s later. */
};

/** What a request asks of a built-in provider. Processors see it as it was given. */
enum {
  LLMQ_OP_CHAT = 0,       /**< Chat in the form of OpenAI's chat completions; built-in providers of another form
                               get it translated (docs/providers.md). Answers stay in the provider's own form. */
  LLMQ_OP_EMBEDDINGS = 1, /**< Embeddings, likewise. */
  LLMQ_OP_MESSAGES = 2,   /**< Anthropic's messages, byte for byte. */
  LLMQ_OP_RESPONSES = 3,  /**< OpenAI's responses, byte for byte. */
  LLMQ_OP_CUSTOM = 4      /**< A body of the provider's own form for its main operation, byte for byte. Processors
                               get what they were given: llmq does not look inside. */
};

/** Flags of llmq_request_t. */
enum {
  LLMQ_REQUEST_KEEP = 1,       /**< Keep the response, payload included, readable by id. */
  LLMQ_REQUEST_LATE_USAGE = 2, /**< Usage may be reported after the end (llmq_usage_update). */
  LLMQ_REQUEST_STREAM = 4,     /**< Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then
                                    DONE with all of it. A body with "stream": true asks for the same. */
  LLMQ_REQUEST_RESTART = 8     /**< Of a stream: an attempt that fails after output may be tried again. Its CHUNK
                                    events begin anew then, with the next attempt number. Without it such a
                                    failure is the end. */
};

/** Flags of llmq_event_t. */
enum {
  LLMQ_EVENT_STREAM = 1, /**< READY: the caller takes chunks (llmq_attempt_chunk). */
  LLMQ_EVENT_SHARED = 2, /**< DONE: the usage is that of a call which another request has told already. */
  LLMQ_EVENT_CACHED = 4  /**< DONE: an answer from before; its usage was that call's, and nothing is counted. */
};

/** Flags of llmq_manager_register_models. */
enum {
  LLMQ_REGISTER_SKIP_EXISTING = 1 /**< Leave known models alone instead of failing. */
};

/** How llmq_manager_shutdown and llmq_manager_remove_model treat what is still there. */
enum {
  LLMQ_SHUTDOWN_DRAIN = 0,  /**< Run everything to its end (until the deadline, then as ABORT). */
  LLMQ_SHUTDOWN_CANCEL = 1, /**< Cancel what waits, let running attempts end (until the deadline). */
  LLMQ_SHUTDOWN_ABORT = 2   /**< Cancel everything at once. */
};

/** Types of events. Skip (but release) types that you do not know. */
enum {
  LLMQ_EV_DONE = 1,             /**< The terminal event of a request. */
  LLMQ_EV_CHUNK = 2,            /**< A piece of a streamed response, before its DONE. None comes of an attempt that
                                     is tried again. */
  LLMQ_EV_READY = 3,            /**< An attempt may run now: what a processor or a worker is given. */
  LLMQ_EV_PERMIT = 4,           /**< The caller may make its call now (llmq_acquire). Terminal. */
  LLMQ_EV_CANCEL_REQUESTED = 5, /**< The attempt has ended for llmq: whoever runs it should stop. */
  LLMQ_EV_CLOSED = 6,           /**< The shutdown that was asked for is complete. */
  LLMQ_EV_HOOK = 7,             /**< What a hook is told (llmq_set_hook_queue). */
  LLMQ_EV_HOOK_ENDED = 8,       /**< Nothing more comes of that hook. */
  LLMQ_EV_KEY = 9               /**< A provider's key is asked for (llmq_set_key_queue). */
};

/** Where in the library the file descriptor of a completion queue comes from. */
enum {
  LLMQ_CQ_FD_EVENTFD = 0, /**< An eventfd (Linux); elsewhere a pipe. */
  LLMQ_CQ_FD_PIPE = 1     /**< A pipe everywhere. */
};

/** Log levels. */
enum {
  LLMQ_LOG_TRACE = 0, /**< Everything. */
  LLMQ_LOG_DEBUG = 1, /**< Also how each request ended. */
  LLMQ_LOG_INFO = 2,  /**< Also failed attempts, and models and limits that change. */
  LLMQ_LOG_WARN = 3,  /**< What somebody should look at, such as a used-up quota. */
  LLMQ_LOG_ERROR = 4, /**< What does not work. */
  LLMQ_LOG_OFF = 5    /**< Nothing. */
};

/** Bits of llmq_features(). */
enum {
  LLMQ_FEATURE_HTTP = 1,  /**< The built-in HTTP providers. */
  LLMQ_FEATURE_MOCK = 2,  /**< `provider: mock`, in-process. Always set. */
  LLMQ_FEATURE_CALENDAR = 4 /**< Limits by calendar: weeks, months and time zones other than UTC. */
};

/** What a hook can be told of: bits of the mask of llmq_set_hook, and types of llmq_hook_t. Of one request they
 * come in the order of its life: REQUEST_SUBMITTED; of each attempt ADMITTED, ATTEMPT_STARTED, of a streamed response
 * FIRST_BYTE, ATTEMPT_FINISHED, then RETRIED if there will be another one; COMPLETED. Two attempts may run at a time
 * where hedge.enabled is set; the slower one is given up before the end. Attempts of a call that several
 * requests share (dedup_key) are told under a request_id of the call's own, with the user_data of the request that
 * began it. */
enum {
  LLMQ_HOOK_REQUEST_SUBMITTED = 1, /**< The manager has taken it up. */
  LLMQ_HOOK_ADMITTED = 2,          /**< Every limit has room, and holds it for this attempt. */
  LLMQ_HOOK_ATTEMPT_STARTED = 4,   /**< Handed to the processor or the provider's connection. */
  LLMQ_HOOK_FIRST_BYTE = 8,        /**< The first output of a streamed response. */
  LLMQ_HOOK_ATTEMPT_FINISHED = 16, /**< Well or not, or given up: on cancel, time-out, shutdown. */
  LLMQ_HOOK_RETRIED = 32,          /**< The attempt has failed, and another one will follow. */
  LLMQ_HOOK_BREAKER_CHANGED = 64,  /**< The circuit breaker of a deployment. */
  LLMQ_HOOK_LIMIT_CHANGED = 128,   /**< What is enforced of a limit, by a setting, or by what answers have shown: told
                                        when an answer of that deployment comes in, at the latest. Limits that each
                                        tenant has to itself are not told of. */
  LLMQ_HOOK_COMPLETED = 256        /**< The outcome of a request, whatever it is: just before its DONE. */
};

/** States of a circuit breaker. */
enum {
  LLMQ_BREAKER_CLOSED = 0,   /**< Calls go there. */
  LLMQ_BREAKER_OPEN = 1,     /**< No calls go there. */
  LLMQ_BREAKER_HALF_OPEN = 2 /**< A few calls find out whether it works again. */
};

/** Structs whose size llmq_sizeof() tells. */
enum {
  LLMQ_SIZEOF_REQUEST = 1, /**< llmq_request_t. */
  LLMQ_SIZEOF_USAGE = 2,   /**< llmq_usage_t. */
  LLMQ_SIZEOF_EVENT = 3,   /**< llmq_event_t. */
  LLMQ_SIZEOF_STATS = 4,   /**< llmq_stats_t. */
  LLMQ_SIZEOF_WAIT = 5,    /**< llmq_wait_t. */
  LLMQ_SIZEOF_HOOK = 6,    /**< llmq_hook_t. */
  LLMQ_SIZEOF_OUTCOME = 7  /**< llmq_outcome_t. */
};

/** Actual consumption of one attempt. Counts are >= 0. */
typedef struct llmq_usage {
  uint32_t struct_size;        /**< sizeof(llmq_usage_t). */
  uint32_t reserved;           /**< 0. */
  int64_t input_tokens;        /**< Everything that entered the model, cached tokens included. */
  int64_t output_tokens;       /**< Everything that it produced, reasoning included. */
  int64_t cached_input_tokens; /**< The part of input_tokens that was read from a cache. */
  int64_t cost_micros;         /**< Money in millionths of the currency's unit; 0 if unknown. */
  int64_t reasoning_tokens;    /**< The part of output_tokens that is not shown; 0 if none or unknown. */
} llmq_usage_t;

/** An event. In drained events `handle` owns `data`; see llmq_events_release. */
typedef struct llmq_event {
  uint32_t stride;              /**< Bytes to the next event: sizeof of the caller; in callbacks, of the library. */
  int32_t type;                 /**< LLMQ_EV_. */
  llmq_status_t status;         /**< DONE: LLMQ_OK or why not. */
  uint32_t flags;               /**< LLMQ_EVENT_. */
  llmq_request_id_t request_id; /**< 0 for CLOSED. */
  llmq_attempt_id_t attempt_id; /**< READY, PERMIT, CANCEL_REQUESTED and CHUNK: the attempt. KEY: the question. DONE:
                                     0. */
  uint64_t user_data;           /**< As given with the request (CLOSED: with the shutdown; HOOK, HOOK_ENDED and KEY:
                                     with the queue). */
  const void *data;             /**< DONE: the response's payload. READY: the request's payload. PERMIT: the
                                     name of the deployment that the call goes to. CHUNK: the JSON
                                     of one event of the provider's stream, or what llmq_attempt_chunk gave. HOOK
                                     and HOOK_ENDED: an llmq_hook_t. KEY: the name of the model, NUL, the name of
                                     the deployment. */
  uint64_t data_len;            /**< Bytes at data. */
  void *handle;                 /**< Owns data until released or taken. NULL in callbacks for READY and CHUNK. Of a
                                     drained READY: releasing it does not end the attempt. */
  int64_t queued_ns;            /**< DONE: time from submit to the start of the last attempt (or to the end). */
  int64_t run_ns;               /**< DONE: time the last attempt ran; 0 if none did. */
  int64_t retry_after_ns;       /**< DONE with an error: when a new try may make sense; 0 = not known. */
  int64_t input_tokens;         /**< DONE: usage of the last attempt. CHUNK: 0, but for output_tokens so far. */
  int64_t output_tokens;        /**< As in llmq_usage_t. */
  int64_t cached_input_tokens;  /**< As in llmq_usage_t. */
  int64_t cost_micros;          /**< As in llmq_usage_t. */
  uint32_t attempt;             /**< DONE: attempts made. READY and CHUNK: number of this attempt, from 1. */
  int32_t state;                /**< DONE: LLMQ_STATE_. */
  int64_t first_output_ns;      /**< DONE of a stream: time from the last attempt's start to its first output;
                                     0 = none came. */
  int64_t reasoning_tokens;     /**< DONE: the part of output_tokens that is not shown. */
} llmq_event_t;

/** What a DONE event tells beside its members. Texts are NUL-terminated, "" where there is nothing, and live as long as
 * the event's data. */
typedef struct llmq_outcome {
  uint32_t struct_size;             /**< sizeof(llmq_outcome_t). */
  int32_t http_status;              /**< HTTP status of the last answer; 0 if there was none. */
  int32_t usage_known;              /**< 1: the event's counts of tokens are the provider's; 0: not known. */
  int32_t has_history;              /**< 1: an attempt has failed, llmq_response_attempts_json tells of each. */
  const char *error;                /**< What went wrong, in words. */
  uint64_t error_len;               /**< Bytes at error. */
  const char *provider_request_id;  /**< As llmq_response_provider_request_id. */
  uint64_t provider_request_id_len; /**< Bytes at provider_request_id. */
  const char *deployment;           /**< As llmq_response_deployment. */
  uint64_t deployment_len;          /**< Bytes at deployment. */
  const char *fallback_model;       /**< As llmq_response_fallback_model. */
  uint64_t fallback_model_len;      /**< Bytes at fallback_model. */
  const char *request_key;          /**< As given with the request. */
  uint64_t request_key_len;         /**< Bytes at request_key. */
  const void *metadata;             /**< As given with the request. */
  uint64_t metadata_len;            /**< Bytes at metadata. */
} llmq_outcome_t;

/** A callback that receives one event. */
typedef void (*llmq_event_fn)(void *user, const llmq_event_t *event);
/** Is told that a completion queue has got its first event. */
typedef void (*llmq_wakeup_fn)(void *user);
/** Frees the `user` of a registered callback, exactly once. */
typedef void (*llmq_user_free_fn)(void *user);
/** Gives memory: `size` bytes, or NULL. */
typedef void *(*llmq_alloc_fn)(void *user, size_t size);
/** Takes back what an llmq_alloc_fn gave for that size. */
typedef void (*llmq_dealloc_fn)(void *user, void *memory, size_t size);
/** Receives log lines: level LLMQ_LOG_, text without a newline. */
typedef void (*llmq_log_fn)(void *user, int32_t level, const char *text, size_t text_len);
/** Gives the key of a provider: writes at most `cap` bytes, returns the length, or -1 if there is none. */
typedef int64_t (*llmq_api_key_fn)(void *user, const char *model, size_t model_len, char *out, size_t cap);

/** The same with the name of the deployment; "" for a model's only one, without a name. */
typedef int64_t (*llmq_deployment_key_fn)(void *user, const char *model, size_t model_len, const char *deployment,
                                          size_t deployment_len, char *out, size_t cap);

/** A request. Zero members mean the default. Everything pointed to is copied.
 *
 * Sharing. Requests that carry the same dedup_key share one call while it waits or runs, if model, tenant, operation
 * and payload are the same too and both are streams or neither is; with another payload a request is called for
 * itself. The key alone asks for it: who gives none shares nothing, and no setting is needed. What the first one says
 * of tokens, time-out and attempts holds for the call; it is as urgent as its most urgent request. Each request keeps
 * its own deadline, events, metadata and flags, counts as one in max_pending and statistics, and ends once, as the call
 * ends. A cancel or a deadline takes only that request out; the call ends with the last one. Limits, usage and cost
 * count the call once: every DONE tells its usage, and all but one of them carry LLMQ_EVENT_SHARED, so that a sum over
 * the events without SHARED and CACHED counts each call once. llmq_usage_update counts for the call, the first time
 * that one of its requests reports it. READY and CANCEL_REQUESTED tell a processor the id of the call, which is no
 * caller's, and user_data of the request that came first.
 *
 * Shared streams. Every request gets all pieces from the first on. Who joins late gets at once what has come, up to
 * stream_buffer_bytes; of a longer answer nobody can join the call any more, and the next request begins another. The
 * provider is made to wait when none of the requests has room: a slow reader holds up nobody, and what it has not read
 * stays in its own queue, beyond stream_buffer_bytes up to the length of the answer. An attempt that fails after output
 * ends the requests without LLMQ_REQUEST_RESTART; for the others it is tried again.
 *
 * Cache. With the key cache.ttl_s of the model, an answer to a request with a dedup_key is kept, and given to later
 * requests that would have shared its call: at once, with LLMQ_EVENT_CACHED, without an attempt, and without counting
 * in limits, usage or cost, the usage being that of then. Only successful answers are kept, and streams up to
 * stream_buffer_bytes; the pieces come again, with attempt and attempt_id 0. cache.max_bytes bounds what all take. */
typedef struct llmq_request {
  uint32_t struct_size;      /**< sizeof(llmq_request_t). */
  uint32_t flags;            /**< LLMQ_REQUEST_. */
  int32_t operation;         /**< LLMQ_OP_. */
  int32_t priority;          /**< LLMQ_PRIORITY_. */
  const char *model;         /**< Name of a registered model. */
  size_t model_len;          /**< Bytes at model. */
  const char *tenant;        /**< Whose request it is; "" by default. At most 255 bytes. */
  size_t tenant_len;         /**< Bytes at tenant. */
  const void *payload;       /**< What the processor or provider gets. */
  size_t payload_len;        /**< At most 2 GiB - 1, and within max_pending_bytes. */
  const char *request_key;   /**< The caller's own id: in logs and look-ups. At most 1,024 bytes. */
  size_t request_key_len;    /**< Bytes at request_key. */
  const char *dedup_key;     /**< "" = none. Requests with the same one share a call: see above. At most 1,024
                                  bytes. */
  size_t dedup_key_len;      /**< Bytes at dedup_key. */
  const void *metadata;      /**< Opaque to llmq; comes back with the response. */
  size_t metadata_len;       /**< Bytes at metadata. */
  int64_t deadline_ns;       /**< Absolute on llmq_now_ns(); 0 = none, -1 = none. */
  int64_t timeout_ns;        /**< Per attempt; 0 = the model's timeout_ms, -1 = none. Rounded up to 1 ms. */
  int64_t est_input_tokens;  /**< 0 = llmq estimates; -1 = none. */
  int64_t est_output_tokens; /**< 0 = llmq estimates; -1 = none. */
  uint32_t max_attempts;     /**< 0 = the model's max_attempts; at most 60. */
  uint32_t reserved0;        /**< 0. */
  uint64_t user_data;        /**< Comes back in every event of the request. */
  llmq_cq_t *cq;             /**< Where its events go, CHUNK and DONE; or */
  llmq_event_fn done_fn;     /**< ... the function that gets it; not both; neither only with KEEP. */
  void *done_user;           /**< First argument of done_fn. */
  uint64_t reserved[4];      /**< 0. */
} llmq_request_t;

/** Counters of a manager or of one model. Totals since its creation unless said otherwise. */
typedef struct llmq_stats_t { /* not llmq_stats: in C++ it would hide that function */
  uint32_t struct_size;      /**< sizeof(llmq_stats_t). */
  uint32_t reserved;         /**< 0. */
  uint64_t submitted;        /**< Accepted requests. */
  uint64_t completed;        /**< Requests that ended with LLMQ_OK. */
  uint64_t failed;           /**< Requests that ended in LLMQ_STATE_FAILED. */
  uint64_t cancelled;        /**< Requests that ended in LLMQ_STATE_CANCELLED. */
  uint64_t expired;          /**< Requests that ended in LLMQ_STATE_EXPIRED. */
  uint64_t attempts;         /**< Attempts started. */
  uint64_t retries;          /**< Attempts beyond the first of a request. */
  uint64_t rate_limited;     /**< Attempts that ended with LLMQ_ERR_RATE_LIMITED. */
  uint64_t pending;          /**< Now: waiting, retries included. */
  uint64_t processing;       /**< Now: running. */
  uint64_t pending_bytes;    /**< Now: payload bytes of live requests (manager; 0 for one model). */
  uint64_t input_tokens;     /**< Usage of ended attempts. */
  uint64_t output_tokens;    /**< As in llmq_usage_t. */
  uint64_t cached_input_tokens; /**< As in llmq_usage_t. */
  uint64_t wakeups;          /**< Times the loop thread woke (manager; 0 for one model). */
  uint64_t reasoning_tokens; /**< The part of output_tokens that was not shown. */
} llmq_stats_t;

/** When a request that waits may start, as things stand. */
typedef struct llmq_wait_t {
  uint32_t struct_size;      /**< sizeof(llmq_wait_t). */
  uint32_t reserved;         /**< 0. */
  uint64_t position;         /**< Place in line, from 1; 0 = it runs. */
  int64_t p50_ns;            /**< From now: as likely earlier as later. */
  int64_t p90_ns;            /**< From now: nine times out of ten earlier. */
  char blocked_by[64];       /**< The limit that decides, "tokens/1m of pool account"; "" if none does.
                                  NUL-terminated, shortened if need be. */
} llmq_wait_t;

/** What a hook is told. Members that a type does not mention are 0 and "". Everything pointed to lives until the
 * hook returns; of an event, until that is released: there model, deployment, tenant and limit follow the
 * struct, after struct_size bytes, in that order and each with its NUL, so that one copy of data_len bytes has all. */
typedef struct llmq_hook {
  uint32_t struct_size;         /**< What the library has filled: members beyond it are not there. */
  uint32_t type;                /**< LLMQ_HOOK_. */
  llmq_request_id_t request_id; /**< 0 of BREAKER_CHANGED and LIMIT_CHANGED. */
  llmq_attempt_id_t attempt_id; /**< 0 before the first attempt. */
  uint64_t user_data;           /**< Of the request. */
  int64_t time_ns;              /**< When it happened, on llmq_now_ns(). */
  const char *model;            /**< NUL-terminated, as the three texts below. */
  uint64_t model_len;           /**< Bytes at model. */
  const char *deployment;       /**< Where the attempt runs or ran, or what has changed; "" where a model has one
                                     without a name. */
  uint64_t deployment_len;      /**< Bytes at deployment. */
  const char *tenant;           /**< Of the request. */
  uint64_t tenant_len;          /**< Bytes at tenant. */
  const char *limit;            /**< LIMIT_CHANGED: "tokens/1m", "tokens/1m of pool account". */
  uint64_t limit_len;           /**< Bytes at limit. */
  uint32_t attempt;             /**< Number of the attempt, from 1. COMPLETED: attempts made. */
  llmq_status_t status;         /**< ATTEMPT_FINISHED and RETRIED: of the attempt. COMPLETED: of the request.
                                     BREAKER_CHANGED to OPEN: of the failure that opened it. */
  int32_t state;                /**< LLMQ_STATE_ of the request then. */
  uint32_t usage_known;         /**< 1 if the counts below are those of the provider. */
  int64_t queued_ns;            /**< From the submit until then; once an attempt has started, until that. */
  int64_t run_ns;               /**< ATTEMPT_FINISHED: how long it ran. COMPLETED: since the start of the last one. */
  int64_t delay_ns;             /**< RETRIED: no attempt starts before that time from then. */
  int64_t input_tokens;         /**< ATTEMPT_FINISHED, COMPLETED: usage of the last attempt. */
  int64_t output_tokens;        /**< As in llmq_usage_t. */
  int64_t cached_input_tokens;  /**< As in llmq_usage_t. */
  int64_t cost_micros;          /**< As in llmq_usage_t. */
  int64_t reasoning_tokens;     /**< As in llmq_usage_t. */
  int64_t old_value;            /**< LIMIT_CHANGED: the amount before; 0 = there was none. BREAKER_CHANGED:
                                     LLMQ_BREAKER_. */
  int64_t new_value;            /**< The same after; LIMIT_CHANGED: 0 = there is none any more. ADMITTED,
                                     ATTEMPT_STARTED, FIRST_BYTE, ATTEMPT_FINISHED: 1 = the attempt began beside
                                     another one that was slow (hedge.enabled). */
  int64_t until_ns;             /**< BREAKER_CHANGED to OPEN: when it is tried again, on llmq_now_ns(). */
  llmq_request_id_t call_id;    /**< COMPLETED of a request that shared a call (dedup_key): the request_id of its
                                     attempts, which belong to no request alone; else 0. */
  uint64_t lost;                /**< Of an event: how many before it were not told, as too many were not released. */
} llmq_hook_t;

/** A callback that is told what happens. */
typedef void (*llmq_hook_fn)(void *user, const llmq_hook_t *hook);

/* ------------------------------------------------------------------------------------------------------
 * Version
 * ---------------------------------------------------------------------------------------------------- */

/** Version of the library in use: MAJOR * 1,000,000 + MINOR * 1,000 + PATCH.
 * @return The number; cannot fail.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API uint32_t llmq_version_num(void);

/** Version of the library in use as text, "0.1.0".
 * @return A static string.
 * @par Ownership static, never freed
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_version_string(void);

/** The libraries that this one runs on, with their versions, "libuv/1.44.2 cJSON/1.7.15 libcurl/7.88.1 ...".
 * @return A static string: words NAME/VERSION with a space between; "libcurl/missing" if that cannot be opened.
 * @par Ownership static, never freed
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_version_libraries(void);

/** Number of the library's binary interface; compare with LLMQ_ABI_VERSION.
 * @return The number; cannot fail.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API uint32_t llmq_abi_version(void);

/** What this build contains: LLMQ_FEATURE_ bits.
 * @return The bits; cannot fail.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API uint64_t llmq_features(void);

/** Name of a status code, "LLMQ_ERR_TIMEOUT".
 * @return A static string; for unknown codes "LLMQ_ERR_?".
 * @par Ownership static, never freed
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_status_name(llmq_status_t status);

/** One sentence about a status code, in English.
 * @return A static string, also for unknown codes.
 * @par Ownership static, never freed
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_status_message(llmq_status_t status);

/** The clock of deadlines: monotonic nanoseconds from an arbitrary start.
 * @return Nanoseconds; cannot fail.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API int64_t llmq_now_ns(void);

/** Size in bytes of a transparent struct in this build of the library, for bindings to check at load.
 * @param what LLMQ_SIZEOF_.
 * @return The size; 0 for an unknown number.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API size_t llmq_sizeof(int32_t what);

/* ------------------------------------------------------------------------------------------------------
 * Errors
 * ---------------------------------------------------------------------------------------------------- */

/** Status code of an error.
 * @return The code; LLMQ_OK for NULL or a wrong handle.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_error_code(const llmq_error_t *error);

/** What was wrong, with the limit and the value where there are any.
 * @return NUL-terminated text; "" for NULL.
 * @par Ownership belongs to the error
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_error_message(const llmq_error_t *error);

/** The configuration key or argument that was at fault.
 * @return NUL-terminated text; "" if none.
 * @par Ownership belongs to the error
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_error_key(const llmq_error_t *error);

/** Frees an error. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes the error
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_error_free(llmq_error_t *error);

/** Frees a buffer that a function of this library allocated for its caller. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes the buffer
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_buf_free(char *buf);

/* ------------------------------------------------------------------------------------------------------
 * Configuration
 * ---------------------------------------------------------------------------------------------------- */

/** Makes an empty configuration: every key at its default.
 * @param[out] conf The new configuration.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership the caller frees it with llmq_conf_free
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_create(llmq_conf_t **conf);

/** Frees a configuration. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes the configuration; managers made from it are not concerned
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_conf_free(llmq_conf_t *conf);

/** Copies a configuration. Callbacks set on it are shared: their user_free runs when the last copy and the
 * last manager made from one are gone.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership the caller frees the copy with llmq_conf_free
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_copy(const llmq_conf_t *conf, llmq_conf_t **copy);

/** Sets one key. Keys of models, pools and tenants are `model.<name>.<key>` and so on; the name `*` gives
 * defaults for all.
 * docs/configuration.md lists the keys with their ranges.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_NOMEM.
 * @par Ownership key and value are copied; err, if set, is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set(llmq_conf_t *conf, const char *key, const char *value,
                                     llmq_error_t **err);

/** Sets every key of a JSON document (see docs/configuration.md). All or nothing.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_NOMEM.
 * @par Ownership the text is copied; err, if set, is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set_json(llmq_conf_t *conf, const char *json, size_t json_len,
                                          llmq_error_t **err);

/** Value of a key as text: what was set, or the default.
 * @param[out] value NUL-terminated text, to be freed with llmq_buf_free.
 * @param[out] is_default 1 if the key was not set; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY, LLMQ_ERR_NOMEM.
 * @par Ownership value is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_get(const llmq_conf_t *conf, const char *key, char **value,
                                     int32_t *is_default);

/** Lists the keys that exist. Keys of models, pools and tenants come as `model.*.<key>` and so on.
 * @param index From 0.
 * @param[out] key, type, def, doc Static strings: the key, its type and range, its default, one sentence.
 *   Each may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG past the last key, LLMQ_ERR_NOMEM.
 * @par Ownership static strings
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_key_at(size_t index, const char **key, const char **type,
                                        const char **def, const char **doc);

/** The presets that the key `preset` takes: limits and prices that providers publish for their plans.
 * @param[out] json An array of {"preset", "source", "as_of", "prices_source", "prices_as_of", "models": [{"model",
 *   "limits", "price_input", ...}]}, to be freed with llmq_buf_free; without prices their members are not there. In
 *   `model`, * stands for any part of a name.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_presets_json(char **json);

/** Lists the providers over HTTP that the key `provider` takes.
 * @param index From 0.
 * @param[out] name, base_url, key_variable, charge, api_version Static strings: the value of `provider`, and
 *   what the keys `base_url`, `api_key_env`, `charge` and `api_version` are with it unless they are set ("" =
 *   nothing). Each may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG past the last provider.
 * @par Ownership static strings
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_provider_at(size_t index, const char **name, const char **base_url,
                                             const char **key_variable, const char **charge,
                                             const char **api_version);

/** Checks the configuration as a whole, as llmq_manager_create would, without making a manager: limits that
 * contradict each other, missing key variables, unreadable files, a log that cannot be written.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_NOMEM.
 * @par Ownership err, if set, is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks for the reading of key files and the opening of the log
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_validate(const llmq_conf_t *conf, llmq_error_t **err);

/** Names of the models that the configuration holds, as a JSON array of strings, in the order of their
 * first mention; `*` is not among them.
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_models_json(const llmq_conf_t *conf, char **json);
/** As llmq_conf_models_json: names of the deployments of a model; an empty array if its only one has no name.
 * @return As llmq_conf_models_json.
 * @par Ownership json is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_deployments_json(const llmq_conf_t *conf, const char *model, size_t model_len,
                                                  char **json);
/** As llmq_conf_models_json: names of the pools.
 * @return As llmq_conf_models_json.
 * @par Ownership json is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_pools_json(const llmq_conf_t *conf, char **json);
/** As llmq_conf_models_json: names of the tenants that have settings of their own.
 * @return As llmq_conf_models_json.
 * @par Ownership json is the caller's
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_tenants_json(const llmq_conf_t *conf, char **json);

/** Sends log lines of managers made from this configuration to a function. Without it, and without log.level
 * or the environment variable LLMQ_LOG=level[:file], llmq is silent.
 * @param level Least level that is delivered, LLMQ_LOG_.
 * @param fn Called on the thread that logs, mostly the loop thread; must not call llmq. NULL removes it.
 * @param user_free Run once when the callback is no longer needed, also if this call fails; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set_log(llmq_conf_t *conf, int32_t level, llmq_log_fn fn, void *user,
                                         llmq_user_free_fn user_free);

/** Has managers that are made from this configuration take from functions of the host what grows with their
 * requests: the records of requests, their payloads and texts, answers, and the data of chunks. Everything else
 * (limits, settings, handles, the cache, connections, what a call sends, libcurl, libuv) stays on the heap.
 * @param alloc Gives `size` bytes, at least 1, aligned as malloc's are, or NULL: then what needs them is refused with
 *        LLMQ_ERR_NOMEM, or ends with it. Runs on each thread that calls llmq and on the loop thread, several at a
 *        time, some with a lock of llmq held: it must not call llmq. NULL, with dealloc: the heap again.
 * @param dealloc Takes back what alloc gave, with the same size; on any thread, as above.
 * @param user_free Run once when the last block is back and no configuration and no manager needs the functions, also
 *        if this call fails; may be NULL. A response may be that last one: they outlive managers.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG (one function without the other), LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set_allocator(llmq_conf_t *conf, llmq_alloc_fn alloc, llmq_dealloc_fn dealloc,
                                               void *user, llmq_user_free_fn user_free);

/** Asks a function for the provider key of every model that names no other source, before each attempt: a rotated key
 * is used at once. New programs take llmq_conf_set_deployment_key_fn, which is told the deployment as well.
 * @param fn Called on the loop thread. NULL removes it.
 * @param user_free Run once when the callback is no longer needed, also if this call fails; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set_api_key_fn(llmq_conf_t *conf, llmq_api_key_fn fn, void *user,
                                                llmq_user_free_fn user_free);

/** As llmq_conf_set_api_key_fn, and in place of it, with a function that is told which deployment of the model
 * the key is for.
 * @return As llmq_conf_set_api_key_fn.
 * @par Ownership takes user
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_set_deployment_key_fn(llmq_conf_t *conf, llmq_deployment_key_fn fn, void *user,
                                                       llmq_user_free_fn user_free);

/** As llmq_conf_set_deployment_key_fn, and in place of it, for languages whose functions no foreign thread should call,
 * or that have to wait for a key: the manager asks by events, see llmq_set_key_queue. llmq_probe_json has nobody to
 * ask.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG.
 * @par Ownership nothing changes hands
 * @par Threads one at a time per configuration
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_conf_ask_for_keys(llmq_conf_t *conf);

/* ------------------------------------------------------------------------------------------------------
 * Manager
 * ---------------------------------------------------------------------------------------------------- */

/** Makes a manager with its own loop thread, and registers the models of the configuration.
 * @param conf NULL = all defaults, no models.
 * @param[out] manager The manager, with one reference.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_NOMEM,
 *   LLMQ_ERR_INTERNAL.
 * @par Ownership the caller ends it with llmq_manager_destroy, or drops it with llmq_manager_unref
 * @par Threads any thread
 * @par Blocks until its thread runs
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_create(const llmq_conf_t *conf, llmq_manager_t **manager,
                                           llmq_error_t **err);

/** The process's one shared manager: created on first use, gone with its last reference. The first
 * configuration wins; a later call with NULL takes what is there, one with a different configuration fails.
 * After llmq_manager_shutdown of it the next call creates a new one.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_NOMEM,
 *   LLMQ_ERR_INTERNAL.
 * @par Ownership each successful call gives a reference, to be dropped with llmq_manager_unref
 * @par Threads any thread
 * @par Blocks until its thread runs
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_shared(const llmq_conf_t *conf, llmq_manager_t **manager,
                                           llmq_error_t **err);

/** Adds a reference.
 * @return The same manager; NULL for NULL or a wrong handle.
 * @par Ownership the caller owes one more llmq_manager_unref
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_manager_t *llmq_manager_ref(llmq_manager_t *manager);

/** Sets the completion queue that events LLMQ_EV_KEY come to, for models that llmq_conf_ask_for_keys was called for.
 * One comes before each attempt that needs a key: `data` is the name of the model, a NUL, and the name of its
 * deployment ("" for the only one without a name), request_id the request, attempt_id what llmq_key_answer takes. The
 * attempt waits for the answer, within its timeout_ms; nothing else does. When a provider has refused a key it is asked
 * for once more before the attempt ends, and tried again if it is another one; and at most once a second, with
 * request_id 0, while a deployment is given up since its key was refused.
 * A manager has one such queue: each call takes the place of the one before. What is asked while there is none waits
 * for the next one; what an earlier one was told is still to be answered. Where the last user of the queue is gone,
 * there is no key.
 * @param cq Where the events go. NULL removes it.
 * @param user_data Comes back in every event.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership keeps a reference to cq until it is replaced or the manager has ended; what is drained belongs to the
 *   caller (llmq_events_release)
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_set_key_queue(llmq_manager_t *manager, llmq_cq_t *cq, uint64_t user_data);

/** Answers an event LLMQ_EV_KEY, once. An answer that nobody waits for any more, as the attempt has ended, counts for
 * nothing.
 * @param question attempt_id of the event.
 * @param key The key, at most 8,192 bytes; empty = there is none: the attempt ends with LLMQ_ERR_AUTH.
 * @param error Why there is none, in words: a part of the message of the response. NULL = nothing to say.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership key and error are copied; the copy of the key is wiped
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_key_answer(llmq_manager_t *manager, uint64_t question, const char *key, size_t key_len,
                                       const char *error, size_t error_len);

/** Drops a reference. The last one of a manager that was not shut down aborts it in the background.
 * NULL is allowed.
 * @return Nothing.
 * @par Ownership takes one reference
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_manager_unref(llmq_manager_t *manager);

/** Registers the models of a configuration, one or many; all or none.
 * @param flags LLMQ_REGISTER_.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_MODEL_EXISTS, LLMQ_ERR_INVALID_VALUE,
 *   LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership the configuration is copied; err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks for the reading of key files
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_register_models(llmq_manager_t *manager, const llmq_conf_t *conf,
                                                    uint32_t flags, llmq_error_t **err);

/** Removes a model: new requests for it are refused at once, those it has end as `mode` says. Its name is
 * free again at once.
 * @param mode LLMQ_SHUTDOWN_DRAIN, _CANCEL or _ABORT.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
 *   LLMQ_ERR_NOMEM.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_remove_model(llmq_manager_t *manager, const char *model,
                                                 size_t model_len, int32_t mode);

/** Adds a deployment to a registered model: another place where its calls are made. A model that had one without
 * a name has it as "0" from then on, and what were the model's limits are limits of that one.
 * @param name 1 to 255 bytes; no other deployment of the model has it.
 * @param conf What it says of model.MODEL.deployments.NAME is taken, and pools that are new; what it does not
 *   say of the deployment, the model's settings say. Its key function, if it has one, gives the key.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_INVALID_VALUE (also: the name is taken,
 *   the key is missing, or a processor runs the model), LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED,
 *   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership everything is copied; err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks for the reading of a key file
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_add_deployment(llmq_manager_t *manager, const char *model, size_t model_len,
                                                   const char *name, size_t name_len, const llmq_conf_t *conf,
                                                   llmq_error_t **err);

/** Removes a deployment: nothing starts there any more. No request ends for it: who waits goes elsewhere. Its name
 * is free again at once. The last one of a model goes with the model alone (llmq_manager_remove_model).
 * @param mode LLMQ_SHUTDOWN_DRAIN: what runs there ends; _CANCEL and _ABORT: it is tried elsewhere. A stream whose
 *   output has begun is not, unless it has LLMQ_REQUEST_RESTART: that one ends, with LLMQ_ERR_TRANSPORT.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNKNOWN_KEY (no such deployment),
 *   LLMQ_ERR_INVALID_VALUE (it is the last one), LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_remove_deployment(llmq_manager_t *manager, const char *model, size_t model_len,
                                                      const char *name, size_t name_len, int32_t mode,
                                                      llmq_error_t **err);

/** Changes one setting while everything runs: max_pending, max_pending_bytes, and of registered models and
 * pools what docs/configuration.md marks as live, such as limits, prices, retries and time-outs. What limits
 * have counted stays; waiting requests meet the new limits, and one that no longer fits ends with
 * LLMQ_ERR_OVERSIZE. Time-outs, attempts and estimates are those of requests submitted from then on.
 * @param key As for llmq_conf_set, with the name of one model, deployment or pool: `*` is none.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_KEY (also: no such pool or deployment), LLMQ_ERR_INVALID_VALUE
 *   (also: it contradicts what else is set), LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (it cannot change
 *   while the manager runs), LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership key and value are copied; err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_set(llmq_manager_t *manager, const char *key, const char *value,
                                        llmq_error_t **err);

/** Names of the registered models, as a JSON array of strings, in the order of registration.
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_models_json(llmq_manager_t *manager, char **json, size_t *len);

/** State of a model, or of all, as JSON: settings, queue, and for each limit used, reserved, available and
 * the next time that room appears. `concurrency` tells how many attempts may run at a time: `effective` is less
 * than `configured`, and `why` says so, since the provider was overloaded (`overloads` times until now).
 * `tenant_limits` tells of each limit that tenants have to themselves how many `tenants` use it, and how many
 * are `waiting` for it. Of a model whose deployments have names, `limits` are those over all of them, and
 * `deployments` has `name`, `state`, `limits` and `concurrency` of each. States are ready, paused
 * (a Retry-After), quota_exhausted, key_refused, out (its circuit breaker is open), probed (half-open), leaving.
 * @param model NULL = all models.
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_WRONG_THREAD in a callback of
 *   another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads any thread, not from a callback of another manager
 * @par Blocks up to one loop turn; inline in callbacks
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_info_json(llmq_manager_t *manager, const char *model,
                                              size_t model_len, char **json, size_t *len);

/** Begins to shut down: new requests are refused with LLMQ_ERR_CLOSING, the others end as `mode` says, each
 * with its terminal event. A second call may only sharpen the mode or the deadline.
 * @param deadline_ns Absolute on llmq_now_ns(); what still runs then is aborted. 0 or -1 = none.
 * @param cq Receives one LLMQ_EV_CLOSED after all other events; may be NULL.
 * @param user_data Comes back in that event.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSED if it is complete already, LLMQ_ERR_FORKED,
 *   LLMQ_ERR_NOMEM.
 * @par Ownership the cq is referenced until the event
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_shutdown(llmq_manager_t *manager, int32_t mode, int64_t deadline_ns,
                                             llmq_cq_t *cq, uint64_t user_data);

/** Aborts what is left, waits until every terminal event has been handed over, ends the thread, and drops
 * the caller's reference. NULL is allowed.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_WRONG_THREAD in a callback (nothing happened),
 *   LLMQ_ERR_FORKED (the memory is freed).
 * @par Ownership takes one reference unless LLMQ_ERR_WRONG_THREAD or LLMQ_ERR_INVALID_ARG
 * @par Threads any thread, not from a callback
 * @par Blocks until drained
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_destroy(llmq_manager_t *manager);

/* ------------------------------------------------------------------------------------------------------
 * Manager in a loop of the host (key loop = external)
 *
 * Such a manager has no thread. One thread of the host runs it, by llmq_manager_process: once after the creation, and
 * then whenever the descriptor is readable or the timeout is over. Everything that belongs to the loop thread happens
 * inside that call: callbacks, wake-ups of queues, log lines. Other threads submit, cancel and report as ever; that
 * makes the descriptor readable. On the host's thread, calls that are a round trip to the loop (llmq_manager_info_json,
 * llmq_request_wait_estimate, llmq_usage_update, llmq_try_acquire, llmq_attempt_deadline_ns) process what is there
 * themselves, callbacks included; on others they wait until the host's thread does. llmq_submit_wait is
 * LLMQ_ERR_WRONG_THREAD on the host's thread, and llmq_cq_wait there waits in vain for what only processing brings.
 * llmq_manager_shutdown is asynchronous as ever: go on processing until LLMQ_ERR_CLOSED. llmq_manager_destroy, and the
 * last llmq_manager_unref, abort what is left and process it on the calling thread: make it the host's, and watch the
 * descriptor no more, first. Inside a callback the last llmq_manager_unref ends it when the callback has returned, and
 * llmq_manager_destroy is LLMQ_ERR_WRONG_THREAD.
 * ---------------------------------------------------------------------------------------------------- */

/** A descriptor that is readable when llmq_manager_process has something to do.
 * @param[out] fd For poll, epoll, kqueue: do not read or close it. Gone when llmq_manager_process says
 *   LLMQ_ERR_CLOSED. Windows has none: there the timeout alone says when to process.
 * @return LLMQ_OK, LLMQ_ERR_UNSUPPORTED (a thread of its own, or Windows), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership belongs to the manager
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_fd(llmq_manager_t *manager, int32_t *fd);

/** How long the host may wait for the descriptor before it calls llmq_manager_process anyway. Ask after each
 * llmq_manager_process.
 * @param[out] timeout_ns 0 = call it at once; negative = for ever.
 * @return LLMQ_OK, LLMQ_ERR_UNSUPPORTED (the manager has a thread of its own), LLMQ_ERR_WRONG_THREAD in a callback,
 *   LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads any thread, not from a callback
 * @par Blocks up to one loop turn; while another thread processes
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_timeout_ns(llmq_manager_t *manager, int64_t *timeout_ns);

/** Works on what has come in and what is due; does not wait. The calling thread is the host's thread from then on.
 * @return LLMQ_OK, LLMQ_ERR_CLOSED (everything has ended, and so has the descriptor), LLMQ_ERR_UNSUPPORTED (the manager
 *   has a thread of its own), LLMQ_ERR_WRONG_THREAD in a callback, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads one at a time per manager, not from a callback
 * @par Blocks never; callbacks run inside
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_manager_process(llmq_manager_t *manager);

/* ------------------------------------------------------------------------------------------------------
 * Submit
 * ---------------------------------------------------------------------------------------------------- */

/** Hands over a request. Never waits for a limit: it queues.
 * @param[out] id Written before the request becomes visible, so its callback may run first. May be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_QUEUE_FULL, LLMQ_ERR_OVERSIZE,
 *   LLMQ_ERR_INVALID_VALUE (the payload is not what the model's provider takes), LLMQ_ERR_UNSUPPORTED,
 *   LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership everything is copied; the cq is referenced until the event is released
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_submit(llmq_manager_t *manager, const llmq_request_t *request,
                                   llmq_request_id_t *id);

/** Hands over many requests, in order, until one is refused.
 * @param stride Bytes from one request to the next.
 * @param[out] ids One id for each accepted request; may be NULL.
 * @param[out] accepted Length of the accepted prefix; may be NULL.
 * @return LLMQ_OK if all were accepted, else the status of the first that was refused, as llmq_submit.
 * @par Ownership as llmq_submit
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_submit_batch(llmq_manager_t *manager, const llmq_request_t *requests,
                                         size_t stride, size_t n, llmq_request_id_t *ids,
                                         size_t *accepted);

/** Hands over a request and waits for its response. The request's cq and done_fn must be NULL.
 * @param timeout_ns How long to wait; negative = for ever. If it passes, the request is cancelled.
 * @param[out] response The outcome, also if the request failed: LLMQ_OK means that there is a response.
 * @return LLMQ_OK, LLMQ_ERR_TIMEOUT (cancelled), LLMQ_ERR_WRONG_THREAD, and the statuses of llmq_submit.
 * @par Ownership the caller frees the response with llmq_response_free
 * @par Threads any thread, not from a callback
 * @par Blocks up to timeout
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_submit_wait(llmq_manager_t *manager, const llmq_request_t *request,
                                        int64_t timeout_ns, llmq_response_t **response);

/** Says in words whether llmq_submit would accept the request now, without submitting it.
 * @return As llmq_submit.
 * @par Ownership err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_request_check(llmq_manager_t *manager, const llmq_request_t *request,
                                          llmq_error_t **err);

/** What the request will probably use: tokens, and their price where the model has prices. Input tokens come
 * from the bytes of the text by a line that is fitted to the usage of the model's answers (llmq_stats_json,
 * `estimates`), images and tools by the documented rules; until 8 answers are known, from 4 bytes per token. A
 * limit whose `charge` is `arrival` reserves what the provider counts on arrival, 4 bytes per token, all the same.
 * Output tokens are what the body says, else what 95 of 100 answers of that priority did not pass, else
 * est_output_tokens, capped by the smallest limit.
 * @param usage Its struct_size must be set. cost_micros is 0 without prices.
 * @return As llmq_request_check.
 * @par Ownership filled for the caller; err, if set, is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_request_estimate(llmq_manager_t *manager, const llmq_request_t *request,
                                             llmq_usage_t *usage, llmq_error_t **err);

/** When a request that waits may start, and which limit it waits for.
 * @param wait Its struct_size must be set.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE (it has ended), LLMQ_ERR_WRONG_THREAD in a callback of
 *   another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership filled for the caller
 * @par Threads any thread, not from a callback of another manager
 * @par Blocks up to one loop turn; inline in callbacks
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_request_wait_estimate(llmq_manager_t *manager, llmq_request_id_t id,
                                                  llmq_wait_t *wait);

/** Asks for a request to be cancelled. It ends with LLMQ_ERR_CANCELLED unless it ends otherwise first; a
 * running HTTP call is closed at once.
 * @return LLMQ_OK (asked), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE (ended before), LLMQ_ERR_CLOSED,
 *   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cancel(llmq_manager_t *manager, llmq_request_id_t id);

/** State of a live or recently finished request.
 * @param[out] state LLMQ_STATE_.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_STALE, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_request_state(llmq_manager_t *manager, llmq_request_id_t id, int32_t *state);

/** Moves out the response of a request submitted with LLMQ_REQUEST_KEEP. Kept are the last keep_max of
 * them, for keep_age_s.
 * @return LLMQ_OK, LLMQ_ERR_AGAIN while it is pending, LLMQ_ERR_STALE (also: it has ended and was not kept),
 *   LLMQ_ERR_INVALID_ARG (also: it is live and was submitted without KEEP), LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership the caller frees the response with llmq_response_free
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_get(llmq_manager_t *manager, llmq_request_id_t id,
                                         llmq_response_t **response);

/** Status, state, timings, attempts and usage of one of the last history_max finished requests of each
 * model, as a response without payload and texts. May be asked again and again.
 * @return LLMQ_OK, LLMQ_ERR_AGAIN while it is pending, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG,
 *   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership the caller frees the response with llmq_response_free
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_peek(llmq_manager_t *manager, llmq_request_id_t id,
                                          llmq_response_t **response);

/** Reports the usage of a finished request that was submitted with LLMQ_REQUEST_KEEP or
 * LLMQ_REQUEST_LATE_USAGE: its charges are corrected where they lie, as long as they lie in a window.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG (also: a negative count), LLMQ_ERR_STALE, LLMQ_ERR_AGAIN while it
 *   is not finished (what this thread has reported or released before counts), LLMQ_ERR_ALREADY_DONE if usage is known and the history still remembers it,
 *   LLMQ_ERR_WRONG_THREAD in a callback of another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED,
 *   LLMQ_ERR_NOMEM.
 * @par Ownership copied
 * @par Threads any thread, not from a callback of another manager
 * @par Blocks up to one loop turn; inline in callbacks
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_usage_update(llmq_manager_t *manager, llmq_request_id_t id,
                                         const llmq_usage_t *usage);

/* ------------------------------------------------------------------------------------------------------
 * Run: processors, workers, permits
 * ---------------------------------------------------------------------------------------------------- */

/** Sets the function that runs the attempts of a model that has no built-in provider. Requests submitted
 * before wait for it.
 * @param fn Gets LLMQ_EV_READY on the loop thread; must return quickly, and end the attempt now or later,
 *   from any thread, with llmq_attempt_succeed or llmq_attempt_fail. The event's data lives until then.
 * @param cancel_fn Gets LLMQ_EV_CANCEL_REQUESTED when the attempt has ended for llmq (cancel, time-out,
 *   shutdown): stop, and still call llmq_attempt_fail or _succeed once, which answers LLMQ_ERR_STALE and
 *   releases the data. May be NULL.
 * @param user_free Run once when the processor is replaced or the manager ends, also if this call fails.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (the model has a
 *   built-in provider), LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_model_set_processor(llmq_manager_t *manager, const char *model,
                                                size_t model_len, llmq_event_fn fn,
                                                llmq_event_fn cancel_fn, void *user,
                                                llmq_user_free_fn user_free);

/** Sets a completion queue that the attempts of a model without built-in provider come to: any thread that drains
 * it is a worker, and runs what it has drained. Takes the place of a processor or of other workers; requests submitted
 * before wait for it. The same queue may serve several models and managers, and take events of requests.
 *
 * READY. attempt_id is what the calls below take, `attempt` its number, `data` the payload, user_data that of the
 * request: tell events of a queue that serves several ends apart by `type` first. Each READY is drained by one thread
 * and is its to run. What is READY counts as running, drained or not: bound it with max_in_flight or a limit of
 * concurrency. End the attempt from any thread with llmq_attempt_succeed or llmq_attempt_fail; llmq_attempt_chunk streams. The payload, and
 * what llmq_attempt_model, _tenant, _request_key and _metadata point to, live until the attempt has ended and the event
 * is released (llmq_events_release), whichever is later: release it when the attempt is reported, or as soon as
 * everything is copied. Releasing does not end the attempt.
 *
 * Lease. It begins when the event is drained. An attempt of which nothing is heard for that long - no report, no chunk,
 * no llmq_attempt_heartbeat - is lost: it ends with LLMQ_ERR_ABANDONED, what it holds of concurrency is free, its tokens
 * stay charged, and the request is tried again at once while it has attempts left; max_attempts = 1 makes the loss
 * final. (A stream of which the caller has seen output is not tried again without LLMQ_REQUEST_RESTART.)
 * llmq_attempt_succeed, _fail, _chunk and _heartbeat of a lost attempt answer LLMQ_ERR_STALE: its result counts for
 * nothing. What nobody drains waits, as long as time-out and deadline let it; when the last user of the queue is gone,
 * attempts end with LLMQ_ERR_ABANDONED at once.
 *
 * CANCEL_REQUESTED comes to the same queue, after the READY, when an attempt has ended for llmq before it was reported:
 * cancel, time-out, deadline, shutdown with ABORT, a lost lease. It has attempt_id, request_id and user_data, and no
 * data. Stop the work if you can; nothing need be reported (a report answers LLMQ_ERR_STALE). It may be for an attempt
 * that is still to be drained, has just been reported, or is not known to the worker any more.
 *
 * A worker's loop: llmq_cq_wait or the fd of llmq_cq_fd, llmq_cq_drain, by type; end it with llmq_cq_wake. To stop
 * cleanly: llmq_manager_shutdown, run on until LLMQ_EV_CLOSED has come to this queue or another one.
 * @param cq Is referenced until workers or a processor take its place, the model is removed, or the manager ends.
 * @param lease_ns 0 = 60 s, -1 = none.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_UNSUPPORTED (the model has a
 *   built-in provider), LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership the cq is referenced
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_model_set_workers(llmq_manager_t *manager, const char *model, size_t model_len,
                                              llmq_cq_t *cq, int64_t lease_ns);

/** The runner of an attempt is still there: its lease (llmq_model_set_workers) begins anew. Of a processor's attempt,
 * which has none, it says whether the result is still wanted.
 * @return LLMQ_OK, LLMQ_ERR_STALE (the attempt has ended: stop), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED,
 *   LLMQ_ERR_NOMEM.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_heartbeat(llmq_manager_t *manager, llmq_attempt_id_t attempt);

/** Asks for a permit: the caller makes the call itself, with an SDK of its own, when the limits of the model have
 * room for it. The permit waits in the line of the model, by priority, tenant and deadline like any request, and counts
 * as one (llmq_cancel, llmq_request_state, llmq_request_wait_estimate, stats, hooks). The model may have any provider,
 * or none; its limits, deployments and learning work as for calls of llmq's own.
 *
 * The request. Tokens are est_input_tokens and est_output_tokens; where these are 0, what the payload says, if there is
 * one (a body in the form of `operation`, looked at and not kept), else the defaults of the model. timeout_ns is the
 * lease of the permit (0 = timeout_ms of the model, -1 = none), deadline_ns bounds the wait and the permit. cq or
 * done_fn is set; flags other than LLMQ_REQUEST_LATE_USAGE, and dedup_key, are not. max_attempts counts for nothing: a
 * permit is one attempt.
 *
 * The answer is one event, to cq or done_fn: PERMIT, with request_id, attempt_id, user_data, and in `data` the name of
 * the deployment that the call must go to ("" where the model has one without a name; the event owns it, release it as
 * others); or DONE with the status that says why there is no permit (cancel, deadline, shutdown, oversize). Both are
 * terminal: no other event follows, also no CANCEL_REQUESTED. Where the model has fallback.models, the permit may be
 * for one of these: llmq_attempt_model tells.
 *
 * Then make the call, and end the permit once, from any thread: llmq_permit_release with the usage of the answer, or
 * llmq_attempt_fail with the status that fits: LLMQ_ERR_RATE_LIMITED with its Retry-After teaches the limits,
 * LLMQ_ERR_OVERLOADED, _SERVER and _TRANSPORT the bounds of load and the circuit breaker, as for calls of llmq's own.
 * Headers are told besides, before (llmq_report_limits). Nothing is tried again: after a failure that should be, ask
 * for another permit. Switch off retries of the SDK: each call takes a permit of its own.
 *
 * The lease begins when the PERMIT is drained, or done_fn is called. When it is over, or the deadline or a shutdown
 * with ABORT comes first, or llmq_cancel takes the permit back, the permit is lost: its place of concurrency is free,
 * its tokens stay charged, the request ends (a lapsed lease with LLMQ_ERR_ABANDONED), and release and fail answer
 * LLMQ_ERR_STALE. llmq_attempt_heartbeat renews the lease. A shutdown with DRAIN or CANCEL waits for permits that are
 * out, until its deadline.
 *
 * A model without provider, processor and workers gives permits alone: once one was asked for, requests of llmq_submit
 * to it end with LLMQ_ERR_UNSUPPORTED.
 * @param[out] id Written before the request becomes visible. May be NULL.
 * @return As llmq_submit.
 * @par Ownership everything is copied; the cq is referenced until the event is released
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_acquire(llmq_manager_t *manager, const llmq_request_t *request, llmq_request_id_t *id);

/** Takes a permit if it could start now, passing nobody who waits. As llmq_acquire but for the answer; cq and done_fn
 * must be NULL. The lease begins at once. In stats and hooks one that is not given is a request that was cancelled.
 * @param[out] attempt The permit; 0 if there is none. llmq_attempt_deployment tells where the call goes.
 * @param[out] wait_ns With LLMQ_ERR_AGAIN: how long it would wait, as likely less as more. May be NULL.
 * @return LLMQ_OK (there is a permit), LLMQ_ERR_AGAIN (not now), LLMQ_ERR_DEADLINE and other statuses of requests that
 *   can never start, LLMQ_ERR_WRONG_THREAD in a callback of another manager, and the statuses of llmq_submit.
 * @par Ownership everything is copied
 * @par Threads any thread, not from a callback of another manager
 * @par Blocks up to one loop turn; inline in callbacks
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_try_acquire(llmq_manager_t *manager, const llmq_request_t *request,
                                        llmq_attempt_id_t *attempt, int64_t *wait_ns);

/** Ends a permit whose call went well.
 * @param usage Actual usage, which corrects what was charged; NULL = not known: the reservation stays charged. Of a call
 *   that was not made, zeros: its tokens are given back.
 * @return LLMQ_OK, LLMQ_ERR_STALE (it was lost, or ended before), LLMQ_ERR_INVALID_ARG (the permit is still there),
 *   LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM (the permit is still there).
 * @par Ownership copied
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_permit_release(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                           const llmq_usage_t *usage);

/** Hands over a piece of the response of a running attempt: the caller gets it as LLMQ_EV_CHUNK, pieces in
 * order and before DONE. An attempt that has handed over one is not retried any more. llmq_attempt_succeed
 * still gives the whole response.
 * @param data The piece; copied. NULL with len 0.
 * @return LLMQ_OK, LLMQ_ERR_AGAIN while the caller holds stream_buffer_bytes of earlier pieces (come again when
 *   it may have released some), LLMQ_ERR_UNSUPPORTED (the caller takes no chunks: see LLMQ_EVENT_STREAM),
 *   LLMQ_ERR_STALE (the attempt has ended), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership copied
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_chunk(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                          const void *data, size_t len);

/** Ends an attempt with a result.
 * @param data The response's payload; copied. NULL with len 0.
 * @param usage Actual usage; NULL = not known: the reservation stays charged.
 * @return LLMQ_OK, LLMQ_ERR_STALE (it had ended: the result is dropped), LLMQ_ERR_INVALID_ARG (the attempt
 *   still runs), LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM (the attempt still runs).
 * @par Ownership copied; the READY event's data is gone afterwards
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_succeed(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                            const void *data, size_t len, const llmq_usage_t *usage);

/** Ends an attempt with a failure. LLMQ_ERR_RATE_LIMITED, _OVERLOADED, _SERVER, _TRANSPORT and _TIMEOUT are
 * retried; every other status is final.
 * @param status A negative status.
 * @param message Why, for people; copied. May be NULL with len 0.
 * @param retry_after_ns With a retryable status: no retry before that time from now; 0 = not known.
 *   With LLMQ_ERR_RATE_LIMITED the model starts nothing before then.
 * @return LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG (the attempt still runs), LLMQ_ERR_FORKED,
 *   LLMQ_ERR_NOMEM (the attempt still runs).
 * @par Ownership copied; the READY event's data is gone afterwards
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_fail(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                         llmq_status_t status, const char *message, size_t len,
                                         int64_t retry_after_ns);

/** Tells what a provider's answer showed of its limits, where the calls are made by the caller's own SDK: the
 * headers of the answer, x-ratelimit-* among them. They teach the limits of the model, or of its first deployment
 * (llmq_attempt_report_limits: of the one that was called), as the answers of a built-in provider do. Hand over all headers, of good answers too: other names are skipped,
 * and values that make no sense are left out. A refusal (429) is reported with llmq_attempt_fail besides.
 * @param names, values `count` texts each, NUL-terminated unless their lengths are given.
 * @param name_lens, value_lens `count` lengths in bytes; NULL = the texts are NUL-terminated.
 * @param count At most 4,096; with 0 the arrays may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG (also: a NULL text), LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_CLOSING,
 *   LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership copied
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_report_limits(llmq_manager_t *manager, const char *model, size_t model_len,
                                          const char *const *names, const size_t *name_lens,
                                          const char *const *values, const size_t *value_lens,
                                          size_t count);

/** As llmq_report_limits, for the deployment that the attempt, or permit, goes to: call it before the attempt is ended.
 * @return LLMQ_OK, LLMQ_ERR_STALE (the attempt has ended), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership copied
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_report_limits(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                                  const char *const *names, const size_t *name_lens,
                                                  const char *const *values, const size_t *value_lens,
                                                  size_t count);

/** Model, tenant, request key and metadata of the request of an attempt that has not been reported yet; of a worker's
 * attempt also: that has not ended. Of a permit, likewise; copy them before it ends.
 * @param[out] data, len Bytes that live as long as the READY event's data; of a permit, as long as it does.
 * @return LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership belongs to the attempt
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_model(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                          const char **data, size_t *len);
/** As llmq_attempt_model: the tenant.
 * @return As llmq_attempt_model.
 * @par Ownership belongs to the attempt
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_tenant(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                           const char **data, size_t *len);
/** As llmq_attempt_model: the request key.
 * @return As llmq_attempt_model.
 * @par Ownership belongs to the attempt
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_request_key(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                                const char **data, size_t *len);
/** As llmq_attempt_model: the metadata.
 * @return As llmq_attempt_model.
 * @par Ownership belongs to the attempt
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_metadata(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                             const void **data, size_t *len);
/** As llmq_attempt_model: of a permit, the name of the deployment that its call goes to; "" where the model has one
 * without a name, and of processors and workers.
 * @return As llmq_attempt_model.
 * @par Ownership belongs to the attempt
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_deployment(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                               const char **data, size_t *len);
/** Number of an attempt among those of its request, as in its READY event.
 * @param[out] number From 1.
 * @return LLMQ_OK, LLMQ_ERR_STALE, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads any thread, until the attempt is reported
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_number(llmq_manager_t *manager, llmq_attempt_id_t attempt, uint32_t *number);
/** When a running attempt ends at the latest: at its time-out, or the request's deadline. A lease may end before.
 * @param[out] deadline_ns On llmq_now_ns(); 0 = it is not bounded.
 * @return LLMQ_OK, LLMQ_ERR_STALE (it has ended), LLMQ_ERR_INVALID_ARG, LLMQ_ERR_WRONG_THREAD in a callback of
 *   another manager, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership nothing changes hands
 * @par Threads any thread, not from a callback of another manager
 * @par Blocks up to one loop turn; inline in callbacks
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_attempt_deadline_ns(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                                int64_t *deadline_ns);

/* ------------------------------------------------------------------------------------------------------
 * Completion queue
 * ---------------------------------------------------------------------------------------------------- */

/** Makes a completion queue. It may serve several managers and outlives them.
 * @param[out] cq The queue, with one reference.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership the caller drops it with llmq_cq_unref
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cq_create(llmq_cq_t **cq);

/** Adds a reference.
 * @return The same queue; NULL for NULL or a wrong handle.
 * @par Ownership the caller owes one more llmq_cq_unref
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_cq_t *llmq_cq_ref(llmq_cq_t *cq);

/** Drops a reference. Drained events stay valid until they are released; events that nobody can drain any
 * more are dropped. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes one reference
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_cq_unref(llmq_cq_t *cq);

/** Moves up to `max` events into the caller's storage. The caller sets `stride` of events[0]; it is written
 * into every event.
 * @param events Storage for max events of `stride` bytes each; stride >= 128 (the first header's), and at
 *   most 4,096, else 0. What this library does not know of an event becomes zero.
 * @return How many events were written; 0 if there are none, or the arguments are wrong.
 * @par Ownership each event's handle is the caller's, until llmq_events_release or llmq_event_take
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API size_t llmq_cq_drain(llmq_cq_t *cq, llmq_event_t *events, size_t max);

/** Waits until there is an event.
 * @return LLMQ_OK (there is one), LLMQ_ERR_TIMEOUT, LLMQ_ERR_AGAIN (woken by llmq_cq_wake),
 *   LLMQ_ERR_WRONG_THREAD on a loop thread, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads any thread, not from a callback
 * @par Blocks up to timeout
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cq_wait(llmq_cq_t *cq, int64_t timeout_ns);

/** Ends the llmq_cq_wait of one waiting thread, or the next one, with LLMQ_ERR_AGAIN; makes the file
 * descriptor readable until the next drain.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cq_wake(llmq_cq_t *cq);

/** A file descriptor that is readable exactly while the queue holds events; only llmq_cq_drain resets it.
 * @param kind LLMQ_CQ_FD_; the first call decides.
 * @param[out] fd The descriptor: poll it, do not read or close it. Windows has none: see llmq_cq_set_wakeup.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_INTERNAL (none to be had), LLMQ_ERR_UNSUPPORTED.
 * @par Ownership belongs to the queue
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cq_fd(llmq_cq_t *cq, int32_t kind, int32_t *fd);

/** Sets the function that is called each time that the queue, which was empty, gets an event: for hosts whose loop is
 * woken by a call (uv_async_send, PostMessage), not by a descriptor. It is called once until the queue has been drained
 * empty; at once, on this thread, if there are events already. llmq_cq_wake does not call it.
 * @param fn Called with no lock held, on the loop thread of a manager, mostly; must return quickly. NULL removes it.
 * @param user_free Run once when the function has been replaced or the queue's last user has gone, and no call of fn is
 *   left; also if this call fails. May be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_cq_set_wakeup(llmq_cq_t *cq, llmq_wakeup_fn fn, void *user, llmq_user_free_fn user_free);

/** Drains up to `max` events and calls a function with each, on this thread. An event is released when the function
 * returns, unless it was taken (llmq_event_take, with the event cast from const).
 * @param fn May call everything, also llmq_cq_drain and this function.
 * @return How many there were; 0 if there are none, or the arguments are wrong.
 * @par Ownership events are released
 * @par Threads any thread
 * @par Blocks never; fn runs inside
 * @since 0.1 */
LLMQ_API size_t llmq_cq_dispatch(llmq_cq_t *cq, llmq_event_fn fn, void *user, size_t max);

/** Releases drained events and what their handles own. Events that were taken, or have no handle, are
 * skipped; released events may be released again.
 * @return Nothing.
 * @par Ownership takes the handles
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_events_release(llmq_event_t *events, size_t stride, size_t n);

/** Reads what a DONE event tells beside its members, without a response being made. Works on drained events until they
 * are released or taken, and inside done_fn.
 * @param[out] outcome Its struct_size must be set.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG (no DONE event, or taken before), LLMQ_ERR_FORKED.
 * @par Ownership filled for the caller; the texts belong to the event
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_event_outcome(const llmq_event_t *event, llmq_outcome_t *outcome);

/** Turns a DONE event into a response that lives on. Works on drained events and inside done_fn, there with
 * the event cast from const.
 * @param[out] response The outcome.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG (no DONE event, or taken before), LLMQ_ERR_NOMEM (still the event's),
 *   LLMQ_ERR_FORKED.
 * @par Ownership the caller frees the response with llmq_response_free; the event's data moves there
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_event_take(llmq_event_t *event, llmq_response_t **response);

/* ------------------------------------------------------------------------------------------------------
 * Responses
 * ---------------------------------------------------------------------------------------------------- */

/** Status of a request's outcome.
 * @return LLMQ_OK or the error; LLMQ_ERR_INVALID_ARG for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_status(const llmq_response_t *response);

/** Final state, LLMQ_STATE_.
 * @return The state; 0 for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API int32_t llmq_response_state(const llmq_response_t *response);

/** Payload: the processor's data, or the body that the provider sent, also with an error.
 * @param[out] len Its length; may be NULL.
 * @return The bytes, followed by a NUL that is not counted; never NULL.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const void *llmq_response_data(const llmq_response_t *response, size_t *len);

/** What went wrong, in words.
 * @param[out] len Its length; may be NULL.
 * @return NUL-terminated text; "" if nothing did.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_response_error(const llmq_response_t *response, size_t *len);

/** Usage of the last attempt.
 * @param usage Its struct_size must be set.
 * @return LLMQ_OK, LLMQ_ERR_AGAIN if usage is not known, LLMQ_ERR_INVALID_ARG.
 * @par Ownership filled for the caller
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_usage(const llmq_response_t *response, llmq_usage_t *usage);

/** Times of the request on llmq_now_ns(): submitted, start of the last attempt (0 = none), end.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG. Each out parameter may be NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_timings(const llmq_response_t *response, int64_t *submitted_ns,
                                             int64_t *started_ns, int64_t *finished_ns);

/** Time from the start of the last attempt to its first output, of a response that was streamed.
 * @return Nanoseconds; 0 if none came, and for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API int64_t llmq_response_first_output_ns(const llmq_response_t *response);

/** Whose the answer and its usage are: LLMQ_EVENT_SHARED and LLMQ_EVENT_CACHED, as in the DONE event.
 * @return The bits; 0 for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API uint32_t llmq_response_flags(const llmq_response_t *response);

/** Attempts made.
 * @return The number; 0 for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API uint32_t llmq_response_attempts(const llmq_response_t *response);

/** The attempts of a request of which at least one has failed, the last one included.
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free: an array of {"attempt" (from 1), "deployment"
 *   (where it has a name), "status" ("LLMQ_ERR_SERVER"), "http_status" (if there was an answer), "message" (of the
 *   provider or the processor; at most 200 bytes), "started_ms" (from the submit; of a shared call from its begin),
 *   "run_ms", "retry_delay_ms" (if another one followed: until it could start)}. A second call beside a slow one
 *   (hedge.enabled) has "hedge": true; the slower of two ended with LLMQ_ERR_CANCELLED. [] if none has failed, and of
 *   llmq_response_peek, which keeps no texts.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_response_attempts_json(const llmq_response_t *response, char **json, size_t *len);

/** Id of the request.
 * @return The id; 0 for NULL.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_request_id_t llmq_response_request_id(const llmq_response_t *response);

/** HTTP status of the last answer of a built-in provider.
 * @return The status; 0 if there was none.
 * @par Ownership nothing changes hands
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API int32_t llmq_response_http_status(const llmq_response_t *response);

/** The provider's own id of its last answer (x-request-id).
 * @param[out] len Its length; may be NULL.
 * @return NUL-terminated text; "" if there was none.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_response_provider_request_id(const llmq_response_t *response, size_t *len);

/** Name of the model that the request went to in the end, if it is not the one that was asked for (setting
 * model.*.fallback.models).
 * @param[out] len Its length; may be NULL.
 * @return NUL-terminated text; "" if it stayed with the model that was asked for.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_response_fallback_model(const llmq_response_t *response, size_t *len);

/** Name of the deployment that ran the last attempt.
 * @param[out] len Its length; may be NULL.
 * @return NUL-terminated text; "" if none ran, or the model's only deployment has no name.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_response_deployment(const llmq_response_t *response, size_t *len);

/** Metadata as given with the request.
 * @param[out] len Its length; may be NULL.
 * @return The bytes; never NULL.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const void *llmq_response_metadata(const llmq_response_t *response, size_t *len);

/** Request key as given with the request.
 * @param[out] len Its length; may be NULL.
 * @return NUL-terminated text; "" if none.
 * @par Ownership belongs to the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API const char *llmq_response_request_key(const llmq_response_t *response, size_t *len);

/** Frees a response. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes the response
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_response_free(llmq_response_t *response);

/* ------------------------------------------------------------------------------------------------------
 * Statistics
 * ---------------------------------------------------------------------------------------------------- */

/** Counters of a model, or of the whole manager. The values belong together up to one turn of the loop, and are told
 * before what ended in it: whoever has heard of an end, by event, callback or llmq_submit_wait, finds it counted.
 * @param model NULL = the whole manager, removed models included.
 * @param stats Its struct_size must be set.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_FORKED.
 * @par Ownership filled for the caller
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_stats(llmq_manager_t *manager, const char *model, size_t model_len,
                                  llmq_stats_t *stats);

/** The same for the manager and every registered model, as JSON; also `joined`, requests that shared the call of one
 * before them, `hedges`, second calls beside a slow one, `hedges_won`, those whose output came first, and `cache` (hits, misses, evicted, and entries and bytes now).
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_stats_json(llmq_manager_t *manager, char **json, size_t *len);

/* ------------------------------------------------------------------------------------------------------
 * Hooks
 * ---------------------------------------------------------------------------------------------------- */

/** Sets the function that is told what happens to requests, limits and circuit breakers, for metrics and tracing.
 * A manager has one; the next call takes its place, after what has happened by then has been told. Kinds of events
 * that are not asked for cost a test of one bit.
 * @param mask LLMQ_HOOK_ bits. UINT32_MAX asks for all, also for those of later versions: skip types that you do not
 *   know. 0 asks for none.
 * @param fn Called on the loop thread, in the order of events: must return quickly; may submit, cancel, read, and set
 *   a hook. NULL removes the hook.
 * @param user_free Run once when the hook has been replaced or the manager ends, also if this call fails; may be
 *   NULL. The hook is not called after that.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM.
 * @par Ownership takes user
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_set_hook(llmq_manager_t *manager, uint32_t mask, llmq_hook_fn fn, void *user,
                                     llmq_user_free_fn user_free);

/** The same, told as events LLMQ_EV_HOOK of a completion queue in place of a call on the loop thread: for languages
 * whose functions no foreign thread should call. `data` of such an event is an llmq_hook_t. They come in order,
 * COMPLETED before the DONE of the request if that goes to the same queue. At most 65,536 of one call are kept that
 * were not released: what happens beyond that is not told, and `lost` of the next event counts it.
 * A manager has one hook, function or queue: each call takes the place of the one before. Its last event is
 * LLMQ_EV_HOOK_ENDED, once it has been replaced or the manager has ended (then before LLMQ_EV_CLOSED): `data` is an
 * llmq_hook_t of type 0, of which time_ns and lost are set.
 * @param mask LLMQ_HOOK_ bits, as above.
 * @param cq Where the events go. NULL removes the hook.
 * @param user_data Comes back in every event of this call.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_CLOSING, LLMQ_ERR_CLOSED, LLMQ_ERR_FORKED, LLMQ_ERR_NOMEM. After
 *   an error no event comes.
 * @par Ownership keeps a reference to cq until its last event; what is drained belongs to the caller
 *   (llmq_events_release)
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_set_hook_queue(llmq_manager_t *manager, uint32_t mask, llmq_cq_t *cq,
                                           uint64_t user_data);

/* ------------------------------------------------------------------------------------------------------
 * Plans: how long requests will take under the limits, and what they will cost
 * ---------------------------------------------------------------------------------------------------- */

/** Makes a plan with the models of a configuration. It has no thread, needs no key, and sends nothing.
 * @param[out] plan The plan.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_NOMEM.
 * @par Ownership the caller frees it with llmq_plan_free; the configuration is copied
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_plan_create(const llmq_conf_t *conf, llmq_plan_t **plan, llmq_error_t **err);

/** Adds the models of a configuration; those that the plan knows stay as they are.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_ALREADY_DONE (it has been run),
 *   LLMQ_ERR_NOMEM.
 * @par Ownership the configuration is copied; err, if set, is the caller's
 * @par Threads one at a time per plan
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_plan_add_models(llmq_plan_t *plan, const llmq_conf_t *conf,
                                            llmq_error_t **err);

/** Adds a request, with the checks and estimates of llmq_submit. Its payload is looked at and not kept; cq and
 * done_fn are not needed.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_OVERSIZE (counted, left out),
 *   LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_UNSUPPORTED, LLMQ_ERR_ALREADY_DONE (it has been run), LLMQ_ERR_NOMEM.
 * @par Ownership nothing of the request is kept; err, if set, is the caller's
 * @par Threads one at a time per plan
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_plan_add(llmq_plan_t *plan, const llmq_request_t *request,
                                     llmq_error_t **err);

/** Runs everything that was added through the engine under a virtual clock, as if all had been submitted at
 * once and every call lasted plan.latency_ms and its output at plan.tokens_per_s; once per plan.
 * It begins now: windows of calendars end when they do. Tenants have their weights and limits, not their caps.
 * @param[out] json NUL-terminated text, to be freed with llmq_buf_free: requests, oversize, expired, unfinished
 *   (after a hundred years), input_tokens, output_tokens, cost (in the unit of the prices), duration_ms,
 *   bound_by (the limit that the line waited for the longest, or null), models: the same for each, and tenants:
 *   the same for each but for bound_by.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_ALREADY_DONE, LLMQ_ERR_NOMEM.
 * @par Ownership json is the caller's
 * @par Threads one at a time per plan
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_plan_run(llmq_plan_t *plan, char **json, size_t *len);

/** Frees a plan. NULL is allowed.
 * @return Nothing.
 * @par Ownership takes the plan
 * @par Threads one at a time per plan
 * @par Blocks never
 * @since 0.1 */
LLMQ_API void llmq_plan_free(llmq_plan_t *plan);

/* ------------------------------------------------------------------------------------------------------
 * Explaining: what llmq makes of a recorded answer
 * ---------------------------------------------------------------------------------------------------- */

/** Says whether llmq would try again after an answer, when, and what else it reads from it. Nothing is sent.
 * @param provider Name as in model.*.provider; may be empty if the record names its own.
 * @param record A JSON object: status; headers, name to value or list of values; body, a string (of a stream all of
 *   it) or a JSON value; optionally now_unix_ms, the clock at that time, else the Date header serves; optionally
 *   provider, which overrules the argument.
 * @param[out] json NUL-terminated JSON without line breaks, to be freed with llmq_buf_free: retryable,
 *   retry_after_ms, hint_source (header, reset_header, body, body_text), limits {requests, tokens, input_tokens,
 *   output_tokens: {limit, remaining, reset_ms}}, usage {input_tokens, output_tokens, cached_input_tokens},
 *   error_class (rate_limit, quota, overloaded, server_error, bad_request, context_length, content_filter, auth),
 *   null where nothing is told; and what else is known, such as other_limits, body_limit and stream_error.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, LLMQ_ERR_INVALID_ARG, LLMQ_ERR_INVALID_VALUE (err names the member that is wrong), LLMQ_ERR_NOMEM.
 * @par Ownership json and err, if set, are the caller's
 * @par Threads any thread
 * @par Blocks never
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_explain_json(const char *provider, size_t provider_len, const char *record,
                                         size_t record_len, char **json, size_t *len, llmq_error_t **err);

/* ------------------------------------------------------------------------------------------------------
 * Probing: can the provider of a model be reached as it is configured?
 * ---------------------------------------------------------------------------------------------------- */

/** Flags of llmq_probe_json. */
enum {
  LLMQ_PROBE_CONNECT_ONLY = 1, /**< send no request: the way to the provider, TLS included, and no more */
  LLMQ_PROBE_EMBEDDINGS = 2    /**< ask for an embedding, not for a chat */
};

/** Makes one call to the provider of a model over HTTP, as a manager of this configuration would make it, and
 * tells what was found on the way. The request is a chat of one word with max_tokens 16: it costs a few tokens
 * and counts against the limits. Where the key cannot be read none is sent. No key is ever in the result.
 * @param conf Its API key function is asked, if it has one.
 * @param model One that the configuration names.
 * @param flags LLMQ_PROBE_ flags.
 * @param[out] json NUL-terminated JSON without line breaks, to be freed with llmq_buf_free: url; key {source
 *   (environment, file, function, headers, none), name, error, warning}; proxy, host and port, or null; address that
 *   was connected to; dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms; http_version; certificate {subject,
 *   issuer, expires_unix_s}; failed_at (dns, proxy, connect, tls, request); status, the name of the status that a
 *   request would end with, and message; clock_ahead_ms, of this machine against the Date of the answer, which
 *   has whole seconds; answer, as llmq_explain_json takes it. Null, or left out, where nothing is known.
 *   Of a model whose deployments have names: deployments, an array of the same for each, with its name.
 * @param[out] len Its length; may be NULL.
 * @return LLMQ_OK, whatever was found; LLMQ_ERR_INVALID_ARG; LLMQ_ERR_UNKNOWN_MODEL; LLMQ_ERR_UNSUPPORTED if the model
 *   has no provider over HTTP, or cannot do that operation; LLMQ_ERR_INVALID_VALUE (err names the setting);
 *   LLMQ_ERR_INTERNAL; LLMQ_ERR_NOMEM.
 * @par Ownership json and err, if set, are the caller's
 * @par Threads one at a time per configuration
 * @par Blocks for the reading of the key file and one call: up to the model's time-out, a minute at most
 * @since 0.1 */
LLMQ_API llmq_status_t llmq_probe_json(const llmq_conf_t *conf, const char *model, size_t model_len, uint32_t flags,
                                       char **json, size_t *len, llmq_error_t **err);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LLMQ_LLMQ_H_ */
