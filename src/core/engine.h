// The engine decides: which request starts when, what an ended attempt means, when a request has
// ended.
//
// Promise: every submitted request gets exactly one FinishRequest; an attempt starts only when
// every limit of its model and of its tenant has room for it; the order is that of the classes, in
// a class fair between tenants, for one tenant that of submission; who is first and does not fit is
// told a time, starts no later, and is passed only by those who do not put it off (EASY
// backfilling); whatever an attempt held is given back exactly once.
//
// It has no clock, thread, socket or memory of its own beyond its tables: step() is told what
// happened and when, and appends what is to be done. The same events give the same actions, on
// every platform.
#ifndef LLMQ_CORE_ENGINE_H_
#define LLMQ_CORE_ENGINE_H_

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/action.h"
#include "core/event.h"
#include "core/flight.h"
#include "core/grant_pool.h"
#include "core/hedge.h"
#include "core/model.h"
#include "core/notice.h"
#include "core/policy/wait_estimate.h"
#include "core/pool.h"
#include "core/queue/timer_wheel.h"
#include "core/random.h"
#include "core/room.h"
#include "core/tenants.h"

namespace llmq::core {

class Engine {
 public:
  explicit Engine(uint64_t seed) : random_(seed) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Times must not decrease from step to step.
  void step(Now now, const Event& event, Actions& out);
  // After a step that has thrown for lack of memory: nothing had been changed for that event yet.
  bool is_whole() const { return whole_; }

  // When the next Tick is due; kNever if time alone changes nothing.
  TimeNs next_wake() const { return timers_.next(); }

  // For reports; nullptr if there is no such model.
  Model* model(ModelIndex index) { return index < models_.size() ? models_[index].get() : nullptr; }
  Pool* pool(PoolIndex index) { return index < pools_.size() ? pools_[index].get() : nullptr; }
  uint64_t live() const { return live_; }
  // What a tenant has used of a model; nullptr if nothing.
  const Counters* usage_of(ModelIndex model, TenantIndex tenant) const;
  // What is told. Good until a step that begins when all its actions have been taken out of `out`.
  const Notice& notice(const Tell& tell) const { return notices_[tell.notice]; }
  // Of a live request: its place in line and how long it will wait.
  WaitEstimate wait_estimate(TimeNs now, const Request& request);

 private:
  // What is said of one request in one step, at most.
  static constexpr size_t kSaidOfOne = 8;

  // Everything that one step works with.
  struct Step {
    TimeNs now;
    Actions& out;
  };

  void on(const Step& step, const Submit& event);
  void on(const Step& step, const Cancel& event);
  void on(const Step& step, const AttemptSent& event);
  void on(const Step& step, const AttemptProgress& event);
  void on(const Step& step, const AttemptFinished& event);
  void on(const Step& step, const UsageKnown& event);
  void on(const Step& step, const ModelAdded& event);
  void on(const Step& step, const DeploymentAdded& event);
  void on(const Step& step, const DeploymentChanged& event);
  void on(const Step& step, const DeploymentRemoved& event);
  void on(const Step& step, const KeyRenewed& event);
  void on(const Step& step, const FellBack& event);
  void on(const Step& step, const ModelReady& event);
  void on(const Step& step, const ModelRemoved& event);
  void on(const Step& step, const Persisted& event);
  void on(const Step& step, const LeaseGranted& event);
  void on(const Step& step, const Shutdown& event);
  void on(const Step& step, const Tick& event);
  void on(const Step& step, const LimitsObserved& event);
  void on(const Step& step, const PoolAdded& event);
  void on(const Step& step, const ModelChanged& event);
  void on(const Step& step, const PoolChanged& event);
  void on(const Step& step, const WindowEdges& event);
  void on(const Step& step, const ClockGap& event);
  void on(const Step& step, const TenantAdded& event);
  void on(const Step& step, const TenantWindows& event);
  void on(const Step& step, const Join& event);
  void on(const Step& step, const Watch& event);

  // engine.cc
  void make_room_to_say(Actions& out, size_t more) {
    make_room(out, more);
    if (watched_ != 0) make_room(notices_, more);
  }
  void prepare(const Step& step, Model& model, Account& account, const Request& request);
  void take_in(const Step& step, Model& model, Account& account, Request& request);
  bool refuse(const Step& step, Model& model, Account& account, Request& request, bool new_call);
  bool can_never_fit(const Step& step, Model& model, Account& account, const Request& request);
  void stand_in_line(const Step& step, Model& model, Account& account, Request& request);

