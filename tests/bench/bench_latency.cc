// submit -> response on an idle manager, beside a bare uv_async there and a condition variable
// back, sample by sample in turn, so that both see the same machine.
#include <benchmark/benchmark.h>
#include <uv.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "bench_support.h"

namespace llmq::bench {
namespace {

constexpr int kSamples = 20'000;
constexpr int kWarm = 500;

// A thread in uv_run that answers each uv_async_send through a condition variable.
class BareLoop {
 public:
  BareLoop() {
    uv_loop_init(&loop_);
    async_.data = this;
    uv_async_init(&loop_, &async_,
                  [](uv_async_t* handle) { static_cast<BareLoop*>(handle->data)->answer(); });
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;
  ~BareLoop() {
    stop_ = true;
    uv_async_send(&async_);
    thread_.join();
    uv_loop_close(&loop_);
  }

  void round_trip() {
    std::unique_lock<std::mutex> lock(mutex_);
    answered_ = false;
    uv_async_send(&async_);
    changed_.wait(lock, [this] { return answered_; });
  }

 private:
  void answer() {
    if (stop_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      answered_ = true;
    }
    changed_.notify_one();
  }

  uv_loop_t loop_{};
  uv_async_t async_{};
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answered_ = false;
  std::atomic<bool> stop_{false};
};

void request_round_trip(const NoopManager& manager, llmq_cq_t* cq) {
  llmq_request_t request = manager.request();
  request.cq = cq;
  check(llmq_submit(manager.get(), &request, nullptr), "submit");
  check(llmq_cq_wait(cq, -1), "wait");
  llmq_event_t event{};
  event.stride = sizeof event;
  if (llmq_cq_drain(cq, &event, 1) != 1) check(LLMQ_ERR_INTERNAL, "drain");
  llmq_events_release(&event, sizeof event, 1);
}

double percentile(std::vector<int64_t>& samples, double share) {
  std::sort(samples.begin(), samples.end());
  const auto index = static_cast<size_t>(share * static_cast<double>(samples.size() - 1));
  return static_cast<double>(samples[index]);
}

void idle_latency(benchmark::State& state) {
  for (auto _ : state) {
    const NoopManager manager;
    BareLoop bare;
    llmq_cq_t* cq = nullptr;
    check(llmq_cq_create(&cq), "cq");
    std::vector<int64_t> ours;
    std::vector<int64_t> bares;
    for (int i = 0; i < kWarm + kSamples; ++i) {
      const int64_t start = llmq_now_ns();
      request_round_trip(manager, cq);
      const int64_t between = llmq_now_ns();
      bare.round_trip();
      const int64_t end = llmq_now_ns();
      if (i < kWarm) continue;
      ours.push_back(between - start);
      bares.push_back(end - between);
    }
    llmq_cq_unref(cq);
    state.counters["idle_p50_ns"] = percentile(ours, 0.50);
    state.counters["idle_p99_ns"] = percentile(ours, 0.99);
    state.counters["bare_wake_p50_ns"] = percentile(bares, 0.50);
    state.counters["bare_wake_p99_ns"] = percentile(bares, 0.99);
  }
}
BENCHMARK(idle_latency)->Iterations(1)->Repetitions(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
