#include "tests/sim/outage_world.h"

#include <algorithm>
#include <map>
#include <queue>
#include <utility>

namespace llmq::simulator {
namespace {

using core::DurationNs;
using core::Notice;
using core::Status;
using core::TimeNs;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kBegin = 1000 * kSecond;
constexpr int64_t kCalm = 60 * kSecond;         // after the end, until no attempt may fail
constexpr int64_t kMost = 24 * 3600 * kSecond;  // no incident lasts as long
constexpr int64_t kWindow = 10;                 // seconds of throughput that are looked at

struct Due {
  int64_t time;
  uint64_t order;
  uint64_t request;
  uint8_t attempt;
  bool begins;  // its output; else its end
  Status status;
  int64_t retry_after;
  bool operator<(const Due& other) const {  // the earliest is the greatest
    return time != other.time ? time > other.time : order > other.order;
  }
};

class OutageWorld {
 public:
  explicit OutageWorld(const Incident& incident)
      : incident_(incident), ends_(kBegin + incident.ends_s * kSecond), engine_(7), draw_(11) {}

  Aftermath run() {
    step(core::Watch{Notice::kAll});
    add_deployments();
    submit_more();
    while (out_.wrong.empty()) {
      const TimeNs wake = engine_.next_wake();
      const int64_t due = due_.empty() ? core::kNever.ns : due_.top().time;
      const int64_t next = std::min(due, std::max(wake.ns, now_));
      if (next == core::kNever.ns) break;
      if (next > kBegin + kMost) {
        out_.wrong = "it does not end";
        break;
      }
      now_ = next;
      if (due <= std::max(wake.ns, now_)) {
        happen();
      } else {
        step(core::Tick{});
      }
      submit_more();
    }
    judge();
    return out_;
  }

 private:
  void add_deployments() {
    core::ModelSpec spec;
    core::LimitSpec limit;
    limit.kind = core::LimitKind::kConcurrency;
    limit.amount = incident_.concurrency;
    spec.limits = {limit};
    spec.sends_at_start = false;
    spec.hedge.enabled = incident_.hedges;
    spec.breaker.enabled = incident_.breaker;
    step(core::ModelAdded{0, &spec});
    for (int i = 1; i < incident_.deployments; ++i) {
      step(core::DeploymentAdded{0, static_cast<core::DeploymentIndex>(i), &spec});
    }
  }

  void step(const core::Event& event) {
    core::Actions actions;
    engine_.step(core::Now{TimeNs{now_}, 0}, event, actions);
    for (const core::Action& action : actions) {
      std::visit([this](const auto& what) { perform(what); }, action);
    }
    while (!sent_.empty()) {
      const core::StartAttempt start = sent_.back();
      sent_.pop_back();
      step(core::AttemptSent{start.request, start.attempt});
    }
  }

  void submit_more() {
    while (submitted_ < incident_.requests && live_ < incident_.waiting && out_.wrong.empty()) {
      core::Request& request = requests_.emplace_back();
      request.id = static_cast<core::RequestId>(++submitted_);
      request.timeout_ms = incident_.timeout_ms;
      request.max_attempts = incident_.max_attempts;
      ++live_;
      step(core::Submit{&request});
    }
  }

  const Fault* fault_at(core::DeploymentIndex deployment) {
    if (deployment >= incident_.faults.size()) return nullptr;
    for (const Fault& fault : incident_.faults[deployment]) {
      const bool is_on =
          now_ >= kBegin + fault.from_s * kSecond && now_ < kBegin + fault.to_s * kSecond;
      if (is_on && draw_.below(1000) < fault.per_mille) return &fault;
    }
    return nullptr;
  }

  void later(int64_t delay, const core::StartAttempt& start, Status status, int64_t retry_after = 0,
             bool begins = false) {
    due_.push(
        Due{now_ + delay, ++order_, start.request->id, start.attempt, begins, status, retry_after});
  }

  void perform(const core::StartAttempt& start) {
    const Fault* const fault = fault_at(start.deployment);
    if (fault == nullptr || !fault->unsent) {
      sent_.push_back(start);  // after this step
    }
    // Lengths differ, so that calls do not go in step.
    const int64_t usual = draw_.between(incident_.latency_ms * 4 / 5, incident_.latency_ms * 6 / 5);
    if (fault == nullptr) return later(usual * kMs, start, Status::kOk);
    if (fault->hangs) return;
    const int64_t latency = fault->latency_ms * kMs;
    if (fault->cut) later(latency / 2, start, Status::kOk, 0, true);
    int64_t retry_after = fault->retry_after_ms * kMs;
    if (fault->until_end) retry_after = kBegin + fault->to_s * kSecond - now_ - latency;
    later(latency, start, fault->status, std::max<int64_t>(retry_after, 0));
  }

