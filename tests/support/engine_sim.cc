#include "tests/support/engine_sim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace llmq::sim {
namespace {

// Everybody, not only the caller that it answers.
bool asks_to_wait(const Answer& answer) {
  return (answer.status == core::Status::kRateLimited ||
          answer.status == core::Status::kOverloaded) &&
         answer.retry_after.ns > 0;
}

}  // namespace

using core::DurationNs;
using core::TimeNs;

core::ModelIndex EngineSim::add_model(const core::ModelSpec& spec) {
  const auto index = static_cast<core::ModelIndex>(hosts_.size());
  hosts_.emplace_back().sends_at_start = spec.sends_at_start;
  hosts_.back().gates.resize(1);
  step(core::ModelAdded{index, &spec});
  return index;
}

core::DeploymentIndex EngineSim::add_deployment(core::ModelIndex model,
                                                const core::DeploymentSpec& spec) {
  std::vector<TimeNs>& gates = hosts_[model].gates;
  const auto index = static_cast<core::DeploymentIndex>(gates.size());
  gates.emplace_back();
  step(core::DeploymentAdded{model, index, &spec});
  return index;
}

core::PoolIndex EngineSim::add_pool(const std::vector<core::LimitSpec>& limits) {
  step(core::PoolAdded{pools_, &limits});
  return pools_++;
}

void EngineSim::add_tenant(core::TenantIndex tenant, const core::TenantSpec& spec) {
  step(core::TenantAdded{tenant, spec});
}

Job& EngineSim::submit(const Want& want) {
  Job& job = make_job(want);
  step(core::Submit{job.record.get()});
  return job;
}

// As the host does it: nobody joins a call that has gone to another model.
Job& EngineSim::join(const Want& want, const Job* other) {
  Job* flight = other == nullptr ? nullptr : other->flight;
  if (flight == nullptr || flight->record == nullptr || flight->model != want.model) {
    flight = &make_job(want);
  }
  Job& job = make_job(want);
  job.flight = flight;
  step(core::Join{job.record.get(), flight->record.get()});
  const bool joined = job.record != nullptr && job.record->role == core::Role::kFollower;
  if (!joined) job.flight = nullptr;
  return job;
}

Job& EngineSim::make_job(const Want& want) {
  Job& job = jobs.emplace_back();
  job.id = jobs.size();
  job.model = want.model;
  job.tenant = want.tenant;
  job.input_tokens = want.input_tokens;
  job.output_tokens = want.output_tokens;
  job.submitted = now_;
  job.record = std::make_unique<core::Request>();
  job.record->id = job.id;
  job.record->model = want.model;
  job.record->est_input_tokens = want.input_tokens;
  job.record->est_output_tokens = want.output_tokens;
  job.record->deadline = want.deadline;
  job.record->timeout_ms = want.timeout_ms;
  job.record->max_attempts = want.max_attempts;
  job.record->late_usage = want.late_usage;
  job.record->tenant = want.tenant;
  job.record->priority = want.priority & 7;
  job.record->bytes = want.bytes;
  job.record->restarts = want.restarts;
  job.record->streams = want.streams;
  return job;
}

void EngineSim::cancel(Job& job) {
  if (job.record != nullptr) step(core::Cancel{job.record.get()});
}

void EngineSim::shut_down(core::StopMode mode, TimeNs deadline) {
  step(core::Shutdown{mode, deadline});
}

void EngineSim::remove(core::ModelIndex model, core::StopMode mode) {
  step(core::ModelRemoved{model, mode});
}

void EngineSim::remove(core::ModelIndex model, core::DeploymentIndex deployment,
                       core::StopMode mode) {
  step(core::DeploymentRemoved{model, deployment, mode});
}

core::Status EngineSim::usage_known(const Job& job, const core::Usage& usage) {
  const size_t before = noted.size();
  step(core::UsageKnown{job.id, job.model, usage});
  EXPECT_EQ(noted.size(), before + 1);
  EXPECT_EQ(noted.back().request, job.id);
  return noted.back().status;
}

void EngineSim::watch(uint32_t kinds) {
  checks_notices_ = kinds == core::Notice::kAll && jobs.empty();
  step(core::Watch{kinds});
}

