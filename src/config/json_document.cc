// The configuration as one JSON document: every value in it becomes the text that Config::set
// takes, so that both forms have one table, one set of ranges and one wording of errors.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/limit_options.h"

namespace llmq::config {
namespace {

using core::Done;
using core::Result;

core::Error expected(const std::string& path, const char* what) {
  return bad_setting(path, std::string("expected ") + what);
}

std::string place_of(std::string_view document, const char* at) {
  const auto offset = static_cast<size_t>(at - document.data());
  const std::string_view before = document.substr(0, std::min(offset, document.size()));
  const size_t newline = before.rfind('\n');
  const size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1);
  const auto line = std::count(before.begin(), before.end(), '\n');
  return "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1);
}

// A number as config text; integers beyond 2^53 have lost digits already.
Result<std::string> number_text(double number, const std::string& path) {
  constexpr double kExact = 9007199254740992.0;
  if (std::fabs(number) > kExact) {
    return bad_setting(path, "a number beyond 2^53 must be written as a string");
  }
  constexpr double kMostWithFraction = 9e9;
  if (number == std::floor(number)) return std::to_string(static_cast<int64_t>(number));
  if (std::fabs(number) > kMostWithFraction) {
    return bad_setting(path,
                       "a number beyond 9000000000 with decimals must be written as a string");
  }
  const auto billionths = std::llround(std::fabs(number) * 1e9);
  std::string decimals = std::to_string(billionths % 1'000'000'000);
  decimals.insert(0, 9 - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return std::string(number < 0 ? "-" : "") + std::to_string(billionths / 1'000'000'000) + "." +
         (decimals.empty() ? "0" : decimals);
}

Result<std::string> scalar_text(const cJSON* item, const std::string& path) {
  if (cJSON_IsString(item)) return std::string(item->valuestring);
  if (cJSON_IsBool(item)) return std::string(cJSON_IsTrue(item) ? "true" : "false");
  if (cJSON_IsNumber(item)) return number_text(item->valuedouble, path);
  return expected(path, "a string, a number, true or false");
}

// cJSON keeps both members of {"a":1,"a":2}; a configuration must not.
Result<Done> check_members(const cJSON* object, const std::string& path) {
  std::set<std::string_view> names;
  for (const cJSON* item = object->child; item != nullptr; item = item->next) {
    if (!names.insert(item->string).second) {
      return bad_setting(path.empty() ? item->string : path + "." + item->string,
                         "it is given twice");
    }
  }
  return Done{};
}

// {"tokens":30000,"per":"1m","charge":"actual","per_tenant":true} ->
// "tokens=30000/1m,charge=actual,per_tenant"
Result<std::string> limit_text_of(const cJSON* item, const std::string& path) {
  if (cJSON_IsString(item)) return std::string(item->valuestring);
  if (!cJSON_IsObject(item))
    return expected(path, "an object such as {\"requests\":500,\"per\":\"1m\"}");
  std::string subject;
  std::string period;
  std::string options;
  for (const cJSON* member = item->child; member != nullptr; member = member->next) {
    const std::string_view name = member->string;
    auto text = scalar_text(member, path + "." + member->string);
    if (!text) return text;
    if (name == "per") {
      period = "/" + text.value();
    } else if (name == "per_tenant") {
      if (!cJSON_IsBool(member)) return expected(path + ".per_tenant", "true or false");
      if (cJSON_IsTrue(member)) options += ",per_tenant";
    } else if (is_option(name)) {
      options += "," + std::string(name) + "=" + text.value();
    } else if (subject.empty()) {
      subject = std::string(name) + "=" + text.value();
    } else {
      return bad_setting(path, quoted(name) + " is one too many: one limit bounds one thing");
    }
  }
  return subject + period + options;
}

// ["a", "b"], or the same in one string: "a,b".
Result<std::string> list_text(const cJSON* item, char separator, const std::string& path) {
  if (cJSON_IsString(item)) return std::string(item->valuestring);
  if (!cJSON_IsArray(item)) return expected(path, "an array of strings");
  std::string all;
  for (const cJSON* text = item->child; text != nullptr; text = text->next) {
    if (!cJSON_IsString(text)) return expected(path, "an array of strings");
    if (std::strchr(text->valuestring, separator) != nullptr) {
      return bad_setting(path, separator == ',' ? quoted(text->valuestring) + " holds a comma"
                                                : "one of the texts holds a |");
    }
    if (!all.empty()) all += separator;
    all += text->valuestring;
  }
  return all;
}

class Reader {
 public:
  explicit Reader(Config& config) : config_(config) {}

  Result<Done> document(const cJSON* root) {
    auto checked = check_members(root, "");
    for (const cJSON* item = root->child; checked && item != nullptr; item = item->next) {
      const std::string name = item->string;
      if (name == "models") {
        checked = members(item, Owner::kModel, "models");
      } else if (name == "pools") {
        checked = members(item, Owner::kPool, "pools");
      } else if (name == "tenants") {
        checked = members(item, Owner::kTenant, "tenants");
      } else {
        checked = setting(item, name, {}, name);
      }
    }
    return checked;
  }

 private:
  // An object is a group of keys: {"retry":{"max_attempts":3}} is retry.max_attempts.
  Result<Done> setting(const cJSON* item, const std::string& name, const Whose& whose,
                       const std::string& path) {
    if (cJSON_IsObject(item)) {
      auto checked = check_members(item, path);
      for (const cJSON* member = item->child; checked && member != nullptr; member = member->next) {
        checked = setting(member, name + "." + member->string, whose, path + "." + member->string);
      }
      return checked;
    }
    const Row* row = find_row(whose.owner, name);
    if (row == nullptr) return unknown_key(path);
    if (!whose.deployment.empty()) {
      if (auto fit = check_per_deployment(*row, path); !fit) return fit;
    }
    auto text = row->kind == Kind::kNames     ? list_text(item, ',', path)
                : row->kind == Kind::kHeaders ? list_text(item, '|', path)
                                              : scalar_text(item, path);
    if (!text) return text.error();
    return config_.apply({row, whose}, text.value(), path);
  }

  // A list of models, pools or tenants.
  Result<Done> members(const cJSON* list, Owner owner, const std::string& list_name) {
    if (!cJSON_IsArray(list)) return expected(list_name, "an array of objects");
    size_t index = 0;
    std::set<std::string> names;
    for (const cJSON* item = list->child; item != nullptr; item = item->next, ++index) {
      const std::string path = list_name + "[" + std::to_string(index) + "]";
      if (!cJSON_IsObject(item)) return expected(path, "an object");
      const cJSON* name = cJSON_GetObjectItemCaseSensitive(item, "name");
      if (!cJSON_IsString(name)) {
        return bad_setting(path + ".name", std::string("expected the name of the ") +
                                               owner_name(owner) + " as a string");
      }
      auto fit = check_name(owner, name->valuestring, path + ".name");
      if (!fit) return fit;
      if (!names.insert(name->valuestring).second) {
        return bad_setting(path + ".name", quoted(name->valuestring) + " is given twice");
      }
      auto read = member(item, {owner, name->valuestring, {}}, path);
      if (!read) return read;
    }
    return Done{};
  }

  Result<Done> member(const cJSON* object, const Whose& whose, const std::string& path) {
    config_.mention(whose);
    auto checked = check_members(object, path);
    if (!checked) return checked;
    // Limits first: they replace the shorthands set before, not those beside them.
    const cJSON* list = cJSON_GetObjectItemCaseSensitive(object, "limits");
    if (list != nullptr && whose.owner != Owner::kTenant) {
      checked = limits(list, whose, path + ".limits");
    }
    for (const cJSON* item = object->child; checked && item != nullptr; item = item->next) {
      const std::string key = item->string;
      if (key == "name" || (key == "limits" && whose.owner != Owner::kTenant)) continue;
      const bool lists = key == "deployments" && whose.owner == Owner::kModel;
      checked = lists && whose.deployment.empty()
                    ? deployments(item, object, whose, path + ".deployments")
                    : setting(item, key, whose, path + "." + key);
    }
    return checked;
  }

  Result<Done> limits(const cJSON* list, const Whose& whose, const std::string& path) {
    const Row& row = *find_row(whose.owner, "limits");
    if (cJSON_IsString(list)) return config_.apply({&row, whose}, list->valuestring, path);
    if (!cJSON_IsArray(list)) return expected(path, "an array of limits");
    std::string all;
    size_t index = 0;
    for (const cJSON* item = list->child; item != nullptr; item = item->next, ++index) {
      const std::string place = path + "[" + std::to_string(index) + "]";
      auto text = limit_text_of(item, place);
      if (!text) return text.error();
      const auto value = parse_value(row, text.value(), place);
      if (!value) return value.error();
      all += (all.empty() ? "" : ";") + text.value();
    }
    return all.empty() ? Result<Done>(Done{}) : config_.apply({&row, whose}, all, path);
  }

  Result<Done> deployments(const cJSON* list, const cJSON* model, const Whose& whose,
                           const std::string& path) {
    if (!cJSON_IsArray(list) || list->child == nullptr) {
      return expected(path, "an array of objects");
    }
    size_t index = 0;
    std::set<std::string> names;
    for (const cJSON* item = list->child; item != nullptr; item = item->next, ++index) {
      const std::string place = path + "[" + std::to_string(index) + "]";
      if (!cJSON_IsObject(item)) return expected(place, "an object");
      const cJSON* const given = cJSON_GetObjectItemCaseSensitive(item, "name");
      if (given == nullptr && cJSON_GetArraySize(list) == 1) {
        return only_deployment(item, model, whose, place);
      }
      if (given != nullptr && !cJSON_IsString(given)) {
        return bad_setting(place + ".name", "expected the name of the deployment as a string");
      }
      const std::string name = given != nullptr ? given->valuestring : std::to_string(index);
      auto done = check_deployment(whose.name, name, place + ".name");
      if (!done) return done;
      if (!names.insert(name).second) {
        return bad_setting(place + ".name", quoted(name) + " is given twice");
      }
      done = member(item, {whose.owner, whose.name, name}, place);
      if (!done) return done;
    }
    return Done{};
  }

  // Does the model say the same, or have limits where `row` states some?
  static bool says_too(const cJSON* model, const Row& row) {
    for (const cJSON* item = model->child; item != nullptr; item = item->next) {
      const Row* const other = model_row(item->string);
      if (other == &row) return true;
      if (other != nullptr && states_limits(*other) && states_limits(row)) return true;
    }
    return false;
  }

  // It is the model by another name: its keys are the model's.
  Result<Done> only_deployment(const cJSON* object, const cJSON* model, const Whose& whose,
                               const std::string& place) {
    for (const cJSON* item = object->child; item != nullptr; item = item->next) {
      const std::string path = place + "." + item->string;
      const Row* const row = model_row(item->string);
      if (row == nullptr) continue;
      if (auto fit = check_per_deployment(*row, path); !fit) return fit;
      if (!row->live || !says_too(model, *row)) continue;
      return bad_setting(path, states_limits(*row)
                                   ? "the model has limits too, and this is its only deployment"
                                   : "the model says it too, and this is its only deployment");
    }
    return member(object, whose, place);
  }

  Config& config_;
};

}  // namespace

core::Result<core::Done> Config::set_json(std::string_view document) {
  const auto malformed = [](const std::string& what) {
    return core::Error{core::Status::kInvalidValue, "the configuration is not valid JSON: " + what,
                       ""};
  };
  if (!base::is_valid_utf8(document)) return malformed("it is not UTF-8");
  const char* end = nullptr;
  const base::Json root = base::parse_json(document, &end);
  if (root == nullptr) return malformed(place_of(document, end));
  const std::string_view rest = document.substr(static_cast<size_t>(end - document.data()));
  const size_t more = rest.find_first_not_of(" \t\r\n");
  if (more != std::string_view::npos) {
    return malformed(place_of(document, end + more) + ": something follows the document");
  }
  if (!cJSON_IsObject(root.get())) return malformed("expected an object");
  Config changed = *this;  // all or nothing
  auto read = Reader(changed).document(root.get());
  if (!read) return read;
  *this = std::move(changed);
  return Done{};
}

}  // namespace llmq::config
