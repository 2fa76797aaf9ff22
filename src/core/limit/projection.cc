#include "core/limit/projection.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr double kDeviations = 4;
constexpr int64_t kMostLoad = int64_t{1} << 52;  // tokens; far from overflow as parts

// Where calls are counted whole, few of them are far from a normal distribution: to what four
// deviations leave, (4^2 - 1) / 6 of the skew is added (Cornish and Fisher 1938).
int64_t tail_of(const Pace& pace, const OutputHistory* outputs) {
  return pace.at_end && outputs != nullptr ? 2 * outputs->mean() + outputs->skew() * 5 / 2 : 0;
}

// Does the mean leave enough for the deviations? Products of doubles alone, each rounded as IEEE
// 754 says, so that every platform decides alike.
bool fits(int64_t room_parts, int64_t variance) {
  if (room_parts < 0) return false;
  const double room = static_cast<double>(room_parts) / static_cast<double>(kTokenParts);
  return room * room >= kDeviations * kDeviations * static_cast<double>(variance);
}

// The most that may lie in the ledger where so much is free of all else; -1: not even nothing.
int64_t most_beside(int64_t free_parts, int64_t variance) {
  if (!fits(free_parts, variance)) return -1;
  const double deviations = std::ceil(kDeviations * std::sqrt(static_cast<double>(variance)));
  int64_t most = free_parts / kTokenParts - static_cast<int64_t>(deviations);
  while (fits(free_parts - (most + 1) * kTokenParts, variance)) ++most;  // twice at the most
  return most;
}

Pace pace_of(DurationNs period, ChargeModel charge) {
  return Pace{DurationNs{std::max<int64_t>(period.ns / kCellsOfPeriod, 1)},
              charge == ChargeModel::kCompletion};
}

}  // namespace

Projection::Projection(DurationNs period, ChargeModel charge)
    : pace_(pace_of(period, charge)), mean_turns_(kRing), variance_turns_(kRing), due_(kRing) {}

// Boundaries of before mean nothing any more: all streams are heard of anew.
void Projection::change(TimeNs now, DurationNs period, ChargeModel charge) {
  const Pace pace = pace_of(period, charge);
  if (pace == pace_) return;
  Projection other(period, charge);
  other.streams_ = streams_;
  other.first_free_ = first_free_;
  other.free_ = free_;
  other.held_ = held_;
  other.base_ = other.cell_of(now);
  for (StreamId id = 1; id <= other.streams_.size(); ++id) {
    Stream& stream = other.at(id);
    if (stream.outputs == nullptr) continue;
    stream.due = -1;
    stream.anchor = other.base_;
    other.expect(stream, stream.seen);
    other.add(stream, 1);
    other.schedule(id, other.base_ + 1);
  }
  *this = std::move(other);
}

Projection::StreamId Projection::begin(TimeNs now, const OutputHistory& outputs, int64_t certain,
                                       int64_t held) {
  advance(now);
  if (first_free_ == 0) {
    streams_.emplace_back();
    first_free_ = static_cast<StreamId>(streams_.size());
    ++free_;
  }
  const StreamId id = first_free_;
  first_free_ = at(id).next;
  --free_;
  at(id) = Stream{};
  Stream& stream = at(id);
  stream.outputs = &outputs;
  stream.certain = certain;
  stream.held = held;
  held_ += held;
  hear(now, id);
  return id;
}

void Projection::sent(TimeNs now, StreamId id) {
  if (at(id).heard == now) return;  // left at once: nothing is known better
  advance(now);
  add(at(id), -1);
  hear(now, id);
}

void Projection::progress(TimeNs now, StreamId id, int64_t seen, int64_t held) {
  advance(now);
  Stream& stream = at(id);
  add(stream, -1);
  held_ += held - stream.held;
  stream.held = held;
  stream.seen = std::max(seen, stream.seen);
  hear(now, id);
}

void Projection::end(TimeNs now, StreamId id) {
  advance(now);
  add(at(id), -1);
  held_ -= at(id).held;
  unschedule(id);
  at(id) = Stream{};
  at(id).next = first_free_;
  first_free_ = id;
  ++free_;
}

// Its curve, which is not among the sums, begins at the boundary next to now.
void Projection::hear(TimeNs now, StreamId id) {
  Stream& stream = at(id);
  stream.heard = now;
  stream.anchor = base_ + (is_late_in_cell(now) ? 1 : 0);
  expect(stream, stream.seen);
  add(stream, 1);
  unschedule(id);
  schedule(id, base_ + 2);
}

// More than `least` tokens come of it. If no output was ever so long, all that it may produce may
// come at once.
void Projection::expect(Stream& stream, int64_t least) {
  const std::optional<OutputCurve> curve = stream.outputs->to_come(pace_, stream.seen, least);
  stream.at_once = curve ? stream.certain : stream.held;
  stream.curve = curve.value_or(OutputCurve{});
}

