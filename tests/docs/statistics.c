/* Prints the JSON of managers in many states, a line each: "stats {...}" or "info {...}", for
 * statistics_test.py. The argument is the address of a mock provider whose account is used up by
 * its third call. */
#include "tests/capi/helpers.h"

static const char* const kBody =
    "{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"Name a river.\"}], "
    "\"max_tokens\": 8}";

static void print_all(llmq_manager_t* manager) {
  char* json = NULL;
  CHECK_OK(llmq_manager_info_json(manager, NULL, 0, &json, NULL));
  printf("info %s\n", json);
  llmq_buf_free(json);
  CHECK_OK(llmq_stats_json(manager, &json, NULL));
  printf("stats %s\n", json);
  llmq_buf_free(json);
}

static llmq_request_t chat(const char* model, llmq_cq_t* cq) {
  llmq_request_t request = request_to(model, kBody);
  request.operation = LLMQ_OP_CHAT;
  request.tenant = "somebody";
  request.tenant_len = strlen(request.tenant);
  request.cq = cq;
  return request;
}

static void ask(llmq_manager_t* manager, const char* model, int times) {
  llmq_cq_t* cq = new_cq();
  const llmq_request_t request = chat(model, cq);
  for (int i = 0; i < times; ++i) {
    CHECK_OK(llmq_submit(manager, &request, NULL));
    llmq_event_t done = next_event(cq);
    CHECK_INT(LLMQ_EV_DONE, done.type);
    llmq_events_release(&done, sizeof done, 1);
  }
  llmq_cq_unref(cq);
}

static void every_option_of_limits(void) {
  llmq_manager_t* manager = manager_of(
      "{\"pools\": [{\"name\": \"account\", \"limits\": [{\"tokens\": 1000000, \"per\": \"1d\"}]}],"
      " \"models\": [{\"name\": \"m\", \"provider\": \"mock\", \"mock\": {\"latency_ms\": 0},"
      "  \"pool\": [\"account\"], \"limits\": ["
      "   {\"requests\": 500, \"per\": \"1m\", \"shape\": \"bucket\", \"burst\": 50},"
      "   {\"requests\": 900, \"per\": \"2m\", \"shape\": \"quantised\", \"slice\": \"1s\"},"
      "   {\"requests\": 10000, \"calendar\": \"day\"},"
      "   {\"requests\": 4000, \"per\": \"1h\", \"share\": \"1/4\"},"
      "   {\"output_tokens\": 90000, \"per\": \"1m\", \"charge\": \"completion\"},"
      "   {\"requests\": 400, \"per\": \"5m\", \"per_tenant\": true}]}]}");
  ask(manager, "m", 25);
  print_all(manager);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void named_deployments(const char* url) {
  char json[512];
  (void)snprintf(json, sizeof json,
                 "{\"models\": [{\"name\": \"m\", \"provider\": \"openai\", \"base_url\": \"%s\","
                 " \"rpm\": 900, \"deployments\": [{\"name\": \"east\", \"rpm\": 500},"
                 " {\"name\": \"west\"}]}]}",
                 url);
  llmq_manager_t* manager = manager_of(json);
  ask(manager, "m", 1);
  print_all(manager);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void a_line_that_waits(void) {
  llmq_manager_t* manager = manager_of(
      "{\"models\": [{\"name\": \"m\", \"provider\": \"mock\", \"limits\": [{\"requests\": 1, "
      "\"per\": \"1h\"}]}]}");
  llmq_cq_t* cq = new_cq();
  const llmq_request_t request = chat("m", cq);
  ask(manager, "m", 1);
  CHECK_OK(llmq_submit(manager, &request, NULL));
  print_all(manager);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

/* Reports overload once; the retry is far off. */
static void overloaded(void* user, const llmq_event_t* ready) {
  llmq_attempt_fail(user, ready->attempt_id, LLMQ_ERR_OVERLOADED, "busy", 4, 0);
}

static void a_provider_that_is_overloaded(void) {
  llmq_manager_t* manager =
      manager_of("{\"models\": [{\"name\": \"m\", \"retry\": {\"max_attempts\": 1}}]}");
  CHECK_OK(llmq_model_set_processor(manager, "m", 1, overloaded, NULL, manager, NULL));
  ask(manager, "m", 2);
  print_all(manager);
  CHECK_OK(llmq_manager_destroy(manager));
}

static void what_answers_teach(const char* url) {
  char json[512];
  (void)snprintf(
      json, sizeof json,
      "{\"models\": [{\"name\": \"m\", \"provider\": \"openai\", \"base_url\": \"%s\", \"rpm\": "
      "100,"
      " \"limits\": [{\"tokens\": 100000, \"per\": \"1m\"}], \"on_quota_exhausted\": \"block\"}]}",
      url);
  llmq_manager_t* manager = manager_of(json);
  llmq_cq_t* cq = new_cq();
  const llmq_request_t request = chat("m", cq);
  llmq_stats_t stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  ask(manager, "m", 1);
  print_all(manager);
  CHECK_OK(llmq_submit(manager, &request, NULL)); /* finds the account empty, and waits */
  do {
    CHECK_OK(llmq_stats(manager, NULL, 0, &stats));
  } while (stats.attempts < 2 || stats.processing > 0);
  print_all(manager);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
}

int main(int argc, char** argv) {
  CHECK_INT(2, argc);
  every_option_of_limits();
  named_deployments(argv[1]);
  a_line_that_waits();
  a_provider_that_is_overloaded();
  what_answers_teach(argv[1]);
  return 0;
}
