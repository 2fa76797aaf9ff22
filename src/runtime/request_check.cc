#include "runtime/request_check.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "config/limit_text.h"
#include "core/limit/limit_names.h"
#include "provider/provider.h"
#include "runtime/caller_struct.h"
#include "runtime/completion_queue.h"
#include "runtime/ids.h"

namespace llmq::runtime {
namespace {

constexpr size_t kMaxTenant = 255;
constexpr size_t kMaxRequestKey = 1024;
constexpr int64_t kMaxEstimate = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kKnownFlags =
    LLMQ_REQUEST_KEEP | LLMQ_REQUEST_LATE_USAGE | LLMQ_REQUEST_STREAM | LLMQ_REQUEST_RESTART;
constexpr int64_t kBytesPerToken = 4;

std::string between(const char* name, int64_t value, int64_t low, int64_t high) {
  return std::string(name) + " is " + std::to_string(value) + ", must be " + std::to_string(low) +
         " .. " + std::to_string(high);
}

bool bad_text(const void* data, size_t len) { return data == nullptr && len != 0; }

bool uses_reserved(const llmq_request_t& request) {
  return request.reserved0 != 0 ||
         std::any_of(std::begin(request.reserved), std::end(request.reserved),
                     [](uint64_t word) { return word != 0; });
}

}  // namespace

core::Status refuse(core::Error* why, core::Status status, const char* key, std::string message) {
  if (why != nullptr) *why = core::Error{status, std::move(message), key};
  return status;
}

core::Status check_members(const llmq_request_t& r, core::Error* why) {
  const auto invalid = [why](const char* key, std::string message) {
    return refuse(why, core::Status::kInvalidArg, key, std::move(message));
  };
  if (r.struct_size < sizeof(llmq_request_t) || r.struct_size > kMostStructSize) {
    return invalid("struct_size", "struct_size is " + std::to_string(r.struct_size) +
                                      ", must be sizeof(llmq_request_t) = " +
                                      std::to_string(sizeof(llmq_request_t)));
  }
  if (uses_reserved(r) || !readable(r)) {
    return invalid("reserved", "reserved members, and those of a later version, must be zero");
  }
  if ((r.flags & ~kKnownFlags) != 0) {
    return invalid("flags", "flags has unknown bits: " + std::to_string(r.flags));
  }
  if (r.operation < LLMQ_OP_CHAT || r.operation > LLMQ_OP_CUSTOM) {
    return invalid("operation", between("operation", r.operation, LLMQ_OP_CHAT, LLMQ_OP_CUSTOM));
  }
  if (r.priority < LLMQ_PRIORITY_DEFAULT || r.priority > LLMQ_PRIORITY_BATCH) {
    return invalid("priority",
                   between("priority", r.priority, LLMQ_PRIORITY_DEFAULT, LLMQ_PRIORITY_BATCH));
  }
  if (bad_text(r.model, r.model_len) || bad_text(r.tenant, r.tenant_len) ||
      bad_text(r.payload, r.payload_len) || bad_text(r.request_key, r.request_key_len) ||
      bad_text(r.dedup_key, r.dedup_key_len) || bad_text(r.metadata, r.metadata_len)) {
    return invalid("", "a pointer is NULL while its length is not 0");
  }
  if (r.tenant_len > kMaxTenant || r.request_key_len > kMaxRequestKey ||
      r.dedup_key_len > kMaxRequestKey) {
    return invalid("tenant", "tenant has at most 255 bytes, request_key and dedup_key 1024");
  }
  if (r.payload_len >= size_t{1} << 31) {
    return refuse(why, core::Status::kOversize, "payload_len",
                  between("payload_len", static_cast<int64_t>(r.payload_len), 0, INT32_MAX));
  }
  if (r.deadline_ns < -1) return invalid("deadline_ns", "deadline_ns is negative and not -1");
  if (r.timeout_ns < -1) return invalid("timeout_ns", "timeout_ns is negative and not -1");
  if (r.est_input_tokens < -1 || r.est_input_tokens > kMaxEstimate) {
    return invalid("est_input_tokens",
                   between("est_input_tokens", r.est_input_tokens, -1, kMaxEstimate));
  }
  if (r.est_output_tokens < -1 || r.est_output_tokens > kMaxEstimate) {
    return invalid("est_output_tokens",
                   between("est_output_tokens", r.est_output_tokens, -1, kMaxEstimate));
  }
  if (r.max_attempts > kMaxAttempts) {
    return invalid("max_attempts", between("max_attempts", r.max_attempts, 0, kMaxAttempts));
  }
  if (r.cq != nullptr && r.done_fn != nullptr) return invalid("cq", "cq and done_fn are both set");
  if (r.cq != nullptr && reinterpret_cast<CompletionQueue*>(r.cq)->magic != kQueueMagic) {
    return invalid("cq", "cq is not a completion queue");
  }
  return core::Status::kOk;
}

// A limit that lets larger calls run alone caps nothing.
void TokenCaps::add(const std::vector<core::LimitSpec>& limits) {
  for (const core::LimitSpec& limit : limits) {
    const bool of_tokens = limit.kind == core::LimitKind::kInputTokens ||
                           limit.kind == core::LimitKind::kOutputTokens ||
                           limit.kind == core::LimitKind::kTokens;
    if (of_tokens && limit.charge == core::ChargeModel::kArrival) judged_on_arrival = true;
    if (limit.oversize_alone) continue;
    if (limit.kind == core::LimitKind::kInputTokens) input = std::min(input, limit.amount);
    if (limit.kind == core::LimitKind::kOutputTokens) output = std::min(output, limit.amount);
    if (limit.kind == core::LimitKind::kTokens) both = std::min(both, limit.amount);
  }
}

TokenCaps TokenCaps::or_else(const TokenCaps& other) const {
  TokenCaps most;
  most.input = std::max(input, other.input);
  most.output = std::max(output, other.output);
  most.both = std::max(both, other.both);
  most.judged_on_arrival = judged_on_arrival || other.judged_on_arrival;
  return most;
}

provider::Endpoint endpoint_of(const config::DeploymentConfig& config) {
  return {config.profile,    config.base_url,    config.model,
          config.deployment, config.api_version, &config.headers};
}

core::Result<provider::Prepared> look_into(const config::DeploymentConfig& config,
                                           int64_t est_output_tokens, provider::Operation operation,
                                           std::string_view payload) {
  if (config.provider == config::ProviderKind::kHttp) {
    return provider::prepare(endpoint_of(config), operation, payload, false, est_output_tokens);
  }
  auto seen = provider::inspect_payload(operation, payload, est_output_tokens);
  if (!seen) return seen.error();
  return provider::Prepared{seen.value(), std::nullopt, {}};
}

bool reads_payloads(const config::DeploymentConfig& config, provider::Operation operation) {
  if (config.provider == config::ProviderKind::kNone) return false;
  return config.provider != config::ProviderKind::kMock ||
         operation != provider::Operation::kCustom;
}

namespace {

// For each form in which the payload may be sent. False: one of them does not read payloads.
core::Result<bool> look_into_all(const ModelSettings& model, provider::Operation operation,
                                 std::string_view payload, Wire& wire) {
  const std::vector<size_t>& forms = model.forms;
  bool reads = true;
  for (const size_t form : forms) {
    const config::DeploymentConfig& config = model.deployments[form];
    if (!reads_payloads(config, operation)) {
      reads = false;
      continue;
    }
    auto found = look_into(config, model.est_output_tokens, operation, payload);
    if (!found) {
      if (!config.name.empty()) found.error().message.insert(0, config.title() + ": ");
      return found.error();
    }
    if (form == forms.front()) wire.prepared = std::move(found.value());
  }
  wire.per_deployment = forms.size() > 1 || !model.fallback.empty();
  if (wire.per_deployment) {
    wire.prepared.body.reset();
    wire.prepared.model.clear();
  }
  return reads;
}

// For its tokens alone. False: there is nothing to be read.
core::Result<bool> look_at(const ModelSettings& model, provider::Operation operation,
                           std::string_view payload, Wire& wire) {
  if (payload.empty() || !reads_payloads(model.deployments.front(), operation)) return false;
  auto seen = provider::inspect_payload(operation, payload, model.est_output_tokens);
  if (!seen) return seen.error();
  wire.prepared.estimate = seen.value();
  return true;
}

}  // namespace

core::Status estimate_tokens(const llmq_request_t& request, const ModelSettings& model,
                             const TokenCaps& caps, const TokenLearning* learnt,
                             TokenEstimate* estimate, Wire* wire, core::Error* why, bool permit) {
  const std::string_view payload(static_cast<const char*>(request.payload), request.payload_len);
  const auto operation = static_cast<provider::Operation>(request.operation);
  Wire looked;
  const auto read = permit ? look_at(model, operation, payload, looked)
                           : look_into_all(model, operation, payload, looked);
  if (!read) return refuse(why, read.error().code, read.error().key.c_str(), read.error().message);
  const bool reads = read.value();
  provider::Estimate seen;
  if (reads) {
    seen = looked.prepared.estimate;
    estimate->streams = seen.stream;
  } else {
    seen.text_bytes = static_cast<int64_t>(payload.size());
    seen.input_tokens = std::min({(seen.text_bytes + kBytesPerToken - 1) / kBytesPerToken,
                                  kMaxEstimate, caps.input, caps.both});
    seen.output_is_default = operation != provider::Operation::kEmbeddings;
    seen.output_tokens = seen.output_is_default ? model.est_output_tokens : 0;
  }
  if (wire != nullptr && (reads || looked.per_deployment)) *wire = std::move(looked);
  int64_t input = seen.input_tokens;
  int64_t likely = input;
  const int64_t told = learnt == nullptr || seen.text_bytes == 0
                           ? TokenLearning::kUnknown
                           : learnt->input_tokens(seen.text_bytes);
  if (told != TokenLearning::kUnknown) likely = told + seen.other_tokens;
  if (!reads) likely = std::min({likely, caps.input, caps.both});
  if (!caps.judged_on_arrival) input = likely;
  if (request.est_input_tokens != 0) {
    input = likely = std::max<int64_t>(request.est_input_tokens, 0);
  }
  int64_t output = seen.output_tokens;
  if (request.est_output_tokens != 0) {
    output = std::max<int64_t>(request.est_output_tokens, 0);
  } else if (seen.output_is_default) {
    const bool learns = learnt != nullptr && !caps.judged_on_arrival;
    const int64_t p95 = learns ? learnt->output_tokens(request.priority) : TokenLearning::kUnknown;
    if (p95 != TokenLearning::kUnknown) output = p95;
    output = std::min({output, caps.output, std::max<int64_t>(caps.both - input, 0)});
  }
  estimate->input = std::min(input, kMaxEstimate);
  estimate->output = std::min(output, kMaxEstimate);
  estimate->likely_input = std::min(likely, kMaxEstimate);
  return core::Status::kOk;
}

core::Status check_permit(const llmq_request_t& request, bool wants_sink) {
  const bool has_sink = request.cq != nullptr || request.done_fn != nullptr;
  const bool known_flags = (request.flags & ~uint32_t{LLMQ_REQUEST_LATE_USAGE}) == 0;
  const bool good = known_flags && request.dedup_key_len == 0 && has_sink == wants_sink;
  return good ? core::Status::kOk : core::Status::kInvalidArg;
}

core::Status may_stream(const llmq_request_t& request, const config::ModelConfig& model,
                        bool body_says_so, bool* streams, core::Error* why) {
  *streams = body_says_so || (request.flags & LLMQ_REQUEST_STREAM) != 0;
  if (!*streams || model.deployments.front().provider == config::ProviderKind::kNone) {
    return core::Status::kOk;
  }
  if (request.operation == LLMQ_OP_EMBEDDINGS) {
    return refuse(why, core::Status::kUnsupported, "flags",
                  "a stream is asked for, but embeddings come whole");
  }
  return core::Status::kOk;
}

core::Status fits_limits(const std::vector<core::LimitSpec>& limits, const core::Prices& prices,
                         const TokenEstimate& estimate, const char* owner, std::string_view name,
                         core::Error* why) {
  for (const core::LimitSpec& limit : limits) {
    int64_t cost = 0;
    switch (limit.kind) {
      case core::LimitKind::kTokens:
        cost = estimate.input + estimate.output;
        break;
      case core::LimitKind::kInputTokens:
        cost = estimate.input;
        break;
      case core::LimitKind::kOutputTokens:
        cost = estimate.output;
        break;
      case core::LimitKind::kCost:
        cost = core::price_of(prices, estimate.input, 0, estimate.output);
        break;
      case core::LimitKind::kRequests:
      case core::LimitKind::kConcurrency:
        break;
    }
    if (cost <= limit.amount || limit.oversize_alone) continue;
    if (why == nullptr) return core::Status::kOversize;
    return refuse(why, core::Status::kOversize, "",
                  "the request needs " + config::amount_text(limit.kind, cost) + " of limit " +
                      core::limit_name(limit) + " of " + owner + " " + std::string(name) +
                      ", which is " + config::amount_text(limit.kind, limit.amount));
  }
  return core::Status::kOk;
}

uint32_t timeout_ms_of(const llmq_request_t& request, const config::ModelConfig& model) {
  int64_t ns = request.timeout_ns;
  if (ns == 0) ns = model.timeout.ns;
  if (ns <= 0) return 0;
  const int64_t ms = ns / 1'000'000 + (ns % 1'000'000 > 0 ? 1 : 0);
  return static_cast<uint32_t>(std::min<int64_t>(ms, std::numeric_limits<uint32_t>::max()));
}

int64_t cost_of(const core::Prices& prices, const core::Usage& usage) {
  constexpr int64_t kMostTokens = 1'000'000'000'000;
  const int64_t input = std::clamp<int64_t>(usage.input_tokens, 0, kMostTokens);
  const int64_t cached = std::clamp<int64_t>(usage.cached_input_tokens, 0, input);
  return core::price_of(prices, input - cached, cached,
                        std::clamp<int64_t>(usage.output_tokens, 0, kMostTokens));
}

}  // namespace llmq::runtime
