// One setting after its text has been read, and the words in which a bad one is refused.
#ifndef LLMQ_CONFIG_VALUE_H_
#define LLMQ_CONFIG_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/result.h"

namespace llmq::config {

struct Row;

// A limit as its text states it. What is not given comes from the `shape`, `charge` and `jitter_ms`
// of its model or pool.
struct LimitEntry {
  core::LimitSpec spec;
  bool shape_given = false;
  bool burst_given = false;
  bool slice_given = false;
  bool charge_given = false;
  bool jitter_given = false;
  bool jitter_auto = false;
};

// Which members count depends on the row's kind; the others keep their zeros, so that == compares
// settings.
struct Value {
  int64_t number = 0;  // integer, size, choice, bool; the bits of an unsigned; least of a range
  int64_t high = 0;    // greatest of a range
  double fraction = 0;
  bool is_word = false;  // the row's word ("none", "auto") stood in place of a value
  std::string text;
  std::vector<LimitEntry> limits;
};

// Reads `text` as the row asks. `what` names the setting in errors: its key, or its path in a JSON
// document.
core::Result<Value> parse_value(const Row& row, std::string_view text, std::string_view what);

// kInvalidValue: `what: "value" is not acceptable: expected <expected>`.
core::Error bad_value(std::string_view what, std::string_view value, std::string_view expected);
// kInvalidValue with words of its own, after `what: `.
core::Error bad_setting(std::string_view what, std::string_view message);

// Fit to be printed: quoted, shortened, without control characters or broken UTF-8.
std::string quoted(std::string_view text);

bool has_control_characters(std::string_view text);

// "a, b" -> {"a", "b"}.
std::vector<std::string> names_of(std::string_view list);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_VALUE_H_
