// How keys are called, and what models, pools and tenants may be called.
#include "base/utf8.h"
#include "config/keys.h"

namespace llmq::config {
namespace {

std::string prefix_of(Owner owner) {
  return owner == Owner::kManager ? "" : std::string(owner_name(owner)) + ".";
}

}  // namespace

Owner owner_of(Scope scope) {
  switch (scope) {
    case Scope::kManager:
      return Owner::kManager;
    case Scope::kModel:
    case Scope::kDeployment:
      return Owner::kModel;
    case Scope::kPool:
      return Owner::kPool;
    case Scope::kTenant:
      return Owner::kTenant;
  }
  return Owner::kManager;
}

const char* owner_name(Owner owner) {
  switch (owner) {
    case Owner::kManager:
      return "manager";
    case Owner::kModel:
      return "model";
    case Owner::kPool:
      return "pool";
    case Owner::kTenant:
      return "tenant";
  }
  return "?";
}

// The name of a model may hold dots ("gpt-4.1"): the longest suffix that is a key decides.
core::Result<KeyParts> resolve(std::string_view key) {
  for (const Owner owner : kOwners) {
    const std::string prefix = prefix_of(owner);
    if (prefix.empty() || key.substr(0, prefix.size()) != prefix) continue;
    const std::string_view rest = key.substr(prefix.size());
    for (size_t dot = rest.find('.'); dot != std::string_view::npos;
         dot = rest.find('.', dot + 1)) {
      const Row* row = find_row(owner, rest.substr(dot + 1));
      if (row == nullptr) continue;
      const std::string_view name = rest.substr(0, dot);
      const auto fit = check_name(owner, name, key);
      if (!fit) return fit.error();
      return KeyParts{row, name};
    }
    return unknown_key(key);
  }
  const Row* row = find_row(Owner::kManager, key);
  if (row == nullptr) return unknown_key(key);
  return KeyParts{row, {}};
}

core::Result<core::Done> check_name(Owner owner, std::string_view name, std::string_view what) {
  constexpr size_t kMaxName = 255;
  const std::string subject = std::string("the name of a ") + owner_name(owner);
  if (name.empty() || name.size() > kMaxName) {
    return bad_setting(
        what, subject + " has 1 .. 255 bytes, this one has " + std::to_string(name.size()));
  }
  if (!base::is_valid_utf8(name) || has_control_characters(name)) {
    return bad_setting(what, subject + " is UTF-8 without control characters");
  }
  if (owner == Owner::kPool && name.find_first_of(", ") != std::string_view::npos) {
    return bad_setting(what, subject + " holds neither comma nor space; it is " + quoted(name));
  }
  return core::Done{};
}

core::Error unknown_key(std::string_view path) {
  return {core::Status::kUnknownKey,
          quoted(path) + " is not a key; docs/configuration.md and llmq_conf_key_at list them",
          std::string(path)};
}

}  // namespace llmq::config
