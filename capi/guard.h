// The one way through the C boundary: nothing is thrown across it.
#ifndef LLMQ_CAPI_GUARD_H_
#define LLMQ_CAPI_GUARD_H_

#include <llmq/llmq.h>

#include <new>

#include "core/status.h"

namespace llmq::capi {

inline llmq_status_t code(core::Status status) { return static_cast<llmq_status_t>(status); }

// Runs fn; what it throws becomes a status.
template <typename Fn>
llmq_status_t guarded(Fn&& fn) noexcept {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return LLMQ_ERR_NOMEM;
  } catch (...) {
    return LLMQ_ERR_INTERNAL;
  }
}

// For functions that return something else.
template <typename Result, typename Fn>
Result guarded_or(Result fallback, Fn&& fn) noexcept {
  try {
    return fn();
  } catch (...) {
    return fallback;
  }
}

}  // namespace llmq::capi

#endif  // LLMQ_CAPI_GUARD_H_
