#include "core/queue/class_line.h"

#include <algorithm>
#include <cassert>

namespace llmq::core {
namespace {

constexpr size_t kNoNode = SIZE_MAX;

}  // namespace

void ClassLine::push_new(TenantFlows& tenant, Request& request) {
  count_in(request);
  FairQueue& queue = classes_[class_of(request)];
  queue.push_new(queue.flow_of(tenant, class_of(request)), request);
}

void ClassLine::push_returned(TenantFlows& tenant, Request& request) {
  count_in(request);
  FairQueue& queue = classes_[class_of(request)];
  queue.push_returned(queue.flow_of(tenant, class_of(request)), request);
}

void ClassLine::count_in(const Request& request) {
  if (size_++ == 0) largest_ = {};
  largest_.input_tokens = std::max<int64_t>(largest_.input_tokens, request.est_input_tokens);
  largest_.output_tokens = std::max<int64_t>(largest_.output_tokens, request.est_output_tokens);
}

void ClassLine::remove(TenantFlows& tenant, Request& request) {
  --size_;
  classes_[class_of(request)].remove(*tenant.flows[class_of(request)], request);
}

void ClassLine::serve(TenantFlows& tenant, Request& request, uint64_t cost) {
  --size_;
  const size_t index = class_of(request);
  classes_[index].serve(*tenant.flows[index], request, cost);
}

void ClassLine::settle(TenantFlows& tenant, const Request& request, int64_t correction) {
  const size_t index = class_of(request);
  classes_[index].settle(*tenant.flows[index], correction);
}

void ClassLine::park(TenantFlows& tenant) {
  tenant.parked = true;
  for (size_t index = 0; index < kClasses; ++index) {
    if (tenant.flows[index] != nullptr) classes_[index].park(*tenant.flows[index]);
  }
}

void ClassLine::unpark(TenantFlows& tenant) {
  tenant.parked = false;
  for (size_t index = 0; index < kClasses; ++index) {
    if (tenant.flows[index] != nullptr) classes_[index].unpark(*tenant.flows[index]);
  }
}

// kClasses if nobody waits.
size_t ClassLine::first_class() {
  size_t first = kClasses;
  TimeNs least = kNever;
  for (size_t index = 0; index < kClasses; ++index) {
    const Request* const oldest = classes_[index].oldest();
    if (oldest == nullptr) continue;
    const TimeNs key = oldest->submitted + kClassOffsets[index];
    if (first == kClasses || key < least) {
      first = index;
      least = key;
    }
  }
  return first;
}

Request* ClassLine::front() {
  if (size_ == 0) return nullptr;
  const size_t index = first_class();
  return index == kClasses ? nullptr : classes_[index].first()->line.front();
}

Request* ClassLine::oldest_of_first() {
  const size_t index = size_ == 0 ? kClasses : first_class();
  return index == kClasses ? nullptr : classes_[index].oldest();
}

Waiting ClassLine::waiting() const {
  Waiting sum;
  for (const FairQueue& queue : classes_) sum += queue.waiting();
  return sum;
}

// Class after class: the offsets lie so far apart that what an older request of another class would
// change among the first few is not worth its cost.
void ClassLine::first_in_order(const Limiter& limiter, std::vector<Request*>& out) {
  std::array<size_t, kClasses> order{};
  std::array<TimeNs, kClasses> keys{};
  size_t count = 0;
  for (size_t index = 0; index < kClasses; ++index) {
    const Request* const oldest = classes_[index].oldest();
    if (oldest == nullptr) continue;
    keys[index] = oldest->submitted + kClassOffsets[index];
    size_t at = count++;
    for (; at > 0 && keys[index] < keys[order[at - 1]]; --at) order[at] = order[at - 1];
    order[at] = index;
  }
  const size_t most = out.size() + kScan;
  for (size_t i = 0; i < count && out.size() < most; ++i) {
    visit_class(order[i], limiter, most, out);
  }
}

// Looks into the heap of tenants from its top without changing it: the next in order is among the
// children of those already met and the next requests of their tenants.
void ClassLine::visit_class(size_t index, const Limiter& limiter, size_t most,
                            std::vector<Request*>& out) {
  FairQueue& queue = classes_[index];
  if (queue.order().size() == 1) {
    RequestQueue& line = queue.first()->line;
    for (Request* request = line.front(); request != nullptr && out.size() < most;
         request = line.behind(*request)) {
      out.push_back(request);
    }
    return;
  }
  const IndexHeap& order = queue.order();
  const auto later = [](const Visit& a, const Visit& b) {
    if (a.start != b.start) return static_cast<int64_t>(a.start - b.start) > 0;
    return static_cast<int32_t>(a.order - b.order) > 0;
  };
  const auto meet = [&](size_t node) {
    if (node >= order.size()) return;
    Flow& flow = queue.flow(order.at(node).id);
    visits_.push_back(
        Visit{order.at(node).key, order.at(node).order, node, &flow, flow.line.front()});
    std::push_heap(visits_.begin(), visits_.end(), later);
  };
  visits_.clear();
  meet(0);
  while (!visits_.empty() && out.size() < most) {
    const Visit next = visits_.front();
    std::pop_heap(visits_.begin(), visits_.end(), later);
    visits_.pop_back();
    out.push_back(next.request);
    if (next.node != kNoNode) {
      const size_t child = IndexHeap::children_of(next.node);
      for (size_t i = 0; i < IndexHeap::kChildren; ++i) meet(child + i);
    }
    Request* const behind = next.flow->line.behind(*next.request);
    if (behind == nullptr) continue;
    const DurationNs share = limiter.dominant_share(demand_of(*next.request));
    const uint64_t start = next.start + virtual_cost(share, next.flow->tenant->weight);
    visits_.push_back(Visit{start, next.order, kNoNode, next.flow, behind});
    std::push_heap(visits_.begin(), visits_.end(), later);
  }
}

}  // namespace llmq::core
