#include "core/limit/limit_learning.h"

#include <algorithm>

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr int64_t kWhole = 1'000'000;
constexpr int64_t kCutPpm = 900'000;            // x 0.9 per episode
constexpr int64_t kLeastPpm = 500'000;          // and not below a half
constexpr int64_t kRecoverPpm = 10'000;         // of the whole, per window without another
constexpr DurationNs kReset = milliseconds(2);  // resets are told in whole milliseconds, rounded
// A bucket says when one unit is there; whoever names a later time counts in slices.
constexpr DurationNs kSoon = milliseconds(5);

constexpr uint32_t kEnoughAlone = 8;  // answers that show edges under one assumption alone

int64_t distance(int64_t a, int64_t b) { return a < b ? b - a : a - b; }

}  // namespace

Learner::Learner(const LimitSpec& spec) : spec_(spec) { learnt_.amount = spec.amount; }

void Learner::change(const LimitSpec& spec) {
  const bool other = spec.amount != spec_.amount || spec.period != spec_.period;
  spec_ = spec;
  if (other) forget();
}

// What was concluded holds no longer: the limit has become another.
void Learner::forget() {
  learnt_ = Learnt{};
  learnt_.amount =
      told_ == kNotTold ? spec_.amount : std::min(spec_.amount, std::max<int64_t>(told_, 1));
  votes_.bucket = votes_.not_bucket = 0;
  votes_.grid = votes_.not_grid = 0;
  votes_.sliding = votes_.not_sliding = 0;
  has_reference_ = false;
  grids_ = {};
  capacity_seen_ = 0;
  locked_ = sliding_only_ = grid_refuted_ = false;
}

bool Learner::is_slice(int64_t told, DurationNs slice) const {
  if (slice >= spec_.period) return false;
  return told == std::max<int64_t>(mul_div(spec_.amount, slice.ns, spec_.period.ns), 1);
}

bool Learner::observe(const Seen& seen, const Observation& shown) {
  bool changed = false;
  if (shown.limit != kNotTold && shown.limit != told_ && shown.limit > 0) {
    told_ = shown.limit;
    slice_ = {};
    if (told_ < spec_.amount) {
      for (const DurationNs slice : {seconds(1), seconds(10)}) {
        if (is_slice(told_, slice)) slice_ = slice;
      }
    }
    if (votes_.answers > 0) forget();
    begin_with_told();
    changed = true;
  }
  if (shown.remaining == kNotTold) return changed;
  ++votes_.answers;
  if (told_ == kNotTold) told_ = spec_.amount;
  capacity_seen_ = std::max(capacity_seen_, std::min(told_, shown.remaining + seen.cost));
  if (shown.reset.ns >= 0) {
    if (slice_.ns > 0 && shown.reset > slice_ + kReset) {  // then it is a lower limit
      slice_ = {};
      if (!locked_) learnt_.shape = Shape::kAuto;
      learnt_.amount = std::min(spec_.amount, told_);
      changed = true;
    }
    vote(seen, shown);
  }
  changed = check_new_window(seen, shown) || changed;
  return conclude() || changed;
}

// Until something else is found.
void Learner::begin_with_told() {
  if (told_ == kNotTold) return;
  if (slice_.ns == 0) {
    learnt_.amount = std::min(spec_.amount, told_);
  } else if (!locked_ && spec_.shape == Shape::kAuto) {
    learnt_.shape = Shape::kQuantised;
    learnt_.from = Lesson::kHeaders;
    learnt_.slice = slice_;
    learnt_.has_edge = false;
  }
}