  void happen() {
    const Due due = due_.top();
    due_.pop();
    core::Request& request = requests_[due.request - 1];
    if (core::is_final(request.state)) return;  // of attempts that were given up the engine knows
    if (due.begins) return step(core::AttemptProgress{&request, due.attempt, 1});
    core::AttemptFinished event{&request, due.attempt, due.status};
    event.retry_after = DurationNs{due.retry_after};
    step(event);
  }

  void perform(const core::FinishRequest& finish) {
    const core::Request& request = *finish.request;
    if (!check_.has_ended(request)) out_.wrong = "nobody was told of an outcome";
    --live_;
    if (request.state != core::State::kCompleted) {
      ++out_.failed;
      return;
    }
    ++out_.completed;
    if (request.submitted < TimeNs{ends_}) took_ms_.push_back((now_ - request.submitted.ns) / kMs);
    const auto second = static_cast<size_t>((now_ - kBegin) / kSecond);
    if (second >= done_.size()) done_.resize(second + 1);
    ++done_[second];
  }

  void perform(const core::Tell& tell) {
    const Notice& notice = engine_.notice(tell);
    if (const char* const wrong = check_.take(notice); wrong != nullptr) out_.wrong = wrong;
    switch (notice.kind) {
      case Notice::kAttemptStarted:
        ++out_.attempts;
        if (notice.attempt > 1 && !notice.is_hedge) ++out_.retries;
        break;
      case Notice::kAttemptFinished:
        if (notice.status == Status::kOk || notice.status == Status::kCancelled) break;
        if (notice.attempt > 1) ++out_.wasted;
        if (now_ > ends_ + kCalm) ++out_.refused_after;
        break;
      case Notice::kBreakerChanged:
        note_breaker(notice);
        break;
      default:
        break;
    }
  }
  template <typename Other>
  void perform(const Other&) {}

  void note_breaker(const Notice& notice) {
    if (notice.at >= TimeNs{ends_}) return;
    int64_t& open_ms = open_ms_[notice.deployment];
    const auto state = static_cast<core::CircuitBreaker::State>(notice.after);
    if (state == core::CircuitBreaker::State::kOpen) open_ms = (notice.until - notice.at).ns / kMs;
    if (state == core::CircuitBreaker::State::kClosed) open_ms = 0;
  }

  // Throughput by the second: when it was full again, and whether that lasted while there was work.
  void judge() {
    if (live_ != 0 && out_.wrong.empty()) out_.wrong = "requests have no outcome";
    std::sort(took_ms_.begin(), took_ms_.end());
    if (!took_ms_.empty()) {
      out_.p95_ms = took_ms_[took_ms_.size() * 95 / 100];
      out_.p99_ms = took_ms_[took_ms_.size() * 99 / 100];
    }
    for (const auto& [deployment, ms] : open_ms_) out_.open_ms = std::max(out_.open_ms, ms);
    out_.hedges = engine_.model(0)->counters.hedges;
    out_.hedges_won = engine_.model(0)->counters.hedges_won;
    const int64_t all = incident_.deployments * incident_.concurrency * 1000 / incident_.latency_ms;
    const auto end = static_cast<size_t>(incident_.ends_s);
    const auto full = static_cast<uint64_t>(all * 9 / 10);
    // What is in its last seconds has no work for all places.
    const size_t last = done_.size() > 3 ? done_.size() - 3 : 0;
    size_t at = end;
    while (at < last && done_[at] < full) ++at;
    if (at >= last) return;
    out_.full_after_ms = static_cast<int64_t>(at + 1 - end) * 1000;
    for (size_t from = at; from + kWindow <= last; from += kWindow) {
      uint64_t sum = 0;
      for (size_t i = from; i < from + kWindow; ++i) sum += done_[i];
      if (sum * 2 < full * kWindow) out_.collapsed = true;
    }
  }

  const Incident& incident_;
  const int64_t ends_;
  core::Engine engine_;
  Draw draw_;
  sim::NoticeCheck check_;
  Aftermath out_;
  std::deque<core::Request> requests_;
  std::priority_queue<Due> due_;
  std::vector<core::StartAttempt> sent_;
  std::vector<uint64_t> done_;  // by the second
  std::vector<int64_t> took_ms_;
  std::map<core::DeploymentIndex, int64_t> open_ms_;  // of breakers that are not closed
  int64_t now_ = kBegin;
  int64_t submitted_ = 0;
  int64_t live_ = 0;
  uint64_t order_ = 0;
};

}  // namespace

Aftermath run_incident(const Incident& incident) { return OutageWorld(incident).run(); }

}  // namespace llmq::simulator
