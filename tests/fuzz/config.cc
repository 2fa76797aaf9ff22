// Settings as one JSON document.
#include "config/config.h"
#include "input.h"
#include "outcome_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace llmq;
  const fuzz::Input input(data, size);
  config::Config config;
  const auto set = config.set_json(input.rest());
  if (!set) {
    fuzz::require(!set.error().message.empty());
    return 0;
  }
  const auto manager = config.manager();
  const auto models = config.models();
  const auto pools = config.pools();
  if (!manager) fuzz::require(!manager.error().message.empty());
  if (!models) fuzz::require(!models.error().message.empty());
  if (!pools) fuzz::require(!pools.error().message.empty());
  return 0;
}