// After an edge: windows on a grid start from nothing, a sliding log still holds what is inside,
// and a counter of two buckets a share of the window before.
bool Learner::check_new_window(const Seen& seen, const Observation& shown) {
  if (locked_ || spec_.shape != Shape::kAuto) return false;
  const int64_t slack = told_ / 20;
  if (learnt_.shape == Shape::kFixed && !learnt_.confirmed && seen.in_new_window >= 0) {
    const bool empty = shown.remaining + seen.in_new_window + slack >= told_;
    if (!empty) {
      grid_refuted_ = true;
      return true;
    }
    if (seen.inside < told_ / 2) return false;  // a sliding log might be as empty
    learnt_.confirmed = true;
    return true;
  }
  if (grid_refuted_ && votes_.not_grid == 0 && seen.beyond > 2 * slack) {
    locked_ = true;
    return learn_pacing(Lesson::kHeaders);
  }
  return false;
}

void Learner::vote(const Seen& seen, const Observation& shown) {
  vote_bucket(shown);
  vote_time(seen, shown);
  vote_grid(seen, shown);
}

// reset = (capacity - remaining) * T/N is the line of a bucket.
void Learner::vote_bucket(const Observation& shown) {
  const DurationNs unit{mul_div_up(1, spec_.period.ns, told_)};
  const DurationNs sum = shown.reset + DurationNs{mul_div(shown.remaining, spec_.period.ns, told_)};
  if (!has_reference_) {
    has_reference_ = true;
    reference_remaining_ = shown.remaining;
    reference_sum_ = sum;
    return;
  }
  const int64_t fell = distance(shown.remaining, reference_remaining_);
  if (fell < 3) return;
  const int64_t fell_time = mul_div(fell, spec_.period.ns, told_);
  const int64_t moved = distance(sum.ns, reference_sum_.ns);
  if (moved <= unit.ns + kReset.ns + fell_time / 8) {
    ++votes_.bucket;
  } else if (moved >= fell_time / 2) {
    ++votes_.not_bucket;
  }
}

void Learner::vote_grid(const Seen& seen, const Observation& shown) {
  const DurationNs period = slice_.ns > 0 ? slice_ : spec_.period;
  // The provider said it between the sending and the answer.
  const TimeNs low = seen.sent + shown.reset - kReset;
  const TimeNs high = seen.now + shown.reset;
  const DurationNs slack = DurationNs{spec_.period.ns / 200} + spec_.jitter + milliseconds(20);
  if (seen.oldest != kNever) {
    const TimeNs leaves = seen.oldest + spec_.period;
    if (leaves + slack >= low && leaves <= high + slack) {
      ++votes_.sliding;
    } else {
      ++votes_.not_sliding;
    }
  }
  if (shown.reset > period + kReset) {
    for (Grid& grid : grids_) ++grid.no;
  } else {
    // Nothing is longer on its way than J.
    const DurationNs way = spec_.jitter + learnt_.jitter;
    grids_[0].vote(low, std::min(seen.sent + way, seen.now) + shown.reset, period);
    grids_[1].vote(std::max(seen.now - way, seen.sent) + shown.reset - kReset, high, period);
  }
  const Grid best = grid();
  votes_.grid = best.yes;
  votes_.not_grid = best.no;
}

// While much is on its way, what remains was shown either before or after it was charged.
void Learner::vote_time(const Seen& seen, const Observation& shown) {
  if (seen.after < 4 * std::max<int64_t>(seen.cost, 1)) return;
  const int64_t used = told_ - shown.remaining;
  if (distance(used, seen.used) <= seen.after / 4) ++tells_[0];
  if (distance(used, seen.used + seen.after) <= seen.after / 4) ++tells_[1];
}

void Learner::Grid::vote(TimeNs from, TimeNs to, DurationNs period) {
  if (to - from > DurationNs{period.ns / 4}) return;  // the way is too long to tell the edge
  if (!begun) {
    begun = true;
    low = from;
    high = to;
    return;
  }
  const int64_t steps = (from.ns - low.ns + period.ns / 2) / period.ns;
  const TimeNs moved_low{from.ns - steps * period.ns};
  const TimeNs moved_high{to.ns - steps * period.ns};
  if (std::max(moved_low, low) <= std::min(moved_high, high) + kReset) {
    ++yes;
    low = std::max(moved_low, low);
    high = std::max(std::min(moved_high, high), low);
  } else {
    ++no;
    low = from;
    high = to;
  }
}

