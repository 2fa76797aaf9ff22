// The thread, its libuv handles, and the turn. What actions do: loop_actions.cc, loop_attempts.cc.
#include "runtime/loop.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "http/client.h"
#include "runtime/clock.h"
#include "runtime/deployments.h"
#include "runtime/ids.h"
#include "runtime/lent_event.h"

namespace llmq::runtime {
namespace {

constexpr int kTurnsBeforePoll = 4;  // a busy inbox must not starve sockets
constexpr int kRoundsPerTurn = 16;
constexpr size_t kNodesPerStep = 1024;  // actions are performed at least that often
constexpr int64_t kNsPerMs = 1'000'000;

thread_local bool is_loop_thread = false;

uint64_t seed_of(const config::ManagerConfig& config) {
  return config.seed != 0 ? config.seed : static_cast<uint64_t>(mono_now().ns);
}

}  // namespace

Loop::Loop(const config::ManagerConfig& own_config, Callbacks own_callbacks,
           std::shared_ptr<Logger> own_log)
    : config(own_config),
      callbacks(std::move(own_callbacks)),
      log(std::move(own_log)),
      own_home(new Home(callbacks.memory)),
      home(own_home.get()),
      history(static_cast<size_t>(own_config.history_max), static_cast<size_t>(own_config.keep_max),
              own_config.keep_age, callbacks.memory),
      max_pending(static_cast<uint64_t>(own_config.max_pending)),
      max_pending_bytes(static_cast<uint64_t>(own_config.max_pending_bytes)),
      engine_(seed_of(own_config)),
      cache_(static_cast<size_t>(own_config.cache_max_bytes)),
      windows_(engine_, [this](core::ModelIndex model, const core::Limit* limit) {
        return zone_of(model, limit);
      }) {}

Loop::~Loop() = default;

core::Result<core::Done> Loop::open() {
  const auto failed = [](int code) {
    return core::Error{code == UV_ENOMEM ? core::Status::kNoMem : core::Status::kInternal,
                       std::string("libuv cannot make a loop: ") + uv_strerror(code), ""};
  };
  if (const int code = uv_loop_init(&loop_); code != 0) return failed(code);
  loop_.data = this;
  async_.data = timer_.data = prepare_.data = this;
  if (const int code = uv_async_init(&loop_, &async_, [](uv_async_t*) {}); code != 0) {
    uv_loop_close(&loop_);
    return failed(code);
  }
  uv_timer_init(&loop_, &timer_);
  uv_prepare_init(&loop_, &prepare_);
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) {
    auto* loop = static_cast<Loop*>(handle->data);
    loop->stats.count_wakeup();
    loop->or_break([loop] { loop->notice_gap(); });
    for (int turns = 0; turns < kTurnsBeforePoll; ++turns) {
      loop->turn();
      if (loop->may_end()) {
        loop->end();
        return;
      }
      if (loop->nothing_to_do() && loop->inbox.try_sleep()) {
        loop->gap_watch_.before_poll(mono_now(), loop->armed_for_);
        return;
      }
    }
    uv_async_send(&loop->async_);  // poll the sockets, then come back at once
  });
  return core::Done{};
}

void Loop::run() {
  is_loop_thread = true;
  or_break([this] { set_hook(Hook{}); });  // attempts that fail are told of in any case
  thread_id_.store(std::this_thread::get_id());
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
  thread_id_.store(std::thread::id());  // the system may give it to another thread
}

bool Loop::on_any_loop_thread() { return is_loop_thread; }

void Loop::mark_thread(bool is_loops) { is_loop_thread = is_loops; }

void Loop::discard() {
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  uv_loop_close(&loop_);
}

std::unique_ptr<Command> Loop::command(std::function<void()> run) {
  auto made = std::make_unique<Command>();
  made->node.kind = Node::Kind::kCommand;
  made->run = std::move(run);
  return made;
}

void Loop::leave() {
  if (left_.exchange(true)) return;
  leave_.kind = Node::Kind::kLeave;
  push(&leave_);
}

void Loop::catch_up() {
  perform_all();
  after_turn();
}

