// What the answers of a provider teach about one of its limits: how much, of which shape, with
// which edges. It decides nothing about calls; Limit enforces what it has concluded.
//
// Evidence (algorithms.md, "What headers reveal"), of answers that show `remaining` and `reset`:
// where reset + remaining * T/N stays the same while remaining falls, the limit is a bucket, and
// that sum tells its capacity; where reset points to the same instants, a grid of windows or
// slices; where it follows our own oldest charge, a sliding log. Without headers, of accepted and
// refused calls alone: a refusal despite room tells what had been accepted until then, and
// Retry-After tells a bucket (the time of one unit) from a slice (its end).
//
// What refusals alone have taught holds for a day after the last of them; then it is tried again.
#ifndef LLMQ_CORE_LIMIT_LIMIT_LEARNING_H_
#define LLMQ_CORE_LIMIT_LIMIT_LEARNING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/limit/counted.h"
#include "core/limit/limit_spec.h"
#include "core/limit/observation.h"
#include "core/time.h"

namespace llmq::core {

// A call of ours that an answer was given to, as the limit counted it.
struct Seen {
  TimeNs now;
  TimeNs sent;
  int64_t cost = 0;
  int64_t used = 0;     // in our window when it was sent, itself included, others' use left out
  int64_t after = 0;    // charged since
  int64_t room = 0;     // that we saw before it was charged
  int64_t missing = 0;  // from a bucket that was full when we began, before it was charged
  TimeNs oldest{};      // our oldest charge in the window
  bool probe = false;
  // Of a grid that is enforced: what we have sent in its present window; -1 if the call belongs to
  // an earlier one, or to that in which the grid was found.
  int64_t in_new_window = -1;
  int64_t inside = 0;  // of the windows before, and that a sliding one would surely still hold
  int64_t beyond = 0;  // what the answer shows as used, less all that we charged
};

// Where a conclusion came from.
enum class Lesson : uint8_t { kNone, kHeaders, kRefusal, kProbe };

// What is enforced.
struct Learnt {
  Shape shape = Shape::kAuto;  // kAuto: nothing is known, as sliding
  Lesson from = Lesson::kNone;
  int64_t amount = 0;    // per period, before the cut; of slices: per slice
  int64_t capacity = 0;  // of a bucket
  DurationNs slice{};    // of slices
  TimeNs edge{};         // of a grid: one of its edges, or up to `spread` after it
  DurationNs spread{};
  bool has_edge = false;
  bool confirmed = false;  // a grid: it has been seen that a new window starts from nothing
  DurationNs jitter{};     // beyond the configured one
};

// How often what was seen.
struct Votes {
  uint32_t answers = 0;   // that showed what remains
  uint32_t refusals = 0;  // episodes of refusals despite room
  uint32_t bucket = 0;
  uint32_t not_bucket = 0;
  uint32_t grid = 0;
  uint32_t not_grid = 0;
  uint32_t sliding = 0;
  uint32_t not_sliding = 0;
};

class Learner {
 public:
  static constexpr DurationNs kLessonHolds = seconds(24 * 3600);

  explicit Learner(const LimitSpec& spec);

  // The answer showed this limit. True if `learnt` has changed.
  bool observe(const Seen& seen, const Observation& shown);
  // The call was refused by this limit. `in_slice(q)` counts what we had sent, before it, since the
  // slice of q that ends at now + Retry-After began. True if `learnt` has changed.
  template <typename InSlice>
  bool refused(const Seen& seen, const Refusal& refusal, const InSlice& in_slice) {
    if (!begin_episode(seen)) return false;
    lesson_ends_ = seen.now + kLessonHolds;
    if (is_empty_bucket(refusal)) return is_nearly_empty(seen) && learn_jitter(refusal);
    for (const DurationNs slice : {seconds(1), seconds(10)}) {
      if (looks_like_slice(seen, refusal, slice, in_slice(slice))) {
        return learn_slice(seen, refusal, slice);
      }
    }
    return learn_refusal(seen, refusal);
  }
  // Without headers: a call was accepted that ended `sent_in(q)` sent within q.
  template <typename SentIn>
  void accepted(const SentIn& sent_in) {
    if (headers() || learnt_.shape == Shape::kQuantised) return;
    if (!more_than_1s_) more_than_1s_ = exceeds_slice(seconds(1), sent_in(seconds(1)));
    if (!more_than_10s_) more_than_10s_ = exceeds_slice(seconds(10), sent_in(seconds(10)));
  }
  // Is that what the limit allows per slice of that length?
  bool is_slice(int64_t told, DurationNs slice) const;
  // A probe beyond what a sliding window allows has been accepted, or refused.
  bool probe_answered(bool accepted);

