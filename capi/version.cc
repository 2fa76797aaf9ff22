#include <cstddef>

#include "capi/guard.h"
#include "core/status.h"
#include "runtime/caller_struct.h"
#include "runtime/clock.h"
#include "runtime/library_versions.h"

#define LLMQ_TEXT(x) #x
#define LLMQ_TEXT_OF(x) LLMQ_TEXT(x)

using llmq::core::Status;

// The core's numbers are the header's.
static_assert(static_cast<int>(Status::kInvalidArg) == LLMQ_ERR_INVALID_ARG);
static_assert(static_cast<int>(Status::kDeadline) == LLMQ_ERR_DEADLINE);
static_assert(static_cast<int>(Status::kOversize) == LLMQ_ERR_OVERSIZE);
static_assert(static_cast<int>(Status::kRateLimited) == LLMQ_ERR_RATE_LIMITED);
static_assert(static_cast<int>(Status::kTransport) == LLMQ_ERR_TRANSPORT);
static_assert(static_cast<int>(Status::kUnknown) == LLMQ_ERR_UNKNOWN);

// The layout that programs were compiled against; members are only appended (64-bit platforms).
#if UINTPTR_MAX == UINT64_MAX
static_assert(sizeof(llmq_usage_t) == 48 && offsetof(llmq_usage_t, cost_micros) == 32);
static_assert(sizeof(llmq_event_t) == 144 && offsetof(llmq_event_t, handle) == 56);
static_assert(offsetof(llmq_event_t, state) == 124);
static_assert(sizeof(llmq_request_t) == 216 && offsetof(llmq_request_t, user_data) == 152);
static_assert(offsetof(llmq_request_t, cq) == 160);
static_assert(sizeof(llmq_stats_t) == 136 && offsetof(llmq_stats_t, wakeups) == 120);
static_assert(sizeof(llmq_outcome_t) == 112 && offsetof(llmq_outcome_t, metadata) == 96);
static_assert(sizeof(llmq_wait_t) == 96 && offsetof(llmq_wait_t, blocked_by) == 32);
// What programs of the first header have.
using llmq::runtime::FirstSize;
static_assert(FirstSize<llmq_usage_t>::value == 40 && FirstSize<llmq_event_t>::value == 128);
static_assert(FirstSize<llmq_request_t>::value == 216 && FirstSize<llmq_stats_t>::value == 128);
static_assert(FirstSize<llmq_wait_t>::value == 96 && FirstSize<llmq_outcome_t>::value == 112);
#endif

extern "C" {

uint32_t llmq_version_num(void) { return LLMQ_VERSION_NUM; }

const char* llmq_version_string(void) {
  return LLMQ_TEXT_OF(LLMQ_VERSION_MAJOR) "." LLMQ_TEXT_OF(LLMQ_VERSION_MINOR) "." LLMQ_TEXT_OF(
      LLMQ_VERSION_PATCH);
}

const char* llmq_version_libraries(void) {
  return llmq::capi::guarded_or("", [] { return llmq::runtime::library_versions(); });
}

uint32_t llmq_abi_version(void) { return LLMQ_ABI_VERSION; }

uint64_t llmq_features(void) {
  uint64_t features = LLMQ_FEATURE_MOCK;
#if defined(LLMQ_HAVE_HTTP)
  features |= LLMQ_FEATURE_HTTP;
#endif
#if defined(LLMQ_HAVE_CALENDAR)
  features |= LLMQ_FEATURE_CALENDAR;
#endif
  return features;
}

const char* llmq_status_name(llmq_status_t status) {
  return llmq::core::status_name(static_cast<Status>(status));
}

const char* llmq_status_message(llmq_status_t status) {
  return llmq::core::status_message(static_cast<Status>(status));
}

int64_t llmq_now_ns(void) { return llmq::runtime::mono_now().ns; }

size_t llmq_sizeof(int32_t what) {
  switch (what) {
    case LLMQ_SIZEOF_REQUEST:
      return sizeof(llmq_request_t);
    case LLMQ_SIZEOF_USAGE:
      return sizeof(llmq_usage_t);
    case LLMQ_SIZEOF_EVENT:
      return sizeof(llmq_event_t);
    case LLMQ_SIZEOF_STATS:
      return sizeof(llmq_stats_t);
    case LLMQ_SIZEOF_WAIT:
      return sizeof(llmq_wait_t);
    case LLMQ_SIZEOF_HOOK:
      return sizeof(llmq_hook_t);
    case LLMQ_SIZEOF_OUTCOME:
      return sizeof(llmq_outcome_t);
    default:
      return 0;
  }
}

}  // extern "C"
