#include "runtime/plan_run.h"

#include <algorithm>

#include "core/limit/limit_names.h"

namespace llmq::runtime {
namespace {

constexpr core::TimeNs kHorizon{int64_t{100} * 365 * 86'400 * 1'000'000'000};
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMs = 1'000'000;

core::DurationNs service_time(const config::ModelConfig& model, int64_t output_tokens) {
  return model.plan_latency +
         core::nanoseconds(output_tokens * kNsPerSecond / model.plan_tokens_per_s);
}

// No provider answers here, so nothing is learnt: shape auto keeps to what is published.
std::vector<core::LimitSpec> as_published(std::vector<core::LimitSpec> limits) {
  for (core::LimitSpec& limit : limits) {
    if (limit.shape == core::Shape::kAuto) limit.shape = core::Shape::kSliding;
  }
  return limits;
}

// Of the model, or of the pool that the limit belongs to.
std::string zone_of(const PlanInput& input, core::Engine& engine, core::ModelIndex index,
                    const core::Limit* limit) {
  const PlanModel& model = input.models[index];
  for (const core::PoolIndex pool : model.pools) {
    for (const auto& one : engine.pool(pool)->limits) {
      if (one.get() == limit) return input.pools[pool].time_zone;
    }
  }
  return model.config.time_zone;
}

}  // namespace

PlanRun::PlanRun(PlanInput& input, int64_t start_unix_ms)
    : input_(input),
      start_unix_ms_(start_unix_ms),
      engine_(1),
      windows_(engine_,
               [this](core::ModelIndex model, const core::Limit* limit) {
                 return zone_of(input_, engine_, model, limit);
               }),
      blocked_(input.models.size()) {
  add_tenants();
  add_models();
}

// All requests are there at once: caps of what may wait would tell nothing.
void PlanRun::add_tenants() {
  for (core::TenantIndex i = 0; i < input_.tenants.size(); ++i) {
    const auto& settings = settings_of(input_.config, input_.tenant_names.name(i));
    core::TenantSpec spec;
    spec.weight = static_cast<uint32_t>(settings.weight) * core::kWeightOne;
    if (spec.weight != core::kWeightOne) step(core::TenantAdded{i, spec});
  }
}

void PlanRun::add_models() {
  for (core::PoolIndex i = 0; i < input_.pools.size(); ++i) {
    const std::vector<core::LimitSpec> limits = as_published(input_.pools[i].limits);
    step(core::PoolAdded{i, &limits});
  }
  for (core::ModelIndex i = 0; i < input_.models.size(); ++i) {
    const PlanModel& model = input_.models[i];
    core::ModelSpec spec;
    spec.limits = as_published(model.config.limits);
    spec.pools = model.pools;
    spec.prices = model.config.prices;
    spec.max_in_flight = model.config.max_in_flight;
    step(core::ModelAdded{i, &spec});
    const core::Model& made = *engine_.model(i);
    blocked_[i].model_ns.assign(made.first().limiter.limits().size(), 0);
    blocked_[i].tenant_ns.assign(made.tenant_limits.size(), 0);
    windows_.open(i);
  }
}

void PlanRun::run() {
  follow_calendars();
  for (core::Request& request : input_.requests) step(core::Submit{&request});
  for (;;) {
    const core::TimeNs answer = answers_.empty() ? core::kNever : answers_.top().due;
    const core::TimeNs wake = engine_.next_wake();
    const core::TimeNs next = std::min(answer, wake);
    if (next == core::kNever || next > kHorizon) break;
    advance(std::max(next, now_));
    follow_calendars();
    if (answer <= wake) {
      take_answer();
    } else {
      step(core::Tick{});
    }
  }
  for (core::ModelIndex i = 0; i < input_.models.size(); ++i) {
    input_.models[i].bound_by = bound_by(i);
  }
}

void PlanRun::step(const core::Event& event) {
  actions_.clear();
  engine_.step(core::Now{now_, 0}, event, actions_);
  for (const core::Action& action : actions_) {
    if (const auto* start = std::get_if<core::StartAttempt>(&action)) {
      const PlanModel& model = input_.models[start->request->model];
      const auto last = service_time(model.config, start->request->est_output_tokens);
      answers_.push(Answer{now_ + last, ++order_, start->request});
    } else if (const auto* end = std::get_if<core::FinishRequest>(&action)) {
      count_end(*end->request);
    }
  }
}

void PlanRun::count_end(const core::Request& request) {
  const bool in_time = request.state != core::State::kExpired;
  input_.models[request.model].totals.end(now_, in_time);
  input_.tenants[request.tenant].end(now_, in_time);
}

// Edges matter when something is decided, not in between: what the engine knows of the next window
// wakes it in time.
void PlanRun::follow_calendars() {
  const int64_t wall_ms = start_unix_ms_ + (now_ - kStart).ns / kNsPerMs;
  windows_.follow(Clocks{now_, {}, wall_ms},
                  [this](const CalendarWindows::One& one, const WindowTimes& times) {
                    step(CalendarWindows::event_of(one, times));
                  });
}

// Time that passes while the front of a line waits for a limit is that limit's; if all that wait
// are held back by limits of their own, it is that which holds back most of them.
void PlanRun::advance(core::TimeNs to) {
  const int64_t passed = (to - now_).ns;
  for (core::ModelIndex i = 0; passed > 0 && i < input_.models.size(); ++i) {
    const core::Model& model = *engine_.model(i);
    if (model.blocked_by >= 0 && !model.queue.empty()) {
      blocked_[i].model_ns[static_cast<size_t>(model.blocked_by)] += passed;
    } else if (model.block == core::Block::kNone && !model.tenant_limits.empty()) {
      const auto most = std::max_element(model.parked.begin(), model.parked.end());
      const auto limit = static_cast<size_t>(most - model.parked.begin());
      if (*most > 0) blocked_[i].tenant_ns[limit] += passed;
    }
  }
  now_ = to;
}

void PlanRun::take_answer() {
  core::Request& request = *answers_.top().request;
  answers_.pop();
  if (core::is_final(request.state)) return;  // its deadline came first
  core::AttemptFinished event{&request, request.attempts};
  event.usage_known = true;
  event.usage.input_tokens = request.est_input_tokens;
  event.usage.output_tokens = request.est_output_tokens;
  step(event);
}

std::string PlanRun::bound_by(core::ModelIndex index) {
  const Blocked& blocked = blocked_[index];
  const core::Model& model = *engine_.model(index);
  const auto most = std::max_element(blocked.model_ns.begin(), blocked.model_ns.end());
  const auto own = std::max_element(blocked.tenant_ns.begin(), blocked.tenant_ns.end());
  const int64_t model_ns = most == blocked.model_ns.end() ? 0 : *most;
  if (own != blocked.tenant_ns.end() && *own > model_ns) {
    const auto limit = static_cast<size_t>(own - blocked.tenant_ns.begin());
    return core::limit_name(model.tenant_limits[limit]) + " of each tenant";
  }
  if (model_ns == 0) return "";
  const auto limit = static_cast<size_t>(most - blocked.model_ns.begin());
  if (model.first().limiter.is_implicit(limit)) return "max_in_flight";
  const core::Limit* const found = model.first().limiter.limits()[limit];
  std::string name = core::limit_name(found->spec());
  for (const core::PoolIndex pool : input_.models[index].pools) {
    for (const auto& one : engine_.pool(pool)->limits) {
      if (one.get() == found) name += " of pool " + input_.pools[pool].name;
    }
  }
  return name;
}

}  // namespace llmq::runtime
