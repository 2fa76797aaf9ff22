#include "runtime/plan.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "base/json.h"
#include "base/money.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/request_check.h"

namespace llmq::runtime {
namespace {

constexpr core::TimeNs kStart{1'000'000'000};
constexpr core::TimeNs kHorizon{int64_t{100} * 365 * 86'400 * 1'000'000'000};
constexpr int64_t kNsPerSecond = 1'000'000'000;

core::DurationNs service_time(const config::ModelConfig& model, int64_t output_tokens) {
  return model.plan_latency +
         core::nanoseconds(output_tokens * kNsPerSecond / model.plan_tokens_per_s);
}

// No provider answers here, so nothing is learnt: shape auto keeps to what is published.
std::vector<core::LimitSpec> as_published(std::vector<core::LimitSpec> limits) {
  for (core::LimitSpec& limit : limits) {
    if (limit.shape == core::Shape::kAuto) limit.shape = core::Shape::kSliding;
  }
  return limits;
}

}  // namespace

// The engine's host: time goes from event to event.
class Plan::Simulation {
 public:
  explicit Simulation(Plan& plan) : plan_(plan), engine_(1) {
    for (core::PoolIndex i = 0; i < plan_.pools_.size(); ++i) {
      const std::vector<core::LimitSpec> limits = as_published(plan_.pools_[i].limits);
      step(core::PoolAdded{i, &limits});
    }
    for (core::ModelIndex i = 0; i < plan_.models_.size(); ++i) {
      const PlanModel& model = plan_.models_[i];
      core::ModelSpec spec;
      spec.limits = as_published(model.config.limits);
      spec.pools = model.pools;
      spec.prices = model.config.prices;
      spec.max_in_flight = model.config.max_in_flight;
      step(core::ModelAdded{i, &spec});
      plan_.models_[i].blocked_ns.assign(engine_.model(i)->limiter.limits().size(), 0);
    }
  }

  // Until everything has ended, or a hundred years are over.
  void run() {
    for (core::Request& request : plan_.requests_) step(core::Submit{&request});
    for (;;) {
      const core::TimeNs answer = answers_.empty() ? core::kNever : answers_.top().due;
      const core::TimeNs wake = engine_.next_wake();
      const core::TimeNs next = std::min(answer, wake);
      if (next == core::kNever || next > kHorizon) return;
      advance(std::max(next, now_));
      if (answer <= wake) {
        take_answer();
      } else {
        step(core::Tick{});
      }
    }
  }

  core::Model& model(core::ModelIndex index) { return *engine_.model(index); }
  uint64_t live() const { return engine_.live(); }