void Loop::turn() {
  inbox.awake();
  bool more = true;
  for (int rounds = 0; more && rounds < kRoundsPerTurn; ++rounds) {
    now_ = now();
    or_break([this] { follow_windows(); });
    more = take_inbox();
    or_break([this] {
      deliver_mock_answers();
      lose_lapsed();
      if (engine_.next_wake() <= now_.mono) step(core::Tick{});
      perform_all();
    });
    if (parked_ != nullptr) deliver_parked();
    after_turn();
    more = more || !local_reports_.empty();
    if (broken_) break_off();
  }
  arm_timer();
}

// Steps the engine for what has come in. True if there may be more.
bool Loop::take_inbox() {
  std::vector<Job*> reports;
  reports.swap(local_reports_);
  for (Job* job : reports) or_break([&] { take_report(*job); });
  size_t taken = 0;
  Node* node = inbox.take_all();
  const bool any = node != nullptr;
  while (node != nullptr) {
    Node* next = node->next;
    or_break([&] { take(node); });
    if (++taken % kNodesPerStep == 0) {
      or_break([this] { perform_all(); });
      if (to_call_.first != nullptr) {  // while their records are at hand
        publish();
        call_back();
      }
    }
    node = next;
  }
  return any;
}

void Loop::take(Node* node) {
  if (broken_) return take_broken(node);
  switch (node->kind) {
    case Node::Kind::kSubmit:
      return take_submit(*Job::of(node));
    case Node::Kind::kReport:
      return take_report(*Job::of(node));
    case Node::Kind::kChunk:
      return take_chunk(std::unique_ptr<Chunk>(Chunk::of(node)));
    case Node::Kind::kLeave:
      return shut_down(core::StopMode::kAbort, core::kNever, nullptr);
    case Node::Kind::kRoom:
      return resume_stream(StreamBuffer::whose_room(node));
    case Node::Kind::kLent: {
      const std::unique_ptr<LentEvent> lent(LentEvent::of(node));
      return lose(lent->event.attempt_id);
    }
    case Node::Kind::kKey: {
      const std::unique_ptr<KeyEvent> asked(KeyEvent::of(node));
      KeyAnswer none;
      if_memory_lasts([&] { none.error = "the queue of keys is not drained any more"; });
      return take_key(asked->event.attempt_id, none);
    }
    default: {
      const std::unique_ptr<Command> command(reinterpret_cast<Command*>(node));
      command->run();
      break;
    }
  }
}

void Loop::take_submit(Job& job) {
  try {
    admit(job);
  } catch (const std::bad_alloc&) {
    if (broken_) throw;
    refuse_for_memory(job);  // nothing knows of it yet
  }
}

void Loop::admit(Job& job) {
  if (engine_.model(job.request.model) == nullptr) {  // removed since it was looked up
    job.request.submitted = now_.mono;
    job.request.state = core::State::kCancelled;
    job.request.status = core::Status::kClosing;
    tell_of_stranger(job);
    deliver(job);
    return;
  }
  if (!refused_keys_.empty()) look_for_new_keys();
  job.in_engine = true;
  touch(job.request.model);
  job.request.tenant = tenant_of(job);
  touch_tenant(job);
  if (job.is_permit()) expect_permits(job);
  if (job.extra != nullptr && !job.extra->dedup_key.empty()) {
    submit_shared(job);
  } else {
    step(core::Submit{&job.request});
  }
  if (job.cancel_early) step(core::Cancel{&job.request});
}

// The attempt's runner has written job.outcome.
void Loop::take_report(Job& job) {
  if (broken_) return take_broken_report(job);
  const bool late = job.report_on_way;  // the engine has given the attempt up: it does not count
  const uint32_t attempt = job.node.attempt;
  const uint64_t holder = uint64_t{1} << attempt;
  // One that ran on a lease holds nothing, and the record may be another's at the end.
  const bool held = (job.holders.load(std::memory_order_relaxed) & holder) != 0;
  if (!held) leases_.close(attempt_id(job.request.id, attempt));
  job.live.store(0, std::memory_order_relaxed);
  job.report_on_way = false;
  if (late) home->drop_outcome(job);
  if (job.ended) {
    job.ended = false;
    deliver(job);
  } else if (job.start_waits) {
    job.start_waits = false;
    perform_later(core::StartAttempt{&job.request, job.request.attempts, job.node.deployment});
  } else if (job.outcome != nullptr && job.in_engine) {
    Outcome& outcome = *job.outcome;
    if (outcome.usage_known) price(deployment_of(job), outcome.usage);
    if_memory_lasts([&] { hear_of_quota(job, outcome); });
    touch(job.request.model);
    step(core::AttemptFinished{&job.request, static_cast<uint8_t>(attempt), outcome.status,
                               outcome.usage_known, outcome.usage, outcome.retry_after,
                               observed_in(outcome, nullptr)});
    if_memory_lasts([&] { learn_tokens(job, outcome); });  // the engine knows the output now
    end_permit(job);
    publish_retry(job);
  }
  if (held) Home::release(job, holder);
}

