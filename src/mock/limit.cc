#include "mock/limit.h"

#include <algorithm>

#include "mock/random.h"

namespace llmq::mock {

using std::chrono::seconds;

const char* name_of(LimitKind kind) {
  switch (kind) {
    case LimitKind::kRequests:
      return "requests";
    case LimitKind::kTokens:
      return "tokens";
    case LimitKind::kInputTokens:
      return "input_tokens";
    case LimitKind::kOutputTokens:
      return "output_tokens";
    case LimitKind::kConcurrency:
      return "concurrency";
  }
  return "unknown";
}

const char* name_of(Shape shape) {
  switch (shape) {
    case Shape::kSliding:
      return "sliding";
    case Shape::kFixed:
      return "fixed";
    case Shape::kBucket:
      return "bucket";
    case Shape::kQuantised:
      return "quantised";
    case Shape::kTwoBucket:
      return "two_bucket";
  }
  return "unknown";
}

const char* name_of(Told told) {
  switch (told) {
    case Told::kOwn:
      return "own";
    case Told::kBucket:
      return "bucket";
    case Told::kOff:
      return "off";
  }
  return "unknown";
}

const char* name_of(BucketReset reset) {
  switch (reset) {
    case BucketReset::kFull:
      return "full";
    case BucketReset::kAmount:
      return "amount";
  }
  return "unknown";
}

// ---- SlidingLog

std::deque<SlidingLog::Entry>::const_iterator SlidingLog::first_inside(Nanos now) const {
  return std::partition_point(log_.begin(), log_.end(),
                              [&](const Entry& entry) { return now - entry.time >= period_; });
}

int64_t SlidingLog::total_before(const std::deque<Entry>::const_iterator& entry) const {
  return entry == log_.begin() ? forgotten_ : std::prev(entry)->total_after;
}

int64_t SlidingLog::used(Nanos now) const { return total_ - total_before(first_inside(now)); }

void SlidingLog::charge(Nanos now, int64_t cost) {
  while (!log_.empty() && now - log_.front().time >= period_) {
    forgotten_ = log_.front().total_after;
    log_.pop_front();
  }
  if (cost == 0) return;
  total_ += cost;
  log_.push_back({now, total_});
}

Nanos SlidingLog::wait_for(Nanos now, int64_t cost) const {
  const int64_t must_leave = total_ + cost - amount_;
  if (total_before(first_inside(now)) >= must_leave) return Nanos(0);
  const auto last = std::partition_point(
      log_.begin(), log_.end(), [&](const Entry& entry) { return entry.total_after < must_leave; });
  return last->time + period_ - now;
}

Nanos SlidingLog::oldest_leaves_in(Nanos now) const {
  const auto oldest = first_inside(now);
  return oldest == log_.end() ? Nanos(0) : oldest->time + period_ - now;
}

// ---- FixedWindow

int64_t FixedWindow::index_of(Nanos now) const {
  return now < first_edge_ ? 0 : 1 + (now - first_edge_) / period_;
}

void FixedWindow::charge(Nanos now, int64_t cost) {
  const int64_t index = index_of(now);
  if (index != index_) {
    index_ = index;
    used_ = 0;
  }
  used_ += cost;
}

Nanos FixedWindow::edge_in(Nanos now) const { return first_edge_ + index_of(now) * period_ - now; }

Nanos FixedWindow::wait_for(Nanos now, int64_t cost) const {
  return would_accept(now, cost) ? Nanos(0) : edge_in(now);
}

// ---- TokenBucket

TokenBucket::TokenBucket(int64_t amount, Nanos period, int64_t capacity)
    : amount_(amount),
      period_(period),
      capacity_(capacity),
      scaled_level_(static_cast<Wide>(capacity) * period.count()) {}

Wide TokenBucket::scaled_level(Nanos now) const {
  const Wide full = static_cast<Wide>(capacity_) * period_.count();
  return std::min(full, scaled_level_ + static_cast<Wide>((now - time_).count()) * amount_);
}

int64_t TokenBucket::level(Nanos now) const {
  const Wide scaled = scaled_level(now);
  const Wide units = scaled >= 0 ? scaled / period_.count() : -ceil_div(-scaled, period_.count());
  return static_cast<int64_t>(units);
}

int64_t TokenBucket::used(Nanos now) const { return capacity_ - level(now); }

bool TokenBucket::would_accept(Nanos now, int64_t cost) const {
  return scaled_level(now) >= static_cast<Wide>(cost) * period_.count();
}

void TokenBucket::charge(Nanos now, int64_t cost) {
  scaled_level_ = scaled_level(now) - static_cast<Wide>(cost) * period_.count();
  time_ = now;
}

void TokenBucket::set_amount(Nanos now, int64_t amount, int64_t capacity) {
  const Wide used = static_cast<Wide>(capacity_) * period_.count() - scaled_level(now);
  const Wide full = static_cast<Wide>(capacity) * period_.count();
  // What a smaller bucket cannot hold was never used of it.
  scaled_level_ = used <= full ? full - used : std::min<Wide>(0, scaled_level(now));
  time_ = now;
  amount_ = amount;
  capacity_ = capacity;
}

Nanos TokenBucket::wait_for(Nanos now, int64_t cost) const { return until_level(now, cost); }

Nanos TokenBucket::until_level(Nanos now, int64_t level) const {
  const Wide missing = static_cast<Wide>(level) * period_.count() - scaled_level(now);
  return Nanos(missing <= 0 ? 0 : static_cast<int64_t>(ceil_div(missing, amount_)));
}

// ---- RateLimit

int64_t bucket_capacity(const LimitSpec& spec) {
  return static_cast<int64_t>(static_cast<Wide>(spec.amount) * spec.burst_ppm / kFullBurstPpm);
}

int64_t slice_amount(const LimitSpec& spec) {
  return static_cast<int64_t>(static_cast<Wide>(spec.amount) * spec.slice.count() /
                              spec.period.count());
}

Nanos first_edge_after_arrival(Nanos period, uint64_t seed) {
  if (period <= seconds(1)) return period;
  Random random(mix_bits(seed) ^ static_cast<uint64_t>(period.count()));
  return Nanos(random.between(Nanos(seconds(1)).count(), period.count()));
}

const char* check_limit_spec(const LimitSpec& spec) {
  if (spec.amount < 1 || spec.amount > kMaxAmount) return "the amount must be from 1 to 10^15";
  if (spec.kind == LimitKind::kConcurrency) return "";
  if (spec.period < std::chrono::milliseconds(1) || spec.period > kMaxPeriod) {
    return "the period must be from 1ms to 366d";
  }
  if (spec.shape == Shape::kBucket) {
    if (spec.burst_ppm < 1 || spec.burst_ppm > 1000 * kFullBurstPpm) {
      return "burst must be from 0.000001 to 1000";
    }
    if (bucket_capacity(spec) < 1) return "this burst leaves a bucket of less than 1";
  }
  if (spec.shape == Shape::kQuantised) {
    if (spec.slice < std::chrono::milliseconds(1) || spec.slice > spec.period) {
      return "the slice must be from 1ms to the limit's period";
    }
    if (slice_amount(spec) < 1) return "this slice leaves less than 1 per slice: use a longer one";
  }
  if (spec.changed_amount != 0) {
    LimitSpec changed = spec;
    changed.amount = spec.changed_amount;
    changed.changed_amount = 0;
    if (check_limit_spec(changed)[0] != '\0') return "the amount that it changes to is no limit";
  }
  return "";
}

namespace {

using Ledger = std::variant<SlidingLog, FixedWindow, TokenBucket, TwoBucket>;

Ledger ledger_of(const LimitSpec& spec, uint64_t seed) {
  switch (spec.shape) {
    case Shape::kFixed:
      return FixedWindow(spec.amount, spec.period, first_edge_after_arrival(spec.period, seed));
    case Shape::kQuantised:
      return FixedWindow(slice_amount(spec), spec.slice,
                         first_edge_after_arrival(spec.slice, seed));
    case Shape::kBucket:
      return TokenBucket(spec.amount, spec.period, bucket_capacity(spec));
    case Shape::kTwoBucket:
      return TwoBucket(spec.amount, spec.period, first_edge_after_arrival(spec.period, seed));
    case Shape::kSliding:
      break;
  }
  return SlidingLog(spec.amount, spec.period);
}

}  // namespace

RateLimit::RateLimit(const LimitSpec& spec, uint64_t seed)
    : spec_(spec), ledger_(ledger_of(spec, seed)), gauge_(spec.amount, spec.period, spec.amount) {}

int64_t RateLimit::capacity() const {
  return std::visit([](const auto& ledger) { return ledger.capacity(); }, ledger_);
}

int64_t RateLimit::used(Nanos now) const {
  return std::visit([&](const auto& ledger) { return ledger.used(now); }, ledger_);
}

bool RateLimit::would_accept(Nanos now, int64_t cost) const {
  return std::visit([&](const auto& ledger) { return ledger.would_accept(now, cost); }, ledger_);
}

void RateLimit::charge(Nanos now, int64_t cost) {
  std::visit([&](auto& ledger) { ledger.charge(now, cost); }, ledger_);
  gauge_.charge(now, cost);
}

void RateLimit::change_when_due(Nanos now) {
  if (spec_.changed_amount == 0 || now < spec_.change_at) return;
  spec_.amount = spec_.changed_amount;
  spec_.changed_amount = 0;
  if (auto* bucket = std::get_if<TokenBucket>(&ledger_)) {
    bucket->set_amount(now, spec_.amount, bucket_capacity(spec_));
  } else if (auto* log = std::get_if<SlidingLog>(&ledger_)) {
    log->set_amount(spec_.amount);
  } else if (auto* counter = std::get_if<TwoBucket>(&ledger_)) {
    counter->set_amount(spec_.amount);
  } else {
    const bool is_sliced = spec_.shape == Shape::kQuantised;
    std::get<FixedWindow>(ledger_).set_amount(is_sliced ? slice_amount(spec_) : spec_.amount);
  }
  gauge_.set_amount(now, spec_.amount, spec_.amount);
}

Nanos RateLimit::wait_for(Nanos now, int64_t cost) const {
  return std::visit([&](const auto& ledger) { return ledger.wait_for(now, cost); }, ledger_);
}

std::optional<Nanos> RateLimit::first_edge() const {
  if (const FixedWindow* fixed = grid()) return fixed->first_edge();
  if (const TwoBucket* counter = two_bucket()) return counter->first_edge();
  return std::nullopt;
}

LimitView RateLimit::view(Nanos now) const {
  if (spec_.told == Told::kOwn) return own_view(now);
  return {spec_.amount, gauge_.used(now), spec_.period, gauge_.until_level(now, spec_.amount)};
}

LimitView RateLimit::own_view(Nanos now) const {
  if (const auto* bucket = std::get_if<TokenBucket>(&ledger_)) {
    // A bucket of a tenth is told as one of N that never shows more than a tenth.
    const int64_t target =
        spec_.bucket_reset == BucketReset::kFull ? bucket->capacity() : spec_.amount;
    return {spec_.amount, spec_.amount - bucket->level(now), spec_.period,
            bucket->until_level(now, target)};
  }
  if (const FixedWindow* fixed = grid()) {
    return {fixed->capacity(), fixed->used(now), fixed->period(), fixed->edge_in(now)};
  }
  if (const TwoBucket* counter = two_bucket()) {
    return {spec_.amount, counter->used(now), spec_.period, counter->edge_in(now)};
  }
  const auto& log = std::get<SlidingLog>(ledger_);
  return {spec_.amount, log.used(now), spec_.period, log.oldest_leaves_in(now)};
}

}  // namespace llmq::mock
