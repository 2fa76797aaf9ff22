#include "runtime/probe.h"

#include <llmq/llmq.h>

#include "runtime/api_key.h"
#include "runtime/clock.h"
#include "runtime/request_check.h"

#if defined(LLMQ_HAVE_HTTP)
#include <uv.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "base/json.h"
#include "http/client.h"
#include "http/findings.h"
#include "provider/date.h"
#include "provider/headers.h"
#include "provider/url.h"
#include "runtime/transport.h"
#endif

namespace llmq::runtime {

#if defined(LLMQ_HAVE_HTTP)

namespace {

constexpr core::DurationNs kLongest = core::seconds(60);
constexpr int64_t kMostBytes = int64_t{1} << 20;

// A chat of a few tokens, or an embedding of one word.
std::string payload_for(provider::Operation operation, const std::string& model) {
  const base::Json body(base::new_object());
  base::add_text(body.get(), "model", model.c_str());
  if (operation == provider::Operation::kEmbeddings) {
    base::add_text(body.get(), "input", "Hi");
    return base::json_text(body.get());
  }
  cJSON* const messages = base::add_array(body.get(), "messages");
  cJSON* const message = base::new_object();
  base::append(messages, message);
  base::add_text(message, "role", "user");
  base::add_text(message, "content", "Hi");
  base::add_number(body.get(), "max_tokens", 16);
  return base::json_text(body.get());
}

// A loop that lives for one call.
class OneCall {
 public:
  OneCall() {
    if (uv_loop_init(&loop_) != 0) throw std::bad_alloc();
  }
  ~OneCall() {
    if (client_ != nullptr) {
      client_->close([] {});
      uv_run(&loop_, UV_RUN_DEFAULT);
      client_.reset();
    }
    uv_loop_close(&loop_);
  }
  OneCall(const OneCall&) = delete;
  OneCall& operator=(const OneCall&) = delete;

  core::Result<http::CallResult> run(http::Call call) {
    http::ClientOptions options;
    options.max_response_bytes = kMostBytes;
    auto client = http::create_client(&loop_, options);
    if (!client) return client.error();
    client_ = std::move(client.value());
    http::CallResult result;
    bool done = false;
    client_->start(
        std::move(call), [] {},
        [&result, &done](http::CallResult ended) {
          result = std::move(ended);
          done = true;
        });
    while (!done && uv_run(&loop_, UV_RUN_ONCE) != 0) {
    }
    return result;
  }

