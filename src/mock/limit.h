// One limit as a provider enforces it, in the shapes that providers have. Shares no code with
// src/core: a mistake in one must show against the other.
//
// All times are counted from the first arrival, so 0 is the moment at which the provider first saw
// the client.
#ifndef LLMQ_MOCK_LIMIT_H_
#define LLMQ_MOCK_LIMIT_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <variant>

#include "mock/two_bucket.h"
#include "mock/units.h"

namespace llmq::mock {

enum class LimitKind { kRequests, kTokens, kInputTokens, kOutputTokens, kConcurrency };
enum class Shape { kSliding, kFixed, kBucket, kQuantised, kTwoBucket };

// What headers and refusals tell of a limit.
enum class Told {
  kOwn,     // what it enforces: the slice of a quantised one, the level of a bucket
  kBucket,  // N per T, as OpenAI's gauge shows it: a bucket of N. Hides slices, bursts and edges
  kOff,     // nothing in headers; a refusal names it as kBucket does
};

// When the reset header of a bucket points to, where its capacity is not N.
enum class BucketReset {
  kFull,    // the bucket is full: what the providers' documentation says
  kAmount,  // (N - remaining) x T / N: what the recorded pairs of OpenAI obey
};

const char* name_of(LimitKind kind);
const char* name_of(Shape shape);
const char* name_of(Told told);
const char* name_of(BucketReset reset);

constexpr int64_t kFullBurstPpm = 1'000'000;

struct LimitSpec {
  LimitKind kind = LimitKind::kRequests;
  Shape shape = Shape::kSliding;
  int64_t amount = 0;                     // N, as published
  Nanos period{};                         // T; 0 for concurrency
  int64_t burst_ppm = kFullBurstPpm;      // bucket: capacity = N * burst, in millionths
  Nanos slice = std::chrono::seconds(1);  // quantised: N*slice/T are allowed per slice
  Told told = Told::kOwn;
  BucketReset bucket_reset = BucketReset::kFull;
  int64_t changed_amount = 0;  // what N becomes during the run; 0 = it does not change
  Nanos change_at{};
};

// Exact log: what was charged within (now - T, now] never exceeds N through would_accept.
class SlidingLog {
 public:
  SlidingLog(int64_t amount, Nanos period) : amount_(amount), period_(period) {}

  int64_t capacity() const { return amount_; }
  int64_t used(Nanos now) const;
  bool would_accept(Nanos now, int64_t cost) const { return used(now) + cost <= amount_; }
  void charge(Nanos now, int64_t cost);
  void set_amount(int64_t amount) { amount_ = amount; }
  // When a cost <= capacity() fits if nothing else is charged meanwhile; 0 = now.
  Nanos wait_for(Nanos now, int64_t cost) const;
  // Until the oldest charge leaves the window; 0 if there is none.
  Nanos oldest_leaves_in(Nanos now) const;

 private:
  struct Entry {
    Nanos time;
    int64_t total_after;  // everything charged up to and with this entry: makes used() a search,
                          // not a sum
  };
  std::deque<Entry>::const_iterator first_inside(Nanos now) const;
  int64_t total_before(const std::deque<Entry>::const_iterator& entry) const;

  int64_t amount_;
  Nanos period_;
  int64_t total_ = 0;
  int64_t forgotten_ = 0;  // total_after of the last entry dropped
  std::deque<Entry> log_;
};

// Counts per window of a fixed grid. The first edge comes `first_edge` after the first arrival.
class FixedWindow {
 public:
  FixedWindow(int64_t amount, Nanos period, Nanos first_edge)
      : amount_(amount), period_(period), first_edge_(first_edge) {}

  int64_t capacity() const { return amount_; }
  Nanos period() const { return period_; }
  Nanos first_edge() const { return first_edge_; }
  int64_t used(Nanos now) const { return index_of(now) == index_ ? used_ : 0; }
  bool would_accept(Nanos now, int64_t cost) const { return used(now) + cost <= amount_; }
  void charge(Nanos now, int64_t cost);
  void set_amount(int64_t amount) { amount_ = amount; }
  Nanos wait_for(Nanos now, int64_t cost) const;
  Nanos edge_in(Nanos now) const;

 private:
  int64_t index_of(Nanos now) const;

  int64_t amount_;
  Nanos period_;
  Nanos first_edge_;
  int64_t index_ = 0;
  int64_t used_ = 0;
};

// Holds up to `capacity` units, refills N per T continuously, is full at the first arrival. A
// charge made at completion may leave it in debt. Level is kept in units x nanoseconds of T, so
// nothing is ever rounded.
class TokenBucket {
 public:
  TokenBucket(int64_t amount, Nanos period, int64_t capacity);

  int64_t capacity() const { return capacity_; }
  int64_t used(Nanos now) const;   // capacity - level, rounded up
  int64_t level(Nanos now) const;  // rounded down; negative in debt
  bool would_accept(Nanos now, int64_t cost) const;
  void charge(Nanos now, int64_t cost);
  // Keeps what is used, as far as the new capacity allows.
  void set_amount(Nanos now, int64_t amount, int64_t capacity);
  Nanos wait_for(Nanos now, int64_t cost) const;
  Nanos until_level(Nanos now, int64_t level) const;

 private:
  Wide scaled_level(Nanos now) const;

  int64_t amount_;
  Nanos period_;
  int64_t capacity_;
  Nanos time_{};
  Wide scaled_level_;
};

// What a provider tells about a limit.
struct LimitView {
  int64_t amount = 0;
  int64_t used = 0;  // beyond amount in debt
  Nanos period{};    // 0 for concurrency
  Nanos reset{};

  int64_t remaining() const { return used < amount ? amount - used : 0; }
};

// A limit with its shape chosen. Concurrency limits have no ledger and are not built as one (see
// LimitSet).
class RateLimit {
 public:
  // Requires a spec that check_limit_spec accepts. seed picks the phase of the windows.
  RateLimit(const LimitSpec& spec, uint64_t seed);

  const LimitSpec& spec() const { return spec_; }
  int64_t capacity() const;
  int64_t used(Nanos now) const;
  bool would_accept(Nanos now, int64_t cost) const;
  void charge(Nanos now, int64_t cost);
  // N becomes what the spec says, if its time has come. Not before the last charge.
  void change_when_due(Nanos now);
  Nanos wait_for(Nanos now, int64_t cost) const;
  LimitView view(Nanos now) const;
  // The first edge of windows on a grid; nothing for the shapes without one.
  std::optional<Nanos> first_edge() const;
  // The grid of fixed and quantised limits; null for the others.
  const FixedWindow* grid() const { return std::get_if<FixedWindow>(&ledger_); }
  // The counter of two-bucket limits; null for the others.
  const TwoBucket* two_bucket() const { return std::get_if<TwoBucket>(&ledger_); }

 private:
  LimitView own_view(Nanos now) const;

  LimitSpec spec_;
  std::variant<SlidingLog, FixedWindow, TokenBucket, TwoBucket> ledger_;
  TokenBucket gauge_;  // a bucket of N beside the ledger: decides nothing, serves Told::kBucket
};

// Why a spec cannot be enforced ("" if it can), for example a slice that leaves less than 1 unit.
const char* check_limit_spec(const LimitSpec& spec);

int64_t bucket_capacity(const LimitSpec& spec);
int64_t slice_amount(const LimitSpec& spec);

// Where a grid of windows puts its first edge: in [1 s, T], or T itself where T is not longer than
// 1 s. The same for every limit of the same T, as one provider's minute is.
Nanos first_edge_after_arrival(Nanos period, uint64_t seed);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_LIMIT_H_
