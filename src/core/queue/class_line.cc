#include "core/queue/class_line.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace llmq::core {
namespace {

constexpr size_t kNoNode = SIZE_MAX;

}  // namespace

void ClassLine::make_room(TenantFlows& tenant, const Request& request) {
  classes_[class_of(request)].make_room(tenant, class_of(request));
}

void ClassLine::make_room_again(TenantFlows& tenant, const Request& request) {
  classes_[class_of(request)].make_room(tenant, class_of(request));
  tenant.flows[class_of(request)]->line.make_room_again();
}

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
  const Demand demand = demand_of(request);
  if (size_++ == 0) largest_ = smallest_ = demand;
  largest_.input_tokens = std::max(largest_.input_tokens, demand.input_tokens);
  largest_.output_tokens = std::max(largest_.output_tokens, demand.output_tokens);
  smallest_.input_tokens = std::min(smallest_.input_tokens, demand.input_tokens);
  smallest_.output_tokens = std::min(smallest_.output_tokens, demand.output_tokens);
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
  size_t waiting = 0;
  for (size_t index = 0; index < kClasses; ++index) {
    if (classes_[index].order().empty()) continue;
    first = index;
    ++waiting;
  }
  if (waiting <= 1) return first;
  first = kClasses;
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
  met_.clear();
  turns_.clear();
  meet(queue, 0);
  while (!turns_.empty() && out.size() < most) {
    Turn turn = turns_.front();
    Met& next = met_[turn.met];
    Request& request = *next.request;
    const size_t node = std::exchange(next.node, kNoNode);
    out.push_back(&request);
    next.request = next.flow->line.behind(request);
    if (next.request == nullptr) {
      turn = turns_.back();
      turns_.pop_back();
    } else {
      const DurationNs share = limiter.dominant_share(demand_of(request));
      turn.start += virtual_cost(share, next.flow->tenant->weight);
    }
    if (!turns_.empty()) sink_turn(0, turn);
    if (node == kNoNode) continue;
    const size_t child = IndexHeap::children_of(node);
    for (size_t i = 0; i < IndexHeap::kChildren; ++i) meet(queue, child + i);
  }
}

void ClassLine::meet(FairQueue& queue, size_t node) {
  const IndexHeap& order = queue.order();
  if (node >= order.size()) return;
  const IndexHeap::Entry& entry = order.at(node);
  Flow& flow = queue.flow(entry.id);
  const Turn turn{entry.key, entry.order, static_cast<uint32_t>(met_.size())};
  met_.push_back(Met{flow.line.front(), &flow, node});
  turns_.push_back(turn);
  size_t at = turns_.size() - 1;
  for (; at > 0 && turn.before(turns_[(at - 1) / 2]); at = (at - 1) / 2) {
    turns_[at] = turns_[(at - 1) / 2];
  }
  turns_[at] = turn;
}

// Puts it at `at`, which is free, or where it belongs below.
void ClassLine::sink_turn(size_t at, const Turn& turn) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= turns_.size()) break;
    if (child + 1 < turns_.size() && turns_[child + 1].before(turns_[child])) ++child;
    if (!turns_[child].before(turn)) break;
    turns_[at] = turns_[child];
    at = child;
  }
  turns_[at] = turn;
}

}  // namespace llmq::core
