/* llmq.h, several deployments of one model: where calls go, what bounds them, how they come and go.
 */
#include "helpers.h"

#define FAST "\"mock\":{\"latency_ms\":1}"

/* Takes the next end; the name of its deployment goes to `name`, of 16 bytes. */
static llmq_status_t next_at(llmq_cq_t* cq, char* name, uint32_t* attempts) {
  llmq_event_t event = next_event(cq);
  llmq_response_t* response = NULL;
  CHECK(event.type == LLMQ_EV_DONE);
  CHECK_OK(llmq_event_take(&event, &response));
  size_t len = 0;
  const char* deployment = llmq_response_deployment(response, &len);
  CHECK(len < 16 && strlen(deployment) == len);
  memcpy(name, deployment, len + 1);
  if (attempts != NULL) *attempts = llmq_response_attempts(response);
  const llmq_status_t status = llmq_response_status(response);
  llmq_response_free(response);
  return status;
}

/* What the state of model m says. */
static int info_has(llmq_manager_t* manager, const char* text) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, "m", 1, &json, NULL));
  const int found = strstr(json, text) != NULL;
  if (!found) fprintf(stderr, "no %s in %s\n", text, json);
  llmq_buf_free(json);
  return found;
}

static void expect_error(llmq_status_t code, const char* words, llmq_status_t got,
                         llmq_error_t* err) {
  CHECK_STATUS(code, got);
  CHECK_STATUS(code, llmq_error_code(err));
  if (strstr(llmq_error_message(err), words) == NULL) {
    fprintf(stderr, "no \"%s\" in: %s\n", words, llmq_error_message(err));
    CHECK(0);
  }
  llmq_error_free(err);
}

static llmq_status_t add(llmq_manager_t* manager, const char* name, const llmq_conf_t* conf,
                         llmq_error_t** err) {
  return llmq_manager_add_deployment(manager, "m", 1, name, strlen(name), conf, err);
}

static llmq_status_t removed(llmq_manager_t* manager, const char* name, int32_t mode,
                             llmq_error_t** err) {
  return llmq_manager_remove_deployment(manager, "m", 1, name, strlen(name), mode, err);
}

static void each_takes_what_its_limits_let(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"provider\":\"mock\"," FAST
                 ",\"deployments\":[{\"name\":\"a\",\"rpm\":3},{\"name\":\"b\",\"rpm\":5}]}]}");
  llmq_cq_t* cq = new_cq();
  int at_a = 0;
  int at_b = 0;
  for (int i = 0; i < 8; ++i) submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  for (int i = 0; i < 8; ++i) {
    char name[16];
    CHECK_OK(next_at(cq, name, NULL));
    at_a += strcmp(name, "a") == 0;
    at_b += strcmp(name, "b") == 0;
  }
  CHECK(at_a == 3);
  CHECK(at_b == 5);
  CHECK(info_has(manager, "\"deployments\":[{\"name\":\"a\",\"state\":\"ready\""));
  llmq_cq_unref(cq);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void limits_of_the_model_bound_all_together(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"rpm\":4," FAST
                 ",\"deployments\":[{\"name\":\"a\"},{\"name\":\"b\",\"rpm\":50}]}]}");
  llmq_cq_t* cq = new_cq();
  char name[16];
  for (int i = 0; i < 5; ++i) submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  for (int i = 0; i < 4; ++i) CHECK_OK(next_at(cq, name, NULL));
  CHECK(info_has(manager, "\"blocked_by\":\"requests/1m of all deployments\""));
  CHECK(info_has(manager, "\"pending\":1"));
  check_no_event(cq);
  CHECK_OK(llmq_manager_set(manager, "model.m.rpm", "5", NULL)); /* room for one more */
  CHECK_OK(next_at(cq, name, NULL));
  CHECK_OK(llmq_manager_set(manager, "model.m.deployments.b.rpm", "60", NULL));
  CHECK(info_has(manager, "\"amount\":60"));
  llmq_cq_unref(cq);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void one_joins_a_model_that_had_one_without_a_name(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"rpm\":1,\"time_zone\":\"UTC\"," FAST
      "}]}");
  llmq_conf_t* conf =
      conf_of("{\"models\":[{\"name\":\"m\",\"deployments\":[{\"name\":\"b\",\"rpm\":2},{}]}]}");
  llmq_cq_t* cq = new_cq();
  char name[16];
  llmq_error_t* err = NULL;
  for (int i = 0; i < 3; ++i) submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  CHECK_OK(next_at(cq, name, NULL));
  CHECK_TEXT("", name);
  CHECK(info_has(manager, "\"blocked_by\":\"requests/1m\""));
  CHECK_OK(add(manager, "b", conf, NULL)); /* its provider is the model's */
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(next_at(cq, name, NULL));
    CHECK_TEXT("b", name);
  }
  CHECK(info_has(manager, "\"name\":\"0\""));
  CHECK(info_has(manager, "\"amount\":1,")); /* still that one's own */
  CHECK_OK(llmq_manager_set(manager, "model.m.deployments.0.rpm", "2", NULL));
  submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  CHECK_OK(next_at(cq, name, NULL));
  CHECK_TEXT("0", name);
  const llmq_status_t over_all = llmq_manager_set(manager, "model.m.rpm", "9", &err);
  expect_error(LLMQ_ERR_UNSUPPORTED, "registered with one deployment", over_all, err);
  llmq_conf_free(conf);
  llmq_cq_unref(cq);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* A request that hangs at the deployment "a" ends at "b", which comes when "a" goes. */
