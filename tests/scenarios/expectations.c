/* What a case expects, against what has come. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "case.h"

static const struct {
  const char* name;
  size_t offset;
} kCounters[] = {
    {"submitted", offsetof(llmq_stats_t, submitted)},
    {"completed", offsetof(llmq_stats_t, completed)},
    {"failed", offsetof(llmq_stats_t, failed)},
    {"cancelled", offsetof(llmq_stats_t, cancelled)},
    {"expired", offsetof(llmq_stats_t, expired)},
    {"attempts", offsetof(llmq_stats_t, attempts)},
    {"retries", offsetof(llmq_stats_t, retries)},
    {"rate_limited", offsetof(llmq_stats_t, rate_limited)},
    {"pending", offsetof(llmq_stats_t, pending)},
    {"processing", offsetof(llmq_stats_t, processing)},
    {"pending_bytes", offsetof(llmq_stats_t, pending_bytes)},
    {"input_tokens", offsetof(llmq_stats_t, input_tokens)},
    {"output_tokens", offsetof(llmq_stats_t, output_tokens)},
};

static uint64_t counter(const llmq_stats_t* stats, const char* name) {
  for (size_t i = 0; i < sizeof kCounters / sizeof *kCounters; ++i) {
    uint64_t value = 0;
    if (strcmp(kCounters[i].name, name) != 0) continue;
    memcpy(&value, (const char*)stats + kCounters[i].offset, sizeof value);
    return value;
  }
  fail("unknown counter \"%s\"", name);
}

int stats_are(struct scenario* run, const char* model, const cJSON* counters, int must) {
  llmq_stats_t stats;
  const cJSON* expected = NULL;
  char* info = NULL;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  /* A turn of the loop: whatever has been handed over has been counted after it. */
  if (llmq_manager_info_json(run->manager, NULL, 0, &info, NULL) == LLMQ_OK) llmq_buf_free(info);
  if (llmq_stats(run->manager, *model == '\0' ? NULL : model, strlen(model), &stats) != LLMQ_OK) {
    fail("no stats of model \"%s\"", model);
  }
  cJSON_ArrayForEach(expected, counters) {
    const uint64_t value = counter(&stats, expected->string);
    if (value == (uint64_t)expected->valuedouble) continue;
    if (must) {
      fail("stats of \"%s\": %s is %llu, expected %.0f", model, expected->string,
           (unsigned long long)value, expected->valuedouble);
    }
    return 0;
  }
  return 1;
}

static void check_text(const char* ref, const char* what, const char* expected, const char* got) {
  if (expected != NULL && strcmp(expected, got) != 0) {
    fail("%s: %s is \"%s\", expected \"%s\"", ref, what, got, expected);
  }
}

static void check_part(const char* ref, const char* what, const char* expected, const char* got) {
  if (expected != NULL && strstr(got, expected) == NULL) {
    fail("%s: %s is \"%s\", expected to contain \"%s\"", ref, what, got, expected);
  }
}

static void check_number(const char* ref, const cJSON* expected, const char* name, int64_t got) {
  const int64_t number = number_of(expected, name, got);
  if (number != got) {
    fail("%s: %s is %lld, expected %lld", ref, name, (long long)got, (long long)number);
  }
}

static const char* state_name(int32_t state) {
  static const char* const kNames[] = {"",       "pending",   "processing", "completed",
                                       "failed", "cancelled", "expired"};
  return state >= 1 && state <= 6 ? kNames[state] : "?";
}

static void check_usage(const char* ref, const llmq_response_t* response, const cJSON* expected) {
  llmq_usage_t usage = usage_of(NULL);
  const llmq_status_t status = llmq_response_usage(response, &usage);
  if (expected == NULL) return;
  if (cJSON_IsNull(expected)) {
    if (status != LLMQ_ERR_AGAIN) fail("%s: usage is known, expected none", ref);
    return;
  }
  known_members(expected,
                "input_tokens output_tokens cached_input_tokens cost_micros "
                "reasoning_tokens",
                "usage");
  if (status != LLMQ_OK) fail("%s: usage is not known", ref);
  check_number(ref, expected, "input_tokens", usage.input_tokens);
  check_number(ref, expected, "output_tokens", usage.output_tokens);
  check_number(ref, expected, "cached_input_tokens", usage.cached_input_tokens);
  check_number(ref, expected, "cost_micros", usage.cost_micros);
  check_number(ref, expected, "reasoning_tokens", usage.reasoning_tokens);
}

/* The statuses of all attempts, which a response tells if one of them has failed. */
static void check_history(const char* ref, const llmq_response_t* response, const cJSON* expected) {
  char* json = NULL;
  const cJSON* status = NULL;
  int at = 0;
  if (expected == NULL) return;
  if (llmq_response_attempts_json(response, &json, NULL) != LLMQ_OK) fail("%s: no history", ref);
  cJSON* history = cJSON_Parse(json);
  if (cJSON_GetArraySize(history) != cJSON_GetArraySize(expected)) {
    fail("%s: history is %s, expected %d attempts", ref, json, cJSON_GetArraySize(expected));
  }
  cJSON_ArrayForEach(status, expected) {
    check_text(ref, "status in history", status->valuestring,
               text_of(cJSON_GetArrayItem(history, at++), "status", ""));
  }
  cJSON_Delete(history);
  llmq_buf_free(json);
}

