// What an answer of an OpenAI-compatible endpoint means.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/policy/retry.h"
#include "provider/json.h"
#include "provider/limit_words.h"
#include "provider/provider.h"
#include "provider/rate_limit_headers.h"
#include "provider/refusal.h"
#include "provider/retry_after.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::Status;

constexpr size_t kMostMessageBytes = 500;
constexpr size_t kMostCodeBytes = 64;
constexpr size_t kMostRequestIdBytes = 256;

// The parts of an error body, whatever its shape. Views into the parsed body.
struct ErrorBody {
  std::string_view message;
  std::string_view type;
  std::string_view code;
};

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

template <size_t N>
bool names_one_of(const ErrorBody& error, const std::array<std::string_view, N>& names) {
  return is_one_of(error.code, names) || is_one_of(error.type, names);
}

// Money or a cap that waiting does not lift.
constexpr std::array<std::string_view, 9> kQuotaCodes{
    "insufficient_quota",           "billing_hard_limit_reached",
    "billing_not_active",           "billing_error",
    "credit_balance_exhausted",     "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached"};
constexpr std::array<std::string_view, 2> kContextCodes{"context_length_exceeded",
                                                        "exceed_context_size_error"};
constexpr std::array<std::string_view, 2> kContentCodes{"content_filter",
                                                        "content_policy_violation"};

std::string_view first_text(std::string_view a, std::string_view b) { return a.empty() ? b : a; }

// {"error":{..}}, {"error":"text"}, [{"error":..}], {"message":..}, {"detail":"text" or
// [{"msg":..}]}
ErrorBody read_error(const cJSON* body) {
  if (cJSON_IsArray(body) != 0) body = cJSON_GetArrayItem(body, 0);
  const cJSON* const inner = member(body, "error");
  const cJSON* const from = cJSON_IsObject(inner) != 0 ? inner : body;
  const cJSON* const detail = member(body, "detail");
  ErrorBody error;
  error.message = first_text(text_member(from, "message"), text_member(body, "error"));
  error.message = first_text(error.message, text_member(body, "detail"));
  if (error.message.empty() && cJSON_IsArray(detail) != 0) {
    error.message = text_member(cJSON_GetArrayItem(detail, 0), "msg");
  }
  error.type = text_member(from, "type");
  error.code = text_member(from, "code");
  return error;
}

