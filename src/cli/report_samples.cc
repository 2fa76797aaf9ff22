#include "cli/report_samples.h"

#include <algorithm>

namespace llmq::cli {
namespace {

double share(const LimitLoad& at) {
  if (at.load < 0) return -1;
  return at.effective > 0 ? at.load / at.effective : 0;
}

// The one of two moments that came closer to the limit.
const LimitLoad& closer(const LimitLoad& a, const LimitLoad& b) {
  if (share(a) != share(b)) return share(a) < share(b) ? b : a;
  return a.load < b.load ? b : a;
}

}  // namespace

void ReportBin::merge(const ReportBin& other) {
  calls += other.calls;
  retries += other.retries;
  http_429 += other.http_429;
  completed += other.completed;
  failed += other.failed;
  cost_micros += other.cost_micros;
  waits.merge(other.waits);
  latencies.merge(other.latencies);
}

LimitLoad LimitSeries::peak() const {
  LimitLoad highest;
  for (const LimitLoad& at : loads) highest = closer(highest, at);
  return highest;
}

double LimitSeries::peak_share() const { return std::max(share(peak()), 0.0); }

void ReportSamples::add_totals(int64_t now_ns, const Totals& totals) {
  ReportBin& bin = bins_[bin_of(now_ns)];
  bin.calls += totals.calls - totals_.calls;
  bin.retries += totals.retries - totals_.retries;
  bin.http_429 += totals.http_429 - totals_.http_429;
  bin.cost_micros += totals.cost_micros - totals_.cost_micros;
  totals_ = totals;
}

void ReportSamples::add_answer(int64_t now_ns, bool completed, int64_t wait_ns, int64_t run_ns) {
  ReportBin& bin = bins_[bin_of(now_ns)];
  ++(completed ? bin.completed : bin.failed);
  bin.waits.add(wait_ns);
  if (run_ns <= 0) return;
  bin.latencies.add(run_ns);
  latencies_.add(run_ns);
}

void ReportSamples::add_load(int64_t now_ns, const LimitName& name, double amount,
                             const LimitLoad& load) {
  const std::string key = name.owner + '\0' + name.limit;
  auto place = limit_places_.find(key);
  if (place == limit_places_.end()) {
    if (limits_.size() == kMaxLimits) {
      limits_left_out_ = true;
      return;
    }
    place = limit_places_.emplace(key, limits_.size()).first;
    limits_.push_back({name, amount, {}});
  }
  const size_t bin = bin_of(now_ns);
  LimitSeries& series = limits_[place->second];
  series.amount = amount;
  if (series.loads.size() <= bin) series.loads.resize(bin + 1);
  series.loads[bin] = closer(series.loads[bin], load);
}

size_t ReportSamples::bin_of(int64_t now_ns) {
  const int64_t at = std::max<int64_t>(now_ns - start_ns_, 0);
  length_ns_ = std::max(length_ns_, at);
  while (at / bin_ns_ >= static_cast<int64_t>(kMaxBins)) halve();
  const auto bin = static_cast<size_t>(at / bin_ns_);
  if (bins_.size() <= bin) bins_.resize(bin + 1);
  return bin;
}

// Two bins become one.
void ReportSamples::halve() {
  bin_ns_ *= 2;
  for (size_t i = 0; i < bins_.size(); ++i) {
    if (i % 2 == 1) {
      bins_[i / 2].merge(bins_[i]);
    } else if (i > 0) {
      bins_[i / 2] = bins_[i];
    }
  }
  bins_.resize((bins_.size() + 1) / 2);
  for (LimitSeries& series : limits_) {
    std::vector<LimitLoad>& loads = series.loads;
    for (size_t i = 0; i < loads.size(); ++i) {
      loads[i / 2] = i % 2 == 1 ? closer(loads[i / 2], loads[i]) : loads[i];
    }
    loads.resize((loads.size() + 1) / 2);
  }
}

}  // namespace llmq::cli
