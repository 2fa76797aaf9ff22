// Ids of requests and attempts: which record, which use of it, and which attempt.
//
//   63..62 kind (1 request, 2 attempt)   61..56 attempt number   55..24 generation   23..0 slot
//
// A slot's generation grows with each use, so the id of a request that is gone matches nothing.
#ifndef LLMQ_RUNTIME_IDS_H_
#define LLMQ_RUNTIME_IDS_H_

#include <cstdint>

#include "core/most_attempts.h"

namespace llmq::runtime {

inline constexpr uint64_t kRequestKind = 1;
inline constexpr uint64_t kAttemptKind = 2;
inline constexpr uint32_t kMaxAttempts = core::kMostAttempts;

constexpr uint64_t request_id(uint32_t slot, uint32_t generation) {
  return kRequestKind << 62 | uint64_t{generation} << 24 | slot;
}
constexpr uint64_t attempt_id(uint64_t request, uint32_t attempt) {
  return kAttemptKind << 62 | uint64_t{attempt} << 56 | (request & ((uint64_t{1} << 56) - 1));
}
constexpr bool is_request_id(uint64_t id) { return id >> 62 == kRequestKind; }
constexpr uint32_t generation_of(uint64_t id) { return static_cast<uint32_t>(id >> 24); }
constexpr uint32_t slot_of(uint64_t id) { return static_cast<uint32_t>(id & 0xffffff); }
constexpr uint32_t attempt_of(uint64_t id) { return static_cast<uint32_t>(id >> 56 & 0x3f); }
constexpr bool is_attempt_id(uint64_t id) {
  return id >> 62 == kAttemptKind && attempt_of(id) >= 1 && attempt_of(id) <= kMaxAttempts;
}
constexpr uint64_t request_of(uint64_t attempt) {
  return kRequestKind << 62 | (attempt & ((uint64_t{1} << 56) - 1));
}

// What Job::live holds while an attempt runs: enough of its id that a late report of another one
// never matches. The runner's report sets kReported; 0 = no attempt may report.
inline constexpr uint32_t kReported = 0x80;
constexpr uint32_t live_word(uint64_t id, uint32_t attempt) {
  return static_cast<uint32_t>(id >> 24 & 0xffffff) << 8 | attempt;
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_IDS_H_