void EngineSim::step(const core::Event& event) {
  actions_.clear();
  engine.step(core::Now{now_, 0}, event, actions_);
  for (const core::Action& action : actions_) {
    std::visit([this](const auto& what) { perform(what); }, action);
  }
  if (check_wake_ups) expect_nobody_forgotten();
  if (check_promises) expect_promises_kept();
}

void EngineSim::at(TimeNs time, std::function<void()> what) {
  later_.push(Later{std::max(time, now_), ++order_, std::move(what)});
}

// What comes in goes before the Tick of the same time, as in the loop of src/runtime.
bool EngineSim::run_one(TimeNs limit) {
  const TimeNs event = later_.empty() ? core::kNever : later_.top().time;
  const TimeNs wake = engine.next_wake();
  const TimeNs tick = wake == core::kNever ? core::kNever : std::max(now_, wake + tick_lag);
  if (std::min(event, tick) > limit || std::min(event, tick) == core::kNever) return false;
  if (event <= tick) {
    now_ = event;
    const std::function<void()> what = later_.top().what;
    later_.pop();
    what();
    return true;
  }
  now_ = tick;
  ++ticks;
  step(core::Tick{});
  return true;
}

void EngineSim::run_until(TimeNs time) {
  while (run_one(time)) {
  }
  now_ = std::max(now_, time);
}

void EngineSim::run_all() {
  constexpr int kTooMany = 5'000'000;
  for (int steps = 0; run_one(core::kNever); ++steps) {
    if (steps < kTooMany) continue;
    ADD_FAILURE() << "it does not come to rest; next wake in " << (engine.next_wake() - now_).ns
                  << " ns";
    return;
  }
}

void EngineSim::perform(const core::StartAttempt& action) {
  Job& job = job_of(action.request);
  Host& host = hosts_[job.model];
  ASSERT_NE(job.record, nullptr) << "started after its outcome";
  expect_beside_or_alone(job, action);
  EXPECT_EQ(action.attempt, job.attempts.size() + 1);
  const core::DeploymentIndex deployment = action.deployment;
  EXPECT_GE(now_, host.gates[deployment]) << "I10: started before Retry-After";
  EXPECT_LE(action.attempt, std::max<int>(job.record->max_attempts, 1)) << "I10";
  Attempt& attempt = job.attempts.emplace_back();
  attempt.number = action.attempt;
  attempt.deployment = deployment;
  attempt.is_hedge = action.is_hedge;
  attempt.started = now_;
  host.most_running = std::max(host.most_running, ++host.running);
  const int number = attempt.number;
  if (host.sends_at_start) {
    attempt.sent = now_;
    const Call call{job, number, now_};
    const DurationNs travel = world.travel ? world.travel(call) : DurationNs{};
    after(travel, [this, &job, number] { arrive(job, number); });
    return;
  }
  const Call call{job, number, now_};
  const DurationNs connect = world.connect ? world.connect(call) : DurationNs{};
  after(connect, [this, &job, number] { leave(job, number); });
}

// One attempt runs at a time; beside one that has brought nothing a second one may, elsewhere.
void EngineSim::expect_beside_or_alone(const Job& job, const core::StartAttempt& action) {
  EXPECT_EQ(job.runs(), action.is_hedge ? 1 : 0);
  for (const Attempt& attempt : job.attempts) {
    if (attempt.ended) continue;
    EXPECT_NE(attempt.deployment, action.deployment) << "hedged where it runs";
    EXPECT_FALSE(attempt.begun) << "hedged although its output has begun";
  }
}

// The connection stands: the bytes leave, unless the attempt has ended.
void EngineSim::leave(Job& job, int number) {
  Attempt& attempt = job.attempts[static_cast<size_t>(number - 1)];
  if (attempt.ended) return;
  const Call call{job, number, now_};
  if (world.connect_fails && world.connect_fails(call)) {
    Answer answer;
    answer.status = core::Status::kTransport;
    report(job, number, answer);
    return;
  }
  attempt.sent = now_;
  const DurationNs travel = world.travel ? world.travel(call) : DurationNs{};
  after(travel, [this, &job, number] { arrive(job, number); });
  step(core::AttemptSent{job.record.get(), static_cast<uint8_t>(number)});
}

