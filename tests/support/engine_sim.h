// Runs the real engine under a virtual clock: a host that submits, runs attempts against a provider
// that the test describes, answers the store and the leases, and ticks when the engine asks for it.
//
// Promise: whatever a test does, the simulator checks the contract of the engine on the way - one
// outcome per request (I9), attempts numbered in order and only of live requests, no attempt left
// running at the outcome, no start before a Retry-After (I10), nothing of a finished request
// touched (its record is freed at once), and what is told of a request is its life in order.
#ifndef LLMQ_TESTS_SUPPORT_ENGINE_SIM_H_
#define LLMQ_TESTS_SUPPORT_ENGINE_SIM_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "core/engine.h"
#include "tests/support/notice_check.h"
#include "tests/support/windows.h"

namespace llmq::sim {

// What is known of an answer's output at some time after the call has arrived.
struct Output {
  core::DurationNs after;
  int64_t tokens = 0;
};

// How the provider answers a call that has arrived.
struct Answer {
  core::DurationNs latency = core::milliseconds(10);
  core::Status status = core::Status::kOk;
  std::optional<core::Usage> usage;
  core::DurationNs retry_after{};
  bool hangs = false;                        // never answers
  std::optional<core::Observed> observed{};  // what it tells of limits
  std::vector<Output> output{};              // as it is produced
  bool mended = false;                       // the cause of its failure is gone
};

struct Attempt {
  int number = 0;
  core::DeploymentIndex deployment = 0;
  core::TimeNs started;
  std::optional<core::TimeNs> sent;
  std::optional<core::TimeNs> ended;
  core::Status status = core::Status::kOk;  // as the engine was told, or the reason of the abort
  bool aborted = false;
  bool is_hedge = false;             // it began beside another one
  bool begun = false;                // the engine was told of output
  std::optional<core::Usage> usage;  // as the engine was told
};

// A request as the host knows it: stays when the record is gone.
struct Job {
  core::RequestId id = 0;
  core::ModelIndex model = 0;
  core::TenantIndex tenant = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  core::TimeNs submitted;
  std::unique_ptr<core::Request> record;  // until FinishRequest
  std::deque<Attempt> attempts;
  int outcomes = 0;
  core::State state = core::State::kPending;
  core::Status status = core::Status::kOk;
  core::TimeNs ended;
  core::DurationNs estimate{};  // of its FinishRequest
  Job* flight = nullptr;        // the call that it shares

  int runs() const {
    return static_cast<int>(std::count_if(attempts.begin(), attempts.end(),
                                          [](const Attempt& one) { return !one.ended; }));
  }
  bool running() const { return runs() > 0; }
};

struct Call {
  const Job& job;
  int attempt;
  core::TimeNs now;
};

// What a test says about the world; every answer is asked for at its own time, in the order of
// time.
struct World {
  std::function<core::DurationNs(const Call&)> connect;  // until the bytes leave; default: at once
  std::function<bool(const Call&)> connect_fails;        // after that time; default: never
  std::function<core::DurationNs(const Call&)> travel;  // from there to the provider; default: none
  std::function<Answer(const Call&)> answer;            // on arrival; default: 10 ms, ok, no usage
  std::function<void(const Call&, Answer&)> leaves;     // that answer, after its latency
  std::function<std::optional<core::DurationNs>(const core::Persist&)> store;  // nothing: no answer
  std::function<bool(const core::Persist&)> store_ok;                          // default: true
  std::function<void(const core::Lease&)> lease;
  std::function<core::Status(const Job&)> fits_fallback;  // default: it can be called there
};

// What to submit.
struct Want {
  core::ModelIndex model = 0;
  uint32_t input_tokens = 0;
  uint32_t output_tokens = 0;
  core::TimeNs deadline = core::kNever;
  uint32_t timeout_ms = 0;
  uint8_t max_attempts = 8;
  bool late_usage = false;
  core::TenantIndex tenant = 0;
  uint8_t priority = 0;
  uint32_t bytes = 0;
  bool restarts = false;
  bool streams = false;
};

class EngineSim {
 public:
  explicit EngineSim(uint64_t seed = 1) : engine(seed) { watch(core::Notice::kAll); }
  EngineSim(const EngineSim&) = delete;
  EngineSim& operator=(const EngineSim&) = delete;

  // Acts now.
  core::ModelIndex add_model(const core::ModelSpec& spec);
  core::DeploymentIndex add_deployment(core::ModelIndex model, const core::DeploymentSpec& spec);
  core::PoolIndex add_pool(const std::vector<core::LimitSpec>& limits);
  void add_tenant(core::TenantIndex tenant, const core::TenantSpec& spec);
  Job& submit(const Want& want);
  // Shares the call of `other`, or begins one to share.
  Job& join(const Want& want, const Job* other = nullptr);
  void cancel(Job& job);  // nothing, if it has ended
  void shut_down(core::StopMode mode, core::TimeNs deadline = core::kNever);
  void remove(core::ModelIndex model, core::StopMode mode);
  void remove(core::ModelIndex model, core::DeploymentIndex deployment, core::StopMode mode);
  core::Status usage_known(const Job& job, const core::Usage& usage);
  // From now on these notices are told; unless all are, they are not checked.
  void watch(uint32_t kinds);
  void step(const core::Event& event);

