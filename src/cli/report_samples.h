// What happened in a run over time, for its report. Memory is bounded: time is cut into bins of one
// width, which doubles when the run outlasts them.
#ifndef LLMQ_CLI_REPORT_SAMPLES_H_
#define LLMQ_CLI_REPORT_SAMPLES_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/time_histogram.h"

namespace llmq::cli {

using BinTimes = BasicTimeHistogram<16, uint32_t>;

struct ReportBin {
  uint64_t calls = 0;  // started
  uint64_t retries = 0;
  uint64_t http_429 = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  int64_t cost_micros = 0;  // may be below 0: an estimate gave way to what is known
  BinTimes waits;
  BinTimes latencies;

  void merge(const ReportBin& other);
};

// Where a limit stands: the highest load of a bin, and what was enforced then.
struct LimitLoad {
  double load = -1;  // below 0: not looked at in that bin
  double effective = 0;
};

struct LimitName {
  std::string owner;   // a model, a model and its deployment, or a pool
  std::string limit;   // "requests/1m"
  bool money = false;  // its numbers are money, not counts
};

struct LimitSeries {
  LimitName name;
  double amount = 0;             // as set
  std::vector<LimitLoad> loads;  // by bin; may be shorter than the bins

  // The highest share of what was enforced, and where.
  double peak_share() const;
  LimitLoad peak() const;
};

class ReportSamples {
 public:
  static constexpr size_t kMaxBins = 360;
  static constexpr size_t kMaxLimits = 200;
  static constexpr int64_t kFirstBin = 10'000'000;

  // Totals since the run began.
  struct Totals {
    uint64_t calls = 0;
    uint64_t retries = 0;
    uint64_t http_429 = 0;
    int64_t cost_micros = 0;
  };

  // The time 0 of the page. Comes first.
  void start(int64_t now_ns) { start_ns_ = now_ns; }
  // What they grew by since the last time counts for the bin of `now_ns`.
  void add_totals(int64_t now_ns, const Totals& totals);
  // run_ns: 0 = there was no call.
  void add_answer(int64_t now_ns, bool completed, int64_t wait_ns, int64_t run_ns);
  void add_load(int64_t now_ns, const LimitName& name, double amount, const LimitLoad& load);

  int64_t bin_ns() const { return bin_ns_; }
  // From the start to the last thing that was added.
  int64_t length_ns() const { return length_ns_; }
  const std::vector<ReportBin>& bins() const { return bins_; }
  const std::vector<LimitSeries>& limits() const { return limits_; }
  bool limits_left_out() const { return limits_left_out_; }
  const Totals& totals() const { return totals_; }
  // Of all answers together, more exact than those of the bins.
  const TimeHistogram& latencies() const { return latencies_; }

 private:
  size_t bin_of(int64_t now_ns);
  void halve();

  int64_t start_ns_ = 0;
  int64_t bin_ns_ = kFirstBin;
  int64_t length_ns_ = 0;
  std::vector<ReportBin> bins_;
  std::vector<LimitSeries> limits_;
  std::unordered_map<std::string, size_t> limit_places_;
  bool limits_left_out_ = false;
  Totals totals_;
  TimeHistogram latencies_;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_REPORT_SAMPLES_H_