bool Projection::is_late_in_cell(TimeNs now) const {
  return now.ns - cell_of(now) * pace_.cell.ns >= pace_.cell.ns - pace_.cell.ns / 2;
}

// Adds a curve to the sums from `base_` on, or takes it out.
void Projection::add(const Stream& stream, int64_t sign) {
  stale_ = true;
  const int64_t age = base_ - stream.anchor;
  mean_ += sign * stream.at_once * kTokenParts;
  int64_t mean_before = 0;
  int64_t variance_before = 0;
  for (size_t i = 0; i <= stream.curve.used; ++i) {
    const bool last = i == stream.curve.used;
    const int64_t mean = last ? 0 : stream.curve.mean[i];
    const int64_t variance = last ? 0 : stream.curve.variance[i];
    const int64_t turn = kCurvePoints[i];
    if (age < turn) {
      const auto cell = static_cast<size_t>(stream.anchor + turn) % kRing;
      mean_turns_[cell] += sign * (mean - mean_before);
      variance_turns_[cell] += sign * (variance - variance_before);
    } else {
      const int64_t length = last ? 0 : std::min(age, kCurvePoints[i + 1]) - turn;
      mean_ += sign * mean * length;
      variance_ += sign * variance * length;
      mean_slope_ += sign * (mean - mean_before);
      variance_slope_ += sign * (variance - variance_before);
    }
    mean_before = mean;
    variance_before = variance;
  }
}

// What lies further ahead than the ring is long has no turns and nobody due.
void Projection::advance(TimeNs now) {
  const int64_t cell = cell_of(now);
  if (cell <= base_) return;
  stale_ = true;
  const int64_t last = std::min(cell, base_ + static_cast<int64_t>(kRing));
  while (base_ < last && streams() > 0) {  // without streams all sums are zero
    mean_ += mean_slope_;
    variance_ += variance_slope_;
    ++base_;
    const auto turn = static_cast<size_t>(base_) % kRing;
    mean_slope_ += mean_turns_[turn];
    variance_slope_ += variance_turns_[turn];
    mean_turns_[turn] = variance_turns_[turn] = 0;
    listen_to_silence();
  }
  base_ = cell;
}

// Who runs for long without a word has probably produced something, and will be long.
void Projection::listen_to_silence() {
  StreamId id = due_[static_cast<size_t>(base_) % kRing];
  due_[static_cast<size_t>(base_) % kRing] = 0;
  while (id != 0) {
    Stream& stream = at(id);
    const StreamId next = stream.next;
    stream.due = -1;
    stream.before = stream.next = 0;
    const int64_t age = base_ - stream.anchor;
    add(stream, -1);
    expect(stream, stream.seen + stream.outputs->least_in(DurationNs{pace_.cell.ns * age}));
    add(stream, 1);
    if (age < kCurveCells / 2) schedule(id, base_ + std::max<int64_t>(age, 1));
    id = next;
  }
}

void Projection::schedule(StreamId id, int64_t cell) {
  Stream& stream = at(id);
  StreamId& first = due_[static_cast<size_t>(cell) % kRing];
  stream.due = cell;
  stream.before = 0;
  stream.next = first;
  if (first != 0) at(first).before = id;
  first = id;
}

void Projection::unschedule(StreamId id) {
  Stream& stream = at(id);
  if (stream.due < 0) return;
  if (stream.next != 0) at(stream.next).before = stream.before;
  if (stream.before != 0) {
    at(stream.before).next = stream.next;
  } else {
    due_[static_cast<size_t>(stream.due) % kRing] = stream.next;
  }
  stream.due = -1;
  stream.before = stream.next = 0;
}

void Projection::look_ahead(const SlidingLedger& ledger) {
  ledger.used_ahead(TimeNs{base_ * pace_.cell.ns}, pace_.cell, load_);
  int64_t mean = mean_;
  int64_t mean_slope = mean_slope_;
  int64_t variance = variance_;
  int64_t variance_slope = variance_slope_;
  for (size_t i = 0; i < kCells; ++i) {
    load_[i] = std::min(load_[i], kMostLoad) * kTokenParts + mean;
    spread_[i] = variance;
    const size_t turn = (static_cast<size_t>(base_) + i + 1) % kRing;
    mean += mean_slope;
    mean_slope += mean_turns_[turn];
    variance += variance_slope;
    variance_slope += variance_turns_[turn];
  }
  stale_ = false;
}

// What a call that would start adds at some age.
class Projection::Newcomer {
 public:
  Newcomer(const Ask& ask, const Pace& pace)
      : certain_(ask.certain * kTokenParts),
        curve_(ask.outputs == nullptr ? nullptr : &ask.outputs->newcomer(pace)) {}

