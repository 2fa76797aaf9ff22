// What holds room, and what comes from beside: the store that must know of each step, the store of
// shared quotas, usage that is known late.
#include <algorithm>

#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace llmq::simulator {

using core::TimeNs;

Book* World::own_book(const Slot& slot) {
  if (scenario_->per_tenant == 0) return nullptr;
  const auto tenants = static_cast<size_t>(scenario_->tenants) + 1;
  const size_t index = slot.record.model * tenants + slot.record.tenant;
  if (own_books_.size() <= index) own_books_.resize(index + 1);
  std::optional<Book>& book = own_books_[index];
  if (!book) book.emplace(own_spec_);
  own_touched_.push_back(index);
  book->move_to(now_);
  return &*book;
}

// An attempt takes its share of every limit; it starts now, or when the store knows.
void World::reserve(Slot& slot) {
  if (slot.reserved) findings_->add(3, now_, "it holds its share of the limits already");
  if (oracle_ != nullptr) oracle_->started(slot);
  if (slot.attempts > 0) ++disturbances_;  // it has passed those who came after it
  slot.reserved = true;
  slot.sent = false;
  check_quota(slot);
  if (scenario_->leased) take_lease();
  if (++running_ > concurrency_) {
    findings_->add(1, now_, "%lld run at the same time, %lld may", static_cast<long long>(running_),
                   static_cast<long long>(concurrency_));
  }
  const auto take = [&](Book& book, Booking& booking, size_t limit) {
    book.move_to(now_);
    book.reserve(booking,
                 book.cost_of(slot.record.est_input_tokens, slot.record.est_output_tokens));
    if (book.is_sliding() && book.in_debt()) {
      findings_->add(1, now_, "limit %zu: started with %lld of %lld in the window", limit,
                     static_cast<long long>(book.least() + book.held()),
                     static_cast<long long>(book.spec().amount));
    }
  };
  for (size_t i = 0; i < books_.size(); ++i) take(books_[i], slot.bookings[i], i);
  if (Book* own = own_book(slot)) take(*own, slot.of_tenant, books_.size());
}

// Its bytes never left: everything is given back.
void World::leave_room(Slot& slot) {
  for (size_t i = 0; i < books_.size(); ++i) books_[i].refund(slot.bookings[i]);
  if (Book* own = own_book(slot)) own->refund(slot.of_tenant);
  gave_up_unsent_ = true;
  slot.reserved = false;
  quota_ended(slot);
  --running_;
}

void World::book_sent(Slot& slot) {
  slot.sent = true;
  for (size_t i = 0; i < books_.size(); ++i) {
    // A bucket that was full has not refilled while the call was on its way to the wire.
    if (books_[i].has_bucket() && books_[i].bucket_least(now_) == 0) ++disturbances_;
    books_[i].sent(now_, slot.bookings[i]);
  }
  if (Book* own = own_book(slot)) own->sent(now_, slot.of_tenant);
}

void World::perform(const core::Persist& action) {
  Slot& slot = slot_of(action.request);
  if (action.step == core::Persist::Step::kAccepted) return;
  if (action.step == core::Persist::Step::kSending) {
    reserve(slot);
  } else if (slot.reserved) {  // it ended while the store wrote
    leave_room(slot);
  }
  heap_.push(now_ + draw_.between(1, scenario_->store_most), What::kStored, index_of(slot));
}

void World::stored(Slot& slot) {
  if (!slot.live) findings_->add(9, now_, "a request ended before the store knew of it");
  stored_ = slot.reserved && !slot.running ? &slot : nullptr;
  step(core::Persisted{&slot.record, !draw_.chance(scenario_->faults.store_fails)});
}

// The store has failed, or meanwhile a gate has closed or the deadline has passed: then the
// reservation goes, before others start.
void World::take_back_unless_started() {
  Slot& slot = *stored_;
  stored_ = nullptr;
  const bool starts =
      std::any_of(actions_.begin(), actions_.end(), [&](const core::Action& action) {
        const auto* const start = std::get_if<core::StartAttempt>(&action);
        return start != nullptr && start->request == &slot.record;
      });
  if (!starts) leave_room(slot);
}

// The store gives what is wanted or more, for some time.
void World::perform(const core::Lease& action) {
  const int64_t amount = action.amount * draw_.between(1, 4);
  heap_.push(now_ + draw_.skewed(1, 100'000'000), What::kLease, action.limit,
             static_cast<uint32_t>(amount));
}

