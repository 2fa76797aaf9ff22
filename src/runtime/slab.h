// Records of one type at addresses that never move, for any thread to take and give back.
//
// Threads work on lanes of their own with short chains of free records, and exchange whole chains
// of kChain records with a common depot: one lock per kChain records instead of one per record.
// Memory is never returned before the slab dies, so a stale index may always be looked at.
//
// T has members `uint32_t slot` and `T* next_free`, which the slab uses while the record is free
// (`slot` always). A T that is made with a `const Memory*` is told where the slab has its memory
// from.
#ifndef LLMQ_RUNTIME_SLAB_H_
#define LLMQ_RUNTIME_SLAB_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <vector>

#include "runtime/memory.h"

namespace llmq::runtime {

// A small number for the calling thread, spread evenly.
uint32_t thread_lane();

template <typename T>
class Slab {
 public:
  static constexpr uint32_t kSlotBits = 24;
  static constexpr uint32_t kMaxSlots = 1U << kSlotBits;

  explicit Slab(const Memory* memory) : memory_(memory), chunks_(new std::atomic<T*>[kChunks]) {
    for (uint32_t i = 0; i < kChunks; ++i) chunks_[i].store(nullptr, std::memory_order_relaxed);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (uint32_t i = 0; i < used_chunks_; ++i) {
      T* const chunk = chunks_[i].load(std::memory_order_relaxed);
      std::destroy_n(chunk, kChunk);
      Memory::give_back(memory_, chunk, kChunk * sizeof(T));
    }
  }

  // nullptr when memory or slots are used up.
  T* take() noexcept {
    Lane& lane = lanes_[thread_lane() % kLanes];
    const std::lock_guard<std::mutex> lock(lane.mutex);
    if (lane.head == nullptr) {
      lane.head = lane.spare != nullptr ? lane.spare : chain_from_depot();
      lane.count = lane.head == nullptr ? 0 : kChain;
      lane.spare = nullptr;
      if (lane.head == nullptr) return nullptr;
    }
    T* record = lane.head;
    lane.head = record->next_free;
    --lane.count;
    ++lane.balance;
    return record;
  }

  // True if the slab is orphaned and this was the last record: the caller must now destroy it.
  bool give_back(T* record) noexcept {
    Lane& lane = lanes_[thread_lane() % kLanes];
    {
      const std::lock_guard<std::mutex> lock(lane.mutex);
      if (!lane.orphaned) {
        put(lane, record);
        return false;
      }
    }
    return out_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  // Nothing will be taken any more. True if no record is out: the caller must now destroy the slab.
  // Until its own share of out_ is given back, nobody else can be the last: the lanes stay valid
  // while they are unlocked.
  bool orphan() noexcept {
    for (Lane& lane : lanes_) lane.mutex.lock();
    int64_t out = 1;
    for (Lane& lane : lanes_) out += lane.balance;
    out_.store(out, std::memory_order_relaxed);
    for (Lane& lane : lanes_) lane.orphaned = true;
    for (Lane& lane : lanes_) lane.mutex.unlock();
    return out_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  // The record in that slot, free or not; nullptr if the slot was never used.
  T* at(uint32_t slot) const {
    if (slot >= kMaxSlots) return nullptr;
    T* chunk = chunks_[slot / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : chunk + slot % kChunk;
  }

 private:
  static constexpr uint32_t kChunk = 1024;
  static constexpr uint32_t kChunks = kMaxSlots / kChunk;
  static constexpr uint32_t kChain = 64;
  static constexpr uint32_t kLanes = 8;

  struct alignas(64) Lane {
    std::mutex mutex;
    T* head = nullptr;  // count free records
    uint32_t count = 0;
    T* spare = nullptr;   // a full chain, or nothing
    int64_t balance = 0;  // records taken here less those given back here
    bool orphaned = false;
  };

  void put(Lane& lane, T* record) noexcept {
    if (lane.count == kChain) {
      if (lane.spare != nullptr) chain_to_depot(lane.spare);
      lane.spare = lane.head;
      lane.head = nullptr;
      lane.count = 0;
    }
    record->next_free = lane.head;
    lane.head = record;
    ++lane.count;
    --lane.balance;
  }

  T* chain_from_depot() noexcept {
    const std::lock_guard<std::mutex> lock(depot_mutex_);
    if (depot_.empty() && !add_chunk()) return nullptr;
    T* chain = depot_.back();
    depot_.pop_back();
    return chain;
  }

  void chain_to_depot(T* chain) noexcept {
    const std::lock_guard<std::mutex> lock(depot_mutex_);
    depot_.push_back(chain);  // add_chunk has reserved room for every chain there is
  }

  bool add_chunk() noexcept {
    if (used_chunks_ == kChunks) return false;
    try {
      depot_.reserve((used_chunks_ + 1) * (kChunk / kChain) + 2 * kLanes);
    } catch (const std::bad_alloc&) {
      return false;
    }
    auto* const chunk = static_cast<T*>(Memory::take(memory_, kChunk * sizeof(T)));
    if (chunk == nullptr) return false;
    for (uint32_t i = 0; i < kChunk; ++i) {
      make(chunk + i);
      chunk[i].slot = used_chunks_ * kChunk + i;
      chunk[i].next_free = (i + 1) % kChain == 0 ? nullptr : &chunk[i + 1];
    }
    for (uint32_t i = kChunk; i > 0; i -= kChain) depot_.push_back(&chunk[i - kChain]);
    chunks_[used_chunks_].store(chunk, std::memory_order_release);
    ++used_chunks_;
    return true;
  }

  void make(T* at) noexcept {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    if constexpr (std::is_constructible_v<T, const Memory*>) {
      new (at) T(memory_);
    } else {
      new (at) T();
    }
  }

  const Memory* const memory_;
  std::unique_ptr<std::atomic<T*>[]> chunks_;
  std::array<Lane, kLanes> lanes_;
  std::atomic<int64_t> out_{0};  // records out, once orphaned
  std::mutex depot_mutex_;
  std::vector<T*> depot_;  // heads of chains of kChain free records
  uint32_t used_chunks_ = 0;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_SLAB_H_
