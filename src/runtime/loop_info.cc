// The state of models as JSON, for people and dashboards (llmq_manager_info_json).
#include "base/json.h"
#include "core/limit/limit_names.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// Milliseconds from now; -1 if only the end of a running attempt makes room.
int64_t milliseconds_until(core::TimeNs now, core::TimeNs at) {
  return at == core::kNever ? -1 : (at - now).ns / 1'000'000;
}

// The pool that the limit belongs to; nullptr if it is the model's own.
const PoolEntry* pool_of(const ModelEntry& entry, core::Engine& engine, const core::Limit* limit) {
  for (const PoolEntry* pool : entry.pools) {
    for (const std::unique_ptr<core::Limit>& one : engine.pool(pool->index)->limits) {
      if (one.get() == limit) return pool;
    }
  }
  return nullptr;
}

// What the limit lets through now, as learned from the provider.
int64_t effective_amount(const core::Limit& limit) { return limit.spec().amount; }

void add_options(cJSON* json, const core::LimitSpec& spec) {
  if (spec.burst > 0) base::add_number(json, "burst", spec.burst);
  if (spec.slice.ns > 0) base::add_number(json, "slice_ms", spec.slice.ns / 1'000'000);
  if (spec.calendar != core::Calendar::kNone) {
    cJSON_AddStringToObject(json, "calendar", core::calendar_name(spec.calendar));
  }
  if (spec.share > 1) base::add_number(json, "share_of", spec.share);
  if (spec.per_tenant) cJSON_AddTrueToObject(json, "per_tenant");
}

base::Json limit_json(core::TimeNs now, core::Limit& limit, const PoolEntry* pool, bool implicit) {
  const core::LimitSpec& spec = limit.spec();
  const int64_t used = limit.used(now);
  base::Json json(cJSON_CreateObject());
  cJSON_AddStringToObject(json.get(), "limit", core::limit_name(spec).c_str());
  cJSON_AddStringToObject(json.get(), "kind", core::kind_name(spec.kind));
  if (pool != nullptr) cJSON_AddStringToObject(json.get(), "pool", pool->name.c_str());
  base::add_number(json.get(), "amount", spec.amount);
  base::add_number(json.get(), "effective", effective_amount(limit));
  if (!limit.is_concurrency()) {
    base::add_number(json.get(), "period_ms", spec.period.ns / 1'000'000);
    base::add_number(json.get(), "jitter_ms", spec.jitter.ns / 1'000'000);
    cJSON_AddStringToObject(json.get(), "shape", core::shape_name(spec.shape));
    cJSON_AddStringToObject(json.get(), "charge", core::charge_name(spec.charge));
    base::add_number(json.get(), "ideal_ms", limit.ideal().ns / 1'000'000);
  }
  add_options(json.get(), spec);
  base::add_number(json.get(), "used", used);
  base::add_number(json.get(), "reserved", limit.held());
  base::add_number(json.get(), "available", effective_amount(limit) - used - limit.held());
  base::add_number(json.get(), "next_free_ms", milliseconds_until(now, limit.earliest(now, 1)));
  if (implicit) cJSON_AddTrueToObject(json.get(), "implicit");
  return json;
}

std::string blocked_text(const ModelEntry& entry, core::Engine& engine, core::Model& model) {
  if (!model.spec.ready) return "no processor is set";
  if (model.blocked_by >= 0) {
    const core::Limit* limit = model.limiter.limits()[static_cast<size_t>(model.blocked_by)];
    const PoolEntry* pool = pool_of(entry, engine, limit);
    return core::limit_name(limit->spec()) + (pool == nullptr ? "" : " of pool " + pool->name);
  }
  return model.blocked_until.ns > 0 ? "the provider's Retry-After" : "";
}

base::Json model_json(core::TimeNs now, const ModelEntry& entry, core::Engine& engine,
                      core::Model& model) {
  base::Json json(cJSON_CreateObject());
  cJSON_AddStringToObject(json.get(), "model", entry.config.name.c_str());
  base::add_number(json.get(), "pending", static_cast<int64_t>(model.counters.pending));
  base::add_number(json.get(), "processing", static_cast<int64_t>(model.counters.processing));
  const auto settings = entry.settings.read();
  base::add_number(json.get(), "max_attempts", settings->retry.max_attempts);
  base::add_number(json.get(), "timeout_ms", settings->timeout.ns / 1'000'000);
  const std::string blocked = blocked_text(entry, engine, model);
  if (!model.queue.empty() && !blocked.empty()) {
    cJSON_AddStringToObject(json.get(), "blocked_by", blocked.c_str());
    base::add_number(json.get(), "blocked_for_ms", milliseconds_until(now, model.blocked_until));
  }
  cJSON* limits = cJSON_AddArrayToObject(json.get(), "limits");
  const std::vector<core::Limit*>& all = model.limiter.limits();
  for (size_t i = 0; i < all.size(); ++i) {
    cJSON_AddItemToArray(limits, limit_json(now, *all[i], pool_of(entry, engine, all[i]),
                                            model.limiter.is_implicit(i))
                                     .release());
  }
  return json;
}

}  // namespace

std::string Loop::info_json(const std::vector<ModelEntry*>& models, bool single) {
  const core::TimeNs at = mono_now();
  base::Json list(cJSON_CreateArray());
  for (const ModelEntry* entry : models) {
    core::Model* model = engine_.model(entry->index);
    if (model == nullptr) continue;
    base::Json json = model_json(at, *entry, engine_, *model);
    if (single) return base::json_text(json.get());
    cJSON_AddItemToArray(list.get(), json.release());
  }
  base::Json all(cJSON_CreateObject());
  base::add_number(all.get(), "live", static_cast<int64_t>(engine_.live()));
  cJSON_AddItemToObject(all.get(), "models", list.release());
  return base::json_text(all.get());
}

}  // namespace llmq::runtime
