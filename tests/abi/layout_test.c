/* The transparent structs as programs were compiled against them: members may be appended, none may
 * move. The table is what version 0.1 had on 64-bit platforms; do not edit it, add to it. */
#include <llmq/llmq.h>
#include <stddef.h>
#include <stdio.h>

#define MEMBER(type, member, offset)                                                             \
  do {                                                                                           \
    if (offsetof(type, member) != (offset)) {                                                    \
      (void)fprintf(stderr, #type "." #member " is at %zu, was at %d\n", offsetof(type, member), \
                    (offset));                                                                   \
      ++faults;                                                                                  \
    }                                                                                            \
  } while (0)

#define SIZE(type, what, least)                                                        \
  do {                                                                                 \
    if (sizeof(type) < (least) || llmq_sizeof(what) != sizeof(type)) {                 \
      (void)fprintf(stderr, #type " has %zu bytes, in the library %zu, at least %d\n", \
                    sizeof(type), llmq_sizeof(what), (least));                         \
      ++faults;                                                                        \
    }                                                                                  \
  } while (0)

int main(void) {
  int faults = 0;
  if (sizeof(void*) != 8 || sizeof(size_t) != 8) return 77;

  SIZE(llmq_usage_t, LLMQ_SIZEOF_USAGE, 48);
  MEMBER(llmq_usage_t, struct_size, 0);
  MEMBER(llmq_usage_t, input_tokens, 8);
  MEMBER(llmq_usage_t, output_tokens, 16);
  MEMBER(llmq_usage_t, cached_input_tokens, 24);
  MEMBER(llmq_usage_t, cost_micros, 32);
  MEMBER(llmq_usage_t, reasoning_tokens, 40);

  SIZE(llmq_event_t, LLMQ_SIZEOF_EVENT, 144);
  MEMBER(llmq_event_t, stride, 0);
  MEMBER(llmq_event_t, type, 4);
  MEMBER(llmq_event_t, status, 8);
  MEMBER(llmq_event_t, flags, 12);
  MEMBER(llmq_event_t, request_id, 16);
  MEMBER(llmq_event_t, attempt_id, 24);
  MEMBER(llmq_event_t, user_data, 32);
  MEMBER(llmq_event_t, data, 40);
  MEMBER(llmq_event_t, data_len, 48);
  MEMBER(llmq_event_t, handle, 56);
  MEMBER(llmq_event_t, queued_ns, 64);
  MEMBER(llmq_event_t, run_ns, 72);
  MEMBER(llmq_event_t, retry_after_ns, 80);
  MEMBER(llmq_event_t, input_tokens, 88);
  MEMBER(llmq_event_t, output_tokens, 96);
  MEMBER(llmq_event_t, cached_input_tokens, 104);
  MEMBER(llmq_event_t, cost_micros, 112);
  MEMBER(llmq_event_t, attempt, 120);
  MEMBER(llmq_event_t, state, 124);
  MEMBER(llmq_event_t, first_output_ns, 128);
  MEMBER(llmq_event_t, reasoning_tokens, 136);

  SIZE(llmq_request_t, LLMQ_SIZEOF_REQUEST, 216);
  MEMBER(llmq_request_t, struct_size, 0);
  MEMBER(llmq_request_t, flags, 4);
  MEMBER(llmq_request_t, operation, 8);
  MEMBER(llmq_request_t, priority, 12);
  MEMBER(llmq_request_t, model, 16);
  MEMBER(llmq_request_t, model_len, 24);
  MEMBER(llmq_request_t, tenant, 32);
  MEMBER(llmq_request_t, payload, 48);
  MEMBER(llmq_request_t, payload_len, 56);
  MEMBER(llmq_request_t, request_key, 64);
  MEMBER(llmq_request_t, dedup_key, 80);
  MEMBER(llmq_request_t, metadata, 96);
  MEMBER(llmq_request_t, deadline_ns, 112);
  MEMBER(llmq_request_t, timeout_ns, 120);
  MEMBER(llmq_request_t, est_input_tokens, 128);
  MEMBER(llmq_request_t, est_output_tokens, 136);
  MEMBER(llmq_request_t, max_attempts, 144);
  MEMBER(llmq_request_t, reserved0, 148);
  MEMBER(llmq_request_t, user_data, 152);
  MEMBER(llmq_request_t, cq, 160);
  MEMBER(llmq_request_t, done_fn, 168);
  MEMBER(llmq_request_t, done_user, 176);
  MEMBER(llmq_request_t, reserved, 184);

  SIZE(llmq_stats_t, LLMQ_SIZEOF_STATS, 136);
  MEMBER(llmq_stats_t, struct_size, 0);
  MEMBER(llmq_stats_t, submitted, 8);
  MEMBER(llmq_stats_t, completed, 16);
  MEMBER(llmq_stats_t, expired, 40);
  MEMBER(llmq_stats_t, attempts, 48);
  MEMBER(llmq_stats_t, pending, 72);
  MEMBER(llmq_stats_t, pending_bytes, 88);
  MEMBER(llmq_stats_t, wakeups, 120);
  MEMBER(llmq_stats_t, reasoning_tokens, 128);

  SIZE(llmq_wait_t, LLMQ_SIZEOF_WAIT, 96);
  MEMBER(llmq_wait_t, struct_size, 0);
  MEMBER(llmq_wait_t, position, 8);
  MEMBER(llmq_wait_t, p50_ns, 16);
  MEMBER(llmq_wait_t, p90_ns, 24);
  MEMBER(llmq_wait_t, blocked_by, 32);

  SIZE(llmq_hook_t, LLMQ_SIZEOF_HOOK, 224);
  MEMBER(llmq_hook_t, struct_size, 0);
  MEMBER(llmq_hook_t, type, 4);
  MEMBER(llmq_hook_t, request_id, 8);
  MEMBER(llmq_hook_t, attempt_id, 16);
  MEMBER(llmq_hook_t, user_data, 24);
  MEMBER(llmq_hook_t, time_ns, 32);
  MEMBER(llmq_hook_t, model, 40);
  MEMBER(llmq_hook_t, model_len, 48);
  MEMBER(llmq_hook_t, deployment, 56);
  MEMBER(llmq_hook_t, tenant, 72);
  MEMBER(llmq_hook_t, limit, 88);
  MEMBER(llmq_hook_t, limit_len, 96);
  MEMBER(llmq_hook_t, attempt, 104);
  MEMBER(llmq_hook_t, status, 108);
  MEMBER(llmq_hook_t, state, 112);
  MEMBER(llmq_hook_t, usage_known, 116);
  MEMBER(llmq_hook_t, queued_ns, 120);
  MEMBER(llmq_hook_t, run_ns, 128);
  MEMBER(llmq_hook_t, delay_ns, 136);
  MEMBER(llmq_hook_t, input_tokens, 144);
  MEMBER(llmq_hook_t, reasoning_tokens, 176);
  MEMBER(llmq_hook_t, old_value, 184);
  MEMBER(llmq_hook_t, new_value, 192);
  MEMBER(llmq_hook_t, until_ns, 200);
  MEMBER(llmq_hook_t, call_id, 208);
  MEMBER(llmq_hook_t, lost, 216);

  SIZE(llmq_outcome_t, LLMQ_SIZEOF_OUTCOME, 112);
  MEMBER(llmq_outcome_t, struct_size, 0);
  MEMBER(llmq_outcome_t, http_status, 4);
  MEMBER(llmq_outcome_t, usage_known, 8);
  MEMBER(llmq_outcome_t, has_history, 12);
  MEMBER(llmq_outcome_t, error, 16);
  MEMBER(llmq_outcome_t, provider_request_id, 32);
  MEMBER(llmq_outcome_t, deployment, 48);
  MEMBER(llmq_outcome_t, fallback_model, 64);
  MEMBER(llmq_outcome_t, request_key, 80);
  MEMBER(llmq_outcome_t, metadata, 96);
  MEMBER(llmq_outcome_t, metadata_len, 104);

  /* Numbers that programs have compiled in. */
  if (LLMQ_ERR_INVALID_ARG != -1 || LLMQ_ERR_CANCELLED != -8 || LLMQ_ERR_STALE != -16 ||
      LLMQ_ERR_RATE_LIMITED != -19 || LLMQ_ERR_UNKNOWN != -33 || LLMQ_STATE_EXPIRED != 6 ||
      LLMQ_EV_CLOSED != 6 || LLMQ_OP_CUSTOM != 4 || LLMQ_SHUTDOWN_ABORT != 2 ||
      LLMQ_HOOK_COMPLETED != 256 || LLMQ_EV_HOOK != 7 || LLMQ_EV_HOOK_ENDED != 8 ||
      LLMQ_EV_KEY != 9 || LLMQ_BREAKER_HALF_OPEN != 2) {
    (void)fprintf(stderr, "a constant has been renumbered\n");
    ++faults;
  }
  return faults == 0 ? 0 : 1;
}