// Where answers always take as long, both may hold: then what remains tells, or neither is ruled
// out.
Learner::Grid Learner::grid() const {
  const Grid& early = grids_[0];
  const Grid& late = grids_[1];
  if (early.holds() != late.holds()) {  // by chance, perhaps, while few have been heard
    Grid one = early.holds() ? early : late;
    if (one.yes < kEnoughAlone) one.yes = 0;
    return one;
  }
  if (tells_[0] >= 4 && tells_[0] > 4 * tells_[1]) return early;
  if (tells_[1] >= 4 && tells_[1] > 4 * tells_[0]) return late;
  if (!early.holds()) return late.yes > early.yes ? late : early;
  Grid both = late;
  both.low = std::min(early.low, late.low);
  both.high = std::max(early.high, late.high);
  const DurationNs period = slice_.ns > 0 ? slice_ : spec_.period;
  if (both.high - both.low > DurationNs{period.ns / 4}) both.yes = 0;
  return both;
}

bool Learner::conclude() {
  if (locked_ || spec_.shape != Shape::kAuto) return false;
  Learnt now = learnt_;
  now.from = Lesson::kHeaders;
  if (votes_.bucket >= 2 && votes_.bucket > 3 * votes_.not_bucket) {
    now.shape = Shape::kBucket;
    now.amount = std::min(spec_.amount, told_);
    now.capacity = shown_capacity();
    return set(now);
  }
  if (votes_.not_bucket < 2 || votes_.not_bucket <= 3 * votes_.bucket) return false;
  const Grid found = grid();
  const bool grid = found.holds();
  if (slice_.ns > 0) {
    now.shape = Shape::kQuantised;
    now.amount = told_;
    now.slice = slice_;
  } else if (grid && !grid_refuted_) {  // as sliding, until it is confirmed
    now.shape = Shape::kFixed;
    now.amount = std::min(spec_.amount, told_);
  } else {
    now.shape = Shape::kSliding;
    now.amount = std::min(spec_.amount, told_);
  }
  now.has_edge = grid && now.shape != Shape::kSliding;
  if (now.has_edge) {
    // The latest edge that the answers allow: a call that waits for it is not too early.
    now.edge = found.high;
    now.spread = found.high - found.low;
  }
  return set(now);
}

// The line tells when it is full; of one that never shows more, what was ever there.
int64_t Learner::shown_capacity() const {
  const int64_t full = mul_div(reference_sum_.ns + kReset.ns, told_, spec_.period.ns);
  int64_t capacity = std::min(full, told_);
  if (capacity_seen_ < capacity - capacity / 20) capacity = capacity_seen_;
  return std::clamp<int64_t>(capacity, 1, spec_.amount);
}

bool Learner::set(const Learnt& learnt) {
  const bool same =
      learnt.shape == learnt_.shape && learnt.amount == learnt_.amount &&
      learnt.capacity == learnt_.capacity && learnt.slice == learnt_.slice &&
      learnt.has_edge == learnt_.has_edge &&
      (!learnt.has_edge || distance(learnt.edge.ns, learnt_.edge.ns) < milliseconds(1).ns);
  const bool other_shape = learnt.shape != learnt_.shape;
  if (same) return false;
  const bool confirmed = learnt_.confirmed && !other_shape;
  learnt_ = learnt;
  learnt_.confirmed = confirmed;
  return true;
}

// Refusals of calls that were on their way when the first one came teach nothing more.
bool Learner::begin_episode(const Seen& seen) {
  if (had_episode_ && seen.sent <= episode_) return false;
  had_episode_ = true;
  episode_ = seen.now;
  ++votes_.refusals;
  return true;
}

