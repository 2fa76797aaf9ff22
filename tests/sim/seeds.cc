#include "tests/sim/seeds.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "tests/sim/features.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

using Unsigned = unsigned long long;

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Totals {
  uint64_t requests = 0;
  uint64_t replayed = 0;  // simulated a second time
  double seconds = 0;
  double cpu_seconds = 0;  // of all threads
  uint64_t steps = 0;
  uint64_t events = 0;
  uint64_t judged = 0;  // runs in which the provider must refuse nothing
  uint64_t runs = 0;
  uint64_t projected = 0;
  uint64_t overdrawn = 0;

  double in(double time) const {
    return time > 0 ? static_cast<double>(requests + replayed) / time : 0;
  }
  double per_cpu_second() const { return in(cpu_seconds); }
  double per_second() const { return in(seconds); }
};

// I6: the same seed gives the same decisions.
void replay(World& world, const Scenario& scenario, const Outcome& first, Findings& findings) {
  Findings again;
  const Outcome second = world.run(scenario, again, nullptr);
  if (second.hash == first.hash && second.steps == first.steps) return;
  findings.add(6, 0, "a second run decided otherwise: hash %016llx, then %016llx",
               static_cast<Unsigned>(first.hash), static_cast<Unsigned>(second.hash));
}

class Runner {
 public:
  explicit Runner(const Seeds& seeds) : seeds_(seeds), begin_(now_seconds()) {}

  int run();

 private:
  void run_all(bool oracle, Totals& totals);
  void work(const std::vector<uint64_t>& mine, Totals& totals);
  void add(const Scenario& scenario, const Outcome& outcome, const Findings& findings,
           Totals& totals);
  void report() const;
  void write_json() const;
  bool is_late() const { return seeds_.seconds > 0 && now_seconds() - begin_ > seeds_.seconds; }

  const Seeds& seeds_;
  const double begin_;
  std::atomic<size_t> next_{0};
  std::mutex mutex_;  // of all below
  Totals fast_;
  Totals slow_;
  Findings findings_;
  uint64_t failed_ = 0;
};

