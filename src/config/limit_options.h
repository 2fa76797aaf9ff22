// What may follow the amount of a limit: ",shape=bucket,burst=30,share=1/4,per_tenant".
#ifndef LLMQ_CONFIG_LIMIT_OPTIONS_H_
#define LLMQ_CONFIG_LIMIT_OPTIONS_H_

#include <string>
#include <string_view>

#include "config/keys.h"
#include "config/value.h"

namespace llmq::config {

// Words of options that are keys of models and pools too; end with a null text.
extern const Choice kShapeWords[];
extern const Choice kChargeWords[];

// A limit while its options are read.
struct LimitDraft {
  std::string_view what;  // the setting, for errors
  std::string_view text;  // the whole limit, for errors
  LimitEntry entry;
  uint32_t seen = 0;             // options so far, by bit
  int64_t burst_billionths = 0;  // burst as a part of the amount; 0 = not so given
  bool has_period = false;
  core::DurationNs period{};
  int64_t amount = 0;
};

// One option without its comma. No option may stand twice.
core::Result<core::Done> read_option(std::string_view option, LimitDraft& draft);

bool is_option(std::string_view name);
// Names of all options, for errors.
std::string option_names();

// The period of a calendar window, the longest if they differ; 0 for kNone.
core::DurationNs calendar_period(core::Calendar calendar);

// What of an entry contradicts its shape; "" if nothing does.
std::string shape_fault(const LimitEntry& entry);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_LIMIT_OPTIONS_H_
