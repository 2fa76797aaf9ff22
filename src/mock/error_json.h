// The error object that OpenAI's wire form made common, and variations of it.
#ifndef LLMQ_MOCK_ERROR_JSON_H_
#define LLMQ_MOCK_ERROR_JSON_H_

#include <string>
#include <utility>
#include <vector>

#include "mock/json.h"
#include "mock/provider.h"

namespace llmq::mock {

// The numbers of a refusal as OpenAI and Groq say them. "" if there is no limit at fault.
std::string limit_numbers(const Problem& problem);

struct OpenAiError {
  int status = 400;
  std::string message;
  const char* type = "invalid_request_error";
  const char* code = nullptr;
};

// What OpenAI says, from which others differ in places.
OpenAiError openai_error(const Problem& problem);

// {"error":{"message","type","param","code"}}; param and code may be null.
ErrorReply openai_reply(const OpenAiError& error, const char* param = nullptr);

inline void add_text_or_null(cJSON* object, const char* key, const char* text) {
  if (text == nullptr) {
    cJSON_AddNullToObject(object, key);
  } else {
    cJSON_AddStringToObject(object, key, text);
  }
}

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ERROR_JSON_H_