void Runner::work(const std::vector<uint64_t>& mine, Totals& totals) {
  World world;
  const double from = thread_cpu_seconds();
  while (!is_late()) {
    const size_t index = next_.fetch_add(1);
    if (index >= mine.size()) break;
    const uint64_t seed = mine[index];
    const Scenario scenario = scenario_of(seed, seeds_.has_oracle(seed));
    Findings findings;
    const Outcome outcome = world.run(scenario, findings, nullptr);
    if (scenario.oracle) replay(world, scenario, outcome, findings);
    add(scenario, outcome, findings, totals);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  totals.cpu_seconds += thread_cpu_seconds() - from;
}

void Runner::add(const Scenario& scenario, const Outcome& outcome, const Findings& findings,
                 Totals& totals) {
  const std::lock_guard<std::mutex> lock(mutex_);
  totals.requests += outcome.requests;
  if (scenario.oracle) totals.replayed += outcome.requests;
  totals.steps += outcome.steps;
  totals.events += outcome.events;
  totals.judged += scenario.judged() ? 1 : 0;
  totals.projected += outcome.projected;
  totals.overdrawn += outcome.overdrawn;
  ++totals.runs;
  if (findings.total() == 0) return;
  ++failed_;
  std::printf("%s\n", scenario.text().c_str());
  for (const std::string& text : findings.texts()) std::printf("  %s\n", text.c_str());
  std::printf("  replay: ./dev sim --seed %llu --trace%s\n", static_cast<Unsigned>(scenario.seed),
              seeds_.oracle ? " --oracle" : "");
  findings_.add_counts(findings);
}

// One kind of seeds after the other, so that each has its own speed.
void Runner::run_all(bool oracle, Totals& totals) {
  std::vector<uint64_t> mine;
  for (uint64_t seed = seeds_.first; seed != seeds_.first + seeds_.count; ++seed) {
    if (seeds_.has_oracle(seed) == oracle) mine.push_back(seed);
  }
  next_ = 0;
  const double from = now_seconds();
  std::vector<std::thread> threads;
  for (uint64_t i = 1; i < std::min<uint64_t>(seeds_.jobs, mine.size()); ++i) {
    threads.emplace_back([&] { work(mine, totals); });
  }
  work(mine, totals);
  for (std::thread& thread : threads) thread.join();
  totals.seconds = now_seconds() - from;
}

int Runner::run() {
  run_all(false, fast_);
  run_all(true, slow_);
  const uint64_t projected = fast_.projected + slow_.projected;
  const uint64_t overdrawn = fast_.overdrawn + slow_.overdrawn;
  std::printf("%llu of %llu calls refused where output is projected (1 of 10,000 may be)\n",
              static_cast<Unsigned>(overdrawn), static_cast<Unsigned>(projected));
  if (overdrawn > 1 + projected / 10'000) {
    findings_.add(1, 0, "too many");
    std::printf("  I1 at the end: too many\n");
    ++failed_;
  }
  report();
  if (!seeds_.json.empty()) write_json();
  return failed_ == 0 ? 0 : 1;
}

void Runner::report() const {
  std::printf(
      "%llu seeds, %llu simulated requests on %llu threads: %.0f/s with cheap checks, %.0f/s under "
      "the oracle (per second of processor time %.0f and %.0f); %.1f events a request; %llu runs "
      "in "
      "which nothing may be refused; %llu violations in %llu seeds\n",
      static_cast<Unsigned>(fast_.runs + slow_.runs),
      static_cast<Unsigned>(fast_.requests + slow_.requests), static_cast<Unsigned>(seeds_.jobs),
      fast_.per_second(), slow_.per_second(), fast_.per_cpu_second(), slow_.per_cpu_second(),
      static_cast<double>(fast_.events + slow_.events) /
          static_cast<double>(std::max<uint64_t>(fast_.requests + slow_.requests, 1)),
      static_cast<Unsigned>(fast_.judged + slow_.judged), static_cast<Unsigned>(findings_.total()),
      static_cast<Unsigned>(failed_));
  const Features& core = features();
  std::printf(
      "core: bucket %d, paced %d, quantised %d, live changes %d, unknown charge %d, pools %d\n",
      core.bucket, core.paced, core.quantised, core.live_changes, core.unknown_charge,
      core.pools_wake);
}

void Runner::write_json() const {
  std::FILE* file = std::fopen(seeds_.json.c_str(), "w");
  if (file == nullptr) {
    (void)std::fprintf(stderr, "llmq_sim: cannot write %s\n", seeds_.json.c_str());
    std::exit(2);
  }
  (void)std::fprintf(
      file,
      "{\"simulated_requests\": %llu, \"requests_per_s\": %.0f, "
      "\"oracle_requests_per_s\": %.0f, \"threads\": %llu, "
      "\"requests_per_cpu_s\": %.0f, \"oracle_requests_per_cpu_s\": %.0f, \"violations\": %llu, "
      "\"seeds_failed\": %llu, \"seeds\": %llu, \"oracle_seeds\": %llu, "
      "\"seeds_without_refusal_allowed\": %llu, \"engine_steps\": %llu, "
      "\"events\": %llu, "
      "\"violations_by_invariant\": {",
      static_cast<Unsigned>(fast_.requests + slow_.requests), fast_.per_second(),
      slow_.per_second(), static_cast<Unsigned>(seeds_.jobs), fast_.per_cpu_second(),
      slow_.per_cpu_second(), static_cast<Unsigned>(findings_.total()),
      static_cast<Unsigned>(failed_), static_cast<Unsigned>(fast_.runs + slow_.runs),
      static_cast<Unsigned>(slow_.runs), static_cast<Unsigned>(fast_.judged + slow_.judged),
      static_cast<Unsigned>(fast_.steps + slow_.steps),
      static_cast<Unsigned>(fast_.events + slow_.events));
  const char* comma = "";
  for (int i = 1; i < kInvariants; ++i) {
    if (findings_.of(i) == 0) continue;
    (void)std::fprintf(file, "%s\"I%d\": %llu", comma, i, static_cast<Unsigned>(findings_.of(i)));
    comma = ", ";
  }
  (void)std::fprintf(file, "}}\n");
  (void)std::fclose(file);
}

}  // namespace

int run_seeds(const Seeds& seeds) { return Runner(seeds).run(); }

}  // namespace llmq::simulator
