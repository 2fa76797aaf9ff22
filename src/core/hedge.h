// The second call of a request that waits for its first output (policy/hedge.h).
//
// It is a record of the engine's own beside the request: it holds a grant like any attempt, runs
// under the request's next attempt number, and is in no line. Its host sees one request with two
// attempts. It is there only while the request's own attempt runs: when that fails, the request
// takes over the grant and goes on with it; when either brings output, the other is aborted.
#ifndef LLMQ_CORE_HEDGE_H_
#define LLMQ_CORE_HEDGE_H_

#include "core/request.h"

namespace llmq::core {

struct Hedge {
  Request run;  // first member
  Request* of = nullptr;

  // Of a record whose role is kHedge.
  static Hedge& of_run(Request& run) { return reinterpret_cast<Hedge&>(run); }
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_HEDGE_H_
