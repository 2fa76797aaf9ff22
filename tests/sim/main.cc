// llmq_sim: the real core under a virtual clock. See usage().
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/sim/features.h"
#include "tests/sim/figures.h"
#include "tests/sim/replay.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

constexpr uint64_t kOracleEvery = 20;

struct Options {
  uint64_t first_seed = 1;
  uint64_t seeds = 200;
  double seconds = 0;  // 0: as long as it takes
  bool one_seed = false;
  bool trace = false;
  bool oracle = false;  // every seed, not each twentieth
  bool to_json = false;
  bool figures = false;
  std::string json;
  std::string replay;
};

struct Totals {
  uint64_t requests = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  uint64_t steps = 0;
  uint64_t events = 0;
  uint64_t refused = 0;
  uint64_t judged = 0;  // runs in which the provider must refuse nothing
  uint64_t runs = 0;

  double per_cpu_second() const {
    return cpu_seconds > 0 ? static_cast<double>(requests) / cpu_seconds : 0;
  }
  double per_second() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
};

double now_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

double cpu_now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

[[noreturn]] void usage(const char* complaint) {
  (void)std::fprintf(
      stderr,
      "%s\nusage: llmq_sim [--seeds N] [--first-seed K] [--seconds S] [--json FILE] [--oracle]\n"
      "       llmq_sim --seed K [--trace]\n"
      "       llmq_sim --figures\n"
      "       llmq_sim --replay FILE.csv [--json]\n",
      complaint);
  std::exit(2);
}

uint64_t number(const char* option, const char* text) {
  char* end = nullptr;
  const unsigned long long value = text == nullptr ? 0 : std::strtoull(text, &end, 10);
  if (text == nullptr || end == text || *end != '\0' || *text == '-') {
    usage((std::string(option) + " needs a number, not \"" + (text == nullptr ? "" : text) + "\"")
              .c_str());
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (option == "--trace") {
      options.trace = true;
      continue;
    }
    if (option == "--oracle") {
      options.oracle = true;
      continue;
    }
    if (option == "--figures") {
      options.figures = true;
      continue;
    }
    if (option == "--json" && (value == nullptr || value[0] == '-')) {
      options.to_json = true;
      continue;
    }
    if (option == "--seeds") {
      options.seeds = number("--seeds", value);
    } else if (option == "--first-seed") {
      options.first_seed = number("--first-seed", value);
    } else if (option == "--seconds") {
      options.seconds = static_cast<double>(number("--seconds", value));
    } else if (option == "--seed") {
      options.first_seed = number("--seed", value);
      options.one_seed = true;
    } else if (option == "--replay") {
      if (value == nullptr) usage("--replay needs a file");
      options.replay = value;
    } else if (option == "--json") {
      options.json = value;
    } else {
      usage(("unknown option " + option).c_str());
    }
    ++i;
  }
  return options;
}

bool has_oracle(const Options& options, uint64_t seed) {
  return options.oracle || seed % kOracleEvery == 0;
}

int run_one(const Options& options) {
  World world;
  Findings findings;
  const Scenario scenario =
      scenario_of(options.first_seed, has_oracle(options, options.first_seed));
  std::printf("%s\n", scenario.text().c_str());
  const Outcome outcome = world.run(scenario, findings, options.trace ? stdout : nullptr);
  std::printf(
      "%llu requests, %llu attempts, %llu completed, %llu refused, %llu steps, hash %016llx\n",
      static_cast<unsigned long long>(outcome.requests),
      static_cast<unsigned long long>(outcome.attempts),
      static_cast<unsigned long long>(outcome.completed),
      static_cast<unsigned long long>(outcome.refused),
      static_cast<unsigned long long>(outcome.steps),
      static_cast<unsigned long long>(outcome.hash));
  for (const std::string& text : findings.texts()) std::printf("violation: %s\n", text.c_str());
  return findings.total() == 0 ? 0 : 1;
}

void write_json(const Options& options, const Totals& fast, const Totals& slow,
                const Findings& findings, uint64_t seeds_failed) {
  std::FILE* file = std::fopen(options.json.c_str(), "w");
  if (file == nullptr) usage(("cannot write " + options.json).c_str());
  (void)std::fprintf(
      file,
      "{\"simulated_requests\": %llu, \"requests_per_s\": %.0f, "
      "\"oracle_requests_per_s\": %.0f, "
      "\"requests_per_cpu_s\": %.0f, \"oracle_requests_per_cpu_s\": %.0f, \"violations\": %llu, "
      "\"seeds_failed\": %llu, \"seeds\": %llu, \"oracle_seeds\": %llu, "
      "\"seeds_without_refusal_allowed\": %llu, \"engine_steps\": %llu, "
      "\"events\": %llu, "
      "\"violations_by_invariant\": {",
      static_cast<unsigned long long>(fast.requests + slow.requests), fast.per_second(),
      slow.per_second(), fast.per_cpu_second(), slow.per_cpu_second(),
      static_cast<unsigned long long>(findings.total()),
      static_cast<unsigned long long>(seeds_failed),
      static_cast<unsigned long long>(fast.runs + slow.runs),
      static_cast<unsigned long long>(slow.runs),
      static_cast<unsigned long long>(fast.judged + slow.judged),
      static_cast<unsigned long long>(fast.steps + slow.steps),
      static_cast<unsigned long long>(fast.events + slow.events));
  const char* comma = "";
  for (int i = 1; i < kInvariants; ++i) {
    if (findings.of(i) == 0) continue;
    (void)std::fprintf(file, "%s\"I%d\": %llu", comma, i,
                       static_cast<unsigned long long>(findings.of(i)));
    comma = ", ";
  }
  (void)std::fprintf(file, "}}\n");
  (void)std::fclose(file);
}

