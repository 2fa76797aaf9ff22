// What a whole answer means.
#include <algorithm>

#include "provider/answer.h"
#include "provider/error_body.h"
#include "provider/headers.h"
#include "provider/json.h"
#include "provider/number.h"
#include "provider/provider.h"
#include "provider/text.h"
#include "provider/usage.h"

namespace llmq::provider {
namespace {

using core::Status;

constexpr size_t kMostPlainBytes = 2000;

bool is_html(const WireResponse& response) {
  const std::string_view body = trimmed(response.body);
  return (!body.empty() && body.front() == '<') ||
         contains_ignoring_case(header_of(response.headers, "content-type"), "text/html");
}

bool looks_like_json(std::string_view body) {
  body = trimmed(body);
  return !body.empty() && (body.front() == '{' || body.front() == '[');
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
  if (!looks_like_json(body)) return "text that is not JSON (" + bytes + ")";
  return "JSON that is cut off or broken at byte " + std::to_string(parsed.stopped) + " of " +
         std::to_string(response.body.size());
}

// An error page in plain words is read like a message, but not shown.
ErrorBody read_error_of(const WireResponse& response, const ParsedJson& parsed) {
  ErrorBody error = read_error_body(parsed.value.get());
  if (parsed.value == nullptr && !is_html(response) && !looks_like_json(response.body)) {
    error.message = trimmed(response.body).substr(0, kMostPlainBytes);
  }
  if (error.exception.empty()) {
    const std::string_view type = header_of(response.headers, "x-amzn-errortype");
    error.exception = type.substr(0, type.find(':'));
  }
  return error;
}

std::string error_message(const WireResponse& response, const ErrorBody& error,
                          const ParsedJson& parsed) {
  const std::string lead = "HTTP " + std::to_string(response.http_status) + ": ";
  const bool json = parsed.value != nullptr && parsed.stopped >= response.body.size();
  if (json && !error.message.empty()) return lead + words_of(error);
  ErrorBody wordless = error;
  wordless.message = {};
  return lead + (json ? "JSON without an error message" : describe(response, parsed)) +
         words_of(wordless);
}

// InvokeModel of Bedrock tells in headers what its bodies, which are the model's own, may not.
UsageCounts usage_of_headers(const std::vector<Header>& headers) {
  const auto count = [&headers](const char* name) {
    return read_count(header_of(headers, name)).value_or(core::kNotTold);
  };
  UsageCounts counts;
  counts.input = count("x-amzn-bedrock-input-token-count");
  counts.output = count("x-amzn-bedrock-output-token-count");
  counts.cached = count("x-amzn-bedrock-cache-read-input-token-count");
  const int64_t written = count("x-amzn-bedrock-cache-write-input-token-count");
  if (counts.cached != core::kNotTold || written != core::kNotTold) {
    counts.apart = std::max<int64_t>(counts.cached, 0) + std::max<int64_t>(written, 0);
  }
  return counts;
}

void read_success(const Profile& profile, Operation operation, const WireResponse& response,
                  const ParsedJson& parsed, int64_t wall_unix_ms, Outcome& outcome) {
  const cJSON* const body = parsed.value.get();
  // Gateways report an upstream's failure inside a 200.
  if (body != nullptr && is_error(body)) {
    const ErrorBody error = read_error_body(body);
    read_failure(profile, response, error, wall_unix_ms, outcome);
    outcome.message = error_message(response, error, parsed);
    return;
  }
  if (cJSON_IsObject(body) == 0 || parsed.stopped < response.body.size()) {
    outcome.status = outcome.failure = Status::kTransport;
    outcome.message = "the provider answered HTTP " + std::to_string(response.http_status) +
                      " with " + describe(response, parsed) + " instead of a JSON object";
    return;
  }
  const bool embeddings = operation == Operation::kEmbeddings;
  const UsageCounts counts = read_usage(body);
  put_usage(counts.any() || embeddings ? counts : usage_of_headers(response.headers), embeddings,
            outcome);
  outcome.status = Status::kOk;
  refuse_blocked_prompt(body, outcome);
}

}  // namespace

Outcome parse_response(const Profile& profile, Operation operation, const WireResponse& response,
                       int64_t wall_unix_ms) {
  Outcome outcome = outcome_of_headers(profile, response, wall_unix_ms);
  const ParsedJson parsed = parse_json(response.body);
  if (response.http_status >= 200 && response.http_status <= 299) {
    read_success(profile, operation, response, parsed, wall_unix_ms, outcome);
    return outcome;
  }
  if (response.http_status >= 300 && response.http_status <= 399) {
    outcome.status = outcome.failure = Status::kBadRequest;
    outcome.message = "HTTP " + std::to_string(response.http_status) +
                      ": a redirect, which is not followed; is the base URL right?";
    return outcome;
  }
  const ErrorBody error = read_error_of(response, parsed);
  read_failure(profile, response, error, wall_unix_ms, outcome);
  outcome.message = error_message(response, error, parsed);
  return outcome;
}

}  // namespace llmq::provider
