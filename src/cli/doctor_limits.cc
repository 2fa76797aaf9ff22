#include "cli/doctor_limits.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/json.h"
#include "cli/handles.h"

namespace llmq::cli {
namespace {

struct Configured {
  std::string text;  // requests=500/1m
  std::string kind;
  int64_t amount = 0;
};

std::vector<Configured> read_limits(const std::string& text) {
  std::vector<Configured> all;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find(';', begin);
    if (end == std::string::npos) end = text.size();
    std::string one = text.substr(begin, end - begin);
    one = one.substr(0, one.find(','));  // without its options
    begin = end + 1;
    const size_t equals = one.find('=');
    if (equals == std::string::npos) continue;
    Configured limit{one, one.substr(0, equals), 0};
    limit.amount = std::strtoll(one.c_str() + equals + 1, nullptr, 10);
    all.push_back(std::move(limit));
  }
  return all;
}

std::string shown_as(const std::string& kind, const cJSON* shown) {
  const auto number = [shown](const char* name) -> std::string {
    const cJSON* const value = cJSON_GetObjectItemCaseSensitive(shown, name);
    if (cJSON_IsNumber(value) == 0) return "";
    char text[32];
    std::snprintf(text, sizeof text, "%.0f", value->valuedouble);
    return text;
  };
  std::string text = kind + ": the provider tells a limit of " + number("limit");
  if (const std::string window = number("window_ms"); !window.empty()) {
    text += " per " + window + " ms";
  }
  if (const std::string left = number("remaining"); !left.empty()) text += ", " + left + " left";
  return text;
}

// The configured limit of the kind that stands closest to what is shown, from above if all do.
LimitFinding compare(const std::string& kind, const cJSON* shown,
                     const std::vector<Configured>& configured) {
  const cJSON* const told = cJSON_GetObjectItemCaseSensitive(shown, "limit");
  LimitFinding finding;
  finding.found = shown_as(kind, shown);
  const auto amount = static_cast<int64_t>(told->valuedouble);
  const Configured* least = nullptr;
  for (const Configured& limit : configured) {
    if (limit.kind != kind) continue;
    if (limit.amount == amount) {
      finding.found += "; configured: " + limit.text;
      return finding;
    }
    if (least == nullptr || limit.amount < least->amount) least = &limit;
  }
  if (least == nullptr) {
    finding.found += "; none is configured: it is learnt";
    return finding;
  }
  finding.found += "; configured: " + least->text;
  if (least->amount > amount) {
    finding.fits = false;
    finding.mend = "configure " + kind + "=" + std::to_string(amount) +
                   ", or another plan with --preset: more than the provider allows is refused";
  } else {
    finding.found += ", which leaves some of it unused";
  }
  return finding;
}

}  // namespace

std::vector<LimitFinding> compare_limits(const Probed& probed, const cJSON* answer) {
  const std::string record = base::json_text(answer);
  char* text = nullptr;
  expect_ok_from([&](llmq_error_t** error) {
    return llmq_explain_json(probed.provider.data(), probed.provider.size(), record.data(),
                             record.size(), &text, nullptr, error);
  });
  const Text own(text);
  const base::Json explained(cJSON_Parse(text));
  const std::vector<Configured> configured = read_limits(probed.limits);
  std::vector<LimitFinding> findings;
  const cJSON* shown = nullptr;
  cJSON_ArrayForEach(shown, cJSON_GetObjectItemCaseSensitive(explained.get(), "limits")) {
    if (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(shown, "limit")) == 0) continue;
    findings.push_back(compare(shown->string, shown, configured));
  }
  if (!findings.empty()) return findings;
  if (!configured.empty()) {
    findings.push_back({true, "the answer shows none; configured: " + probed.limits, ""});
  } else {
    findings.push_back({false, "the answer shows none, and none are configured",
                        "give the account's limits with --limit or --preset; else they are learnt "
                        "from refusals alone"});
  }
  return findings;
}

}  // namespace llmq::cli
