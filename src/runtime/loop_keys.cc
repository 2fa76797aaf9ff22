// Keys that were refused: has another one come in their place?
#include <algorithm>
#include <functional>

#include "runtime/api_key.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// Files and functions are asked at most that often.
constexpr core::DurationNs kBetweenLooks = core::seconds(1);

size_t fingerprint_of(const DeploymentEntry& entry) {
  auto key = key_for(entry.key_fn, entry);
  if (!key) return Loop::kNoKey;
  const size_t fingerprint = std::hash<std::string>()(key.value());
  wipe(key.value());
  return fingerprint;
}

}  // namespace

// The key may have been replaced while the call was on its way, or just before. A second refusal is
// final: a function may give another key each time.
bool Loop::has_new_key(Job& job, size_t refused) {
  DeploymentEntry& entry = deployment_of(job);
  entry.key.look_at_file(now_.mono, true);
  if (job.met_new_key) return false;
  const size_t now = fingerprint_of(entry);
  job.met_new_key = now != kNoKey && now != refused;
  return job.met_new_key;
}

void Loop::note_refused_key(const Job& job, DeploymentEntry& entry, size_t fingerprint) {
  entry.refused_key = fingerprint;
  const RefusedKey refused{job.request.model, &entry};
  if (std::find(refused_keys_.begin(), refused_keys_.end(), refused) == refused_keys_.end()) {
    refused_keys_.push_back(refused);
  }
}

// The engine may have given such a deployment up: it is called again with another key.
void Loop::look_for_new_keys() {
  if (now_.mono < next_key_look_) return;
  next_key_look_ = now_.mono + kBetweenLooks;
  const auto is_settled = [this](const RefusedKey& refused) {
    const core::Model* const model = engine_.model(refused.model);
    DeploymentEntry& entry = *refused.entry;
    if (model == nullptr || entry.index >= model->deployments.size()) return true;
    const auto& deployment = model->deployments[entry.index];
    if (deployment == nullptr || deployment->key_refusals == 0) return true;
    entry.key.look_at_file(now_.mono, true);
    const size_t now = fingerprint_of(entry);
    if (now == kNoKey || now == entry.refused_key) return false;
    step(core::KeyRenewed{refused.model, entry.index});
    return true;
  };
  refused_keys_.erase(std::remove_if(refused_keys_.begin(), refused_keys_.end(), is_settled),
                      refused_keys_.end());
}

}  // namespace llmq::runtime
