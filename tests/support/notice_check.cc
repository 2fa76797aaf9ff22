#include "tests/support/notice_check.h"

#include <algorithm>

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
  if (!found->second.is_call || !found->second.runs.empty()) return false;
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
  const bool names_place = notice.deployment != core::kNoDeployment;
  switch (notice.kind) {
    case Notice::kAdmitted:
      return admitted(notice, life);
    case Notice::kAttemptStarted:
      if (life.stage != Stage::kAdmitted && !life.hedges) return "started without an admission";
      if (notice.attempt != ++life.attempts || !names_place) return "started as another";
      if (notice.is_hedge != life.hedges) return "a second attempt that is none, or the reverse";
      life.hedges = false;
      life.stage = Stage::kRuns;
      life.runs.push_back(Run{notice.attempt, false, notice.at});
      return nullptr;
    case Notice::kFirstByte:
      if (life.runs.size() != 1 || life.runs[0].attempt != notice.attempt || life.runs[0].answers) {
        return "no first byte of the only running attempt";
      }
      life.runs[0].answers = true;
      return nullptr;
    case Notice::kAttemptFinished:
      return finished(notice, life);
    case Notice::kRetried:
      if (life.stage != Stage::kFailed || notice.attempt != life.last) return "nothing failed";
      if (notice.delay.ns < 0 || !names_place) return "a retry in the past, or of nowhere";
      life.stage = Stage::kWaits;
      return nullptr;
    case Notice::kCompleted:
      return outcome(notice, life);
    default:
      return "not of a request";
  }
}

const char* NoticeCheck::admitted(const Notice& notice, Life& life) {
  if (notice.attempt != life.attempts + 1 || notice.deployment == core::kNoDeployment) {
    return "admitted as another";
  }
  if (notice.queued != notice.at - life.submitted) return "it did not wait so long";
  if (notice.is_hedge) {
    if (life.runs.size() != 1 || life.runs[0].answers || life.hedges) {
      return "a second attempt beside none, or beside one that answers";
    }
    life.hedges = true;
    return nullptr;
  }
  // A store may have made it give up its admission, and it was told nothing of that.
  if (life.stage != Stage::kWaits && life.stage != Stage::kAdmitted) return "admitted too early";
  life.stage = Stage::kAdmitted;
  return nullptr;
}

const char* NoticeCheck::finished(const Notice& notice, Life& life) {
  const auto run = std::find_if(life.runs.begin(), life.runs.end(), [&notice](const Run& one) {
    return one.attempt == notice.attempt;
  });
  if (run == life.runs.end()) return "no such attempt ran";
  if (notice.deployment == core::kNoDeployment || notice.run != notice.at - run->started) {
    return "it did not run so long";
  }
  life.runs.erase(run);
  const bool well = notice.status == core::Status::kOk;
  if (well && life.stage == Stage::kSucceeded) return "two attempts went well";
  if (life.stage == Stage::kSucceeded) return nullptr;  // the slower one
  if (!well && !life.runs.empty()) return nullptr;      // the other one goes on
  life.last = notice.attempt;
  life.stage = well ? Stage::kSucceeded : Stage::kFailed;
  return nullptr;
}

const char* NoticeCheck::outcome(const Notice& notice, const Life& life) const {
  if (!life.runs.empty()) return "ended while it runs";
  if (!core::is_final(notice.state)) return "ended without an outcome";
  const bool succeeded = notice.state == core::State::kCompleted;
  if (life.attempts > 0) {  // else it was answered by the call of others, or by what is known
    const bool the_last = notice.attempt == life.last || notice.attempt == life.attempts;
    if (!the_last) return "ended after other attempts";
    if (succeeded && notice.attempt != life.last) return "not by the attempt that went well";
    if (succeeded != (life.stage == Stage::kSucceeded)) return "not what its last attempt came to";
  }
  if (succeeded != (notice.status == core::Status::kOk)) return "state and status disagree";
  return nullptr;
}

}  // namespace llmq::sim
