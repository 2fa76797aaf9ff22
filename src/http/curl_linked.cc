// libcurl as a part of the program, or as a library that the linker has been told of.
#include "http/curl_library.h"

namespace llmq::http {

std::string find_curl(CurlFunctions& functions) {
#define LLMQ_CURL_TAKE(name) functions.name = &curl_##name;
  LLMQ_CURL_FUNCTIONS(LLMQ_CURL_TAKE)
#undef LLMQ_CURL_TAKE
  return "";
}

}  // namespace llmq::http
