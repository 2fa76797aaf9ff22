#include "cli/id_table.h"

namespace llmq::cli {
namespace {

constexpr size_t kFirstSize = 1024;

// FNV-1a over 64 bits from two bases, each spread by the finaliser of SplitMix64.
uint64_t hash(std::string_view id, uint64_t base) {
  uint64_t x = base;
  for (const char byte : id) x = (x ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

}  // namespace

IdTable::Entry IdTable::entry_of(std::string_view id) {
  return {hash(id, 0xcbf29ce484222325ULL), hash(id, 0x6c62272e07bb0142ULL), 0};
}

size_t IdTable::slot_of(const Entry& entry) const {
  const size_t mask = entries_.size() - 1;
  size_t slot = static_cast<size_t>(entry.low) & mask;
  while (entries_[slot].line != 0 &&
         (entries_[slot].low != entry.low || entries_[slot].high != entry.high)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void IdTable::grow() {
  std::vector<Entry> old(entries_.empty() ? kFirstSize : entries_.size() * 2);
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.line != 0) entries_[slot_of(entry)] = entry;
  }
}

uint64_t IdTable::add(std::string_view id, uint64_t line) {
  if (size_ * 4 >= entries_.size() * 3) grow();
  Entry entry = entry_of(id);
  Entry& found = entries_[slot_of(entry)];
  if (found.line != 0) return found.line;
  entry.line = line;
  found = entry;
  ++size_;
  return 0;
}

bool IdTable::contains(std::string_view id) const {
  return !entries_.empty() && entries_[slot_of(entry_of(id))].line != 0;
}

}  // namespace llmq::cli
