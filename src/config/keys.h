// The table of keys, and how its rows are found. A new setting is one row in keys.cc, and nothing else.
#ifndef LLMQ_CONFIG_KEYS_H_
#define LLMQ_CONFIG_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/value.h"

namespace llmq::config {

enum class Scope : uint8_t {
  kManager,
  kModel,
  kDeployment,  // a model key that says where and how its calls are made
};

enum class Kind : uint8_t {
  kInteger,
  kUnsigned,  // 64 bits; JSON beyond 2^53: as a string
  kSize,      // bytes: 2147483648 or 2GiB
  kFraction,  // 0 .. 1
  kBool,
  kChoice,
  kText,
  kVariable,  // name of an environment variable
  kUrl,
  kRange,     // one integer, or min..max
  kLimits,
};

struct Choice {
  const char* text;
  int64_t value;
};

struct Row {
  const char* key = "";  // as listed; a model key begins with "model.*."
  Scope scope = Scope::kManager;
  Kind kind = Kind::kInteger;
  int64_t min = 0;
  int64_t max = 0;
  const Choice* choices = nullptr;
  size_t choice_count = 0;
  const char* word = nullptr;        // accepted in place of a value
  const char* def = "";              // for a model without a built-in provider; "" = none
  const char* openai_def = nullptr;  // with provider openai, if different
  const char* mock_def = nullptr;    // with provider mock, if different
  const char* doc = "";
  void (*to_manager)(const Value&, ManagerConfig&) = nullptr;
  void (*to_model)(const Value&, ModelConfig&) = nullptr;
  // A shorthand for one limit; 0 = time_period_s decides.
  bool is_limit = false;
  core::LimitKind limit_kind = core::LimitKind::kRequests;
  int64_t limit_period_s = 0;

  // The key without "model.*.".
  std::string_view name() const;
  const char* default_for(ProviderKind provider) const;
  // For lists and docs.
  const KeyInfo& info() const;
};

struct Rows {
  const Row* first;
  size_t count;
  const Row* begin() const { return first; }
  const Row* end() const { return first + count; }
};
Rows rows();

// A row by its name without "model.*."; nullptr if there is none.
const Row* manager_row(std::string_view name);
const Row* model_row(std::string_view name);

// A key taken apart. `model` is "" for a manager key.
struct KeyParts {
  const Row* row = nullptr;
  std::string_view model;
};
core::Result<KeyParts> resolve(std::string_view key);

// Is the name fit for a model: 1 .. 255 bytes of UTF-8 without control characters?
core::Result<core::Done> check_model_name(std::string_view name, std::string_view what);

// kUnknownKey that names `path` and, if one is near `name`, the key that may have been meant.
core::Error unknown_key(std::string_view path, std::string_view name, bool of_model);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_KEYS_H_
