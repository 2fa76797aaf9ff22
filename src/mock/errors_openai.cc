#include "mock/limit_words.h"
#include "mock/provider.h"

#include "mock/json.h"

namespace llmq::mock {

namespace {

// {"error":{"message","type","param","code"}}; param and code may be null.
struct Shape {
  int status;
  std::string message;
  const char* type;
  const char* code;
};

void add_text_or_null(cJSON* object, const char* key, const char* text) {
  if (text == nullptr) {
    cJSON_AddNullToObject(object, key);
  } else {
    cJSON_AddStringToObject(object, key, text);
  }
}

std::string refusal_message(const Problem& problem) {
  std::string text = problem.kind == ProblemKind::kNeverFits ? "Request too large for "
                                                             : "Rate limit reached for ";
  text += problem.model;
  if (problem.refusal) {
    text += " in organization org-mock on " + dimension_of(*problem.refusal) + ": Limit " +
            std::to_string(problem.refusal->told.amount) + ", Used " +
            std::to_string(used_of(*problem.refusal)) + ", Requested " +
            std::to_string(problem.refusal->requested);
  }
  text += ".";
  if (problem.wait) text += " Please try again in " + format_go_duration(*problem.wait) + ".";
  return text;
}

Shape shape_of(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return {404, problem.message, "invalid_request_error", nullptr};
    case ProblemKind::kBodyTooLarge:
      return {413, problem.message, "invalid_request_error", nullptr};
    case ProblemKind::kBadKey:
      return {401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"};
    case ProblemKind::kNoQuota:
      return {429, "You exceeded your current quota, please check your plan and billing details.",
              "insufficient_quota", "insufficient_quota"};
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits: {
      const bool is_tokens = problem.refusal && is_of_tokens(problem.refusal->kind);
      return {429, refusal_message(problem), is_tokens ? "tokens" : "requests",
              "rate_limit_exceeded"};
    }
    case ProblemKind::kServer:
      return {500,
              "The server had an error processing your request. Sorry about that! You can retry "
              "your request.",
              "server_error", nullptr};
    case ProblemKind::kOverloaded:
      return {503,
              "The server is currently overloaded with other requests. Sorry about that! You can "
              "retry your request.",
              "server_error", nullptr};
    case ProblemKind::kBadRequest:
      break;
  }
  return {400, problem.message, "invalid_request_error", nullptr};
}

ErrorReply describe_openai(const Problem& problem) {
  const Shape shape = shape_of(problem);
  const Json root(cJSON_CreateObject());
  cJSON* object = cJSON_AddObjectToObject(root.get(), "error");
  cJSON_AddStringToObject(object, "message", shape.message.c_str());
  cJSON_AddStringToObject(object, "type", shape.type);
  add_text_or_null(object, "param", problem.param);
  add_text_or_null(object, "code", shape.code);
  return {shape.status, print_json(root)};
}

}  // namespace

const Provider kOpenAi{"openai", "x-request-id", &describe_openai};

}  // namespace llmq::mock
