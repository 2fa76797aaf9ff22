// llmq/cpp/manager.hpp - the manager. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_MANAGER_HPP_
#define LLMQ_CPP_MANAGER_HPP_

#include <llmq/cpp/attempt.hpp>
#include <llmq/cpp/completion_queue.hpp>
#include <llmq/cpp/conf.hpp>
#include <llmq/cpp/hook.hpp>
#include <llmq/cpp/permit.hpp>
#include <llmq/cpp/response.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace llmq {

namespace detail {

// What ends a manager. On a loop thread nobody can wait for it: another thread does.
struct destroyer {
  void operator()(llmq_manager_t* manager) const noexcept {
    if (llmq_manager_destroy(manager) != LLMQ_ERR_WRONG_THREAD) return;
    try {
      std::thread([manager] { llmq_manager_destroy(manager); }).detach();
    } catch (...) {
      llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_ABORT, 0, nullptr, 0);  // its memory stays
    }
  }
};

// Hands over, or throws why not, in the library's words where it finds them again.
inline request_id hand_over(llmq_manager_t* manager, const llmq_request_t& raw) {
  request_id id = 0;
  const status code = llmq_submit(manager, &raw, &id);
  if (code == LLMQ_OK) return id;
  llmq_error_t* err = nullptr;
  const bool same = llmq_request_check(manager, &raw, &err) == code;
  const owned<llmq_error_t> guard(err);
  if (!same) throw_error(code);
  throw_error(code, llmq_error_message(err), llmq_error_key(err));
}

template <class F>
void deliver(void* user, const llmq_event_t* event) noexcept {
  if (event->type != LLMQ_EV_DONE) return;
  const std::unique_ptr<F> callback(static_cast<F*>(user));
  llmq_response_t* taken = nullptr;
  llmq_event_take(const_cast<llmq_event_t*>(event), &taken);
  try {
    (*callback)(response(taken));
  } catch (...) {  // nobody is left to hear of it
  }
}

// What the events of a streamed response are given to.
template <class OnChunk, class OnDone>
struct stream_reader {
  OnChunk on_chunk;
  OnDone on_done;

  static void take(void* user, const llmq_event_t* event) noexcept {
    auto* self = static_cast<stream_reader*>(user);
    try {
      if (event->type == LLMQ_EV_CHUNK) {
        self->on_chunk(std::string_view(static_cast<const char*>(event->data),
                                        static_cast<std::size_t>(event->data_len)));
      } else if (event->type == LLMQ_EV_DONE) {
        const std::unique_ptr<stream_reader> last(self);
        llmq_response_t* taken = nullptr;
        llmq_event_take(const_cast<llmq_event_t*>(event), &taken);
        self->on_done(response(taken));
      }
    } catch (...) {  // nobody is left to hear of it
    }
  }
};

template <class F>
request_id submit(llmq_manager_t* manager, const request& what, F callback) {
  auto user = std::make_unique<F>(std::move(callback));
  llmq_request_t raw = what.raw();
  raw.done_fn = deliver<F>;
  raw.done_user = user.get();
  const request_id id = hand_over(manager, raw);
  (void)user.release();  // deliver() has it, and may be done with it already
  return id;
}

}  // namespace detail

class manager {
 public:
  // With the models of the configuration.
  explicit manager(const conf& settings = conf()) {
    llmq_manager_t* made = nullptr;
    llmq_error_t* err = nullptr;
    const status code = llmq_manager_create(settings.handle(), &made, &err);
    detail::check(code, err);
    handle_.reset(made);
  }

  // All models of the configuration or none.
  void register_models(const conf& models, bool skip_existing = false) {
    llmq_error_t* err = nullptr;
    const uint32_t flags = skip_existing ? uint32_t{LLMQ_REGISTER_SKIP_EXISTING} : 0U;
    const status code = llmq_manager_register_models(handle(), models.handle(), flags, &err);
    detail::check(code, err);
  }
  void remove_model(std::string_view model, shutdown_mode mode = shutdown_mode::drain) {
    detail::check(llmq_manager_remove_model(handle(), detail::at(model), model.size(),
                                            static_cast<int32_t>(mode)));
  }

  // Another place where calls of a registered model are made: what `settings` say of
  // model.MODEL.deployments.NAME.
  void add_deployment(std::string_view model, std::string_view name, const conf& settings) {
    llmq_error_t* err = nullptr;
    const status code =
        llmq_manager_add_deployment(handle(), detail::at(model), model.size(), detail::at(name),
                                    name.size(), settings.handle(), &err);
    detail::check(code, err);
  }
  // Nothing starts there any more; with cancel or abort what runs there is tried elsewhere.
  void remove_deployment(std::string_view model, std::string_view name,
                         shutdown_mode mode = shutdown_mode::drain) {
    llmq_error_t* err = nullptr;
    const status code =
        llmq_manager_remove_deployment(handle(), detail::at(model), model.size(), detail::at(name),
                                       name.size(), static_cast<int32_t>(mode), &err);
    detail::check(code, err);
  }

