// Calls over HTTP through the built-in provider, beside a bare libcurl multi loop on libuv that
// parses each answer with cJSON, on the same server with as many connections, in turn.
#include <benchmark/benchmark.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "bench_support.h"
#include "nginx.h"

namespace llmq::bench {
namespace {

constexpr const char* kBody =
    R"({"model":"bench","messages":[{"role":"user","content":"What is six times seven?"}],)"
    R"("max_tokens":16})";

// Every request is answered with the same JSON, of the size of a short answer of a provider.
constexpr const char* kServer =
    R"(location / { default_type application/json; return 200 ')"
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"bench",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"The answer is forty-two."},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":7,)"
    R"("total_tokens":19}}'; })";

// One easy handle after the other is given the next call until `total` calls have ended.
class BareClient {
 public:
  BareClient(const std::string& base_url, int connections) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &timer_);
    timer_.data = this;
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &BareClient::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &BareClient::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    headers_ = curl_slist_append(nullptr, "Content-Type: application/json");
    headers_ = curl_slist_append(headers_, "Authorization: Bearer sk-bench");
    headers_ = curl_slist_append(headers_, "Expect:");
    const std::string url = base_url + "/chat/completions";
    for (int i = 0; i < connections; ++i) add_call(url);
  }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;
  ~BareClient() {
    for (const auto& call : calls_) curl_easy_cleanup(call->easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  int64_t run(int64_t total) {
    const int64_t start = llmq_now_ns();
    left_to_start_ = total;
    left_to_end_ = total;
    for (const auto& call : calls_) next(*call);
    while (left_to_end_ > 0) uv_run(&loop_, UV_RUN_ONCE);
    return llmq_now_ns() - start;
  }

 private:
  struct Call {
    CURL* easy;
    std::string answer;
  };
  struct Watch {
    uv_poll_t poll;
    curl_socket_t socket;
    BareClient* client;
  };

  void add_call(const std::string& url) {
    calls_.push_back(std::make_unique<Call>());
    Call& call = *calls_.back();
    call.easy = curl_easy_init();
    curl_easy_setopt(call.easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(call.easy, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(call.easy, CURLOPT_POSTFIELDS, kBody);
    curl_easy_setopt(call.easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call.easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(call.easy, CURLOPT_PRIVATE, &call);
    curl_easy_setopt(call.easy, CURLOPT_WRITEDATA, &call);
    curl_easy_setopt(
        call.easy, CURLOPT_WRITEFUNCTION, +[](char* data, size_t size, size_t count, void* to) {
          static_cast<Call*>(to)->answer.append(data, size * count);
          return size * count;
        });
  }

  void next(Call& call) {
    if (left_to_start_ == 0) return;
    --left_to_start_;
    call.answer.clear();
    curl_multi_add_handle(multi_, call.easy);
  }

  void act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, events, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi_, &running)) {
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    }
  }

  void end(CURL* easy, CURLcode code) {
    char* of = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &of);
    Call& call = *reinterpret_cast<Call*>(of);
    cJSON* const parsed = cJSON_ParseWithLength(call.answer.data(), call.answer.size());
    if (code != CURLE_OK || parsed == nullptr) check(LLMQ_ERR_INTERNAL, "bare call");
    cJSON_Delete(parsed);
    curl_multi_remove_handle(multi_, easy);
    --left_to_end_;
    next(call);
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    auto& client = *static_cast<BareClient*>(self);
    auto* watch = static_cast<Watch*>(known);
    if (what == CURL_POLL_REMOVE) {
      if (watch == nullptr) return 0;
      curl_multi_assign(client.multi_, socket, nullptr);
      uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), [](uv_handle_t* handle) {
        const std::unique_ptr<Watch> closed(static_cast<Watch*>(handle->data));
      });
      return 0;
    }
    if (watch == nullptr) {
      watch = std::make_unique<Watch>().release();  // freed when libuv has closed it
      watch->socket = socket;
      watch->client = &client;
      uv_poll_init_socket(&client.loop_, &watch->poll, socket);
      watch->poll.data = watch;
      curl_multi_assign(client.multi_, socket, watch);
    }
    const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                       ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, events, [](uv_poll_t* handle, int, int ready) {
      const auto* const of = static_cast<Watch*>(handle->data);
      of->client->act(of->socket, ((ready & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                                      ((ready & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0));
    });
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* self) {
    auto& client = *static_cast<BareClient*>(self);
    if (timeout_ms < 0) return uv_timer_stop(&client.timer_);
    return uv_timer_start(
        &client.timer_,
        [](uv_timer_t* timer) {
          static_cast<BareClient*>(timer->data)->act(CURL_SOCKET_TIMEOUT, 0);
        },
        static_cast<uint64_t>(timeout_ms), 0);
  }

  uv_loop_t loop_{};
  uv_timer_t timer_{};
  CURLM* multi_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::vector<std::unique_ptr<Call>> calls_;
  int64_t left_to_start_ = 0;
  int64_t left_to_end_ = 0;
};

