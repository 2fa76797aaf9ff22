#include "provider/error_body.h"

#include <initializer_list>

#include "provider/number.h"

namespace llmq::provider {
namespace {

std::string_view first_text(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

const cJSON* first_of(const cJSON* value) {
  return cJSON_IsArray(value) != 0 ? cJSON_GetArrayItem(value, 0) : value;
}

// "com.amazonaws#ThrottlingException", "ThrottlingException:http://internal.amazon.com/".
std::string_view exception_name(std::string_view text) {
  text = text.substr(0, text.find(':'));
  const size_t hash = text.rfind('#');
  return hash == std::string_view::npos ? text : text.substr(hash + 1);
}

// Cohere ends with a finish_reason whatever happened: what holds it, if that was a failure.
const cJSON* failed_end(const cJSON* body) {
  for (const cJSON* const end : {member(body, "delta"), body}) {
    if (text_member(end, "finish_reason") == "ERROR") return end;
  }
  return nullptr;
}

// The object that describes the failure: it may be the body itself.
const cJSON* error_object(const cJSON* body) {
  const cJSON* const failed = member(body, "response");  // of response.failed
  for (const cJSON* const inner : {member(body, "error"), member(failed, "error")}) {
    if (cJSON_IsObject(inner) != 0) return inner;
  }
  const cJSON* const end = failed_end(body);
  return end == nullptr ? body : end;
}

// A code such as 502 or "429"; 0 if it can be no HTTP status.
int status_number(const cJSON* code) {
  double number = 0;
  if (cJSON_IsNumber(code) != 0) {
    number = code->valuedouble;
  } else if (cJSON_IsString(code) != 0) {
    number = read_number(code->valuestring).value_or(0);
  }
  return number >= 100 && number <= 599 ? static_cast<int>(number) : 0;
}

std::string_view message_of(const cJSON* from, const cJSON* body) {
  return first_text({text_member(from, "message"), text_member(from, "Message"),
                     text_member(body, "error"), text_member(from, "error"),
                     text_member(body, "detail"),
                     text_member(first_of(member(body, "detail")), "msg"),
                     text_member(member(body, "x_groq"), "error"), text_member(from, "detail")});
}

// Google tells the finest cause in one of several typed objects.
std::string_view reason_of(const cJSON* details) {
  const cJSON* detail = nullptr;
  cJSON_ArrayForEach(detail, details) {
    if (const auto reason = text_member(detail, "reason"); !reason.empty()) return reason;
  }
  return {};
}

}  // namespace

std::string ErrorBody::name() const {
  const std::string_view told = first_text({code, exception, type, cause});
  if (!told.empty()) return std::string(told);
  return number == 0 ? "" : std::to_string(number);
}

ErrorBody read_error_body(const cJSON* body) {
  body = first_of(body);
  const cJSON* const from = error_object(body);
  const cJSON* const code = member(from, "code");
  ErrorBody error;
  error.message = message_of(from, body);
  error.number = status_number(code);
  if (error.number == 0) error.code = text_member(from, "code");
  error.type = first_text(
      {text_member(from, "type"), text_member(body, "error_type"), text_member(from, "status")});
  // An envelope's type says no more than that there is an error.
  if (from == body && error.type == "error") error.type = {};
  error.exception = exception_name(text_member(body, "__type"));
  const cJSON* const details = member(from, "details");
  if (cJSON_IsArray(details) != 0) error.details = details;
  error.metadata = member(from, "metadata");
  error.cause = first_text({text_member(details, "error_code"),
                            text_member(member(from, "innererror"), "code"),
                            text_member(error.metadata, "reason"), reason_of(error.details)});
  error.source = text_member(error.metadata, "limit_source");
  for (const cJSON* const holder : {from, body}) {
    const cJSON* const wait = member(holder, "retry_after");
    if (cJSON_IsNumber(wait) != 0) error.retry_after_s = wait->valuedouble;
  }
  return error;
}

bool is_error(const cJSON* body) {
  if (cJSON_IsArray(body) != 0) {
    const cJSON* const first = cJSON_GetArrayItem(body, 0);
    return cJSON_IsObject(first) != 0 && is_error(first);
  }
  const std::string_view type = text_member(body, "type");
  if (type == "error" || type == "response.failed") return true;
  if (text_member(body, "object") == "error" || failed_end(body) != nullptr) return true;
  if (cJSON_IsString(member(member(body, "x_groq"), "error")) != 0) return true;
  // OpenRouter's chunks hold an error beside their choices.
  const cJSON* const error = member(body, "error");
  return cJSON_GetArraySize(error) > 0 || !text_member(body, "error").empty();
}

}  // namespace llmq::provider