 private:
  struct Answer {
    core::TimeNs due;
    uint64_t order;
    core::Request* request;
    bool operator<(const Answer& other) const {  // the earliest is the greatest
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  void step(const core::Event& event) {
    actions_.clear();
    engine_.step(core::Now{now_, 0}, event, actions_);
    for (const core::Action& action : actions_) {
      if (const auto* start = std::get_if<core::StartAttempt>(&action)) {
        const PlanModel& model = plan_.models_[start->request->model];
        const auto last = service_time(model.config, start->request->est_output_tokens);
        answers_.push(Answer{now_ + last, ++order_, start->request});
      } else if (const auto* end = std::get_if<core::FinishRequest>(&action)) {
        PlanModel& model = plan_.models_[end->request->model];
        ++model.finished;
        model.last_end = now_;
        if (end->request->state == core::State::kExpired) ++model.expired;
      }
    }
  }

  // Time that passes while the front of a line waits for a limit is that limit's.
  void advance(core::TimeNs to) {
    for (core::ModelIndex i = 0; to > now_ && i < plan_.models_.size(); ++i) {
      const core::Model& model = *engine_.model(i);
      if (model.blocked_by < 0 || model.queue.empty()) continue;
      plan_.models_[i].blocked_ns[static_cast<size_t>(model.blocked_by)] += (to - now_).ns;
    }
    now_ = to;
  }

  void take_answer() {
    core::Request& request = *answers_.top().request;
    answers_.pop();
    if (core::is_final(request.state)) return;  // its deadline came first
    core::AttemptFinished event{&request, request.attempts};
    event.usage_known = true;
    event.usage.input_tokens = request.est_input_tokens;
    event.usage.output_tokens = request.est_output_tokens;
    step(event);
  }

  Plan& plan_;
  core::Engine engine_;
  core::Actions actions_;
  core::TimeNs now_ = kStart;
  uint64_t order_ = 0;
  std::priority_queue<Answer> answers_;
};

core::Result<std::unique_ptr<Plan>> Plan::create(const config::Config& config) {
  std::unique_ptr<Plan> plan(new Plan);
  auto added = plan->add_models(config);
  if (!added) return added.error();
  return plan;
}

core::Result<core::Done> Plan::add_models(const config::Config& config) {
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  auto models = config.models();
  if (!models) return models.error();
  auto pools = config.pools();
  if (!pools) return pools.error();
  const auto pool_index = [&](const std::string& name) {
    const auto known = std::find_if(pools_.begin(), pools_.end(),
                                    [&](const PlanPool& pool) { return pool.name == name; });
    if (known == pools_.end()) {
      const auto made = std::find_if(pools.value().begin(), pools.value().end(),
                                     [&](const auto& pool) { return pool.name == name; });
      pools_.push_back(PlanPool{name, made->limits});
      return static_cast<core::PoolIndex>(pools_.size() - 1);
    }
    return static_cast<core::PoolIndex>(known - pools_.begin());
  };
  for (config::ModelConfig& model : models.value()) {
    if (by_name_.count(model.name) != 0) continue;
    PlanModel fresh;
    for (const std::string& name : model.pools) fresh.pools.push_back(pool_index(name));
    by_name_.emplace(model.name, static_cast<core::ModelIndex>(models_.size()));
    fresh.config = std::move(model);
    models_.push_back(std::move(fresh));
  }
  return core::Done{};
}

core::Error Plan::add(const llmq_request_t& request) {
  core::Error why;
  why.code = core::Status::kOk;
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  if (check_members(request, &why) != core::Status::kOk) return why;
  const std::string_view name(request.model == nullptr ? "" : request.model, request.model_len);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return core::Error{core::Status::kUnknownModel,
                       "no model \"" + std::string(name) + "\" is in the plan", "model"};
  }
  PlanModel& model = models_[found->second];
  TokenCaps caps;
  caps.add(model.config.limits);
  for (const core::PoolIndex pool : model.pools) caps.add(pools_[pool].limits);
  TokenEstimate tokens;
  core::Status status =
      estimate_tokens(request, model.config, caps, nullptr, &tokens, nullptr, &why);
  if (status != core::Status::kOk) return why;
  const core::Prices& prices = model.config.prices;
  status = fits_limits(model.config.limits, prices, tokens, "model", name, &why);
  for (const core::PoolIndex index : model.pools) {
    if (status != core::Status::kOk) break;
    const PlanPool& pool = pools_[index];
    status = fits_limits(pool.limits, prices, tokens, "pool", pool.name, &why);
  }
  if (status != core::Status::kOk) {
    if (status == core::Status::kOversize) ++model.oversize;
    return why;
  }
  ++model.requests;
  model.input_tokens += tokens.input;
  model.output_tokens += tokens.output;
  model.cost_micros += core::price_of(prices, tokens.input, 0, tokens.output);
  core::Request& record = requests_.emplace_back();
  record.id = requests_.size();
  record.model = found->second;
  record.est_input_tokens = static_cast<uint32_t>(tokens.input);
  record.est_output_tokens = static_cast<uint32_t>(tokens.output);
  record.max_attempts = 1;
  record.priority = static_cast<uint8_t>(request.priority) & 7;  // checked: 0 to 4
  if (request.deadline_ns > 0) {
    record.deadline = kStart + (core::TimeNs{request.deadline_ns} - mono_now());
  }
  return why;
}

core::Result<std::string> Plan::run() {
  if (ran_) return core::Error{core::Status::kAlreadyDone, "the plan has been run", ""};
  ran_ = true;
  Simulation simulation(*this);
  simulation.run();
  return report(simulation);
}

// The limit that kept the line waiting the longest; "" if none did.
std::string Plan::bound_by(const PlanModel& model, core::Model& engine_model) const {
  const auto most = std::max_element(model.blocked_ns.begin(), model.blocked_ns.end());
  if (most == model.blocked_ns.end() || *most == 0) return "";
  const auto index = static_cast<size_t>(most - model.blocked_ns.begin());
  const core::Limiter& limiter = engine_model.limiter;
  if (limiter.is_implicit(index)) return "max_in_flight";
  std::string name = core::limit_name(limiter.limits()[index]->spec());
  if (!limiter.is_pooled(index)) return name;
  size_t pooled = 0;
  while (!limiter.is_pooled(pooled)) ++pooled;
  for (const core::PoolIndex pool : model.pools) {
    pooled += pools_[pool].limits.size();
    if (index < pooled) return name + " of pool " + pools_[pool].name;
  }
  return name;
}

std::string Plan::report(Simulation& simulation) {
  PlanModel all;
  std::string decides;
  base::Json list(cJSON_CreateArray());
  const auto describe = [](cJSON* json, const PlanModel& model, const std::string& bound) {
    base::add_number(json, "requests", static_cast<int64_t>(model.requests));
    base::add_number(json, "oversize", static_cast<int64_t>(model.oversize));
    base::add_number(json, "expired", static_cast<int64_t>(model.expired));
    base::add_number(json, "unfinished", static_cast<int64_t>(model.requests - model.finished));
    base::add_number(json, "input_tokens", model.input_tokens);
    base::add_number(json, "output_tokens", model.output_tokens);
    cJSON_AddRawToObject(json, "cost", base::money_text(model.cost_micros).c_str());
    base::add_number(json, "duration_ms",
                     model.finished == 0 ? 0 : (model.last_end - kStart).ns / 1'000'000);
    if (bound.empty()) {
      cJSON_AddNullToObject(json, "bound_by");
    } else {
      cJSON_AddStringToObject(json, "bound_by", bound.c_str());
    }
  };
  for (core::ModelIndex i = 0; i < models_.size(); ++i) {
    const PlanModel& model = models_[i];
    const std::string bound = bound_by(model, simulation.model(i));
    cJSON* json = cJSON_CreateObject();
    cJSON_AddItemToArray(list.get(), json);
    cJSON_AddStringToObject(json, "model", model.config.name.c_str());
    describe(json, model, bound);
    all.requests += model.requests;
    all.oversize += model.oversize;
    all.expired += model.expired;
    all.finished += model.finished;
    all.input_tokens += model.input_tokens;
    all.output_tokens += model.output_tokens;
    all.cost_micros += model.cost_micros;
    if (model.finished > 0 && model.last_end >= all.last_end) {
      all.last_end = model.last_end;
      decides = bound;
    }
  }
  base::Json json(cJSON_CreateObject());
  describe(json.get(), all, decides);
  cJSON_AddItemToObject(json.get(), "models", list.release());
  return base::json_text(json.get());
}

}  // namespace llmq::runtime
