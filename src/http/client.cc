#include "http/client.h"

#include <uv.h>

#include <algorithm>
#include <deque>
#include <new>
#include <utility>

#include "http/curl_library.h"
#include "http/header_list.h"
#include "http/socket_watcher.h"
#include "http/transfer.h"

namespace llmq::http {
namespace {

template <typename T>
void make_room(std::vector<T>& notes, size_t count) {
  if (notes.capacity() < count) notes.reserve(2 * count);
}

CallId call_id(size_t slot, uint32_t generation) {
  return (uint64_t{generation} << 32) | (static_cast<uint64_t>(slot) + 1);
}

// libcurl's callbacks only take notes (sockets, timer, ids of calls that were sent or that have
// received something); callers'
// callbacks run after libcurl has returned, so that they may start and cancel calls: libcurl itself
// is not reentrant.
class CurlClient final : public Client {
 public:
  CurlClient(uv_loop_t* loop, ClientOptions options)
      : options_(options),
        loop_(loop),
        sockets_(loop, &handles_,
                 [this](curl_socket_t socket, int events) { act(socket, events); }) {}

  ~CurlClient() override {
    transfers_.clear();
    if (multi_ != nullptr) curl().multi_cleanup(multi_);
  }

  // False if libcurl fails; then no libuv handle is open.
  bool open();
  CallId start(Call call, std::function<void()> on_sent,
               std::function<void(CallResult)> on_done) override;
  void resume(CallId id) override;
  void cancel(CallId id) override;
  void close(std::function<void()> closed) override;

 private:
  struct Failed {
    CallId id;
    CURLcode code;
  };

  void act(curl_socket_t socket, int events);
  void deliver();
  void deliver_data();
  void deliver_failed();
  void finish(Transfer& transfer, CURLcode code);
  void stop(Transfer& transfer);
  void release(Transfer& transfer);
  void add_slot();
  void wait(CallId id);
  void run_waiting();
  void run(Transfer& transfer);
  void fail_soon(CallId id, CURLcode code);
  void deliver_soon();
  void let_go(Transfer& transfer);
  void listen(Transfer& transfer);
  void look_for_silence_in(uint64_t ms);
  void end_silent();
  Transfer* find(CallId id);

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long timeout_ms, void* self);
  static void close_handle(uv_handle_t* handle);

  const ClientOptions options_;
  uv_loop_t* const loop_;
  OpenHandles handles_;
  SocketWatcher sockets_;
  uv_timer_t timer_{};  // libcurl's
  uv_timer_t soon_{};   // for what must not happen inside start() or resume()
  uv_timer_t idle_{};   // for streamed answers that may have fallen silent
  CURLM* multi_ = nullptr;
  bool closing_ = false;

  std::vector<std::unique_ptr<Transfer>> transfers_;  // by slot
  std::vector<size_t> free_slots_;
  std::vector<uint32_t> generations_;  // by slot
  std::deque<CallId> waiting_;         // for one of max_connections; cancelled ones included
  int64_t running_ = 0;
  std::vector<CallId> sent_;
  std::vector<CallId> heard_;  // answers that go on, being streamed
  std::vector<Failed> failed_;
};

bool CurlClient::open() {
  multi_ = curl().multi_init();
  if (multi_ == nullptr) return false;
  uv_timer_init(loop_, &timer_);
  uv_timer_init(loop_, &soon_);
  uv_timer_init(loop_, &idle_);
  timer_.data = soon_.data = idle_.data = this;
  handles_.count = 3;
  const long connections =
      static_cast<long>(std::clamp<int64_t>(options_.max_connections, 1, 1 << 20));
  curl().multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlClient::on_socket);
  curl().multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl().multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlClient::on_timer);
  curl().multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl().multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl().multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
  curl().multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
  return true;
}

CallId CurlClient::start(Call call, std::function<void()> on_sent,
                         std::function<void(CallResult)> on_done) {
  if (closing_) return 0;
  if (free_slots_.empty()) add_slot();
  const size_t slot = free_slots_.back();
  std::unique_ptr<Transfer>& transfer = transfers_[slot];
  if (transfer == nullptr) {
    transfer = std::make_unique<Transfer>(&sockets_, &sent_, &heard_, options_.max_response_bytes);
  }
  free_slots_.pop_back();
  const CallId id = call_id(slot, ++generations_[slot]);
  CURLcode code = CURLE_OUT_OF_MEMORY;
  try {
    code = transfer->prepare(id, call);
  } catch (const std::bad_alloc&) {
    transfer->id = id;
  }
  HeaderList::overwrite(call.wire.headers);  // one of them holds the key
  transfer->on_sent = std::move(on_sent);
  transfer->on_done = std::move(on_done);
  if (code != CURLE_OK) {
    fail_soon(id, code);
  } else if (running_ >= std::max<int64_t>(options_.max_connections, 1)) {
    // Not left to libcurl, whose time-outs would already run.
    wait(id);
  } else {
    run(*transfer);
  }
  return id;
}