  const Learnt& learnt() const { return learnt_; }
  const Votes& votes() const { return votes_; }
  bool headers() const { return votes_.answers > 0; }
  int64_t told() const { return told_; }
  // What a bucket of which answers tell would hold, whatever is enforced.
  int64_t shown_capacity() const;
  // Until the first answer that shows what remains, calls in flight are bounded (slow start).
  bool starting() const { return spec_.shape == Shape::kAuto && !headers() && !learnt_any_; }
  // May a call be sent beyond a sliding window, to see whether the limit is a bucket?
  bool may_probe() const { return !headers() && !sliding_only_ && learnt_.shape == Shape::kAuto; }
  // Until when what refusals taught holds; kNever if they taught nothing.
  TimeNs lesson_ends() const { return lesson_ends_; }
  // It is over: forgets what rests on refusals. True if that was the shape.
  bool end_lesson();
  // Parts of a million that the amount is cut to, after refusals that nothing explains.
  int64_t cut_ppm(TimeNs now) const;
  void change(const LimitSpec& spec);

 private:
  // Where an edge lies, if answers tell how things stood when the call arrived, or when they left.
  struct Grid {
    bool begun = false;
    TimeNs low{};
    TimeNs high{};
    uint32_t yes = 0;
    uint32_t no = 0;

    bool holds() const { return yes >= 2 && yes > 10 * no; }
    void vote(TimeNs from, TimeNs to, DurationNs period);
  };

  void vote(const Seen& seen, const Observation& shown);
  void vote_bucket(const Observation& shown);
  void vote_grid(const Seen& seen, const Observation& shown);
  void vote_time(const Seen& seen, const Observation& shown);
  Grid grid() const;
  bool conclude();
  bool set(const Learnt& learnt);
  void forget();
  void begin_with_told();
  bool begin_episode(const Seen& seen);
  bool looks_like_slice(const Seen& seen, const Refusal& refusal, DurationNs slice,
                        int64_t sent_in_it) const;
  bool is_empty_bucket(const Refusal& refusal) const;
  bool is_nearly_empty(const Seen& seen) const;
  bool learn_slice(const Seen& seen, const Refusal& refusal, DurationNs slice);
  bool learn_refusal(const Seen& seen, const Refusal& refusal);
  bool refuse_bucket(const Seen& seen, const Refusal& refusal);
  bool learn_bucket(const Seen& seen, const Refusal& refusal);
  bool learn_sliding();
  bool fills_window(const Seen& seen) const;
  DurationNs unit_time(const Seen& seen) const;
  bool learn_pacing(Lesson from);
  bool learn_jitter(const Refusal& refusal);
  bool check_new_window(const Seen& seen, const Observation& shown);
  bool exceeds_slice(DurationNs slice, int64_t sent_in_it) const;
  void cut(TimeNs now);

  LimitSpec spec_;
  Learnt learnt_;
  Votes votes_;
  int64_t told_ = kNotTold;  // the limit that answers show
  int64_t capacity_seen_ = 0;
  DurationNs slice_{};  // that the told limit is one of; 0: none

  // The answer that later ones are compared with.
  bool has_reference_ = false;
  int64_t reference_remaining_ = 0;
  DurationNs reference_sum_{};
  std::array<Grid, kTellingTimes> grids_;  // in the order of the times that answers may tell of
  // What remains fell by what had been sent until then.
  std::array<uint32_t, kTellingTimes> tells_{};

  TimeNs episode_{};  // refusals of calls sent before belong to the last episode
  bool had_episode_ = false;
  bool learnt_any_ = false;  // a refusal or a probe has taught the shape
  bool locked_ = false;      // headers have been caught hiding the shape
  bool sliding_only_ = false;
  bool grid_refuted_ =
      false;  // resets point to a grid, but a new window does not start from nothing
  bool more_than_1s_ = false;  // has been accepted than slices of 1 s would allow
  bool more_than_10s_ = false;
  TimeNs lesson_ends_ = kNever;
  int64_t cut_ppm_ = 1'000'000;
  TimeNs cut_at_{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_LEARNING_H_
