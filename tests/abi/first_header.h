/* clang-format off */
/* llmq.h as it was before the first member was appended to a struct (25 November 2026), without its comments. It does
 * not change: programs that were built against it are to work with every library of this ABI number. */
#ifndef LLMQ_LLMQ_H_
#define LLMQ_LLMQ_H_
#include <stddef.h>
#include <stdint.h>
#include <llmq/export.h>
#include <llmq/version.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef struct llmq_manager llmq_manager_t;
typedef struct llmq_conf llmq_conf_t;
typedef struct llmq_cq llmq_cq_t;
typedef struct llmq_error llmq_error_t;
typedef struct llmq_response llmq_response_t;
typedef int32_t llmq_status_t;
typedef uint64_t llmq_request_id_t;
typedef uint64_t llmq_attempt_id_t;
enum {
  LLMQ_OK = 0,
  LLMQ_ERR_INVALID_ARG = -1,
  LLMQ_ERR_NOMEM = -2,
  LLMQ_ERR_CLOSED = -3,
  LLMQ_ERR_CLOSING = -4,
  LLMQ_ERR_FORKED = -5,
  LLMQ_ERR_AGAIN = -6,
  LLMQ_ERR_TIMEOUT = -7,
  LLMQ_ERR_CANCELLED = -8,
  LLMQ_ERR_DEADLINE = -9,
  LLMQ_ERR_QUEUE_FULL = -10,
  LLMQ_ERR_UNKNOWN_MODEL = -11,
  LLMQ_ERR_MODEL_EXISTS = -12,
  LLMQ_ERR_UNKNOWN_KEY = -13,
  LLMQ_ERR_INVALID_VALUE = -14,
  LLMQ_ERR_OVERSIZE = -15,
  LLMQ_ERR_STALE = -16,
  LLMQ_ERR_ALREADY_DONE = -17,
  LLMQ_ERR_WRONG_THREAD = -18,
  LLMQ_ERR_RATE_LIMITED = -19,
  LLMQ_ERR_QUOTA_EXHAUSTED = -20,
  LLMQ_ERR_OVERLOADED = -21,
  LLMQ_ERR_SERVER = -22,
  LLMQ_ERR_AUTH = -23,
  LLMQ_ERR_BAD_REQUEST = -24,
  LLMQ_ERR_CONTEXT_TOO_LONG = -25,
  LLMQ_ERR_CONTENT_FILTER = -26,
  LLMQ_ERR_BUDGET = -27,
  LLMQ_ERR_TRANSPORT = -28,
  LLMQ_ERR_PROCESSING = -29,
  LLMQ_ERR_ABANDONED = -30,
  LLMQ_ERR_UNSUPPORTED = -31,
  LLMQ_ERR_INTERNAL = -32,
  LLMQ_ERR_UNKNOWN = -33
};
enum {
  LLMQ_STATE_PENDING = 1,
  LLMQ_STATE_PROCESSING = 2,
  LLMQ_STATE_COMPLETED = 3,
  LLMQ_STATE_FAILED = 4,
  LLMQ_STATE_CANCELLED = 5,
  LLMQ_STATE_EXPIRED = 6
};
enum {
  LLMQ_PRIORITY_DEFAULT = 0,
  LLMQ_PRIORITY_URGENT = 1,
  LLMQ_PRIORITY_HIGH = 2,
  LLMQ_PRIORITY_NORMAL = 3,
  LLMQ_PRIORITY_BATCH = 4
};
enum {
  LLMQ_OP_CHAT = 0,
  LLMQ_OP_EMBEDDINGS = 1,
  LLMQ_OP_MESSAGES = 2,
  LLMQ_OP_RESPONSES = 3,
  LLMQ_OP_CUSTOM = 4
};
enum {
  LLMQ_REQUEST_KEEP = 1,
  LLMQ_REQUEST_LATE_USAGE = 2
};
enum {
  LLMQ_REGISTER_SKIP_EXISTING = 1
};
enum {
  LLMQ_SHUTDOWN_DRAIN = 0,
  LLMQ_SHUTDOWN_CANCEL = 1,
  LLMQ_SHUTDOWN_ABORT = 2
};
enum {
  LLMQ_EV_DONE = 1,
  LLMQ_EV_CHUNK = 2,
  LLMQ_EV_READY = 3,
  LLMQ_EV_PERMIT = 4,
  LLMQ_EV_CANCEL_REQUESTED = 5,
  LLMQ_EV_CLOSED = 6
};
enum {
  LLMQ_CQ_FD_EVENTFD = 0,
  LLMQ_CQ_FD_PIPE = 1
};
enum {
  LLMQ_LOG_TRACE = 0,
  LLMQ_LOG_DEBUG = 1,
  LLMQ_LOG_INFO = 2,
  LLMQ_LOG_WARN = 3,
  LLMQ_LOG_ERROR = 4,
  LLMQ_LOG_OFF = 5
};
enum {
  LLMQ_FEATURE_HTTP = 1,
  LLMQ_FEATURE_MOCK = 2
};
enum {
  LLMQ_SIZEOF_REQUEST = 1,
  LLMQ_SIZEOF_USAGE = 2,
  LLMQ_SIZEOF_EVENT = 3,
  LLMQ_SIZEOF_STATS = 4
};
typedef struct llmq_usage {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t input_tokens;
  int64_t output_tokens;
  int64_t cached_input_tokens;
  int64_t cost_micros;
} llmq_usage_t;
typedef struct llmq_event {
  uint32_t stride;
  int32_t type;
  llmq_status_t status;
  uint32_t flags;
  llmq_request_id_t request_id;
  llmq_attempt_id_t attempt_id;
  uint64_t user_data;
  const void *data;
  uint64_t data_len;
  void *handle;
  int64_t queued_ns;
  int64_t run_ns;
  int64_t retry_after_ns;
  int64_t input_tokens;
  int64_t output_tokens;
  int64_t cached_input_tokens;
  int64_t cost_micros;
  uint32_t attempt;
  int32_t state;
} llmq_event_t;
typedef void (*llmq_event_fn)(void *user, const llmq_event_t *event);
typedef void (*llmq_user_free_fn)(void *user);
typedef void (*llmq_log_fn)(void *user, int32_t level, const char *text, size_t text_len);
typedef int64_t (*llmq_api_key_fn)(void *user, const char *model, size_t model_len, char *out, size_t cap);
typedef struct llmq_request {
  uint32_t struct_size;
  uint32_t flags;
  int32_t operation;
  int32_t priority;
  const char *model;
  size_t model_len;
  const char *tenant;
  size_t tenant_len;
  const void *payload;
  size_t payload_len;
  const char *request_key;
  size_t request_key_len;
  const char *dedup_key;
  size_t dedup_key_len;
  const void *metadata;
  size_t metadata_len;
  int64_t deadline_ns;
  int64_t timeout_ns;
  int64_t est_input_tokens;
  int64_t est_output_tokens;
  uint32_t max_attempts;
  uint32_t reserved0;
  uint64_t user_data;
  llmq_cq_t *cq;
  llmq_event_fn done_fn;
  void *done_user;
  uint64_t reserved[4];
} llmq_request_t;
typedef struct llmq_stats_t {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t submitted;
  uint64_t completed;
  uint64_t failed;
  uint64_t cancelled;
  uint64_t expired;
  uint64_t attempts;
  uint64_t retries;
  uint64_t rate_limited;
  uint64_t pending;
  uint64_t processing;
  uint64_t pending_bytes;
  uint64_t input_tokens;
  uint64_t output_tokens;
  uint64_t cached_input_tokens;
  uint64_t wakeups;
} llmq_stats_t;
LLMQ_API uint32_t llmq_version_num(void);
LLMQ_API const char *llmq_version_string(void);
LLMQ_API uint32_t llmq_abi_version(void);
LLMQ_API uint64_t llmq_features(void);
LLMQ_API const char *llmq_status_name(llmq_status_t status);
LLMQ_API const char *llmq_status_message(llmq_status_t status);
LLMQ_API int64_t llmq_now_ns(void);
LLMQ_API size_t llmq_sizeof(int32_t what);
LLMQ_API llmq_status_t llmq_error_code(const llmq_error_t *error);
LLMQ_API const char *llmq_error_message(const llmq_error_t *error);
LLMQ_API const char *llmq_error_key(const llmq_error_t *error);
LLMQ_API void llmq_error_free(llmq_error_t *error);
LLMQ_API void llmq_buf_free(char *buf);
LLMQ_API llmq_status_t llmq_conf_create(llmq_conf_t **conf);
LLMQ_API void llmq_conf_free(llmq_conf_t *conf);
LLMQ_API llmq_status_t llmq_conf_copy(const llmq_conf_t *conf, llmq_conf_t **copy);
LLMQ_API llmq_status_t llmq_conf_set(llmq_conf_t *conf, const char *key, const char *value,
                                     llmq_error_t **err);
