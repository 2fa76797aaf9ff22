// The line of one model: four classes, in each of them tenants served fairly, in each of those
// first come, first served.
//
// A class is as urgent as its oldest waiting request: key = time of submission + offset of the
// class, the least first. So urgent work passes, and nobody waits more than the offset of its class
// longer than in order of arrival. Keys never change while a request waits, so nothing is sorted
// anew (delay-dependent priority, Kleinrock 1964).
#ifndef LLMQ_CORE_QUEUE_CLASS_LINE_H_
#define LLMQ_CORE_QUEUE_CLASS_LINE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/limit/limiter.h"
#include "core/queue/fair_queue.h"
#include "core/request.h"

namespace llmq::core {

inline constexpr std::array<DurationNs, kClasses> kClassOffsets = {seconds(0), seconds(30),
                                                                   seconds(120), seconds(900)};

// Of a priority as llmq.h numbers them: 0 is the default, then from urgent to batch.
constexpr size_t class_of(const Request& request) {
  constexpr size_t kNormal = 2;
  return request.priority == 0 || request.priority > kClasses ? kNormal : request.priority - 1u;
}

class ClassLine {
 public:
  // How many are looked at for somebody who may pass a blocked front.
  static constexpr size_t kScan = 64;

  // A new request like that can be pushed then, and served, without any memory.
  void make_room(TenantFlows& tenant, const Request& request);
  // The same of one that comes back.
  void make_room_again(TenantFlows& tenant, const Request& request);
  void push_new(TenantFlows& tenant, Request& request);
  void push_returned(TenantFlows& tenant, Request& request);
  void remove(TenantFlows& tenant, Request& request);

  // Is what runs to be counted for fairness? Then serve wants d/w.
  bool counts(const Request& request) const { return classes_[class_of(request)].counts(); }
  void serve(TenantFlows& tenant, Request& request, uint64_t cost);
  void settle(TenantFlows& tenant, const Request& request, int64_t correction);

  void park(TenantFlows& tenant);
  void unpark(TenantFlows& tenant);

  // Whose turn it is; nullptr if nobody waits but parked ones.
  Request* front();
  // Whose key the class of front() has, for comparison with other lines; nullptr without a front.
  Request* oldest_of_first();
  // The first in order, at most kScan of them. Appended to `out`.
  void first_in_order(const Limiter& limiter, std::vector<Request*>& out);

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // No less, and no more, than any that waits, in both members.
  const Demand& largest() const { return largest_; }
  const Demand& smallest() const { return smallest_; }
  FairQueue& in_class(size_t index) { return classes_[index]; }
  // What waits in all classes.
  Waiting waiting() const;

 private:
  // A tenant met while looking through a class, and its next request.
  struct Met {
    Request* request;
    Flow* flow;
    size_t node;  // of the heap of tenants; kNoNode once its front has been taken
  };
  // When it is its turn.
  struct Turn {
    uint64_t start;
    uint32_t order;  // among equal starts
    uint32_t met;

    bool before(const Turn& other) const {
      if (start != other.start) return static_cast<int64_t>(start - other.start) < 0;
      return static_cast<int32_t>(order - other.order) < 0;
    }
  };

  size_t first_class();
  void count_in(const Request& request);
  void visit_class(size_t index, const Limiter& limiter, size_t most, std::vector<Request*>& out);
  void meet(FairQueue& queue, size_t node);
  void sink_turn(size_t at, const Turn& turn);

  std::array<FairQueue, kClasses> classes_;
  std::vector<Met> met_;
  std::vector<Turn> turns_;  // binary heap, the next one first
  size_t size_ = 0;
  Demand largest_{};
  Demand smallest_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_CLASS_LINE_H_
