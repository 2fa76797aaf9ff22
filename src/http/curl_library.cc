#include "http/curl_library.h"

#include <new>

namespace llmq::http {
namespace {

CurlFunctions functions;  // complete before load_curl() says that they may be used

core::Error unusable(const std::string& why) {
  return {core::Status::kUnsupported,
          LLMQ_CURL_SONAME ", which calls over HTTP need, cannot be used: " + why, ""};
}

core::Result<core::Done> load() {
  const std::string why = find_curl(functions);
  if (!why.empty()) return unusable(why);
  const curl_version_info_data& found = *functions.version_info(CURLVERSION_NOW);
  if (found.version_num < LLMQ_CURL_NEEDS_NUM) {
    return unusable(std::string("it is libcurl ") + found.version +
                    ", and " LLMQ_CURL_NEEDS " or newer is needed");
  }
  // Never undone: the process may use libcurl for other ends, and clients may live.
  const CURLcode made_ready = functions.global_init(CURL_GLOBAL_DEFAULT);
  if (made_ready == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();  // the next call tries again
  if (made_ready != CURLE_OK) return unusable("it cannot be initialised");
  return core::Done{};
}

}  // namespace

const core::Result<core::Done>& load_curl() {
  // Not destroyed at exit, when threads may still ask.
  static const auto* const loaded = new core::Result<core::Done>(load());
  return *loaded;
}

const CurlFunctions& curl() { return functions; }

const char* curl_versions() { return load_curl() ? functions.version() : "libcurl/missing"; }

}  // namespace llmq::http
