#include "runtime/validate.h"

#include <algorithm>

#include "config/model_config.h"
#include "config/value.h"
#include "runtime/api_key.h"
#include "runtime/calendar.h"
#include "runtime/log.h"
#include "runtime/transport.h"

namespace llmq::runtime {

core::Result<core::Done> check_fallback(const std::string& model, const std::string& to,
                                        bool known) {
  const std::string key = "model." + model + ".fallback.models";
  if (!known) return config::bad_setting(key, "no model " + config::quoted(to) + " is registered");
  if (to == model) return config::bad_setting(key, "it names the model itself");
  return core::Done{};
}

core::Result<core::Done> validate(const config::Config& config, const Callbacks& callbacks) {
  const auto settings = config.manager();
  if (!settings) return settings.error();
  const auto models = config.models();
  if (!models) return models.error();
  const auto pools = config.pools();
  if (!pools) return pools.error();
  const auto log = make_log(settings.value(), callbacks.log);
  if (!log) return log.error();
  for (const config::PoolConfig& pool : pools.value()) {
    if (auto checked = check_calendars(pool); !checked) return checked.error();
  }
  for (const config::ModelConfig& model : models.value()) {
    if (auto checked = check_calendars(model); !checked) return checked.error();
    for (const std::string& to : model.fallback) {
      const bool known =
          std::any_of(models.value().begin(), models.value().end(),
                      [&to](const config::ModelConfig& other) { return other.name == to; });
      if (auto checked = check_fallback(model.name, to, known); !checked) return checked.error();
    }
    for (const config::DeploymentConfig& deployment : model.deployments) {
      if (auto checked = check_transport(deployment); !checked) return checked.error();
      if (deployment.provider != config::ProviderKind::kHttp) continue;
      const auto key = read_api_key(deployment, callbacks.api_key.is_set());
      if (!key) return key.error();
    }
  }
  return core::Done{};
}

}  // namespace llmq::runtime
