// How keys are called, and what models, pools and tenants may be called.
#include "base/utf8.h"
#include "config/keys.h"

namespace llmq::config {
namespace {

constexpr std::string_view kDeployments = ".deployments.";

std::string prefix_of(Owner owner) {
  return owner == Owner::kManager ? "" : std::string(owner_name(owner)) + ".";
}

bool holds_deployments(std::string_view name) {
  return name.find(kDeployments) != std::string_view::npos;
}

core::Result<core::Done> check_text(const std::string& subject, std::string_view name,
                                    std::string_view what) {
  constexpr size_t kMaxName = 255;
  if (name.empty() || name.size() > kMaxName) {
    return bad_setting(
        what, subject + " has 1 .. 255 bytes, this one has " + std::to_string(name.size()));
  }
  if (!base::is_valid_utf8(name) || has_control_characters(name)) {
    return bad_setting(what, subject + " is UTF-8 without control characters");
  }
  return core::Done{};
}

// `whose.name` may name a deployment too.
core::Result<KeyParts> owned_key(const Row& row, Whose whose, std::string_view key) {
  const size_t at =
      whose.owner == Owner::kModel ? whose.name.find(kDeployments) : std::string_view::npos;
  if (at != std::string_view::npos) {
    whose.deployment = whose.name.substr(at + kDeployments.size());
    whose.name = whose.name.substr(0, at);
    auto fit = check_deployment(whose.name, whose.deployment, key);
    if (fit) fit = check_per_deployment(row, key);
    if (!fit) return fit.error();
  }
  const auto fit = check_name(whose.owner, whose.name, key);
  if (!fit) return fit.error();
  return KeyParts{&row, whose};
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
      return owned_key(*row, {owner, rest.substr(0, dot), {}}, key);
    }
    return unknown_key(key);
  }
  const Row* row = find_row(Owner::kManager, key);
  if (row == nullptr) return unknown_key(key);
  return KeyParts{row, {}};
}

core::Result<core::Done> check_name(Owner owner, std::string_view name, std::string_view what) {
  const std::string subject = std::string("the name of a ") + owner_name(owner);
  auto fit = check_text(subject, name, what);
  if (!fit) return fit;
  if (owner == Owner::kModel && holds_deployments(name)) {
    return bad_setting(what, subject + " does not hold \".deployments.\"; it is " + quoted(name));
  }
  if (owner == Owner::kPool && name.find_first_of(", ") != std::string_view::npos) {
    return bad_setting(what, subject + " holds neither comma nor space; it is " + quoted(name));
  }
  return core::Done{};
}

core::Result<core::Done> check_deployment(std::string_view model, std::string_view name,
                                          std::string_view what) {
  auto fit = check_text("the name of a deployment", name, what);
  if (!fit) return fit;
  if (holds_deployments(name) || name == "*") {
    return bad_setting(what,
                       "the name of a deployment is not * and does not hold \".deployments.\"; "
                       "it is " +
                           quoted(name));
  }
  if (model == "*") {
    return bad_setting(what, "deployments are those of one model: * has none");
  }
  return core::Done{};
}

core::Result<core::Done> check_per_deployment(const Row& row, std::string_view what) {
  if (row.scope == Scope::kDeployment) return core::Done{};
  return bad_setting(what, "it belongs to the model, not to a deployment");
}

core::Error unknown_key(std::string_view path) {
  return {core::Status::kUnknownKey,
          quoted(path) + " is not a key; docs/configuration.md and llmq_conf_key_at list them",
          std::string(path)};
}

}  // namespace llmq::config
