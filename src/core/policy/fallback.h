// Where a request goes that its model cannot answer: to other models, one after the other.
//
// It goes when it would end with one of the chosen statuses, its own attempts being used up or of
// no use, or when it has waited for longer than a bound. It keeps its age, and with it its place
// among those who wait there; the limits, budgets and prices of the other model hold for it.
#ifndef LLMQ_CORE_POLICY_FALLBACK_H_
#define LLMQ_CORE_POLICY_FALLBACK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace llmq::core {

// The bit of a status in FallbackSpec::on; 0: no other model would help.
constexpr uint32_t fallback_class(Status status) {
  switch (status) {
    case Status::kRateLimited:
    case Status::kQuotaExhausted:
    case Status::kOverloaded:
    case Status::kServer:
    case Status::kTransport:
    case Status::kTimeout:
    case Status::kAuth:
    case Status::kContextTooLong:
    case Status::kContentFilter:
    case Status::kOversize:
      return uint32_t{1} << static_cast<uint32_t>(-static_cast<int32_t>(status) % 32);
    default:
      return 0;
  }
}

struct FallbackSpec {
  std::vector<uint32_t> models;  // their indexes, in this order
  uint32_t on = 0;               // a set of fallback_class()
  DurationNs after{};            // of waiting; 0: waiting is no reason
};

// Of a request that has left its model.
struct Fallen {
  uint32_t from = 0;  // the model that was asked for: its settings hold
  size_t next = 0;    // place in its list of where it would go next
  TimeNs since{};     // it waits where it is now
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_FALLBACK_H_
