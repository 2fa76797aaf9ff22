// The clock, the callers, and what the engine asks for. The provider's side: wire.cc.
#include "tests/sim/world.h"

#include <algorithm>
#include <limits>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "tests/sim/core_view.h"
#include "tests/sim/features.h"
#include "tests/sim/oracle.h"

namespace llmq::simulator {
namespace {

using core::Status;
using core::TimeNs;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;
constexpr int64_t kDayMs = 86'400'000;
constexpr uint64_t kEnoughViolations = 500;

}  // namespace

World::World() = default;
World::~World() = default;

Outcome World::run(const Scenario& scenario, Findings& findings, std::FILE* trace) {
  findings_ = &findings;
  trace_ = trace;
  const uint64_t before = findings.total();
  set_up(scenario);
  loop();
  // A projection may be wrong for one call in ten thousand, which all seeds together tell
  // (main.cc): a window that was overdrawn refuses many calls at once.
  const bool projects =
      std::any_of(books_.begin(), books_.end(), [](const Book& book) { return book.projects(); });
  out_.projected = projects ? out_.attempts : 0;
  if (out_.overdrawn > 1 + out_.attempts / 1000) {
    findings.add(1, now_, "%llu of %llu calls refused where output is projected",
                 static_cast<unsigned long long>(out_.overdrawn),
                 static_cast<unsigned long long>(out_.attempts));
  }
  if (findings.total() == before) at_rest();
#if defined(__GLIBC__)
  out_.heap_bytes = mallinfo2().uordblks;
#endif
  engine_.reset();
  out_.violations = findings.total() - before;
  return out_;
}

void World::set_up(const Scenario& scenario) {
  scenario_ = &scenario;
  out_ = Outcome{};
  draw_ = Draw(scenario.seed ^ 0x5eed5eed5eedULL);
  spec_ = model_spec_of(scenario);
  own_books_.clear();
  own_touched_.clear();
  leased_.clear();
  late_.clear();
  free_late_.clear();
  stored_ = nullptr;
  quota_ = {};
  no_quota_until_ = 0;
  if (scenario.per_tenant > 0) {
    own_spec_ = spec_.limits.back();
    spec_.limits.pop_back();
  }
  limit_specs_ = spec_.limits;
  engine_ = std::make_unique<core::Engine>(scenario.seed);
  engine_->step(core::Now{TimeNs{kStart}, 0}, core::Watch{core::Notice::kAll}, actions_);
  notice_check_ = {};
  heap_.clear();
  now_ = kStart;
  wall_ms_ = 1'700'000'000'000;
  provider_ahead_ = 0;
  awake_at_ = 0;
  gate_ = {};
  foreign_ = {};
  serving_.clear();
  judged_from_ = 0;
  live_ = 0;
  callers_wait_ = false;
  running_ = 0;
  disturbances_ = 0;
  second_ = ticks_in_second_ = work_in_second_ = 0;
  books_.clear();
  counters_.clear();
  oracle_.reset();
  if (scenario.models > 1) {
    step(core::PoolAdded{0, &limit_specs_});
    spec_.limits.clear();
    spec_.pools = {0};
  }
  if (scenario.per_tenant > 0) spec_.limits.push_back(own_spec_);
  for (int i = 0; i < scenario.models; ++i) {
    step(core::ModelAdded{static_cast<core::ModelIndex>(i), &spec_});
  }
  limits_ = engine_->model(0)->first().limiter.limits();
  for (const Rate& rate : scenario.rates) {
    books_.emplace_back(rate.spec, scenario.prices);
    counters_.emplace_back(rate.rule);
  }
  concurrency_ = scenario.concurrency;
  const auto slots = static_cast<size_t>(scenario.backlog);
  if (slots_.size() < slots) slots_.resize(slots);
  free_slots_.clear();
  for (size_t i = slots; i > 0; --i) {
    slots_[i - 1].live = slots_[i - 1].reserved = slots_[i - 1].running = false;
    free_slots_.push_back(static_cast<uint32_t>(i - 1));
  }
  free_calls_.clear();
  for (size_t i = calls_.size(); i > 0; --i) free_calls_.push_back(static_cast<uint32_t>(i - 1));
  oracle_ = scenario.oracle ? std::make_unique<Oracle>(*this) : nullptr;

  heap_.push(now_, What::kSubmit);
  const int64_t length = scenario.requests / scenario.burst_most * scenario.gap;
  const auto sprinkle = [&](int count, What what) {
    for (int i = 0; i < count; ++i) heap_.push(now_ + draw_.below(length + 1), what);
  };
  sprinkle(scenario.faults.storms, What::kStorm);
  sprinkle(scenario.faults.sleeps, What::kSleep);
  sprinkle(scenario.faults.wall_steps, What::kWallStep);
  sprinkle(scenario.faults.no_quota, What::kNoQuota);
  if (features().live_changes) sprinkle(scenario.faults.changes, What::kChange);
}

void World::loop() {
  const uint64_t most_steps = static_cast<uint64_t>(scenario_->requests) * 400 + 100'000;
  const uint64_t before = findings_->total();
  while (findings_->total() < before + kEnoughViolations) {
    if (stepped_) {
      wake_ = engine_->next_wake().ns;
      stepped_ = false;
    }
    const int64_t wake = wake_;
    int64_t due = kNever;
    if (wake != kNever) due = std::max({now_, wake + scenario_->tick_lag, awake_at_});
    if (heap_.empty() && due == kNever) return;
    if (heap_.empty() || heap_.top().time > due) {
      tick(due);
    } else {
      const Happening next = heap_.pop();
      if (next.time < awake_at_ && is_of_client(next.what()) && next.what() != What::kResume) {
        heap_.push(awake_at_, next.what(), next.index, next.generation);
        continue;
      }
      now_ = next.time;
      ++out_.events;
      happen(next);
    }
    if (out_.steps > most_steps || out_.events > 10 * most_steps) {
      findings_->add(12, now_, "it does not come to rest: %llu steps",
                     static_cast<unsigned long long>(out_.steps));
      return;
    }
  }
}

void World::happen(const Happening& event) {
  switch (event.what()) {
    case What::kSubmit:
      submit_burst();
      return;
    case What::kLeave:
      if (slots_[event.index].generation == event.generation) leave(slots_[event.index]);
      return;
    case What::kHear:
      if (slots_[event.index].generation == event.generation) hear(slots_[event.index]);
      return;
    case What::kReport:
      if (slots_[event.index].generation == event.generation) report(slots_[event.index]);
      return;
    case What::kCancel: {
      Slot& slot = slots_[event.index];
      if (slot.live && static_cast<uint32_t>(slot.record.id) == event.generation) {
        step(core::Cancel{&slot.record});
      }
      return;
    }
    case What::kStorm:
      storm();
      return;
    case What::kSleep:
      fall_asleep();
      return;
    case What::kResume:
      // Calls from before a change may have waited for this to leave.
      if (judged_from_ > 0) judged_from_ = std::max(judged_from_, now_ + longest_after_change_);
      step(core::ClockGap{core::DurationNs{slept_}});
      return;
    case What::kWallStep:
      findings_->also(13);
      wall_ms_ += draw_.below(2) == 0 ? kDayMs : -kDayMs;
      return;
    case What::kChange:
      change_limits();
      return;
    case What::kStored:
      stored(slots_[event.index]);
      return;
    case What::kLease:
      grant_lease(event.index, event.generation);
      return;
    case What::kNoQuota:
      use_up_quota();
      return;
    case What::kUsage:
      usage_known(event.index);
      return;
    case What::kArrive:
      if (calls_[event.index].generation == event.generation) arrive(event.index);
      return;
    case What::kProduce:
      if (calls_[event.index].generation == event.generation) produce(event.index);
      return;
    case What::kEnd:
      if (calls_[event.index].generation == event.generation) end(event.index);
      return;
    case What::kHangUp:
      if (calls_[event.index].generation == event.generation) {
        calls_[event.index].answers = false;
        end(event.index);
      }
      return;
  }
}

void World::step(const core::Event& event) {
  ++out_.steps;
  stepped_ = true;
  if (trace_ != nullptr) {
    static constexpr const char* kNames[] = {
        "submit",          "cancel",        "sent",          "finished",
        "usage known",     "model added",   "model ready",   "model removed",
        "persisted",       "lease granted", "shutdown",      "tick",
        "limits observed", "pool added",    "model changed", "pool changed",
        "window edges",    "clock gap",     "tenant added",  "progress"};
    (void)std::fprintf(trace_, "%lld %s\n", static_cast<long long>(now_), kNames[event.index()]);
  }
  actions_.clear();
  engine_->step(core::Now{TimeNs{now_}, wall_ms_ + now_ / kMs}, event, actions_);
  if (stored_ != nullptr) take_back_unless_started();
  for (const core::Action& action : actions_) {
    std::visit([this](const auto& what) { perform(what); }, action);
  }
  if (!books_.empty()) check();
}

void World::tick(int64_t due) {
  now_ = due;
  ++out_.ticks;
  ++out_.events;
  if (now_ / kSecond != second_) {
    count_wake_ups();
    second_ = now_ / kSecond;
  }
  ++ticks_in_second_;
  step(core::Tick{});
}

void World::submit_burst() {
  const Scenario& scenario = *scenario_;
  int64_t count = draw_.between(1, scenario.burst_most);
  while (count-- > 0 && !free_slots_.empty() &&
         out_.requests < static_cast<uint64_t>(scenario.requests)) {
    Slot& slot = slots_[free_slots_.back()];
    free_slots_.pop_back();
    submit(slot);
  }
  if (out_.requests >= static_cast<uint64_t>(scenario.requests)) return;
  callers_wait_ = free_slots_.empty();  // an end lets them go on
  if (!callers_wait_) expect_burst();
}

void World::expect_burst() {
  callers_wait_ = false;
  heap_.push(now_ + 1 + draw_.below(2 * scenario_->gap + 1), What::kSubmit);
}

void World::submit(Slot& slot) {
  const Scenario& scenario = *scenario_;
  core::Request& record = slot.record;
  record = core::Request{};
  record.id = ++out_.requests;
  record.model =
      scenario.models == 1 ? 0 : static_cast<core::ModelIndex>(draw_.below(scenario.models));
  const int64_t input =
      scenario.unit_cost ? scenario.input_most : draw_.skewed(1, scenario.input_most);
  const int64_t output = scenario.unit_cost || scenario.actual_least > 0
                             ? scenario.output_most
                             : draw_.skewed(1, scenario.output_most);
  record.est_input_tokens = static_cast<uint32_t>(input);
  record.est_output_tokens = static_cast<uint32_t>(output);
  record.max_attempts = scenario.max_attempts;
  record.timeout_ms = scenario.timeout_ms;
  if (scenario.priorities) record.priority = static_cast<uint8_t>(draw_.between(0, 4)) & 7;
  if (scenario.tenants > 1) {  // the first ones come most often
    set_tenant(record, static_cast<uint32_t>(draw_.skewed(1, scenario.tenants)));
  }
  record.late_usage = draw_.chance(scenario.late_usage);
  if (draw_.chance(scenario.with_deadline)) {
    record.deadline = TimeNs{now_ + draw_.below(scenario.deadline_most)};
  }
  slot.actual_input = record.est_input_tokens;
  slot.actual_output = scenario.unit_cost ? record.est_output_tokens
                                          : static_cast<uint32_t>(draw_.between(1, output));
  if (scenario.actual_least > 0) {
    slot.actual_output =
        static_cast<uint32_t>(draw_.skewed(scenario.actual_least, scenario.actual_most));
    if (scenario.shifted_from > 0 &&
        out_.requests >= static_cast<uint64_t>(scenario.shifted_from)) {
      slot.actual_output =
          static_cast<uint32_t>(slot.actual_output * scenario.shifted_percent / 100);
    }
  }
  if (draw_.chance(scenario.overrun)) slot.actual_output += static_cast<uint32_t>(output);
  slot.live = true;
  slot.reserved = slot.running = slot.sent = false;
  slot.attempts = slot.quota_waits = 0;
  slot.not_before = 0;
  slot.first_start = core::kNever;
  ++slot.generation;
  ++live_;
  if (draw_.chance(scenario.faults.cancelled)) {
    heap_.push(now_ + draw_.skewed(kMs, 100 * kSecond), What::kCancel, index_of(slot),
               static_cast<uint32_t>(record.id));
  }
  ++out_.events;
  step(core::Submit{&record});
}

void World::storm() {
  for (size_t i = 0; i < static_cast<size_t>(scenario_->backlog); ++i) {
    if (slots_[i].live && draw_.below(2) == 0) step(core::Cancel{&slots_[i].record});
  }
}

// The clock runs on while nobody looks (as on some systems), or stands still (as on others): then
// it is the provider who is ahead afterwards.
void World::fall_asleep() {
  findings_->also(13);
  slept_ = draw_.skewed(kSecond, 8 * 3'600 * kSecond);
  if (draw_.below(2) == 0) {
    awake_at_ = now_ + slept_;
    heap_.push(awake_at_, What::kResume);
  } else {
    provider_ahead_ += slept_;
    step(core::ClockGap{core::DurationNs{slept_}});
  }
}

void World::change_limits() {
  static constexpr int64_t kPercent[] = {25, 50, 90, 110, 200, 400};
  const int64_t percent = draw_.pick(kPercent);
  int64_t longest = 0;
  findings_->also(14);
  for (size_t i = 0; i < books_.size(); ++i) {
    core::LimitSpec spec = books_[i].spec();
    const int64_t largest = books_[i].cost_of(scenario_->input_most, scenario_->output_most);
    Rule rule = counters_[i].rule();
    // On windows that slide, sometimes below what waits: those calls then end as OVERSIZE.
    const bool below = draw_.below(4) == 0 && (rule.algorithm == Algorithm::kSliding ||
                                               rule.algorithm == Algorithm::kFixed);
    rule.amount = std::max(below ? 1 : largest, rule.amount * percent / 100);
    if (rule.algorithm == Algorithm::kTwoBucket) rule.amount = std::max<int64_t>(rule.amount, 100);
    if (rule.algorithm == Algorithm::kBucket || rule.algorithm == Algorithm::kQuantised) {
      if (counters_[i].capacity() * percent / 100 < largest) continue;
    }
    counters_[i].set_amount(provider_now(), rule.amount);
    spec.amount = rule.amount;
    if (spec.burst > 0) spec.burst = counters_[i].rule().burst;
    books_[i].change(now_, spec);
    limit_specs_[i] = spec;
    longest = std::max(longest, 2 * spec.period.ns + spec.jitter.ns);
    if (trace_ != nullptr) {
      (void)std::fprintf(trace_, "  limit %zu becomes %lld, burst %lld\n", i,
                         static_cast<long long>(spec.amount), static_cast<long long>(spec.burst));
    }
  }
  concurrency_ = std::max<int64_t>(1, concurrency_ * percent / 100);
  limit_specs_.back().amount = concurrency_;
  longest_after_change_ = longest + scenario_->way_least + scenario_->way_jitter;
  judged_from_ = now_ + longest_after_change_;
  ++disturbances_;
  if (scenario_->models > 1) {
    step(core::PoolChanged{0, &limit_specs_});
  } else {
    spec_.limits = limit_specs_;
    if (scenario_->per_tenant > 0) spec_.limits.push_back(own_spec_);
    quota_ = {};  // whoever changes settings may have paid
    step(core::ModelChanged{0, &spec_});
  }
  limits_ = engine_->model(0)->first().limiter.limits();
}

}  // namespace llmq::simulator
