/* The functions of libllmq, found with dlopen when the addon is told where the library is.
 *
 * The addon does not link the library: inside Node, symbols of libcurl and libuv would otherwise
 * bind to the copies of OpenSSL, nghttp2, zlib and libuv that Node itself exports. */
#ifndef LLMQ_NODE_LIBRARY_H_
#define LLMQ_NODE_LIBRARY_H_

#include <llmq/llmq.h>
#include <stddef.h>

#define LLMQ_NODE_FUNCTIONS(X)         \
  X(llmq_abi_version)                  \
  X(llmq_acquire)                      \
  X(llmq_attempt_chunk)                \
  X(llmq_attempt_deployment)           \
  X(llmq_attempt_fail)                 \
  X(llmq_attempt_heartbeat)            \
  X(llmq_attempt_metadata)             \
  X(llmq_attempt_model)                \
  X(llmq_attempt_request_key)          \
  X(llmq_attempt_succeed)              \
  X(llmq_attempt_tenant)               \
  X(llmq_buf_free)                     \
  X(llmq_cancel)                       \
  X(llmq_conf_ask_for_keys)            \
  X(llmq_conf_create)                  \
  X(llmq_conf_free)                    \
  X(llmq_conf_set_json)                \
  X(llmq_conf_set_log)                 \
  X(llmq_cq_create)                    \
  X(llmq_cq_drain)                     \
  X(llmq_cq_fd)                        \
  X(llmq_cq_unref)                     \
  X(llmq_error_free)                   \
  X(llmq_error_key)                    \
  X(llmq_error_message)                \
  X(llmq_event_outcome)                \
  X(llmq_event_take)                   \
  X(llmq_events_release)               \
  X(llmq_explain_json)                 \
  X(llmq_key_answer)                   \
  X(llmq_manager_add_deployment)       \
  X(llmq_manager_create)               \
  X(llmq_manager_destroy)              \
  X(llmq_manager_info_json)            \
  X(llmq_manager_models_json)          \
  X(llmq_manager_register_models)      \
  X(llmq_manager_remove_deployment)    \
  X(llmq_manager_remove_model)         \
  X(llmq_manager_set)                  \
  X(llmq_manager_shared)               \
  X(llmq_manager_shutdown)             \
  X(llmq_manager_unref)                \
  X(llmq_model_set_workers)            \
  X(llmq_now_ns)                       \
  X(llmq_permit_release)               \
  X(llmq_report_limits)                \
  X(llmq_attempt_report_limits)        \
  X(llmq_request_check)                \
  X(llmq_request_estimate)             \
  X(llmq_request_state)                \
  X(llmq_request_wait_estimate)        \
  X(llmq_response_attempts)            \
  X(llmq_response_attempts_json)       \
  X(llmq_response_data)                \
  X(llmq_response_deployment)          \
  X(llmq_response_error)               \
  X(llmq_response_fallback_model)      \
  X(llmq_response_first_output_ns)     \
  X(llmq_response_flags)               \
  X(llmq_response_free)                \
  X(llmq_response_get)                 \
  X(llmq_response_http_status)         \
  X(llmq_response_metadata)            \
  X(llmq_response_provider_request_id) \
  X(llmq_response_request_id)          \
  X(llmq_response_request_key)         \
  X(llmq_response_state)               \
  X(llmq_response_status)              \
  X(llmq_response_timings)             \
  X(llmq_response_usage)               \
  X(llmq_sizeof)                       \
  X(llmq_stats_json)                   \
  X(llmq_status_message)               \
  X(llmq_status_name)                  \
  X(llmq_set_hook)                     \
  X(llmq_set_key_queue)                \
  X(llmq_submit_batch)                 \
  X(llmq_try_acquire)                  \
  X(llmq_usage_update)                 \
  X(llmq_version_string)

struct library {
#define MEMBER(name) __typeof__(name)* name;
  LLMQ_NODE_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* Filled by library_load, once per process and before anything else is called. */
extern struct library lib;

/* Loads the library and checks its version and the layout of its structs. A library that is loaded
 * stays; loading the same file again succeeds. On failure writes why into `error` and returns -1.
 */
int library_load(const char* path, char* error, size_t error_size);

#endif /* LLMQ_NODE_LIBRARY_H_ */
