// Short ways to make rows of the table of keys.
#ifndef LLMQ_CONFIG_ROW_MAKERS_H_
#define LLMQ_CONFIG_ROW_MAKERS_H_

#include <deque>

#include "config/keys.h"

namespace llmq::config {

inline constexpr int64_t kMaxMs = int64_t{366} * 24 * 3600 * 1000;

inline core::DurationNs as_ms(const Value& value) { return core::milliseconds(value.number); }

inline Row model_setting(const char* name, Scope scope, Kind kind, const char* def, const char* doc,
                         void (*apply)(const Value&, ModelConfig&)) {
  Row row;
  row.name = name;
  row.scope = scope;
  row.kind = kind;
  row.def = def;
  row.doc = doc;
  row.to_model = apply;
  return row;
}

inline Row model_integer(const char* name, Scope scope, int64_t min, int64_t max, const char* def,
                         const char* doc, void (*apply)(const Value&, ModelConfig&)) {
  Row row = model_setting(name, scope, Kind::kInteger, def, doc, apply);
  row.min = min;
  row.max = max;
  return row;
}

// The same of what each deployment may have of its own.
inline Row deployment_setting(const char* name, Kind kind, const char* def, const char* doc,
                              void (*apply)(const Value&, DeploymentConfig&)) {
  Row row;
  row.name = name;
  row.scope = Scope::kDeployment;
  row.kind = kind;
  row.def = def;
  row.doc = doc;
  row.to_deployment = apply;
  return row;
}

inline Row deployment_integer(const char* name, int64_t min, int64_t max, const char* def,
                              const char* doc, void (*apply)(const Value&, DeploymentConfig&)) {
  Row row = deployment_setting(name, Kind::kInteger, def, doc, apply);
  row.min = min;
  row.max = max;
  return row;
}

// What failures are answered with; in resilience_keys.cc.
void add_resilience_rows(std::deque<Row>& rows);
// Where and how the calls of a model are made; in deployment_keys.cc.
void add_deployment_rows(std::deque<Row>& rows);
void add_mock_rows(std::deque<Row>& rows);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_ROW_MAKERS_H_