// I6: the same seed gives the same decisions.
void replay(World& world, const Scenario& scenario, const Outcome& first, Findings& findings) {
  Findings again;
  const Outcome second = world.run(scenario, again, nullptr);
  if (second.hash == first.hash && second.steps == first.steps) return;
  findings.add(6, 0, "a second run decided otherwise: hash %016llx, then %016llx",
               static_cast<unsigned long long>(first.hash),
               static_cast<unsigned long long>(second.hash));
}

int run_many(const Options& options) {
  World world;
  Totals fast;
  Totals slow;
  Findings all;
  uint64_t seeds_failed = 0;
  uint64_t projected = 0;
  uint64_t overdrawn = 0;
  const double begin = now_seconds();
  for (uint64_t i = 0; i < options.seeds; ++i) {
    const uint64_t seed = options.first_seed + i;
    const Scenario scenario = scenario_of(seed, has_oracle(options, seed));
    Findings findings;
    const double from = now_seconds();
    const double cpu_from = cpu_now();
    const Outcome outcome = world.run(scenario, findings, nullptr);
    Totals& totals = scenario.oracle ? slow : fast;
    totals.seconds += now_seconds() - from;
    totals.cpu_seconds += cpu_now() - cpu_from;
    totals.requests += outcome.requests;
    totals.steps += outcome.steps;
    totals.events += outcome.events;
    totals.refused += outcome.refused;
    totals.judged += scenario.judged() ? 1 : 0;
    ++totals.runs;
    projected += outcome.projected;
    overdrawn += outcome.overdrawn;
    if (scenario.oracle) replay(world, scenario, outcome, findings);
    if (findings.total() > 0) {
      ++seeds_failed;
      std::printf("%s\n", scenario.text().c_str());
      for (const std::string& text : findings.texts()) std::printf("  %s\n", text.c_str());
      std::printf("  replay: ./dev sim --seed %llu --trace%s\n",
                  static_cast<unsigned long long>(seed), options.oracle ? " --oracle" : "");
      all.add_counts(findings);
    }
    if (options.seconds > 0 && now_seconds() - begin > options.seconds) break;
  }
  std::printf("%llu of %llu calls refused where output is projected (1 of 10,000 may be)\n",
              static_cast<unsigned long long>(overdrawn),
              static_cast<unsigned long long>(projected));
  if (overdrawn > 1 + projected / 10'000) {
    all.add(1, 0, "too many");
    ++seeds_failed;
  }
  std::printf(
      "%llu seeds, %llu simulated requests: %.0f/s with cheap checks, %.0f/s under the "
      "oracle (per second of this processor's time %.0f and %.0f); %llu runs in which nothing may "
      "be "
      "refused; %llu violations in %llu seeds\n",
      static_cast<unsigned long long>(fast.runs + slow.runs),
      static_cast<unsigned long long>(fast.requests + slow.requests), fast.per_second(),
      slow.per_second(), fast.per_cpu_second(), slow.per_cpu_second(),
      static_cast<unsigned long long>(fast.judged + slow.judged),
      static_cast<unsigned long long>(all.total()), static_cast<unsigned long long>(seeds_failed));
  const Features& core = features();
  std::printf(
      "core: bucket %d, paced %d, quantised %d, live changes %d, unknown charge %d, pools %d\n",
      core.bucket, core.paced, core.quantised, core.live_changes, core.unknown_charge,
      core.pools_wake);
  if (!options.json.empty()) write_json(options, fast, slow, all, seeds_failed);
  return seeds_failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace llmq::simulator

int main(int argc, char** argv) {
  const llmq::simulator::Options options = llmq::simulator::parse(argc, argv);
  if (options.to_json && options.replay.empty()) llmq::simulator::usage("--json needs a file");
  if (!options.replay.empty()) {
    return llmq::simulator::replay_trace(options.replay, options.to_json);
  }
  if (options.figures) return llmq::simulator::show_figures() == 0 ? 0 : 1;
  return options.one_seed ? llmq::simulator::run_one(options) : llmq::simulator::run_many(options);
}
