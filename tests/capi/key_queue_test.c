/* llmq.h, section Manager: keys that are asked for through a completion queue. What becomes of
 * calls that are sent: tests/integration/key_queue_test.cc. */
#include "helpers.h"

static llmq_manager_t* asking_manager(void) {
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"openai\",\"base_url\":\"http://127.0.0.1:9\","
      "\"deployments\":[{\"name\":\"east\"}]}]}");
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_conf_ask_for_keys(conf));
  CHECK_OK(llmq_conf_validate(conf, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  return manager;
}

/* The next question, which must be of the request. */
static uint64_t next_question(llmq_cq_t* cq, llmq_request_id_t id, uint64_t user_data) {
  llmq_event_t event = next_event(cq);
  CHECK_INT(LLMQ_EV_KEY, event.type);
  CHECK(event.request_id == id);
  CHECK_INT(user_data, event.user_data);
  CHECK_INT(6, event.data_len);
  CHECK(memcmp(event.data, "m\0east", 6) == 0);
  CHECK(event.handle != NULL);
  const uint64_t question = event.attempt_id;
  llmq_events_release(&event, sizeof event, 1);
  CHECK(event.data == NULL && event.handle == NULL);
  return question;
}

static void without_a_key_the_request_ends(void) {
  llmq_manager_t* manager = asking_manager();
  llmq_cq_t* cq = new_cq();
  CHECK_OK(llmq_set_key_queue(manager, cq, 9));
  const llmq_request_id_t id = submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  const uint64_t question = next_question(cq, id, 9);
  CHECK_OK(llmq_key_answer(manager, question, NULL, 0, NULL, 0));
  expect_done(cq, id, LLMQ_ERR_AUTH, LLMQ_STATE_FAILED);
  CHECK_OK(llmq_key_answer(manager, question, "late", 4, NULL, 0)); /* counts for nothing */
  check_no_event(cq);
  CHECK_OK(llmq_manager_destroy(manager));
  check_no_event(cq);
  llmq_cq_unref(cq);
}

static void another_queue_takes_its_place(void) {
  llmq_manager_t* manager = asking_manager();
  llmq_cq_t* first = new_cq();
  llmq_cq_t* second = new_cq();
  CHECK_OK(llmq_set_key_queue(manager, first, 1));
  CHECK_OK(llmq_set_key_queue(manager, second, 2));
  llmq_cq_unref(first);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "{\"messages\":[]}", second);
  const uint64_t question = next_question(second, id, 2);
  CHECK_OK(llmq_cancel(manager, id));
  expect_done(second, id, LLMQ_ERR_CANCELLED, LLMQ_STATE_CANCELLED);
  CHECK_OK(llmq_key_answer(manager, question, "k", 1, NULL, 0));
  CHECK_OK(llmq_set_key_queue(manager, NULL, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(second);
}

static void a_manager_that_ends_asks_no_more(void) {
  llmq_manager_t* manager = asking_manager();
  llmq_cq_t* cq = new_cq();
  const llmq_request_id_t id = submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  CHECK_OK(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, cq, 5));
  expect_done(cq, id, LLMQ_ERR_CLOSING, LLMQ_STATE_CANCELLED);
  llmq_event_t closed = next_event(cq);
  CHECK_INT(LLMQ_EV_CLOSED, closed.type);
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_set_key_queue(manager, cq, 0));
  CHECK_STATUS(LLMQ_ERR_CLOSED, llmq_key_answer(manager, 1, "k", 1, NULL, 0));
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

static void wrong_arguments_are_refused(void) {
  llmq_manager_t* manager = plain_manager();
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_ask_for_keys(NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_ask_for_keys(JUNK));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_key_queue(NULL, NULL, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_set_key_queue(manager, JUNK, 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_key_answer(JUNK, 1, "", 0, "", 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_key_answer(manager, 1, NULL, 1, "", 0));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_key_answer(manager, 1, "", 0, NULL, 1));
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(without_a_key_the_request_ends);
  RUN(another_queue_takes_its_place);
  RUN(a_manager_that_ends_asks_no_more);
  RUN(wrong_arguments_are_refused);
  return 0;
}
