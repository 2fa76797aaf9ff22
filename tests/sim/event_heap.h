// What comes next in the simulated world: a 4-ary heap of plain records, by time and then by the
// order in which they were put in.
#ifndef LLMQ_TESTS_SIM_EVENT_HEAP_H_
#define LLMQ_TESTS_SIM_EVENT_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmq::simulator {

enum class What : uint8_t {
  kSubmit,    // the next burst of requests
  kLeave,     // an attempt's connection stands: its bytes leave
  kHear,      // the client receives a part of an answer
  kReport,    // the client learns how an attempt ended
  kCancel,    // the caller gives up a request
  kStorm,     // the caller gives up many
  kSleep,     // the machine of the client sleeps
  kResume,    // and wakes
  kWallStep,  // somebody sets its clock
  kChange,    // the limits change, at the provider and at the client
  kStored,    // the store has made a step of a request durable, or has failed to
  kLease,     // the store of shared quotas gives room
  kUsage,     // the caller learns what a request that has ended used
  kNoQuota,   // the account's quota is used up
  kArrive,    // a call reaches the provider
  kProduce,   // the provider counts what a call has produced
  kEnd,       // the provider is done with a call
  kHangUp,    // the provider learns that the client has left
};
constexpr bool is_of_client(What what) { return what < What::kArrive; }

struct Happening {
  int64_t time = 0;
  uint64_t order = 0;  // (running number << 5) | What
  uint32_t index = 0;  // slot of a request, or call
  uint32_t generation = 0;

  What what() const { return static_cast<What>(order & 31); }
  friend bool operator<(const Happening& a, const Happening& b) {
    return a.time < b.time || (a.time == b.time && a.order < b.order);
  }
};

class EventHeap {
 public:
  bool empty() const { return size_ == 0; }
  const Happening& top() const { return items_[0]; }

  void push(int64_t time, What what, uint32_t index = 0, uint32_t generation = 0) {
    if (size_ == items_.size()) items_.resize(items_.size() * 2 + 64);
    const Happening item{time, (++pushed_ << 5) | static_cast<uint64_t>(what), index, generation};
    size_t hole = size_++;
    while (hole > 0) {
      const size_t parent = (hole - 1) / 4;
      if (!(item < items_[parent])) break;
      items_[hole] = items_[parent];
      hole = parent;
    }
    items_[hole] = item;
  }

  Happening pop() {
    const Happening first = items_[0];
    const Happening last = items_[--size_];
    size_t hole = 0;
    for (;;) {
      const size_t child = 4 * hole + 1;
      if (child >= size_) break;
      const size_t end = child + 4 < size_ ? child + 4 : size_;
      size_t least = child;
      for (size_t i = child + 1; i < end; ++i) {
        if (items_[i] < items_[least]) least = i;
      }
      if (!(items_[least] < last)) break;
      items_[hole] = items_[least];
      hole = least;
    }
    items_[hole] = last;
    return first;
  }

  void clear() {
    size_ = 0;
    pushed_ = 0;
  }

 private:
  std::vector<Happening> items_;
  size_t size_ = 0;
  uint64_t pushed_ = 0;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_EVENT_HEAP_H_