std::string_view header_of(const WireResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool is_html(const WireResponse& response) {
  const std::string_view body = trimmed(response.body);
  return (!body.empty() && body.front() == '<') ||
         contains_ignoring_case(header_of(response, "content-type"), "text/html");
}

// In words, what came instead of the JSON object that was due. Never the content itself: it may be
// private.
std::string describe(const WireResponse& response, const ParsedJson& parsed) {
  const std::string_view body = trimmed(response.body);
  const std::string bytes = std::to_string(response.body.size()) + " bytes";
  if (body.empty()) return "an empty body";
  if (is_html(response)) return "HTML (" + bytes + ")";
  if (body.substr(0, 5) == "data:" || body.substr(0, 6) == "event:") return "an event stream";
  if (parsed.value != nullptr && parsed.stopped < response.body.size()) {
    return "JSON with more behind it at byte " + std::to_string(parsed.stopped);
  }
  if (parsed.value != nullptr) return "JSON that is not an object";
  if (body.front() != '{' && body.front() != '[') return "text that is not JSON (" + bytes + ")";
  return "JSON that is cut off or broken at byte " + std::to_string(parsed.stopped) + " of " +
         std::to_string(response.body.size());
}

Status status_of_http(int http_status) {
  switch (http_status) {
    case 400:
    case 404:
    case 405:
    case 413:
    case 422:
      return Status::kBadRequest;
    case 401:
    case 403:
      return Status::kAuth;
    case 402:
      return Status::kQuotaExhausted;
    case 408:
      return Status::kTimeout;
    case 409:
      return Status::kServer;
    case 429:
      return Status::kRateLimited;
    case 503:
    case 529:
      return Status::kOverloaded;
    default:
      return http_status >= 500 && http_status <= 599 ? Status::kServer : Status::kUnknown;
  }
}

// A 429 that no wait cures: the request alone is larger than the limit. Some providers only tell it
// by the numbers, and name a wait all the same.
bool is_too_large(std::string_view message) {
  if (message.substr(0, 17) == "Request too large") return true;
  const LimitWords words = read_limit_words(message);
  return words.limit && words.requested && *words.requested > *words.limit;
}

Status classify(int http_status, const ErrorBody& error) {
  if (http_status >= 500) return status_of_http(http_status);
  if (names_one_of(error, kQuotaCodes)) return Status::kQuotaExhausted;
  if (names_one_of(error, kContextCodes)) return Status::kContextTooLong;
  if (names_one_of(error, kContentCodes)) return Status::kContentFilter;
  // vLLM and others give no code for it.
  if ((http_status == 400 || http_status == 413) &&
      contains_ignoring_case(error.message, "maximum context length")) {
    return Status::kContextTooLong;
  }
  if (http_status == 429 && is_too_large(error.message)) return Status::kOversize;
  return status_of_http(http_status);
}

std::string error_message(const WireResponse& response, const ErrorBody& error,
                          const ParsedJson& parsed) {
  std::string text = "HTTP " + std::to_string(response.http_status) + ": ";
  if (error.message.empty()) {
    const bool json = parsed.value != nullptr && parsed.stopped >= response.body.size();
    text += json ? "JSON without an error message" : describe(response, parsed);
  } else {
    text += presentable(error.message, kMostMessageBytes);
  }
  const std::string_view code = first_text(error.code, error.type);
  if (!code.empty()) text += " (" + presentable(code, kMostCodeBytes) + ")";
  return text;
}

// A token count: whole, not negative, exact in a double; -1 if there is none.
int64_t count_member(const cJSON* object, const char* name) {
  constexpr double kMost = 9007199254740992.0;
  const cJSON* const value = member(object, name);
  if (cJSON_IsNumber(value) == 0) return -1;
  const double number = value->valuedouble;
  return number >= 0 && number <= kMost ? static_cast<int64_t>(std::floor(number)) : -1;
}

void read_usage(Operation operation, const cJSON* body, Outcome& outcome) {
  const cJSON* const usage = member(body, "usage");
  const int64_t total = count_member(usage, "total_tokens");
  int64_t input = count_member(usage, "prompt_tokens");
  if (operation == Operation::kEmbeddings) {
    if (input < 0) input = total;
    if (input < 0) return;
    outcome.usage_known = true;
    outcome.usage.input_tokens = input;
    return;
  }
  if (input < 0) return;
  // Some gateways leave hidden reasoning out of completion_tokens, none out of the total.
  const int64_t output =
      std::max(count_member(usage, "completion_tokens"), total >= input ? total - input : -1);
  if (output < 0) return;
  outcome.usage_known = true;
  outcome.usage.input_tokens = input;
  outcome.usage.output_tokens = output;
  // Seen in the wild: more cached tokens than there was prompt.
  const int64_t cached = count_member(member(usage, "prompt_tokens_details"), "cached_tokens");
  outcome.usage.cached_input_tokens = std::clamp<int64_t>(cached, 0, input);
}

void read_success(Operation operation, const WireResponse& response, const ParsedJson& parsed,
                  Outcome& outcome) {
  const cJSON* const body = parsed.value.get();
  if (cJSON_IsObject(body) == 0 || parsed.stopped < response.body.size()) {
    outcome.status = Status::kTransport;
    outcome.message = "the provider answered HTTP " + std::to_string(response.http_status) +
                      " with " + describe(response, parsed) + " instead of a JSON object";
    return;
  }
  // Gateways report an upstream's failure inside a 200.
  if (cJSON_IsObject(member(body, "error")) != 0 && member(body, "choices") == nullptr &&
      member(body, "data") == nullptr) {
    outcome.status = Status::kServer;
    outcome.message = error_message(response, read_error(body), parsed);
    return;
  }
  outcome.status = Status::kOk;
  read_usage(operation, body, outcome);
}

// x-should-retry decides, but for what no wait cures.
Status heed_should_retry(const WireResponse& response, Status status) {
  if (status == Status::kQuotaExhausted || status == Status::kOversize ||
      status == Status::kContextTooLong || status == Status::kContentFilter) {
    return status;
  }
  const std::string_view told = trimmed(header_of(response, "x-should-retry"));
  if (equal_ignoring_case(told, "true") && !core::is_transient(status)) return Status::kServer;
  if (equal_ignoring_case(told, "false") && core::is_transient(status)) {
    return status == Status::kRateLimited ? Status::kQuotaExhausted : Status::kUnknown;
  }
  return status;
}

void read_limits(const WireResponse& response, int64_t wall_unix_ms, core::Observed& observed) {
  RateLimitHeaders headers;
  for (const auto& [name, value] : response.headers) headers.add(name, value);
  headers.finish(wall_unix_ms, observed);
}

// The longest reset of what is used up; 0 if none is told. It may be the time to a full bucket, so
// it counts only where nothing else tells the wait.
core::DurationNs reset_of_exhausted(const core::Observed& observed) {
  core::DurationNs longest;
  for (size_t i = 0; i < observed.count; ++i) {
    const core::Observation& seen = observed.limits[i];
    if (seen.remaining == 0) longest = std::max(longest, seen.reset);
  }
  return std::min(longest, core::seconds(86'400));
}

// What the words of an error tell of the limit that it met.
void read_refused_limit(const ErrorBody& error, Outcome& outcome) {
  core::Observed& observed = outcome.observed;
  const core::Refusal refusal = read_refusal(error.message, error.type);
  if (outcome.status == Status::kRateLimited) {
    observed.refused = true;
    observed.refusal = refusal;
    observed.refusal.retry_after = outcome.retry_after;
    return;
  }
  // Too large for a limit: not that the limit is used up, but how large it is.
  const bool tells = refusal.kind_told && refusal.limit != core::kNotTold;
  if (!tells || refusal.kind == core::LimitKind::kConcurrency) return;
  core::Observation* const seen = observed.of(refusal.kind, refusal.period);
  if (seen != nullptr && seen->limit == core::kNotTold) seen->limit = refusal.limit;
}

}  // namespace

Outcome parse_response(const Profile& /*profile*/, Operation operation,
                       const WireResponse& response, int64_t wall_unix_ms) {
  Outcome outcome;
  outcome.provider_request_id =
      presentable(header_of(response, "x-request-id"), kMostRequestIdBytes);
  read_limits(response, wall_unix_ms, outcome.observed);
  const ParsedJson parsed = parse_json(response.body);
  if (response.http_status >= 200 && response.http_status <= 299) {
    read_success(operation, response, parsed, outcome);
    return outcome;
  }
  if (response.http_status >= 300 && response.http_status <= 399) {
    outcome.status = Status::kBadRequest;
    outcome.message = "HTTP " + std::to_string(response.http_status) +
                      ": a redirect, which is not followed; is the base URL right?";
    return outcome;
  }
  const ErrorBody error = read_error(parsed.value.get());
  outcome.status = heed_should_retry(response, classify(response.http_status, error));
  outcome.message = error_message(response, error, parsed);
  if (core::is_transient(outcome.status)) {
    outcome.retry_after = retry_after(response.headers, error.message, wall_unix_ms);
  }
  if (outcome.status == Status::kRateLimited && outcome.retry_after.ns == 0) {
    outcome.retry_after = reset_of_exhausted(outcome.observed);
  }
  if (outcome.status == Status::kRateLimited || outcome.status == Status::kOversize) {
    read_refused_limit(error, outcome);
  }
  return outcome;
}

}  // namespace llmq::provider
