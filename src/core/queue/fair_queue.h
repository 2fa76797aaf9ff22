// One class of a model's line: its tenants, served fairly.
//
// Start-time fair queueing (Goyal, Vin, Cheng, SIGCOMM 1996): each tenant's next request has a
// start tag S = max(V, F of the one before), the least S is served, V becomes that S, F = S + d/w
// for a request that takes d of the model's scarcest limit and a tenant of weight w. So of two
// tenants that both wait, |service_i/w_i - service_j/w_j| <= d_i/w_i + d_j/w_j in any interval; a
// tenant alone gets everything; one that was away is lifted to V and gains nothing by it. d is the
// estimate when the request is served and corrected when its attempt is settled.
//
// Virtual time is a 64-bit serial number that may wrap. While only one tenant is known nothing is
// counted: there is nobody to be fair to.
#ifndef LLMQ_CORE_QUEUE_FAIR_QUEUE_H_
#define LLMQ_CORE_QUEUE_FAIR_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/queue/index_heap.h"
#include "core/queue/link.h"
#include "core/queue/request_queue.h"
#include "core/queue/waiting.h"

namespace llmq::core {

inline constexpr uint32_t kWeightOne = 1000;  // weights are in thousandths
inline constexpr uint32_t kMaxWeight = 1'000'000 * kWeightOne;
inline constexpr size_t kClasses = 4;

// d/w. A share of 0 means that no limit per period exists: then every request counts alike.
uint64_t virtual_cost(DurationNs share, uint32_t weight);

struct TenantFlows;

// One tenant in one class.
struct Flow {
  Link resting;  // in the list of those that have nothing to do. First member.
  RequestQueue line;
  Waiting waiting;     // what stands in it
  Waiting firm;        // of that, what has no deadline
  uint64_t start = 0;  // S of its front; while nothing waits, F of the last one
  TenantFlows* tenant = nullptr;
  uint32_t id = 0;       // within its FairQueue
  uint32_t running = 0;  // served, not settled
};

// One tenant in all classes of one model.
struct TenantFlows {
  std::array<Flow*, kClasses> flows{};
  TenantIndex tenant = 0;
  uint32_t weight = kWeightOne;
  bool parked = false;  // its own limits hold it back: it is not served
};

class FairQueue {
 public:
  // The flow of that tenant, made if there is none. It lives while something waits or runs, and
  // until V has passed its last tag.
  Flow& flow_of(TenantFlows& tenant, size_t own_class);
  // A new request of that tenant can be pushed then, and served, without any memory.
  void make_room(TenantFlows& tenant, size_t own_class);

  // The request must be in no list. Its seq says where it stands; new requests have the greatest.
  void push_new(Flow& flow, Request& request);
  void push_returned(Flow& flow, Request& request);
  // Leaves without being served.
  void remove(Flow& flow, Request& request);

  // Does a service have to be counted?
  bool counts() const { return known_ > 1; }
  // Takes the request out of the line to be run. `cost` is d/w, 0 if it is not counted. A flow that
  // is not the first passes others, which are not to suffer: V stays.
  void serve(Flow& flow, Request& request, uint64_t cost);
  // The attempt is over; the tenant has used `correction` more than was counted (it may be
  // negative).
  void settle(Flow& flow, int64_t correction);

  // Takes the tenant's flow out of the order, and back into it.
  void park(Flow& flow);
  void unpark(Flow& flow);

  // Whose front is next; nullptr if nobody waits who is not parked.
  Flow* first() { return by_start_.empty() ? nullptr : &flows_[by_start_.top().id]; }
  // Who waits longest among those.
  Request* oldest() { return by_age_.empty() ? nullptr : flows_[by_age_.top().id].line.front(); }

  const Waiting& waiting() const { return waiting_; }
  const Waiting& firm() const { return firm_; }
  size_t known() const { return known_; }  // tenants that have a flow
  const IndexHeap& order() const { return by_start_; }
  Flow& flow(uint32_t id) { return flows_[id]; }
  size_t flows() const { return flows_.size(); }  // ids lie below; tenant is null in unused ones

 private:
  void count_in(Flow& flow, const Request& request);
  void count_out(Flow& flow, const Request& request);
  void activate(Flow& flow);
  void deactivate(Flow& flow);
  void front_changed(Flow& flow);
  void rest_if_idle(Flow& flow);
  void forget_some();
  Flow& add_flow();

  std::deque<Flow> flows_;  // addresses never move
  std::vector<uint32_t> unused_;
  LinkList resting_;
  IndexHeap by_start_;  // who waits and is not parked, by S
  IndexHeap by_age_;    // the same, by the seq of the front
  Waiting waiting_;     // of all flows
  Waiting firm_;
  size_t known_ = 0;
  uint64_t now_ = 0;     // V
  uint64_t latest_ = 0;  // F of whoever was served farthest
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_FAIR_QUEUE_H_
