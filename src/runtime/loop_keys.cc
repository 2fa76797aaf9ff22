// Keys that the host is asked for by events, and keys that were refused: has another one come in
// their place?
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

// A key as the host has said it; kNoKey: none.
size_t fingerprint_of(const KeyAnswer& answer) {
  return answer.key.empty() ? Loop::kNoKey : std::hash<std::string>()(answer.key);
}

std::string names_of(const config::DeploymentConfig& config) {
  std::string names = config.model;
  names += '\0';
  return names += config.name;
}

}  // namespace

// What was asked while nobody could hear it is told now.
void Loop::set_key_queue(std::shared_ptr<KeyQueue> queue) {
  key_queue_ = std::move(queue);
  for (auto& asked : questions_) {
    if (!asked.second.told) if_memory_lasts([&] { tell_question(asked.first, asked.second); });
  }
}

// Its number. Throws std::bad_alloc, and nothing is asked.
uint64_t Loop::ask_for_key(KeyQuestion question) {
  const uint64_t id = next_question_++;
  const auto place = questions_.emplace(id, std::move(question)).first;
  try {
    tell_question(id, place->second);
  } catch (const std::bad_alloc&) {
    questions_.erase(place);
    throw;
  }
  return id;
}

void Loop::tell_question(uint64_t id, KeyQuestion& question) {
  if (key_queue_ == nullptr) return;
  auto made = std::make_unique<KeyEvent>();
  made->names = names_of(question.entry->config);
  made->loop = weak_from_this();
  made->queue = key_queue_->queue();
  made->event.type = LLMQ_EV_KEY;
  made->event.attempt_id = id;
  made->event.user_data = key_queue_->user_data();
  if (question.runner != nullptr) made->event.request_id = asked_by(**question.runner).request.id;
  made->queue->add_ref();
  enqueue(made->node, made->queue);
  made.release();  // NOLINT(bugprone-unused-return-value) the queue has it
  question.told = true;
}

// The key may have been replaced while the call was on its way, or just before: the attempt ends
// when the host has said so.
void Loop::ask_again(Job& job, uint8_t attempt, RefusedAttempt&& refused) {
  HttpCall& call = http_calls_.at(&job);
  call.number = 0;
  KeyQuestion question{job.request.model, &deployment_of(job), call.runner, attempt, nullptr};
  question.refused = std::make_unique<RefusedAttempt>(std::move(refused));
  call.question = ask_for_key(std::move(question));
}

// An answer that nobody waits for any more counts for nothing.
void Loop::take_key(uint64_t id, KeyAnswer& answer) {
  auto found = questions_.extract(id);
  if (found.empty()) return;
  KeyQuestion& question = found.mapped();
  if (question.runner == nullptr) return hear_of_key(question, fingerprint_of(answer));
  Job& job = **question.runner;
  try {
    if (question.refused != nullptr) return end_refused(job, question, fingerprint_of(answer));
    go_on_with_key(question, answer);
  } catch (const std::bad_alloc&) {
    if (broken_) throw;
    fail_for_memory(job, question.attempt);
  }
}

void Loop::go_on_with_key(KeyQuestion& question, KeyAnswer& answer) {
  if (!answer.key.empty()) return send_http(question.runner, question.attempt, answer.key);
  Job& job = **question.runner;
  DeploymentEntry& entry = deployment_of(job);
  note_refused_key(job, entry, kNoKey);
  std::string why = "the key function gave no key for " + entry.config.title();
  if (!answer.error.empty()) why += ": " + answer.error;
  fail_http(job, question.attempt, core::Error{core::Status::kAuth, std::move(why), ""});
}

void Loop::end_refused(Job& job, KeyQuestion& question, size_t fingerprint) {
  RefusedAttempt& refused = *question.refused;
  job.met_new_key = fingerprint != kNoKey && fingerprint != refused.key;
  Again again = refused.permanent ? Again::kNever : Again::kAsTheStatusSays;
  if (job.met_new_key) {
    again = Again::kAtOnce;
  } else {
    note_refused_key(job, deployment_of(job), refused.key);
  }
  report(job, question.attempt, std::move(refused.outcome), &refused.observed, again);
}

// Of one that had been refused.
void Loop::hear_of_key(const KeyQuestion& question, size_t fingerprint) {
  const auto refused = std::find(refused_keys_.begin(), refused_keys_.end(),
                                 RefusedKey{question.model, question.entry});
  if (refused == refused_keys_.end()) return;
  refused->asked = false;
  if (fingerprint == kNoKey || fingerprint == question.entry->refused_key) return;
  refused_keys_.erase(refused);
  step(core::KeyRenewed{question.model, question.entry->index});
}

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
  const auto is_settled = [this](RefusedKey& refused) {
    const core::Model* const model = engine_.model(refused.model);
    DeploymentEntry& entry = *refused.entry;
    if (model == nullptr || entry.index >= model->deployments.size()) return true;
    const auto& deployment = model->deployments[entry.index];
    if (deployment == nullptr || deployment->key_refusals == 0) return true;
    entry.key.look_at_file(now_.mono, true);
    if (is_asked_by_event(entry)) {
      if (!refused.asked)
        if_memory_lasts([&] {
          ask_for_key({refused.model, &entry, nullptr, 0, nullptr});
          refused.asked = true;
        });
      return false;
    }
    const size_t now = fingerprint_of(entry);
    if (now == kNoKey || now == entry.refused_key) return false;
    step(core::KeyRenewed{refused.model, entry.index});
    return true;
  };
  refused_keys_.erase(std::remove_if(refused_keys_.begin(), refused_keys_.end(), is_settled),
                      refused_keys_.end());
}

}  // namespace llmq::runtime
