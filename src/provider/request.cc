// Where a request goes and which headers it carries.
#include "provider/request.h"

#include <algorithm>

#include "provider/request_url.h"
#include "provider/text.h"
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

void add_headers(const std::vector<Header>& more, std::vector<Header>& headers) {
  for (const Header& header : more) {
    headers.erase(std::remove_if(headers.begin(), headers.end(),
                                 [&header](const Header& own) {
                                   return equal_ignoring_case(own.first, header.first);
                                 }),
                  headers.end());
  }
  headers.insert(headers.end(), more.begin(), more.end());
}

}  // namespace

core::Result<WireRequest> build_request(const Endpoint& endpoint, Operation operation,
                                        std::string_view model, bool stream,
                                        std::string_view api_key) {
  if (authority(endpoint.base_url).empty()) {
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
  request.url = request_url(endpoint, operation, model, stream);
  request.headers.emplace_back("Content-Type", "application/json");
  if (endpoint.profile->wire == Wire::kAnthropic && !endpoint.api_version.empty()) {
    request.headers.emplace_back("anthropic-version", endpoint.api_version);
  }
  if (!api_key.empty()) request.headers.push_back(key_header(*endpoint.profile, api_key));
  if (endpoint.headers != nullptr) add_headers(*endpoint.headers, request.headers);
  return request;
}

}  // namespace llmq::provider
