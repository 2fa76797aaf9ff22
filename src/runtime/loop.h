// The loop thread of a manager: owns the engine, tells it what happens, does what it decides.
//
// One turn: take the inbox, step the engine for each event, perform the actions it appended, until
// nothing is left; then hand over the ended requests, publish the counters, and set the one timer
// to the engine's next wake-up. Between turns the thread sleeps in libuv's poll; the first event of
// a burst wakes it.
#ifndef LLMQ_RUNTIME_LOOP_H_
#define LLMQ_RUNTIME_LOOP_H_

#include <uv.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/model_config.h"
#include "core/action.h"
#include "core/engine.h"
#include "core/room.h"
#include "provider/stream_reader.h"
#include "runtime/attempt_log.h"
#include "runtime/calendar_windows.h"
#include "runtime/callback.h"
#include "runtime/chunk.h"
#include "runtime/completion_queue.h"
#include "runtime/flights.h"
#include "runtime/gap_watch.h"
#include "runtime/gate.h"
#include "runtime/history.h"
#include "runtime/inbox.h"
#include "runtime/job.h"
#include "runtime/key_queue.h"
#include "runtime/leases.h"
#include "runtime/log.h"
#include "runtime/registry.h"
#include "runtime/response_cache.h"
#include "runtime/stats_board.h"
#include "runtime/tenant_names.h"

namespace llmq::http {
class Client;
struct Call;
struct CallResult;
}  // namespace llmq::http

namespace llmq::runtime {

using core::if_memory_lasts;  // what may be left out: words, and what is learnt

// Something to be done on the loop thread.
struct Command {
  Node node;  // first member
  std::function<void()> run;
  bool always = false;  // also when the manager breaks off
};

// When a waiting request may start.
struct WaitEstimate {
  uint64_t position = 0;  // place in line, from 1; 0 = it runs
  core::DurationNs p50{};
  core::DurationNs p90{};
  std::string blocked_by;  // "tokens/1m of pool account"; "" if no limit decides
};

// What came of an attempt that the loop runs itself.
Outcome outcome_of(const provider::Outcome& from, int http_status, std::string_view body);

// Is a failed attempt tried again?
enum class Again : uint8_t {
  kAsTheStatusSays,
  kNever,   // the next one would fail in the same way
  kAtOnce,  // the cause is gone
};

class Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(const config::ManagerConfig& config, Callbacks callbacks, std::shared_ptr<Logger> log);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Makes the loop; then run() on its thread until the shutdown is complete.
  core::Result<core::Done> open();
  void run();
  // Instead of run(): closes what open() made.
  void discard();

  // external_loop.cc: instead of run(), turns on a thread of the host's. It is the host thread from
  // then on.
  void adopt();
  core::Status process();
  core::DurationNs process_timeout();  // negative: until the descriptor is readable
  int descriptor() const { return uv_backend_fd(&loop_); }
  // Turns until the shutdown is complete; after the turn that this thread is in, if it is in one.
  void process_all();
  bool on_host_thread() const {
    return std::this_thread::get_id() == host_thread_.load(std::memory_order_relaxed);
  }

  static constexpr size_t kNoKey = 0;  // in place of the fingerprint of one

