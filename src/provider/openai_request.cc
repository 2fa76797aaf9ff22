// The OpenAI-compatible request: where it goes and which headers it carries. The body is the
// caller's.
#include <algorithm>

#include "provider/provider.h"
#include "provider/url.h"

namespace llmq::provider {
namespace {

Header key_header(const Profile& profile, std::string_view api_key) {
  switch (profile.key_header) {
    case KeyHeader::kApiKey:
      return {"api-key", std::string(api_key)};
    case KeyHeader::kXApiKey:
      return {"x-api-key", std::string(api_key)};
    case KeyHeader::kXGoogApiKey:
      return {"x-goog-api-key", std::string(api_key)};
    case KeyHeader::kBearer:
      break;
  }
  return {"Authorization", std::string("Bearer ").append(api_key)};
}

}  // namespace

core::Result<WireRequest> build_request(const Profile& profile, std::string_view base_url,
                                        Operation operation, std::string_view api_key) {
  if (profile.wire != Wire::kOpenAi) {
    return core::Error{core::Status::kUnsupported,
                       "this version makes no requests for " + std::string(profile.name),
                       "provider"};
  }
  if (authority(base_url).empty()) {
    return core::Error{core::Status::kInvalidValue, "the base URL names no host", "base_url"};
  }
  // A line break would let a key add headers of its own.
  const bool printable =
      std::all_of(api_key.begin(), api_key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) {
    return core::Error{core::Status::kAuth,
                       "the API key holds a character that no HTTP header may hold", "api_key"};
  }
  WireRequest request;
  request.url = endpoint_url(base_url, operation);
  request.headers.emplace_back("Content-Type", "application/json");
  if (!api_key.empty()) {
    request.headers.push_back(key_header(profile, api_key));
  }
  return request;
}

}  // namespace llmq::provider