void EngineSim::arrive(Job& job, int number) {
  const Call call{job, number, now_};
  Answer answer = world.answer ? world.answer(call) : Answer{};
  for (const Output& output : answer.output) {
    after(output.after, [this, &job, number, output] { produce(job, number, output.tokens); });
  }
  if (answer.hangs) return;
  after(answer.latency, [this, &job, number, answer]() mutable {
    if (world.leaves) world.leaves(Call{job, number, now_}, answer);
    report(job, number, answer);
  });
}

// Like a report it may come too late.
void EngineSim::produce(Job& job, int number, int64_t tokens) {
  if (job.record == nullptr) return;
  job.attempts[static_cast<size_t>(number - 1)].begun = true;
  step(core::AttemptProgress{job.record.get(), static_cast<uint8_t>(number), tokens});
}

// Reports of attempts that the engine has ended reach it too, as long as the request lives: it must
// ignore them.
void EngineSim::report(Job& job, int number, const Answer& answer) {
  if (job.record == nullptr) return;
  Attempt& attempt = job.attempts[static_cast<size_t>(number - 1)];
  if (!attempt.ended) {
    attempt.ended = now_;
    attempt.status = answer.status;
    attempt.usage = answer.usage;
    --hosts_[job.model].running;
    if (asks_to_wait(answer)) {
      TimeNs& gate = hosts_[job.model].gates[attempt.deployment];
      gate = std::max(gate, now_ + answer.retry_after);
    }
  }
  step(core::AttemptFinished{
      job.record.get(), static_cast<uint8_t>(number), answer.status, answer.usage.has_value(),
      answer.usage.value_or(core::Usage{}), answer.retry_after,
      answer.observed.has_value() ? &*answer.observed : nullptr, answer.mended});
}

void EngineSim::perform(const core::AbortAttempt& action) {
  Job& job = job_of(action.request);
  ASSERT_LE(action.attempt, job.attempts.size());
  Attempt& attempt = job.attempts[static_cast<size_t>(action.attempt - 1)];
  ASSERT_FALSE(attempt.ended) << "aborted after its end";
  attempt.ended = now_;
  attempt.aborted = true;
  attempt.status = action.reason;
  --hosts_[job.model].running;
}

void EngineSim::perform(const core::FinishRequest& action) {
  Job& job = job_of(action.request);
  ++job.outcomes;
  EXPECT_TRUE(!checks_notices_ || notice_check_.has_ended(*job.record)) << "its end was not told";
  ASSERT_EQ(job.outcomes, 1) << "I9: request " << job.id << " has more than one outcome";
  EXPECT_TRUE(core::is_final(job.record->state));
  EXPECT_FALSE(job.running()) << "its attempt was neither ended nor aborted";
  job.state = job.record->state;
  job.status = job.record->status;
  job.ended = now_;
  job.estimate = action.estimate;
  job.record.reset();
}

void EngineSim::perform(const core::Persist& action) {
  persisted.push_back(action.step);
  if (action.step == core::Persist::Step::kAccepted) return;
  const std::optional<DurationNs> delay =
      world.store ? world.store(action) : std::optional<DurationNs>(DurationNs{});
  if (!delay) return;
  const bool ok = !world.store_ok || world.store_ok(action);
  core::Request* const request = action.request;
  after(*delay, [this, request, ok] { step(core::Persisted{request, ok}); });
}

void EngineSim::perform(const core::Lease& action) {
  leases.push_back(action);
  if (world.lease) world.lease(action);
}

void EngineSim::perform(const core::UsageNoted& action) { noted.push_back(action); }

void EngineSim::perform(const core::ModelGone& action) {
  EXPECT_EQ(engine.model(action.model), nullptr);
  gone.push_back(action.model);
}

void EngineSim::perform(const core::DeploymentGone& action) {
  EXPECT_EQ(engine.model(action.model)->deployments[action.deployment], nullptr);
  deployments_gone.push_back(action.deployment);
}

