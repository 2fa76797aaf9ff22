#include "tests/support/notice_check.h"

namespace llmq::sim {
namespace {

using core::Notice;

size_t place_of(Notice::Kind kind) {
  size_t place = 0;
  while ((uint32_t{kind} >> place) > 1) ++place;
  return place;
}

}  // namespace

uint64_t NoticeCheck::told(Notice::Kind kind) const { return told_[place_of(kind)]; }

bool NoticeCheck::has_ended(const core::Request& request) {
  const auto found = lives_.find(request.id);
  if (found == lives_.end()) return true;
  const Stage stage = found->second.stage;
  if (!found->second.is_call || stage == Stage::kRuns || stage == Stage::kAnswers) return false;
  lives_.erase(found);
  return true;
}

const char* NoticeCheck::take(const Notice& notice) {
  ++told_[place_of(notice.kind)];
  if (notice.at < last_) return "told late";
  last_ = notice.at;
  if (notice.request == nullptr) {
    return notice.before == notice.after ? "nothing has changed" : nullptr;
  }
  const core::RequestId id = notice.request->id;
  if (notice.kind == Notice::kSubmitted) {
    Life life;
    life.submitted = notice.at;
    return lives_.emplace(id, life).second ? nullptr : "submitted twice";
  }
  auto found = lives_.find(id);
  if (found == lives_.end() && notice.request->role == core::Role::kFlight) {
    found = lives_.emplace(id, Life{}).first;
    found->second.is_call = true;
    found->second.submitted = notice.request->submitted;
  }
  if (found == lives_.end()) return "of a request that was not submitted, or has ended";
  const char* const wrong = take(notice, found->second);
  if (notice.kind == Notice::kCompleted) lives_.erase(found);
  return wrong;
}

const char* NoticeCheck::take(const Notice& notice, Life& life) {
  const bool runs = life.stage == Stage::kRuns || life.stage == Stage::kAnswers;
  const bool names_place = notice.deployment != core::kNoDeployment;
  switch (notice.kind) {
    case Notice::kAdmitted:
      // A store may have made it give up its admission, and it was told nothing of that.
      if (life.stage != Stage::kWaits && life.stage != Stage::kAdmitted)
        return "admitted too early";
      if (notice.attempt != life.attempts + 1 || !names_place) return "admitted as another";
      if (notice.queued != notice.at - life.submitted) return "it did not wait so long";
      life.stage = Stage::kAdmitted;
      return nullptr;
    case Notice::kAttemptStarted:
      if (life.stage != Stage::kAdmitted) return "started without an admission";
      if (notice.attempt != ++life.attempts || !names_place) return "started as another";
      life.stage = Stage::kRuns;
      life.started = notice.at;
      return nullptr;
    case Notice::kFirstByte:
      if (life.stage != Stage::kRuns) return "no first byte of a running attempt";
      life.stage = Stage::kAnswers;
      return nullptr;
    case Notice::kAttemptFinished:
      if (!runs || notice.attempt != life.attempts) return "no such attempt ran";
      if (!names_place || notice.run != notice.at - life.started) return "it did not run so long";
      life.status = notice.status;
      life.stage = notice.status == core::Status::kOk ? Stage::kSucceeded : Stage::kFailed;
      return nullptr;
    case Notice::kRetried:
      if (life.stage != Stage::kFailed || notice.attempt != life.attempts) return "nothing failed";
      if (notice.delay.ns < 0 || !names_place) return "a retry in the past, or of nowhere";
      life.stage = Stage::kWaits;
      return nullptr;
    case Notice::kCompleted:
      return outcome(notice, life);
    default:
      return "not of a request";
  }
}

const char* NoticeCheck::outcome(const Notice& notice, const Life& life) const {
  if (life.stage == Stage::kRuns || life.stage == Stage::kAnswers) return "ended while it runs";
  if (!core::is_final(notice.state)) return "ended without an outcome";
  const bool succeeded = notice.state == core::State::kCompleted;
  if (life.attempts > 0) {  // else it was answered by the call of others, or by what is known
    if (notice.attempt != life.attempts) return "ended after other attempts";
    if (succeeded != (life.stage == Stage::kSucceeded)) return "not what its last attempt came to";
  }
  if (succeeded != (notice.status == core::Status::kOk)) return "state and status disagree";
  return nullptr;
}

}  // namespace llmq::sim
