#include "runtime/library_versions.h"

#include <cjson/cJSON.h>
#include <uv.h>

#include <array>
#include <cstdio>
#ifdef LLMQ_HAVE_HTTP
#include <curl/curl.h>
#endif

namespace llmq::runtime {
namespace {

// Longer than what libcurl says of all that it can be built with.
using Text = std::array<char, 1024>;

Text written() {
  const char* http = "";
#ifdef LLMQ_HAVE_HTTP
  http = curl_version();
#endif
  Text text{};
  std::snprintf(text.data(), text.size(), "libuv/%s cJSON/%s %s", uv_version_string(),
                cJSON_Version(), http);
  return text;
}

}  // namespace

const char* library_versions() {
  static const Text text = written();
  return text.data();
}

}  // namespace llmq::runtime
