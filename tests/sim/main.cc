// llmq_sim: the real core under a virtual clock. See usage().
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/figures.h"
#include "tests/sim/incidents.h"
#include "tests/sim/replay.h"
#include "tests/sim/seeds.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

struct Options {
  Seeds seeds;
  bool one_seed = false;
  bool trace = false;
  bool to_json = false;
  bool figures = false;
  bool incidents = false;
  std::string replay;
};

[[noreturn]] void usage(const char* complaint) {
  (void)std::fprintf(
      stderr,
      "%s\nusage: llmq_sim [--seeds N] [--first-seed K] [--seconds S] [--jobs N] [--json FILE]\n"
      "                [--oracle]\n"
      "       llmq_sim --seed K [--trace]\n"
      "       llmq_sim --figures | --incidents\n"
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
      options.seeds.oracle = true;
      continue;
    }
    if (option == "--incidents") {
      options.incidents = true;
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
      options.seeds.count = number("--seeds", value);
    } else if (option == "--first-seed") {
      options.seeds.first = number("--first-seed", value);
    } else if (option == "--jobs") {
      options.seeds.jobs = std::max<uint64_t>(number("--jobs", value), 1);
    } else if (option == "--seconds") {
      options.seeds.seconds = static_cast<double>(number("--seconds", value));
    } else if (option == "--seed") {
      options.seeds.first = number("--seed", value);
      options.one_seed = true;
    } else if (option == "--replay") {
      if (value == nullptr) usage("--replay needs a file");
      options.replay = value;
    } else if (option == "--json") {
      options.seeds.json = value;
    } else {
      usage(("unknown option " + option).c_str());
    }
    ++i;
  }
  return options;
}

int run_one(const Options& options) {
  World world;
  Findings findings;
  const Scenario scenario =
      scenario_of(options.seeds.first, options.seeds.has_oracle(options.seeds.first));
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

}  // namespace
}  // namespace llmq::simulator

int main(int argc, char** argv) {
  const llmq::simulator::Options options = llmq::simulator::parse(argc, argv);
  if (options.to_json && options.replay.empty()) llmq::simulator::usage("--json needs a file");
  if (!options.replay.empty()) {
    return llmq::simulator::replay_trace(options.replay, options.to_json);
  }
  if (options.figures) return llmq::simulator::show_figures() == 0 ? 0 : 1;
  if (options.incidents) return llmq::simulator::show_incidents() == 0 ? 0 : 1;
  return options.one_seed ? llmq::simulator::run_one(options)
                          : llmq::simulator::run_seeds(options.seeds);
}
