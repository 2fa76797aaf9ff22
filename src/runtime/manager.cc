// Life of a manager, and what can be read of it. Models: manager_models.cc; requests:
// manager_submit.cc; attempts: manager_attempts.cc.
#include "runtime/manager.h"

#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "base/json.h"
#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/log.h"
#include "runtime/platform.h"

namespace llmq::runtime {
namespace {

core::Status abort_loop(const std::shared_ptr<Loop>& loop) {
  const GatePass pass(loop->gate);
  if (!pass) return core::Status::kClosed;
  loop->closing.store(true, std::memory_order_release);
  loop->leave();
  return core::Status::kOk;
}

}  // namespace

core::Result<std::unique_ptr<Manager>> Manager::create(const config::Config& config,
                                                       const Callbacks& callbacks) {
  auto settings = config.manager();
  if (!settings) return settings.error();
  auto log = make_log(settings.value(), callbacks.log);
  if (!log) return log.error();
  auto loop = std::make_shared<Loop>(settings.value(), callbacks, log.value());
  std::unique_ptr<Manager> manager(new Manager(loop));
  manager->abandoned_ = true;
  auto opened = loop->open();
  if (!opened) return opened.error();
  manager->abandoned_ = false;
  if (settings.value().external_loop) {
    loop->adopt();
    loop->set_hook(Hook{});
  } else {
    try {
      manager->thread_ = platform::start_loop_thread([loop] { loop->run(); });
    } catch (const std::bad_alloc&) {
      manager->thread_ = nullptr;
    }
    if (manager->thread_ == nullptr) {
      manager->abandoned_ = true;
      loop->discard();
      return core::Error{core::Status::kNoMem, "no thread can be started", ""};
    }
  }
  core::Result<core::Done> registered = core::Done{};
  try {
    registered = manager->register_models(config, callbacks, false);
  } catch (const std::bad_alloc&) {
    manager->destroy();
    throw;
  }
  if (registered) return manager;
  manager->destroy();
  return registered.error();
}

Manager::~Manager() {
  if (abandoned_) return;
  if (external()) {
    abort_loop(loop_);
    loop_->process_all();
  } else if (thread_ != nullptr) {
    abort_loop(loop_);
    thread_->detach();
  }
}

core::Status Manager::destroy() {
  if (Loop::on_any_loop_thread()) return core::Status::kWrongThread;
  abort_loop(loop_);
  if (external()) {
    loop_->process_all();
    return core::Status::kOk;
  }
  const std::lock_guard<std::mutex> lock(thread_mutex_);  // every owner may call this
  if (thread_ != nullptr) thread_->join();
  thread_ = nullptr;
  return core::Status::kOk;
}

core::Status Manager::descriptor(int32_t* fd) const {
  if (!external()) return core::Status::kUnsupported;
  *fd = loop_->descriptor();
  return *fd < 0 ? core::Status::kUnsupported : core::Status::kOk;
}

core::Status Manager::process() {
  if (!external()) return core::Status::kUnsupported;
  return Loop::on_any_loop_thread() ? core::Status::kWrongThread : loop_->process();
}

core::Status Manager::process_timeout(core::DurationNs* timeout) {
  if (!external()) return core::Status::kUnsupported;
  if (Loop::on_any_loop_thread()) return core::Status::kWrongThread;
  *timeout = loop_->process_timeout();
  return core::Status::kOk;
}

void Manager::abandon() {
  abandoned_ = true;
  // Its destructor would end the process, and there is no thread to join.
  static_cast<void>(thread_.release());
  // Stays for good: its parts may be mid-change.
  static_cast<void>(new std::shared_ptr<Loop>(std::move(loop_)));  // NOLINT(*-NewDeleteLeaks)
}

std::string Manager::models_json() {
  base::Json list(base::new_array());
  for (const ModelEntry* entry : loop_->registry.list()) {
    base::append(list.get(), base::new_text(entry->config.name.c_str()));
  }
  return base::json_text(list.get());
}

core::Result<std::string> Manager::info_json(const std::string_view* model) {
  const auto refused = [](core::Status status) {
    return core::Error{status, core::status_message(status), ""};
  };
  if (loop_->gate.closed()) return refused(core::Status::kClosed);
  std::vector<ModelEntry*> models;
  if (model == nullptr) {
    models = loop_->registry.list();
  } else {
    ModelEntry* entry = loop_->registry.find(*model);
    if (entry == nullptr) {
      return core::Error{core::Status::kUnknownModel,
                         "no model " + std::string(*model) + " is registered", ""};
    }
    models.push_back(entry);
  }
  std::string json;
  const bool single = model != nullptr;
  const core::Status asked = on_loop([&] { json = loop_->info_json(models, single); });
  if (asked != core::Status::kOk) return refused(asked);
  return json;
}

core::Status Manager::shutdown(core::StopMode mode, core::TimeNs deadline, CompletionQueue* cq,
                               uint64_t user_data) {
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  Loop* const loop = loop_.get();
  auto notice = cq == nullptr ? nullptr : std::make_unique<ClosedNotice>();
  auto command = Loop::command(
      [loop, mode, deadline, told = notice.get()] { loop->shut_down(mode, deadline, told); });
  command->always = true;
  if (notice != nullptr) {
    notice->cq = cq;
    notice->user_data = user_data;
    cq->add_ref();
    static_cast<void>(notice.release());  // the loop's
  }
  loop->closing.store(true, std::memory_order_release);
  loop->post(std::move(command));
  return core::Status::kOk;
}

core::Status Manager::closed_status() const {
  return loop_->gate.closed() ? core::Status::kClosed : core::Status::kClosing;
}

core::Status Manager::on_loop(const std::function<void()>& fn) {
  if (loop_->on_loop_thread()) {
    if (loop_->broken()) return core::Status::kClosed;
    fn();
    return core::Status::kOk;
  }
  if (Loop::on_any_loop_thread()) return core::Status::kWrongThread;
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  std::mutex mutex;
  std::condition_variable done_changed;
  bool done = false;
  core::Status status = core::Status::kOk;
  auto command = Loop::command([&] {
    try {
      if (loop_->broken()) throw std::bad_alloc();
      loop_->catch_up();
      fn();
      loop_->catch_up();
    } catch (const std::bad_alloc&) {  // whoever waits must hear of it
      status = core::Status::kNoMem;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    done = true;
    done_changed.notify_one();
  });
  command->always = true;
  loop_->post(std::move(command));
  while (external() && loop_->on_host_thread() && !done) loop_->process();
  std::unique_lock<std::mutex> lock(mutex);
  done_changed.wait(lock, [&] { return done; });
  return status;
}

bool Manager::is_live(uint64_t id, core::State* state, uint8_t* flags) const {
  const Job* job = loop_->home->jobs.at(slot_of(id));
  if (job == nullptr || job->id.load(std::memory_order_acquire) != id) return false;
  *state = static_cast<core::State>(job->state.load(std::memory_order_acquire));
  if (flags != nullptr) *flags = job->flags.load(std::memory_order_acquire);
  return job->id.load(std::memory_order_acquire) == id;
}

core::Status Manager::request_state(uint64_t id, int32_t* state) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  core::State live{};
  if (is_live(id, &live)) {
    *state = static_cast<int32_t>(live);
    return core::Status::kOk;
  }
  const auto summary = loop_->history.find(id);
  if (!summary) return core::Status::kStale;
  *state = static_cast<int32_t>(summary->state);
  return core::Status::kOk;
}

core::Status Manager::take_response(uint64_t id, std::unique_ptr<Response>* response) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  core::State live{};
  uint8_t flags = 0;
  // Without a lock: callers that ask again and again must not keep the loop from its history.
  if (is_live(id, &live, &flags) && !core::is_final(live)) {
    return (flags & LLMQ_REQUEST_KEEP) != 0 ? core::Status::kAgain : core::Status::kInvalidArg;
  }
  *response = loop_->history.take(id, mono_now());  // a final state shows after the response is in
  return *response != nullptr ? core::Status::kOk : core::Status::kStale;
}

