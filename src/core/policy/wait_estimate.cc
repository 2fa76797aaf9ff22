#include "core/policy/wait_estimate.h"

#include <algorithm>

#include "core/queue/class_line.h"

namespace llmq::core {
namespace {

__extension__ using Wide = __int128;
constexpr int64_t kLongest = int64_t{1} << 61;

// a * b / c, clamped.
int64_t scaled(int64_t a, int64_t b, int64_t c) {
  return static_cast<int64_t>(std::min<Wide>(static_cast<Wide>(a) * b / c, kLongest));
}

// d/w of a request that is like the average of those.
uint64_t mean_cost(const Waiting& waiting, const TenantFlows& tenant, const Limiter& limiter) {
  return virtual_cost(limiter.dominant_share(waiting.part(1).demand()), tenant.weight);
}

// Of another flow of the same class: those whose start tags are earlier than `start`.
Waiting with_earlier_tag(const FairQueue& queue, const Flow& own, uint64_t start, const Flow& other,
                         const Limiter& limiter) {
  const auto lead = static_cast<int64_t>(start - other.start);
  if (lead < 0) return {};
  const auto cost = static_cast<int64_t>(mean_cost(other.waiting, *other.tenant, limiter));
  int64_t count = lead / cost;
  const bool tie_is_theirs = !queue.order().contains(own.id) || !queue.order().contains(other.id) ||
                             static_cast<int32_t>(queue.order().entry(other.id).order -
                                                  queue.order().entry(own.id).order) < 0;
  if (lead % cost > 0 || tie_is_theirs) ++count;
  return other.waiting.part(std::min(count, other.waiting.count));
}

// Of a flow of another class: those that came before `bound`, if they came at a steady pace.
Waiting older_than(Flow& flow, TimeNs bound) {
  const TimeNs oldest = flow.line.front()->submitted;
  const TimeNs newest = flow.line.newest()->submitted;
  if (bound <= oldest) return {};
  if (bound > newest) return flow.waiting;
  return flow.waiting.part(
      scaled(flow.waiting.count, (bound - oldest).ns, (newest - oldest).ns + 1) + 1);
}

}  // namespace

Waiting waiting_before(ClassLine& line, const TenantFlows& tenant, const Request& request,
                       const Limiter& limiter) {
  const size_t own_class = class_of(request);
  Flow& own = *tenant.flows[own_class];
  Waiting ahead = own.line.before(request, own.waiting);
  FairQueue& queue = line.in_class(own_class);
  if (queue.known() > 1) {
    const uint64_t cost = mean_cost(own.waiting, tenant, limiter);
    const uint64_t start = own.start + static_cast<uint64_t>(ahead.count) * cost;
    for (uint32_t id = 0; id < queue.flows(); ++id) {
      const Flow& other = queue.flow(id);
      if (&other == &own || other.waiting.count == 0 || other.tenant->parked) continue;
      ahead += with_earlier_tag(queue, own, start, other, limiter);
    }
  }
  for (size_t index = 0; index < kClasses; ++index) {
    if (index == own_class) continue;
    const TimeNs bound = request.submitted + kClassOffsets[own_class] - kClassOffsets[index];
    FairQueue& others = line.in_class(index);
    for (uint32_t id = 0; id < others.flows(); ++id) {
      Flow& flow = others.flow(id);
      if (flow.waiting.count == 0 || flow.tenant->parked) continue;
      ahead += older_than(flow, bound);
    }
  }
  return ahead;
}

int64_t cost_of(const Limit& limit, const Waiting& waiting) {
  if (limit.is_concurrency() || limit.spec().kind == LimitKind::kRequests) return waiting.count;
  return limit.cost_of(waiting.demand());
}

DurationNs time_until(TimeNs now, Limit& limit, int64_t cost) {
  const LimitSpec& spec = limit.spec();
  if (cost <= spec.amount) {
    const TimeNs at = limit.earliest(now, cost);
    if (at != kNever) return at - now;
  }
  const int64_t available = spec.amount - limit.used(now) - limit.held();
  if (cost <= available) return {};
  return {scaled(cost - available, spec.period.ns + spec.jitter.ns, spec.amount)};
}

DurationNs least_time_until(TimeNs now, Limit& limit, int64_t cost) {
  const LimitSpec& spec = limit.spec();
  if (cost <= 0) return {};
  if (cost > spec.amount && spec.shape != Shape::kSliding) {
    // No shape lets through more than 2N at once and N per T after that.
    return {scaled(std::max<int64_t>(cost - 2 * spec.amount, 0), spec.period.ns, spec.amount)};
  }
  const int64_t windows = (cost - 1) / spec.amount;
  const TimeNs at = limit.earliest_if_proven(now, cost - windows * spec.amount);
  const int64_t rest = at == kNever ? 0 : (at - now).ns;
  return {rest + scaled(windows, spec.period.ns, 1)};
}

}  // namespace llmq::core
