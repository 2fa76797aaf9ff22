// What the C API offers, for any thread: checks, hands over to the loop, reads what the loop
// published.
#ifndef LLMQ_RUNTIME_MANAGER_H_
#define LLMQ_RUNTIME_MANAGER_H_

#include <llmq/llmq.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/config.h"
#include "core/event.h"
#include "core/result.h"
#include "runtime/callback.h"
#include "runtime/loop.h"
#include "runtime/request_check.h"
#include "runtime/response.h"

namespace llmq::runtime {

class Manager {
 public:
  static core::Result<std::unique_ptr<Manager>> create(const config::Config& config,
                                                       const Callbacks& callbacks);
  // Without destroy(): aborts in the background. After abandon(): touches nothing.
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  core::Result<core::Done> register_models(const config::Config& config, const Callbacks& callbacks,
                                           bool skip_existing);
  core::Status remove_model(std::string_view model, core::StopMode mode);
  // manager_deployments.cc: `config` says what the deployment is.
  core::Result<core::Done> add_deployment(std::string_view model, std::string_view name,
                                          const config::Config& config, const Callbacks& callbacks);
  core::Result<core::Done> remove_deployment(std::string_view model, std::string_view name,
                                             core::StopMode mode);
  // Changes one setting while everything runs (manager_set.cc).
  core::Result<core::Done> set(std::string_view key, std::string_view value);
  std::string models_json();
  core::Result<std::string> info_json(const std::string_view* model);

  core::Status shutdown(core::StopMode mode, core::TimeNs deadline, CompletionQueue* cq,
                        uint64_t user_data);
  // kWrongThread on a loop thread, else everything has ended and the thread is gone.
  core::Status destroy();
  // Of loop=external; kUnsupported with a thread of its own.
  core::Status descriptor(int32_t* fd) const;
  core::Status process();
  core::Status process_timeout(core::DurationNs* timeout);
  // In a forked child: the loop thread does not exist here, so nothing of it may be touched.
  void abandon();
  bool shut_down() const { return loop_->closing.load(std::memory_order_acquire); }

  // manager_submit.cc
  core::Status submit(const llmq_request_t& request, llmq_request_id_t* id);
  // As submit would answer, in words if not OK.
  core::Error check(const llmq_request_t& request) const;
  // What submit would reserve for the request.
  core::Error estimate(const llmq_request_t& request, core::Usage* usage) const;
  core::Status submit_wait(const llmq_request_t& request, int64_t timeout_ns,
                           std::unique_ptr<Response>* response);
  core::Status cancel(uint64_t id);

  core::Status request_state(uint64_t id, int32_t* state);
  core::Status take_response(uint64_t id, std::unique_ptr<Response>* response);
  core::Status peek_response(uint64_t id, std::unique_ptr<Response>* response);
  core::Status update_usage(uint64_t id, const core::Usage& usage);
  core::Status wait_estimate(uint64_t id, WaitEstimate* estimate);

  // manager_attempts.cc
  core::Status set_processor(std::string_view model, std::shared_ptr<Processor> processor);
  core::Status report(uint64_t attempt, Outcome&& outcome);
  // A piece of the response. kAgain: the caller has not taken enough of the others yet.
  core::Status chunk(uint64_t attempt, std::string_view data);
  core::Status report_limits(std::string_view model, const core::Observed& observed);
  core::Status report_limits(uint64_t attempt, const core::Observed& observed);
  // manager_permits.cc
  core::Status acquire(const llmq_request_t& request, llmq_request_id_t* id);
  // kAgain: not now; `wait` is how long it would take.
  core::Status try_acquire(const llmq_request_t& request, llmq_attempt_id_t* attempt,
                           core::DurationNs* wait);

  core::Status heartbeat(uint64_t attempt);
  core::Status attempt_deadline(uint64_t attempt, core::TimeNs* deadline);
  // What is known of the request of an attempt that has not ended, or that its processor still has
  // to report.
  core::Status look_into(uint64_t attempt, const std::function<void(const Job&)>& look) const;
  std::string_view model_name(const Job& job) const;

