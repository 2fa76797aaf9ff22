#include "tests/sim/trace_run.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>

#include "tests/sim/event_heap.h"
#include "tests/sim/random.h"

namespace llmq::simulator {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 10 * kSecond;

// One run: what arrives, what the provider says, when the scheduler wants to be woken.
class Run {
 public:
  Run(std::vector<Job>& jobs, Scheduler& scheduler, const TraceSetup& setup)
      : jobs_(jobs), scheduler_(scheduler), setup_(setup), draw_(setup.seed) {
    for (const Rule* rule : {&setup.limits.tokens, &setup.limits.requests}) {
      if (rule->amount == 0) continue;
      counters_.emplace_back(*rule);
      of_tokens_.push_back(rule == &setup.limits.tokens);
    }
    refused_.resize(jobs.size(), 0);
  }

  TraceResult go() {
    now_ = kStart;
    const size_t timed = setup_.closed > 0 ? std::min(setup_.closed, jobs_.size()) : jobs_.size();
    for (;;) {
      const bool more = arrived_ < timed;
      const int64_t arrival = more ? kStart + jobs_[arrived_].arrival : kNever;
      const int64_t event = heap_.empty() ? kNever : heap_.top().time;
      const int64_t asked = scheduler_.next_wake();
      const int64_t wake = asked == kNever ? kNever : std::max(asked, now_);
      const int64_t first = std::min({arrival, event, wake});
      if (first == kNever) break;
      now_ = first;
      if (arrival == first) {
        ++arrived_;
        submit();
      } else if (event == first) {
        happen(heap_.pop());
      } else {
        ++result_.wakes;
        scheduler_.wake(now_);
        take_started();
      }
    }
    result_.first = kStart;
    const __int128_t allowed = static_cast<__int128_t>(setup_.limits.tokens.amount) *
                               (result_.last - result_.first) / 1'000'000;
    if (allowed > 0) {
      result_.use = static_cast<double>(result_.tokens) *
                    static_cast<double>(setup_.limits.tokens.period / 1'000'000) /
                    static_cast<double>(allowed);
    }
    return result_;
  }

 private:
  __extension__ using __int128_t = __int128;

  void submit() {
    jobs_[next_].submitted = now_;
    scheduler_.submit(now_, static_cast<uint32_t>(next_++));
    take_started();
  }

  void take_started() {
    taken_.swap(scheduler_.started);
    scheduler_.started.clear();
    size_t began = 0;
    for (const uint32_t job : taken_) {
      if (jobs_[job].started < 0) {
        jobs_[job].started = now_;
        jobs_[job].start_number = ++starts_;
        ++began;
      }
      const int64_t way = setup_.way_least + draw_.between(0, setup_.limits.jitter);
      heap_.push(now_ + way, What::kArrive, job);
    }
    taken_.clear();
    if (setup_.closed == 0 || arrived_ < setup_.closed) return;
    for (; began > 0 && next_ < jobs_.size(); --began) submit();
  }

  void happen(const Happening& event) {
    const uint32_t job = event.index;
    if (event.what() == What::kReport) {
      const int64_t hint = refused_[job];
      refused_[job] = 0;
      scheduler_.finished(now_, job, hint > 0, hint > 1 ? hint : 0);
      take_started();
      return;
    }
    int64_t wait = 0;
    for (size_t i = 0; i < counters_.size(); ++i) {
      wait = std::max(wait, counters_[i].wait(now_, cost(i, job)));
    }
    if (wait > 0) {
      ++result_.refused;
      refused_[job] = wait;
      heap_.push(now_ + setup_.way_least, What::kReport, job);
      return;
    }
    for (size_t i = 0; i < counters_.size(); ++i) (void)counters_[i].add(now_, cost(i, job));
    ++result_.accepted;
    result_.tokens += jobs_[job].tokens();
    result_.last = now_;
    const int64_t service = setup_.service_base + setup_.per_token * jobs_[job].output;
    heap_.push(now_ + service, What::kReport, job);
  }

  int64_t cost(size_t counter, uint32_t job) const {
    return of_tokens_[counter] ? jobs_[job].tokens() : 1;
  }

  std::vector<Job>& jobs_;
  Scheduler& scheduler_;
  const TraceSetup& setup_;
  Draw draw_;
  std::vector<Counter> counters_;
  std::vector<bool> of_tokens_;
  EventHeap heap_;
  std::vector<int64_t> refused_;  // by job: the hint on its way
  std::vector<uint32_t> taken_;
  size_t arrived_ = 0;  // at their own times
  size_t next_ = 0;     // to be submitted
  int64_t now_ = 0;
  uint64_t starts_ = 0;
  TraceResult result_;
};

}  // namespace

TraceResult run_trace(std::vector<Job>& jobs, Scheduler& scheduler, const TraceSetup& setup) {
  return Run(jobs, scheduler, setup).go();
}

double wait_of(const std::vector<Job>& jobs, int permille,
               const std::function<bool(const Job&)>& of) {
  std::vector<int64_t> waits;
  for (const Job& job : jobs) {
    if (job.started >= 0 && of(job)) waits.push_back(job.started - job.submitted);
  }
  if (waits.empty()) return 0;
  std::sort(waits.begin(), waits.end());
  const size_t rank = (waits.size() * static_cast<size_t>(permille) + 999) / 1000;
  return static_cast<double>(waits[rank == 0 ? 0 : rank - 1]) / 1e9;
}

std::string read_trace(const std::string& file, std::vector<Job>& jobs) {
  std::ifstream in(file);
  if (!in) return "cannot read " + file;
  std::string line;
  int64_t first = -1;
  int64_t last = 0;
  for (int number = 1; std::getline(in, line); ++number) {
    if (number == 1 && line.compare(0, 9, "TIMESTAMP") == 0) continue;
    if (line.empty() || line == "\r") continue;
    int hour = 0;
    int minute = 0;
    double second = 0;
    long long input = 0;
    long long output = 0;
    const int found = std::sscanf(line.c_str(), "%*d-%*d-%*d %d:%d:%lf,%lld,%lld", &hour, &minute,
                                  &second, &input, &output);
    if (found != 5 || input < 0 || output < 0 || second < 0) {
      return file + ", line " + std::to_string(number) +
             ": not TIMESTAMP,ContextTokens,GeneratedTokens: " + line.substr(0, 80);
    }
    int64_t at = (hour * 3600LL + minute * 60LL) * kSecond + static_cast<int64_t>(second * 1e9);
    if (first < 0) first = at;
    at -= first;
    while (at < last - 3600 * kSecond) at += 86'400 * kSecond;  // past midnight
    last = std::max(last, at);
    Job job;
    job.arrival = last;
    job.input = input;
    job.output = output;
    jobs.push_back(job);
  }
  return jobs.empty() ? file + " holds no calls" : "";
}

void assign(std::vector<Job>& jobs, uint64_t seed) {
  Draw draw(seed);
  constexpr int64_t kShares[] = {60, 30, 20, 15, 12};  // 1, 1/2 .. 1/5
  constexpr int64_t kSum = 137;
  for (Job& job : jobs) {
    const int64_t of_priority = draw.below(100);
    job.priority = of_priority < 10 ? 1 : of_priority < 30 ? 2 : of_priority < 80 ? 3 : 4;
    int64_t at = draw.below(kSum);
    job.tenant = 0;
    while (at >= kShares[job.tenant]) at -= kShares[job.tenant++];
  }
}

}  // namespace llmq::simulator
