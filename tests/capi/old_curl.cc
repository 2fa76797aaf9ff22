// A libcurl that is too old, whatever is asked of it.
#include "http/curl_library.h"

static void* version_info() {
  static curl_version_info_data info{};
  info.version = "7.79.1";
  info.version_num = 0x074f01;
  return &info;
}

// Declared by <curl/curl.h> in other ways, so named for the linker alone.
#define LLMQ_OLD(name)                              \
  extern "C" void* old_##name() asm("curl_" #name); \
  void* old_##name() { return version_info(); }
LLMQ_CURL_FUNCTIONS(LLMQ_OLD)
