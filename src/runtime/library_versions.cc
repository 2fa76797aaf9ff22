#include "runtime/library_versions.h"

#include <cjson/cJSON.h>
#include <fmt/core.h>
#include <spdlog/version.h>
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

// date-tz has no number in its headers; CMake found it.
#ifdef LLMQ_DATE_VERSION
constexpr const char* kDate = " date-tz/" LLMQ_DATE_VERSION;
#else
constexpr const char* kDate = "";
#endif

Text written() {
  const char* curl = "";
#ifdef LLMQ_HAVE_HTTP
  curl = http::curl_versions();
#endif
  Text text{};
  // libcurl comes last: it goes on with what it is made of itself.
  std::snprintf(text.data(), text.size(), "libuv/%s cJSON/%s spdlog/%d.%d.%d fmt/%d.%d.%d%s %s",
                uv_version_string(), cJSON_Version(), SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR,
                SPDLOG_VER_PATCH, FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100,
                kDate, curl);
  return text;
}

}  // namespace

const char* library_versions() {
  static const Text text = written();
  return text.data();
}

}  // namespace llmq::runtime