core::Status Manager::peek_response(uint64_t id, std::unique_ptr<Response>* response) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  core::State live{};
  const bool was_live = is_live(id, &live);  // first: it may end, and enter the history, meanwhile
  if (const auto summary = loop_->history.find(id)) {
    *response = std::make_unique<Response>(loop_->home->memory);
    (*response)->summary = *summary;
    return core::Status::kOk;
  }
  return was_live ? core::Status::kAgain : core::Status::kStale;
}

core::Status Manager::wait_estimate(uint64_t id, WaitEstimate* estimate) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  core::State state{};
  if (!is_live(id, &state) || core::is_final(state)) return core::Status::kStale;
  core::Status status = core::Status::kOk;
  const core::Status asked = on_loop([&] { status = loop_->wait_estimate(id, estimate); });
  return asked == core::Status::kOk ? status : asked;
}

core::Status Manager::update_usage(uint64_t id, const core::Usage& usage) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  core::Status status = core::Status::kOk;
  const core::Status asked = on_loop([&] {  // behind the report that ends it, if that is on its way
    core::State state{};
    const bool live = is_live(id, &state) && !core::is_final(state);
    status = live ? core::Status::kAgain : loop_->update_usage(id, usage);
  });
  return asked == core::Status::kOk ? status : asked;
}

core::Status Manager::set_hook(Hook hook) {
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) return closed_status();
  Loop* const loop = loop_.get();
  loop->post([loop, hook = std::move(hook)] { loop->set_hook(hook); });
  return core::Status::kOk;
}

