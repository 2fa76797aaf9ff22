// The errors of providers that speak OpenAI's wire form, but not in their errors.
#include <algorithm>
#include <string>

#include "mock/error_json.h"
#include "mock/errors.h"
#include "mock/limit_words.h"

namespace llmq::mock {

namespace {

std::string whole_seconds(Nanos wait) {
  return std::to_string((to_ms_rounded_up(wait) + 999) / 1000);
}

int64_t told_amount(const Problem& problem, int64_t otherwise) {
  return problem.refusal ? problem.refusal->told.amount : otherwise;
}

// An object of texts; a null text becomes null.
Json texts(std::initializer_list<std::pair<const char*, const char*>> members) {
  Json root(cJSON_CreateObject());
  for (const auto& [key, text] : members) add_text_or_null(root.get(), key, text);
  return root;
}

ErrorReply wrapped(int status, Json error) {
  const Json root(cJSON_CreateObject());
  cJSON_AddItemToObject(root.get(), "error", error.release());
  return {status, print_json(root)};
}

ErrorReply azure_reply(int status, const char* code, const std::string& message) {
  return wrapped(status, texts({{"code", code}, {"message", message.c_str()}}));
}

std::string azure_refusal(const Problem& problem) {
  const bool is_tokens = problem.refusal && is_of_tokens(problem.refusal->kind);
  std::string text =
      "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 "
      "have exceeded ";
  text += is_tokens ? "token" : "call";
  text += " rate limit of your current OpenAI S0 pricing tier.";
  if (problem.wait) text += " Please retry after " + whole_seconds(*problem.wait) + " seconds.";
  return text;
}

// "requests per minute (RPM)": Groq says the period in full where OpenAI shortens it.
std::string groq_dimension(const Refusal& refusal) {
  std::string text = dimension_of(refusal);
  const auto replace = [&](const std::string& from, const std::string& to) {
    const size_t start = text.find(from);
    if (start != std::string::npos) text.replace(start, from.size(), to);
  };
  replace(" per min ", " per minute ");
  replace(" per sec ", " per second ");
  return text;
}

std::string groq_refusal(const Problem& problem) {
  const bool is_large = problem.kind == ProblemKind::kNeverFits;
  std::string text = is_large ? "Request too large" : "Rate limit reached";
  text += " for model `" + problem.model + "` in organization `org_mock` service tier `on_demand`";
  if (problem.refusal) {
    text += " on " + groq_dimension(*problem.refusal) + ": " + limit_numbers(problem);
  }
  text += is_large ? ", please reduce your message size and try again." : ".";
  if (problem.wait && !is_large)
    text += " Please try again in " + format_go_nanos(*problem.wait) + ".";
  return text + " Visit https://console.groq.com/docs/rate-limits for more information.";
}

ErrorReply flat_mistral(int status, const char* message, const char* type,
                        const char* code = nullptr) {
  const Json root = texts({{"object", "error"},
                           {"message", message},
                           {"type", type},
                           {"param", nullptr},
                           {"code", code}});
  if (code != nullptr) add_int(root.get(), "raw_status_code", status);
  return {status, print_json(root)};
}

ErrorReply xai_reply(int status, const char* code, const std::string& text) {
  return {status, print_json(texts({{"code", code}, {"error", text.c_str()}}))};
}

std::string upper_first(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

std::string xai_refusal(const Problem& problem) {
  std::string text = "Too many requests for team mock and model " + problem.model + ".";
  if (!problem.refusal) return text;
  const Refusal& refusal = *problem.refusal;
  const std::string kind = is_of_tokens(refusal.kind) ? "Tokens" : "Requests";
  return text + " " + kind + " per " + upper_first(period_word(refusal.told.period)) +
         " (actual/limit): " + std::to_string(used_of(refusal) + refusal.requested) + "/" +
         std::to_string(refusal.told.amount);
}

ErrorReply openrouter_reply(int status, const std::string& message, Json metadata) {
  Json error(cJSON_CreateObject());
  cJSON_AddStringToObject(error.get(), "message", message.c_str());
  add_int(error.get(), "code", status);
  if (metadata != nullptr) cJSON_AddItemToObject(error.get(), "metadata", metadata.release());
  return wrapped(status, std::move(error));
}

ErrorReply openrouter_refusal(const Problem& problem) {
  const std::string amount = std::to_string(told_amount(problem, 20));
  const std::string period =
      problem.refusal ? period_word(problem.refusal->told.period) : std::string("minute");
  Json metadata(cJSON_CreateObject());
  if (problem.refusal) {
    const int64_t reset = problem.unix_ms + to_ms_rounded_up(problem.refusal->told.reset);
    cJSON* headers = cJSON_AddObjectToObject(metadata.get(), "headers");
    cJSON_AddStringToObject(headers, "X-RateLimit-Limit", amount.c_str());
    cJSON_AddStringToObject(headers, "X-RateLimit-Remaining", "0");
    cJSON_AddStringToObject(headers, "X-RateLimit-Reset", std::to_string(reset).c_str());
  }
  cJSON_AddNullToObject(metadata.get(), "provider_name");
  return openrouter_reply(429,
                          "Rate limit exceeded: limit_rpm/" + problem.model + ". High demand for " +
                              problem.model + " on OpenRouter - limited to " + amount +
                              " requests per " + period + ". Please retry shortly.",
                          std::move(metadata));
}

}  // namespace

ErrorReply describe_azure(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return azure_reply(404, "404", "Resource not found");
    case ProblemKind::kBadKey:
      return azure_reply(401, "401",
                         "Access denied due to invalid subscription key or wrong API endpoint. "
                         "Make sure to provide a valid key for an active subscription and use a "
                         "correct regional API endpoint for your resource.");
    case ProblemKind::kNoQuota:
      return azure_reply(403, "403", "Token quota is exceeded.");
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return azure_reply(429, "429", azure_refusal(problem));
    case ProblemKind::kServer:
      return azure_reply(500, "InternalServerError", "Internal server error");
    case ProblemKind::kOverloaded:
      return azure_reply(429, "429", "System is experiencing high demand. Please try again later.");
    case ProblemKind::kBodyTooLarge:
    case ProblemKind::kBadRequest:
      break;
  }
  return describe_openai(problem);
}

ErrorReply describe_groq(const Problem& problem) {
  OpenAiError error = openai_error(problem);
  switch (problem.kind) {
    case ProblemKind::kNeverFits:
      error.status = 413;
      error.message = groq_refusal(problem);
      break;
    case ProblemKind::kRateLimited:
      error.message = groq_refusal(problem);
      break;
    case ProblemKind::kBadKey:
      error.message = "Invalid API Key";
      break;
    case ProblemKind::kOverloaded:
      error = {498, "Flex tier capacity exceeded", "capacity_exceeded", "capacity_exceeded"};
      break;
    default:
      break;
  }
  Json body = texts({{"message", error.message.c_str()}, {"type", error.type}});
  if (error.code != nullptr) cJSON_AddStringToObject(body.get(), "code", error.code);
  return wrapped(error.status, std::move(body));
}

ErrorReply describe_mistral(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return {404, R"({"detail":"Not Found"})"};
    case ProblemKind::kBadKey:
      return {401, R"({"detail":"Invalid API Key"})"};
    case ProblemKind::kNoQuota:
      return {402, R"({"detail":"Payment required"})"};
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return flat_mistral(429, "Rate limit exceeded", "rate_limited", "1300");
    case ProblemKind::kServer:
      return flat_mistral(500, "Internal server error", "internal_server_error");
    case ProblemKind::kOverloaded:
      return flat_mistral(429, "Service tier capacity exceeded for this model.",
                          "invalid_request_error");
    case ProblemKind::kBodyTooLarge:
    case ProblemKind::kBadRequest:
      break;
  }
  return {422, print_json(texts({{"detail", problem.message.c_str()}}))};
}

