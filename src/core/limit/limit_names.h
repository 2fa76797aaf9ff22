// How limits are called in texts, alike everywhere: "tokens/1m", "concurrency".
#ifndef LLMQ_CORE_LIMIT_LIMIT_NAMES_H_
#define LLMQ_CORE_LIMIT_LIMIT_NAMES_H_

#include <string>

#include "core/limit/limit_spec.h"

namespace llmq::core {

const char* kind_name(LimitKind kind);
const char* charge_name(ChargeModel charge);
const char* shape_name(Shape shape);
const char* calendar_name(Calendar calendar);
std::string period_text(DurationNs period);     // "6s", "1m", "1500ms"
std::string limit_name(const LimitSpec& spec);  // "requests/1m"

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LIMIT_NAMES_H_