core::Status Manager::set_key_queue(std::shared_ptr<KeyQueue> queue) {
  const GatePass pass(loop_->gate);
  if (!pass || shut_down()) return closed_status();
  Loop* const loop = loop_.get();
  loop->post([loop, queue = std::move(queue)] { loop->set_key_queue(queue); });
  return core::Status::kOk;
}

// Also while it shuts down: attempts are run to their end.
core::Status Manager::answer_key(uint64_t question, std::string_view key, std::string_view error) {
  const GatePass pass(loop_->gate);
  if (!pass) return closed_status();
  const auto answer = std::make_shared<KeyAnswer>();
  if (key.size() > kMostKeyBytes) {
    answer->error = "it is longer than " + std::to_string(kMostKeyBytes) + " bytes";
  } else {
    answer->key = key;
    answer->error = error;
  }
  Loop* const loop = loop_.get();
  loop->post([loop, question, answer] { loop->take_key(question, *answer); });
  return core::Status::kOk;
}

void Manager::fill_stats(const core::Counters& counters, llmq_stats_t* stats) const {
  stats->submitted = counters.submitted;
  stats->completed = counters.completed;
  stats->failed = counters.failed;
  stats->cancelled = counters.cancelled;
  stats->expired = counters.expired;
  stats->attempts = counters.attempts;
  stats->retries = counters.retries;
  stats->rate_limited = counters.rate_limited;
  stats->pending = counters.pending;
  stats->processing = counters.processing;
  stats->input_tokens = counters.input_tokens;
  stats->output_tokens = counters.output_tokens;
  stats->cached_input_tokens = counters.cached_input_tokens;
  stats->reasoning_tokens = counters.reasoning_tokens;
}

core::Status Manager::stats(const std::string_view* model, llmq_stats_t* stats) {
  if (model != nullptr) {
    const ModelEntry* entry = loop_->registry.find(*model);
    if (entry == nullptr) return core::Status::kUnknownModel;
    fill_stats(loop_->stats.model(entry->index), stats);
    return core::Status::kOk;
  }
  fill_stats(loop_->stats.total(), stats);
  stats->pending_bytes = loop_->home->pending_bytes.load(std::memory_order_relaxed);
  stats->wakeups = loop_->stats.wakeups();
  return core::Status::kOk;
}

namespace {

base::Json counters_json(const core::Counters& stats) {
  base::Json json(base::new_object());
  const auto add = [&json](const char* name, uint64_t value) {
    base::add_number(json.get(), name, static_cast<int64_t>(value));
  };
  add("submitted", stats.submitted);
  add("completed", stats.completed);
  add("failed", stats.failed);
  add("cancelled", stats.cancelled);
  add("expired", stats.expired);
  add("attempts", stats.attempts);
  add("retries", stats.retries);
  add("fallbacks", stats.fallbacks);
  add("hedges", stats.hedges);
  add("hedges_won", stats.hedges_won);
  add("rate_limited", stats.rate_limited);
  add("pending", stats.pending);
  add("processing", stats.processing);
  add("input_tokens", stats.input_tokens);
  add("output_tokens", stats.output_tokens);
  add("cached_input_tokens", stats.cached_input_tokens);
  add("reasoning_tokens", stats.reasoning_tokens);
  add("cost_micros", stats.cost_micros);
  add("joined", stats.joined);
  return json;
}

base::Json cache_json(const CacheCounts& counts) {
  base::Json json(base::new_object());
  const auto add = [&json](const char* name, uint64_t value) {
    base::add_number(json.get(), name, static_cast<int64_t>(value));
  };
  add("hits", counts.hits);
  add("misses", counts.misses);
  add("evicted", counts.evicted);
  add("entries", counts.entries);
  add("bytes", counts.bytes);
  return json;
}

}  // namespace

std::string Manager::stats_json() {
  base::Json json = counters_json(loop_->stats.total());
  base::add_number(
      json.get(), "pending_bytes",
      static_cast<int64_t>(loop_->home->pending_bytes.load(std::memory_order_relaxed)));
  base::add_number(json.get(), "wakeups", static_cast<int64_t>(loop_->stats.wakeups()));
  base::add(json.get(), "cache", cache_json(loop_->stats.cache()).release());
  cJSON* models = base::add_object(json.get(), "models");
  for (const ModelEntry* entry : loop_->registry.list()) {
    base::Json model = counters_json(loop_->stats.model(entry->index));
    base::add(model.get(), "estimates", entry->tokens.json().release());
    base::add(models, entry->config.name.c_str(), model.release());
  }
  cJSON* tenants = base::add_object(json.get(), "tenants");
  for (const auto& [name, counters] : loop_->stats.tenants()) {
    base::add(tenants, name.c_str(), counters_json(counters).release());
  }
  return base::json_text(json.get());
}

}  // namespace llmq::runtime
