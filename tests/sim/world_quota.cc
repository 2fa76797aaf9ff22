// An account whose quota is used up: nothing is called until it may be back, then one call finds
// out (I10).
#include <algorithm>

#include "tests/sim/world.h"

namespace llmq::simulator {

using core::Status;

void World::use_up_quota() {
  no_quota_until_ =
      std::max(no_quota_until_, provider_now() + draw_.skewed(100'000'000, 60'000'000'000));
}

// `wait`: until it is back.
bool World::has_no_quota(int64_t& wait) {
  if (provider_now() >= no_quota_until_) return false;
  wait = no_quota_until_ - provider_now();
  return true;
}

// What the client must make of an answer, before the attempt is settled.
void World::note_quota(Slot& slot) {
  if (slot.status == Status::kOk && quota_[slot.record.model].probe == &slot) {
    quota_ = {};
    ++disturbances_;
  }
  if (slot.status != Status::kQuotaExhausted) return;
  ++disturbances_;
  if (scenario_->quota.blocks) ++slot.quota_waits;
  int64_t wait = slot.retry_after;
  if (wait == 0 && slot.observed != nullptr) {
    for (size_t i = 0; i < slot.observed->count; ++i) {
      const core::Observation& told = slot.observed->limits[i];
      if (told.remaining == 0) wait = std::max(wait, told.reset.ns);
    }
  }
  if (wait == 0) wait = scenario_->quota.recheck.ns;
  for (Quota& quota : quota_) {
    quota.exhausted = true;
    quota.until = std::max(quota.until, now_ + wait);
  }
}

void World::check_quota(const Slot& slot) {
  Quota& quota = quota_[slot.record.model];
  if (!quota.exhausted) return;
  if (now_ < quota.until || quota.probe != nullptr) {
    findings_->add(10, now_, "request %llu is to run, though the account's quota is used up",
                   static_cast<unsigned long long>(slot.record.id));
  }
  quota.probe = &slot;
}

void World::quota_ended(const Slot& slot) {
  Quota& quota = quota_[slot.record.model];
  if (quota.probe == &slot) quota.probe = nullptr;
}

}  // namespace llmq::simulator
