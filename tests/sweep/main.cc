// llmq_sweep: shape auto against many providers, under the virtual clock. Every combination of
// shape, charge, latency and headers, under several published limits and sizes of calls; the cells
// that miss their bound come last.
//
//   llmq_sweep [--seeds N] [--only TEXT] [--watch]
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/limit/limit_names.h"
#include "tests/support/learning_run.h"

namespace llmq::sweep {
namespace {

using sim::LearningCase;
using sim::LearningResult;

struct Options {
  uint64_t seeds = 10;
  std::string only;
  bool watch = false;
};

struct Bound {
  double share;
  double time;
};

struct Cell {
  LearningCase what;
  Bound bound;
  std::vector<double> shares;
  std::vector<double> times;
  uint64_t worst_seed = 0;

  double share() const { return shares[shares.size() / 2]; }
  double time() const { return times[times.size() / 2]; }
  bool kept() const { return share() <= bound.share && time() <= bound.time; }
};

template <typename Change>
std::vector<LearningCase> vary(const std::vector<LearningCase>& from, const Change& change) {
  std::vector<LearningCase> all;
  for (const LearningCase& one : from) change(one, all);
  return all;
}

void add(std::vector<LearningCase>& all, LearningCase what, const char* name) {
  what.name += what.name.empty() ? name : std::string(" ") + name;
  all.push_back(std::move(what));
}

void shapes(const LearningCase& base, std::vector<LearningCase>& all) {
  LearningCase what = base;
  what.shape = mock::Shape::kBucket;
  for (const auto& [name, ppm] : {std::pair{"bucket_1", 1'000'000},
                                  {"bucket_05", 500'000},
                                  {"bucket_025", 250'000},
                                  {"bucket_01", 100'000},
                                  {"bucket_005", 50'000}}) {
    what.burst_ppm = ppm;
    add(all, what, name);
  }
  what = base;
  what.shape = mock::Shape::kBucket;
  what.burst_ppm = 100'000;
  what.reset = mock::BucketReset::kAmount;
  add(all, what, "bucket_01_amount");
  what = base;
  what.shape = mock::Shape::kFixed;
  add(all, what, "fixed");
  what.shape = mock::Shape::kSliding;
  add(all, what, "sliding");
  what.shape = mock::Shape::kTwoBucket;
  add(all, what, "two_bucket");
  what.shape = mock::Shape::kQuantised;
  add(all, what, "slices_1s");
  what.slice = core::seconds(10);
  if (what.period > core::seconds(10)) add(all, what, "slices_10s");
}

void charges(const LearningCase& base, std::vector<LearningCase>& all) {
  LearningCase what = base;
  add(all, what, "arrival");
  what.charge = mock::Charge::kArrivalInput;
  add(all, what, "input");
  what.charge = mock::Charge::kCompletion;
  add(all, what, "completion");
  what.charge = mock::Charge::kRealtime;
  add(all, what, "realtime");
}

void latencies(const LearningCase& base, std::vector<LearningCase>& all) {
  LearningCase what = base;
  what.latency_low_ms = what.latency_high_ms = 0;
  add(all, what, "0ms");
  what.latency_low_ms = 50;
  what.latency_high_ms = 150;
  add(all, what, "100ms");
  what.latency_low_ms = 500;
  what.latency_high_ms = 1500;
  add(all, what, "1s");
}

void headers(const LearningCase& base, std::vector<LearningCase>& all) {
  LearningCase what = base;
  add(all, what, "own");
  what.headers = false;
  add(all, what, "off");
  what.headers = true;
  what.told_at_arrival = true;
  add(all, what, "early");
  what.told_at_arrival = false;
  what.told = mock::Told::kBucket;
  add(all, what, "gauge");
}

// Published limits, and sizes of calls so that the one or the other binds.
void loads(const LearningCase& base, std::vector<LearningCase>& all) {
  LearningCase what = base;
  what.input_low = 20;
  what.input_high = 150;
  what.output_low = what.output_high = 256;
  add(all, what, "gsm8k");
  what = base;
  add(all, what, "small");
  what.requests = 100;
  what.tokens = 20'000;
  what.period = core::seconds(4);
  what.calls = 500;
  what.output_low = what.output_high = 300;
  add(all, what, "few");
  what = base;
  what.requests = 1'000;
  what.tokens = 150'000;
  what.period = core::seconds(20);
  what.calls = 2'500;
  what.input_low = 5;
  what.input_high = 400;
  what.output_low = 20;
  what.output_high = 200;
  add(all, what, "long");
}

Bound bound_of(const LearningCase& what) {
  const bool slices = what.shape == mock::Shape::kQuantised;
  if (!what.headers) return {0.02, 1.30};
  const bool full = what.shape == mock::Shape::kBucket && what.burst_ppm == mock::kFullBurstPpm;
  const bool hidden = what.told == mock::Told::kBucket && !full;
  if (hidden) return {0.05, 1.20};
  if (slices) return {0.005, 1.12};
  return {0.005, what.shape == mock::Shape::kTwoBucket ? 1.10 : 1.05};
}

void watch(const LearningCase& what, uint64_t seed) {
  std::printf("%s, seed %llu\n", what.name.c_str(), static_cast<unsigned long long>(seed));
  sim::LearningWatch shown;
  shown.refused = [](core::DurationNs at, const mock::Refusal& refusal) {
    std::printf("  %9.3f s refused: %s, used %lld of %lld, wait %.3f s\n",
                static_cast<double>(at.ns) / 1e9, mock::name_of(refusal.kind),
                static_cast<long long>(refusal.told.used),
                static_cast<long long>(refusal.told.amount),
                static_cast<double>(refusal.wait.count()) / 1e9);
  };
  shown.at_end = [](core::TimeNs now, const core::Limit& limit) {
    if (limit.learner() == nullptr) return;
    const core::Learner& learner = *limit.learner();
    const core::Learnt& learnt = learner.learnt();
    const core::Votes& votes = learner.votes();
    const core::ChargeEvidence* evidence = limit.charge_evidence();
    std::printf(
        "  %s: %s, amount %lld, capacity %lld, slice %lld ms, more jitter %lld ms, cut %lld, "
        "confirmed %d, bucket %u:%u grid %u:%u sliding %u:%u refusals %u, counts %s, others %lld\n",
        core::limit_name(limit.spec()).c_str(), core::shape_name(learnt.shape),
        static_cast<long long>(learnt.amount), static_cast<long long>(learnt.capacity),
        static_cast<long long>(learnt.slice.ns / 1'000'000),
        static_cast<long long>(learnt.jitter.ns / 1'000'000),
        static_cast<long long>(learner.cut_ppm(now)), learnt.confirmed, votes.bucket,
        votes.not_bucket, votes.grid, votes.not_grid, votes.sliding, votes.not_sliding,
        votes.refusals, evidence == nullptr ? "-" : core::counted_name(evidence->thought()),
        static_cast<long long>(limit.foreign()));
  };
  const LearningResult result = sim::run_learning(what, seed, shown);
  std::printf("  refused %lld, over ideal %.3f\n", static_cast<long long>(result.refused),
              result.over_ideal);
}

void print(const Cell& cell) {
  std::printf("%-7s %-44s %6.2f %% (worst %6.2f)  %6.3f (worst %6.3f, seed %llu)\n",
              cell.kept() ? "ok" : "MISSED", cell.what.name.c_str(), 100 * cell.share(),
              100 * cell.shares.back(), cell.time(), cell.times.back(),
              static_cast<unsigned long long>(cell.worst_seed));
}

int run(const Options& options) {
  std::vector<LearningCase> all{LearningCase{}};
  for (const auto step : {loads, shapes, charges, latencies, headers}) all = vary(all, step);
  std::vector<Cell> cells;
  for (const LearningCase& what : all) {
    if (what.name.find(options.only) == std::string::npos) continue;
    Cell cell{what, bound_of(what), {}, {}, 0};
    double worst = -1;
    for (uint64_t seed = 1; seed <= options.seeds; ++seed) {
      if (options.watch) watch(what, seed);
      const LearningResult result = sim::run_learning(what, seed);
      const double share = result.share(what.calls);
      cell.shares.push_back(share);
      cell.times.push_back(result.over_ideal);
      const double badness = share / cell.bound.share + result.over_ideal / cell.bound.time;
      if (badness > worst) cell.worst_seed = seed;
      worst = std::max(worst, badness);
    }
    std::sort(cell.shares.begin(), cell.shares.end());
    std::sort(cell.times.begin(), cell.times.end());
    cells.push_back(std::move(cell));
  }
  std::stable_partition(cells.begin(), cells.end(), [](const Cell& cell) { return cell.kept(); });
  size_t missed = 0;
  for (const Cell& cell : cells) {
    print(cell);
    missed += cell.kept() ? 0 : 1;
  }
  std::printf("%zu of %zu cells keep their bounds\n", cells.size() - missed, cells.size());
  return 0;
}

}  // namespace
}  // namespace llmq::sweep

int main(int argc, char** argv) {
  llmq::sweep::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--watch") {
      options.watch = true;
    } else if (option == "--seeds" && i + 1 < argc) {
      options.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else {
      (void)std::fprintf(stderr, "usage: llmq_sweep [--seeds N] [--only TEXT] [--watch]\n");
      return 2;
    }
  }
  if (options.seeds == 0) return 2;
  return llmq::sweep::run(options);
}