static void expect_tried_at_another(llmq_manager_t* manager, int32_t mode) {
  llmq_conf_t* conf =
      conf_of("{\"models\":[{\"name\":\"m\",\"deployments\":[{\"name\":\"b\"," FAST "}]}]}");
  llmq_cq_t* cq = new_cq();
  char name[16];
  uint32_t attempts = 0;
  submit_to_cq(manager, "m", "{\"messages\":[]}", cq);
  CHECK_OK(add(manager, "b", conf, NULL));
  CHECK_OK(removed(manager, "a", mode, NULL));
  CHECK_OK(next_at(cq, name, &attempts));
  CHECK_TEXT("b", name);
  CHECK(attempts == 2);
  llmq_conf_free(conf);
  llmq_cq_unref(cq);
}

static void what_runs_at_one_that_goes_is_tried_elsewhere(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"deployments\":[{\"name\":"
      "\"a\",\"mock\":{\"fail_hang\":1}}]}]}");
  expect_tried_at_another(manager, LLMQ_SHUTDOWN_ABORT);
  CHECK(!info_has(manager, "\"name\":\"a\""));
  llmq_error_t* err = NULL;
  llmq_status_t status = removed(manager, "b", LLMQ_SHUTDOWN_DRAIN, &err);
  expect_error(LLMQ_ERR_INVALID_VALUE, "it is the model's last deployment", status, err);
  status = removed(manager, "a", LLMQ_SHUTDOWN_DRAIN, &err);
  expect_error(LLMQ_ERR_UNKNOWN_KEY, "the model has no deployment \"a\"", status, err);
  status = llmq_manager_set(manager, "model.m.deployments.a.rpm", "5", &err);
  expect_error(LLMQ_ERR_UNKNOWN_KEY, "no deployment \"a\"", status, err);
  status = llmq_manager_set(manager, "model.m.deployments.b.base_url", "http://x", &err);
  expect_error(LLMQ_ERR_UNSUPPORTED, "cannot be changed", status, err);
  CHECK_OK(llmq_manager_destroy(manager));
}

/* No request ends for a deployment that goes: that is none of the failures that retries are for. */
static void what_runs_at_one_that_goes_needs_no_retry(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"retry\":{\"on\":\"none\"},"
      "\"deployments\":[{\"name\":\"a\",\"mock\":{\"fail_hang\":1}}]}]}");
  expect_tried_at_another(manager, LLMQ_SHUTDOWN_CANCEL);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_request_must_fit_one_of_them(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\":[{\"name\":\"m\",\"provider\":\"mock\"," FAST
                 ",\"deployments\":[{\"name\":\"a\",\"tpm\":10},{\"name\":\"b\",\"tpm\":50}]}]}");
  llmq_cq_t* cq = new_cq();
  llmq_request_t request = request_to("m", "{\"messages\":[]}");
  char name[16];
  request.cq = cq;
  request.est_input_tokens = 20;
  request.est_output_tokens = 20;
  CHECK_OK(llmq_submit(manager, &request, NULL));
  CHECK_OK(next_at(cq, name, NULL));
  CHECK_TEXT("b", name);
  request.est_output_tokens = 40;
  llmq_error_t* err = NULL;
  const llmq_status_t status = llmq_request_check(manager, &request, &err);
  expect_error(LLMQ_ERR_OVERSIZE, "of deployment a of model m, which is 10", status, err);
  llmq_cq_unref(cq);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void refuse_bad_arguments(void) {
  llmq_manager_t* manager = plain_manager();
  llmq_conf_t* conf = conf_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"deployments\":[{\"name\":\"b\"}]}]}");
  llmq_error_t* err = NULL;
  char* json = NULL;
  CHECK_OK(llmq_conf_deployments_json(conf, "m", 1, &json));
  CHECK_TEXT("[\"b\"]", json);
  llmq_buf_free(json);
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_deployments_json(conf, NULL, 0, &json));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_deployments_json(conf, "m", 1, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_deployment_key_fn(NULL, NULL, NULL, NULL));
  CHECK_TEXT("", llmq_response_deployment(NULL, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, add(NULL, "b", conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, add(manager, "b", JUNK, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_manager_add_deployment(manager, NULL, 0, "b", 1, conf, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, removed(manager, "b", 7, NULL));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, removed(JUNK, "b", 0, NULL));
  llmq_status_t status = add(manager, "b", conf, &err);
  expect_error(LLMQ_ERR_INVALID_VALUE, "none has a processor", status, err);
  status = add(manager, "c", conf, &err);
  expect_error(LLMQ_ERR_INVALID_VALUE, "says nothing of this deployment", status, err);
  status = add(manager, "*", conf, &err);
  expect_error(LLMQ_ERR_INVALID_VALUE, "is not *", status, err);
  status = llmq_manager_add_deployment(manager, "x", 1, "b", 1, conf, &err);
  expect_error(LLMQ_ERR_UNKNOWN_MODEL, "no model \"x\"", status, err);
  status = llmq_manager_remove_deployment(manager, "x", 1, "b", 1, 0, &err);
  expect_error(LLMQ_ERR_UNKNOWN_MODEL, "no model \"x\"", status, err);
  llmq_conf_free(conf);
  CHECK_OK(llmq_manager_destroy(manager));
}

int main(void) {
  RUN(each_takes_what_its_limits_let);
  RUN(limits_of_the_model_bound_all_together);
  RUN(one_joins_a_model_that_had_one_without_a_name);
  RUN(what_runs_at_one_that_goes_is_tried_elsewhere);
  RUN(what_runs_at_one_that_goes_needs_no_retry);
  RUN(a_request_must_fit_one_of_them);
  RUN(refuse_bad_arguments);
  return 0;
}
