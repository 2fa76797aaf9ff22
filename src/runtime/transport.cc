#include "runtime/transport.h"

#if defined(LLMQ_HAVE_HTTP)
#include "http/curl_library.h"
#endif

namespace llmq::runtime {

core::Result<core::Done> check_transport(const config::DeploymentConfig& config) {
#if defined(LLMQ_HAVE_HTTP)
  if (config.provider != config::ProviderKind::kHttp) return core::Done{};
  if (const auto& loaded = http::load_curl(); !loaded) {
    const std::string key = config.key_prefix() + "provider";
    return core::Error{loaded.error().code, key + ": " + loaded.error().message, key};
  }
#else
  static_cast<void>(config);
#endif
  return core::Done{};
}

}  // namespace llmq::runtime
