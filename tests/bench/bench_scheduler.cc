// What order costs: requests through the engine alone - submitted, admitted, settled - with one
// tenant or a hundred thousand, with a short line or a long one, and with a blocked head to pass.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "bench_support.h"
#include "core/engine.h"

namespace llmq::bench {
namespace {

class Host {
 public:
  Host(core::ModelSpec spec, uint32_t tenants, size_t in_line) : tenants_(tenants) {
    step(core::ModelAdded{0, &spec});
    requests_.resize(in_line + static_cast<size_t>(spec.max_in_flight));
    for (core::Request& request : requests_) submit(request);
  }

  // One ends, the next starts, another one comes.
  void turn() {
    const core::StartAttempt started = started_.front();
    started_.pop_front();
    core::AttemptFinished finished{started.request, started.attempt};
    finished.usage_known = true;
    finished.usage = core::Usage{90, 10, 0, 0};
    step(finished);
    submit(*started.request);
  }

 private:
  void submit(core::Request& request) {
    request = core::Request{};
    request.id = ++next_;
    request.est_input_tokens = 100;
    request.est_output_tokens = static_cast<uint32_t>(next_ * 7919 % 100);
    request.max_attempts = 1;
    request.tenant = static_cast<uint32_t>(next_ * 2654435761u % tenants_);
    step(core::Submit{&request});
  }

  void step(const core::Event& event) {
    now_ = now_ + core::DurationNs{500};
    actions_.clear();
    engine_.step(core::Now{now_, 0}, event, actions_);
    for (const core::Action& action : actions_) {
      if (const auto* start = std::get_if<core::StartAttempt>(&action)) started_.push_back(*start);
    }
  }

  core::Engine engine_{1};
  core::Actions actions_;
  core::TimeNs now_{1'000'000'000};
  std::deque<core::Request> requests_;
  std::deque<core::StartAttempt> started_;
  uint64_t next_ = 0;
  uint32_t tenants_;
};

core::LimitSpec wide(core::LimitKind kind) {
  core::LimitSpec spec;
  spec.kind = kind;
  spec.amount = 1'000'000'000'000;
  spec.period = core::seconds(60);
  spec.jitter = core::default_jitter(spec.period);
  return spec;
}

void order(benchmark::State& state) {
  const auto tenants = static_cast<uint32_t>(state.range(0));
  const auto in_line = static_cast<size_t>(state.range(1));
  core::ModelSpec spec;
  spec.limits = {wide(core::LimitKind::kRequests), wide(core::LimitKind::kTokens)};
  spec.max_in_flight = 64;
  Host host(spec, tenants, in_line);
  for (size_t i = 0; i < 2 * in_line; ++i) host.turn();
  for (auto _ : state) host.turn();
  state.SetLabel(std::to_string(tenants) + " tenants, " + std::to_string(in_line) + " in line");
}
BENCHMARK(order)
    ->Args({1, 1000})
    ->Args({1, 1'000'000})
    ->Args({1000, 100'000})
    ->Args({100'000, 1'000'000})
    ->MinTime(0.5);

}  // namespace
}  // namespace llmq::bench
