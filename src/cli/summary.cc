#include "cli/summary.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.h"
#include "base/money.h"

namespace llmq::cli {

std::string summary_json(const Summary& s) {
  const base::Json json(cJSON_CreateObject());
  const auto put = [&json](const char* name, auto value) {
    base::add_number(json.get(), name, static_cast<int64_t>(value));
  };
  put("completed", s.completed);
  put("failed", s.failed);
  put("skipped", s.skipped);
  put("left", s.left);
  put("attempts", s.attempts);
  put("retries", s.retries);
  put("http_429", s.http_429);
  put("elapsed_ms", s.elapsed_ms);
  put("ideal_ms", s.ideal_ms);
  put("input_tokens", s.input_tokens);
  put("output_tokens", s.output_tokens);
  if (s.reasoning_tokens > 0) put("reasoning_tokens", s.reasoning_tokens);
  cJSON_AddRawToObject(json.get(), "cost", base::money_text(s.cost_micros).c_str());
  if (s.max_cost_micros >= 0) {
    cJSON_AddRawToObject(json.get(), "max_cost", base::money_text(s.max_cost_micros).c_str());
  }
  cJSON_AddNumberToObject(json.get(), "wait_p50_ms", s.waits.quantile_ms(0.5));
  cJSON_AddNumberToObject(json.get(), "wait_p99_ms", s.waits.quantile_ms(0.99));
  if (!s.first_outputs.empty()) {
    cJSON_AddNumberToObject(json.get(), "ttft_p50_ms", s.first_outputs.quantile_ms(0.5));
    cJSON_AddNumberToObject(json.get(), "ttft_p99_ms", s.first_outputs.quantile_ms(0.99));
  }
  return base::json_text(json.get()) + "\n";
}

std::string summary_text(const Summary& s) {
  std::array<char, 512> text{};
  int length = std::snprintf(
      text.data(), text.size(),
      "completed %llu, failed %llu, attempts %llu, retries %llu, 429s %llu, tokens %lld in + %lld "
      "out, %.1f s (ideal for the limits %.1f s), wait p50 %.0f ms p99 %.0f ms",
      static_cast<unsigned long long>(s.completed), static_cast<unsigned long long>(s.failed),
      static_cast<unsigned long long>(s.attempts), static_cast<unsigned long long>(s.retries),
      static_cast<unsigned long long>(s.http_429), static_cast<long long>(s.input_tokens),
      static_cast<long long>(s.output_tokens), static_cast<double>(s.elapsed_ms) / 1000,
      static_cast<double>(s.ideal_ms) / 1000, s.waits.quantile_ms(0.5), s.waits.quantile_ms(0.99));
  std::string all(text.data(), static_cast<size_t>(std::max(length, 0)));
  if (!s.first_outputs.empty()) {
    std::array<char, 80> ttft{};
    std::snprintf(ttft.data(), ttft.size(), ", first output p50 %.0f ms p99 %.0f ms",
                  s.first_outputs.quantile_ms(0.5), s.first_outputs.quantile_ms(0.99));
    all += ttft.data();
  }
  if (s.reasoning_tokens > 0) {
    all += ", " + std::to_string(s.reasoning_tokens) + " of the output tokens reasoning";
  }
  if (s.cost_micros > 0) all += ", cost " + base::money_text(s.cost_micros);
  if (s.max_cost_micros >= 0) all += " of at most " + base::money_text(s.max_cost_micros);
  if (s.skipped > 0) all += ", skipped " + std::to_string(s.skipped);
  if (s.left > 0) all += ", left " + std::to_string(s.left);
  return all;
}

}  // namespace llmq::cli
