#include "core/limit/limit_names.h"

namespace llmq::core {

const char* kind_name(LimitKind kind) {
  switch (kind) {
    case LimitKind::kRequests:
      return "requests";
    case LimitKind::kTokens:
      return "tokens";
    case LimitKind::kInputTokens:
      return "input_tokens";
    case LimitKind::kOutputTokens:
      return "output_tokens";
    case LimitKind::kConcurrency:
      return "concurrency";
    case LimitKind::kCost:
      return "cost";
  }
  return "?";
}

const char* charge_name(ChargeModel charge) {
  switch (charge) {
    case ChargeModel::kArrival:
      return "arrival";
    case ChargeModel::kCompletion:
      return "completion";
    case ChargeModel::kRealtime:
      return "realtime";
    case ChargeModel::kActual:
      return "actual";
    case ChargeModel::kUnknown:
      return "unknown";
  }
  return "?";
}

const char* shape_name(Shape shape) {
  switch (shape) {
    case Shape::kSliding:
      return "sliding";
    case Shape::kBucket:
      return "bucket";
    case Shape::kFixed:
      return "fixed";
    case Shape::kPaced:
      return "paced";
    case Shape::kQuantised:
      return "quantised";
    case Shape::kAuto:
      return "auto";
  }
  return "?";
}

const char* calendar_name(Calendar calendar) {
  switch (calendar) {
    case Calendar::kNone:
      return "none";
    case Calendar::kMinute:
      return "minute";
    case Calendar::kHour:
      return "hour";
    case Calendar::kDay:
      return "day";
    case Calendar::kWeek:
      return "week";
    case Calendar::kMonth:
      return "month";
  }
  return "?";
}

std::string period_text(DurationNs period) {
  struct Unit {
    int64_t ns;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86'400'000'000'000, "d"},
                             {3'600'000'000'000, "h"},
                             {60'000'000'000, "m"},
                             {1'000'000'000, "s"}};
  for (const Unit& unit : kUnits) {
    if (period.ns >= unit.ns && period.ns % unit.ns == 0) {
      return std::to_string(period.ns / unit.ns) + unit.name;
    }
  }
  return std::to_string(period.ns / 1'000'000) + "ms";
}

std::string limit_name(const LimitSpec& spec) {
  std::string name = kind_name(spec.kind);
  if (spec.kind != LimitKind::kConcurrency) name += "/" + period_text(spec.period);
  return name;
}

}  // namespace llmq::core
