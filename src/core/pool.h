// Limits that several deployments share: the quota of one account that all its models draw on.
#ifndef LLMQ_CORE_POOL_H_
#define LLMQ_CORE_POOL_H_

#include <memory>
#include <vector>

#include "core/deployment.h"
#include "core/event.h"
#include "core/limit/limit.h"

namespace llmq::core {

struct Pool {
  PoolIndex index = 0;
  bool one_account = true;  // its members' quota is used up together
  std::vector<std::unique_ptr<Limit>> limits;
  std::vector<Deployment*> members;  // that draw on it
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POOL_H_
