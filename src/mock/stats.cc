#include "mock/stats.h"

#include "mock/json.h"

namespace llmq::mock {

namespace {

void add_ms(cJSON* object, const char* key, Nanos span) {
  cJSON_AddNumberToObject(object, key, to_ms(span));
}

void add_limit(cJSON* array, const LimitReport& report) {
  const bool is_rate = report.limit.kind != LimitKind::kConcurrency;
  cJSON* object = cJSON_CreateObject();
  cJSON_AddItemToArray(array, object);
  cJSON_AddStringToObject(object, "limit", label_of(report.limit).c_str());
  cJSON_AddStringToObject(object, "shape", is_rate ? name_of(report.limit.shape) : "concurrency");
  add_int(object, "amount", report.limit.amount);
  add_ms(object, "period_ms", report.limit.period);
  add_int(object, "capacity", report.capacity);
  if (report.first_edge) {
    add_ms(object, "first_edge_ms", *report.first_edge);
  } else {
    cJSON_AddNullToObject(object, "first_edge_ms");
  }
  add_int(object, "busiest_window", report.busiest_window);
  add_int(object, "accepted_units", report.accepted_units);
  add_int(object, "others_units", report.others_units);
  add_ms(object, "ideal_ms", report.ideal);
  add_int(object, "max_used", report.max_used);
}

}  // namespace

std::string stats_to_json(const Stats& stats, const Account& account, Nanos elapsed) {
  const Json root(cJSON_CreateObject());
  cJSON* object = root.get();
  add_ms(object, "elapsed_ms", elapsed);
  add_int(object, "requests", stats.requests);
  add_int(object, "accepted", account.accepted());
  add_int(object, "in_flight", account.in_flight());
  cJSON* statuses = cJSON_AddObjectToObject(object, "statuses");
  for (const auto& [status, count] : stats.statuses) {
    add_int(statuses, std::to_string(status).c_str(), count);
  }
  add_int(object, "refused", stats.refused);
  add_int(object, "resets", stats.resets);
  add_int(object, "hangs", stats.hangs);
  add_int(object, "broken_streams", stats.broken_streams);
  add_int(object, "retries_told", stats.retries_told);
  add_int(object, "early_retries", stats.early_retries);
  add_ms(object, "latest_retry_ms", stats.latest_retry);
  add_int(object, "client_gone", stats.client_gone);
  add_int(object, "max_concurrency", account.max_in_flight());
  add_int(object, "duplicates", stats.duplicates);
  add_int(object, "input_tokens", stats.input_tokens);
  add_int(object, "output_tokens", stats.output_tokens);
  if (stats.first_arrival_unix_ms) {
    add_int(object, "first_arrival_unix_ms", *stats.first_arrival_unix_ms);
  } else {
    cJSON_AddNullToObject(object, "first_arrival_unix_ms");
  }
  add_ms(object, "last_accepted_ms", account.last_accepted());
  const Nanos ideal = account.ideal();
  add_ms(object, "ideal_ms", ideal);
  if (ideal > Nanos(0)) {
    cJSON_AddNumberToObject(object, "last_over_ideal",
                            to_ms(account.last_accepted()) / to_ms(ideal));
  } else {
    cJSON_AddNullToObject(object, "last_over_ideal");
  }
  cJSON* limits = cJSON_AddArrayToObject(object, "limits");
  for (const LimitReport& report : account.report()) add_limit(limits, report);
  return print_json(root);
}

}  // namespace llmq::mock
