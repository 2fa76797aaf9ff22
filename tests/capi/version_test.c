/* llmq.h, section Version. */
#include "helpers.h"

static void version_is_the_header_s(void) {
  char text[32];
  CHECK_INT(LLMQ_VERSION_NUM, llmq_version_num());
  (void)snprintf(text, sizeof text, "%d.%d.%d", LLMQ_VERSION_MAJOR, LLMQ_VERSION_MINOR,
                 LLMQ_VERSION_PATCH);
  CHECK_TEXT(text, llmq_version_string());
  CHECK_INT(LLMQ_ABI_VERSION, llmq_abi_version());
}

static void libraries_are_named_with_their_versions(void) {
  const char* libraries = llmq_version_libraries();
  CHECK_HAS("libuv/1.", libraries);
  CHECK_HAS("cJSON/1.", libraries);
  CHECK_HAS(" spdlog/1.", libraries);
  CHECK_HAS(" fmt/", libraries);
  if ((llmq_features() & LLMQ_FEATURE_CALENDAR) != 0) CHECK_HAS(" date-tz/", libraries);
  if ((llmq_features() & LLMQ_FEATURE_HTTP) != 0) CHECK_HAS("libcurl/", libraries);
  CHECK(libraries == llmq_version_libraries());
}

static void features_always_have_the_mock(void) {
  const uint64_t known = LLMQ_FEATURE_HTTP | LLMQ_FEATURE_MOCK | LLMQ_FEATURE_CALENDAR;
  CHECK((llmq_features() & LLMQ_FEATURE_MOCK) != 0);
  CHECK((llmq_features() & ~known) == 0);
}

static void every_status_has_a_name_and_a_sentence(void) {
  CHECK_TEXT("LLMQ_OK", llmq_status_name(LLMQ_OK));
  CHECK_TEXT("LLMQ_ERR_INVALID_ARG", llmq_status_name(LLMQ_ERR_INVALID_ARG));
  CHECK_TEXT("LLMQ_ERR_TIMEOUT", llmq_status_name(LLMQ_ERR_TIMEOUT));
  CHECK_TEXT("LLMQ_ERR_RATE_LIMITED", llmq_status_name(LLMQ_ERR_RATE_LIMITED));
  CHECK_TEXT("LLMQ_ERR_UNKNOWN", llmq_status_name(LLMQ_ERR_UNKNOWN));
  for (llmq_status_t a = LLMQ_OK; a >= LLMQ_ERR_UNKNOWN; --a) {
    CHECK_HAS("LLMQ_", llmq_status_name(a));
    CHECK(strlen(llmq_status_message(a)) > 1);
    for (llmq_status_t b = LLMQ_OK; b > a; --b) {
      CHECK(strcmp(llmq_status_name(a), llmq_status_name(b)) != 0);
      CHECK(strcmp(llmq_status_message(a), llmq_status_message(b)) != 0);
    }
  }
}

static void an_unknown_status_still_prints(void) {
  const llmq_status_t unknown[] = {1, INT32_MAX, LLMQ_ERR_UNKNOWN - 1, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i) {
    CHECK_TEXT("LLMQ_ERR_?", llmq_status_name(unknown[i]));
    CHECK(strlen(llmq_status_message(unknown[i])) > 1);
  }
}

static void the_clock_never_goes_back(void) {
  int64_t last = llmq_now_ns();
  CHECK(last > 0);
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = llmq_now_ns();
    CHECK(now >= last);
    last = now;
  }
}

static void sizes_are_the_header_s(void) {
  CHECK_INT(sizeof(llmq_request_t), llmq_sizeof(LLMQ_SIZEOF_REQUEST));
  CHECK_INT(sizeof(llmq_usage_t), llmq_sizeof(LLMQ_SIZEOF_USAGE));
  CHECK_INT(sizeof(llmq_event_t), llmq_sizeof(LLMQ_SIZEOF_EVENT));
  CHECK_INT(sizeof(llmq_stats_t), llmq_sizeof(LLMQ_SIZEOF_STATS));
  CHECK_INT(0, llmq_sizeof(0));
  CHECK_INT(0, llmq_sizeof(-1));
  CHECK_INT(0, llmq_sizeof(1000));
}

int main(void) {
  RUN(version_is_the_header_s);
  RUN(libraries_are_named_with_their_versions);
  RUN(features_always_have_the_mock);
  RUN(every_status_has_a_name_and_a_sentence);
  RUN(an_unknown_status_still_prints);
  RUN(the_clock_never_goes_back);
  RUN(sizes_are_the_header_s);
  return 0;
}