bool Learner::looks_like_slice(const Seen& seen, const Refusal& refusal, DurationNs slice,
                               int64_t sent_in_it) const {
  if (slice >= spec_.period || refusal.retry_after.ns <= 0) return false;
  if (refusal.retry_after > slice + kReset) return false;
  if (learnt_.shape == Shape::kQuantised && learnt_.slice >= slice) return false;
  if (slice == seconds(1) ? more_than_1s_ : more_than_10s_) return false;
  if (refusal.retry_after.ns <= 2 * unit_time(seen).ns + kSoon.ns) return false;
  const int64_t allowed = mul_div(spec_.amount, slice.ns, spec_.period.ns);
  return allowed >= 1 && sent_in_it + seen.cost > allowed - allowed / 5;
}

bool Learner::learn_slice(const Seen& seen, const Refusal& refusal, DurationNs slice) {
  Learnt now = learnt_;
  now.shape = Shape::kQuantised;
  now.from = Lesson::kRefusal;
  now.slice = slice;
  now.amount = std::max<int64_t>(mul_div(spec_.amount, slice.ns, spec_.period.ns), 1);
  now.edge = seen.now + refusal.retry_after;
  now.spread = seen.now - seen.sent;
  now.has_edge = true;
  locked_ = learnt_any_ = true;
  return set(now);
}

// A bucket that is emptier than was thought, by its own numbers: others use it, or what was used in
// the end was more than expected.
bool Learner::is_empty_bucket(const Refusal& refusal) const {
  if (learnt_.shape != Shape::kBucket || learnt_.from != Lesson::kHeaders) return false;
  if (refusal.used < 0 || refusal.requested < 0 || refusal.limit != told_) return false;
  const int64_t missing = refusal.used + refusal.requested - refusal.limit;
  if (missing <= 0) return false;
  const int64_t wait = mul_div(missing, spec_.period.ns, told_);
  return distance(wait, refusal.retry_after.ns) <= kSoon.ns + wait / 20;
}

// The time in which the limit brings what the call costs.
DurationNs Learner::unit_time(const Seen& seen) const {
  return {mul_div_up(seen.cost, spec_.period.ns, spec_.amount)};
}

bool Learner::learn_refusal(const Seen& seen, const Refusal& refusal) {
  learnt_any_ = true;
  switch (learnt_.shape) {
    case Shape::kAuto:
    case Shape::kSliding: {
      if (seen.probe) {
        sliding_only_ = true;
        return false;
      }
      if (fills_window(seen)) return learn_jitter(refusal);
      return learn_bucket(seen, refusal);
    }
    case Shape::kBucket:
      return refuse_bucket(seen, refusal);
    case Shape::kFixed:
      if (!learnt_.confirmed) {
        locked_ = true;
        return learn_pacing(Lesson::kRefusal);
      }
      break;
    case Shape::kQuantised:
      if (!learnt_.has_edge) break;
      {
        Learnt now = learnt_;  // slices of that length, but elsewhere
        now.from = Lesson::kRefusal;
        now.has_edge = false;
        locked_ = true;
        return set(now);
      }
    case Shape::kPaced:
      break;
  }
  // Nothing explains it: take less.
  cut(seen.now);
  if (votes_.refusals >= 3 && learnt_.shape != Shape::kPaced &&
      learnt_.shape != Shape::kQuantised) {
    locked_ = true;
    return learn_pacing(Lesson::kRefusal);
  }
  return true;
}

// What had been taken out of a full bucket, and what of the call's cost was there, was all it
// holds.
bool Learner::learn_bucket(const Seen& seen, const Refusal& refusal) {
  int64_t there = 0;
  if (refusal.retry_after.ns > 0) {
    const int64_t wanting = mul_div_up(refusal.retry_after.ns, learnt_.amount, spec_.period.ns);
    there = std::max<int64_t>(seen.cost - 1 - wanting, 0);
  }
  Learnt now = learnt_;
  now.shape = Shape::kBucket;
  now.from = Lesson::kRefusal;
  now.capacity = std::clamp<int64_t>(seen.missing + there, 1, learnt_.amount);
  locked_ = true;
  return set(now);
}