  // engine_deployments.cc: models and deployments come, change and go
  void add_deployment(const Step& step, Model& model, DeploymentIndex index,
                      const DeploymentSpec& spec);
  void take_back_from(const Step& step, Deployment& deployment);
  void leave_pools(Deployment& deployment);
  void drop_what_left(const Step& step);

  // engine_limits.cc: what changes and teaches limits
  void change(const Step& step, Deployment& deployment, const DeploymentSpec& spec);
  Limit* limit_at(ModelIndex index, DeploymentIndex deployment, uint32_t limit);
  bool learn(const Step& step, Deployment& deployment, const Observed& observed,
             const Request* request);
  static Limit* limit_shown(Deployment& deployment, const Observation& shown);
  static Limit* limit_of(const Step& step, Deployment& deployment, const Observation& shown);
  void limits_changed(const Step& step, Model& model);
  void price_pool(const Step& step, Pool& pool);

  // engine_load.cc
  void weigh_load(const Step& step, Deployment& deployment, const Request& request,
                  const AttemptFinished& event);

  // engine_quota.cc
  void gather_account(Deployment& deployment);
  bool note_quota(const Step& step, Deployment& deployment, const Request& request,
                  const AttemptFinished& event);
  void fail_for_quota(const Step& step, Deployment& deployment);
  static DurationNs quota_wait(const Step& step, const Model& model);

  // engine_health.cc
  static bool is_outage(Status status);
  static bool is_answer(Status status);
  static DurationNs probe_lease(const Request& request);
  bool weigh_health(const Step& step, Deployment& deployment, const Request& request, Status status,
                    bool mended);
  static bool weigh_key(const Step& step, Deployment& deployment, const Request& request,
                        Status status, bool mended);
  static Status useless(const Step& step, const Deployment& deployment);
  static Status out_of_service(const Step& step, const Model& model);
  void end_if_out_of_service(const Step& step, Model& model);
  void fail_waiting(const Step& step, Model& model, Status status);
  static bool is_forgiven(const Step& step, const Deployment& deployment, Status status);

  // engine_route.cc: at which deployment a request starts
  // Where and when, and what it waits for until then (kNone: it may start now).
  struct Choice {
    TimeNs at = kNever;  // kNever: time alone does not tell
    Deployment* deployment = nullptr;
    Block why = Block::kNone;
    int limit = -1;
  };
  static Choice gate_of(const Step& step, Deployment& deployment);
  static Choice first_gate(const Step& step, Model& model);
  Choice choose(const Step& step, Model& model, const Request& request, const Demand& demand);
  Choice choose_of_two(const Step& step, Model& model, const Request& request,
                       const Demand& demand);
  static void weigh_deployments(Model& model);
  static void count_given(Deployment& deployment);
  Choice look_at(const Step& step, Deployment& deployment, const Request& request,
                 const Demand& demand);
  Deployment* other_place(const Step& step, Model& model, const Request& request,
                          const Demand& demand);
  static void note_first_output(const Step& step, Deployment& deployment, const Request& request);
  static bool is_closed(const Step& step, const Deployment& deployment);
  static bool is_oversize(const Model& model, const Demand& demand);

  // engine_admit.cc: who starts now, and why the next one does not
  void admit(const Step& step, Model& model);
  void admit_alone(const Step& step, Model& model);
  void admit_group(const Step& step, Model& model);
  void gather_group(Model& model);
  void admit_newcomer(const Step& step, Model& model, Request& request);
  bool start_first(const Step& step, Model& model);
  bool wait_for_memory(const Step& step, Model& model, Request& first);
  bool start_others(const Step& step, Model& model);
  TimeNs let_pass(const Step& step, Model& model);
  TimeNs let_pass_at(const Step& step, Deployment& deployment, TimeNs other);
  bool may_pass_at_all(const Step& step, Deployment& deployment, TimeNs opens);
  static TimeNs fits_before_head(const Step& step, Deployment& deployment, const Costs& head,
                                 const Costs& costs, TimeNs opens, TimeNs other, int& failed);
  static bool head_draws_on(const Model& model, const Deployment& deployment, size_t limit);
  bool may_pass(const Step& step, Deployment& deployment, const Request& request);
  bool delays_other_front(const Step& step, const Deployment& deployment, const Request& request);
  void block(Model& model, Block why, TimeNs until, int limit);
  void promise(Model& model, Request& request, const Choice& choice);
  static void forget_head(Model& model);
  void wake_at(Model& model, TimeNs at);
  void sent_makes_room(const Step& step, Model& model, const Request& request);
  void ask_for_leases(const Step& step, Model& model, const Request& request);

