// Answers that requests with the same key may get again (cache.ttl_s). The loop's own.
//
// Promise: what it counts as held is never more than its bound, and covers all that an entry keeps
// in memory: key, payload, answer, pieces, and its places in list and index. When it would be more,
// what was not asked for the longest goes. Nothing is found after its time.
#ifndef LLMQ_RUNTIME_RESPONSE_CACHE_H_
#define LLMQ_RUNTIME_RESPONSE_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "core/usage.h"
#include "runtime/call_key.h"
#include "runtime/flights.h"

namespace llmq::runtime {

struct CachedAnswer {
  int32_t http_status = 0;
  bool usage_known = false;
  core::Usage usage{};
  std::string data;
  std::string provider_request_id;
  std::vector<Piece> pieces;  // of a stream
};

struct CacheCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evicted = 0;  // for want of room, or of time
  uint64_t entries = 0;  // now
  uint64_t bytes = 0;    // now
};

class ResponseCache {
 public:
  explicit ResponseCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Valid until the next call of another function; nullptr if there is none.
  const CachedAnswer* find(const CallKey& key, core::TimeNs now);
  // Takes the place of what the key had. One that alone is larger than the bound is not kept.
  void put(const CallKey& key, core::TimeNs expires, CachedAnswer answer);
  // Its models never come back.
  void drop_model(core::ModelIndex model);

  const CacheCounts& counts() const { return counts_; }

 private:
  struct Entry {
    core::ModelIndex model;
    core::TenantIndex tenant;
    uint8_t operation;
    bool streams;
    size_t dedup_size;  // bytes of the first of three texts
    size_t wire_size;   // and of the second
    std::string texts;
    size_t hash;
    core::TimeNs expires;
    size_t bytes;
    CachedAnswer answer;

    CallKey key() const;
  };
  using Entries = std::list<Entry>;  // asked for last first

  static size_t bytes_of(const Entry& entry);
  Entries::iterator look_up(const CallKey& key);
  Entries::iterator drop(Entries::iterator entry);

  const size_t max_bytes_;
  Entries entries_;
  std::unordered_multimap<size_t, Entries::iterator> index_;
  CacheCounts counts_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_RESPONSE_CACHE_H_
