// How full a limit's window will be while what runs goes on: projected-window admission.
//
// A call may start if at every cell boundary until a period from now what was charged and is still
// in the window, what the running streams are expected to add, what this call is expected to add,
// and four standard deviations of these sums fit together. What is expected of a stream depends on
// what it has produced, or on how long it has run without a word (output_history.h).
//
// Promise: while nothing happens, a start that earliest() has told stays possible from then on.
// Every stream is one curve that is added when something is heard of it and taken out, to the last
// part, when something else is; asking changes nothing. Cost: a few dozen additions per question or
// event, however many streams there are.
#ifndef LLMQ_CORE_LIMIT_PROJECTION_H_
#define LLMQ_CORE_LIMIT_PROJECTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/limit/output_curve.h"
#include "core/limit/output_history.h"
#include "core/limit/sliding_ledger.h"
#include "core/time.h"

namespace llmq::core {

class Projection {
 public:
  using StreamId = uint32_t;  // 0 names none

  // A call that would start: `certain` tokens at once, and an output like those of `outputs`
  // (nullptr: no more).
  struct Ask {
    int64_t certain = 0;
    const OutputHistory* outputs = nullptr;
  };

  Projection(DurationNs period, ChargeModel charge);
  // What runs is seen in the light of other settings.
  void change(TimeNs now, DurationNs period, ChargeModel charge);

  // `certain` tokens of it count whatever it produces; `held` is what the limit holds for it.
  StreamId begin(TimeNs now, const OutputHistory& outputs, int64_t certain, int64_t held);
  // Its call has left.
  void sent(TimeNs now, StreamId id);
  // It has produced `seen` tokens.
  void progress(TimeNs now, StreamId id, int64_t seen, int64_t held);
  void end(TimeNs now, StreamId id);
  // The ledger has changed.
  void touch() { stale_ = true; }

  // What the limit holds for the streams.
  int64_t held() const { return held_; }
  size_t streams() const { return streams_.size() - free_; }
  // When `ask` fits beside `ahead`, which starts now, where `room` is there for the ledger and the
  // streams; not before `from`. kNever: not within a period.
  TimeNs earliest(TimeNs now, TimeNs from, SlidingLedger& ledger, int64_t room, const Ask& ask,
                  const Ask& ahead);

 private:
  static constexpr size_t kRing = 128;  // cells; more than a curve is long
  // Boundaries that are looked at: at the last one every curve is flat, also one that begins late
  // in this cell.
  static constexpr int64_t kHorizon = kCurveCells + 1;
  static constexpr size_t kCells = static_cast<size_t>(kHorizon) + 1;

  struct Stream {
    const OutputHistory* outputs = nullptr;
    TimeNs heard{};    // when something was heard of it last
    int64_t seen = 0;  // output then
    int64_t certain = 0;
    int64_t held = 0;
    int64_t anchor = 0;   // the boundary at which its curve begins
    int64_t at_once = 0;  // tokens from the anchor on
    int64_t due = -1;     // the boundary at which silence tells more of it; -1: none
    StreamId before = 0;  // in the list of those that are due then
    StreamId next = 0;
    OutputCurve curve;
  };

  class Newcomer;
  struct Question;

  Stream& at(StreamId id) { return streams_[id - 1]; }
  const Stream& at(StreamId id) const { return streams_[id - 1]; }
  int64_t cell_of(TimeNs now) const { return now.ns / pace_.cell.ns; }
  bool is_late_in_cell(TimeNs now) const;
  void advance(TimeNs now);
  void hear(TimeNs now, StreamId id);
  void expect(Stream& stream, int64_t least);
  void add(const Stream& stream, int64_t sign);
  void schedule(StreamId id, int64_t cell);
  void unschedule(StreamId id);
  void listen_to_silence();
  void look_ahead(const SlidingLedger& ledger);
  bool fits_at(const Question& ask, int64_t boundary, int64_t age) const;
  TimeNs within_cell(const Question& ask, TimeNs from, TimeNs until, SlidingLedger& ledger) const;

  Pace pace_;
  int64_t base_ = 0;  // the boundary up to which time has passed
  // Of all streams, at `base_` and per cell from there on; the ring says how that changes later.
  int64_t mean_ = 0;
  int64_t mean_slope_ = 0;
  int64_t variance_ = 0;
  int64_t variance_slope_ = 0;
  std::vector<int64_t> mean_turns_;
  std::vector<int64_t> variance_turns_;
  std::vector<StreamId> due_;  // by boundary: the first stream that is due then
  std::vector<Stream> streams_;
  StreamId first_free_ = 0;
  size_t free_ = 0;
  int64_t held_ = 0;
  // What the window will hold at the coming boundaries, as things stand.
  bool stale_ = true;
  std::array<int64_t, kCells> load_{};  // parts of a token
  std::array<int64_t, kCells> spread_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_PROJECTION_H_
