// What the engine decides, done.
#include <algorithm>
#include <cassert>
#include <new>
#include <string>
#include <utility>

#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/limit_report.h"
#include "runtime/log.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

constexpr core::DurationNs kBetweenTries = core::milliseconds(50);  // to keep a response

}  // namespace

// By index: a callback may lead to a step that appends more. What the engine has decided and nobody
// can do is more than one request's loss: whoever waits for it would wait for ever.
void Loop::perform_all() {
  try {
    for (size_t i = 0; i < actions_.size(); ++i) {
      const core::Action action = actions_[i];
      // The two of every request, without the table that a visit goes through.
      if (const auto* const start = std::get_if<core::StartAttempt>(&action)) {
        perform(*start);
      } else if (const auto* const end = std::get_if<core::FinishRequest>(&action)) {
        perform(*end);
      } else {
        std::visit([this](const auto& what) { perform(what); }, action);
      }
    }
  } catch (const std::bad_alloc&) {
    broken_ = true;
    actions_.clear();
    throw;
  }
  actions_.clear();
}

// Or now, if there is no memory to remember it.
void Loop::perform_later(const core::StartAttempt& action) {
  try {
    actions_.emplace_back(action);
  } catch (const std::bad_alloc&) {
    perform(action);
  }
}

void Loop::perform(const core::StartAttempt& action) {
  Job& job = *Job::of(action.request);
  if (core::is_final(job.request.state)) return;  // ended in the same step
  if (action.is_hedge) return start_hedge(job, action);
  if (job.request.attempts != action.attempt) return;
  touch(job.request.model);
  publish_retry(job);
  job.node.deployment = action.deployment;
  if (job.report_on_way) {  // its node and its outcome are still in use
    job.start_waits = true;
    return;
  }
  home->drop_outcome(job);
  try {
    run(job, action.attempt);
  } catch (const std::bad_alloc&) {
    fail_for_memory(job, action.attempt);
  }
}

// Before anybody runs the attempt, its live word says that somebody does.
void Loop::run(Job& job, uint8_t attempt) {
  if (job.is_permit()) return give_permit(job, attempt);
  DeploymentEntry& entry = deployment_of(job);
  switch (entry.config.provider) {
    case config::ProviderKind::kNone: {
      const std::shared_ptr<Processor> processor = entry_of(job).processor;
      if (processor == nullptr) {
        refuse_without_processor(job, attempt);
      } else if (processor->workers != nullptr) {
        run_worker(job, *processor, attempt);
      } else {
        run_processor(job, *processor, attempt);
      }
      break;
    }
    case config::ProviderKind::kMock:
      run_mock(job, entry, attempt);
      break;
    case config::ProviderKind::kHttp:
      run_http(job, entry, attempt);
      break;
  }
}

// For the engine the attempt has ended. A report that is already on its way keeps the job's node
// busy: then delivery waits for it.
void Loop::perform(const core::AbortAttempt& action) {
  Job& job = *Job::of(action.request);
  touch(job.request.model);
  if (abort_hedge(job, action.attempt)) return;
  const uint32_t running = live_word(job.request.id, action.attempt);
  uint32_t live = running;
  publish_retry(job);
  if (job.report_on_way) {  // this attempt has not been started, an earlier one is still to report
    job.start_waits = false;
    return;
  }
  if (!job.live.compare_exchange_strong(live, 0, std::memory_order_acq_rel)) {
    job.report_on_way = live == (running | kReported);
    return;
  }
  stop_runner(job, action.attempt);
  end_permit(job);
  if (action.reason != core::Status::kTimeout) return;
  if_memory_lasts([&] {
    Outcome outcome;
    outcome.status = core::Status::kTimeout;
    outcome.message = "attempt " + std::to_string(action.attempt) + " gave no answer within " +
                      milliseconds_text(core::milliseconds(job.request.timeout_ms));
    job.outcome = home->store(std::move(outcome));
  });
}

void Loop::perform(const core::FinishRequest& action) {
  Job& job = *Job::of(action.request);
  job.in_engine = false;
  drop_hedge(job);
  if (job.request.role == core::Role::kFollower) step_out(job);
  if (job.report_on_way) {
    job.ended = true;
    return;
  }
  deliver(job, action.estimate);
}

// No store is configured in this version: models are never durable, limits never shared.
void Loop::perform(const core::Persist& action) { step(core::Persisted{action.request, true}); }

void Loop::perform(const core::Lease& action) {
  step(core::LeaseGranted{action.model, action.limit, 0, now_.mono});
}

void Loop::perform(const core::ModelGone& action) {
  entries_[action.model]->processor.reset();
  cache_.drop_model(action.model);
  cache_changed_ = true;
  if (windows_.come_from(action.model)) reconcile_windows();
}

void Loop::perform(const core::DeploymentGone& action) {
  if (windows_.come_from(action.model)) reconcile_windows();
}

// The one terminal event of the request.
void Loop::deliver(Job& job, core::DurationNs estimate) {
  job.stop_lending();
  if (job.request.role == core::Role::kFlight) return land(job);
  hand_over(job, estimate);
}

