#include "mock/error_json.h"
#include "mock/errors.h"
#include "mock/limit_words.h"

namespace llmq::mock {

namespace {

OpenAiError refusal_error(const Problem& problem) {
  OpenAiError error;
  error.status = 429;
  error.type = problem.refusal && is_of_tokens(problem.refusal->kind) ? "tokens" : "requests";
  error.code = "rate_limit_exceeded";
  error.message = problem.kind == ProblemKind::kNeverFits ? "Request too large for "
                                                          : "Rate limit reached for ";
  error.message += problem.model;
  if (problem.refusal) {
    error.message += " in organization org-mock on " + dimension_of(*problem.refusal) + ": " +
                     limit_numbers(problem);
  }
  error.message += ".";
  if (problem.wait) {
    error.message += " Please try again in " + format_go_duration(*problem.wait) + ".";
  }
  return error;
}

}  // namespace

std::string limit_numbers(const Problem& problem) {
  if (!problem.refusal) return "";
  return "Limit " + std::to_string(problem.refusal->told.amount) + ", Used " +
         std::to_string(used_of(*problem.refusal)) + ", Requested " +
         std::to_string(problem.refusal->requested);
}

OpenAiError openai_error(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return {404, problem.message};
    case ProblemKind::kBodyTooLarge:
      return {413, problem.message};
    case ProblemKind::kBadKey:
      return {401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"};
    case ProblemKind::kNoQuota:
      return {429, "You exceeded your current quota, please check your plan and billing details.",
              "insufficient_quota", "insufficient_quota"};
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return refusal_error(problem);
    case ProblemKind::kServer:
      return {500,
              "The server had an error processing your request. Sorry about that! You can retry "
              "your request.",
              "server_error"};
    case ProblemKind::kOverloaded:
      return {503,
              "The server is currently overloaded with other requests. Sorry about that! You can "
              "retry your request.",
              "server_error"};
    case ProblemKind::kBadRequest:
      break;
  }
  return {400, problem.message};
}

ErrorReply openai_reply(const OpenAiError& error, const char* param) {
  const Json root(cJSON_CreateObject());
  cJSON* object = cJSON_AddObjectToObject(root.get(), "error");
  cJSON_AddStringToObject(object, "message", error.message.c_str());
  cJSON_AddStringToObject(object, "type", error.type);
  add_text_or_null(object, "param", param);
  add_text_or_null(object, "code", error.code);
  return {error.status, print_json(root)};
}

ErrorReply describe_openai(const Problem& problem) {
  return openai_reply(openai_error(problem), problem.param);
}

}  // namespace llmq::mock