bool Learner::is_nearly_empty(const Seen& seen) const {
  return seen.room <= seen.cost + learnt_.capacity / 10;
}

bool Learner::refuse_bucket(const Seen& seen, const Refusal& refusal) {
  // Whoever names a later time than that of one call counts in windows, whatever headers show.
  const bool later = refusal.retry_after.ns > 2 * unit_time(seen).ns + kSoon.ns;
  if (later && fills_window(seen)) return learn_sliding();
  if (is_nearly_empty(seen)) return learn_jitter(refusal);
  if (learnt_.from == Lesson::kProbe) {  // no bucket after all
    sliding_only_ = true;
    return learn_sliding();
  }
  if (learnt_.from != Lesson::kRefusal) return learn_bucket(seen, refusal);
  locked_ = true;
  return learn_pacing(Lesson::kRefusal);  // nor one of another size
}

bool Learner::learn_sliding() {
  Learnt now = learnt_;
  now.shape = Shape::kSliding;
  now.from = Lesson::kRefusal;
  now.has_edge = false;
  locked_ = locked_ || headers();
  return set(now);
}

// A window that slides explains the refusal: it was full, or nearly.
bool Learner::fills_window(const Seen& seen) const {
  return seen.used - seen.cost >= learnt_.amount - learnt_.amount / 10;
}

bool Learner::exceeds_slice(DurationNs slice, int64_t sent_in_it) const {
  // Two slices may touch within any time of that length.
  const int64_t allowed = mul_div_up(spec_.amount, slice.ns, spec_.period.ns);
  return slice < spec_.period && sent_in_it > 2 * allowed + 1;
}

// The way to the provider's counter varies more than was thought.
bool Learner::learn_jitter(const Refusal& refusal) {
  const DurationNs most = milliseconds(600);
  const DurationNs before = spec_.jitter + learnt_.jitter;
  DurationNs now{std::max(2 * before.ns, milliseconds(20).ns)};
  // It told by how much the call came too early.
  if (refusal.retry_after.ns > 0) now = std::min(now, before + refusal.retry_after + kReset);
  if (spec_.jitter + learnt_.jitter >= most) return false;
  learnt_.jitter = std::min(now, most) - spec_.jitter;
  return true;
}

bool Learner::learn_pacing(Lesson from) {
  Learnt now = learnt_;
  now.shape = Shape::kPaced;
  now.from = from;
  now.has_edge = false;
  now.amount = told_ == kNotTold || slice_.ns > 0 ? spec_.amount : std::min(spec_.amount, told_);
  return set(now);
}

bool Learner::probe_answered(bool accepted) {
  if (!accepted) {
    sliding_only_ = true;
    return false;
  }
  if (learnt_.shape != Shape::kAuto) return false;
  Learnt now = learnt_;
  now.shape = Shape::kBucket;
  now.from = Lesson::kProbe;
  now.capacity = now.amount;
  learnt_any_ = true;
  return set(now);
}

bool Learner::end_lesson() {
  lesson_ends_ = kNever;
  votes_.refusals = 0;
  cut_ppm_ = kWhole;
  sliding_only_ = false;
  learnt_.jitter = {};
  if (learnt_.from != Lesson::kRefusal) return false;
  forget();
  begin_with_told();
  learnt_any_ = false;
  return true;
}

void Learner::cut(TimeNs now) {
  cut_ppm_ = std::max(cut_ppm(now) * kCutPpm / kWhole, kLeastPpm);
  cut_at_ = now;
}

int64_t Learner::cut_ppm(TimeNs now) const {
  if (cut_ppm_ == kWhole) return kWhole;
  const int64_t clean = std::max<int64_t>((now - cut_at_).ns, 0) / spec_.period.ns;
  return std::min(kWhole, cut_ppm_ + std::min<int64_t>(clean, 100) * kRecoverPpm);
}

}  // namespace llmq::core
