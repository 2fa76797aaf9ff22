#include "mock/provider.h"

#include <array>

#include "mock/errors.h"

namespace llmq::mock {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void add_groq_usage(cJSON* object, const Usage& usage) {
  constexpr double kSecondsPerToken = 0.0005;
  const double input_s = kSecondsPerToken * static_cast<double>(usage.input_tokens);
  const double output_s = kSecondsPerToken * static_cast<double>(usage.output_tokens);
  cJSON_AddNumberToObject(object, "queue_time", 0.0625);
  cJSON_AddNumberToObject(object, "prompt_time", input_s);
  cJSON_AddNumberToObject(object, "completion_time", output_s);
  cJSON_AddNumberToObject(object, "total_time", input_s + output_s);
}

void add_together_usage(cJSON* object, const Usage& /*usage*/) {
  add_int(object, "cached_tokens", 0);
}

void add_deepseek_usage(cJSON* object, const Usage& usage) {
  add_int(object, "prompt_cache_hit_tokens", 0);
  add_int(object, "prompt_cache_miss_tokens", usage.input_tokens);
}

void add_openrouter_usage(cJSON* object, const Usage& usage) {
  const int64_t tokens = usage.input_tokens + usage.output_tokens;
  cJSON_AddNumberToObject(object, "cost", 1e-6 * static_cast<double>(tokens));
  cJSON_AddFalseToObject(object, "is_byok");
}

// A provider with OpenAI's wire form, to be changed where it differs.
Provider like_openai(const char* name, ErrorReply (*describe)(const Problem&),
                     void (*tell_limits)(Headers&, const LimitNews&)) {
  Provider provider;
  provider.name = name;
  provider.id_header = "x-request-id";
  provider.describe = describe;
  provider.tell_limits = tell_limits;
  return provider;
}

Provider make_openai() {
  Provider provider = like_openai("openai", &describe_openai, &tell_openai);
  provider.retry = RetryLines::kSecondsAndMs;
  provider.words_unit = milliseconds(1);
  return provider;
}

Provider make_azure(const char* name, void (*tell_limits)(Headers&, const LimitNews&)) {
  Provider provider = like_openai(name, &describe_azure, tell_limits);
  provider.retry = RetryLines::kSecondsAndMs;
  provider.words_unit = seconds(1);
  provider.overload_tells_wait = true;
  provider.never_fits_tells_wait = true;
  provider.first_chunk =
      R"({"choices":[],"created":0,"id":"","model":"","object":"",)"
      R"("prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]})";
  return provider;
}

Provider make_groq() {
  Provider provider = like_openai("groq", &describe_groq, &tell_groq);
  provider.retry = RetryLines::kSeconds;
  provider.words_unit = Nanos(1);
  provider.never_fits_tells_wait = true;
  provider.stream_usage = StreamUsage::kGroq;
  provider.add_usage = &add_groq_usage;
  return provider;
}

Provider make_mistral() {
  Provider provider = like_openai("mistral", &describe_mistral, &tell_mistral);
  provider.stream_usage = StreamUsage::kLastText;
  return provider;
}

Provider make_together() {
  Provider provider = like_openai("together", &describe_together, &tell_together);
  provider.stream_usage = StreamUsage::kLastText;
  provider.add_usage = &add_together_usage;
  return provider;
}

Provider make_deepseek() {
  Provider provider = like_openai("deepseek", &describe_deepseek, &tell_nothing);
  provider.stream_usage = StreamUsage::kLastText;
  provider.add_usage = &add_deepseek_usage;
  provider.keep_alive = ": keep-alive\n\n: keep-alive\n\n";
  provider.leading_blanks = "\n\n\n\n";
  return provider;
}

Provider make_xai() {
  Provider provider = like_openai("xai", &describe_xai, &tell_xai);
  provider.retry = RetryLines::kSeconds;
  return provider;
}

Provider make_openrouter() {
  Provider provider = like_openai("openrouter", &describe_openrouter, &tell_openrouter);
  provider.retry = RetryLines::kSeconds;
  provider.stream_usage = StreamUsage::kLastText;
  provider.add_usage = &add_openrouter_usage;
  provider.keep_alive = ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n";
  return provider;
}

Provider make_anthropic() {
  Provider provider = like_openai("anthropic", &describe_anthropic, &tell_anthropic);
  provider.id_header = "request-id";
  provider.retry = RetryLines::kSeconds;
  provider.marks_retry = true;
  return provider;
}

Provider make_gemini(const char* name, ErrorReply (*describe)(const Problem&)) {
  Provider provider = like_openai(name, describe, &tell_gemini);
  provider.words_unit = Nanos(1);
  return provider;
}

const Provider kAzureFoundry = make_azure("azure_foundry", &tell_azure_foundry);
const Provider kMistral = make_mistral();
const Provider kGroq = make_groq();
const Provider kTogether = make_together();
const Provider kFireworks = like_openai("fireworks", &describe_fireworks, &tell_fireworks);
const Provider kDeepSeek = make_deepseek();
const Provider kXai = make_xai();
const Provider kOpenRouter = make_openrouter();
const Provider kVllm = like_openai("vllm", &describe_vllm, &tell_nothing);
const Provider kLlamaCpp = like_openai("llamacpp", &describe_llamacpp, &tell_nothing);
const Provider kGeminiOpenAi = make_gemini("gemini_openai", &describe_gemini_openai);

constexpr std::array<const Provider*, 13> kChoices{
    &kOpenAi,   &kAzure, &kAzureFoundry, &kMistral, &kGroq,     &kTogether,    &kFireworks,
    &kDeepSeek, &kXai,   &kOpenRouter,   &kVllm,    &kLlamaCpp, &kGeminiOpenAi};

}  // namespace

const Provider kOpenAi = make_openai();
const Provider kAzure = make_azure("azure", &tell_azure);
const Provider kAnthropic = make_anthropic();
const Provider kGemini = make_gemini("gemini", &describe_gemini);
const Provider kCohere = like_openai("cohere", &describe_cohere, &tell_cohere);
const Provider kOllama = like_openai("ollama", &describe_ollama, &tell_nothing);

const Provider& provider_of(const Route& route, const Provider& chosen) {
  switch (route.endpoint) {
    case Endpoint::kAnthropic:
      return kAnthropic;
    case Endpoint::kGemini:
    case Endpoint::kGeminiArray:
      return kGemini;
    case Endpoint::kCohere:
      return kCohere;
    case Endpoint::kOllama:
      return kOllama;
    case Endpoint::kChat:
    case Endpoint::kEmbeddings:
    case Endpoint::kResponses:
      break;
  }
  // Only Azure has deployments in its URLs.
  return route.is_deployment && chosen.name == kOpenAi.name ? kAzure : chosen;
}

const Provider* find_provider(std::string_view name) {
  for (const Provider* provider : kChoices) {
    if (provider->name == name) return provider;
  }
  return nullptr;
}

std::string provider_names() {
  std::string names;
  for (size_t i = 0; i < kChoices.size(); ++i) {
    if (i > 0) names += i + 1 < kChoices.size() ? ", " : " or ";
    names += kChoices.at(i)->name;
  }
  return names;
}

}  // namespace llmq::mock
