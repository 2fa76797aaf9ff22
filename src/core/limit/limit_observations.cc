// What an answer shows of a limit, set against what we counted ourselves.
#include <algorithm>

#include "core/limit/limit.h"
#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr int64_t kMillion = 1'000'000;

}  // namespace

Seen Limit::seen(TimeNs now, const Hold* hold) {
  Seen seen;
  seen.now = now;
  seen.sent = now;
  seen.oldest = ledger_.oldest(now);
  if (hold == nullptr || hold->seq == 0) {
    seen.used = ledger_.used(now);
    seen.room = room(now);
    return seen;
  }
  seen.sent = hold->charged;
  seen.cost = hold->cost;
  seen.used = hold->used + foreign_;
  seen.after = total_ - hold->total;
  seen.room = hold->room;
  seen.missing = hold->missing;
  seen.probe = hold->probe;
  if (shape_ == Shape::kFixed && windows_) {
    const int64_t window = windows_->index(now);
    const DurationNs sure = spec_.jitter + spec_.jitter + DurationNs{spec_.period.ns / 128};
    // Of the windows before the edge, wherever that lies within its spread.
    const TimeNs edge = windows_->start(window) - learner_->learnt().spread - sure;
    seen.inside = ledger_.charged_since(now - spec_.period + sure) - ledger_.charged_since(edge);
    if (window > found_in_window_ && windows_->index(hold->charged) == window) {
      seen.in_new_window = windows_->used(now);
    }
  }
  return seen;
}

bool Limit::observe(TimeNs now, const Hold* hold, const Observation& told) {
  if (is_concurrency()) return false;
  if (!learner_) learner_.emplace(spec_);
  Observation shown = told;
  if (spec_.share > 1) {  // of what is told, others have theirs
    const int64_t parts = spec_.share;
    if (shown.limit != kNotTold) shown.limit = std::max<int64_t>(shown.limit / parts, 1);
    if (shown.remaining != kNotTold && shown.limit != kNotTold) {
      shown.remaining = std::min(shown.remaining, shown.limit);
    }
  }
  if (shown.period.ns > 0 && shown.period != spec_.period &&
      !learner_->is_slice(shown.limit, shown.period)) {
    return false;  // it tells of another limit
  }
  const bool was_starting = learner_->starting();
  const bool had_headers = learner_->headers();
  const int64_t shown_before = shown_total_;
  Seen what = seen(now, hold);
  const bool counted = hold == nullptr || hold->total > 0;  // since answers are looked at
  if (counted) what.beyond = beyond(now, what, shown);
  const bool changed = learner_->observe(what, shown);
  if (changed || !had_headers) enforce(now);
  // A small bucket shows from the beginning what it never holds: while the answers to our calls may
  // yet tell the shape, that is nobody's use.
  const bool may_tell = spec_.shape == Shape::kAuto && hold != nullptr && shown.reset.ns >= 0 &&
                        learner_->learnt().shape == Shape::kAuto;
  if (!may_tell) count_foreign(now, what.beyond);
  if (shown.remaining != kNotTold) {
    take_shown(now, hold, shown);
    if (evidence_) {
      const int64_t told = learner_->told();
      shown_ = Shown{now, {told, told - shown.remaining, shown.reset}};
    }
  }
  return changed || was_starting || shown_total_ > shown_before;  // (is_beyond_shown)
}

// Remaining clamps down, after the charges that the provider had not seen when it said it.
void Limit::take_shown(TimeNs now, const Hold* hold, const Observation& shown) {
  const TimeNs sent = hold == nullptr || hold->seq == 0 ? now : hold->charged;
  const int64_t after = hold == nullptr || hold->seq == 0 ? 0 : total_ - hold->total;
  shown_total_ = shown.reset.ns >= 0 ? total_ - after + shown.remaining : INT64_MAX;
  if (shape_ == Shape::kBucket) {
    bucket_->shown(now, sent, std::min(shown.remaining, bucket_->capacity()), after);
  } else if (windows_ && windows_->index(sent) == windows_->index(now)) {
    const int64_t of = shape_ == Shape::kQuantised ? slice_amount_ : effective_amount(now);
    windows_->at_least(now, of - std::min(shown.remaining, of));
  }
}