void Loop::hand_over(Job& job, core::DurationNs estimate) {
  if (job.request.status == core::Status::kOk && job.outcome == nullptr) {
    job.request.state = core::State::kFailed;  // there was no memory for its answer
    job.request.status = core::Status::kNoMem;
  }
  if_memory_lasts([&] { explain_end(job, estimate); });
  if (!attempt_logs_.empty()) keep_attempts(job);
  if (job.outcome != nullptr) {
    job.outcome->finished = now_.mono;
    job.outcome->first_output = first_output_of(job);
    if_memory_lasts([&] {
      const std::string& where = deployment_of(job).config.name;
      if (job.request.attempts > 0 && !where.empty()) job.outcome->deployment = where;
      if (job.fell_back) job.outcome->model = entry_of(job).config.name;
    });
  }
  const Summary summary = summary_of(job);
  if (!keep(job, summary)) return;
  if_memory_lasts([&] { ended_.push_back(summary); });
  ++ended_count_;
  ended_bytes_ += job.request.bytes;
  touch(job.request.model);
  touch_tenant(job);
  if (log->on(LLMQ_LOG_DEBUG)) {
    if_memory_lasts([&] {
      log->debug("{}: {} after {} attempts", log_name(job), core::status_name(summary.status),
                 summary.attempts);
    });
  }
  job.state.store(static_cast<uint8_t>(job.request.state), std::memory_order_release);
  if (job.done_fn != nullptr) {
    job.node.next = nullptr;
    (to_call_.first == nullptr ? to_call_.first : to_call_.last->next) = &job.node;
    to_call_.last = &job.node;
  } else if (job.queue != nullptr) {
    job.node.kind = Node::Kind::kDone;
    enqueue(job.node, job.queue);
  } else {
    commit_history();
    Home::release(job, kRequestHolder);
  }
}

// False: there was no memory for its response, and it ends later. A manager that closes waits for
// that, but not when it breaks off.
bool Loop::keep(Job& job, const Summary& summary) {
  if ((job.flags.load(std::memory_order_relaxed) & LLMQ_REQUEST_KEEP) == 0) return true;
  try {
    Response* const place = history.make_place(summary.id, now_.mono);
    if (place == nullptr) return true;
    job.has_sink() ? copy_texts(job, *place) : take_texts(job, *place);
    history.keep(summary, job.state);
  } catch (const std::bad_alloc&) {
    history.drop_place(summary.id);
    if (broken_) return true;
    job.node.next = std::exchange(parked_, &job.node);
    next_parked_ = now_.mono + kBetweenTries;
    return false;
  }
  return true;
}

void Loop::deliver_parked() {
  if (!broken_ && now_.mono < next_parked_) return;
  next_parked_ = core::kNever;
  Node* node = std::exchange(parked_, nullptr);
  while (node != nullptr) {
    Node* const next = node->next;
    hand_over(*Job::of(node), {});
    node = next;
  }
}

// How log lines call a request: by its id, the caller's own key where it has one, and its model.
std::string Loop::log_name(const Job& job) {
  std::string name = "request " + std::to_string(job.request.id);
  if (job.extra != nullptr && !job.extra->request_key.empty()) {
    name += " (" + one_line(job.extra->request_key) + ")";
  }
  return name + " of model " + entry_of(job).config.name;
}

void Loop::enqueue(Node& node, CompletionQueue* queue) {
  node.next = nullptr;
  for (Chain& chain : chains_) {
    if (chain.queue != queue) continue;
    chain.last->next = &node;
    chain.last = &node;
    ++chain.count;
    return;
  }
  try {
    chains_.push_back(Chain{queue, &node, &node, 1});
  } catch (const std::bad_alloc&) {  // then by itself
    queue->push(&node, &node, 1);
  }
}

void Loop::commit_history() {
  if (ended_.empty()) return;
  if_memory_lasts([this] { history.add(ended_); });
  ended_.clear();
}

// The ended requests no longer count.
void Loop::settle_pending() {
  if (ended_count_ > 0) home->pending.fetch_sub(ended_count_, std::memory_order_relaxed);
  if (ended_bytes_ > 0) home->pending_bytes.fetch_sub(ended_bytes_, std::memory_order_relaxed);
  ended_count_ = ended_bytes_ = 0;
}

// Whom a queue wakes up may lead to more of them.
void Loop::flush_chains() {
  std::vector<Chain> chains;
  chains.swap(chains_);
  for (const Chain& chain : chains) chain.queue->push(chain.first, chain.last, chain.count);
  chains.clear();
  if (chains_.empty()) chains_.swap(chains);  // for its memory
}

// A callback may end other requests: they are called in their turn.
void Loop::call_back() {
  if (std::exchange(calling_back_, true)) return;
  while (Node* const node = to_call_.first) {
    to_call_.first = node->next;
    Job& job = *Job::of(node);
    llmq_event_t event{};
    event.stride = sizeof event;
    fill_done_event(job, event);
    job.done_fn(job.done_user, &event);
    Home::release(job, kRequestHolder);
  }
  calling_back_ = false;
}

}  // namespace llmq::runtime