LLMQ_API llmq_status_t llmq_conf_set_json(llmq_conf_t *conf, const char *json, size_t json_len,
                                          llmq_error_t **err);
LLMQ_API llmq_status_t llmq_conf_get(const llmq_conf_t *conf, const char *key, char **value,
                                     int32_t *is_default);
LLMQ_API llmq_status_t llmq_conf_key_at(size_t index, const char **key, const char **type,
                                        const char **def, const char **doc);
LLMQ_API llmq_status_t llmq_conf_validate(const llmq_conf_t *conf, llmq_error_t **err);
LLMQ_API llmq_status_t llmq_conf_models_json(const llmq_conf_t *conf, char **json);
LLMQ_API llmq_status_t llmq_conf_set_log(llmq_conf_t *conf, int32_t level, llmq_log_fn fn, void *user,
                                         llmq_user_free_fn user_free);
LLMQ_API llmq_status_t llmq_conf_set_api_key_fn(llmq_conf_t *conf, llmq_api_key_fn fn, void *user,
                                                llmq_user_free_fn user_free);
LLMQ_API llmq_status_t llmq_manager_create(const llmq_conf_t *conf, llmq_manager_t **manager,
                                           llmq_error_t **err);
LLMQ_API llmq_status_t llmq_manager_shared(const llmq_conf_t *conf, llmq_manager_t **manager,
                                           llmq_error_t **err);