  // engine_start.cc: starts, and what they hold
  bool can_start(const Step& step, const Model& model);
  void start(const Step& step, Deployment& deployment, Request& request);
  void hold(const Step& step, Deployment& deployment, Request& request, const Demand& demand);
  void put_back(const Step& step, Model& model, Request& request);
  void launch(const Step& step, Model& model, Request& request);
  void arm_attempt(Request& request);
  void mark_sent(const Step& step, Model& model, Request& request);
  void learn_output(const Step& step, Model& model, const Request& request, int64_t tokens);
  bool note_output(const Step& step, Model& model, Request& request, int64_t tokens);
  bool settle(const Step& step, Model& model, Request& request, const Settlement& settlement);
  bool amend(const Step& step, Model& model, Grant& grant, const Usage& usage);
  uint64_t share_of(const Deployment& deployment, const Account& account,
                    const Demand& demand) const;
  OwnLimits& own_limits(const Step& step, Model& model, Account& account);
  void park(Model& model, Account& account, const Request& request, const Verdict& verdict);
  void unpark(Model& model, Account& account);

  // engine_notice.cc: what those who watch are told
  bool watches(uint32_t kinds) const { return (watched_ & kinds) != 0; }
  Notice& note(const Step& step, Notice::Kind kind, const Deployment* deployment);
  Notice& note(const Step& step, Notice::Kind kind, Request& request);
  void note_attempt_end(const Step& step, Request& request, Status status,
                        const Usage* usage = nullptr);
  void note_retry(const Step& step, Request& request, Status status, DurationNs delay);
  void note_outcome(const Step& step, Request& request);
  void note_breaker(const Step& step, const Deployment& deployment, CircuitBreaker::State before);
  void note_limits(const Step& step, Deployment& deployment);
  PoolIndex pool_of(const Deployment& deployment, const Limit* limit) const;

  // engine_estimate.cc: how long a request waits
  DurationNs least_wait(TimeNs now, Model& model, const Account& account, const Request& request);
  Waiting must_start_before(TimeNs now, Model& model, const Account& account,
                            const Request& request) const;
  static DurationNs least_wait_at(TimeNs now, Deployment& deployment, const Request& request,
                                  const Waiting& ahead);
  DurationNs expected_wait(TimeNs now, Model& model, const Request& request, WaitEstimate& out);
  static DurationNs wait_at(TimeNs now, Deployment& deployment, const Request& request,
                            WaitEstimate& out);
  void predict(const Step& step, Model& model, Request& request);

  // engine_fallback.cc
  Fallen fallen(const Model& model, const Request& request) const;
  Model* next_model(Fallen& state);
  bool falls_back_on(const Model& model, const Request& request, Status status) const;
  bool may_leave(const Request& request) const;
  bool fall_back(const Step& step, Model& model, Request& request, Status why);
  TimeNs patience_ends(const Request& request);
  bool may_leave_in_time(const Request& request);

  // engine_hedge.cc
  void plan_hedge(const Step& step, Model& model, const Request& request);
  static void learn_first_output(Model& model, const Request& request, DurationNs latency);
  static Request& asked_by(Request& run);
  Request* hedge_of(const Request& request);
  Request* run_of(Request& request, uint8_t attempt);
  void hedge(const Step& step, Model& model, Request& request);
  Deployment* hedge_place(const Step& step, Model& model, const Request& request,
                          const Demand& demand);
  bool make_hedge(const Step& step, const Model& model, const Request& request);
  void begin_hedge(const Step& step, Deployment& place, Request& request, const Demand& demand);
  void drop_hedge(Request& run);
  bool end_hedge(const Step& step, Model& model, const Request& request, Status reason);
  bool hedge_takes_over(const Step& step, Request& request);
  Request& hedge_wins(const Step& step, Model& model, Request& run);

