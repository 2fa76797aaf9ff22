/* llmq.h, section Run: how many attempts run while the provider is overloaded. */
#include "helpers.h"

static void check_info(llmq_manager_t* manager, const char* expected) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  CHECK_HAS(expected, json);
  llmq_buf_free(json);
}

static void as_many_run_as_the_provider_takes(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"concurrency\":20,\"retry\":{\"base_ms\":3600000,\"cap_ms\":"
      "3600000}}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  for (int i = 0; i < 40; ++i) submit_to_cq(manager, "m", "x", cq);
  (void)nth_attempt(&held, 20);
  check_info(manager, "\"concurrency\":{\"configured\":20,\"effective\":20,\"overloads\":0}");
  for (int n = 1; n <= 15; ++n) {
    CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, n), LLMQ_ERR_OVERLOADED, NULL, 0, 0));
  }
  check_info(manager,
             "\"concurrency\":{\"configured\":20,\"effective\":5,\"why\":\"the provider was "
             "overloaded\",\"overloads\":15}");
  check_info(manager, "\"blocked_by\":\"concurrency, lowered for overload\"");
  for (int n = 16; n <= 20; ++n) { /* those that it took */
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  (void)nth_attempt(&held, 25);
  check_info(manager, "\"processing\":5");
  for (int n = 21; n <= 25; ++n) {
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  (void)nth_attempt(&held, 31);
  check_info(manager, "\"processing\":6");
  for (int n = 26; n <= 40; ++n) { /* what runs belongs to whoever runs it */
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void it_can_be_switched_off(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"concurrency\":20,\"adaptive_concurrency\":false}]}");
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  for (int i = 0; i < 40; ++i) submit_to_cq(manager, "m", "x", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_OVERLOADED, NULL, 0, 0));
  (void)nth_attempt(&held, 21);
  check_info(manager, "\"concurrency\":{\"configured\":20,\"effective\":20,\"overloads\":0}");
  for (int n = 2; n <= 41; ++n) { /* the first is tried again */
    CHECK_OK(llmq_attempt_succeed(manager, nth_attempt(&held, n), NULL, 0, NULL));
  }
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(void) {
  RUN(as_many_run_as_the_provider_takes);
  RUN(it_can_be_switched_off);
  return 0;
}