// With room for all notes that are ever taken of it: where libcurl calls, nothing may be thrown.
void CurlClient::add_slot() {
  const size_t count = transfers_.size() + 1;
  for (std::vector<CallId>* const notes : {&sent_, &heard_}) make_room(*notes, count);
  make_room(failed_, count);
  make_room(free_slots_, count);
  make_room(generations_, count);
  transfers_.push_back(nullptr);
  generations_.push_back(0);
  free_slots_.push_back(count - 1);
}

void CurlClient::wait(CallId id) {
  try {
    waiting_.push_back(id);
  } catch (const std::bad_alloc&) {
    fail_soon(id, CURLE_OUT_OF_MEMORY);
  }
}

void CurlClient::run(Transfer& transfer) {
  if (curl().multi_add_handle(multi_, transfer.easy()) != CURLM_OK) {
    return fail_soon(transfer.id, CURLE_OUT_OF_MEMORY);
  }
  transfer.running = true;
  ++running_;
}

void CurlClient::run_waiting() {
  while (!waiting_.empty() && running_ < std::max<int64_t>(options_.max_connections, 1)) {
    Transfer* const transfer = find(waiting_.front());
    waiting_.pop_front();
    if (transfer != nullptr) run(*transfer);
  }
}

Transfer* CurlClient::find(CallId id) {
  const size_t slot = static_cast<size_t>(id & 0xFFFFFFFFU) - 1;
  if (slot >= transfers_.size() || transfers_[slot] == nullptr) return nullptr;
  return transfers_[slot]->id == id ? transfers_[slot].get() : nullptr;
}

void CurlClient::fail_soon(CallId id, CURLcode code) {
  failed_.push_back({id, code});
  deliver_soon();
}

void CurlClient::deliver_soon() {
  uv_timer_start(
      &soon_,
      [](uv_timer_t* timer) {
        auto* const self = static_cast<CurlClient*>(timer->data);
        self->deliver();
        self->deliver_failed();
      },
      0, 0);
}

void CurlClient::deliver_failed() {
  for (size_t i = 0; i < failed_.size(); ++i) {
    const Failed failure = failed_[i];
    if (Transfer* const transfer = find(failure.id); transfer != nullptr) {
      finish(*transfer, failure.code);
    }
  }
  failed_.clear();
}

int CurlClient::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
  try {
    static_cast<CurlClient*>(self)->sockets_.want(socket, what);
    return 0;
  } catch (const std::bad_alloc&) {
    return -1;
  }
}

int CurlClient::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& client = *static_cast<CurlClient*>(self);
  if (client.closing_ || timeout_ms < 0) {
    uv_timer_stop(&client.timer_);
    return 0;
  }
  uv_timer_start(
      &client.timer_,
      [](uv_timer_t* timer) { static_cast<CurlClient*>(timer->data)->act(CURL_SOCKET_TIMEOUT, 0); },
      static_cast<uint64_t>(timeout_ms), 0);
  return 0;
}

void CurlClient::act(curl_socket_t socket, int events) {
  int running = 0;
  curl().multi_socket_action(multi_, socket, events, &running);
  deliver();
}

// Any of the callbacks may cancel calls or close the client: everything is looked up again by its
// id.
void CurlClient::deliver() {
  for (size_t i = 0; i < sent_.size(); ++i) {
    Transfer* const transfer = find(sent_[i]);
    if (transfer == nullptr) continue;
    const std::function<void()> on_sent = std::move(transfer->on_sent);
    if (on_sent) on_sent();
  }
  sent_.clear();
  deliver_data();
  int left = 0;
  while (!closing_) {
    const CURLMsg* const message = curl().multi_info_read(multi_, &left);
    if (message == nullptr) break;
    if (message->msg != CURLMSG_DONE) continue;
    finish(*Transfer::of(message->easy_handle), message->data.result);
  }
}

// An answer's end is only told when all of it has been handed over.
void CurlClient::deliver_data() {
  for (size_t i = 0; i < heard_.size(); ++i) {
    const CallId id = heard_[i];
    Transfer* transfer = find(id);
    if (transfer == nullptr) continue;
    listen(*transfer);
    const bool more = transfer->hand_over();
    transfer = find(id);
    if (transfer == nullptr) continue;
    transfer->paused = !more;
    if (more) let_go(*transfer);
  }
  heard_.clear();
}

