#include "tests/sim/features.h"

#include <array>

#include "core/engine.h"

namespace llmq::simulator {
namespace {

using core::Engine;
using core::LimitKind;
using core::LimitSpec;
using core::ModelSpec;
using core::Now;
using core::Request;
using core::Shape;
using core::TimeNs;

constexpr TimeNs kStart{1'000'000'000'000};

LimitSpec hundred_per_ten_seconds(Shape shape) {
  LimitSpec spec;
  spec.kind = LimitKind::kRequests;
  spec.shape = shape;
  spec.amount = 100;
  spec.period = core::seconds(10);
  return spec;
}

// A manager's engine with a few requests, to see what it does at one moment.
struct Probe {
  Engine engine{1};
  std::array<Request, 40> requests;
  core::Actions actions;
  TimeNs now = kStart;

  void add(const ModelSpec& spec, core::ModelIndex index = 0) {
    step(core::ModelAdded{index, &spec});
  }
  void step(const core::Event& event) { engine.step(Now{now, 0}, event, actions); }
  void submit(size_t index, core::ModelIndex model = 0) {
    requests[index].id = index + 1;
    requests[index].model = model;
    requests[index].max_attempts = 1;
    step(core::Submit{&requests[index]});
  }
  int started() const {
    int count = 0;
    for (const core::Action& action : actions) {
      if (std::holds_alternative<core::StartAttempt>(action)) ++count;
    }
    return count;
  }
};

int started_at_once(const LimitSpec& limit) {
  Probe probe;
  ModelSpec spec;
  spec.limits.push_back(limit);
  probe.add(spec);
  for (size_t i = 0; i < probe.requests.size(); ++i) probe.submit(i);
  return probe.started();
}

bool changes_limits() {
  Probe probe;
  ModelSpec spec;
  spec.limits.push_back(hundred_per_ten_seconds(Shape::kSliding));
  probe.add(spec);
  spec.limits[0].amount = 2;
  probe.step(core::ModelChanged{0, &spec});
  for (size_t i = 0; i < 5; ++i) probe.submit(i);
  return probe.started() == 2;
}

// A call that ended long after it was sent still counts from its end.
bool holds_unknown_charge() {
  Probe probe;
  ModelSpec spec;
  LimitSpec limit = hundred_per_ten_seconds(Shape::kSliding);
  limit.kind = LimitKind::kTokens;
  limit.charge = core::ChargeModel::kUnknown;
  spec.limits.push_back(limit);
  probe.add(spec);
  for (size_t i = 0; i < 2; ++i) {
    probe.requests[i].est_input_tokens = 100;
    probe.submit(i);
  }
  probe.now = probe.now + core::seconds(60);
  probe.step(core::Tick{});
  return probe.started() == 1;
}

bool wakes_pool_members() {
  Probe probe;
  LimitSpec limit;
  limit.kind = LimitKind::kConcurrency;
  limit.amount = 1;
  const std::vector<LimitSpec> limits{limit};
  probe.step(core::PoolAdded{0, &limits});
  ModelSpec spec;
  spec.pools = {0};
  probe.add(spec, 0);
  probe.add(spec, 1);
  probe.submit(0, 0);
  probe.submit(1, 1);
  probe.step(core::AttemptFinished{&probe.requests[0], 1});
  return probe.started() == 2;
}

Features find_out() {
  Features found;
  LimitSpec bucket = hundred_per_ten_seconds(Shape::kBucket);
  bucket.burst = 5;
  found.bucket = started_at_once(bucket) <= 5;
  found.paced = started_at_once(hundred_per_ten_seconds(Shape::kPaced)) <= 2;
  LimitSpec quantised = hundred_per_ten_seconds(Shape::kQuantised);
  quantised.slice = core::seconds(1);
  found.quantised = started_at_once(quantised) <= 10;
  found.live_changes = changes_limits();
  found.unknown_charge = holds_unknown_charge();
  found.pools_wake = wakes_pool_members();
  return found;
}

}  // namespace

bool Features::enforces(Shape shape) const {
  switch (shape) {
    case Shape::kBucket:
      return bucket;
    case Shape::kPaced:
      return paced;
    case Shape::kQuantised:
      return quantised;
    default:
      return true;  // a fixed window is never fuller than a sliding one
  }
}

const Features& features() {
  static const Features kFound = find_out();
  return kFound;
}

}  // namespace llmq::simulator
