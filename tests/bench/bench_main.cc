// Runs the benchmarks, prints the distance to the targets, and with --json FILE writes one flat
// object with the medians. Its keys are stable: throughput_cq_1, throughput_cq_2, throughput_cb_1,
// throughput_cb_2 (requests/s), idle_p50_ns, idle_p99_ns, bare_wake_p50_ns, bare_wake_p99_ns,
// bytes_per_queued_request, first_response_ns, idle_rss_bytes, decision_4_limits_ns,
// cost_ratio_1m_over_1k, http_bare_per_s, http_llmq_per_s, http_ratio, http_bare_p50_ns,
// http_added_p50_ns, http_added_on_loop_p50_ns, hook_calls_per_request, hooks_added_ns,
// hooks_ratio, policies_added_ns, policies_ratio.
#include <benchmark/benchmark.h>
#include <cjson/cJSON.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

// Collects every counter of every run.
class Collector : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      for (const auto& [name, counter] : run.counters) values_[name].push_back(counter.value);
    }
    ConsoleReporter::ReportRuns(runs);
  }

  std::map<std::string, double> medians() const {
    std::map<std::string, double> medians;
    for (auto [name, values] : values_) {
      std::sort(values.begin(), values.end());
      medians[name] = values[values.size() / 2];
    }
    return medians;
  }

 private:
  std::map<std::string, std::vector<double>> values_;
};

struct Target {
  const char* key;
  double value;
  bool more_is_better;
};

constexpr Target kTargets[] = {
    {"throughput_cq_1", 2e6, true},
    {"throughput_cq_2", 2e6, true},
    {"throughput_cb_1", 2e6, true},
    {"throughput_cb_2", 2e6, true},
    {"bytes_per_queued_request", 256, false},
    {"decision_4_limits_ns", 100, false},
    {"cost_ratio_1m_over_1k", 1.5, false},
    {"http_ratio", 0.9, true},
    {"first_response_ns", 3e6, false},
    {"idle_rss_bytes", 8 << 20, false},
    {"http_added_p50_ns", 20'000, false},
    {"http_added_on_loop_p50_ns", 20'000, false},
    {"policies_ratio", 0.9, true},
};

// Returns whether all are met.
bool print_targets(const std::map<std::string, double>& medians) {
  bool all = true;
  const auto verdict = [&all](bool met) {
    all = all && met;
    return met ? "met" : "MISSED";
  };
  std::printf("\n%-28s %14s %14s %8s\n", "median", "measured", "target", "ratio");
  for (const Target& target : kTargets) {
    const auto found = medians.find(target.key);
    if (found == medians.end()) continue;
    const double ratio = found->second / target.value;
    std::printf("%-28s %14.1f %s%13.1f %8.2f %s\n", target.key, found->second,
                target.more_is_better ? ">" : "<", target.value, ratio,
                verdict((ratio >= 1) == target.more_is_better));
  }
  const auto idle = medians.find("idle_p50_ns");
  const auto bare = medians.find("bare_wake_p50_ns");
  if (idle == medians.end() || bare == medians.end()) return all;
  const double ratio = idle->second / bare->second;
  std::printf("%-28s %14.2f <%13.2f %8.2f %s\n", "idle_p50 / bare_wake_p50", ratio, 1.2,
              ratio / 1.2, verdict(ratio <= 1.2));
  return all;
}

bool write_json(const std::string& file, const std::map<std::string, double>& medians) {
  cJSON* object = cJSON_CreateObject();
  for (const auto& [name, value] : medians) cJSON_AddNumberToObject(object, name.c_str(), value);
  char* text = cJSON_Print(object);
  std::ofstream out(file);
  out << text << "\n";
  cJSON_free(text);
  cJSON_Delete(object);
  return static_cast<bool>(out.flush());
}

}  // namespace

int main(int argc, char** argv) {
  std::string json;
  bool check = false;
  std::string filter = "--benchmark_filter=";
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else if (std::strcmp(argv[i], "--filter") == 0 && i + 1 < argc) {
      filter += argv[++i];
      rest.push_back(filter.data());
    } else if (std::strcmp(argv[i], "--check") == 0) {
      check = true;
    } else {
      rest.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 1;
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::Shutdown();
  const auto medians = collector.medians();
  const bool met = print_targets(medians);
  if (!json.empty() && !write_json(json, medians)) {
    std::fprintf(stderr, "bench: %s cannot be written\n", json.c_str());
    return 1;
  }
  return check && !met ? 2 : 0;
}
