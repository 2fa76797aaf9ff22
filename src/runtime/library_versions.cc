#include "runtime/library_versions.h"

#include <cjson/cJSON.h>
#include <uv.h>

#include <array>
#include <cstdio>
#ifdef LLMQ_HAVE_HTTP
#include "http/curl_library.h"
#endif

namespace llmq::runtime {
namespace {

// Longer than what libcurl says of all that it can be built with.
using Text = std::array<char, 1024>;

Text written() {
  const char* curl = "";
#ifdef LLMQ_HAVE_HTTP
  curl = http::curl_versions();
#endif
  Text text{};
  std::snprintf(text.data(), text.size(), "libuv/%s cJSON/%s %s", uv_version_string(),
                cJSON_Version(), curl);
  return text;
}

}  // namespace

const char* library_versions() {
  static const Text text = written();
  return text.data();
}

}  // namespace llmq::runtime