  // Changes one setting of a registered model or pool, or of the manager, while everything runs.
  void set(const std::string& key, const std::string& value) {
    llmq_error_t* err = nullptr;
    const status code = llmq_manager_set(handle(), key.c_str(), value.c_str(), &err);
    detail::check(code, err);
  }

  // What submit would reserve for the request: tokens, and their price.
  usage estimate(const request& what) const {
    const llmq_request_t raw = what.raw();
    llmq_usage_t found{};
    found.struct_size = sizeof found;
    llmq_error_t* err = nullptr;
    const status code = llmq_request_estimate(handle(), &raw, &found, &err);
    detail::check(code, err);
    return {found.input_tokens, found.output_tokens, found.cached_input_tokens, found.cost_micros,
            found.reasoning_tokens};
  }

  // The response, whatever became of the request. The id is for cancel() and the like.
  std::future<response> submit(const request& what, request_id* id = nullptr) {
    std::promise<response> promise;
    std::future<response> future = promise.get_future();
    const request_id given = submit(what, [promise = std::move(promise)](response answer) mutable {
      promise.set_value(std::move(answer));
    });
    if (id != nullptr) *id = given;
    return future;
  }
  // The same, given to callback(response) on the loop thread, exactly once; it may run before this
  // returns.
  template <class F, std::enable_if_t<std::is_invocable_v<F&, response>, int> = 0>
  request_id submit(const request& what, F callback) {
    return detail::submit(handle(), what, std::move(callback));
  }
  // The response while it comes: on_chunk(std::string_view) gets its pieces in order,
  // on_done(response) all of it, both on the loop thread.
  template <class OnChunk, class OnDone>
  request_id submit_stream(const request& what, OnChunk on_chunk, OnDone on_done) {
    using reader = detail::stream_reader<OnChunk, OnDone>;
    auto user = std::unique_ptr<reader>(new reader{std::move(on_chunk), std::move(on_done)});
    llmq_request_t raw = what.raw();
    raw.flags |= uint32_t{LLMQ_REQUEST_STREAM};
    raw.done_fn = reader::take;
    raw.done_user = user.get();
    const request_id id = detail::hand_over(handle(), raw);
    (void)user.release();  // take() has it, and may be done with it already
    return id;
  }
  // The same, as an event of a completion queue; pieces come as events before it.
  request_id submit(const request& what, completion_queue& to) {
    llmq_request_t raw = what.raw();
    raw.cq = to.handle();
    return detail::hand_over(handle(), raw);
  }
  // The same, to be asked for with get().
  request_id submit_kept(const request& what) {
    llmq_request_t raw = what.raw();
    raw.flags |= uint32_t{LLMQ_REQUEST_KEEP};
    return detail::hand_over(handle(), raw);
  }
  // The same, waited for. Throws timeout_error if the time is over; the request is cancelled then.
  response submit_wait(const request& what, std::chrono::nanoseconds timeout = forever) {
    const llmq_request_t raw = what.raw();
    llmq_response_t* taken = nullptr;
    detail::check(llmq_submit_wait(handle(), &raw, timeout.count(), &taken));
    return response(taken);
  }

  // False: it has ended before.
  bool cancel(request_id id) {
    const status code = llmq_cancel(handle(), id);
    if (code == LLMQ_ERR_STALE) return false;
    detail::check(code);
    return true;
  }
  // When it may start, and what it waits for.
  llmq_wait_t wait_estimate(request_id id) const {
    llmq_wait_t found{};
    found.struct_size = sizeof found;
    detail::check(llmq_request_wait_estimate(handle(), id, &found));
    return found;
  }
  llmq::state state(request_id id) const {
    int32_t found = 0;
    detail::check(llmq_request_state(handle(), id, &found));
    return static_cast<llmq::state>(found);
  }
  // Moves out the response of a kept request; none while it has not ended.
  std::optional<response> get(request_id id) { return read(llmq_response_get, id); }
  // Status, timings and usage of a recently finished request, without payload.
  std::optional<response> peek(request_id id) const { return read(llmq_response_peek, id); }
  void update_usage(request_id id, const usage& used) {
    const llmq_usage_t raw = used.raw();
    detail::check(llmq_usage_update(handle(), id, &raw));
  }

  // What an answer to a call that the caller's own SDK made showed of the model's limits: its
  // headers, of which those that do not concern limits are skipped. `headers` holds pairs of texts.
  template <class Headers = header_list>
  void report_limits(std::string_view model, const Headers& headers) {
    const detail::header_texts texts(headers);
    detail::check(llmq_report_limits(
        handle(), detail::at(model), model.size(), texts.names.data.data(), texts.names.lens.data(),
        texts.values.data.data(), texts.values.lens.data(), texts.names.data.size()));
  }

