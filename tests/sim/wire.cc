// The provider's side of the world: the way there, how it counts and answers, the way back.
#include <algorithm>

#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace llmq::simulator {
namespace {

using core::ChargeModel;
using core::Status;

constexpr int64_t kParts = 4;  // in which a call's output is produced, unless the scenario says

bool counts_estimate(ChargeModel charge) {
  return charge == ChargeModel::kArrival || charge == ChargeModel::kActual;
}

}  // namespace

int64_t World::way() {
  int64_t way = scenario_->way_least;
  if (scenario_->way_jitter > 0) way += draw_.between(0, scenario_->way_jitter);
  return way;
}

void World::send(Slot& slot) {
  if (free_calls_.empty()) {
    free_calls_.push_back(static_cast<uint32_t>(calls_.size()));
    calls_.emplace_back();
  }
  const uint32_t index = free_calls_.back();
  free_calls_.pop_back();
  Call& call = calls_[index];
  ++call.generation;
  call.slot = index_of(slot);
  call.slot_generation = slot.generation;
  call.answers = !draw_.chance(scenario_->faults.lost_answer);
  call.input = slot.record.est_input_tokens;
  call.output = slot.record.est_output_tokens;
  call.actual_input = slot.actual_input;
  call.actual_output = slot.actual_output;
  call.parts = kParts;
  call.produced = 0;
  call.arrived = false;
  call.status = Status::kOk;
  int64_t travel = way();
  if (draw_.chance(scenario_->faults.late_call)) travel += draw_.below(1'000'000'000);
  call.arrives = now_ + travel;
  slot.call = index;
  slot.call_generation = call.generation;
  if (draw_.chance(scenario_->faults.lost_call)) {
    drop(index);
  } else {
    heap_.push(call.arrives, What::kArrive, index, call.generation);
  }
}

void World::drop(uint32_t index) {
  ++calls_[index].generation;
  free_calls_.push_back(index);
}

// The client closes the connection: the provider sees it after what it sent before.
void World::hang_up(Slot& slot) {
  const Call& call = calls_[slot.call];
  if (call.generation != slot.call_generation) return;
  heap_.push(std::max(now_ + way(), call.arrives), What::kHangUp, slot.call, call.generation);
}

// It works on as many calls as it can, whoever still waits for them.
bool World::is_full() {
  if (scenario_->faults.capacity == 0) return false;
  serving_.erase(serving_.begin(), serving_.upper_bound(now_));
  return static_cast<int64_t>(serving_.size()) >= scenario_->faults.capacity;
}

void World::arrive(uint32_t index) {
  Call& call = calls_[index];
  const Faults& faults = scenario_->faults;
  const int64_t now = provider_now();
  call.arrived = true;
  if (oracle_ != nullptr) oracle_->arrived(now);
  const bool full = is_full();
  if (full || draw_.chance(faults.refused) || draw_.chance(faults.overloaded)) {
    const bool overloaded = full || faults.refused == 0 || draw_.below(2) == 0;
    for (size_t i = 0; i < counters_.size(); ++i) {
      if (books_[i].spec().kind == core::LimitKind::kRequests) count(i, 1);
    }
    const int64_t hint =
        draw_.chance(faults.retry_after) ? draw_.skewed(1'000'000, 5'000'000'000) : 0;
    if (scenario_->headers) tell_limits(call);
    answer(call, overloaded ? Status::kOverloaded : Status::kRateLimited, way(), hint);
    drop(index);
    return;
  }
  int64_t wait = 0;
  const bool empty = has_no_quota(wait);
  if (empty || !has_room(call, wait)) {
    if (!empty) ++out_.refused;
    for (size_t i = 0; i < counters_.size(); ++i) {
      if (books_[i].spec().kind == core::LimitKind::kRequests) count(i, 1);
    }
    if (scenario_->headers) tell_limits(call);
    const Status status = empty ? Status::kQuotaExhausted : Status::kRateLimited;
    answer(call, status, way(), draw_.below(2) == 0 ? wait : 0);
    drop(index);
    return;
  }
  if (draw_.chance(faults.server_error)) {
    call.status = Status::kServer;
    call.actual_output = draw_.between(0, call.actual_output);
  }
  for (size_t i = 0; i < counters_.size(); ++i) {
    const Book& book = books_[i];
    if (book.spec().kind == core::LimitKind::kRequests) {
      count(i, 1);
    } else if (counts_estimate(scenario_->charge)) {
      call.entry[i] = count(i, book.cost_of(call.input, call.output));
    } else if (scenario_->charge == ChargeModel::kRealtime) {
      count(i, book.cost_of(call.actual_input, 0));
    }
  }
  if (scenario_->headers) tell_limits(call);
  const int64_t service = begin_output(index);
  if (faults.capacity > 0) serving_.insert(now_ + service);
  if (scenario_->charge == ChargeModel::kArrival) {  // nothing is counted later
    answer(call, call.status, service + way(), 0);
    drop(index);
    return;
  }
  heap_.push(now_ + service, What::kEnd, index, call.generation);
}

// How long the call takes. Its output comes in parts if somebody looks at them.
int64_t World::begin_output(uint32_t index) {
  Call& call = calls_[index];
  const int64_t least = scenario_->service_least;
  const int64_t service = scenario_->per_token > 0
                              ? least + scenario_->per_token * call.actual_output
                              : draw_.between(least, scenario_->service_most);
  const int64_t silent = scenario_->per_token > 0 ? least : 0;
  if (scenario_->part_tokens > 0) {
    call.parts = std::max<int64_t>(call.actual_output / scenario_->part_tokens, 1);
  }
  Slot& slot = slots_[call.slot];
  if (slot.generation == call.slot_generation) {
    slot.stream_output = static_cast<uint32_t>(call.actual_output);
    slot.stream_parts = static_cast<uint32_t>(call.parts);
    slot.parts_heard = 0;
  }
  const bool ends_elsewhere = scenario_->charge == ChargeModel::kArrival;
  if ((scenario_->charge == ChargeModel::kRealtime || scenario_->streams) && !ends_elsewhere) {
    for (int64_t i = 1; i < call.parts; ++i) {
      heap_.push(now_ + silent + (service - silent) * i / call.parts, What::kProduce, index,
                 call.generation);
    }
  }
  return service;
}

// What must be free for the call. Of output that is counted later, and that the client does not
// reserve in full, no provider asks for more than a little.
int64_t World::needed(size_t limit, const Call& call) const {
  const Book& book = books_[limit];
  if (!book.projects()) return book.cost_of(call.input, call.output);
  const bool realtime = scenario_->charge == ChargeModel::kRealtime;
  return std::max<int64_t>(realtime ? book.cost_of(call.actual_input, 0) : 0, 1);
}

// `wait`: how long until there is.
bool World::has_room(const Call& call, int64_t& wait) {
  const bool judged = scenario_->judged() && now_ >= judged_from_;
  bool overdrawn = false;
  for (size_t i = 0; i < counters_.size(); ++i) {
    const int64_t cost = needed(i, call);
    const int64_t until = counters_[i].wait(provider_now(), cost);
    if (until == 0) continue;
    overdrawn = overdrawn || (judged && books_[i].projects());
    if (judged && !books_[i].projects()) {
      findings_->add(1, now_, "the provider refused: limit %zu counts %lld, and %lld does not fit",
                     i, static_cast<long long>(counters_[i].used(provider_now())),
                     static_cast<long long>(cost));
    }
    wait = std::max(wait, until);
  }
  out_.overdrawn += overdrawn ? 1 : 0;
  return wait == 0;
}

uint64_t World::count(size_t limit, int64_t cost) {
  const int64_t measured = now_ - kStart - scenario_->measured_from;
  if (measured >= 0) {
    out_.units[limit] += cost;
    out_.measured = measured;
  }
  return counters_[limit].add(provider_now(), cost);
}

void World::produce(uint32_t index) {
  Call& call = calls_[index];
  const int64_t before = call.actual_output * call.produced / call.parts;
  ++call.produced;
  const int64_t more = call.actual_output * call.produced / call.parts - before;
  if (scenario_->charge == ChargeModel::kRealtime) {
    for (size_t i = 0; i < counters_.size(); ++i) {
      const Book& book = books_[i];
      if (book.spec().kind == core::LimitKind::kRequests) continue;
      count(i, book.cost_of(0, more));
    }
  }
  if (scenario_->streams && call.answers && call.produced < call.parts) {
    heap_.push(now_ + way(), What::kHear, call.slot, call.slot_generation);
  }
}

// The call is over, also where the client has left: then it has used some of what it would have.
void World::end(uint32_t index) {
  Call& call = calls_[index];
  const int64_t now = provider_now();
  if (!call.arrived) {
    drop(index);
    return;
  }
  if (scenario_->charge == ChargeModel::kRealtime) {
    if (call.answers) {
      call.produced = std::max(call.produced, call.parts - 1);
      produce(index);
    }
  } else {
    for (size_t i = 0; i < counters_.size(); ++i) {
      const Book& book = books_[i];
      if (book.spec().kind == core::LimitKind::kRequests) continue;
      const int64_t actual = book.cost_of(call.actual_input, call.actual_output);
      if (scenario_->charge == ChargeModel::kCompletion) {
        count(i, actual);
      } else {
        counters_[i].correct(now, call.entry[i], book.cost_of(call.input, call.output), actual);
      }
    }
  }
  if (call.answers) answer(call, call.status, way(), 0);
  drop(index);
}

// Unless the client has given the attempt up meanwhile.
void World::answer(const Call& call, Status status, int64_t after, int64_t retry_after) {
  Slot& slot = slots_[call.slot];
  if (slot.generation != call.slot_generation || !call.answers) return;
  slot.status = status;
  slot.retry_after = retry_after;
  slot.usage_known = status == Status::kOk && !draw_.chance(scenario_->usage_untold);
  slot.observed = nullptr;
  if (scenario_->headers) {
    core::Observed& told = observed_[call.slot];
    told.refused = status == Status::kRateLimited;
    told.refusal.retry_after = core::DurationNs{retry_after};
    slot.observed = &told;
  }
  heap_.push(now_ + after, What::kReport, call.slot, call.slot_generation);
}

// Headers are made when a call is accepted or refused, as providers do, not when it ends.
void World::tell_limits(const Call& call) {
  const Slot& slot = slots_[call.slot];
  if (slot.generation != call.slot_generation) return;
  if (observed_.size() < slots_.size()) observed_.resize(slots_.size());
  core::Observed& observed = observed_[call.slot];
  observed = core::Observed{};
  const bool wrong = draw_.chance(scenario_->faults.wrong_headers);
  for (size_t i = 0; i < counters_.size(); ++i) {
    const core::LimitSpec& spec = books_[i].spec();
    core::Observation* told = observed.of(spec.kind, spec.period);
    if (told == nullptr) continue;
    told->limit = spec.amount;
    told->remaining = counters_[i].remaining(provider_now());
    told->reset = core::DurationNs{counters_[i].wait(provider_now(), counters_[i].capacity())};
    if (!wrong) continue;
    told->limit = draw_.between(0, 2 * spec.amount);
    told->remaining = draw_.between(-1, spec.amount);
    told->reset = core::DurationNs{draw_.between(-1'000'000'000, 10'000'000'000)};
  }
}

}  // namespace llmq::simulator
