# frozen_string_literal: true

# Made from include/llmq/llmq.h by tools/bindings/generate.py: do not edit.

module LLMQ
  # The C API as ffi takes it.
  module Native # rubocop:disable Metrics/ModuleLength
    # Members of llmq_usage_t and their types, in order.
    USAGE_MEMBERS = {
      struct_size: :uint32,
      reserved: :uint32,
      input_tokens: :int64,
      output_tokens: :int64,
      cached_input_tokens: :int64,
      cost_micros: :int64,
      reasoning_tokens: :int64
    }.freeze
    # Bytes of llmq_usage_t with 64-bit pointers.
    USAGE_SIZE = 48
    # Where its members begin, in bytes.
    USAGE_OFFSETS = {
      struct_size: 0,
      reserved: 4,
      input_tokens: 8,
      output_tokens: 16,
      cached_input_tokens: 24,
      cost_micros: 32,
      reasoning_tokens: 40
    }.freeze

    # Members of llmq_event_t and their types, in order.
    EVENT_MEMBERS = {
      stride: :uint32,
      type: :int32,
      status: :int32,
      flags: :uint32,
      request_id: :uint64,
      attempt_id: :uint64,
      user_data: :uint64,
      data: :pointer,
      data_len: :uint64,
      handle: :pointer,
      queued_ns: :int64,
      run_ns: :int64,
      retry_after_ns: :int64,
      input_tokens: :int64,
      output_tokens: :int64,
      cached_input_tokens: :int64,
      cost_micros: :int64,
      attempt: :uint32,
      state: :int32,
      first_output_ns: :int64,
      reasoning_tokens: :int64
    }.freeze
    # Bytes of llmq_event_t with 64-bit pointers.
    EVENT_SIZE = 144
    # Where its members begin, in bytes.
    EVENT_OFFSETS = {
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
      reasoning_tokens: 136
    }.freeze

    # Members of llmq_outcome_t and their types, in order.
    OUTCOME_MEMBERS = {
      struct_size: :uint32,
      http_status: :int32,
      usage_known: :int32,
      has_history: :int32,
      error: :pointer,
      error_len: :uint64,
      provider_request_id: :pointer,
      provider_request_id_len: :uint64,
      deployment: :pointer,
      deployment_len: :uint64,
      fallback_model: :pointer,
      fallback_model_len: :uint64,
      request_key: :pointer,
      request_key_len: :uint64,
      metadata: :pointer,
      metadata_len: :uint64
    }.freeze
    # Bytes of llmq_outcome_t with 64-bit pointers.
    OUTCOME_SIZE = 112
    # Where its members begin, in bytes.
    OUTCOME_OFFSETS = {
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
      metadata_len: 104
    }.freeze

    # Members of llmq_request_t and their types, in order.
    REQUEST_MEMBERS = {
      struct_size: :uint32,
      flags: :uint32,
      operation: :int32,
      priority: :int32,
      model: :pointer,
      model_len: :size_t,
      tenant: :pointer,
      tenant_len: :size_t,
      payload: :pointer,
      payload_len: :size_t,
      request_key: :pointer,
      request_key_len: :size_t,
      dedup_key: :pointer,
      dedup_key_len: :size_t,
      metadata: :pointer,
      metadata_len: :size_t,
      deadline_ns: :int64,
      timeout_ns: :int64,
      est_input_tokens: :int64,
      est_output_tokens: :int64,
      max_attempts: :uint32,
      reserved0: :uint32,
      user_data: :uint64,
      cq: :pointer,
      done_fn: :pointer,
      done_user: :pointer,
      reserved: [:uint64, 4]
    }.freeze
    # Bytes of llmq_request_t with 64-bit pointers.
    REQUEST_SIZE = 216
    # Where its members begin, in bytes.
    REQUEST_OFFSETS = {
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
      reserved: 184
    }.freeze

    # Members of llmq_stats_t and their types, in order.
    STATS_MEMBERS = {
      struct_size: :uint32,
      reserved: :uint32,
      submitted: :uint64,
      completed: :uint64,
      failed: :uint64,
      cancelled: :uint64,
      expired: :uint64,
      attempts: :uint64,
      retries: :uint64,
      rate_limited: :uint64,
      pending: :uint64,
      processing: :uint64,
      pending_bytes: :uint64,
      input_tokens: :uint64,
      output_tokens: :uint64,
      cached_input_tokens: :uint64,
      wakeups: :uint64,
      reasoning_tokens: :uint64
    }.freeze
    # Bytes of llmq_stats_t with 64-bit pointers.
    STATS_SIZE = 136
    # Where its members begin, in bytes.
    STATS_OFFSETS = {
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
      reasoning_tokens: 128
    }.freeze

    # Members of llmq_wait_t and their types, in order.
    WAIT_MEMBERS = {
      struct_size: :uint32,
      reserved: :uint32,
      position: :uint64,
      p50_ns: :int64,
      p90_ns: :int64,
      blocked_by: [:char, 64]
    }.freeze
    # Bytes of llmq_wait_t with 64-bit pointers.
    WAIT_SIZE = 96
    # Where its members begin, in bytes.
    WAIT_OFFSETS = {
      struct_size: 0,
      reserved: 4,
      position: 8,
      p50_ns: 16,
      p90_ns: 24,
      blocked_by: 32
    }.freeze

    # Members of llmq_hook_t and their types, in order.
    HOOK_MEMBERS = {
      struct_size: :uint32,
      type: :uint32,
      request_id: :uint64,
      attempt_id: :uint64,
      user_data: :uint64,
      time_ns: :int64,
      model: :pointer,
      model_len: :uint64,
      deployment: :pointer,
      deployment_len: :uint64,
      tenant: :pointer,
      tenant_len: :uint64,
      limit: :pointer,
      limit_len: :uint64,
      attempt: :uint32,
      status: :int32,
      state: :int32,
      usage_known: :uint32,
      queued_ns: :int64,
      run_ns: :int64,
      delay_ns: :int64,
      input_tokens: :int64,
      output_tokens: :int64,
      cached_input_tokens: :int64,
      cost_micros: :int64,
      reasoning_tokens: :int64,
      old_value: :int64,
      new_value: :int64,
      until_ns: :int64,
      call_id: :uint64,
      lost: :uint64
    }.freeze
    # Bytes of llmq_hook_t with 64-bit pointers.
    HOOK_SIZE = 224
    # Where its members begin, in bytes.
    HOOK_OFFSETS = {
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
      lost: 216
    }.freeze

    # Name, parameters, result, and whether it may block: such a call must not hold the GVL.
    FUNCTIONS = [
      [:llmq_version_num, [], :uint32, false],
      [:llmq_version_string, [], :string, false],
      [:llmq_version_libraries, [], :string, false],
      [:llmq_abi_version, [], :uint32, false],
      [:llmq_features, [], :uint64, false],
      [:llmq_status_name, %i[int32], :string, false],
      [:llmq_status_message, %i[int32], :string, false],
      [:llmq_now_ns, [], :int64, false],
      [:llmq_sizeof, %i[int32], :size_t, false],
      [:llmq_error_code, %i[pointer], :int32, false],
      [:llmq_error_message, %i[pointer], :string, false],
      [:llmq_error_key, %i[pointer], :string, false],
      [:llmq_error_free, %i[pointer], :void, false],
      [:llmq_buf_free, %i[pointer], :void, false],
      [:llmq_conf_create, %i[pointer], :int32, false],
      [:llmq_conf_free, %i[pointer], :void, false],
      [:llmq_conf_copy, %i[pointer pointer], :int32, false],
      [:llmq_conf_set, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_set_json, %i[pointer pointer size_t pointer], :int32, false],
      [:llmq_conf_get, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_key_at, %i[size_t pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_presets_json, %i[pointer], :int32, false],
      [:llmq_conf_provider_at, %i[size_t pointer pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_validate, %i[pointer pointer], :int32, true],
      [:llmq_conf_models_json, %i[pointer pointer], :int32, false],
      [:llmq_conf_deployments_json, %i[pointer pointer size_t pointer], :int32, false],
      [:llmq_conf_pools_json, %i[pointer pointer], :int32, false],
      [:llmq_conf_tenants_json, %i[pointer pointer], :int32, false],
      [:llmq_conf_set_log, %i[pointer int32 pointer pointer pointer], :int32, false],
      [:llmq_conf_set_allocator, %i[pointer pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_set_api_key_fn, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_set_deployment_key_fn, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_conf_ask_for_keys, %i[pointer], :int32, false],
      [:llmq_manager_create, %i[pointer pointer pointer], :int32, true],
      [:llmq_manager_shared, %i[pointer pointer pointer], :int32, true],
      [:llmq_manager_ref, %i[pointer], :pointer, false],
      [:llmq_set_key_queue, %i[pointer pointer uint64], :int32, false],
      [:llmq_key_answer, %i[pointer uint64 pointer size_t pointer size_t], :int32, false],
      [:llmq_manager_unref, %i[pointer], :void, false],
      [:llmq_manager_register_models, %i[pointer pointer uint32 pointer], :int32, true],
      [:llmq_manager_remove_model, %i[pointer pointer size_t int32], :int32, false],
      [:llmq_manager_add_deployment, %i[pointer pointer size_t pointer size_t pointer pointer], :int32, true],
      [:llmq_manager_remove_deployment, %i[pointer pointer size_t pointer size_t int32 pointer], :int32, false],
      [:llmq_manager_set, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_manager_models_json, %i[pointer pointer pointer], :int32, false],
      [:llmq_manager_info_json, %i[pointer pointer size_t pointer pointer], :int32, true],
      [:llmq_manager_shutdown, %i[pointer int32 int64 pointer uint64], :int32, false],
      [:llmq_manager_destroy, %i[pointer], :int32, true],
      [:llmq_manager_fd, %i[pointer pointer], :int32, false],
      [:llmq_manager_timeout_ns, %i[pointer pointer], :int32, true],
      [:llmq_manager_process, %i[pointer], :int32, false],
      [:llmq_submit, %i[pointer pointer pointer], :int32, false],
      [:llmq_submit_batch, %i[pointer pointer size_t size_t pointer pointer], :int32, false],
      [:llmq_submit_wait, %i[pointer pointer int64 pointer], :int32, true],
      [:llmq_request_check, %i[pointer pointer pointer], :int32, false],
      [:llmq_request_estimate, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_request_wait_estimate, %i[pointer uint64 pointer], :int32, true],
      [:llmq_cancel, %i[pointer uint64], :int32, false],
      [:llmq_request_state, %i[pointer uint64 pointer], :int32, false],
      [:llmq_response_get, %i[pointer uint64 pointer], :int32, false],
      [:llmq_response_peek, %i[pointer uint64 pointer], :int32, false],
      [:llmq_usage_update, %i[pointer uint64 pointer], :int32, true],
      [:llmq_model_set_processor, %i[pointer pointer size_t pointer pointer pointer pointer], :int32, false],
      [:llmq_model_set_workers, %i[pointer pointer size_t pointer int64], :int32, false],
      [:llmq_attempt_heartbeat, %i[pointer uint64], :int32, false],
      [:llmq_acquire, %i[pointer pointer pointer], :int32, false],
      [:llmq_try_acquire, %i[pointer pointer pointer pointer], :int32, true],
      [:llmq_permit_release, %i[pointer uint64 pointer], :int32, false],
      [:llmq_attempt_chunk, %i[pointer uint64 pointer size_t], :int32, false],
      [:llmq_attempt_succeed, %i[pointer uint64 pointer size_t pointer], :int32, false],
      [:llmq_attempt_fail, %i[pointer uint64 int32 pointer size_t int64], :int32, false],
      [:llmq_report_limits, %i[pointer pointer size_t pointer pointer pointer pointer size_t], :int32, false],
      [:llmq_attempt_report_limits, %i[pointer uint64 pointer pointer pointer pointer size_t], :int32, false],
      [:llmq_attempt_model, %i[pointer uint64 pointer pointer], :int32, false],
      [:llmq_attempt_tenant, %i[pointer uint64 pointer pointer], :int32, false],
      [:llmq_attempt_request_key, %i[pointer uint64 pointer pointer], :int32, false],
      [:llmq_attempt_metadata, %i[pointer uint64 pointer pointer], :int32, false],
      [:llmq_attempt_deployment, %i[pointer uint64 pointer pointer], :int32, false],
      [:llmq_attempt_number, %i[pointer uint64 pointer], :int32, false],
      [:llmq_attempt_deadline_ns, %i[pointer uint64 pointer], :int32, true],
      [:llmq_cq_create, %i[pointer], :int32, false],
      [:llmq_cq_ref, %i[pointer], :pointer, false],
      [:llmq_cq_unref, %i[pointer], :void, false],
      [:llmq_cq_drain, %i[pointer pointer size_t], :size_t, false],
      [:llmq_cq_wait, %i[pointer int64], :int32, true],
      [:llmq_cq_wake, %i[pointer], :int32, false],
      [:llmq_cq_fd, %i[pointer int32 pointer], :int32, false],
      [:llmq_cq_set_wakeup, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_cq_dispatch, %i[pointer pointer pointer size_t], :size_t, false],
      [:llmq_events_release, %i[pointer size_t size_t], :void, false],
      [:llmq_event_outcome, %i[pointer pointer], :int32, false],
      [:llmq_event_take, %i[pointer pointer], :int32, false],
      [:llmq_response_status, %i[pointer], :int32, false],
      [:llmq_response_state, %i[pointer], :int32, false],
      [:llmq_response_data, %i[pointer pointer], :pointer, false],
      [:llmq_response_error, %i[pointer pointer], :string, false],
      [:llmq_response_usage, %i[pointer pointer], :int32, false],
      [:llmq_response_timings, %i[pointer pointer pointer pointer], :int32, false],
      [:llmq_response_first_output_ns, %i[pointer], :int64, false],
      [:llmq_response_flags, %i[pointer], :uint32, false],
      [:llmq_response_attempts, %i[pointer], :uint32, false],
      [:llmq_response_attempts_json, %i[pointer pointer pointer], :int32, false],
      [:llmq_response_request_id, %i[pointer], :uint64, false],
      [:llmq_response_http_status, %i[pointer], :int32, false],
      [:llmq_response_provider_request_id, %i[pointer pointer], :string, false],
      [:llmq_response_fallback_model, %i[pointer pointer], :string, false],
      [:llmq_response_deployment, %i[pointer pointer], :string, false],
      [:llmq_response_metadata, %i[pointer pointer], :pointer, false],
      [:llmq_response_request_key, %i[pointer pointer], :string, false],
      [:llmq_response_free, %i[pointer], :void, false],
      [:llmq_stats, %i[pointer pointer size_t pointer], :int32, false],
      [:llmq_stats_json, %i[pointer pointer pointer], :int32, false],
      [:llmq_set_hook, %i[pointer uint32 pointer pointer pointer], :int32, false],
      [:llmq_set_hook_queue, %i[pointer uint32 pointer uint64], :int32, false],
      [:llmq_plan_create, %i[pointer pointer pointer], :int32, false],
      [:llmq_plan_add_models, %i[pointer pointer pointer], :int32, false],
      [:llmq_plan_add, %i[pointer pointer pointer], :int32, false],
      [:llmq_plan_run, %i[pointer pointer pointer], :int32, false],
      [:llmq_plan_free, %i[pointer], :void, false],
      [:llmq_explain_json, %i[pointer size_t pointer size_t pointer pointer pointer], :int32, false],
      [:llmq_probe_json, %i[pointer pointer size_t uint32 pointer pointer pointer], :int32, true]
    ].freeze
  end
end
