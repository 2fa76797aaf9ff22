// One decision of the limiter over four limits, with reservation, sending and settlement.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench_support.h"
#include "core/limit/limiter.h"

namespace llmq::bench {
namespace {

core::LimitSpec limit(core::LimitKind kind, core::DurationNs period) {
  core::LimitSpec spec;
  spec.kind = kind;
  spec.amount = 1'000'000'000'000;
  spec.period = period;
  spec.jitter = period.ns == 0 ? core::DurationNs{} : core::default_jitter(period);
  return spec;
}

void decision(benchmark::State& state) {
  core::Limiter limiter({limit(core::LimitKind::kRequests, core::seconds(60)),
                         limit(core::LimitKind::kTokens, core::seconds(60)),
                         limit(core::LimitKind::kOutputTokens, core::seconds(86'400)),
                         limit(core::LimitKind::kConcurrency, {})},
                        256);
  core::Reservation reservation;
  const core::Settlement settlement{core::Settlement::Kind::kKnown, core::Usage{100, 150, 0, 0}};
  core::TimeNs now{1'000'000'000};
  const int64_t start = llmq_now_ns();
  for (auto _ : state) {
    now = now + core::DurationNs{500};
    benchmark::DoNotOptimize(limiter.earliest(now, {120, 200}));
    limiter.reserve(now, {120, 200}, reservation);
    limiter.sent(now, reservation);
    benchmark::DoNotOptimize(limiter.settle(now, reservation, settlement));
  }
  state.counters["decision_4_limits_ns"] =
      static_cast<double>(llmq_now_ns() - start) / static_cast<double>(state.iterations());
}
BENCHMARK(decision)->MinTime(0.5)->Repetitions(3);

}  // namespace
}  // namespace llmq::bench