void EngineSim::perform(const core::FallBack& action) {
  Job& job = jobs[action.request->id - 1];
  EXPECT_FALSE(job.running());
  EXPECT_NE(action.from, action.request->model);
  job.model = action.request->model;
  const core::Status status = world.fits_fallback ? world.fits_fallback(job) : core::Status::kOk;
  action.request->max_attempts = static_cast<uint8_t>(action.request->attempts + 8);
  after({}, [this, &job, status] {
    if (job.outcomes == 0) step(core::FellBack{job.record.get(), status});
  });
}

// It runs, or has just answered; what it was begun beside is over.
void EngineSim::perform(const core::TakeOver& action) {
  const Job& job = job_of(action.request);
  for (const Attempt& attempt : job.attempts) {
    if (attempt.number == action.attempt) {
      EXPECT_TRUE(attempt.is_hedge && !attempt.aborted);
    } else {
      EXPECT_TRUE(attempt.ended);
    }
  }
}

void EngineSim::perform(const core::Closed&) {
  ++closed;
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(engine.live(), 0u);
}

void EngineSim::perform(const core::Tell& action) {
  const core::Notice& notice = engine.notice(action);
  const core::RequestId id = notice.request == nullptr ? 0 : notice.request->id;
  if (keep_notices) {
    notices.push_back(notice);
    notice_of.push_back(id);
  }
  EXPECT_EQ(notice.at, now_);
  if (!checks_notices_) return;
  const char* const wrong = notice_check_.take(notice);
  EXPECT_EQ(wrong, nullptr) << wrong << ": " << notice.kind << " of request " << id;
}

// Whoever stands in front starts now, or at a time for which a wake-up is set, or waits for an
// event.
void EngineSim::expect_nobody_forgotten() {
  for (core::ModelIndex index = 0; index < hosts_.size(); ++index) {
    core::Model* const model = engine.model(index);
    if (model == nullptr || !model->settings.ready) continue;
    expect_parked_known(index);
    const bool promised = model->head != nullptr && model->head_at != core::kNever;
    const core::Request* const head = promised ? model->head : model->queue.front();
    if (head == nullptr) continue;
    if (model->block == core::Block::kOther) {
      expect_somebody_binds(*model);
      continue;
    }
    TimeNs start = core::kNever;
    bool open = false;
    for (const auto& deployment : model->deployments) {
      if (deployment == nullptr || deployment->leaving) continue;
      const TimeNs opens = opens_at(*deployment);
      const core::Demand demand = model->demand_of(*head);
      start = std::min(start, std::max(deployment->limiter.earliest(now_, demand).at, opens));
      open = open || opens <= now_;
    }
    expect_woken(index, head->id, start);
    if (promised && open) expect_passers_known(index);
  }
}

// Not before, whatever its limits say.
TimeNs EngineSim::opens_at(const core::Deployment& deployment) const {
  const auto of = [this](const core::Suspension& hold) {
    return hold.holds(now_) ? hold.opens(now_) : TimeNs{};
  };
  return std::max(
      {deployment.gate, of(deployment.quota), of(deployment.key), deployment.breaker.opens(now_)});
}

void EngineSim::expect_woken(core::ModelIndex model, core::RequestId request, TimeNs start) {
  constexpr DurationNs kTick = core::milliseconds(1);
  if (start == core::kNever || engine.next_wake() <= std::max(start, now_) + kTick) return;
  check_wake_ups = false;  // once is enough
  ADD_FAILURE() << "I7: request " << request << " of model " << model << " could start in "
                << (start - now_).ns << " ns, but nothing wakes it";
}

// A front that waits for another model's front: there is one.
void EngineSim::expect_somebody_binds(const core::Model& model) {
  for (const auto& deployment : model.deployments) {
    if (deployment == nullptr) continue;
    for (const core::PoolIndex pool : deployment->spec.pools) {
      for (const core::Deployment* member : engine.pool(pool)->members) {
        if (&member->model != &model && member->model.guards_pool) return;
      }
    }
  }
  check_wake_ups = false;
  ADD_FAILURE() << "model " << model.index << " waits for a promise that nobody has";
}

