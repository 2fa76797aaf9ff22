// Token counts of answers, for the estimates of later requests.
#include "provider/provider.h"
#include "runtime/loop.h"
#include "runtime/request_check.h"

namespace llmq::runtime {
namespace {

// A longer payload is not read again: it would take the loop longer than many requests do.
constexpr size_t kMostRead = size_t{64} << 10;

}  // namespace

void Loop::learn_tokens(const Job& job, const Outcome& outcome) {
  if (!outcome.usage_known || outcome.status != core::Status::kOk) return;
  ModelEntry& entry = entry_of(job);
  const auto operation = static_cast<provider::Operation>(job.operation);
  const core::Model* const model = engine_.model(job.request.model);
  if (operation != provider::Operation::kEmbeddings && model != nullptr) {
    entry.tokens.output(job.request, outcome.usage.output_tokens, model->outputs);
  }
  if (job.is_permit() || outcome.usage.input_tokens <= 0 || !entry.tokens.wants_input()) return;
  const config::DeploymentConfig& config = deployment_of(job).config;
  if (!reads_payloads(config, operation)) {
    entry.tokens.input(job.request.bytes, outcome.usage.input_tokens);
    return;
  }
  if (job.request.bytes > kMostRead) return;
  const auto seen =
      look_into(config, 0, operation, {static_cast<const char*>(job.payload), job.request.bytes});
  if (!seen || seen.value().estimate.text_bytes == 0) return;
  const provider::Estimate& estimate = seen.value().estimate;
  entry.tokens.input(estimate.text_bytes, outcome.usage.input_tokens - estimate.other_tokens);
}

}  // namespace llmq::runtime