/* Two lists of texts. */
static void check_list(const char* what, const cJSON* expected, const cJSON* got) {
  if (expected == NULL || cJSON_Compare(expected, got, 1)) return;
  char* wanted = cJSON_PrintUnformatted(expected);
  char* there = cJSON_PrintUnformatted(got);
  fail("%s: %s, expected %s", what, there, wanted);
}

static void check_chunks(const char* ref, const cJSON* chunks, const cJSON* expected) {
  const int64_t least = number_of(expected, "chunks_at_least", 0);
  char what[64];
  (void)snprintf(what, sizeof what, "%s: chunks", ref);
  check_list(what, cJSON_GetObjectItem(expected, "chunks"), chunks);
  if (cJSON_GetArraySize(chunks) < least) {
    fail("%s: %d chunks, expected at least %lld", ref, cJSON_GetArraySize(chunks),
         (long long)least);
  }
}

void check_response(const char* ref, llmq_response_t* response, const cJSON* chunks,
                    const cJSON* expected) {
  const uint32_t flags = llmq_response_flags(response);
  known_members(expected,
                "status state attempts data data_contains error_contains chunks chunks_at_least "
                "usage history http_status deployment fallback_model cached shared",
                ref);
  check_text(ref, "status", text_of(expected, "status", NULL),
             llmq_status_name(llmq_response_status(response)));
  check_text(ref, "state", text_of(expected, "state", NULL),
             state_name(llmq_response_state(response)));
  check_number(ref, expected, "attempts", llmq_response_attempts(response));
  check_text(ref, "data", text_of(expected, "data", NULL), llmq_response_data(response, NULL));
  check_part(ref, "data", text_of(expected, "data_contains", NULL),
             llmq_response_data(response, NULL));
  check_part(ref, "error", text_of(expected, "error_contains", NULL),
             llmq_response_error(response, NULL));
  check_text(ref, "deployment", text_of(expected, "deployment", NULL),
             llmq_response_deployment(response, NULL));
  check_text(ref, "fallback_model", text_of(expected, "fallback_model", NULL),
             llmq_response_fallback_model(response, NULL));
  check_number(ref, expected, "http_status", llmq_response_http_status(response));
  check_number(ref, expected, "cached", (flags & LLMQ_EVENT_CACHED) != 0);
  check_number(ref, expected, "shared", (flags & LLMQ_EVENT_SHARED) != 0);
  check_usage(ref, response, cJSON_GetObjectItem(expected, "usage"));
  check_history(ref, response, cJSON_GetObjectItem(expected, "history"));
  check_chunks(ref, chunks, expected);
}

static void check_totals(struct scenario* run, const cJSON* expected) {
  cJSON* totals = cJSON_CreateObject();
  for (size_t i = 0; i < run->count; ++i) {
    const struct request* request = &run->requests[i];
    if (!request->accepted || request->response == NULL) continue;
    const char* name = llmq_status_name(llmq_response_status(request->response));
    const int64_t before = number_of(totals, name, 0);
    cJSON_DeleteItemFromObject(totals, name);
    cJSON_AddNumberToObject(totals, name, (double)(before + 1));
  }
  check_list("totals", expected, totals);
  cJSON_Delete(totals);
}

static struct request* named(struct scenario* run, const char* ref) {
  for (size_t i = 0; i < run->count; ++i) {
    if (strcmp(run->requests[i].ref, ref) == 0 && run->requests[i].response != NULL) {
      return &run->requests[i];
    }
  }
  fail("\"%s\" was never accepted", ref);
}

/* What every response must say, whatever the case expects. */
static void check_identity(const struct request* request) {
  check_text(request->ref, "request_key", request->ref,
             llmq_response_request_key(request->response, NULL));
  check_text(request->ref, "metadata", text_of(request->step, "metadata", ""),
             llmq_response_metadata(request->response, NULL));
  if (llmq_response_request_id(request->response) != request->id) fail("%s: id", request->ref);
}

void check_expectations(struct scenario* run, int64_t took_ns) {
  const cJSON* expect = cJSON_GetObjectItem(run->root, "expect");
  const cJSON* expected = NULL;
  known_members(expect, "requests permits started done totals stats at_least_ms", "expect");
  for (size_t i = 0; i < run->count; ++i) {
    if (run->requests[i].response != NULL) check_identity(&run->requests[i]);
  }
  cJSON_ArrayForEach(expected, cJSON_GetObjectItem(expect, "requests")) {
    const struct request* request = named(run, expected->string);
    check_response(request->ref, request->response, request->chunks, expected);
  }
  check_list("started", cJSON_GetObjectItem(expect, "started"), run->started);
  check_list("permits", cJSON_GetObjectItem(expect, "permits"), run->permits);
  check_list("done", cJSON_GetObjectItem(expect, "done"), run->done);
  check_totals(run, cJSON_GetObjectItem(expect, "totals"));
  cJSON_ArrayForEach(expected, cJSON_GetObjectItem(expect, "stats")) {
    (void)stats_are(run, expected->string, expected, 1);
  }
  if (took_ns < number_of(expect, "at_least_ms", 0) * MS) {
    fail("took %lld ms, expected at least %lld", (long long)(took_ns / MS),
         (long long)number_of(expect, "at_least_ms", 0));
  }
}