ErrorReply describe_together(const Problem& problem) {
  OpenAiError error = openai_error(problem);
  switch (problem.kind) {
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits: {
      const std::string period =
          problem.refusal ? period_word(problem.refusal->told.period) : std::string("minute");
      error = {429,
               "You have been rate limited. Your rate limit is " +
                   std::to_string(told_amount(problem, 60)) + " queries per " + period +
                   ". Please navigate to https://api.together.xyz/settings/billing to upgrade "
                   "to a paid plan.",
               "credit_limit"};
      break;
    }
    case ProblemKind::kNoQuota:
      error = {402, "Credit limit exceeded, please add a payment method.", "credit_limit"};
      break;
    case ProblemKind::kOverloaded:
      error = {503, "The server is overloaded or not ready yet.", "server_error"};
      break;
    default:
      break;
  }
  return openai_reply(error, problem.param);
}

ErrorReply describe_fireworks(const Problem& problem) {
  const auto flat = [](int status, const char* type, const std::string& message) {
    return ErrorReply{
        status,
        print_json(texts(
            {{"object", "error"}, {"type", type}, {"code", type}, {"message", message.c_str()}}))};
  };
  switch (problem.kind) {
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return flat(429, "invalid_request_error", "rate limit exceeded, please try again later");
    case ProblemKind::kNoQuota:
      return wrapped(412, texts({{"message",
                                  "Account is suspended, possibly due to reaching the monthly "
                                  "spending limit or failure to pay past invoices."},
                                 {"type", "error"}}));
    case ProblemKind::kOverloaded:
      return wrapped(503, texts({{"object", "error"},
                                 {"type", "internal_server_error"},
                                 {"code", "service_unavailable"},
                                 {"message", "Service Overloaded"}}));
    default:
      break;
  }
  return describe_openai(problem);
}