void CurlClient::let_go(Transfer& transfer) {
  const CURLcode code = transfer.let_go();
  if (code != CURLE_OK) fail_soon(transfer.id, code);
}

void CurlClient::resume(CallId id) {
  Transfer* const transfer = find(id);
  if (transfer == nullptr || !transfer->paused) return;
  transfer->paused = false;
  listen(*transfer);
  let_go(*transfer);
  if (!heard_.empty()) deliver_soon();
}

// The answer has just said something, or has a reader again. The loop's time is of the start of
// this turn, in whole milliseconds: with it alone the silence would be found too early.
void CurlClient::listen(Transfer& transfer) {
  uv_update_time(loop_);
  transfer.heard_ms = uv_now(loop_) + 1;
  if (transfer.idle_ms == 0) return;
  look_for_silence_in(transfer.idle_ms + 1);
}

void CurlClient::look_for_silence_in(uint64_t ms) {
  const bool looks_before = uv_is_active(reinterpret_cast<uv_handle_t*>(&idle_)) != 0 &&
                            uv_timer_get_due_in(&idle_) <= ms;
  if (looks_before) return;
  uv_timer_start(
      &idle_, [](uv_timer_t* timer) { static_cast<CurlClient*>(timer->data)->end_silent(); }, ms,
      0);
}

// One look at all of them, not more often than one of them may be due.
void CurlClient::end_silent() {
  const uint64_t now = uv_now(loop_);
  for (size_t i = 0; i < transfers_.size(); ++i) {  // those whose end is told may begin others
    Transfer* const transfer = transfers_[i].get();
    if (transfer == nullptr || !transfer->running || transfer->paused) continue;
    if (transfer->heard_ms == 0 || transfer->idle_ms == 0) continue;
    const uint64_t due = transfer->heard_ms + transfer->idle_ms;
    if (due <= now) {
      transfer->silent = true;
      finish(*transfer, CURLE_OPERATION_TIMEDOUT);
    } else {
      look_for_silence_in(due - now);
    }
  }
}

void CurlClient::finish(Transfer& transfer, CURLcode code) {
  CallResult result;
  try {
    result = transfer.result(code);
  } catch (const std::bad_alloc&) {
    result.status = core::Status::kNoMem;
  }
  const std::function<void(CallResult)> on_done = std::move(transfer.on_done);
  stop(transfer);
  release(transfer);
  run_waiting();
  if (on_done) on_done(std::move(result));
}

// Closes the connection unless the call on it is complete.
void CurlClient::stop(Transfer& transfer) {
  if (!transfer.running) return;
  curl().multi_remove_handle(multi_, transfer.easy());
  transfer.running = false;
  --running_;
}

void CurlClient::release(Transfer& transfer) {
  const size_t slot = static_cast<size_t>(transfer.id & 0xFFFFFFFFU) - 1;
  transfer.reset();
  free_slots_.push_back(slot);
}

void CurlClient::cancel(CallId id) {
  Transfer* const transfer = find(id);
  if (transfer == nullptr) return;
  stop(*transfer);
  release(*transfer);
  run_waiting();
}

void CurlClient::close_handle(uv_handle_t* handle) {
  uv_close(handle,
           [](uv_handle_t* closed) { static_cast<CurlClient*>(closed->data)->handles_.release(); });
}

void CurlClient::close(std::function<void()> closed) {
  if (closing_) return;
  closing_ = true;
  handles_.none_left = std::move(closed);
  waiting_.clear();
  failed_.clear();
  for (const auto& transfer : transfers_) {
    if (transfer != nullptr && transfer->id != 0) stop(*transfer);
  }
  transfers_.clear();
  free_slots_.clear();
  generations_.clear();
  curl().multi_cleanup(std::exchange(multi_, nullptr));
  sockets_.close_all();
  close_handle(reinterpret_cast<uv_handle_t*>(&timer_));
  close_handle(reinterpret_cast<uv_handle_t*>(&soon_));
  close_handle(reinterpret_cast<uv_handle_t*>(&idle_));
}

}  // namespace

core::Result<std::unique_ptr<Client>> create_client(uv_loop_s* loop, ClientOptions options) {
  if (const auto& loaded = load_curl(); !loaded) return loaded.error();
  auto client = std::make_unique<CurlClient>(loop, options);
  if (client->open()) return std::unique_ptr<Client>(std::move(client));
  return core::Error{core::Status::kNoMem, "libcurl gave no multi handle", ""};
}

}  // namespace llmq::http