void World::grant_lease(uint32_t limit, int64_t amount) {
  const LeasedRoom room{amount, now_ + draw_.skewed(1'000'000, 10'000'000'000)};
  leased_.push_back(room);
  step(core::LeaseGranted{0, limit, amount, TimeNs{room.expires}});
}

// A call takes of what was granted and has not run out; what runs out first goes first.
void World::take_lease() {
  LeasedRoom* first = nullptr;
  for (LeasedRoom& room : leased_) {
    if (room.amount == 0 || room.expires <= now_) continue;
    if (first == nullptr || room.expires < first->expires) first = &room;
  }
  if (first == nullptr) {
    findings_->add(1, now_, "a call starts for which the shared quota has no room");
  } else {
    --first->amount;
  }
  leased_.erase(std::remove_if(leased_.begin(), leased_.end(),
                               [this](const LeasedRoom& room) {
                                 return room.amount == 0 || room.expires <= now_;
                               }),
                leased_.end());
}

// Ended with usage that nobody knows: the caller will.
void World::expect_usage(const Slot& slot) {
  const bool kept = slot.settled == out_.steps && slot.sent && !slot.usage_known;
  if (!kept || draw_.below(4) == 0) return;
  if (free_late_.empty()) {
    free_late_.push_back(static_cast<uint32_t>(late_.size()));
    late_.emplace_back();
  }
  const uint32_t index = free_late_.back();
  free_late_.pop_back();
  late_[index] = Late{slot.record.id, slot.record.model, slot.bookings,
                      core::Usage{slot.actual_input, slot.actual_output}};
  heap_.push(now_ + draw_.skewed(1'000'000, 20'000'000'000), What::kUsage, index);
}

// How long the core counts a charge beyond its window cannot be told from outside: not then.
void World::usage_known(uint32_t index) {
  Late& late = late_[index];
  free_late_.push_back(index);
  for (size_t i = 0; i < books_.size(); ++i) {
    if (books_[i].age_of(now_, late.bookings[i]) == Book::Age::kMayCount) return;
  }
  late_counts_ = false;
  for (size_t i = 0; i < books_.size(); ++i) {
    late_counts_ = late_counts_ || books_[i].age_of(now_, late.bookings[i]) == Book::Age::kCounts;
    const int64_t actual = books_[i].cost_of(late.usage.input_tokens, late.usage.output_tokens);
    if (actual > late.bookings[i].cost) ++disturbances_;
    books_[i].amend(now_, late.bookings[i], actual);
  }
  step(core::UsageKnown{late.request, late.model, late.usage});
}

void World::perform(const core::UsageNoted& action) {
  if ((action.status == core::Status::kOk) == late_counts_) return;
  findings_->add(2, now_, "usage of request %llu that is known late: %s",
                 static_cast<unsigned long long>(action.request), core::status_name(action.status));
}

// I2 and I3 for the limits of those tenants that did something.
void World::check_tenants() {
  const auto tenants = static_cast<size_t>(scenario_->tenants) + 1;
  for (const size_t index : own_touched_) {
    Book& book = *own_books_[index];
    book.move_to(now_);
    const auto model = static_cast<core::ModelIndex>(index / tenants);
    const auto tenant = static_cast<core::TenantIndex>(index % tenants);
    const core::Account* const account = engine_->model(model)->accounts.find(tenant);
    const bool has = account != nullptr && account->own != nullptr;
    core::Limit* const limit = has ? account->own->limiter.limits()[0] : nullptr;
    const int64_t held = limit == nullptr ? 0 : limit->held();
    const int64_t used = limit == nullptr ? 0 : limit->used(TimeNs{now_});
    if (held != book.held()) {
      findings_->add(3, now_, "the limit of tenant %u holds %lld, it should %lld", tenant,
                     static_cast<long long>(held), static_cast<long long>(book.held()));
    }
    if (used < book.least() || used > book.most()) {
      findings_->add(2, now_, "the limit of tenant %u counts %lld, not %lld .. %lld", tenant,
                     static_cast<long long>(used), static_cast<long long>(book.least()),
                     static_cast<long long>(book.most()));
    }
  }
  own_touched_.clear();
}

}  // namespace llmq::simulator
