#include "runtime/limit_places.h"

#include <algorithm>
#include <string>

#include "config/value.h"

namespace llmq::runtime {
namespace {

bool has_cost(const std::vector<core::LimitSpec>& limits) {
  return std::any_of(limits.begin(), limits.end(), [](const core::LimitSpec& limit) {
    return limit.kind == core::LimitKind::kCost;
  });
}

}  // namespace

std::vector<core::LimitSpec> placed(std::vector<core::LimitSpec> places,
                                    const std::vector<core::LimitSpec>& limits) {
  for (const core::LimitSpec& limit : limits) {
    const bool known = std::any_of(places.begin(), places.end(), [&](const core::LimitSpec& place) {
      return core::is_same_limit(place, limit);
    });
    if (!known) places.push_back(limit);
  }
  return places;
}

core::Result<core::Done> check_together(const ModelEntry& model, const ModelSettings& settings,
                                        size_t at, const PoolEntry* changed,
                                        const std::vector<core::LimitSpec>& limits,
                                        std::string_view key) {
  const config::DeploymentConfig& config = settings.deployments[at];
  const DeploymentEntry& deployment = *settings.entries[at];
  size_t count = config.limits.size() + settings.tenant_limits.size();
  size_t place_count = placed(deployment.places, config.limits).size() +
                       placed(model.tenant_places, settings.tenant_limits).size();
  bool costs = false;
  for (const PoolEntry* pool : deployment.pools) {
    const auto own = pool->limits.read();
    const std::vector<core::LimitSpec>& theirs = pool == changed ? limits : *own;
    count += theirs.size();
    place_count += placed(pool->places, theirs).size();
    costs = costs || has_cost(theirs);
  }
  constexpr size_t kMost = core::kMaxLimitsPerModel;
  const char* which = count > kMost ? " limits with those of its pools; "
                                    : " limits with those of its pools, if those count that were "
                                      "taken away since it was registered; ";
  count = count > kMost ? count : place_count;
  if (count > kMost) {
    return config::bad_setting(key, config.title() + " would have " + std::to_string(count) +
                                        which + std::to_string(kMost) + " are allowed");
  }
  if (costs && !config.has_prices) {
    return config::bad_setting(
        key, "a limit of cost needs price_input and price_output of " + config.title());
  }
  return core::Done{};
}

}  // namespace llmq::runtime
