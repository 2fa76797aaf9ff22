#include "cli/report_data.h"

#include "base/json.h"

namespace llmq::cli {
namespace {

template <typename Value>
void add_by_bin(cJSON* object, const char* name, const ReportSamples& samples, Value value) {
  cJSON* const list = cJSON_AddArrayToObject(object, name);
  for (const ReportBin& bin : samples.bins()) cJSON_AddItemToArray(list, value(bin));
}

cJSON* number(double value) { return cJSON_CreateNumber(value); }

cJSON* quantile(const BinTimes& times, double q) {
  return times.empty() ? cJSON_CreateNull() : number(times.quantile_ms(q));
}

void add_limit(cJSON* list, const LimitSeries& series) {
  cJSON* const limit = cJSON_CreateObject();
  cJSON_AddItemToArray(list, limit);
  cJSON_AddStringToObject(limit, "owner", series.name.owner.c_str());
  cJSON_AddStringToObject(limit, "limit", series.name.limit.c_str());
  cJSON_AddNumberToObject(limit, "amount", series.amount);
  cJSON* const loads = cJSON_AddArrayToObject(limit, "load");
  cJSON* const effective = cJSON_AddArrayToObject(limit, "effective");
  for (const LimitLoad& at : series.loads) {
    cJSON_AddItemToArray(loads, at.load < 0 ? cJSON_CreateNull() : number(at.load));
    cJSON_AddItemToArray(effective, at.load < 0 ? cJSON_CreateNull() : number(at.effective));
  }
}

}  // namespace

std::string report_data(const ReportSamples& samples) {
  const base::Json json(cJSON_CreateObject());
  cJSON* const all = json.get();
  cJSON_AddNumberToObject(all, "bin_ms", static_cast<double>(samples.bin_ns()) / 1e6);
  cJSON_AddNumberToObject(all, "length_ms", static_cast<double>(samples.length_ns()) / 1e6);
  const auto count = [&](const char* name, uint64_t ReportBin::*member) {
    add_by_bin(all, name, samples,
               [=](const ReportBin& bin) { return number(static_cast<double>(bin.*member)); });
  };
  count("calls", &ReportBin::calls);
  count("retries", &ReportBin::retries);
  count("http_429", &ReportBin::http_429);
  count("completed", &ReportBin::completed);
  count("failed", &ReportBin::failed);
  add_by_bin(all, "cost_micros", samples,
             [](const ReportBin& bin) { return number(static_cast<double>(bin.cost_micros)); });
  const auto quantiles = [&](const char* name, BinTimes ReportBin::*member, double q) {
    add_by_bin(all, name, samples, [=](const ReportBin& bin) { return quantile(bin.*member, q); });
  };
  quantiles("wait_p50_ms", &ReportBin::waits, 0.5);
  quantiles("wait_p99_ms", &ReportBin::waits, 0.99);
  quantiles("latency_p50_ms", &ReportBin::latencies, 0.5);
  quantiles("latency_p99_ms", &ReportBin::latencies, 0.99);
  cJSON* const limits = cJSON_AddArrayToObject(all, "limits");
  for (const LimitSeries& series : samples.limits()) add_limit(limits, series);
  std::string text;
  for (const char c : base::json_text(all)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace llmq::cli
