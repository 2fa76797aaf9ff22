// A heap of numbered items, each with a key: the least first, O(log n) removal and change from
// anywhere. Keys are compared as serial numbers (RFC 1982), so that they may wrap: any two that are
// in the heap together must lie less than 2^63 apart. Equal keys come in the order of insertion.
//
// Four children per node: a node's children share a cache line, which is what counts when a hundred
// thousand tenants wait.
#ifndef LLMQ_CORE_QUEUE_INDEX_HEAP_H_
#define LLMQ_CORE_QUEUE_INDEX_HEAP_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace llmq::core {

class IndexHeap {
 public:
  struct Entry {
    uint64_t key;
    uint32_t id;
    uint32_t order;  // of insertion, among equal keys

    bool before(const Entry& other) const {
      if (key != other.key) return static_cast<int64_t>(key - other.key) < 0;
      return static_cast<int32_t>(order - other.order) < 0;
    }
  };
  static constexpr size_t kChildren = 4;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  const Entry& top() const { return entries_.front(); }
  bool contains(uint32_t id) const { return id < places_.size() && places_[id] != kNowhere; }
  const Entry& entry(uint32_t id) const { return entries_[places_[id]]; }
  // For whoever looks at the least few: the entry at a position, its children at children_of.
  const Entry& at(size_t position) const { return entries_[position]; }
  static size_t children_of(size_t position) { return kChildren * position + 1; }

  // To insert that id needs no memory from then on.
  void make_room(uint32_t id) {
    if (id >= places_.size()) places_.resize(id + 1, kNowhere);
    if (entries_.capacity() < places_.size()) entries_.reserve(2 * places_.size());
  }

  void insert(uint32_t id, uint64_t key) {
    make_room(id);
    assert(places_[id] == kNowhere);
    entries_.push_back(Entry{key, id, next_order_++});
    rise(entries_.size() - 1);
  }

  void remove(uint32_t id) {
    const size_t position = places_[id];
    assert(position != kNowhere);
    places_[id] = kNowhere;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (position == entries_.size()) return;
    entries_[position] = last;
    settle(position);
  }

  void change(uint32_t id, uint64_t key) {
    const size_t position = places_[id];
    if (entries_[position].key == key) return;
    entries_[position].key = key;
    settle(position);
  }

 private:
  static constexpr uint32_t kNowhere = UINT32_MAX;

  void put(size_t position, const Entry& entry) {
    entries_[position] = entry;
    places_[entry.id] = static_cast<uint32_t>(position);
  }

  void settle(size_t position) {
    if (position > 0 && entries_[position].before(entries_[(position - 1) / kChildren])) {
      rise(position);
    } else {
      sink(position);
    }
  }

  void rise(size_t position) {
    const Entry entry = entries_[position];
    while (position > 0) {
      const size_t parent = (position - 1) / kChildren;
      if (!entry.before(entries_[parent])) break;
      put(position, entries_[parent]);
      position = parent;
    }
    put(position, entry);
  }

  void sink(size_t position) {
    const Entry entry = entries_[position];
    for (;;) {
      const size_t first = children_of(position);
      if (first >= entries_.size()) break;
      const size_t end = std::min(first + kChildren, entries_.size());
      size_t least = first;
      for (size_t child = first + 1; child < end; ++child) {
        if (entries_[child].before(entries_[least])) least = child;
      }
      if (!entries_[least].before(entry)) break;
      put(position, entries_[least]);
      position = least;
    }
    put(position, entry);
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> places_;  // by id
  uint32_t next_order_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_INDEX_HEAP_H_