  core::Status set_hook(Hook hook);
  // nullptr: keys are asked of nobody, until there is one again.
  core::Status set_key_queue(std::shared_ptr<KeyQueue> queue);
  core::Status answer_key(uint64_t question, std::string_view key, std::string_view error);

  core::Status stats(const std::string_view* model, llmq_stats_t* stats);
  std::string stats_json();

 private:
  struct FoundAttempt {
    Job* job = nullptr;
    bool held = false;  // by its processor
  };
  FoundAttempt find_attempt(uint64_t attempt) const;

  // What is known of a request once it is found acceptable.
  struct Checked {
    ModelEntry* entry = nullptr;
    TokenEstimate tokens;
    Wire wire;
    uint32_t timeout_ms = 0;
    uint8_t max_attempts = 1;
    bool streams = false;
    bool permit = false;  // told before it is inspected
  };

  bool external() const { return loop_->config.external_loop; }
  explicit Manager(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}
  // `why` may be nullptr: then no text is made.
  static std::string_view payload_of(const llmq_request_t& request, const Checked& checked);
  core::Status inspect(const llmq_request_t& request, Checked* checked, core::Error* why) const;
  // Inside the gate: the record of a request that has been inspected, unless bounds are reached.
  core::Status open_job(const llmq_request_t& request, const Checked& checked, Job** job) const;
  Job* make_job(const llmq_request_t& request, const Checked& checked) const;
  core::Status closed_status() const;
  // manager_models.cc
  core::Result<std::unique_ptr<DeploymentEntry>> make_deployment(
      const config::DeploymentConfig& config, const Callbacks& callbacks) const;
  core::Result<core::Done> check_pools(const std::vector<config::PoolConfig>& pools) const;
  // What is made ready where memory may run out, and then comes to be at once.
  struct Ready {
    std::vector<std::unique_ptr<PoolEntry>> pools;
    std::vector<std::unique_ptr<Command>> commands;  // that tell the loop, in their order
  };
  PoolEntry* make_pool(const config::PoolConfig& config, config::Config source, Ready& ready);
  void join_pools(const config::Config& config, const std::vector<config::PoolConfig>& pools,
                  const ModelEntry& model, DeploymentEntry& deployment, Ready& ready);
  void bring_about(Ready ready) noexcept;
  core::Result<core::Done> find_fallback(
      ModelSettings& settings, const std::vector<std::unique_ptr<ModelEntry>>& fresh) const;
  core::Result<core::Done> complete_model(const config::Config& config,
                                          const std::vector<config::PoolConfig>& pools,
                                          ModelEntry& entry, Ready& ready);
  // manager_set.cc
  core::Result<core::Done> set_model(const config::KeyParts& setting, std::string_view value,
                                     std::string_view key);
  core::Result<core::Done> set_pool(const config::KeyParts& setting, std::string_view value,
                                    std::string_view key);
  core::Result<core::Done> check_change(const ModelEntry& entry, const ModelSettings& settings,
                                        std::string_view key) const;
  void apply_change(ModelEntry& entry, const ModelSettings& settings, config::Config source);
  void change_pool(PoolEntry& pool, const std::vector<core::LimitSpec>& limits,
                   config::Config source);
  // `flags` may be nullptr.
  bool is_live(uint64_t id, core::State* state, uint8_t* flags = nullptr) const;
  // Runs fn on the loop thread and waits for it; inline if this is the loop thread. kClosed, or
  // kWrongThread on the loop thread of another manager: two that wait for each other would stay.
  core::Status on_loop(const std::function<void()>& fn);
  void fill_stats(const core::Counters& counters, llmq_stats_t* stats) const;

  std::shared_ptr<Loop> loop_;
  bool abandoned_ = false;
  std::mutex thread_mutex_;
  std::unique_ptr<std::thread> thread_;  // guarded by thread_mutex_ once the manager is made
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_MANAGER_H_