// The same calls through a manager.
class OurClient {
 public:
  OurClient(const std::string& base_url, const char* concurrency) {
    llmq_conf_t* conf = nullptr;
    check(llmq_conf_create(&conf), "conf");
    check(llmq_conf_set(conf, "model.bench.provider", "openai", nullptr), "provider");
    check(llmq_conf_set(conf, "model.bench.base_url", base_url.c_str(), nullptr), "base_url");
    check(llmq_conf_set(conf, "model.bench.rpm", "1000000000", nullptr), "rpm");
    check(llmq_conf_set(conf, "model.bench.tpm", "1000000000000", nullptr), "tpm");
    check(llmq_conf_set(conf, "model.bench.shape", "sliding", nullptr), "shape");
    check(llmq_conf_set(conf, "model.bench.concurrency", concurrency, nullptr), "concurrency");
    setenv("OPENAI_API_KEY", "sk-bench", 1);
    check(llmq_manager_create(conf, &manager_, nullptr), "manager");
    llmq_conf_free(conf);
    check(llmq_cq_create(&cq_), "cq");
  }
  OurClient(const OurClient&) = delete;
  OurClient& operator=(const OurClient&) = delete;
  ~OurClient() {
    llmq_manager_destroy(manager_);
    llmq_cq_unref(cq_);
  }

  int64_t run(int64_t total, int64_t outstanding) {
    llmq_request_t request = call();
    request.cq = cq_;
    std::array<llmq_event_t, 256> events{};
    int64_t submitted = 0;
    int64_t answered = 0;
    const int64_t start = llmq_now_ns();
    while (answered < total) {
      while (submitted < total && submitted - answered < outstanding) {
        check(llmq_submit(manager_, &request, nullptr), "submit");
        ++submitted;
      }
      check(llmq_cq_wait(cq_, -1), "wait");
      events[0].stride = sizeof(llmq_event_t);
      const size_t n = llmq_cq_drain(cq_, events.data(), events.size());
      for (size_t i = 0; i < n; ++i) check(events[i].status, "request");
      llmq_events_release(events.data(), sizeof(llmq_event_t), n);
      answered += static_cast<int64_t>(n);
    }
    return llmq_now_ns() - start;
  }

  // The nanoseconds of each of `total` calls, one after the other, from the loop's thread.
  std::vector<int64_t> run_chain(int64_t total) {
    Chain chain{this, total, llmq_now_ns(), {}, {}};
    submit_next(chain);
    chain.done.get_future().wait();
    return std::move(chain.samples);
  }

 private:
  struct Chain {
    OurClient* client;
    int64_t left;
    int64_t started;
    std::vector<int64_t> samples;
    std::promise<void> done;
  };

  static llmq_request_t call() {
    llmq_request_t request{};
    request.struct_size = sizeof request;
    request.operation = LLMQ_OP_CHAT;
    request.model = "bench";
    request.model_len = 5;
    request.payload = kBody;
    request.payload_len = std::char_traits<char>::length(kBody);
    return request;
  }

  static void submit_next(Chain& chain) {
    llmq_request_t request = call();
    request.done_user = &chain;
    request.done_fn = [](void* user, const llmq_event_t* event) {
      auto& of = *static_cast<Chain*>(user);
      check(event->status, "request");
      const int64_t now = llmq_now_ns();
      of.samples.push_back(now - of.started);
      of.started = now;
      if (--of.left == 0) return of.done.set_value();
      submit_next(of);
    };
    check(llmq_submit(chain.client->manager_, &request, nullptr), "submit");
  }

  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
};

double per_second(int64_t count, int64_t elapsed_ns) {
  return static_cast<double>(count) * 1e9 / static_cast<double>(elapsed_ns);
}

void http_throughput(benchmark::State& state) {
  const test::Nginx server(kServer);
  if (!server.runs()) return state.SkipWithError("nginx is not installed");
  constexpr int64_t kCalls = 40'000;
  BareClient bare(server.url() + "/v1", 64);
  OurClient ours(server.url() + "/v1", "64");
  bare.run(kCalls / 10);
  ours.run(kCalls / 10, 256);
  for (auto _ : state) {
    const double theirs = per_second(kCalls, bare.run(kCalls));
    // More are queued than run, as in a batch: a free slot finds the next call waiting.
    const double our = per_second(kCalls, ours.run(kCalls, 256));
    state.counters["http_bare_per_s"] = theirs;
    state.counters["http_llmq_per_s"] = our;
    state.counters["http_ratio"] = our / theirs;
  }
}
BENCHMARK(http_throughput)->Iterations(1)->Repetitions(7)->Unit(benchmark::kMillisecond);

double median(std::vector<int64_t>& samples) {
  std::sort(samples.begin(), samples.end());
  return static_cast<double>(samples[samples.size() / 2]);
}

// One call at a time, the two clients in turn: what llmq adds to a call, hand-overs between the
// caller's thread and the loop included, and without them: each call submitted by the callback of
// the one before.
void http_latency(benchmark::State& state) {
  const test::Nginx server(kServer);
  if (!server.runs()) return state.SkipWithError("nginx is not installed");
  constexpr int64_t kCalls = 5'000;
  BareClient bare(server.url() + "/v1", 1);
  OurClient ours(server.url() + "/v1", "1");
  for (auto _ : state) {
    std::vector<int64_t> theirs;
    std::vector<int64_t> our;
    for (int64_t i = 0; i < kCalls; ++i) {
      theirs.push_back(bare.run(1));
      our.push_back(ours.run(1, 1));
    }
    std::vector<int64_t> chained = ours.run_chain(kCalls);
    state.counters["http_bare_p50_ns"] = median(theirs);
    state.counters["http_added_p50_ns"] = median(our) - median(theirs);
    state.counters["http_added_on_loop_p50_ns"] = median(chained) - median(theirs);
  }
}
BENCHMARK(http_latency)->Iterations(1)->Repetitions(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