  // engine_retry.cc
  static bool avoids(const Step& step, Deployment& deployment, const Request& request);
  static bool has_room_for_retry(const Step& step, const Model& model, Account& account);
  static bool may_return(const Step& step, Model& model, const Request& request);
  static TimeNs next_retry_room(const Step& step, Model& model, const Request& request);
  static bool can_return(Model& model, const Request& request);
  bool return_to_line(const Step& step, Model& model, Request& request);
  void hold_for_budget(Model& model, Request& request);
  void stand_again(Model& model, Request& request);
  static void leave_line_as_retry(Model& model, Account& account, const Request& request);
  static void begin_retry(const Step& step, Deployment& deployment, Request& request);
  static void end_retry(const Step& step, Model& model, const Request& request, bool wasted);
  void return_held_retries(const Step& step);
  bool return_some(const Step& step, Model& model);

  // engine_end.cc: ends of attempts and requests
  void on_timer(const Step& step, Request& request);
  void came_back(const Step& step, Model& model, Account& account, Request& request);
  void abort_attempt(const Step& step, Model& model, Request& request, Status reason);
  void give_up(const Step& step, Model& model, Request& request, Status reason);
  void attempt_failed(const Step& step, Model& model, Request& request, Status status,
                      DurationNs retry_after, bool mended = false);
  static bool grant_another_attempt(Request& request);
  void arm_deadline(Request& request);
  void finish(const Step& step, Model& model, Request& request, State state, Status status,
              DurationNs estimate = {});
  void hand_back(const Step& step, Model& model, Request& request, DurationNs estimate = {});
  void count_usage(Model& model, TenantIndex tenant, const Usage& usage, const Prices& prices);
  void take_out(Model& model, Request& request);

  // engine_flights.cc: requests that share a call
  void take_off(const Step& step, Model& model, Request& flight);
  void follow(const Step& step, Model& model, Request& request, Request& flight);
  void wait_for(Request& flight, TimeNs deadline);
  void hurry(const Step& step, Model& model, Request& flight, const Request& follower);
  void leave(const Step& step, Model& model, Request& follower, State state, Status status);
  void take_off_list(Model& model, Request& follower);
  uint64_t take_along(Model& from, Model& to, const Request& flight, State before);
  bool may_begin_anew(const Step& step, Model& model, Request& request, Status status);
  bool somebody_waits_until(const Step& step, Model& model, Request& flight, TimeNs start);
  void land(const Step& step, Model& model, Request& flight, DurationNs estimate);
  void set_state(Model& model, Request& request, State state);

  void stop(const Step& step, Model& model, StopMode mode);
  void stop_all(const Step& step, StopMode mode);
  void close_if_done(const Step& step);
  void drop_removed_models(const Step& step);

  Model& model_of(const Request& request) { return *models_[request.model]; }

  std::vector<std::unique_ptr<Model>> models_;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::vector<ModelIndex> removing_;  // models that go when their last request has
  Tenants tenants_;
  GrantPool grants_;
  std::unordered_map<const Request*, Flight> flights_;
  std::unordered_map<const Request*, Fallen> fallen_;
  std::unordered_map<const Request*, std::unique_ptr<Hedge>> hedges_;  // by whose they are
  std::vector<Model*> holding_;       // retries, until a budget has room; with room for all
  std::vector<Deployment*> leaving_;  // that go when nothing runs there any more
  std::vector<Model*> group_;         // of a pass over a pool; with room for all
  std::vector<Deployment*> account_;  // of a pass over a quota; with room for all
  size_t deployments_added_ = 0;
  std::vector<Request*> candidates_;  // to pass a blocked front
  TimerWheel timers_;
  Timer shutdown_timer_{TimerOwner::kShutdown};
  Random random_;
  std::vector<Notice> notices_;
  uint32_t watched_ = 0;  // kinds of Notice
  bool whole_ = true;
  uint64_t next_seq_ = 1;
  uint64_t live_ = 0;
  bool closing_ = false;
  bool closed_ = false;
  StopMode close_mode_ = StopMode::kDrain;
  TimeNs close_deadline_ = kNever;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_ENGINE_H_
