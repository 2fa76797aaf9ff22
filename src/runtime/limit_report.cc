// What is known of a limit, for info JSON and for texts.
#include "runtime/limit_report.h"

#include "core/limit/limit_names.h"

namespace llmq::runtime {
namespace {

void add_options(cJSON* json, const core::LimitSpec& spec) {
  if (spec.burst > 0) base::add_number(json, "burst", spec.burst);
  if (spec.slice.ns > 0) base::add_number(json, "slice_ms", spec.slice.ns / 1'000'000);
  if (spec.calendar != core::Calendar::kNone) {
    base::add_text(json, "calendar", core::calendar_name(spec.calendar));
  }
  if (spec.share > 1) base::add_number(json, "share_of", spec.share);
  if (spec.per_tenant) base::add_true(json, "per_tenant");
}

const char* lesson_name(core::Lesson lesson) {
  switch (lesson) {
    case core::Lesson::kNone:
      return "nothing";
    case core::Lesson::kHeaders:
      return "headers";
    case core::Lesson::kRefusal:
      return "a refusal";
    case core::Lesson::kProbe:
      return "a probe";
  }
  return "?";
}

// Why what is enforced differs from what is configured; "" if it does not.
std::string why_different(core::TimeNs now, const core::Limit& limit) {
  if (limit.is_bound()) return "the provider was overloaded";
  const core::Learner* learner = limit.learner();
  if (learner == nullptr || limit.effective_amount(now) == limit.spec().amount) return "";
  if (learner->cut_ppm(now) < 1'000'000) {
    return "cut to " + std::to_string(learner->cut_ppm(now) / 10'000) +
           " % after refusals that nothing explains";
  }
  return "answers show a limit of " + std::to_string(learner->told());
}

void add_votes(cJSON* json, const core::Votes& votes) {
  base::add_number(json, "answers", votes.answers);
  base::add_number(json, "refusals", votes.refusals);
  const auto both = [json](const char* name, uint32_t yes, uint32_t no) {
    cJSON* pair = base::add_array(json, name);
    base::append(pair, base::new_real(yes));
    base::append(pair, base::new_real(no));
  };
  both("bucket", votes.bucket, votes.not_bucket);
  both("grid", votes.grid, votes.not_grid);
  both("sliding", votes.sliding, votes.not_sliding);
}

// What rests on refusals alone, and when it is tried again.
void add_lesson(cJSON* json, core::TimeNs now, const core::Learner& learner) {
  const core::Learnt& learnt = learner.learnt();
  cJSON* lesson = base::add_object(json, "by_refusals");
  if (learnt.from == core::Lesson::kRefusal) {
    base::add_text(lesson, "shape", core::shape_name(learnt.shape));
  }
  if (learnt.jitter.ns > 0) {
    base::add_number(lesson, "more_jitter_ms", learnt.jitter.ns / 1'000'000);
  }
  if (learner.cut_ppm(now) < 1'000'000) {
    base::add_number(lesson, "cut_to_ppm", learner.cut_ppm(now));
  }
  base::add_number(lesson, "ends_ms", milliseconds_until(now, learner.lesson_ends()));
}

// What answers have taught of a limit, and the evidence for it.
base::Json learnt_json(core::TimeNs now, const core::Limit& limit) {
  const core::Learner& learner = *limit.learner();
  const core::Learnt& learnt = learner.learnt();
  base::Json json(base::new_object());
  base::add_text(json.get(), "shape", core::shape_name(learnt.shape));
  base::add_text(json.get(), "from", lesson_name(learnt.from));
  if (learner.told() != core::kNotTold) base::add_number(json.get(), "told", learner.told());
  if (learnt.capacity > 0) base::add_number(json.get(), "capacity", learnt.capacity);
  if (learnt.slice.ns > 0) {
    base::add_number(json.get(), "slice_ms", learnt.slice.ns / 1'000'000);
  }
  if (learnt.has_edge) {
    const int64_t period =
        learnt.slice.ns > 0 ? learnt.slice.ns : std::max<int64_t>(limit.spec().period.ns, 1);
    const int64_t past = (now - learnt.edge).ns % period;
    base::add_number(json.get(), "next_edge_ms", (past < 0 ? -past : period - past) / 1'000'000);
  }
  if (const core::ChargeEvidence* counted = limit.charge_evidence(); counted != nullptr) {
    base::add_text(json.get(), "counts", core::counted_name(counted->thought()));
    if (!counted->concluded()) base::add_true(json.get(), "counts_assumed");
  }
  if (learner.lesson_ends() > now && learner.lesson_ends() != core::kNever) {
    add_lesson(json.get(), now, learner);
  }
  if (limit.foreign() > 0) base::add_number(json.get(), "used_by_others", limit.foreign());
  if (limit.closed_until() > now) {
    base::add_number(json.get(), "closed_ms", milliseconds_until(now, limit.closed_until()));
  }
  add_votes(json.get(), learner.votes());
  return json;
}

}  // namespace

const PoolEntry* pool_of(const DeploymentEntry& entry, core::Engine& engine,
                         const core::Limit* limit) {
  for (const PoolEntry* pool : entry.pools) {
    for (const std::unique_ptr<core::Limit>& one : engine.pool(pool->index)->limits) {
      if (one.get() == limit) return pool;
    }
  }
  return nullptr;
}

std::string owner_of(const DeploymentEntry& entry, core::Engine& engine, const core::Limit* limit) {
  const PoolEntry* const pool = pool_of(entry, engine, limit);
  if (pool == nullptr) return entry.config.title();
  return pool->name.empty() ? "model " + entry.config.model : "pool " + pool->name;
}

int64_t milliseconds_until(core::TimeNs now, core::TimeNs at) {
  return at == core::kNever ? -1 : (at - now).ns / 1'000'000;
}

std::string milliseconds_text(core::DurationNs length) {
  return std::to_string(length.ns / 1'000'000) + " ms";
}

std::string full_limit_name(const DeploymentEntry& entry, core::Engine& engine,
                            const core::Limit* limit) {
  const PoolEntry* pool = pool_of(entry, engine, limit);
  std::string name = core::limit_name(limit->spec());
  if (pool != nullptr && !pool->name.empty()) {
    name += " of pool " + pool->name;
  } else if (!entry.config.name.empty()) {
    name += pool != nullptr ? " of all deployments" : " of deployment " + entry.config.name;
  }
  if (limit->is_bound()) name += ", lowered for overload";
  return name;
}

base::Json limit_json(core::TimeNs now, const DeploymentEntry& entry, core::Engine& engine,
                      core::Limit& limit, bool implicit) {
  const core::LimitSpec& spec = limit.spec();
  const PoolEntry* pool = pool_of(entry, engine, &limit);
  const int64_t used = limit.used(now);
  const int64_t effective = limit.effective_amount(now);
  base::Json json(base::new_object());
  base::add_text(json.get(), "limit", core::limit_name(spec).c_str());
  base::add_text(json.get(), "kind", core::kind_name(spec.kind));
  if (pool != nullptr && !pool->name.empty()) {
    base::add_text(json.get(), "pool", pool->name.c_str());
  }
  base::add_number(json.get(), "amount", spec.amount);
  base::add_number(json.get(), "effective", effective);
  const std::string why = why_different(now, limit);
  if (!why.empty()) base::add_text(json.get(), "effective_why", why.c_str());
  if (!limit.is_concurrency()) {
    base::add_number(json.get(), "period_ms", spec.period.ns / 1'000'000);
    base::add_number(json.get(), "jitter_ms", spec.jitter.ns / 1'000'000);
    base::add_text(json.get(), "shape", core::shape_name(spec.shape));
    base::add_text(json.get(), "charge", core::charge_name(spec.charge));
    base::add_number(json.get(), "ideal_ms", limit.ideal().ns / 1'000'000);
  }
  add_options(json.get(), spec);
  base::add_number(json.get(), "used", used);
  base::add_number(json.get(), "reserved", limit.held());
  if (limit.projects()) {  // these need not fit with all that they have reserved
    base::add_number(json.get(), "projected", static_cast<int64_t>(limit.projected()));
  }
  const bool bucket = limit.enforced_shape() == core::Shape::kBucket && !limit.is_concurrency();
  base::add_number(json.get(), "available",
                   (bucket ? limit.capacity() : effective) - used - limit.held());
  base::add_number(json.get(), "next_free_ms", milliseconds_until(now, limit.earliest(now, 1)));
  if (implicit) base::add_true(json.get(), "implicit");
  if (limit.learner() != nullptr) {
    base::add(json.get(), "learnt", learnt_json(now, limit).release());
  }
  return json;
}

}  // namespace llmq::runtime
