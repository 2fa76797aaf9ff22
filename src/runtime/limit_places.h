// How many limits a deployment may have while it is in use.
#ifndef LLMQ_RUNTIME_LIMIT_PLACES_H_
#define LLMQ_RUNTIME_LIMIT_PLACES_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/result.h"
#include "runtime/registry.h"

namespace llmq::runtime {

// With those of `limits` that have no place yet.
std::vector<core::LimitSpec> placed(std::vector<core::LimitSpec> places,
                                    const std::vector<core::LimitSpec>& limits);

// What a deployment, the one at `at` of `settings`, and its pools must be together: `changed`, if
// it is one of them, has `limits` then. Running attempts name limits by their place, so a limit
// that was taken away keeps its own. `key` is at fault. Under the registry's mutex.
core::Result<core::Done> check_together(const ModelEntry& model, const ModelSettings& settings,
                                        size_t at, const PoolEntry* changed,
                                        const std::vector<core::LimitSpec>& limits,
                                        std::string_view key);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LIMIT_PLACES_H_
