// When a call fits, by the shape that is enforced, and how that follows what is set and learnt.
#include <algorithm>
#include <cassert>

#include "core/limit/limit.h"
#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr DurationNs kLearntTolerance = milliseconds(5);
// A first burst of N takes at least T / kRamp: refusals come back while it still grows. Slower
// where nothing but refusals tells of the limit.
constexpr int64_t kRamp = 50;
constexpr int64_t kBlindRamp = 12;
// A probe may cost a refusal, and a refusal may close the limit: not for long windows.
constexpr DurationNs kLongestProbed = seconds(120);

}  // namespace

TimeNs Limit::earliest(TimeNs now, int64_t cost) { return earliest_behind(now, cost, 0); }

TimeNs Limit::earliest_behind(TimeNs now, int64_t cost, int64_t ahead) {
  if (spec_.shared && leased_.available(now) < cost + ahead) return kNever;
  if (is_concurrency()) {
    return held_ + cost + ahead <= std::min(spec_.amount, bound_) ? now : kNever;
  }
  if (learner_ && now >= learner_->lesson_ends()) try_again(now);
  TimeNs from = std::max(now, closed_until_);
  if (learner_ && !burst_proven_ && spec_.shape == Shape::kAuto) {
    from = std::max(from, ramp_->earliest(now, ahead));
    // One by one is safe with any provider, whatever is on its way.
    const bool bound = in_flight_ + (ahead > 0 ? 1 : 0) >= start_bound_;
    if ((learner_->starting() && bound) || is_beyond_shown(cost + ahead)) {
      from = std::max(from, pacer_->earliest(now, ahead));
    }
  }
  const TimeNs at = by_shape(now, from, cost, ahead);
  const bool learns = spec_.shape == Shape::kAuto;
  return learns && at > from && ahead == 0 ? by_probe(now, from, cost, at) : at;
}

// What an answer may lift at once is left out: the care that a limit is met with at first, and all
// of it until its shape is known.
TimeNs Limit::earliest_if_proven(TimeNs now, int64_t cost) {
  if (!learner_ || spec_.shape != Shape::kAuto || now >= learner_->lesson_ends()) {
    return earliest(now, cost);
  }
  const TimeNs from = std::max(now, closed_until_);
  if (learner_->learnt().shape == Shape::kAuto) return from;
  const TimeNs at = by_shape(now, from, cost, 0);
  return at > from ? by_probe(now, from, cost, at) : at;
}

// Until the shape is known, no more than answers have shown to be there.
bool Limit::is_beyond_shown(int64_t cost) const {
  return learner_->headers() && learner_->learnt().shape == Shape::kAuto &&
         total_ + held_ + cost > shown_total_;
}

TimeNs Limit::earliest(TimeNs now, int64_t cost, const Demand& demand) {
  const TimeNs at = earliest(now, cost);
  if (at == now || !projects()) return at;
  return std::min(at, by_projection(now, ask_of(demand), {}));
}

TimeNs Limit::earliest_behind(TimeNs now, int64_t cost, const Demand& demand, int64_t cost_ahead,
                              const Demand& ahead) {
  const TimeNs at = earliest_behind(now, cost, cost_ahead);
  if (at == now || !projects()) return at;
  return std::min(at, by_projection(now, ask_of(demand), ask_of(ahead)));
}

// What fits as a reservation fits in any case; beyond that, what is expected of it may. Whoever is
// not projected holds all that it has reserved. Four deviations bound a sum of many: where only few
// calls fit into a window, reservations decide alone.
TimeNs Limit::by_projection(TimeNs now, const Projection::Ask& ask, const Projection::Ask& ahead) {
  constexpr int64_t kLeastCalls = 40;  // algorithms.md, I5
  const int64_t mean = ask.certain + (ask.outputs == nullptr ? 0 : ask.outputs->mean());
  if (mean > effective_amount(now) / kLeastCalls) return kNever;
  const int64_t room = effective_amount(now) - (held_ - projection_->held());
  return projection_->earliest(now, closed_until_, ledger_, room, ask, ahead);
}

Projection::Ask Limit::ask_of(const Demand& demand) const {
  if (demand.outputs == nullptr) return {cost_of(demand), nullptr};
  // A provider that counts late refuses where nothing is left at all.
  return {std::max<int64_t>(cost_of(Demand{demand.input_tokens, 0}), 1), demand.outputs};
}

bool Limit::projects(const LimitSpec& spec) {
  const bool counts_output =
      spec.kind == LimitKind::kTokens || spec.kind == LimitKind::kOutputTokens;
  const bool counts_it_late =
      spec.charge == ChargeModel::kRealtime || spec.charge == ChargeModel::kCompletion;
  return counts_output && counts_it_late && spec.shape == Shape::kSliding && !spec.shared;
}

