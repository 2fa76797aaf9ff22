#include "tests/sim/replay.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "tests/sim/trace_run.h"

namespace llmq::simulator {
namespace {

constexpr int64_t kMinute = 60'000'000'000;
constexpr int64_t kJitter = 250'000'000;
constexpr std::array<int, 3> kPercents{100, 60, 40};
constexpr std::array<const char*, 5> kPriorities{"", "urgent", "high", "normal", "batch"};
constexpr uint32_t kTenants = 5;

using MakeScheduler = std::unique_ptr<Scheduler> (*)(std::vector<Job>&, const Limits&);
constexpr std::array<MakeScheduler, 3> kSchedulers{fifo_scheduler, greedy_scheduler,
                                                   engine_scheduler};

struct Row {
  int percent;
  const char* provider;
  std::string scheduler;
  TraceResult result;
  std::array<double, 10> by_priority{};  // p50, p99 of 1 .. 4
  std::array<double, 2 * kTenants> by_tenant{};
  double largest = 0;
  double all_p50 = 0;
  double all_p99 = 0;
};

// Tokens per minute that the trace needs on average over its busiest hour.
int64_t needed(const std::vector<Job>& jobs) {
  int64_t most = 0;
  int64_t sum = 0;
  size_t begin = 0;
  for (const Job& job : jobs) {
    sum += job.tokens();
    while (job.arrival - jobs[begin].arrival >= 60 * kMinute) sum -= jobs[begin++].tokens();
    most = std::max(most, sum);
  }
  const int64_t length = std::min(jobs.back().arrival - jobs.front().arrival, 60 * kMinute);
  return std::max<int64_t>(most * 60'000 / std::max<int64_t>(length / 1'000'000, 1), 1);
}

Row run(const std::vector<Job>& trace, int percent, Algorithm algorithm, MakeScheduler make,
        int64_t top) {
  std::vector<Job> jobs = trace;
  TraceSetup setup;
  Rule& rule = setup.limits.tokens;
  rule.algorithm = algorithm;
  rule.period = kMinute;
  rule.amount = needed(trace) * percent / 100;
  const auto by_size = [](const Job& a, const Job& b) { return a.tokens() < b.tokens(); };
  const int64_t largest = std::max_element(trace.begin(), trace.end(), by_size)->tokens();
  rule.amount = std::max(rule.amount, largest + largest / 4);
  if (algorithm == Algorithm::kBucket) rule.burst = rule.amount;
  setup.limits.jitter = kJitter;
  const std::unique_ptr<Scheduler> scheduler = make(jobs, setup.limits);
  Row row{percent, algorithm_name(algorithm), scheduler->name(),
          run_trace(jobs, *scheduler, setup)};
  for (uint8_t priority = 1; priority <= 4; ++priority) {
    const auto of = [priority](const Job& job) { return job.priority == priority; };
    row.by_priority[2 * priority] = wait_of(jobs, 500, of);
    row.by_priority[2 * priority + 1] = wait_of(jobs, 990, of);
  }
  for (uint32_t tenant = 0; tenant < kTenants; ++tenant) {
    const auto of = [tenant](const Job& job) { return job.tenant == tenant; };
    row.by_tenant[2 * tenant] = wait_of(jobs, 500, of);
    row.by_tenant[2 * tenant + 1] = wait_of(jobs, 990, of);
  }
  row.largest = wait_of(jobs, 1000, [top](const Job& job) { return job.tokens() >= top; });
  const auto all = [](const Job&) { return true; };
  row.all_p50 = wait_of(jobs, 500, all);
  row.all_p99 = wait_of(jobs, 990, all);
  return row;
}

void print_markdown(const std::vector<Row>& rows, const std::vector<Job>& trace, int64_t top) {
  std::printf(
      "The trace's %zu calls need %lld tokens/min (the mean over its busiest hour); percentages "
      "are "
      "of that. Estimates are exact, J = 250 ms. Use: tokens accepted, of what the limit gives "
      "from "
      "the first call to the last accepted one. Waits from submission to the first start, in "
      "seconds, p50 / p99. Largest calls: the top 1 %%, from %lld tokens on.\n\n",
      trace.size(), static_cast<long long>(needed(trace)), static_cast<long long>(top));
  std::printf("| limit | provider | scheduler | use | 429s | last call, min | all |");
  for (size_t i = 1; i < kPriorities.size(); ++i) std::printf(" %s |", kPriorities[i]);
  std::printf(" longest of the largest |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Row& row : rows) {
    std::printf("| %d %% | %s | %s | %.1f %% | %llu | %.1f | %.1f / %.1f |", row.percent,
                row.provider, row.scheduler.c_str(), 100 * row.result.use,
                static_cast<unsigned long long>(row.result.refused),
                static_cast<double>(row.result.last - row.result.first) / 6e10, row.all_p50,
                row.all_p99);
    for (size_t i = 1; i < kPriorities.size(); ++i) {
      std::printf(" %.1f / %.1f |", row.by_priority[2 * i], row.by_priority[2 * i + 1]);
    }
    std::printf(" %.1f |\n", row.largest);
  }
  std::printf("\nBy tenant (shares of the calls 1 : 1/2 : 1/3 : 1/4 : 1/5, equal weights):\n\n");
  std::printf(
      "| limit | provider | scheduler | A | B | C | D | E |\n|---|---|---|---|---|---|---|---|\n");
  for (const Row& row : rows) {
    std::printf("| %d %% | %s | %s |", row.percent, row.provider, row.scheduler.c_str());
    for (size_t i = 0; i < kTenants; ++i) {
      std::printf(" %.1f / %.1f |", row.by_tenant[2 * i], row.by_tenant[2 * i + 1]);
    }
    std::printf("\n");
  }
}

void print_json(const std::vector<Row>& rows, int64_t need) {
  std::printf("{\"needed_tokens_per_min\": %lld, \"runs\": [", static_cast<long long>(need));
  const char* comma = "";
  for (const Row& row : rows) {
    std::printf(
        "%s\n  {\"percent\": %d, \"provider\": \"%s\", \"scheduler\": \"%s\", \"use\": %.4f, "
        "\"refused\": %llu, \"accepted\": %llu, \"last_s\": %.3f, \"wait_p50_s\": %.3f, "
        "\"wait_p99_s\": %.3f, \"largest_wait_s\": %.3f",
        comma, row.percent, row.provider, row.scheduler.c_str(), row.result.use,
        static_cast<unsigned long long>(row.result.refused),
        static_cast<unsigned long long>(row.result.accepted),
        static_cast<double>(row.result.last - row.result.first) / 1e9, row.all_p50, row.all_p99,
        row.largest);
    comma = ",";
    for (size_t i = 1; i < kPriorities.size(); ++i) {
      std::printf(", \"%s\": [%.3f, %.3f]", kPriorities[i], row.by_priority[2 * i],
                  row.by_priority[2 * i + 1]);
    }
    for (size_t i = 0; i < kTenants; ++i) {
      std::printf(", \"tenant_%c\": [%.3f, %.3f]", static_cast<char>('a' + i), row.by_tenant[2 * i],
                  row.by_tenant[2 * i + 1]);
    }
    std::printf("}");
  }
  std::printf("\n]}\n");
}

}  // namespace

int replay_trace(const std::string& file, bool json) {
  std::vector<Job> trace;
  const std::string wrong = read_trace(file, trace);
  if (!wrong.empty()) {
    (void)std::fprintf(stderr, "llmq_sim: %s\n", wrong.c_str());
    return 2;
  }
  assign(trace, 1);
  std::vector<int64_t> sizes;
  for (const Job& job : trace) sizes.push_back(job.tokens());
  std::sort(sizes.begin(), sizes.end());
  const int64_t top = sizes[sizes.size() - 1 - sizes.size() / 100];
  std::vector<Row> rows;
  for (const int percent : kPercents) {
    for (const Algorithm algorithm : {Algorithm::kSliding, Algorithm::kBucket}) {
      for (const MakeScheduler make : kSchedulers) {
        rows.push_back(run(trace, percent, algorithm, make, top));
      }
    }
  }
  if (json) {
    print_json(rows, needed(trace));
  } else {
    print_markdown(rows, trace, top);
  }
  return 0;
}

}  // namespace llmq::simulator
