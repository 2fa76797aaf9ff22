// No-op requests end to end through the C API: submitted one by one, admitted by three limits,
// processed, settled, answered - by completion queue or callback, from one or two submitting
// threads.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "bench_support.h"

namespace llmq::bench {

int64_t run_through_queue(const NoopManager& manager, uint64_t total, uint64_t outstanding) {
  llmq_cq_t* cq = nullptr;
  check(llmq_cq_create(&cq), "cq");
  llmq_request_t request = manager.request();
  request.cq = cq;
  std::array<llmq_event_t, 256> events{};
  uint64_t submitted = 0;
  uint64_t answered = 0;
  const auto drain = [&] {
    events[0].stride = sizeof(llmq_event_t);
    const size_t n = llmq_cq_drain(cq, events.data(), events.size());
    for (size_t i = 0; i < n; ++i) check(events[i].status, "request");
    llmq_events_release(events.data(), sizeof(llmq_event_t), n);
    answered += n;
    return n;
  };
  const int64_t start = llmq_now_ns();
  while (answered < total) {
    while (submitted < total && submitted - answered < outstanding) {
      check(llmq_submit(manager.get(), &request, nullptr), "submit");
      if (++submitted % 64 == 0) drain();
    }
    if (drain() == 0) check(llmq_cq_wait(cq, -1), "wait");
  }
  const int64_t elapsed = llmq_now_ns() - start;
  llmq_cq_unref(cq);
  return elapsed;
}

namespace {

constexpr uint64_t kRequests = 2'000'000;
constexpr uint64_t kOutstanding = 4096;

// Counts the answers of one submitting thread, and wakes it when a quarter of its window is free.
struct Answers {
  std::atomic<uint64_t> count{0};
  std::atomic<uint64_t> wanted{UINT64_MAX};
  std::mutex mutex;
  std::condition_variable reached;

  static void add(void* user, const llmq_event_t* event) {
    check(event->status, "request");
    auto* answers = static_cast<Answers*>(user);
    const uint64_t count = answers->count.fetch_add(1) + 1;
    if (count < answers->wanted.load()) return;
    const std::lock_guard<std::mutex> lock(answers->mutex);
    answers->reached.notify_one();
  }

  void wait_for(uint64_t least) {
    wanted.store(least);
    std::unique_lock<std::mutex> lock(mutex);
    reached.wait(lock, [&] { return count.load() >= least; });
    wanted.store(UINT64_MAX);
  }
};

void run_through_callbacks(const NoopManager& manager, uint64_t total) {
  Answers answers;
  llmq_request_t request = manager.request();
  request.done_fn = &Answers::add;
  request.done_user = &answers;
  for (uint64_t submitted = 0; submitted < total; ++submitted) {
    if (submitted - answers.count.load(std::memory_order_relaxed) >= kOutstanding) {
      answers.wait_for(submitted - kOutstanding * 3 / 4);
    }
    check(llmq_submit(manager.get(), &request, nullptr), "submit");
  }
  answers.wait_for(total);
  const std::lock_guard<std::mutex> lock(answers.mutex);  // the last callback has left
}

template <typename Run>
double requests_per_second(int threads, Run&& run) {
  const int64_t start = llmq_now_ns();
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
  const auto elapsed = static_cast<double>(llmq_now_ns() - start);
  return static_cast<double>(kRequests) * 1e9 / elapsed;
}

void queue_throughput(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    const NoopManager manager;
    run_through_queue(manager, kRequests / 20, kOutstanding);  // warm
    const uint64_t each = kRequests / static_cast<uint64_t>(threads);
    state.counters["throughput_cq_" + std::to_string(threads)] = requests_per_second(threads, [&] {
      run_through_queue(manager, each, kOutstanding / static_cast<uint64_t>(threads));
    });
  }
}
BENCHMARK(queue_throughput)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->Repetitions(3)
    ->Unit(benchmark::kMillisecond);

void callback_throughput(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    const NoopManager manager;
    run_through_callbacks(manager, kRequests / 20);  // warm
    const uint64_t each = kRequests / static_cast<uint64_t>(threads);
    state.counters["throughput_cb_" + std::to_string(threads)] =
        requests_per_second(threads, [&] { run_through_callbacks(manager, each); });
  }
}
BENCHMARK(callback_throughput)
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->Repetitions(3)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace llmq::bench