void Loop::step(const core::Event& event) {
  if (broken_) return;
  try {
    engine_.step(now_, event, actions_);
  } catch (const std::bad_alloc&) {
    if (!engine_.is_whole()) {  // it stopped somewhere in its tables
      broken_ = true;
      actions_.clear();
    }
    throw;
  }
}

// A request that is to be tried again waits. A final state is published when its response can be
// had (deliver), not before.
void Loop::publish_retry(Job& job) {
  if (job.request.role == core::Role::kFlight) publish_followers(*job.extra->shared.flight);
  if (core::is_final(job.request.state)) return;
  job.state.store(static_cast<uint8_t>(job.request.state), std::memory_order_release);
}

// Its counters change in this turn.
void Loop::touch(core::ModelIndex model) {
  if (touched_flags_[model] != 0) return;
  touched_flags_[model] = 1;
  touched_.push_back(model);
}

void Loop::after_turn() {
  publish();
  flush_chains();
  call_back();
}

// What other threads may see. Whoever hears of an end finds its place free, and the request
// counted.
void Loop::publish() {
  commit_history();
  settle_pending();
  for (const core::ModelIndex index : touched_) {
    touched_flags_[index] = 0;
    if (const core::Model* model = engine_.model(index); model != nullptr) {
      if_memory_lasts([&] { stats.publish(index, model->counters); });
    }
  }
  touched_.clear();
  if (!touched_tenants_.empty()) if_memory_lasts([this] { publish_tenants(); });
  touched_tenants_.clear();
  if (std::exchange(cache_changed_, false)) stats.publish(cache_.counts());
}

// One libuv timer for everything: libuv compares whole milliseconds of the clock that the engine
// uses, so a wake-up at a whole millisecond is never early.
void Loop::arm_timer() {
  core::TimeNs wake = engine_.next_wake();
  if (engine_.live() > 0) wake = std::min(wake, windows_.due());  // else the next event is in time
  if (!mock_answers_.empty()) wake = std::min(wake, mock_answers_.front().due);
  wake = std::min({wake, leases_.next(), next_parked_});
  if (wake == armed_for_) return;
  armed_for_ = wake;
  if (wake == core::kNever) {
    uv_timer_stop(&timer_);
    return;
  }
  uv_update_time(&loop_);
  const int64_t wake_ms = wake.ns / kNsPerMs + (wake.ns % kNsPerMs > 0 ? 1 : 0);
  const int64_t delay_ms = wake_ms - static_cast<int64_t>(uv_now(&loop_));
  uv_timer_start(
      &timer_,
      [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->armed_for_ = core::kNever; },
      static_cast<uint64_t>(std::max<int64_t>(delay_ms, 0)), 0);
}

// The request, unless it has ended; only the loop ends one.
Job* Loop::live_job(uint64_t id) {
  Job* job = home->jobs.at(slot_of(id));
  if (job == nullptr || job->id.load(std::memory_order_acquire) != id) return nullptr;
  const auto state = static_cast<core::State>(job->state.load(std::memory_order_acquire));
  if (job->id.load(std::memory_order_acquire) != id || core::is_final(state)) return nullptr;
  return job;
}

void Loop::cancel(uint64_t id) {
  Job* const job = live_job(id);
  if (job == nullptr) return;
  if (job->in_engine) {
    tell_output(job->request.role == core::Role::kFollower ? *job->extra->shared.flight->call
                                                           : *job);
    step(core::Cancel{&job->request});
  } else {
    job->cancel_early = true;
  }
}