  int64_t mean(int64_t age) const {
    return certain_ + (curve_ == nullptr ? 0 : curve_->mean[at(age)]);
  }
  int64_t variance(int64_t age) const { return curve_ == nullptr ? 0 : curve_->variance[at(age)]; }

 private:
  static size_t at(int64_t age) { return static_cast<size_t>(std::min(age, kCurveCells)); }

  int64_t certain_;
  const SummedCurve* curve_;
};

struct Projection::Question {
  TimeNs now;
  int64_t late;   // 1: what starts now counts from the next boundary on
  int64_t parts;  // of a token: room for everything
  Newcomer own;
  Newcomer other;
};

// Does everything fit at that boundary if the call is so many cells old then?
bool Projection::fits_at(const Question& ask, int64_t boundary, int64_t age) const {
  const auto i = static_cast<size_t>(boundary);
  const int64_t other_age = boundary - ask.late;
  return fits(ask.parts - load_[i] - ask.other.mean(other_age) - ask.own.mean(age),
              spread_[i] + ask.other.variance(other_age) + ask.own.variance(age));
}

// Everything that is not in the future must fit when the call starts. In a cell that is when enough
// has left the ledger, while the streams go on. `until` is a boundary, at which it may start.
TimeNs Projection::within_cell(const Question& ask, TimeNs from, TimeNs until,
                               SlidingLedger& ledger) const {
  int64_t mean = mean_;
  int64_t slope = mean_slope_;
  int64_t variance = variance_;
  int64_t variance_slope = variance_slope_;
  const int64_t cell = cell_of(from) - base_;
  for (int64_t i = 1; i <= cell; ++i) {
    const auto turn = static_cast<size_t>(base_ + i) % kRing;
    mean += slope;
    slope += mean_turns_[turn];
    variance += variance_slope;
    variance_slope += variance_turns_[turn];
  }
  const int64_t other_age = std::max<int64_t>(cell - ask.late, 0);
  const int64_t parts = ask.parts - ask.other.mean(other_age) - ask.own.mean(0);
  variance += ask.other.variance(other_age);
  for (TimeNs at = from; at < until;) {
    const int64_t past = at.ns - (base_ + cell) * pace_.cell.ns;
    const int64_t spread = variance + mul_div(variance_slope, past, pace_.cell.ns);
    const int64_t left = parts - mean - mul_div(slope, past, pace_.cell.ns);
    const TimeNs then = ledger.earliest_at_most(ask.now, most_beside(left, spread));
    if (then <= at) return at;
    at = then;
  }
  return until;
}

// The later the start, the younger is the call at each boundary, and the less is asked of it: from
// the far end to the near one, each boundary can only put the start off. Then the cell before the
// start that was found is looked at more closely.
TimeNs Projection::earliest(TimeNs now, TimeNs from, SlidingLedger& ledger, int64_t room,
                            const Ask& ask, const Ask& ahead) {
  advance(now);
  if (stale_) look_ahead(ledger);
  const Question question{now, is_late_in_cell(now) ? 1 : 0,
                          std::max(room - tail_of(pace_, ask.outputs), -kMostLoad) * kTokenParts,
                          Newcomer(ask, pace_), Newcomer(ahead, pace_)};
  // Beyond the last boundary nothing leaves and nothing comes: what does not fit there never does.
  if (!fits_at(question, kHorizon, kHorizon)) return kNever;
  const int64_t late = question.late;
  // 0: now; else the boundary so many cells ahead.
  int64_t start = from <= now ? 0 : (from.ns - 1) / pace_.cell.ns + 1 - base_;
  for (int64_t boundary = kHorizon; boundary >= std::max<int64_t>(start, 1); --boundary) {
    while (start <= boundary &&
           !fits_at(question, boundary, boundary - (start == 0 ? late : start))) {
      ++start;
    }
  }
  if (start > kHorizon) return kNever;
  const auto time_of = [this](int64_t boundary) {
    return TimeNs{(base_ + boundary) * pace_.cell.ns};
  };
  if (start == 0) return within_cell(question, now, time_of(1), ledger);
  // In the late half of the cell before it would count from that boundary on as well; in the early
  // half from the boundary before.
  bool early = true;
  for (int64_t boundary = start; early && boundary <= kHorizon; ++boundary) {
    early = fits_at(question, boundary, boundary - start + 1);
  }
  const int64_t half = early ? 0 : pace_.cell.ns - pace_.cell.ns / 2;
  const TimeNs begin = std::max({now, from, time_of(start - 1) + DurationNs{half}});
  return within_cell(question, begin, time_of(start), ledger);
}

}  // namespace llmq::core
