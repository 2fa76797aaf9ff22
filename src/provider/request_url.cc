#include "provider/request_url.h"

#include "provider/text.h"
#include "provider/url.h"

namespace llmq::provider {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string_view without_slashes(std::string_view url) {
  while (!url.empty() && url.back() == '/') url.remove_suffix(1);
  return url;
}

// The base, and `version` behind it unless it names one itself.
std::string versioned(std::string_view base_url, std::string_view version) {
  const std::string_view base = without_slashes(base_url);
  std::string url(base);
  if (!path_names_version(path(base))) url += version;
  return url;
}

// Azure has three forms: by deployment, OpenAI's own paths, and one for models of others.
enum class AzureForm : uint8_t { kDeployments, kOpenAiPaths, kModels };

AzureForm azure_form(std::string_view base_url) {
  const std::string_view base = without_slashes(base_url);
  if (ends_with(path(base), "/openai/v1")) return AzureForm::kOpenAiPaths;
  const std::string_view name = host(authority(base));
  constexpr std::string_view kServices = ".services.ai.azure.com";
  const bool serves_others =
      name.size() > kServices.size() &&
      equal_ignoring_case(name.substr(name.size() - kServices.size()), kServices);
  return serves_others && path(base).find("/openai") == std::string_view::npos
             ? AzureForm::kModels
             : AzureForm::kDeployments;
}

bool is_azure(const Profile& profile) { return profile.key_header == KeyHeader::kApiKey; }

std::string azure_url(const Endpoint& endpoint, Operation operation, std::string_view deployment) {
  std::string url(without_slashes(endpoint.base_url));
  const AzureForm form = azure_form(url);
  if (form == AzureForm::kOpenAiPaths) return url.append(operation_path(operation));
  if (form == AzureForm::kModels) {
    if (!ends_with(path(url), "/models")) url += "/models";
  } else if (path(url).find("/deployments/") == std::string_view::npos) {
    if (!ends_with(path(url), "/openai")) url += "/openai";
    if (operation != Operation::kResponses) url += "/deployments/" + escaped_path(deployment);
  }
  url += operation_path(operation);
  if (!endpoint.api_version.empty()) {
    url += "?api-version=" + escaped_path(endpoint.api_version);
  }
  return url;
}

std::string gemini_url(const Endpoint& endpoint, Operation operation, std::string_view model,
                       bool stream) {
  std::string url = versioned(endpoint.base_url, "/v1beta") + "/";
  if (model.find('/') == std::string_view::npos) url += "models/";
  url += escaped_path(model);
  if (operation == Operation::kEmbeddings) return url + ":batchEmbedContents";
  return url + (stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
}

std::string ollama_url(std::string_view base_url, Operation operation) {
  std::string url(without_slashes(base_url));
  if (!ends_with(path(url), "/api")) url += "/api";
  return url + (operation == Operation::kEmbeddings ? "/embed" : "/chat");
}

}  // namespace

std::string escaped_path(std::string_view name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:@/").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      escaped += c;
    } else {
      escaped += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return escaped;
}

bool url_names_model(const Endpoint& endpoint, Operation operation) {
  if (endpoint.profile->wire == Wire::kGemini) return true;
  return is_azure(*endpoint.profile) && operation != Operation::kResponses &&
         azure_form(endpoint.base_url) == AzureForm::kDeployments;
}

std::string request_url(const Endpoint& endpoint, Operation operation, std::string_view model,
                        bool stream) {
  switch (endpoint.profile->wire) {
    case Wire::kAnthropic:
      return versioned(endpoint.base_url, "/v1") + "/messages";
    case Wire::kGemini:
      return gemini_url(endpoint, operation, model, stream);
    case Wire::kCohere:
      return versioned(endpoint.base_url, "/v2") +
             (operation == Operation::kEmbeddings ? "/embed" : "/chat");
    case Wire::kOllama:
      return ollama_url(endpoint.base_url, operation);
    case Wire::kOpenAi:
    case Wire::kBedrock:  // prepare() lets no request of it pass
      break;
  }
  if (is_azure(*endpoint.profile)) return azure_url(endpoint, operation, model);
  return endpoint_url(endpoint.base_url, operation);
}

}  // namespace llmq::provider