void Loop::add_model(ModelEntry* entry, const ModelSettings& settings) {
  if (entry->index >= entries_.size()) {
    entries_.resize(entry->index + 1, nullptr);
    touched_flags_.resize(entry->index + 1, 0);
  }
  touched_.reserve(entries_.size());  // each once in a turn
  entries_[entry->index] = entry;
  const core::ModelSpec spec = spec_of(settings);
  step(core::ModelAdded{entry->index, &spec});
  for (DeploymentEntry* deployment : settings.entries) {
    add_deployment(*entry, *deployment, settings);
  }
  windows_.open(entry->index);
  follow_windows();
  log->info("model {}: registered with {} limits", settings.name,
            settings.limits.size() + spec.limits.size());
}

void Loop::set_processor(ModelEntry* entry, std::shared_ptr<Processor> processor) {
  const bool ready =
      entry->gives_permits ||
      (processor != nullptr && (processor->fn != nullptr || processor->workers != nullptr));
  entry->processor = std::move(processor);
  if (engine_.model(entry->index) != nullptr) step(core::ModelReady{entry->index, ready});
}

void Loop::remove_model(ModelEntry* entry, core::StopMode mode) {
  if (engine_.model(entry->index) != nullptr) step(core::ModelRemoved{entry->index, mode});
  log->info("model {}: removed", entry->config.name);
}

void Loop::shut_down(core::StopMode mode, core::TimeNs deadline, ClosedNotice* notice) {
  if (notice != nullptr) notice->next_notice = std::exchange(notices_, notice);
  if (broken_) return;
  log->info("shutdown: mode {}, {} requests live", static_cast<int>(mode), engine_.live());
  step(core::Shutdown{mode, deadline});
}

// Its charge may lie in a window for longer than the history remembers the request.
core::Status Loop::update_usage(uint64_t id, const core::Usage& usage) {
  now_ = now();
  commit_history();  // it may have ended in this very turn
  if (const auto summary = history.find(id); summary.has_value()) {
    if (summary->usage_known) return core::Status::kAlreadyDone;
    return amend_charge(id, summary->charged, summary->model, summary->deployment, usage);
  }
  for (core::ModelIndex model = 0; model < entries_.size(); ++model) {
    const core::Status status = amend_charge(id, id, model, 0, usage);
    if (status != core::Status::kStale) return status;
  }
  return core::Status::kStale;
}

// `charged`: the request that was called, which is another one if it shared its call.
core::Status Loop::amend_charge(uint64_t id, uint64_t charged, core::ModelIndex model,
                                core::DeploymentIndex deployment, core::Usage usage) {
  if (entries_[model] != nullptr) price(*entries_[model]->called[deployment], usage);
  const size_t before = actions_.size();
  step(core::UsageKnown{charged, model, usage});
  for (size_t i = before; i < actions_.size(); ++i) {
    if (const auto* noted = std::get_if<core::UsageNoted>(&actions_[i]); noted != nullptr) {
      if (noted->status != core::Status::kOk) return noted->status;
      touch(model);
      history.set_usage(id, usage);
      return core::Status::kOk;
    }
  }
  return core::Status::kInternal;
}

// Once the engine is closed, threads that are still inside leave without a word: stay awake for
// them.
bool Loop::nothing_to_do() const {
  return local_reports_.empty() && actions_.empty() && chains_.empty() && !engine_closed_ &&
         !broken_;
}

// Nobody is inside, nothing is left: no event can come any more.
bool Loop::may_end() {
  if (!engine_closed_ || ending_ || parked_ != nullptr) return false;
  gate.close();
  return gate.empty() && home->pending.load(std::memory_order_seq_cst) == 0 && inbox.empty();
}

void Loop::end() {
  ending_ = true;
  for (ModelEntry* entry : entries_) {
    if (entry != nullptr) entry->processor.reset();
  }
  drop_hook();
  key_queue_.reset();
  flush_chains();
  while (ClosedNotice* const notice = notices_) {
    notices_ = notice->next_notice;
    CompletionQueue* queue = notice->cq;
    notice->node.kind = Node::Kind::kClosed;
    notice->node.next = nullptr;
    queue->push(&notice->node, &notice->node, 1);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), nullptr);
  if (http_ != nullptr) http_->close([] {});
  log->info("closed");
}

}  // namespace llmq::runtime