ErrorReply describe_deepseek(const Problem& problem) {
  OpenAiError error = openai_error(problem);
  switch (problem.kind) {
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      error = {429, "Rate limit reached: concurrency limit exceeded", "rate_limit_error",
               "rate_limit_reached"};
      break;
    case ProblemKind::kNoQuota:
      error = {402, "Insufficient Balance", "unknown_error", "invalid_request_error"};
      break;
    case ProblemKind::kOverloaded:
      error = {503, "Server overloaded", "service_unavailable_error"};
      break;
    case ProblemKind::kBadKey:
      error = {401, "Authentication Fails, Your api key is invalid", "authentication_error",
               "invalid_request_error"};
      break;
    default:
      break;
  }
  return openai_reply(error, problem.param);
}

ErrorReply describe_xai(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return xai_reply(404, "not-found", problem.message);
    case ProblemKind::kBadKey:
      return xai_reply(400, "invalid-argument",
                       "Incorrect API key provided. You can obtain an API key from "
                       "https://console.x.ai.");
    case ProblemKind::kNoQuota:
      return xai_reply(429, "resource-exhausted", "Free usage quota exceeded. Purchase credits");
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return xai_reply(429, "resource-exhausted", xai_refusal(problem));
    case ProblemKind::kServer:
      return xai_reply(500, "internal", "Internal server error");
    case ProblemKind::kOverloaded:
      return xai_reply(503, "unavailable", "Service temporarily unavailable");
    case ProblemKind::kBodyTooLarge:
    case ProblemKind::kBadRequest:
      break;
  }
  return xai_reply(400, "invalid-argument", problem.message);
}

ErrorReply describe_openrouter(const Problem& problem) {
  switch (problem.kind) {
    case ProblemKind::kUnknownUrl:
      return openrouter_reply(404, problem.message, nullptr);
    case ProblemKind::kBodyTooLarge:
      return openrouter_reply(413, problem.message, nullptr);
    case ProblemKind::kBadKey:
      return openrouter_reply(401, "Missing Authentication header", nullptr);
    case ProblemKind::kNoQuota:
      return openrouter_reply(402,
                              "Insufficient credits. Add more using "
                              "https://openrouter.ai/settings/credits",
                              nullptr);
    case ProblemKind::kRateLimited:
    case ProblemKind::kNeverFits:
      return openrouter_refusal(problem);
    case ProblemKind::kServer:
      return openrouter_reply(502, "Provider returned error", nullptr);
    case ProblemKind::kOverloaded:
      return openrouter_reply(503, "Provider returned error", nullptr);
    case ProblemKind::kBadRequest:
      break;
  }
  return openrouter_reply(400, problem.message, nullptr);
}

ErrorReply describe_vllm(const Problem& problem) {
  const OpenAiError error = openai_error(problem);
  const char* type = error.status >= 500 ? "InternalServerError" : "BadRequestError";
  const Json root = texts({{"object", "error"},
                           {"message", error.message.c_str()},
                           {"type", type},
                           {"param", nullptr}});
  add_int(root.get(), "code", error.status);
  return {error.status, print_json(root)};
}

ErrorReply describe_llamacpp(const Problem& problem) {
  OpenAiError error = openai_error(problem);
  if (problem.kind == ProblemKind::kOverloaded) {
    error = {503, "Loading model", "unavailable_error"};
  } else if (problem.kind == ProblemKind::kBadKey) {
    error = {401, "Invalid API Key", "authentication_error"};
  }
  Json body(cJSON_CreateObject());
  add_int(body.get(), "code", error.status);
  cJSON_AddStringToObject(body.get(), "message", error.message.c_str());
  cJSON_AddStringToObject(body.get(), "type", error.type);
  return wrapped(error.status, std::move(body));
}

}  // namespace llmq::mock
