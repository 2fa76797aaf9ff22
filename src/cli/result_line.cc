#include "cli/result_line.h"

#include <algorithm>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/handles.h"
#include "cli/strict_json.h"

namespace llmq::cli {
namespace {

using base::Json;

// Failures that a later run may not meet again.
constexpr llmq_status_t kWorthAnotherRun[] = {
    LLMQ_ERR_NOMEM,     LLMQ_ERR_CLOSED,       LLMQ_ERR_CLOSING,    LLMQ_ERR_TIMEOUT,
    LLMQ_ERR_CANCELLED, LLMQ_ERR_DEADLINE,     LLMQ_ERR_QUEUE_FULL, LLMQ_ERR_UNKNOWN_MODEL,
    LLMQ_ERR_OVERSIZE,  LLMQ_ERR_RATE_LIMITED, LLMQ_ERR_OVERLOADED, LLMQ_ERR_QUOTA_EXHAUSTED,
    LLMQ_ERR_SERVER,    LLMQ_ERR_AUTH,         LLMQ_ERR_BUDGET,     LLMQ_ERR_TRANSPORT,
    LLMQ_ERR_ABANDONED, LLMQ_ERR_INTERNAL,     LLMQ_ERR_UNKNOWN};

std::string json_string(std::string_view text) {
  const Json json(cJSON_CreateString(base::repaired_utf8(text).c_str()));
  return base::json_text(json.get());
}

// The body as the provider sent it, on one line: in valid JSON, line breaks stand between tokens
// alone.
std::string body_text(std::string_view body) {
  body = without_bom(body);
  const char* end = nullptr;
  const Json parsed(cJSON_ParseWithLengthOpts(body.data(), body.size(), &end, 0));
  const bool whole = parsed != nullptr && base::is_valid_utf8(body) &&
                     body.find_first_not_of(" \t\r\n", static_cast<size_t>(end - body.data())) ==
                         std::string_view::npos &&
                     find_not_json(body) == std::string_view::npos;
  if (!whole) return json_string(body);
  std::string text(body.substr(0, static_cast<size_t>(end - body.data())));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string response_text(const llmq_response_t* response) {
  size_t id_len = 0;
  const char* id = llmq_response_provider_request_id(response, &id_len);
  size_t body_len = 0;
  const auto* body = static_cast<const char*>(llmq_response_data(response, &body_len));
  const int32_t http_status = llmq_response_http_status(response);
  return R"({"status_code":)" + std::to_string(http_status) + R"(,"request_id":)" +
         json_string({id, id_len}) + R"(,"body":)" + body_text({body, body_len}) + "}";
}

// `,"history":[...]`, what became of each attempt; "" where there was none.
std::string history_text(const llmq_response_t* response) {
  char* json = nullptr;
  if (llmq_response_attempts_json(response, &json, nullptr) != LLMQ_OK) return "";
  const Text text(json);
  const std::string_view list = text.get();
  return list == "[]" ? "" : R"(,"history":)" + std::string(list);
}

// The id is that of the input line: one that the library gives would come again in a later run.
std::string line_of(const std::string& custom_id_raw, uint64_t line, const std::string& response,
                    const std::string& error) {
  return R"({"id":"batch_req_)" + std::to_string(line) + R"(","custom_id":)" +
         (custom_id_raw.empty() ? "null" : custom_id_raw) + R"(,"response":)" + response +
         R"(,"error":)" + error + "}\n";
}

std::string error_text(std::string_view code, std::string_view message, const std::string& rest) {
  return R"({"code":)" + json_string(code) + R"(,"message":)" + json_string(message) + rest + "}";
}

}  // namespace

std::string result_line(const std::string& custom_id_raw, uint64_t line,
                        const llmq_response_t* response) {
  const llmq_status_t status = llmq_response_status(response);
  const bool answered = llmq_response_http_status(response) != 0;
  std::string error = "null";
  if (status != LLMQ_OK) {
    size_t len = 0;
    const char* message = llmq_response_error(response, &len);
    error = error_text(
        llmq_status_name(status),
        len == 0 ? std::string_view(llmq_status_message(status)) : std::string_view(message, len),
        R"(,"attempts":)" + std::to_string(llmq_response_attempts(response)) +
            history_text(response));
  }
  return line_of(custom_id_raw, line, answered ? response_text(response) : "null", error);
}

std::string refused_line(const std::string& custom_id_raw, uint64_t line, std::string_view code,
                         const std::string& message) {
  const std::string number = std::to_string(line);
  return line_of(custom_id_raw, line, "null",
                 error_text(code, "line " + number + ": " + message, R"(,"line":)" + number));
}

Past read_result_line(std::string_view text, std::string& custom_id) {
  const Json object(cJSON_ParseWithLength(text.data(), text.size()));
  const cJSON* error = cJSON_GetObjectItemCaseSensitive(object.get(), "error");
  if (!cJSON_IsObject(object.get()) || error == nullptr) return Past::kUnreadable;
  const cJSON* id = cJSON_GetObjectItemCaseSensitive(object.get(), "custom_id");
  if (!cJSON_IsString(id)) return cJSON_IsNull(id) ? Past::kAgain : Past::kUnreadable;
  custom_id = id->valuestring;
  if (cJSON_IsNull(error)) return Past::kFinished;
  const cJSON* code = cJSON_GetObjectItemCaseSensitive(error, "code");
  if (!cJSON_IsString(code)) return Past::kAgain;
  const std::string_view name = code->valuestring;
  const bool again =
      name == kInvalidLine || name == kDuplicateId ||
      std::any_of(std::begin(kWorthAnotherRun), std::end(kWorthAnotherRun),
                  [name](llmq_status_t status) { return name == llmq_status_name(status); });
  return again ? Past::kAgain : Past::kFinished;
}

}  // namespace llmq::cli