 private:
  uv_loop_t loop_{};
  std::unique_ptr<http::Client> client_;
};

const char* name_of(http::Stage stage) {
  switch (stage) {
    case http::Stage::kDone:
      return nullptr;
    case http::Stage::kName:
      return "dns";
    case http::Stage::kProxy:
      return "proxy";
    case http::Stage::kConnect:
      return "connect";
    case http::Stage::kTls:
      return "tls";
    case http::Stage::kRequest:
      return "request";
  }
  return nullptr;
}

void put_text(cJSON* object, const char* name, const std::string& text) {
  if (text.empty()) {
    base::add_null(object, name);
  } else {
    base::add_text(object, name, text.c_str());
  }
}

void put_ms(cJSON* object, const char* name, core::DurationNs since, core::DurationNs until) {
  if (until.ns <= 0) {
    base::add_null(object, name);
  } else {
    const int64_t us = std::max<int64_t>(0, (until - since).ns / 1000);
    base::add_real(object, name, static_cast<double>(us) / 1000);
  }
}

// Providers repeat what they were sent in their errors.
std::string without(std::string text, const std::string& key) {
  if (key.empty()) return text;
  for (size_t at = 0; (at = text.find(key, at)) != std::string::npos;)
    text.replace(at, key.size(), "***");
  return text;
}

// In the form that llmq_explain_json reads.
void put_answer(cJSON* to, const provider::WireResponse& response, const std::string& key,
                int64_t now_unix_ms) {
  cJSON* const answer = base::add_object(to, "answer");
  base::add_number(answer, "status", response.http_status);
  cJSON* const headers = base::add_object(answer, "headers");
  for (const auto& [name, value] : response.headers) {
    if (provider::equal_ignoring_case(name, "set-cookie")) continue;  // another secret
    cJSON* list = cJSON_GetObjectItem(headers, name.c_str());
    if (list == nullptr) list = base::add_array(headers, name.c_str());
    base::append(list, base::new_text(without(value, key).c_str()));
  }
  base::add_text(answer, "body", without(response.body, key).c_str());
  base::add_number(answer, "now_unix_ms", now_unix_ms);
}

void put_findings(cJSON* to, const http::Findings& found, bool tls) {
  put_text(to, "address", found.address);
  put_ms(to, "dns_ms", {}, found.resolved);
  put_ms(to, "connect_ms", found.resolved, found.connected);
  put_ms(to, "tls_ms", found.connected, found.secured);
  put_ms(to, "first_byte_ms", std::max(found.connected, found.secured), found.first_byte);
  put_ms(to, "total_ms", {}, found.total);
  put_text(to, "http_version",
           found.http_version == 0    ? ""
           : found.http_version == 20 ? "2"
           : found.http_version == 10 ? "1.0"
                                      : "1.1");
  if (!tls || found.secured.ns == 0) {
    base::add_null(to, "certificate");
  } else {
    cJSON* const certificate = base::add_object(to, "certificate");
    put_text(certificate, "subject", found.subject);
    put_text(certificate, "issuer", found.issuer);
    base::add_number(certificate, "expires_unix_s", found.expires_unix_s);
  }
  const char* const stage = name_of(found.failed_at);
  put_text(to, "failed_at", stage == nullptr ? "" : stage);
}

// What the answer means, and how far the two clocks are apart.
void put_outcome(cJSON* to, const config::DeploymentConfig& config, provider::Operation operation,
                 const http::CallResult& result, const std::string& key) {
  core::Status status = result.status;
  std::string message = result.message;
  if (status == core::Status::kOk && result.response.http_status != 0) {
    const int64_t now = wall_unix_ms();
    const provider::Outcome outcome =
        provider::parse_response(*config.profile, operation, result.response, now);
    status = outcome.status;
    message = outcome.message;
    put_answer(to, result.response, key, now);
    const auto date =
        provider::read_http_date(provider::header_of(result.response.headers, "date"));
    if (date) base::add_number(to, "clock_ahead_ms", now - *date);
  }
  base::add_text(to, "status", core::status_name(status));
  put_text(to, "message", without(message, key));
}

// Where the key comes from, and what is wrong with it; the key itself is returned.
std::string put_key(cJSON* to, const Callbacks& callbacks, const config::DeploymentConfig& config,
                    bool* usable) {
  cJSON* const object = base::add_object(to, "key");
  const bool has_callback = callbacks.api_key.is_set();
  DeploymentEntry entry;
  entry.config = config;
  auto read = read_api_key(config, has_callback);
  if (read) {
    entry.key = StoredKey(read.value(), "");
    wipe(read.value());
    read = key_for(callbacks.api_key, entry);
  }
  const char* source = "none";
  std::string name;
  if (brings_its_key(config)) {
    source = "headers";
  } else if (!config.api_key_file.empty()) {
    source = "file";
    name = config.api_key_file;
  } else if (has_callback) {
    source = "function";
  } else if (!config.api_key_env.empty() && (!read || !read.value().empty())) {
    source = "environment";
    name = config.api_key_env;
  }
  base::add_text(object, "source", source);
  put_text(object, "name", name);
  put_text(object, "error", read ? "" : read.error().message);
  put_text(object, "warning", key_file_warning(config));
  *usable = static_cast<bool>(read);
  return read ? std::move(read.value()) : std::string();
}

core::Result<base::Json> probe_deployment(const Callbacks& callbacks,
                                          const config::ModelConfig& model,
                                          const config::DeploymentConfig& config, uint32_t flags) {
  if (config.provider != config::ProviderKind::kHttp) {
    return core::Error{core::Status::kUnsupported, config.title() + " has no provider over HTTP",
                       config.key_prefix() + "provider"};
  }
  if (auto checked = check_transport(config); !checked) return checked.error();
  const auto operation = (flags & LLMQ_PROBE_EMBEDDINGS) != 0 ? provider::Operation::kEmbeddings
                                                              : provider::Operation::kChat;
  const std::string payload = payload_for(operation, model.name);
  const provider::Endpoint endpoint = endpoint_of(config);
  const auto prepared = provider::prepare(endpoint, operation, payload, false, 0);
  if (!prepared) return prepared.error();

  base::Json made(base::new_object());
  if (!config.name.empty()) base::add_text(made.get(), "name", config.name.c_str());
  bool usable = false;
  std::string key = put_key(made.get(), callbacks, config, &usable);
  const auto request_with = [&](const std::string& with) {
    return provider::build_request(endpoint, operation, prepared.value().model, false, with);
  };
  auto wire = request_with(key);
  if (!wire && wire.error().code == core::Status::kAuth) {
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(made.get(), "key"), "error",
                              base::new_text(wire.error().message.c_str()));
    usable = false;
    wire = request_with("");
  }
  if (!wire) return wire.error();

  http::Call call;
  call.wire = std::move(wire.value());
  call.body = prepared.value().body ? std::string_view(*prepared.value().body) : payload;
  call.transport = transport_of(config);
  call.timeout = model.timeout.ns > 0 ? std::min(model.timeout, kLongest) : kLongest;
  call.looks_closely = true;
  // With no key the way can be looked at, but the answer would say nothing.
  call.connects_only = (flags & LLMQ_PROBE_CONNECT_ONLY) != 0 || !usable;
  const std::string url = call.wire.url;
  put_text(made.get(), "url", url);
  put_text(made.get(), "proxy", http::proxy_of(url, config.proxy));
  OneCall one;
  const auto result = one.run(std::move(call));
  if (!result) return result.error();
  if (result.value().findings != nullptr) {
    put_findings(made.get(), *result.value().findings, provider::is_https(url));
  }
  put_outcome(made.get(), config, operation, result.value(), key);
  wipe(key);
  return made;
}

// One call, or one to each deployment that has a name.
core::Result<std::string> probe_model(const Callbacks& callbacks, const config::ModelConfig& model,
                                      uint32_t flags) {
  const base::Json all(base::new_object());
  cJSON* const list = base::add_array(all.get(), "deployments");
  for (const config::DeploymentConfig& deployment : model.deployments) {
    auto made = probe_deployment(callbacks, model, deployment, flags);
    if (!made) return made.error();
    if (!model.is_named()) return base::json_text(made.value().get());
    base::append(list, made.value().release());
  }
  return base::json_text(all.get());
}

}  // namespace

#endif

core::Result<std::string> probe(const config::Config& config, const Callbacks& callbacks,
                                std::string_view model, uint32_t flags) {
  const auto models = config.models();
  if (!models) return models.error();
  for (const config::ModelConfig& one : models.value()) {
    if (one.name != model) continue;
#if defined(LLMQ_HAVE_HTTP)
    return probe_model(callbacks, one, flags);
#else
    static_cast<void>(callbacks);
    static_cast<void>(flags);
    return core::Error{core::Status::kUnsupported, "this build has no HTTP client",
                       "model." + one.name + ".provider"};
#endif
  }
  return core::Error{core::Status::kUnknownModel,
                     "no model \"" + std::string(model) + "\" is configured", "model"};
}

}  // namespace llmq::runtime
