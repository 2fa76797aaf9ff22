#include <cstring>
#include <string_view>

#include "capi/guard.h"
#include "capi/handles.h"
#include "core/limit/observation.h"
#include "provider/rate_limit_headers.h"
#include "runtime/clock.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;

namespace {

constexpr size_t kMostHeaders = 4096;

// `count` texts as the caller names them.
struct Texts {
  const char* const* data;
  const size_t* lens;

  bool complete(size_t count) const {
    if (count > 0 && data == nullptr) return false;
    for (size_t i = 0; i < count; ++i) {
      if (data[i] == nullptr) return false;
    }
    return true;
  }
  std::string_view at(size_t i) const {
    return {data[i], lens != nullptr ? lens[i] : std::strlen(data[i])};
  }
};

// The headers of an answer, as the caller names them.
struct Headers {
  Texts name;
  Texts value;
  size_t count;

  bool complete() const {
    return count <= kMostHeaders && name.complete(count) && value.complete(count);
  }
  llmq::core::Observed read() const {
    llmq::provider::RateLimitHeaders headers;
    for (size_t i = 0; i < count; ++i) headers.add(name.at(i), value.at(i));
    llmq::core::Observed observed;
    headers.finish(llmq::runtime::wall_unix_ms(), observed);
    return observed;
  }
};

}  // namespace

extern "C" {

llmq_status_t llmq_report_limits(llmq_manager_t* manager, const char* model, size_t model_len,
                                 const char* const* names, const size_t* name_lens,
                                 const char* const* values, const size_t* value_lens,
                                 size_t count) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  const Headers headers{{names, name_lens}, {values, value_lens}, count};
  if (model == nullptr || !headers.complete()) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    return code(
        manager->manager->report_limits(std::string_view(model, model_len), headers.read()));
  });
}

llmq_status_t llmq_attempt_report_limits(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                         const char* const* names, const size_t* name_lens,
                                         const char* const* values, const size_t* value_lens,
                                         size_t count) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  const Headers headers{{names, name_lens}, {values, value_lens}, count};
  if (!headers.complete()) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->report_limits(attempt, headers.read())); });
}

}  // extern "C"