// What has been used beyond all that we charged. The answer shows things as they were at some time
// since the call was sent: what was in our window then, and what we have charged since, is ours.
int64_t Limit::beyond(TimeNs now, const Seen& seen, const Observation& shown) {
  if (shown.remaining == kNotTold || spec_.share > 1) return 0;
  int64_t of = shown.limit != kNotTold ? shown.limit : learner_->told();
  if (of == kNotTold) of = spec_.amount;
  if (of > spec_.amount) return 0;  // we take less than is there anyhow
  const int64_t ours = std::max(ledger_.used(now), seen.used + seen.after) + held_;
  return std::max<int64_t>(of - shown.remaining - ours, 0);
}

// We did not use it: count it all the same.
void Limit::count_foreign(TimeNs now, int64_t foreign) {
  if (foreign == 0 || (shape_ != Shape::kSliding && shape_ != Shape::kFixed)) return;
  ledger_.charge(now, foreign);
  if (projection_) projection_->touch();
  foreign_ += foreign;
}

// The call has been sent: what each candidate says is charged on arrival.
void Limit::follow_charge(TimeNs now, Hold& hold) {
  hold.levels = evidence_->mirrors().arrived(now, hold.estimate, hold.input);
  hold.sent = now;
  sums_[static_cast<size_t>(Counted::kEstimate)] += hold.estimate;
  sums_[static_cast<size_t>(Counted::kInput)] += hold.input;
  sums_[static_cast<size_t>(Counted::kRealtime)] += hold.input;
  hold.sums = sums_;
}

// What is gone, set against what we charged, tells what the provider counts.
void Limit::weigh_charge(TimeNs now, const Hold& hold, const Usage& usage) {
  const int64_t input = spec_.kind == LimitKind::kTokens ? clamp_usage(usage.input_tokens) : 0;
  const int64_t output = clamp_usage(usage.output_tokens);
  const int64_t reserved = hold.estimate - hold.input;
  if (reserved > 0) {
    used_ppm_ += (mul_div(std::min(output, reserved), kMillion, reserved) - used_ppm_) / 16;
  }
  evidence_->mirrors().ended(now, input, output);
  sums_[static_cast<size_t>(Counted::kActual)] += input + output;
  sums_[static_cast<size_t>(Counted::kRealtime)] += output;
  if (!shown_ || shown_->at != now || hold.sent == TimeNs{}) return;
  const int64_t remaining = learner_->told() - shown_->use.used;
  const int64_t unit = std::max<int64_t>(hold.estimate, 1);
  if (shape_ != Shape::kBucket) {
    evidence_->add(hold.sent, hold.sums, now, sums_, shown_->use, unit);
  } else if (evidence_->add_level(now, hold.levels, remaining, unit)) {
    bucket_->set_level(now, std::min(remaining, bucket_->capacity()));
  }
}

// The provider took the call: how much has it taken at once?
void Limit::accepted(const Hold& hold) {
  if (hold.seq == 0 || learner_->headers()) {
    burst_proven_ = burst_proven_ || hold.used >= spec_.amount - spec_.amount / 10;
    return;
  }
  learner_->accepted([&](DurationNs span) {
    return ledger_.charged_since(hold.charged - span) - (total_ - hold.total);
  });
}

bool Limit::refused(TimeNs now, const Hold* hold, const Refusal& refusal) {
  closed_until_ = std::max(closed_until_, now + refusal.retry_after);
  if (is_concurrency() || hold == nullptr || hold->seq == 0 || spec_.shape != Shape::kAuto) {
    return false;
  }
  const Seen what = seen(now, hold);
  const TimeNs slice_end = now + refusal.retry_after;
  const auto in_slice = [&](DurationNs slice) {
    const int64_t sum = ledger_.charged_since(slice_end - slice);
    return std::max<int64_t>(sum - what.after - what.cost, 0);
  };
  const bool changed = learner_->refused(what, refusal, in_slice);
  if (changed) enforce(now);
  return changed;
}

}  // namespace llmq::core