  // ---- For any thread that is inside the gate ----
  void push(Node* node) {
    if (inbox.push(node)) uv_async_send(&async_);
  }
  // Made where memory may run out; to post it then needs none.
  static std::unique_ptr<Command> command(std::function<void()> run);
  void post(std::unique_ptr<Command> command) { push(&command.release()->node); }
  void post(std::function<void()> run) { post(command(std::move(run))); }
  // Everything is to end. Needs no memory: a manager can always be left.
  void leave();
  bool on_loop_thread() const {
    return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed);
  }
  // Of this manager or of another.
  static bool on_any_loop_thread();
  static void mark_thread(bool is_loops);

  // ---- On the loop thread ----
  // From outside a perform(): a processor or user of the C API that finishes inline.
  void report_locally(Job& job) {
    try {
      local_reports_.push_back(&job);
    } catch (const std::bad_alloc&) {
      push(&job.node);
    }
  }
  void cancel(uint64_t id);
  // Memory has run out in the middle of a change of the tables here: the engine is not asked any
  // more, and every request ends (loop_nomem.cc).
  bool broken() const { return broken_; }
  // Between two events: does what has been decided, and publishes the counters, for one who waits.
  void catch_up();
  void add_model(ModelEntry* entry, const ModelSettings& settings);
  // loop_change.cc: what llmq_manager_set changes. Texts and limits are copied.
  void add_pool(const PoolEntry* pool);
  // `settings` are what its own are now.
  void change_model(const ModelEntry* entry, const ModelSettings& settings);
  void change_pool(const PoolEntry* pool, const std::vector<core::LimitSpec>& limits);
  void add_deployment(ModelEntry& entry, DeploymentEntry& deployment,
                      const ModelSettings& settings);
  // While the model is in use.
  void join_deployment(ModelEntry& entry, DeploymentEntry& deployment,
                       const ModelSettings& settings);
  void remove_deployment(const ModelEntry& entry, const DeploymentEntry& deployment,
                         core::StopMode mode);
  void set_processor(ModelEntry* entry, std::shared_ptr<Processor> processor);
  void set_hook(Hook hook);
  // loop_keys.cc: whom keys are asked of, and what it has said.
  void set_key_queue(std::shared_ptr<KeyQueue> queue);
  void take_key(uint64_t question, KeyAnswer& answer);
  void remove_model(ModelEntry* entry, core::StopMode mode);
  void shut_down(core::StopMode mode, core::TimeNs deadline, ClosedNotice* notice);
  core::Status update_usage(uint64_t id, const core::Usage& usage);
  void observe(core::ModelIndex model, core::DeploymentIndex deployment,
               const core::Observed& observed);
  std::string info_json(const std::vector<ModelEntry*>& models, bool single);
  // loop_stream.cc: the caller has room for more of a response.
  void resume_stream(uint64_t id);
  // loop_estimate.cc
  core::Status wait_estimate(uint64_t id, WaitEstimate* estimate);
  // loop_leases.cc: the runner of an attempt is there; or it has vanished.
  void heartbeat(uint64_t attempt);
  void lose(uint64_t attempt);
  core::Status attempt_deadline(uint64_t attempt, core::TimeNs* deadline);
  // loop_permits.cc: of a new request for one. kAgain: not now; `wait` is how long it would take.
  core::Status try_permit(Job& job, uint64_t* attempt, core::DurationNs* wait);

  // ---- Shared with the manager ----
  const config::ManagerConfig config;
  const Callbacks callbacks;
  const std::shared_ptr<Logger> log;
  struct LeaveHome {
    void operator()(Home* its_home) const { Home::orphan(its_home); }
  };
  const std::unique_ptr<Home, LeaveHome> own_home;
  Home* const home;  // that one: outlives the loop until the last job has been released
  Gate gate;
  Inbox inbox;
  Registry registry;
  History history;
  StatsBoard stats;
  std::atomic<bool> closing{false};
  std::atomic<uint64_t> max_pending;  // of `config`, unless changed since
  std::atomic<uint64_t> max_pending_bytes;

 private:
  // Ended requests on their way to one completion queue.
  struct Chain {
    CompletionQueue* queue = nullptr;
    Node* first = nullptr;
    Node* last = nullptr;
    size_t count = 0;
  };
  // An answer of the in-process mock provider that is due later, or the next piece of one.
  struct MockAnswer {
    core::TimeNs due;
    uint64_t request_id = 0;
    Job* job = nullptr;
    uint8_t attempt = 0;
    std::unique_ptr<Outcome> outcome;
    // Of a stream, in place of the outcome:
    std::vector<std::string> pieces;
    size_t next = 0;
    core::DurationNs gap{};
    provider::WireResponse head;

    static bool is_later(const MockAnswer& a, const MockAnswer& b) { return a.due > b.due; }
  };

  // external_loop.cc
  bool take_turns();

  // loop.cc
  core::Status amend_charge(uint64_t id, uint64_t charged, core::ModelIndex model,
                            core::DeploymentIndex deployment, core::Usage usage);
  void turn();
  bool take_inbox();
  void take(Node* node);
  void admit(Job& job);
  void take_submit(Job& job);
  void take_report(Job& job);
  void step(const core::Event& event);
  void publish_retry(Job& job);
  static void price(const DeploymentEntry& entry, core::Usage& usage);
  void touch(core::ModelIndex model);
  void after_turn();
  void arm_timer();
  bool nothing_to_do() const;
  bool may_end();
  void end();

  // loop_nomem.cc
  template <typename Fn>
  void or_break(Fn&& fn);
  void fail_for_memory(Job& job, uint8_t attempt);
  void refuse_for_memory(Job& job);
  void take_broken(Node* node);
  void take_broken_report(Job& job);
  void break_off();
  void stop_broken(Job& job);
  void end_broken(Job& job, core::Status status);

  // loop_stream.cc
  void take_chunk(std::unique_ptr<Chunk> chunk);
  void deliver_chunk(Job& job, std::unique_ptr<Chunk> chunk);
  void note_output(Job& job, uint8_t attempt, int64_t tokens);
  void tell_output(Job& job);
  Job* take_stream(Job& job, uint8_t attempt, std::string_view bytes);
  Job* pass_on(Job& job, uint8_t attempt, bool all);
  provider::Outcome end_stream(Job*& job, uint8_t attempt, const provider::WireResponse& head,
                               std::string& body);
  void give_up_http(Job& job, uint8_t attempt);
  void resume_http(uint64_t id);

  // loop_flights.cc: requests with a dedup_key
  void submit_shared(Job& job);
  Flight* begin_flight(Job& job);
  void join(Job& job, Flight& flight);
  using Pieces = std::vector<std::unique_ptr<Chunk>>;
  static Pieces copies_of(const std::vector<Piece>& pieces, const Job& follower, uint64_t call,
                          uint8_t attempt);
  void hand_piece(Job& follower, std::unique_ptr<Chunk> piece);
  void note_piece(Job& follower, uint8_t attempt);
  void fan_out(Flight& flight, std::unique_ptr<Chunk> chunk);
  static void publish_followers(const Flight& flight);
  void step_out(Job& follower);
  void share_outcome(Job& follower, Flight& flight, const Outcome& brought);
  void land(Job& call);
  void drop_flight(Flight& flight);
  void keep_answer(Flight& flight);
  void answer_from_cache(Job& job, const CachedAnswer& answer);
  static core::DurationNs first_output_of(const Job& job);

  // loop_tenants.cc
  core::TenantIndex tenant_of(const Job& job);
  void tell_tenant(core::TenantIndex tenant);
  void touch_tenant(const Job& job);
  void publish_tenants();

  // loop_actions.cc
  void perform_all();
  void perform_later(const core::StartAttempt& action);
  void perform(const core::StartAttempt& action);
  void run(Job& job, uint8_t attempt);
  void perform(const core::AbortAttempt& action);
  void perform(const core::FinishRequest& action);
  void perform(const core::Persist& action);
  void perform(const core::Lease& action);
  void perform(const core::UsageNoted&) {}
  void perform(const core::ModelGone& action);
  void perform(const core::DeploymentGone& action);
  void perform(const core::FallBack& action);
  void perform(const core::TakeOver& action);
  void perform(const core::Closed&) { engine_closed_ = true; }
  void perform(const core::Tell& action);
  void deliver(Job& job, core::DurationNs estimate = {});
  void hand_over(Job& job, core::DurationNs estimate);
  bool keep(Job& job, const Summary& summary);
  void deliver_parked();
  std::string log_name(const Job& job);
  void enqueue(Node& node, CompletionQueue* queue);
  void commit_history();
  void settle_pending();
  void publish();
  void flush_chains();
  void call_back();

  // loop_hooks.cc
  void note_attempt(const core::Notice& notice);
  void keep_attempts(Job& job);
  void drop_hook();
  void tell_hook(const core::Notice& notice);
  void tell_of_stranger(Job& job);
  void tell_of_end(Job& job);

  // loop_ends.cc
  void explain_end(Job& job, core::DurationNs estimate);
  std::string oversize_text(const Job& job);
  std::string tenant_caps_text(const Job& job);

  // loop_keys.cc
  struct RefusedKey {
    core::ModelIndex model;
    DeploymentEntry* entry;
    bool asked = false;  // whether there is another one by now
    bool operator==(const RefusedKey& other) const { return entry == other.entry; }
  };
  bool has_new_key(Job& job, size_t refused);
  uint64_t ask_for_key(KeyQuestion question);
  void ask_again(Job& job, uint8_t attempt, RefusedAttempt&& refused);
  void tell_question(uint64_t id, KeyQuestion& question);
  void go_on_with_key(KeyQuestion& question, KeyAnswer& answer);
  void end_refused(Job& job, KeyQuestion& question, size_t fingerprint);
  void hear_of_key(const KeyQuestion& question, size_t fingerprint);
  void note_refused_key(const Job& job, DeploymentEntry& entry, size_t fingerprint);
  void look_for_new_keys();

  // loop_fallback.cc
  core::Status prepare_fallback(Job& job, const ModelSettings& settings);

  // loop_hedge.cc: second calls of requests that are slow
  void start_hedge(Job& job, const core::StartAttempt& action);
  Job* make_hedge(Job& job, const core::StartAttempt& action);
  void fill_hedge(Job* twin, Job& job, const core::StartAttempt& action);
  static Job& asked_by(Job& job);
  Job* hedge_of(const Job& job);
  Job* decide(Job& job, uint8_t attempt);
  bool abort_hedge(Job& job, uint8_t attempt);
  void drop_hedge(const Job& job);

  // loop_learning.cc
  void learn_tokens(const Job& job, const Outcome& outcome);

  // loop_quota.cc
  void hear_of_quota(const Job& job, const Outcome& outcome);
  void explain_quota(const Job& job, Outcome& outcome);

  // loop_windows.cc
  void notice_gap();
  std::string zone_of(core::ModelIndex model, const core::Limit* limit);
  void reconcile_windows();
  void follow_windows();

  // loop_attempts.cc: who runs an attempt
  void run_processor(Job& job, const Processor& processor, uint8_t attempt);
  void run_http(Job& job, DeploymentEntry& entry, uint8_t attempt);
  // Wipes the key.
  void send_http(const std::shared_ptr<Job*>& runner, uint8_t attempt, std::string& key);
  void fail_http(Job& job, uint8_t attempt, core::Error why);
  core::Result<std::string_view> body_for(Job& job, const DeploymentEntry& entry);
  void stop_runner(Job& job, uint8_t attempt);
  const core::Observed* observed_in(const Outcome& outcome, const core::Observed* observed);
  void report(Job& job, uint8_t attempt, Outcome&& outcome,
              const core::Observed* observed = nullptr, Again again = Again::kAsTheStatusSays);
  void end_attempt(Job& job, uint8_t attempt, Outcome&& outcome, const core::Observed* observed,
                   Again again);
  bool http_client_ready(Job& job, uint8_t attempt);
  void stream_http(const std::shared_ptr<Job*>& runner, const provider::Profile& profile,
                   uint8_t attempt, http::Call& call);
  // `key` is a fingerprint of the one that was sent.
  void end_http(Job& runner, uint8_t attempt, const provider::Profile& profile, size_t key,
                http::CallResult&& result);

  // loop_leases.cc
  void run_worker(Job& job, const Processor& processor, uint8_t attempt);
  void end_lease(const Lease& lease);
  void lose_lapsed();

  // loop_permits.cc
  void expect_permits(const Job& job);
  void give_permit(Job& job, uint8_t attempt);
  void end_permit(Job& job);
  void refuse_without_processor(Job& job, uint8_t attempt);

  // loop_mock.cc
  void run_mock(Job& job, DeploymentEntry& entry, uint8_t attempt);
  void stop_mock(const Job& job);
  void hand_over_mock(const Job& from, Job& to);
  void resume_mock(uint64_t id);
  void deliver_mock_answers();
  void deliver_mock_piece(MockAnswer&& answer);
  void keep_mock_answer(MockAnswer&& answer);
  Job* live_job(uint64_t id);
  ModelEntry& entry_of(const Job& job) { return *entries_[job.request.model]; }
  // That runs its last attempt, or ran it.
  DeploymentEntry& deployment_of(const Job& job) {
    return *entries_[job.request.model]->called[job.node.deployment];
  }

  uv_loop_t loop_{};
  uv_async_t async_{};
  uv_timer_t timer_{};
  uv_prepare_t prepare_{};
  std::atomic<std::thread::id> thread_id_{};
  std::atomic<std::thread::id> host_thread_{};
  std::mutex turn_mutex_;  // of turns that hosts' threads take
  bool left_to_itself_ = false;
  Node leave_;
  std::atomic<bool> left_{false};
  bool finished_ = false;

  core::Engine engine_;
  core::Actions actions_;
  core::Now now_{};
  core::Observed told_;  // what the event of this step points to
  TenantNames tenants_;
  std::vector<std::pair<core::ModelIndex, core::TenantIndex>> touched_tenants_;
  std::vector<ModelEntry*> entries_;  // by model index
  std::vector<uint8_t> touched_flags_;
  std::vector<core::ModelIndex> touched_;  // models whose counters changed in this turn
  std::vector<Job*> local_reports_;
  std::vector<Summary> ended_;  // not in the history yet
  std::vector<Chain> chains_;
  // Of ended requests whose callbacks are to be called.
  struct {
    Node* first = nullptr;
    Node* last = nullptr;
  } to_call_;
  bool calling_back_ = false;
  Leases leases_;
  std::vector<MockAnswer> mock_answers_;  // heap, earliest first
  std::vector<MockAnswer> mock_paused_;   // streams whose readers are behind
  std::unique_ptr<http::Client> http_;
  struct HttpCall {
    uint64_t number = 0;           // the client's; 0 = none
    uint64_t question = 0;         // or its key is asked for, by that number
    std::shared_ptr<Job*> runner;  // whose it is, as its callbacks see it
  };
  std::unordered_map<const Job*, HttpCall> http_calls_;  // running ones
  std::vector<provider::StreamEvent> stream_events_;     // of one step; kept for its memory
  std::vector<RefusedKey> refused_keys_;  // until another one is found, or a call goes well
  core::TimeNs next_key_look_{};
  std::shared_ptr<KeyQueue> key_queue_;        // nullptr: what is asked waits for one
  std::map<uint64_t, KeyQuestion> questions_;  // by number, oldest first
  uint64_t next_question_ = 1;
  ClosedNotice* notices_ = nullptr;
  Hook hook_;
  // Of requests and calls that are not over, and of which an attempt has failed.
  std::unordered_map<const Job*, std::shared_ptr<AttemptLog>> attempt_logs_;
  std::unordered_map<const Job*, Job*> hedges_;  // second calls, by the job that they are for
  Flights flights_;
  ResponseCache cache_;
  bool cache_changed_ = false;  // its counts, in this turn
  uint64_t ended_count_ = 0;    // pending and its bytes, to be taken off in one go
  uint64_t ended_bytes_ = 0;
  core::TimeNs armed_for_ = core::kNever;
  GapWatch gap_watch_;
  CalendarWindows windows_;
  Node* parked_ = nullptr;  // ended requests that there was no memory to keep: tried again
  core::TimeNs next_parked_ = core::kNever;
  bool broken_ = false;
  bool breaking_off_ = false;
  bool engine_closed_ = false;
  bool ending_ = false;
};

// What the tables here depend on.
template <typename Fn>
void Loop::or_break(Fn&& fn) {
  try {
    fn();
  } catch (const std::bad_alloc&) {
    broken_ = true;
  }
}

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LOOP_H_