LLMQ_API llmq_manager_t *llmq_manager_ref(llmq_manager_t *manager);
LLMQ_API void llmq_manager_unref(llmq_manager_t *manager);
LLMQ_API llmq_status_t llmq_manager_register_models(llmq_manager_t *manager, const llmq_conf_t *conf,
                                                    uint32_t flags, llmq_error_t **err);
LLMQ_API llmq_status_t llmq_manager_remove_model(llmq_manager_t *manager, const char *model,
                                                 size_t model_len, int32_t mode);
LLMQ_API llmq_status_t llmq_manager_models_json(llmq_manager_t *manager, char **json, size_t *len);
LLMQ_API llmq_status_t llmq_manager_info_json(llmq_manager_t *manager, const char *model,
                                              size_t model_len, char **json, size_t *len);
LLMQ_API llmq_status_t llmq_manager_shutdown(llmq_manager_t *manager, int32_t mode, int64_t deadline_ns,
                                             llmq_cq_t *cq, uint64_t user_data);
LLMQ_API llmq_status_t llmq_manager_destroy(llmq_manager_t *manager);
LLMQ_API llmq_status_t llmq_submit(llmq_manager_t *manager, const llmq_request_t *request,
                                   llmq_request_id_t *id);
LLMQ_API llmq_status_t llmq_submit_batch(llmq_manager_t *manager, const llmq_request_t *requests,
                                         size_t stride, size_t n, llmq_request_id_t *ids,
                                         size_t *accepted);
LLMQ_API llmq_status_t llmq_submit_wait(llmq_manager_t *manager, const llmq_request_t *request,
                                        int64_t timeout_ns, llmq_response_t **response);
LLMQ_API llmq_status_t llmq_request_check(llmq_manager_t *manager, const llmq_request_t *request,
                                          llmq_error_t **err);
