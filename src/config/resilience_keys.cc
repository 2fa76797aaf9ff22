// The keys that say what failures are answered with: retries, holding back, going elsewhere.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "config/limit_options.h"
#include "config/row_makers.h"
#include "core/policy/fallback.h"
#include "core/policy/retry.h"

namespace llmq::config {
namespace {

constexpr Choice kOnQuota[] = {{"fail", 0}, {"block", 1}, {nullptr, 0}};
constexpr Choice kOnOutage[] = {{"hold", 0}, {"fail", 1}, {nullptr, 0}};

struct FailureWord {
  std::string_view word;
  core::Status status;
};
// In the words of settings. Retries know the transient ones alone.
constexpr FailureWord kFailureWords[] = {{"rate_limited", core::Status::kRateLimited},
                                         {"overloaded", core::Status::kOverloaded},
                                         {"server", core::Status::kServer},
                                         {"transport", core::Status::kTransport},
                                         {"timeout", core::Status::kTimeout},
                                         {"quota_exhausted", core::Status::kQuotaExhausted},
                                         {"auth", core::Status::kAuth},
                                         {"context_too_long", core::Status::kContextTooLong},
                                         {"content_filter", core::Status::kContentFilter},
                                         {"oversize", core::Status::kOversize}};

// The set of bits that the failures in a list have; nothing if it names one without a bit.
template <typename Set>
std::optional<Set> failure_set(std::string_view text, Set (*bit_of)(core::Status)) {
  Set set = 0;
  for (const std::string& name : names_of(text)) {
    const auto* const known =
        std::find_if(std::begin(kFailureWords), std::end(kFailureWords),
                     [&name](const FailureWord& each) { return each.word == name; });
    if (known == std::end(kFailureWords) || bit_of(known->status) == 0) return std::nullopt;
    set = static_cast<Set>(set | bit_of(known->status));
  }
  return set;
}

std::optional<uint8_t> retry_classes(std::string_view text) {
  return text == "none" ? uint8_t{0} : failure_set(text, core::retry_class);
}

std::optional<uint32_t> fallback_classes(std::string_view text) {
  return failure_set(text, core::fallback_class);
}

const char* retry_fault(std::string_view text) {
  if (retry_classes(text)) return nullptr;
  return "expected none, or some of rate_limited, overloaded, server, transport, timeout, "
         "separated by commas";
}

void add_retry_rows(std::deque<Row>& rows) {
  rows.push_back(model_integer("retry.max_attempts", Scope::kModel, 1, 60, "8",
                               "Attempts that one request may have, the first included.",
                               [](const Value& value, ModelConfig& model) {
                                 model.retry.max_attempts = static_cast<uint32_t>(value.number);
                               }));
  rows.push_back(model_integer(
      "retry.base_ms", Scope::kModel, 1, 3'600'000, "500", "Least delay before a retry, in ms.",
      [](const Value& value, ModelConfig& model) { model.retry.base = as_ms(value); }));
  rows.push_back(model_integer(
      "retry.cap_ms", Scope::kModel, 1, 24 * 3'600'000, "30000",
      "Greatest delay before a retry, in ms, unless the provider asks for more.",
      [](const Value& value, ModelConfig& model) { model.retry.cap = as_ms(value); }));
  rows.push_back(model_setting(
      "retry.on", Scope::kModel, Kind::kText, "rate_limited,overloaded,server,transport,timeout",
      "Failures after which a request is tried again, separated by commas; none = no retry.",
      [](const Value& value, ModelConfig& model) {
        model.retry.on = retry_classes(value.text).value_or(core::kRetryAll);
      }));
  rows.back().fault = retry_fault;
  rows.push_back(model_integer(
      "retry.budget_percent", Scope::kModel, 0, 1000, "10",
      "Budget of retries after overload, server errors, time-outs and failed connections, per "
      "deployment and per tenant: of the last minute so many, in percent of the attempts begun in "
      "it, may have failed or still run. What finds no room waits for it. Retries after a 429 and "
      "those that the circuit breaker holds do not count.",
      [](const Value& value, ModelConfig& model) { model.retry.budget.percent = value.number; }));
  rows.push_back(model_integer(
      "retry.budget_at_a_time", Scope::kModel, 1, 1'000'000, "3",
      "Such retries that may run at a time whatever retry.budget_percent says.",
      [](const Value& value, ModelConfig& model) { model.retry.budget.at_a_time = value.number; }));
}

void add_quota_rows(std::deque<Row>& rows) {
  rows.push_back(model_setting(
      "on_quota_exhausted", Scope::kModel, Kind::kChoice, "fail",
      "What requests do when the account's quota (credit, spend limit) is used up: end with "
      "LLMQ_ERR_QUOTA_EXHAUSTED at once, those that wait and come too (fail), or wait (block). No "
      "call of the model, and of those that share a pool with it, is made until the time that the "
      "provider told, or quota_recheck_s; then one call finds out. A change of a setting lets it "
      "find out at once.",
      [](const Value& value, ModelConfig& model) { model.quota.blocks = value.number != 0; }));
  rows.back().choices = kOnQuota;
  rows.push_back(
      model_integer("quota_recheck_s", Scope::kModel, 1, 31 * 24 * 3600, "300",
                    "Seconds until a used-up quota is tried again, where the provider tells none.",
                    [](const Value& value, ModelConfig& model) {
                      model.quota.recheck = core::seconds(value.number);
                    }));
}

const char* fallback_fault(std::string_view text) {
  if (fallback_classes(text)) return nullptr;
  return "expected some of rate_limited, quota_exhausted, overloaded, server, transport, timeout, "
         "auth, context_too_long, content_filter, oversize, separated by commas";
}

void add_fallback_rows(std::deque<Row>& rows) {
  rows.push_back(model_setting(
      "fallback.models", Scope::kModel, Kind::kNames, "",
      "Other models, separated by commas, that take what this one cannot answer, one after the "
      "other. A request keeps its age and its estimates; the limits, prices and retries of the "
      "other model hold, its own fallback does not. The payload's \"model\" becomes the other "
      "name.",
      [](const Value& value, ModelConfig& model) { model.fallback = names_of(value.text); }));
  rows.push_back(model_setting(
      "fallback.on", Scope::kModel, Kind::kText,
      "rate_limited,quota_exhausted,overloaded,server,transport,timeout,auth,context_too_long,"
      "oversize",
      "What a request would have to end with to go to the next model instead, separated by commas. "
      "With on_outage=hold it waits while the circuit breaker is open; fallback.after_ms bounds "
      "that.",
      [](const Value& value, ModelConfig& model) {
        model.fallback_on = fallback_classes(value.text).value_or(0);
      }));
  rows.back().fault = fallback_fault;
  rows.push_back(model_integer(
      "fallback.after_ms", Scope::kModel, 0, kMaxMs, "0",
      "Longest that a request waits, in ms, before it goes to the next model; also the longest "
      "Retry-After and retry delay that it sits out. 0 = waiting is no reason.",
      [](const Value& value, ModelConfig& model) { model.fallback_after = as_ms(value); }));
}

void add_hedge_rows(std::deque<Row>& rows) {
  rows.push_back(model_setting(
      "hedge.enabled", Scope::kModel, Kind::kBool, "false",
      "A call that has brought no output for longer than 19 of 20 calls of another deployment take "
      "is made a second time there, if it can start there at once and nobody waits for that room. "
      "The first output wins (of a response that is not streamed: the first answer), the other "
      "call is ended, and what it had reserved stays charged: such a call is paid for twice. For "
      "models with several deployments. Processors, permits and requests with one attempt are "
      "never called twice.",
      [](const Value& value, ModelConfig& model) { model.hedge.enabled = value.number != 0; }));
  rows.push_back(model_integer(
      "hedge.after_ms", Scope::kModel, 0, kMaxMs, "0",
      "No second call begins before that time, in ms; until 40 first outputs of another deployment "
      "are known, it begins just then. 0 = not until they are known.",
      [](const Value& value, ModelConfig& model) { model.hedge.after = as_ms(value); }));
  rows.push_back(model_integer(
      "hedge.budget_percent", Scope::kModel, 0, 100, "2",
      "Tokens that second calls may reserve, in percent of those of all other calls of the model.",
      [](const Value& value, ModelConfig& model) { model.hedge.percent = value.number; }));
}

void add_breaker_rows(std::deque<Row>& rows) {
  rows.push_back(model_setting(
      "on_outage", Scope::kModel, Kind::kChoice, "hold",
      "What requests do while the provider does not work, that is, while the circuit breaker of "
      "each deployment is open: wait, bounded by their deadlines (hold), or end at once with the "
      "status of the failure that opened it (fail).",
      [](const Value& value, ModelConfig& model) { model.fails_in_outage = value.number != 0; }));
  rows.back().choices = kOnOutage;
  rows.push_back(model_setting(
      "breaker.enabled", Scope::kModel, Kind::kBool, "true",
      "Stop calling a deployment that does not work (server errors, time-outs, no connection), and "
      "let three calls at a time find out whether it works again. Refusals by limits, cancelled "
      "calls and faults of a request do not count.",
      [](const Value& value, ModelConfig& model) { model.breaker.enabled = value.number != 0; }));
  rows.push_back(model_integer(
      "breaker.min_calls", Scope::kModel, 1, 1'000'000, "20",
      "Calls of the last minute that must be known before the circuit breaker opens; as many "
      "failures one after the other open it in any case.",
      [](const Value& value, ModelConfig& model) { model.breaker.min_calls = value.number; }));
  rows.push_back(
      model_integer("breaker.failure_percent", Scope::kModel, 1, 100, "50",
                    "Share of them, in percent, whose failure opens the circuit breaker.",
                    [](const Value& value, ModelConfig& model) {
                      model.breaker.failure_percent = value.number;
                    }));
  rows.push_back(model_integer(
      "breaker.connect_failures", Scope::kModel, 1, 1'000'000, "5",
      "Calls one after the other that get no connection, which open the circuit breaker.",
      [](const Value& value, ModelConfig& model) {
        model.breaker.connect_failures = value.number;
      }));
  rows.push_back(model_integer(
      "breaker.open_ms", Scope::kModel, 1, kMaxMs, "5000",
      "How long the circuit breaker stays open at first, in ms; twice as long each time that the "
      "calls which find out fail. The time is drawn from 80 to 120 percent.",
      [](const Value& value, ModelConfig& model) { model.breaker.open = as_ms(value); }));
  rows.push_back(model_integer(
      "breaker.open_max_ms", Scope::kModel, 1, kMaxMs, "120000",
      "How long the circuit breaker stays open at most, in ms.",
      [](const Value& value, ModelConfig& model) { model.breaker.open_max = as_ms(value); }));
}

}  // namespace

void add_resilience_rows(std::deque<Row>& rows) {
  add_retry_rows(rows);
  add_quota_rows(rows);
  add_breaker_rows(rows);
  add_fallback_rows(rows);
  add_hedge_rows(rows);
}

}  // namespace llmq::config
