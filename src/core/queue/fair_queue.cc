#include "core/queue/fair_queue.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {
namespace {

constexpr int64_t kUnitShare = 1'000'000;
constexpr int64_t kMostShare = int64_t{1} << 52;  // 52 days: longer than any limit's period

uint64_t later(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b) > 0 ? a : b; }

}  // namespace

uint64_t virtual_cost(DurationNs share, uint32_t weight) {
  const int64_t counted = share.ns == 0 ? kUnitShare : std::min(share.ns, kMostShare);
  if (weight == kWeightOne) return static_cast<uint64_t>(counted);
  return static_cast<uint64_t>(std::max<int64_t>(counted * kWeightOne / weight, 1));
}

Flow& FairQueue::flow_of(TenantFlows& tenant, size_t own_class) {
  Flow*& flow = tenant.flows[own_class];
  if (flow != nullptr) return *flow;
  forget_some();
  if (unused_.empty()) {
    flow = &add_flow();
  } else {
    flow = &flows_[unused_.back()];
    unused_.pop_back();
  }
  flow->tenant = &tenant;
  flow->start = now_;
  ++known_;
  return *flow;
}

// What it will ever need room for, it has then.
Flow& FairQueue::add_flow() {
  const auto id = static_cast<uint32_t>(flows_.size());
  by_start_.make_room(id);
  by_age_.make_room(id);
  if (unused_.capacity() <= id) unused_.reserve(2 * (size_t{id} + 1));
  Flow& flow = flows_.emplace_back();
  flow.id = id;
  return flow;
}

void FairQueue::make_room(TenantFlows& tenant, size_t own_class) {
  Flow& flow = flow_of(tenant, own_class);
  if (flow.line.empty()) rest_if_idle(flow);
}

void FairQueue::push_new(Flow& flow, Request& request) {
  const bool was_empty = flow.line.empty();
  flow.line.push_new(request);
  count_in(flow, request);
  if (was_empty) activate(flow);
}

void FairQueue::push_returned(Flow& flow, Request& request) {
  const bool was_empty = flow.line.empty();
  flow.line.push_returned(request);
  count_in(flow, request);
  if (was_empty) {
    activate(flow);
  } else {
    front_changed(flow);
  }
}

void FairQueue::remove(Flow& flow, Request& request) {
  flow.line.remove(request);
  count_out(flow, request);
  if (flow.line.empty()) {
    deactivate(flow);
    rest_if_idle(flow);
  } else {
    front_changed(flow);
  }
}

void FairQueue::serve(Flow& flow, Request& request, uint64_t cost) {
  if (!by_start_.empty() && by_start_.top().id == flow.id) now_ = later(now_, flow.start);
  flow.line.remove(request);
  count_out(flow, request);
  ++flow.running;
  flow.start += cost;
  latest_ = later(latest_, flow.start);
  if (flow.line.empty()) {
    deactivate(flow);
  } else {
    front_changed(flow);
    if (cost != 0 && by_start_.contains(flow.id)) by_start_.change(flow.id, flow.start);
  }
  if (counts()) forget_some();
}

void FairQueue::settle(Flow& flow, int64_t correction) {
  assert(flow.running > 0);
  --flow.running;
  if (correction != 0) {
    flow.start += static_cast<uint64_t>(correction);
    if (by_start_.contains(flow.id)) by_start_.change(flow.id, flow.start);
  }
  if (flow.line.empty()) rest_if_idle(flow);
}

void FairQueue::count_in(Flow& flow, const Request& request) {
  flow.waiting.add(request);
  waiting_.add(request);
  if (request.deadline != kNever) return;
  flow.firm.add(request);
  firm_.add(request);
}

void FairQueue::count_out(Flow& flow, const Request& request) {
  flow.waiting.remove(request);
  waiting_.remove(request);
  if (request.deadline != kNever) return;
  flow.firm.remove(request);
  firm_.remove(request);
}

void FairQueue::park(Flow& flow) {
  if (!flow.line.empty()) deactivate(flow);
}

void FairQueue::unpark(Flow& flow) {
  if (!flow.line.empty()) activate(flow);
}

// Whoever begins to wait does not profit from having been away.
void FairQueue::activate(Flow& flow) {
  if (flow.resting.linked()) flow.resting.unlink();
  if (flow.tenant->parked) return;
  flow.start = later(flow.start, now_);
  by_start_.insert(flow.id, flow.start);
  by_age_.insert(flow.id, flow.line.front()->seq);
}

void FairQueue::deactivate(Flow& flow) {
  if (!by_start_.contains(flow.id)) return;
  by_start_.remove(flow.id);
  by_age_.remove(flow.id);
  if (by_start_.empty()) now_ = later(now_, latest_);  // the busy period is over
}

void FairQueue::front_changed(Flow& flow) {
  if (by_age_.contains(flow.id)) by_age_.change(flow.id, flow.line.front()->seq);
}

void FairQueue::rest_if_idle(Flow& flow) {
  if (flow.running == 0 && !flow.resting.linked()) resting_.push_back(flow.resting);
}

// Looks at the two that rest longest: constant work per service, and no more rest than were ever
// ahead of V at a time.
void FairQueue::forget_some() {
  for (int looked_at = 0; looked_at < 2 && !resting_.empty(); ++looked_at) {
    Link* const link = resting_.front();
    link->unlink();
    Flow& flow = *reinterpret_cast<Flow*>(link);
    if (later(flow.start, now_) != now_) {
      resting_.push_back(*link);
      continue;
    }
    for (Flow*& own : flow.tenant->flows) {
      if (own == &flow) own = nullptr;
    }
    flow.tenant = nullptr;
    unused_.push_back(flow.id);
    --known_;
  }
}

}  // namespace llmq::core
