#include "core/policy/adaptive_concurrency.h"

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr int64_t kMostPatience = 8;
constexpr int64_t kLeastMemory = 32;  // outcomes
constexpr int64_t kMostMemory = 256;

int64_t part(int64_t bound, int64_t divisor) { return std::max<int64_t>(bound / divisor, 1); }

}  // namespace

void AdaptiveConcurrency::remember(int64_t& outcome) {
  ++outcome;
  if (good_ + bad_ < std::clamp(bound_, kLeastMemory, kMostMemory)) return;
  good_ /= 2;
  bad_ /= 2;
}

void AdaptiveConcurrency::succeeded(TimeNs started, int64_t others, int64_t most) {
  remember(good_);
  if (!bounds()) return;
  if (accepted_ > 0 && started > wave_at_) {  // there is room for so many
    bound_ = std::min(bound_, accepted_);
    if (refused_at_ != bound_ + 1) patience_ = 1;
    refused_at_ = bound_ + 1;
    accepted_ = 0;
  }
  if (ramp_ != kUnbounded) {
    if (started > met_at_) ++ramp_;
    if (ramp_ >= std::min(bound_, most)) ramp_ = kUnbounded;
    return;
  }
  if (2 * (others + 1) < bound_) return;  // it holds nothing back
  if (++in_round_ >= bound_) grow(most);
}

// After a clean round.
void AdaptiveConcurrency::grow(int64_t most) {
  in_round_ = 0;
  grown_from_ = 0;
  ++clean_;
  if (bound_ >= refused_at_) {
    refused_at_ = 0;
    patience_ = 1;
  }
  const bool refused_before = refused_at_ != 0 && bound_ + 1 >= refused_at_;
  if (refused_before && clean_ < patience_) return;
  clean_ = 0;
  step_ = refused_at_ != 0 ? 1 : std::min(2 * step_, part(bound_, 4));
  grown_from_ = bound_;
  bound_ += step_;
  if (bound_ < most) return;
  bound_ = kUnbounded;
  grown_from_ = refused_at_ = 0;
  patience_ = step_ = 1;
}

void AdaptiveConcurrency::overloaded(TimeNs now, int64_t others, int64_t most, DurationNs round) {
  ++overloads_;
  met_at_ = now;
  bound_ = std::min(bound_, most);
  remember(bad_);
  in_round_ = clean_ = 0;
  step_ = 1;
  if (!ramps() && grown_from_ != 0) {
    take_back(now);
  } else if (!ramps() && now - cut_at_ >= round) {
    cut(now);
  } else if (ramps() || bad_ > good_) {
    give_up_place(now, others);
  }
}

void AdaptiveConcurrency::take_back(TimeNs now) {
  patience_ = bound_ == refused_at_ ? std::min(2 * patience_, kMostPatience) : 1;
  refused_at_ = bound_;
  bound_ = grown_from_;
  grown_from_ = 0;
  cut_at_ = now;
}

void AdaptiveConcurrency::cut(TimeNs now) {
  const int64_t share = mul_div(bound_, bad_, good_ + bad_);
  refused_at_ = bound_;
  patience_ = 1;
  bound_ = std::max<int64_t>(bound_ - std::clamp<int64_t>(share, 1, part(bound_, 10)), 1);
  cut_at_ = now;
}

void AdaptiveConcurrency::give_up_place(TimeNs now, int64_t others) {
  if (accepted_ == 0) wave_at_ = now;
  accepted_ = accepted_ == 0 ? others : std::min(accepted_, others);
  if (accepted_ == 0) ramp_ = 1;
}

}  // namespace llmq::core