  // Acts when its time has come.
  void at(core::TimeNs time, std::function<void()> what);
  void after(core::DurationNs delay, std::function<void()> what) {
    at(now_ + delay, std::move(what));
  }

  void run_until(core::TimeNs time);
  void run_for(core::DurationNs time) { run_until(now_ + time); }
  // Until nothing can happen any more; fails the test if that takes too many steps.
  void run_all();

  core::TimeNs now() const { return now_; }
  core::Model& model(core::ModelIndex index) { return *engine.model(index); }
  core::Deployment& deployment(core::ModelIndex index, core::DeploymentIndex deployment) {
    return *engine.model(index)->deployments[deployment];
  }
  int running(core::ModelIndex model) const { return hosts_[model].running; }
  int most_running(core::ModelIndex model) const { return hosts_[model].most_running; }
  void forget_most_running(core::ModelIndex model) { hosts_[model].most_running = 0; }
  // When calls left, one entry each.
  std::vector<Counted> sent_calls(core::ModelIndex model) const;
  std::vector<Counted> sent_calls(core::ModelIndex model, core::DeploymentIndex deployment) const;
  // Everything that happened to requests, as text: equal runs have equal traces.
  std::string trace() const;

  core::Engine engine;
  World world;
  core::DurationNs tick_lag{};       // how much later than asked for a Tick comes
  bool check_wake_ups = false;       // I7: after each step nobody who could start is forgotten
  bool check_promises = false;       // I7: no blocked head starts later than it was first promised
  core::DurationNs promise_slack{};  // but by so much: ledgers count in buckets of T/256
  std::deque<Job> jobs;              // by id, from 1; addresses stay
  std::vector<core::Persist::Step> persisted;
  std::vector<core::Lease> leases;
  std::vector<core::UsageNoted> noted;
  bool keep_notices = false;
  std::vector<core::Notice> notices;       // if so, what was told; their requests may be gone
  std::vector<core::RequestId> notice_of;  // whose each is; 0 = a deployment's
  std::vector<core::ModelIndex> gone;
  std::vector<core::DeploymentIndex> deployments_gone;
  int closed = 0;
  uint64_t ticks = 0;

 private:
  Job& make_job(const Want& want);
  struct Later {
    core::TimeNs time;
    uint64_t order;
    std::function<void()> what;
    bool operator<(const Later& other) const {  // the earliest is the greatest
      return time != other.time ? time > other.time : order > other.order;
    }
  };
  // What the host knows of a model.
  struct Host {
    bool sends_at_start = true;
    int running = 0;
    int most_running = 0;
    std::vector<core::TimeNs> gates;  // of its deployments
    core::RequestId promised = 0;     // the blocked head, and when it is to start at the latest
    core::TimeNs promise{};
  };

  bool run_one(core::TimeNs limit);
  void perform(const core::StartAttempt& action);
  void perform(const core::AbortAttempt& action);
  void perform(const core::FinishRequest& action);
  void perform(const core::Persist& action);
  void perform(const core::Lease& action);
  void perform(const core::UsageNoted& action);
  void perform(const core::ModelGone& action);
  void perform(const core::DeploymentGone& action);
  void perform(const core::FallBack& action);
  void perform(const core::TakeOver& action);
  void perform(const core::Closed& action);
  void perform(const core::Tell& action);
  static void expect_beside_or_alone(const Job& job, const core::StartAttempt& action);
  void leave(Job& job, int number);
  void arrive(Job& job, int number);
  void produce(Job& job, int number, int64_t tokens);
  void report(Job& job, int number, const Answer& answer);
  void expect_nobody_forgotten();
  core::TimeNs opens_at(const core::Deployment& deployment) const;
  void expect_woken(core::ModelIndex model, core::RequestId request, core::TimeNs start);
  void expect_passers_known(core::ModelIndex index);
  void expect_somebody_binds(const core::Model& model);
  void expect_parked_known(core::ModelIndex index);
  void expect_promises_kept();
  Job& job_of(const core::Request* request) { return jobs[request->id - 1]; }

  core::TimeNs now_{1'234'567'890'123};  // not at a whole millisecond
  uint64_t order_ = 0;
  std::priority_queue<Later> later_;
  std::vector<Host> hosts_;
  core::PoolIndex pools_ = 0;
  core::Actions actions_;
  NoticeCheck notice_check_;
  bool checks_notices_ = true;
};

// Specs in one line.
core::LimitSpec per_period(core::LimitKind kind, int64_t amount, core::DurationNs period,
                           core::ChargeModel charge = core::ChargeModel::kActual,
                           core::DurationNs jitter = {});
core::LimitSpec concurrency(int64_t amount);
core::ModelSpec model_with(std::vector<core::LimitSpec> limits);

}  // namespace llmq::sim

#endif  // LLMQ_TESTS_SUPPORT_ENGINE_SIM_H_
