#include "runtime/plan_run.h"

#include <algorithm>

#include "core/limit/limit_names.h"
#include "runtime/deployments.h"
#include "runtime/limit_report.h"

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

// Every call goes well, and leaves when it starts.
template <typename Spec>
Spec planned(Spec spec) {
  spec.limits = as_published(spec.limits);
  spec.finds_limits = false;
  spec.sends_at_start = true;
  return spec;
}

// Of the model, or of the pool that the limit belongs to.
std::string zone_of(const PlanInput& input, core::Engine& engine, core::ModelIndex index,
                    const core::Limit* limit) {
  const PlanModel& model = input.models[index];
  for (const auto& deployment : model.deployments) {
    const PoolEntry* const pool = limit == nullptr ? nullptr : pool_of(*deployment, engine, limit);
    if (pool != nullptr) return pool->time_zone;
  }
  return model.settings.time_zone;
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
  for (const std::unique_ptr<PoolEntry>& pool : input_.pools) {
    const std::vector<core::LimitSpec> limits = as_published(pool->first_limits);
    step(core::PoolAdded{pool->index, &limits});
  }
  for (core::ModelIndex i = 0; i < input_.models.size(); ++i) {
    const ModelSettings& settings = input_.models[i].settings;
    core::ModelSpec spec = planned(spec_of(settings));
    spec.ready = true;
    spec.hedge.enabled = false;  // no call is slow
    step(core::ModelAdded{i, &spec});
    for (size_t at = 1; at < settings.entries.size(); ++at) {
      const core::DeploymentSpec other =
          planned(spec_of(settings, settings.deployments[at], *settings.entries[at]));
      step(core::DeploymentAdded{i, settings.entries[at]->index, &other});
    }
    const core::Model& made = *engine_.model(i);
    for (const auto& deployment : made.deployments) {
      blocked_[i].limits_ns.emplace_back(deployment->limiter.limits().size(), 0);
    }
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
      const auto last = service_time(model.settings, start->request->est_output_tokens);
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
      blocked_[i].limits_ns[model.blocked_at->index][static_cast<size_t>(model.blocked_by)] +=
          passed;
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
  int64_t most = 0;
  std::string name;
  for (size_t i = 0; i < blocked.tenant_ns.size(); ++i) {
    if (blocked.tenant_ns[i] <= most) continue;
    most = blocked.tenant_ns[i];
    name = core::limit_name(model.tenant_limits[i]) + " of each tenant";
  }
  for (size_t at = 0; at < blocked.limits_ns.size(); ++at) {
    const core::Limiter& limiter = model.deployments[at]->limiter;
    for (size_t i = 0; i < blocked.limits_ns[at].size(); ++i) {
      if (blocked.limits_ns[at][i] < most || blocked.limits_ns[at][i] == 0) continue;
      if (blocked.limits_ns[at][i] == most && at > 0) continue;
      most = blocked.limits_ns[at][i];
      name = limiter.is_implicit(i) ? "max_in_flight"
                                    : full_limit_name(*input_.models[index].deployments[at],
                                                      engine_, limiter.limits()[i]);
    }
  }
  return name;
}

}  // namespace llmq::runtime
