// What makes two requests ask for the same: the caller's key and everything that decides the call.
#ifndef LLMQ_RUNTIME_CALL_KEY_H_
#define LLMQ_RUNTIME_CALL_KEY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "core/request.h"
#include "runtime/job.h"

namespace llmq::runtime {

// Looks into the record that it was made from. Another payload is another call, whatever the
// caller's key says: nobody gets an answer to what another one asked.
struct CallKey {
  core::ModelIndex model = 0;
  core::TenantIndex tenant = 0;
  uint8_t operation = 0;
  bool streams = false;
  std::string_view dedup_key;
  std::string_view wire_model;
  std::string_view payload;
  size_t hash = 0;  // of dedup_key and payload

  bool operator==(const CallKey& other) const {
    return hash == other.hash && model == other.model && tenant == other.tenant &&
           operation == other.operation && streams == other.streams &&
           dedup_key == other.dedup_key && wire_model == other.wire_model &&
           payload == other.payload;
  }
};

inline size_t call_hash(std::string_view dedup_key, std::string_view payload) {
  constexpr size_t kGolden = 0x9e3779b9;
  const std::hash<std::string_view> hash;
  return hash(dedup_key) * kGolden ^ hash(payload);
}

// Of a job with a dedup_key, the tenant of which is known.
inline CallKey call_key_of(const Job& job) {
  return {job.request.model,
          job.request.tenant,
          job.operation,
          job.stream() != nullptr,
          job.extra->dedup_key,
          job.extra->wire_model,
          {static_cast<const char*>(job.payload), job.request.bytes},
          job.extra->call_hash};
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CALL_KEY_H_
