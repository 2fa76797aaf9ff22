// Holds what an engine tells of its requests (core/notice.h) against the life that a request may
// have: submitted, then attempts that are admitted, started and finished, each but the last one
// followed by a retry, and one outcome. Beside an attempt that has not answered a second one may
// run; then the request goes on with the one that is left, or ends well with one of them. Requests
// that share a call have no attempts of their own.
#ifndef LLMQ_TESTS_SUPPORT_NOTICE_CHECK_H_
#define LLMQ_TESTS_SUPPORT_NOTICE_CHECK_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/notice.h"

namespace llmq::sim {

class NoticeCheck {
 public:
  // What is wrong; nullptr: nothing. All kinds must be watched from the beginning.
  const char* take(const core::Notice& notice);

  // Of a request whose record is handed back: its outcome has been told. Of a shared call none is:
  // it must not run any more.
  bool has_ended(const core::Request& request);
  uint64_t live() const { return lives_.size(); }
  uint64_t told(core::Notice::Kind kind) const;

 private:
  enum class Stage : uint8_t { kWaits, kAdmitted, kRuns, kFailed, kSucceeded };
  struct Run {
    uint8_t attempt = 0;
    bool answers = false;
    core::TimeNs started{};
  };
  struct Life {
    Stage stage = Stage::kWaits;
    bool is_call = false;  // shared by several; nobody has submitted it
    uint8_t attempts = 0;
    uint8_t last = 0;     // that has ended by itself, or failed
    bool hedges = false;  // a second attempt is about to begin
    std::vector<Run> runs;
    core::TimeNs submitted{};
  };

  const char* take(const core::Notice& notice, Life& life);
  static const char* admitted(const core::Notice& notice, Life& life);
  static const char* finished(const core::Notice& notice, Life& life);
  const char* outcome(const core::Notice& notice, const Life& life) const;

  std::unordered_map<core::RequestId, Life> lives_;
  uint64_t told_[32] = {};
  core::TimeNs last_{};
};

}  // namespace llmq::sim

#endif  // LLMQ_TESTS_SUPPORT_NOTICE_CHECK_H_
