/* clang-format off */
/* Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit. */

/* X(result, name, (parameters), (arguments)) for every function of the library. */
#define LLMQ_FUNCTIONS(X) \
  X(uint32_t, llmq_version_num, (void), ()) \
  X(const char*, llmq_version_string, (void), ()) \
  X(const char*, llmq_version_libraries, (void), ()) \
  X(uint32_t, llmq_abi_version, (void), ()) \
  X(uint64_t, llmq_features, (void), ()) \
  X(const char*, llmq_status_name, (llmq_status_t status), (status)) \
  X(const char*, llmq_status_message, (llmq_status_t status), (status)) \
  X(int64_t, llmq_now_ns, (void), ()) \
  X(size_t, llmq_sizeof, (int32_t what), (what)) \
  X(llmq_status_t, llmq_error_code, (const llmq_error_t *error), (error)) \
  X(const char*, llmq_error_message, (const llmq_error_t *error), (error)) \
  X(const char*, llmq_error_key, (const llmq_error_t *error), (error)) \
  X(void, llmq_error_free, (llmq_error_t *error), (error)) \
  X(void, llmq_buf_free, (char *buf), (buf)) \
  X(llmq_status_t, llmq_conf_create, (llmq_conf_t **conf), (conf)) \
  X(void, llmq_conf_free, (llmq_conf_t *conf), (conf)) \
  X(llmq_status_t, llmq_conf_copy, (const llmq_conf_t *conf, llmq_conf_t **copy), (conf, copy)) \
  X(llmq_status_t, llmq_conf_set, (llmq_conf_t *conf, const char *key, const char *value, llmq_error_t **err), (conf, key, value, err)) \
  X(llmq_status_t, llmq_conf_set_json, (llmq_conf_t *conf, const char *json, size_t json_len, llmq_error_t **err), (conf, json, json_len, err)) \
  X(llmq_status_t, llmq_conf_get, (const llmq_conf_t *conf, const char *key, char **value, int32_t *is_default), (conf, key, value, is_default)) \
  X(llmq_status_t, llmq_conf_key_at, (size_t index, const char **key, const char **type, const char **def, const char **doc), (index, key, type, def, doc)) \
  X(llmq_status_t, llmq_conf_presets_json, (char **json), (json)) \
  X(llmq_status_t, llmq_conf_provider_at, (size_t index, const char **name, const char **base_url, const char **key_variable, const char **charge, const char **api_version), (index, name, base_url, key_variable, charge, api_version)) \
  X(llmq_status_t, llmq_conf_validate, (const llmq_conf_t *conf, llmq_error_t **err), (conf, err)) \
  X(llmq_status_t, llmq_conf_models_json, (const llmq_conf_t *conf, char **json), (conf, json)) \
  X(llmq_status_t, llmq_conf_deployments_json, (const llmq_conf_t *conf, const char *model, size_t model_len, char **json), (conf, model, model_len, json)) \
  X(llmq_status_t, llmq_conf_pools_json, (const llmq_conf_t *conf, char **json), (conf, json)) \
  X(llmq_status_t, llmq_conf_tenants_json, (const llmq_conf_t *conf, char **json), (conf, json)) \
  X(llmq_status_t, llmq_conf_set_log, (llmq_conf_t *conf, int32_t level, llmq_log_fn fn, void *user, llmq_user_free_fn user_free), (conf, level, fn, user, user_free)) \
  X(llmq_status_t, llmq_conf_set_allocator, (llmq_conf_t *conf, llmq_alloc_fn alloc, llmq_dealloc_fn dealloc, void *user, llmq_user_free_fn user_free), (conf, alloc, dealloc, user, user_free)) \
  X(llmq_status_t, llmq_conf_set_api_key_fn, (llmq_conf_t *conf, llmq_api_key_fn fn, void *user, llmq_user_free_fn user_free), (conf, fn, user, user_free)) \
  X(llmq_status_t, llmq_conf_set_deployment_key_fn, (llmq_conf_t *conf, llmq_deployment_key_fn fn, void *user, llmq_user_free_fn user_free), (conf, fn, user, user_free)) \
  X(llmq_status_t, llmq_conf_ask_for_keys, (llmq_conf_t *conf), (conf)) \
  X(llmq_status_t, llmq_manager_create, (const llmq_conf_t *conf, llmq_manager_t **manager, llmq_error_t **err), (conf, manager, err)) \
  X(llmq_status_t, llmq_manager_shared, (const llmq_conf_t *conf, llmq_manager_t **manager, llmq_error_t **err), (conf, manager, err)) \
  X(llmq_manager_t*, llmq_manager_ref, (llmq_manager_t *manager), (manager)) \
  X(llmq_status_t, llmq_set_key_queue, (llmq_manager_t *manager, llmq_cq_t *cq, uint64_t user_data), (manager, cq, user_data)) \
  X(llmq_status_t, llmq_key_answer, (llmq_manager_t *manager, uint64_t question, const char *key, size_t key_len, const char *error, size_t error_len), (manager, question, key, key_len, error, error_len)) \
  X(void, llmq_manager_unref, (llmq_manager_t *manager), (manager)) \
  X(llmq_status_t, llmq_manager_register_models, (llmq_manager_t *manager, const llmq_conf_t *conf, uint32_t flags, llmq_error_t **err), (manager, conf, flags, err)) \
  X(llmq_status_t, llmq_manager_remove_model, (llmq_manager_t *manager, const char *model, size_t model_len, int32_t mode), (manager, model, model_len, mode)) \
  X(llmq_status_t, llmq_manager_add_deployment, (llmq_manager_t *manager, const char *model, size_t model_len, const char *name, size_t name_len, const llmq_conf_t *conf, llmq_error_t **err), (manager, model, model_len, name, name_len, conf, err)) \
  X(llmq_status_t, llmq_manager_remove_deployment, (llmq_manager_t *manager, const char *model, size_t model_len, const char *name, size_t name_len, int32_t mode, llmq_error_t **err), (manager, model, model_len, name, name_len, mode, err)) \
  X(llmq_status_t, llmq_manager_set, (llmq_manager_t *manager, const char *key, const char *value, llmq_error_t **err), (manager, key, value, err)) \
  X(llmq_status_t, llmq_manager_models_json, (llmq_manager_t *manager, char **json, size_t *len), (manager, json, len)) \
  X(llmq_status_t, llmq_manager_info_json, (llmq_manager_t *manager, const char *model, size_t model_len, char **json, size_t *len), (manager, model, model_len, json, len)) \
  X(llmq_status_t, llmq_manager_shutdown, (llmq_manager_t *manager, int32_t mode, int64_t deadline_ns, llmq_cq_t *cq, uint64_t user_data), (manager, mode, deadline_ns, cq, user_data)) \
  X(llmq_status_t, llmq_manager_destroy, (llmq_manager_t *manager), (manager)) \
  X(llmq_status_t, llmq_manager_fd, (llmq_manager_t *manager, int32_t *fd), (manager, fd)) \
  X(llmq_status_t, llmq_manager_timeout_ns, (llmq_manager_t *manager, int64_t *timeout_ns), (manager, timeout_ns)) \
  X(llmq_status_t, llmq_manager_process, (llmq_manager_t *manager), (manager)) \
  X(llmq_status_t, llmq_submit, (llmq_manager_t *manager, const llmq_request_t *request, llmq_request_id_t *id), (manager, request, id)) \
  X(llmq_status_t, llmq_submit_batch, (llmq_manager_t *manager, const llmq_request_t *requests, size_t stride, size_t n, llmq_request_id_t *ids, size_t *accepted), (manager, requests, stride, n, ids, accepted)) \
  X(llmq_status_t, llmq_submit_wait, (llmq_manager_t *manager, const llmq_request_t *request, int64_t timeout_ns, llmq_response_t **response), (manager, request, timeout_ns, response)) \
  X(llmq_status_t, llmq_request_check, (llmq_manager_t *manager, const llmq_request_t *request, llmq_error_t **err), (manager, request, err)) \
  X(llmq_status_t, llmq_request_estimate, (llmq_manager_t *manager, const llmq_request_t *request, llmq_usage_t *usage, llmq_error_t **err), (manager, request, usage, err)) \
  X(llmq_status_t, llmq_request_wait_estimate, (llmq_manager_t *manager, llmq_request_id_t id, llmq_wait_t *wait), (manager, id, wait)) \
  X(llmq_status_t, llmq_cancel, (llmq_manager_t *manager, llmq_request_id_t id), (manager, id)) \
  X(llmq_status_t, llmq_request_state, (llmq_manager_t *manager, llmq_request_id_t id, int32_t *state), (manager, id, state)) \
  X(llmq_status_t, llmq_response_get, (llmq_manager_t *manager, llmq_request_id_t id, llmq_response_t **response), (manager, id, response)) \
  X(llmq_status_t, llmq_response_peek, (llmq_manager_t *manager, llmq_request_id_t id, llmq_response_t **response), (manager, id, response)) \
  X(llmq_status_t, llmq_usage_update, (llmq_manager_t *manager, llmq_request_id_t id, const llmq_usage_t *usage), (manager, id, usage)) \
  X(llmq_status_t, llmq_model_set_processor, (llmq_manager_t *manager, const char *model, size_t model_len, llmq_event_fn fn, llmq_event_fn cancel_fn, void *user, llmq_user_free_fn user_free), (manager, model, model_len, fn, cancel_fn, user, user_free)) \
  X(llmq_status_t, llmq_model_set_workers, (llmq_manager_t *manager, const char *model, size_t model_len, llmq_cq_t *cq, int64_t lease_ns), (manager, model, model_len, cq, lease_ns)) \
  X(llmq_status_t, llmq_attempt_heartbeat, (llmq_manager_t *manager, llmq_attempt_id_t attempt), (manager, attempt)) \
  X(llmq_status_t, llmq_acquire, (llmq_manager_t *manager, const llmq_request_t *request, llmq_request_id_t *id), (manager, request, id)) \
  X(llmq_status_t, llmq_try_acquire, (llmq_manager_t *manager, const llmq_request_t *request, llmq_attempt_id_t *attempt, int64_t *wait_ns), (manager, request, attempt, wait_ns)) \
  X(llmq_status_t, llmq_permit_release, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const llmq_usage_t *usage), (manager, attempt, usage)) \
  X(llmq_status_t, llmq_attempt_chunk, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const void *data, size_t len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_succeed, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const void *data, size_t len, const llmq_usage_t *usage), (manager, attempt, data, len, usage)) \
  X(llmq_status_t, llmq_attempt_fail, (llmq_manager_t *manager, llmq_attempt_id_t attempt, llmq_status_t status, const char *message, size_t len, int64_t retry_after_ns), (manager, attempt, status, message, len, retry_after_ns)) \
  X(llmq_status_t, llmq_report_limits, (llmq_manager_t *manager, const char *model, size_t model_len, const char*const *names, const size_t *name_lens, const char*const *values, const size_t *value_lens, size_t count), (manager, model, model_len, names, name_lens, values, value_lens, count)) \
  X(llmq_status_t, llmq_attempt_report_limits, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const char*const *names, const size_t *name_lens, const char*const *values, const size_t *value_lens, size_t count), (manager, attempt, names, name_lens, values, value_lens, count)) \
  X(llmq_status_t, llmq_attempt_model, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const char **data, size_t *len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_tenant, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const char **data, size_t *len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_request_key, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const char **data, size_t *len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_metadata, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const void **data, size_t *len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_deployment, (llmq_manager_t *manager, llmq_attempt_id_t attempt, const char **data, size_t *len), (manager, attempt, data, len)) \
  X(llmq_status_t, llmq_attempt_number, (llmq_manager_t *manager, llmq_attempt_id_t attempt, uint32_t *number), (manager, attempt, number)) \
  X(llmq_status_t, llmq_attempt_deadline_ns, (llmq_manager_t *manager, llmq_attempt_id_t attempt, int64_t *deadline_ns), (manager, attempt, deadline_ns)) \
  X(llmq_status_t, llmq_cq_create, (llmq_cq_t **cq), (cq)) \
  X(llmq_cq_t*, llmq_cq_ref, (llmq_cq_t *cq), (cq)) \
  X(void, llmq_cq_unref, (llmq_cq_t *cq), (cq)) \
  X(size_t, llmq_cq_drain, (llmq_cq_t *cq, llmq_event_t *events, size_t max), (cq, events, max)) \
  X(llmq_status_t, llmq_cq_wait, (llmq_cq_t *cq, int64_t timeout_ns), (cq, timeout_ns)) \
  X(llmq_status_t, llmq_cq_wake, (llmq_cq_t *cq), (cq)) \
  X(llmq_status_t, llmq_cq_fd, (llmq_cq_t *cq, int32_t kind, int32_t *fd), (cq, kind, fd)) \
  X(llmq_status_t, llmq_cq_set_wakeup, (llmq_cq_t *cq, llmq_wakeup_fn fn, void *user, llmq_user_free_fn user_free), (cq, fn, user, user_free)) \
  X(size_t, llmq_cq_dispatch, (llmq_cq_t *cq, llmq_event_fn fn, void *user, size_t max), (cq, fn, user, max)) \
  X(void, llmq_events_release, (llmq_event_t *events, size_t stride, size_t n), (events, stride, n)) \
  X(llmq_status_t, llmq_event_outcome, (const llmq_event_t *event, llmq_outcome_t *outcome), (event, outcome)) \
  X(llmq_status_t, llmq_event_take, (llmq_event_t *event, llmq_response_t **response), (event, response)) \
  X(llmq_status_t, llmq_response_status, (const llmq_response_t *response), (response)) \
  X(int32_t, llmq_response_state, (const llmq_response_t *response), (response)) \
  X(const void*, llmq_response_data, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(const char*, llmq_response_error, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(llmq_status_t, llmq_response_usage, (const llmq_response_t *response, llmq_usage_t *usage), (response, usage)) \
  X(llmq_status_t, llmq_response_timings, (const llmq_response_t *response, int64_t *submitted_ns, int64_t *started_ns, int64_t *finished_ns), (response, submitted_ns, started_ns, finished_ns)) \
  X(int64_t, llmq_response_first_output_ns, (const llmq_response_t *response), (response)) \
  X(uint32_t, llmq_response_flags, (const llmq_response_t *response), (response)) \
  X(uint32_t, llmq_response_attempts, (const llmq_response_t *response), (response)) \
  X(llmq_status_t, llmq_response_attempts_json, (const llmq_response_t *response, char **json, size_t *len), (response, json, len)) \
  X(llmq_request_id_t, llmq_response_request_id, (const llmq_response_t *response), (response)) \
  X(int32_t, llmq_response_http_status, (const llmq_response_t *response), (response)) \
  X(const char*, llmq_response_provider_request_id, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(const char*, llmq_response_fallback_model, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(const char*, llmq_response_deployment, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(const void*, llmq_response_metadata, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(const char*, llmq_response_request_key, (const llmq_response_t *response, size_t *len), (response, len)) \
  X(void, llmq_response_free, (llmq_response_t *response), (response)) \
  X(llmq_status_t, llmq_stats, (llmq_manager_t *manager, const char *model, size_t model_len, llmq_stats_t *stats), (manager, model, model_len, stats)) \
  X(llmq_status_t, llmq_stats_json, (llmq_manager_t *manager, char **json, size_t *len), (manager, json, len)) \
  X(llmq_status_t, llmq_set_hook, (llmq_manager_t *manager, uint32_t mask, llmq_hook_fn fn, void *user, llmq_user_free_fn user_free), (manager, mask, fn, user, user_free)) \
  X(llmq_status_t, llmq_set_hook_queue, (llmq_manager_t *manager, uint32_t mask, llmq_cq_t *cq, uint64_t user_data), (manager, mask, cq, user_data)) \
  X(llmq_status_t, llmq_plan_create, (const llmq_conf_t *conf, llmq_plan_t **plan, llmq_error_t **err), (conf, plan, err)) \
  X(llmq_status_t, llmq_plan_add_models, (llmq_plan_t *plan, const llmq_conf_t *conf, llmq_error_t **err), (plan, conf, err)) \
  X(llmq_status_t, llmq_plan_add, (llmq_plan_t *plan, const llmq_request_t *request, llmq_error_t **err), (plan, request, err)) \
  X(llmq_status_t, llmq_plan_run, (llmq_plan_t *plan, char **json, size_t *len), (plan, json, len)) \
  X(void, llmq_plan_free, (llmq_plan_t *plan), (plan)) \
  X(llmq_status_t, llmq_explain_json, (const char *provider, size_t provider_len, const char *record, size_t record_len, char **json, size_t *len, llmq_error_t **err), (provider, provider_len, record, record_len, json, len, err)) \
  X(llmq_status_t, llmq_probe_json, (const llmq_conf_t *conf, const char *model, size_t model_len, uint32_t flags, char **json, size_t *len, llmq_error_t **err), (conf, model, model_len, flags, json, len, err))