// From `at` on. The ledgers are asked about now, for they forget what has left their window. A call
// that is larger than everything goes alone, and leaves debt.
TimeNs Limit::by_shape(TimeNs now, TimeNs at, int64_t cost, int64_t ahead) {
  const int64_t amount = effective_amount(at);
  const int64_t others = held_ + ahead;
  const auto by_ledger = [&] {
    const int64_t room = amount - others - std::min(cost, amount);
    return std::max(at, ledger_.earliest_at_most(now, room));
  };
  switch (shape_) {
    case Shape::kBucket: {
      const int64_t own = std::min(cost, bucket_->capacity());
      // Too small for calls that J brings together: one after another.
      if (pacer_ && bucket_->is_narrow(own)) return pacer_->earliest(at, ahead);
      if (held_ + own > bucket_->capacity()) return kNever;  // until one of those is sent or ends
      return bucket_->earliest(at, own + others);
    }
    case Shape::kFixed: {
      if (!windows_) return by_ledger();
      const TimeNs by_windows =
          windows_->earliest_behind(at, std::min(cost, amount), others, amount);
      const bool sure = spec_.shape != Shape::kAuto || learner_->learnt().confirmed;
      return sure ? by_windows : std::max(by_windows, by_ledger());
    }
    case Shape::kQuantised: {
      const int64_t most = slice_amount_;
      if (windows_) {
        return windows_->earliest_behind(at, std::min(cost, most), others, most);
      }
      return std::max(by_ledger(),
                      slice_->earliest_at_most(now, most - others - std::min(cost, most)));
    }
    case Shape::kPaced:
      return std::max(by_ledger(), pacer_->earliest(at, ahead));
    case Shape::kSliding:
    case Shape::kAuto:
      return by_ledger();
  }
  return at;
}

// One call at a time may go where the sliding window has no room, to learn whether the limit is a
// bucket that has been refilled, or a window that has begun anew.
TimeNs Limit::by_probe(TimeNs now, TimeNs from, int64_t cost, TimeNs otherwise) {
  if (probing_ || spec_.period > kLongestProbed) return otherwise;
  const int64_t amount = effective_amount(from);
  if (shape_ == Shape::kFixed && windows_ && !learner_->learnt().confirmed) {
    return std::min(otherwise,
                    windows_->earliest_behind(from, std::min(cost, amount), held_, amount));
  }
  if (!bucket_ || !learner_->may_probe()) return otherwise;
  const TimeNs oldest = ledger_.oldest(now);
  if (oldest == kNever) return otherwise;
  // From here on a sliding window may have room again: an answer would tell nothing.
  const TimeNs until = oldest + DurationNs{spec_.period.ns - spec_.period.ns / 10};
  const int64_t spare = std::max<int64_t>(amount / 20, 2);
  const TimeNs at = bucket_->earliest(from, cost + held_ + spare);
  return at < until ? std::min(otherwise, at) : otherwise;
}

int64_t Limit::effective_amount(TimeNs now) const {
  if (!learner_) return std::min(spec_.amount, bound_);
  const Learnt& learnt = learner_->learnt();
  const int64_t amount = learnt.shape == Shape::kQuantised ? spec_.amount : learnt.amount;
  const int64_t ppm = learner_->cut_ppm(now);
  if (ppm == kMillion) return amount;
  return std::max<int64_t>(mul_div(amount, ppm, kMillion), 1);
}

int64_t Limit::used(TimeNs now) {
  if (is_concurrency()) return 0;
  if (shape_ == Shape::kBucket) {
    return std::max<int64_t>(bucket_->capacity() - bucket_->level(now), 0);
  }
  if (shape_ == Shape::kFixed && windows_) return windows_->used(now);
  return ledger_.used(now);
}

// What still fits now, by the shape that is enforced.
int64_t Limit::room(TimeNs now) {
  if (shape_ == Shape::kBucket) return bucket_->level(now) - held_;
  if (windows_) {
    return (shape_ == Shape::kQuantised ? slice_amount_ : effective_amount(now)) -
           windows_->used(now) - held_;
  }
  return effective_amount(now) - ledger_.used(now) - held_;
}

void Limit::change(TimeNs now, const LimitSpec& spec, const Prices& prices) {
  assert(spec.kind == spec_.kind);
  const bool was_auto = spec_.shape == Shape::kAuto;
  const bool other_grid = spec.calendar != spec_.calendar || spec.shape != spec_.shape;
  if (spec.charge != spec_.charge) evidence_.reset();
  spec_ = spec;
  prices_ = prices;
  projects_ = projects(spec);
  time_of_one_ = time_of_one(spec);
  ledger_.change_window(spec.period + spec.jitter);
  if (other_grid) windows_.reset();
  if (is_concurrency()) return;
  if (spec.shape != Shape::kAuto && was_auto) {
    learner_.reset();
    probing_ = false;
    in_flight_ = 0;
  }
  if (learner_) {
    learner_->change(spec);
  } else if (spec.shape == Shape::kAuto) {
    learner_.emplace(spec);
  }
  enforce(now);
}

