// Single-flight: requests that ask for the same share one call.
//
// The call is a request of its own, the flight, which nobody has submitted: it stands in line, is
// charged, tried again and counted as an attempt like any other. The requests are its followers:
// they are in no line, take nothing of any limit, show the state of the flight, and end as it ends.
// Each may leave before, by its deadline or a cancel; with the last one the flight ends too. The
// host says which requests belong together; all are of one model and one tenant.
#ifndef LLMQ_CORE_FLIGHT_H_
#define LLMQ_CORE_FLIGHT_H_

#include <cstdint>

#include "core/queue/link.h"

namespace llmq::core {

struct Flight {
  LinkList followers;  // at least one, in the order in which they came
  uint64_t count = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_FLIGHT_H_
