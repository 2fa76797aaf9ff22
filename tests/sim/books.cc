#include "tests/sim/books.h"

#include <algorithm>

#include "tests/sim/features.h"

namespace llmq::simulator {
namespace {

// A bucket of the core's ledger covers at most this part of its window.
constexpr int64_t kParts = 256;

}  // namespace

Book::Book(const core::LimitSpec& spec, const core::Prices& prices)
    : spec_(spec),
      prices_(prices),
      window_(spec.period.ns + spec.jitter.ns),
      slack_(window_ / kParts + 1),
      ring_(256),
      bucket_(bucket_of(spec)),
      unrefunded_(bucket_) {}

std::optional<Counter> Book::bucket_of(const core::LimitSpec& spec) {
  if (spec.shape != core::Shape::kBucket || !features().bucket) return std::nullopt;
  Rule rule;
  rule.algorithm = Algorithm::kBucket;
  rule.amount = spec.amount;
  rule.period = spec.period.ns;
  rule.burst = spec.burst > 0 ? spec.burst : spec.amount;
  return Counter(rule);
}

void Book::change(int64_t now, const core::LimitSpec& spec) {
  if (unrefunded_) {  // more may have been lost during J, and something is by rounding
    __extension__ using Wide = __int128;
    const int64_t slower = std::max<int64_t>(spec_.amount - spec.amount, 0);
    const Wide lost = static_cast<Wide>(slower) * spec.jitter.ns / spec.period.ns;
    (void)unrefunded_->add(now, static_cast<int64_t>(lost) + 2);
  }
  spec_ = spec;
  if (bucket_) bucket_->set_amount(now, spec.amount);
  if (unrefunded_) unrefunded_->set_amount(now, spec.amount);
}

int64_t Book::cost_of(int64_t input, int64_t output) const {
  switch (spec_.kind) {
    case core::LimitKind::kTokens:
      return input + output;
    case core::LimitKind::kInputTokens:
      return input;
    case core::LimitKind::kOutputTokens:
      return output;
    case core::LimitKind::kCost:  // the simulator's prices are whole per token
      return (input * prices_.input + output * prices_.output) / 1'000'000;
    default:
      return 1;
  }
}

bool Book::counts_at_end() const {
  switch (spec_.charge) {
    case core::ChargeModel::kCompletion:
    case core::ChargeModel::kRealtime:
      return true;
    case core::ChargeModel::kUnknown:
      return features().unknown_charge;
    default:
      return false;
  }
}

void Book::reserve(Booking& booking, int64_t cost) {
  held_ += cost;
  booking = Booking{};
  booking.cost = cost;
}

void Book::sent(int64_t now, Booking& booking) {
  if (counts_at_end()) return;
  held_ -= booking.cost;
  booking.entry = charge(now, booking.cost);
}

bool Book::counts_output() const {
  return spec_.kind == core::LimitKind::kTokens || spec_.kind == core::LimitKind::kOutputTokens;
}

bool Book::projects() const {
  return counts_output() && is_sliding() &&
         (spec_.charge == core::ChargeModel::kCompletion ||
          spec_.charge == core::ChargeModel::kRealtime);
}

void Book::progress(int64_t now, Booking& booking, int64_t tokens) {
  if (spec_.charge != core::ChargeModel::kRealtime || !counts_output()) return;
  const int64_t more = tokens - booking.seen;
  if (booking.entry != 0 || more <= 0) return;
  const int64_t unseen = booking.cost - booking.seen;
  held_ -= more < unseen ? more : unseen;
  booking.seen = tokens;
  if (booking.cost < tokens) booking.cost = tokens;
  charge(now, more);
}

void Book::refund(Booking& booking) {
  held_ -= booking.cost;
  booking = Booking{};
}

void Book::settle(int64_t now, Booking& booking, int64_t actual, bool refused) {
  move_to(now);
  if (booking.entry == 0) {
    held_ -= booking.cost - booking.seen;
    booking.entry = charge(now, booking.cost - booking.seen);
  }
  if (spec_.kind == core::LimitKind::kRequests) return;
  if (refused) actual = 0;
  if (actual >= 0) correct(now, booking, actual);
}

Book::Age Book::age_of(int64_t now, const Booking& booking) {
  move_to(now);
  if (booking.entry >= least_head_) return Age::kCounts;
  return booking.entry >= most_head_ ? Age::kMayCount : Age::kGone;
}

void Book::amend(int64_t now, Booking& booking, int64_t actual) {
  if (age_of(now, booking) == Age::kGone || spec_.kind == core::LimitKind::kRequests) return;
  correct(now, booking, actual);
}

void Book::correct(int64_t now, Booking& booking, int64_t actual) {
  if (actual < booking.seen) actual = booking.seen;
  if (actual > booking.cost) {
    booking.entry = charge(now, actual - booking.cost);
    booking.cost = actual;
    return;
  }
  const bool keeps = spec_.charge == core::ChargeModel::kArrival ||
                     (spec_.charge == core::ChargeModel::kUnknown && features().unknown_charge);
  if (keeps || booking.entry < most_head_) return;
  const int64_t less = booking.cost - actual;
  if (bucket_) bucket_->correct(now, 0, less, 0);
  booking.cost = actual;
  at(booking.entry).cost -= less;
  most_ -= less;
  if (booking.entry >= least_head_) least_ -= less;
}

uint64_t Book::charge(int64_t now, int64_t cost) {
  move_to(now);
  if (tail_ - most_head_ == ring_.size()) {
    std::vector<Entry> bigger(ring_.size() * 2);
    for (uint64_t i = most_head_; i != tail_; ++i) {
      bigger[i & (bigger.size() - 1)] = at(i);
    }
    ring_.swap(bigger);
  }
  at(tail_) = Entry{now, cost};
  least_ += cost;
  most_ += cost;
  if (bucket_) (void)bucket_->add(now, cost);
  if (unrefunded_) (void)unrefunded_->add(now, cost);
  return tail_++;
}

void Book::move_to(int64_t now) {
  while (least_head_ != tail_ && at(least_head_).at + window_ <= now) {
    least_ -= at(least_head_++).cost;
  }
  while (most_head_ != tail_ && at(most_head_).at + window_ + slack_ <= now) {
    most_ -= at(most_head_++).cost;
  }
}

}  // namespace llmq::simulator