// What refusals taught is over; a new shape is met as carefully as the first one.
void Limit::try_again(TimeNs now) {
  if (learner_->end_lesson()) {
    burst_proven_ = false;
    start_bound_ = 1;
    found_in_window_ = INT64_MIN;
  }
  enforce(now);
}

void Limit::open_up(TimeNs now) {
  LimitSpec open = spec_;
  open.shape = Shape::kSliding;
  open.amount = kMaxLimitAmount;
  change(now, open, prices_);
}

void Limit::set_windows(TimeNs start, TimeNs end, TimeNs next_end) {
  if (windows_) {
    windows_->set_edges(start, end, next_end);
    return;
  }
  windows_.emplace(start, end, next_end, kCalendarTolerance, spec_.jitter);
  windows_->at_least(start, ledger_.charged_since(start - spec_.jitter));
}

// Makes the counters that the shape needs, and drops those of others. What was charged in the
// present window is in the ledger: a bucket, and counters on a grid, begin with it.
void Limit::enforce(TimeNs now) {
  if (is_concurrency()) return;
  const bool learns = spec_.shape == Shape::kAuto;
  const Learnt* learnt = learns ? &learner_->learnt() : nullptr;
  const Shape was = shape_;
  shape_ = learns ? learnt->shape : spec_.shape;
  if (shape_ == Shape::kAuto) shape_ = Shape::kSliding;
  const int64_t amount = effective_amount(now);

  const DurationNs jitter = spec_.jitter + (learns ? learnt->jitter : DurationNs{});
  ledger_.change_window(spec_.period + jitter);
  if (projection_) projection_->change(now, spec_.period, spec_.charge);
  if (!projection_ && projects()) projection_.emplace(spec_.period, spec_.charge);

  // Of a limit that may turn out to be a bucket, what is missing from it is kept in mind.
  if (shape_ == Shape::kBucket || learns) {
    int64_t capacity = spec_.burst > 0 ? std::min(spec_.burst, amount) : amount;
    if (shape_ == Shape::kBucket && learns) capacity = learnt->capacity;
    if (bucket_) {
      bucket_->change(now, amount, spec_.period, capacity, jitter);
    } else {
      bucket_.emplace(amount, spec_.period, capacity, jitter);
      ledger_.each([this](TimeNs last, int64_t cost) { bucket_->charge(last, cost); });
    }
  } else {
    bucket_.reset();
  }

  const DurationNs slice = learns ? learnt->slice : spec_.slice;
  slice_amount_ = 0;
  if (shape_ == Shape::kQuantised) {
    slice_amount_ = std::max<int64_t>(mul_div(amount, slice.ns, spec_.period.ns), 1);
  }
  if (learns) windows_.reset();
  if (learns && learnt->has_edge) {
    const DurationNs period = shape_ == Shape::kQuantised ? slice : spec_.period;
    windows_.emplace(learnt->edge, period, kLearntTolerance, jitter + learnt->spread);
    const int64_t window = windows_->index(now);
    windows_->at_least(now,
                       ledger_.charged_since(windows_->start(window) - jitter - learnt->spread));
    if (found_in_window_ == INT64_MIN) found_in_window_ = window;
  }
  if (shape_ == Shape::kQuantised && !windows_) {
    if (!slice_) {
      slice_.emplace(slice + jitter);
      slice_->charge(now, ledger_.charged_since(now - slice - jitter));
    }
    slice_->change_window(slice + jitter);
  } else {
    slice_.reset();
  }

  if (shape_ == Shape::kPaced || learns) {
    const Pacer pacer(amount, spec_.period, jitter);
    if (pacer_ && shape_ == was) {
      pacer_->change(now, pacer);
    } else {  // a burst that was allowed is not paced afterwards
      pacer_ = pacer;
    }
  } else {
    pacer_.reset();
  }
  const bool tokens = spec_.kind == LimitKind::kTokens || spec_.kind == LimitKind::kOutputTokens;
  const bool actual = spec_.charge == ChargeModel::kActual;
  if (learns && tokens && (actual || spec_.charge == ChargeModel::kArrival) && !evidence_) {
    evidence_.emplace(actual ? Counted::kActual : Counted::kEstimate);
  }
  if (!learns) evidence_.reset();
  if (evidence_) {
    const bool shown = shape_ == Shape::kBucket && learner_->headers();
    const int64_t capacity = shown ? learner_->shown_capacity() : amount;
    evidence_->mirrors().follow(now, amount, spec_.period, capacity, shown);
  }
  if (learns) {
    const int64_t parts = learner_->headers() ? kRamp : kBlindRamp;
    const Pacer ramp(amount, DurationNs{spec_.period.ns / parts}, DurationNs{});
    if (ramp_) ramp_->change(now, ramp);
    if (!ramp_) ramp_ = ramp;
  }
}

}  // namespace llmq::core
