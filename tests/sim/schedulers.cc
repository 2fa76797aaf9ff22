#include "tests/sim/schedulers.h"

#include <algorithm>
#include <limits>

#include "tests/sim/core_view.h"

namespace llmq::simulator {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kManyInFlight = 1'000'000;

core::LimitSpec spec_of(const Rule& rule, core::LimitKind kind, int64_t jitter) {
  core::LimitSpec spec;
  spec.kind = kind;
  spec.shape = rule.algorithm == Algorithm::kBucket ? core::Shape::kBucket : core::Shape::kSliding;
  spec.amount = rule.amount;
  spec.period = core::DurationNs{rule.period};
  spec.jitter = core::DurationNs{jitter};
  spec.burst = rule.burst;
  return spec;
}

class EngineScheduler : public Scheduler {
 public:
  EngineScheduler(std::vector<Job>& jobs, const Limits& limits)
      : Scheduler(jobs), requests_(jobs.size()) {
    core::ModelSpec spec;
    if (limits.tokens.amount > 0) {
      spec.limits.push_back(spec_of(limits.tokens, core::LimitKind::kTokens, limits.jitter));
    }
    if (limits.requests.amount > 0) {
      spec.limits.push_back(spec_of(limits.requests, core::LimitKind::kRequests, limits.jitter));
    }
    spec.max_in_flight = kManyInFlight;
    step(0, core::ModelAdded{0, &spec});
  }

  const char* name() const override { return "llmq"; }

  void submit(int64_t now, uint32_t job) override {
    core::Request& request = requests_[job];
    request.id = job + 1;
    request.est_input_tokens = static_cast<uint32_t>(jobs_[job].input);
    request.est_output_tokens = static_cast<uint32_t>(jobs_[job].output);
    request.max_attempts = 100;
    request.priority = jobs_[job].priority & 7;
    set_tenant(request, jobs_[job].tenant);
    step(now, core::Submit{&request});
  }

  void finished(int64_t now, uint32_t job, bool refused, int64_t retry_after) override {
    core::AttemptFinished event{&requests_[job], requests_[job].attempts};
    event.status = refused ? core::Status::kRateLimited : core::Status::kOk;
    event.usage_known = !refused;
    event.usage = core::Usage{jobs_[job].input, jobs_[job].output};
    event.retry_after = core::DurationNs{retry_after};
    step(now, event);
  }

  void wake(int64_t now) override { step(now, core::Tick{}); }
  int64_t next_wake() const override { return engine_.next_wake().ns; }

 private:
  void step(int64_t now, const core::Event& event) {
    actions_.clear();
    engine_.step(core::Now{core::TimeNs{now}, 0}, event, actions_);
    for (const core::Action& action : actions_) {
      if (const auto* start = std::get_if<core::StartAttempt>(&action)) {
        started.push_back(static_cast<uint32_t>(start->request->id - 1));
      }
    }
  }

  core::Engine engine_{1};
  std::vector<core::Request> requests_;
  core::Actions actions_;
};

// The two simple ones: their limiter is the provider's own counter, run at the time of the start
// with a window of T + J (a bucket: smaller by what refills in J).
class Simple : public Scheduler {
 public:
  Simple(std::vector<Job>& jobs, const Limits& limits, bool passes)
      : Scheduler(jobs), passes_(passes) {
    for (const Rule* rule : {&limits.tokens, &limits.requests}) {
      if (rule->amount == 0) continue;
      Rule own = *rule;
      if (own.algorithm == Algorithm::kBucket) {
        __extension__ using Wide = __int128;
        own.burst -=
            static_cast<int64_t>(static_cast<Wide>(own.amount) * limits.jitter / own.period) + 1;
      } else {
        own.algorithm = Algorithm::kSliding;
        own.period += limits.jitter;
      }
      counters_.emplace_back(own);
      of_tokens_.push_back(rule == &limits.tokens);
    }
  }

  const char* name() const override { return passes_ ? "greedy" : "FIFO"; }
  void submit(int64_t now, uint32_t job) override {
    line_.push_back(job);
    if (passes_ || line_.size() == 1) start_what_fits(now);
  }
  void finished(int64_t now, uint32_t job, bool refused, int64_t retry_after) override {
    if (!refused) return;
    closed_until_ = std::max(closed_until_, now + retry_after);
    line_.push_front(job);
    start_what_fits(now);
  }
  void wake(int64_t now) override { start_what_fits(now); }
  int64_t next_wake() const override { return next_; }

 private:
  static constexpr size_t kMostLookedAt = 20'000;

  int64_t cost(size_t counter, uint32_t job) const {
    return of_tokens_[counter] ? jobs_[job].tokens() : 1;
  }

  void start_what_fits(int64_t now) {
    next_ = kNever;
    if (now < closed_until_) {
      next_ = closed_until_;
      return;
    }
    size_t kept = 0;
    const size_t looked_at = std::min(line_.size(), kMostLookedAt);
    size_t i = 0;
    for (; i < looked_at; ++i) {
      const uint32_t job = line_[i];
      int64_t wait = 0;
      for (size_t k = 0; k < counters_.size(); ++k) {
        wait = std::max(wait, counters_[k].wait(now, cost(k, job)));
      }
      if (wait == 0) {
        for (size_t k = 0; k < counters_.size(); ++k) (void)counters_[k].add(now, cost(k, job));
        started.push_back(job);
        continue;
      }
      next_ = std::min(next_, now + wait);
      line_[kept++] = job;
      if (!passes_) {
        ++i;
        break;
      }
    }
    line_.erase(line_.begin() + static_cast<std::ptrdiff_t>(kept),
                line_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  bool passes_;
  std::vector<Counter> counters_;
  std::vector<bool> of_tokens_;
  std::deque<uint32_t> line_;
  int64_t closed_until_ = 0;
  int64_t next_ = kNever;
};

}  // namespace

std::unique_ptr<Scheduler> engine_scheduler(std::vector<Job>& jobs, const Limits& limits) {
  return std::make_unique<EngineScheduler>(jobs, limits);
}
std::unique_ptr<Scheduler> fifo_scheduler(std::vector<Job>& jobs, const Limits& limits) {
  return std::make_unique<Simple>(jobs, limits, false);
}
std::unique_ptr<Scheduler> greedy_scheduler(std::vector<Job>& jobs, const Limits& limits) {
  return std::make_unique<Simple>(jobs, limits, true);
}

}  // namespace llmq::simulator