  // fn(attempt) runs the attempts of a model without a provider, on the loop thread: it reports at
  // once, or moves the attempt to where the work is done. on_cancel hears that an attempt has ended
  // for llmq.
  template <class F>
  void set_processor(std::string_view model, F fn, std::function<void(attempt_id)> on_cancel = {}) {
    static_assert(std::is_invocable_v<F&, attempt>, "a processor takes an llmq::attempt");
    detail::set_processor(handle(), model, std::move(fn), std::move(on_cancel));
  }

  // For the calls that the program makes itself, when there is room for them (permit.hpp).
  std::future<permit> acquire(const request& what, request_id* id = nullptr) {
    return llmq::acquire(handle(), what, id);
  }
  std::optional<permit> try_acquire(const request& what, std::chrono::nanoseconds* wait = nullptr) {
    return llmq::try_acquire(handle(), what, wait);
  }

  // fn(const llmq_hook_t&) is told of the events of the mask (LLMQ_HOOK_ bits), on the loop thread,
  // in place of the function of before; it lives until it is replaced or removed, or the manager
  // ends.
  template <class F>
  void set_hook(uint32_t mask, F fn) {
    static_assert(std::is_invocable_v<F&, const llmq_hook_t&>, "a hook takes an llmq_hook_t");
    detail::set_hook(handle(), mask, std::move(fn));
  }
  // The same, as LLMQ_EV_HOOK events of the queue (batch::hook), with `user_data`.
  void set_hook(uint32_t mask, completion_queue& queue, uint64_t user_data = 0) {
    detail::check(llmq_set_hook_queue(handle(), mask, queue.handle(), user_data));
  }
  // Function or queue.
  void remove_hook() { detail::check(llmq_set_hook(handle(), 0, nullptr, nullptr, nullptr)); }

  // Where keys are asked for by LLMQ_EV_KEY events (conf::ask_for_keys), with `user_data`.
  void set_key_queue(completion_queue& queue, uint64_t user_data = 0) {
    detail::check(llmq_set_key_queue(handle(), queue.handle(), user_data));
  }
  void remove_key_queue() { detail::check(llmq_set_key_queue(handle(), nullptr, 0)); }
  // `question` is the attempt_id of such an event. No key: "", and why.
  void answer_key(uint64_t question, std::string_view key, std::string_view error = {}) {
    detail::check(
        llmq_key_answer(handle(), question, key.data(), key.size(), error.data(), error.size()));
  }

  // Counters of the whole manager, or of one model.
  llmq_stats_t stats() const { return stats_of(nullptr, 0); }
  llmq_stats_t stats(std::string_view model) const {
    return stats_of(detail::at(model), model.size());
  }
  std::string stats_json() const {
    char* json = nullptr;
    detail::check(llmq_stats_json(handle(), &json, nullptr));
    return detail::take(json);
  }
  // Settings, queue and limits of all models, or of one.
  std::string info_json() const { return info_of(nullptr, 0); }
  std::string info_json(std::string_view model) const {
    return info_of(detail::at(model), model.size());
  }
  std::string models_json() const {
    char* json = nullptr;
    detail::check(llmq_manager_models_json(handle(), &json, nullptr));
    return detail::take(json);
  }

  // Begins to shut down; what still runs at the deadline is aborted.
  void shutdown(shutdown_mode mode = shutdown_mode::drain,
                std::optional<clock::time_point> deadline = std::nullopt) {
    shut_down(mode, deadline, nullptr);
  }
  // The same, and waits until it is complete.
  void shutdown_wait(shutdown_mode mode = shutdown_mode::drain,
                     std::optional<clock::time_point> deadline = std::nullopt) {
    completion_queue closed;
    if (shut_down(mode, deadline, closed.handle())) closed.wait();
  }
  llmq_manager_t* handle() const noexcept { return handle_.get(); }

 private:
  template <class Read>
  std::optional<response> read(Read from, request_id id) const {
    llmq_response_t* found = nullptr;
    const status code = from(handle(), id, &found);
    if (code == LLMQ_ERR_AGAIN) return std::nullopt;
    detail::check(code);
    return response(found);
  }
  llmq_stats_t stats_of(const char* model, size_t len) const {
    llmq_stats_t found{};
    found.struct_size = sizeof found;
    detail::check(llmq_stats(handle(), model, len, &found));
    return found;
  }
  std::string info_of(const char* model, size_t len) const {
    char* json = nullptr;
    detail::check(llmq_manager_info_json(handle(), model, len, &json, nullptr));
    return detail::take(json);
  }
  // False: it was complete before.
  bool shut_down(shutdown_mode mode, std::optional<clock::time_point> deadline, llmq_cq_t* cq) {
    const status code = llmq_manager_shutdown(handle(), static_cast<int32_t>(mode),
                                              detail::absolute(deadline), cq, 0);
    if (code == LLMQ_ERR_CLOSED) return false;
    detail::check(code);
    return true;
  }
  std::unique_ptr<llmq_manager_t, detail::destroyer> handle_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_MANAGER_HPP_
