#include "cli/report_sampler.h"

#include <algorithm>
#include <string>

#include "base/json.h"
#include "base/money.h"
#include "cli/handles.h"

namespace llmq::cli {
namespace {

constexpr int64_t kRest = 20;  // times as long as the last look took: a look costs at most 5 %

double number_of(const cJSON* object, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

std::string string_of(const cJSON* object, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(item) ? item->valuestring : "";
}

// Of a model, or of one of its deployments.
void add_place(const cJSON* place, const std::string& owner, int64_t now_ns,
               ReportSamples& samples) {
  const cJSON* limit = nullptr;
  cJSON_ArrayForEach(limit, cJSON_GetObjectItemCaseSensitive(place, "limits")) {
    const std::string pool = string_of(limit, "pool");
    const bool money = string_of(limit, "kind") == "cost";
    const double unit = money ? double{base::kMicros} : 1;
    const double load = number_of(limit, "used") + number_of(limit, "reserved");
    samples.add_load(now_ns,
                     {pool.empty() ? owner : "pool " + pool, string_of(limit, "limit"), money},
                     number_of(limit, "amount") / unit,
                     {std::max(load, 0.0) / unit, number_of(limit, "effective") / unit});
  }
}

}  // namespace

void add_loads(const cJSON* info, int64_t now_ns, ReportSamples& samples) {
  const cJSON* model = nullptr;
  cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(info, "models")) {
    const std::string name = string_of(model, "model");
    add_place(model, name, now_ns, samples);
    const cJSON* deployment = nullptr;
    cJSON_ArrayForEach(deployment, cJSON_GetObjectItemCaseSensitive(model, "deployments")) {
      add_place(deployment, name + " at " + string_of(deployment, "name"), now_ns, samples);
    }
  }
}

void ReportSampler::look(llmq_manager_t* manager, int64_t cost_micros) {
  const int64_t now = llmq_now_ns();
  llmq_stats_t stats{};
  stats.struct_size = sizeof stats;
  if (llmq_stats(manager, nullptr, 0, &stats) == LLMQ_OK) {
    samples_.add_totals(now, {stats.attempts, stats.retries, stats.rate_limited, cost_micros});
  }
  char* text = nullptr;
  if (llmq_manager_info_json(manager, nullptr, 0, &text, nullptr) == LLMQ_OK) {
    const Text own(text);
    const base::Json info(cJSON_Parse(text));
    add_loads(info.get(), now, samples_);
  }
  const int64_t end = llmq_now_ns();
  next_ns_ = end + std::max(samples_.bin_ns(), (end - now) * kRest);
}

void ReportSampler::add_answer(const llmq_event_t& done) {
  samples_.add_answer(llmq_now_ns(), done.status == LLMQ_OK, done.queued_ns, done.run_ns);
}

}  // namespace llmq::cli