// Nobody stands behind a blocked head who may pass it.
void EngineSim::expect_passers_known(core::ModelIndex index) {
  core::Model& model = *engine.model(index);
  const bool simple = !model.shares_pools && model.tenant_limits.empty();
  if (!simple || model.queue.size() > core::ClassLine::kScan / 2) return;
  const core::Demand head = model.demand_of(*model.head);
  for (const auto& deployment : model.deployments) {
    if (deployment == nullptr || deployment->leaving) continue;
    core::Limiter& limiter = deployment->limiter;
    std::vector<core::Request*> waiting;
    model.queue.first_in_order(limiter, waiting);
    for (const core::Request* request : waiting) {
      const core::Demand demand = model.demand_of(*request);
      if (request == model.head || request->deadline <= now_) continue;
      const TimeNs at = std::max(limiter.earliest(now_, demand).at, opens_at(*deployment));
      if (at >= model.head_at) continue;
      const bool here = model.blocked_at == deployment.get();
      if (here && limiter.earliest_behind(now_, head, demand) > model.head_at) continue;
      expect_woken(index, request->id, at);
    }
  }
}

void EngineSim::expect_parked_known(core::ModelIndex index) {
  for (core::Account& account : engine.model(index)->accounts.all()) {
    if (!account.flows.parked) continue;
    const core::Request* front = nullptr;
    for (core::Flow* flow : account.flows.flows) {
      if (flow != nullptr && !flow->line.empty()) front = flow->line.front();
    }
    if (front == nullptr) {
      ADD_FAILURE() << "tenant " << account.flows.tenant << " is parked and has nothing waiting";
      continue;
    }
    expect_woken(index, front->id, account.own->parked_until);
  }
}

void EngineSim::expect_promises_kept() {
  for (core::ModelIndex index = 0; index < hosts_.size(); ++index) {
    const core::Model* const model = engine.model(index);
    Host& host = hosts_[index];
    if (model == nullptr || model->head == nullptr || model->head_at == core::kNever) {
      host.promised = 0;
    } else if (host.promised != model->head->id) {
      host.promised = model->head->id;
      host.promise = model->head_at;
    } else if (model->head_at > host.promise + promise_slack) {
      check_promises = false;
      ADD_FAILURE() << "I7: the start of request " << host.promised << " was put off by "
                    << (model->head_at - host.promise).ns << " ns";
    }
  }
}

std::vector<Counted> EngineSim::sent_calls(core::ModelIndex model) const {
  std::vector<Counted> calls;
  for (const Job& job : jobs) {
    if (job.model != model) continue;
    for (const Attempt& attempt : job.attempts) {
      if (attempt.sent) calls.push_back(Counted{*attempt.sent, 1});
    }
  }
  return calls;
}

std::vector<Counted> EngineSim::sent_calls(core::ModelIndex model,
                                           core::DeploymentIndex deployment) const {
  std::vector<Counted> calls;
  for (const Job& job : jobs) {
    if (job.model != model) continue;
    for (const Attempt& attempt : job.attempts) {
      if (attempt.sent && attempt.deployment == deployment) {
        calls.push_back(Counted{*attempt.sent, 1});
      }
    }
  }
  return calls;
}

std::string EngineSim::trace() const {
  std::string text;
  for (const Job& job : jobs) {
    text += std::to_string(job.id) + ":";
    for (const Attempt& attempt : job.attempts) {
      text += " " + std::to_string(attempt.started.ns) + "/" +
              std::to_string(static_cast<int>(attempt.status));
    }
    text += " = " + std::to_string(static_cast<int>(job.state)) + "," +
            std::to_string(static_cast<int>(job.status)) + "@" + std::to_string(job.ended.ns) +
            "\n";
  }
  return text;
}

core::LimitSpec per_period(core::LimitKind kind, int64_t amount, DurationNs period,
                           core::ChargeModel charge, DurationNs jitter) {
  core::LimitSpec spec;
  spec.kind = kind;
  spec.charge = charge;
  spec.amount = amount;
  spec.period = period;
  spec.jitter = jitter;
  return spec;
}

core::LimitSpec concurrency(int64_t amount) {
  core::LimitSpec spec;
  spec.kind = core::LimitKind::kConcurrency;
  spec.amount = amount;
  return spec;
}

core::ModelSpec model_with(std::vector<core::LimitSpec> limits) {
  core::ModelSpec spec;
  spec.limits = std::move(limits);
  return spec;
}

}  // namespace llmq::sim
