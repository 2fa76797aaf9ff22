#include "runtime/response_cache.h"

#include <new>
#include <utility>

namespace llmq::runtime {
namespace {

// Links of the list, a node and a bucket of the index, and what malloc adds to each of those.
constexpr size_t kPlaces = 128;
constexpr size_t kMallocHeader = 16;

size_t heap_bytes(const std::string& text) {
  return text.empty() ? 0 : text.capacity() + 1 + kMallocHeader;
}

}  // namespace

CallKey ResponseCache::Entry::key() const {
  const std::string_view all = texts;
  return {model,
          tenant,
          operation,
          streams,
          all.substr(0, dedup_size),
          all.substr(dedup_size, wire_size),
          all.substr(dedup_size + wire_size),
          hash};
}

size_t ResponseCache::bytes_of(const Entry& entry) {
  const CachedAnswer& answer = entry.answer;
  size_t bytes = sizeof entry + kPlaces + heap_bytes(entry.texts) + heap_bytes(answer.data) +
                 heap_bytes(answer.provider_request_id) + answer.pieces.capacity() * sizeof(Piece);
  for (const Piece& piece : answer.pieces) bytes += heap_bytes(piece.data);
  return bytes;
}

ResponseCache::Entries::iterator ResponseCache::look_up(const CallKey& key) {
  const auto found = index_.equal_range(key.hash);
  for (auto one = found.first; one != found.second; ++one) {
    if (one->second->key() == key) return one->second;
  }
  return entries_.end();
}

const CachedAnswer* ResponseCache::find(const CallKey& key, core::TimeNs now) {
  const auto entry = look_up(key);
  if (entry == entries_.end()) {
    ++counts_.misses;
    return nullptr;
  }
  if (entry->expires <= now) {
    drop(entry);
    ++counts_.evicted;
    ++counts_.misses;
    return nullptr;
  }
  ++counts_.hits;
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->answer;
}

void ResponseCache::put(const CallKey& key, core::TimeNs expires, CachedAnswer answer) {
  if (const auto before = look_up(key); before != entries_.end()) drop(before);
  Entry entry{key.model,
              key.tenant,
              key.operation,
              key.streams,
              key.dedup_key.size(),
              key.wire_model.size(),
              {},
              key.hash,
              expires,
              0,
              std::move(answer)};
  entry.texts.reserve(key.dedup_key.size() + key.wire_model.size() + key.payload.size());
  entry.texts.append(key.dedup_key).append(key.wire_model).append(key.payload);
  entry.bytes = bytes_of(entry);
  if (entry.bytes > max_bytes_) return;
  while (counts_.bytes + entry.bytes > max_bytes_) {
    drop(std::prev(entries_.end()));
    ++counts_.evicted;
  }
  entries_.push_front(std::move(entry));
  try {
    index_.emplace(key.hash, entries_.begin());
  } catch (const std::bad_alloc&) {
    entries_.pop_front();
    throw;
  }
  counts_.bytes += entries_.front().bytes;
  ++counts_.entries;
}

void ResponseCache::drop_model(core::ModelIndex model) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = entry->model == model ? drop(entry) : std::next(entry);
  }
}

ResponseCache::Entries::iterator ResponseCache::drop(Entries::iterator entry) {
  const auto found = index_.equal_range(entry->hash);
  for (auto one = found.first; one != found.second; ++one) {
    if (one->second != entry) continue;
    index_.erase(one);
    break;
  }
  counts_.bytes -= entry->bytes;
  --counts_.entries;
  return entries_.erase(entry);
}

}  // namespace llmq::runtime