LLMQ_API llmq_status_t llmq_cancel(llmq_manager_t *manager, llmq_request_id_t id);
LLMQ_API llmq_status_t llmq_request_state(llmq_manager_t *manager, llmq_request_id_t id, int32_t *state);
LLMQ_API llmq_status_t llmq_response_get(llmq_manager_t *manager, llmq_request_id_t id,
                                         llmq_response_t **response);
LLMQ_API llmq_status_t llmq_response_peek(llmq_manager_t *manager, llmq_request_id_t id,
                                          llmq_response_t **response);
LLMQ_API llmq_status_t llmq_usage_update(llmq_manager_t *manager, llmq_request_id_t id,
                                         const llmq_usage_t *usage);
LLMQ_API llmq_status_t llmq_model_set_processor(llmq_manager_t *manager, const char *model,
                                                size_t model_len, llmq_event_fn fn,
                                                llmq_event_fn cancel_fn, void *user,
                                                llmq_user_free_fn user_free);
LLMQ_API llmq_status_t llmq_attempt_succeed(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                            const void *data, size_t len, const llmq_usage_t *usage);
LLMQ_API llmq_status_t llmq_attempt_fail(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                         llmq_status_t status, const char *message, size_t len,
                                         int64_t retry_after_ns);
LLMQ_API llmq_status_t llmq_attempt_model(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                          const char **data, size_t *len);
LLMQ_API llmq_status_t llmq_attempt_tenant(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                           const char **data, size_t *len);
LLMQ_API llmq_status_t llmq_attempt_request_key(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                                const char **data, size_t *len);
LLMQ_API llmq_status_t llmq_attempt_metadata(llmq_manager_t *manager, llmq_attempt_id_t attempt,
                                             const void **data, size_t *len);
LLMQ_API llmq_status_t llmq_cq_create(llmq_cq_t **cq);
LLMQ_API llmq_cq_t *llmq_cq_ref(llmq_cq_t *cq);
LLMQ_API void llmq_cq_unref(llmq_cq_t *cq);
LLMQ_API size_t llmq_cq_drain(llmq_cq_t *cq, llmq_event_t *events, size_t max);
LLMQ_API llmq_status_t llmq_cq_wait(llmq_cq_t *cq, int64_t timeout_ns);
LLMQ_API llmq_status_t llmq_cq_wake(llmq_cq_t *cq);
LLMQ_API llmq_status_t llmq_cq_fd(llmq_cq_t *cq, int32_t kind, int32_t *fd);
LLMQ_API void llmq_events_release(llmq_event_t *events, size_t stride, size_t n);
LLMQ_API llmq_status_t llmq_event_take(llmq_event_t *event, llmq_response_t **response);
LLMQ_API llmq_status_t llmq_response_status(const llmq_response_t *response);
LLMQ_API int32_t llmq_response_state(const llmq_response_t *response);
LLMQ_API const void *llmq_response_data(const llmq_response_t *response, size_t *len);
LLMQ_API const char *llmq_response_error(const llmq_response_t *response, size_t *len);
LLMQ_API llmq_status_t llmq_response_usage(const llmq_response_t *response, llmq_usage_t *usage);
LLMQ_API llmq_status_t llmq_response_timings(const llmq_response_t *response, int64_t *submitted_ns,
                                             int64_t *started_ns, int64_t *finished_ns);
LLMQ_API uint32_t llmq_response_attempts(const llmq_response_t *response);
LLMQ_API llmq_request_id_t llmq_response_request_id(const llmq_response_t *response);
LLMQ_API int32_t llmq_response_http_status(const llmq_response_t *response);
LLMQ_API const char *llmq_response_provider_request_id(const llmq_response_t *response, size_t *len);
LLMQ_API const void *llmq_response_metadata(const llmq_response_t *response, size_t *len);
LLMQ_API const char *llmq_response_request_key(const llmq_response_t *response, size_t *len);
LLMQ_API void llmq_response_free(llmq_response_t *response);
LLMQ_API llmq_status_t llmq_stats(llmq_manager_t *manager, const char *model, size_t model_len,
                                  llmq_stats_t *stats);
LLMQ_API llmq_status_t llmq_stats_json(llmq_manager_t *manager, char **json, size_t *len);
#ifdef __cplusplus
}
#endif
#endif
