/* llmq.h, section Manager: the process's one shared manager. */
#include "helpers.h"

static const char* kOneModel = "{\"models\":[{\"name\":\"m\"}]}";

static void refuses_bad_arguments(void) {
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shared(NULL, NULL, &err));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_error_code(err));
  llmq_error_free(err);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_manager_shared(JUNK, &manager, NULL));
  CHECK(manager == NULL);
}

static void is_one_for_all(void) {
  llmq_manager_t* first = NULL;
  llmq_manager_t* second = NULL;
  llmq_manager_t* third = NULL;
  llmq_conf_t* conf = conf_of(kOneModel);
  CHECK_OK(llmq_manager_shared(conf, &first, NULL));
  CHECK_OK(llmq_manager_shared(NULL, &second, NULL));
  CHECK_OK(llmq_manager_shared(conf, &third, NULL));
  CHECK(first == second && first == third);
  llmq_conf_free(conf);

  conf = conf_of("{\"models\":[{\"name\":\"other\"}]}");
  llmq_manager_t* none = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_shared(conf, &none, &err));
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_error_code(err));
  CHECK(none == NULL);
  llmq_error_free(err);
  llmq_conf_free(conf);
  llmq_manager_unref(third);
  llmq_manager_unref(second);

  llmq_cq_t* cq = new_cq();
  echo_attempts(first, "m");
  expect_done(cq, submit_to_cq(first, "m", "x", cq), LLMQ_OK, LLMQ_STATE_COMPLETED);
  llmq_cq_unref(cq);
  llmq_manager_unref(first);
}

static void is_gone_with_its_last_reference(void) {
  llmq_manager_t* manager = NULL;
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"quite another\"}]}");
  CHECK_OK(llmq_manager_shared(conf, &manager, NULL)); /* made anew: nothing to differ from */
  llmq_conf_free(conf);
  char* json = NULL;
  CHECK_OK(llmq_manager_models_json(manager, &json, NULL));
  CHECK_TEXT("[\"quite another\"]", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void is_made_anew_after_its_shutdown(void) {
  llmq_manager_t* old = NULL;
  llmq_manager_t* fresh = NULL;
  llmq_conf_t* conf = conf_of(kOneModel);
  CHECK_OK(llmq_manager_shared(NULL, &old, NULL));
  close_manager(old);
  CHECK_OK(llmq_manager_shared(conf, &fresh, NULL));
  CHECK(fresh != old);
  llmq_manager_unref(old); /* the old one's end does not end the new one */
  llmq_manager_t* again = NULL;
  CHECK_OK(llmq_manager_shared(NULL, &again, NULL));
  CHECK(again == fresh);
  llmq_conf_free(conf);
  llmq_manager_unref(again);
  CHECK_OK(llmq_manager_destroy(fresh));
}

static void a_failed_creation_leaves_nothing_behind(void) {
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  llmq_conf_t* conf =
      conf_of("{\"models\":[{\"name\":\"m\",\"retry\":{\"base_ms\":9,\"cap_ms\":1}}]}");
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_shared(conf, &manager, &err));
  CHECK(manager == NULL);
  llmq_error_free(err);
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_shared(NULL, &manager, NULL));
  CHECK_OK(llmq_manager_destroy(manager));
}

static void* use_shared(void* unused) {
  (void)unused;
  for (int i = 0; i < 50; ++i) {
    llmq_manager_t* manager = NULL;
    CHECK_OK(llmq_manager_shared(NULL, &manager, NULL));
    llmq_manager_unref(manager);
  }
  return NULL;
}

static void threads_may_race_for_it(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i) CHECK_INT(0, pthread_create(&threads[i], NULL, use_shared, NULL));
  for (int i = 0; i < 4; ++i) CHECK_INT(0, pthread_join(threads[i], NULL));
}

int main(void) {
  RUN(refuses_bad_arguments);
  RUN(is_one_for_all);
  RUN(is_gone_with_its_last_reference);
  RUN(is_made_anew_after_its_shutdown);
  RUN(a_failed_creation_leaves_nothing_behind);
  RUN(threads_may_race_for_it);
  return 0;
}
