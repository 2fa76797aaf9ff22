// Settings after they have been read and checked: what runtime/ builds managers and models from.
#ifndef LLMQ_CONFIG_MODEL_CONFIG_H_
#define LLMQ_CONFIG_MODEL_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "config/header_list.h"
#include "core/limit/limit_spec.h"
#include "core/policy/circuit_breaker.h"
#include "core/policy/hedge.h"
#include "core/policy/retry.h"
#include "core/policy/suspension.h"
#include "core/time.h"
#include "provider/mock_provider.h"
#include "provider/profile.h"

namespace llmq::config {

enum class ProviderKind : uint8_t {
  kNone,  // a processor runs the attempts
  kHttp,  // calls over HTTP, as `profile` says
  kMock,  // in-process
};

struct RetrySettings {
  uint32_t max_attempts = 8;                        // 1 .. 60
  core::DurationNs base = core::milliseconds(500);  // decorrelated jitter: least delay
  core::DurationNs cap = core::seconds(30);         // and greatest
  uint8_t on = core::kRetryAll;                     // failures, as a set of core::retry_class()
  core::RetryBudgetSpec budget;
};

// Limits that the models and deployments which name it share.
struct PoolConfig {
  std::string name;                     // 1 .. 255 bytes
  std::vector<core::LimitSpec> limits;  // at least one
  std::string time_zone = "UTC";        // of its calendar windows
};

// One place where a model is called: an endpoint and a key, with limits of its own.
struct DeploymentConfig {
  std::string model;                    // whose it is
  std::string name;                     // 1 .. 255 bytes; "" = the model's only one, without a name
  std::vector<core::LimitSpec> limits;  // with those of pools and the model's at most
                                        // core::kMaxLimitsPerModel
  std::vector<std::string> pools;       // each known to Config::pool()
  bool finds_limits = false;            // answers may show more of them
  core::LimitSpec found_like;           // their shape, charge and jitter
  core::Prices prices;                  // zeros where none are given
  bool has_prices = false;
  int64_t max_in_flight = 256;  // bounds attempts where no concurrency limit is set
  bool adaptive_concurrency = true;
  int64_t weight = 1;  // its part of what several could start
  int64_t order = 0;   // those with a lower one come first
  ProviderKind provider = ProviderKind::kNone;
  // kHttp
  const provider::Profile* profile = nullptr;  // never null then
  std::string base_url;                        // "https://api.openai.com/v1"
  std::string api_key_env;                     // name of an environment variable
  std::string api_key_file;
  std::string api_version;      // "" = none is sent
  std::string deployment;       // the provider's name of it; "" = the model's name
  bool allow_insecure = false;  // send the key over http:// beyond loopback
  core::DurationNs connect_timeout = core::seconds(10);
  std::string ca_file;
  std::string client_cert_file;
  std::string client_key_file;  // "" = in client_cert_file
  std::string proxy;            // "" = as the environment says; "none" = no proxy
  HeaderList headers;
  bool allow_key_headers = false;
  // kMock
  provider::MockOptions mock;

  // How texts call it: "model gpt-4o", "deployment east of model gpt-4o".
  std::string title() const;
  // What its keys begin with: "model.gpt-4o.", "model.gpt-4o.deployments.east.".
  std::string key_prefix() const;
};

struct ModelConfig {
  std::string name;                               // 1 .. 255 bytes
  std::vector<core::LimitSpec> limits;            // ours, over all deployments that have a name
  std::vector<core::LimitSpec> tenant_limits;     // each tenant has them to itself
  std::string time_zone = "UTC";                  // of calendar windows
  core::DurationNs timeout = core::seconds(600);  // per attempt; 0 = none
  core::DurationNs stream_idle_timeout = core::seconds(120);  // between two bytes of a stream
  int64_t est_output_tokens =
      0;  // where neither the request nor its payload says; default 256 for providers
  RetrySettings retry;
  core::QuotaSpec quota;
  core::DurationNs cache_ttl{};  // of answers to requests with a dedup_key; 0 = none is kept
  core::BreakerSpec breaker;
  std::vector<std::string> fallback;  // models that take what this one cannot answer
  uint32_t fallback_on = 0;           // a set of core::fallback_class()
  core::DurationNs fallback_after{};  // of waiting; 0 = waiting is no reason
  core::HedgeSpec hedge;
  bool fails_in_outage = false;  // else requests wait while no deployment works
  // What a plan takes an attempt to last: a latency, and the time to produce its output.
  core::DurationNs plan_latency = core::seconds(1);
  int64_t plan_tokens_per_s = 60;
  std::vector<DeploymentConfig> deployments;  // at least one

  // Do its deployments have names? Then limits of the model are those of all together.
  bool is_named() const { return !deployments.front().name.empty(); }
};

// What a tenant gets of what all share.
struct TenantConfig {
  std::string name;
  int64_t weight = 1;             // its part under contention, against the weights of the others
  int64_t max_pending = 0;        // live requests; 0 = no bound of its own
  int64_t max_pending_bytes = 0;  // their payloads; 0 = no bound of its own
};

struct ManagerConfig {
  int64_t max_pending = 10'000'000;              // live requests
  int64_t max_pending_bytes = int64_t{2} << 30;  // their payloads
  int64_t history_max = 1000;  // finished requests per model whose outcome stays readable
  int64_t keep_max = 10'000;   // kept responses
  core::DurationNs keep_age = core::seconds(600);
  int64_t max_connections = 1024;
  int64_t stream_buffer_bytes = 256 * 1024;     // of a request's chunks that nobody has released
  int64_t cache_max_bytes = int64_t{64} << 20;  // of kept answers of all models
  uint64_t seed = 0;                            // of retry jitter; 0 = from the clock
  bool external_loop = false;                   // the host runs it
  int32_t log_level = 5;                        // LLMQ_LOG_; off
  std::string log_file;               // "" = stderr when log_level is set by key or environment
  std::vector<TenantConfig> tenants;  // those with settings of their own
  TenantConfig every_tenant;          // all others
};

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_MODEL_CONFIG_H_
