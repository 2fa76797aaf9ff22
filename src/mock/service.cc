#include "mock/service.h"

#include <algorithm>
#include <utility>

#include "mock/utf8.h"

namespace llmq::mock {

namespace {

Reply json_reply(int status, std::string body) { return {status, std::move(body), {}}; }

Reply error_reply(const ApiError& error) { return json_reply(error.status, error_body(error)); }

ApiError server_error(int status, std::string message) {
  ApiError error;
  error.status = status;
  error.message = std::move(message);
  error.type = "server_error";
  return error;
}

// "requests per min (RPM)" where OpenAI has a word for it, "requests per 6s" where it has none.
std::string dimension_of(const Refusal& refusal) {
  if (refusal.kind == LimitKind::kConcurrency) return "concurrent requests";
  struct Word {
    Nanos period;
    const char* name;
    char letter;
  };
  constexpr Word kWords[] = {{std::chrono::seconds(1), "sec", 'S'},
                             {std::chrono::minutes(1), "min", 'M'},
                             {std::chrono::hours(1), "hour", 'H'},
                             {std::chrono::hours(24), "day", 'D'}};
  std::string text(name_of(refusal.kind));
  std::replace(text.begin(), text.end(), '_', ' ');
  text += " per ";
  for (const Word& word : kWords) {
    if (refusal.told.period != word.period) continue;
    const char* kind = refusal.kind == LimitKind::kRequests       ? "RP"
                       : refusal.kind == LimitKind::kInputTokens  ? "ITP"
                       : refusal.kind == LimitKind::kOutputTokens ? "OTP"
                                                                  : "TP";
    return text + word.name + " (" + kind + word.letter + ")";
  }
  return text + format_span(refusal.told.period);
}

ApiError rate_limit_error(std::string message, std::string type) {
  ApiError error;
  error.status = 429;
  error.message = std::move(message);
  error.type = std::move(type);
  error.code = "rate_limit_exceeded";
  return error;
}

// Clients differ in whether their base URL ends with /v1.
std::string_view without_version(std::string_view path) {
  constexpr std::string_view kVersion = "/v1/";
  return path.substr(0, kVersion.size()) == kVersion ? path.substr(kVersion.size() - 1) : path;
}

std::optional<Endpoint> endpoint_of(std::string_view path) {
  if (path == "/chat/completions") return Endpoint::kChat;
  if (path == "/embeddings") return Endpoint::kEmbeddings;
  return std::nullopt;
}

Reply not_found(const Incoming& incoming) {
  const std::string what = std::string(incoming.method) + " " + std::string(incoming.path);
  ApiError error;
  error.status = 404;
  error.message = is_utf8(what) ? "Invalid URL (" + what + ")" : "Invalid URL";
  return error_reply(error);
}

// "Bearer KEY" -> "KEY"
std::string_view key_of(std::string_view authorization) {
  const size_t space = authorization.rfind(' ');
  return space == std::string_view::npos ? authorization : authorization.substr(space + 1);
}

}  // namespace

Service::Service(const Options& options)
    : options_(options),
      account_(options.limits, options.charge, options.seed),
      faults_(mix_bits(options.seed)),
      answers_(mix_bits(options.seed + 1)) {}

Nanos Service::since_first_arrival(Nanos clock) const {
  return first_arrival_ ? clock - *first_arrival_ : Nanos(0);
}

std::string Service::request_id(uint64_t number) const {
  return "req_" + hex_of(mix_bits(mix_bits(options_.seed) + number));
}

Call Service::arrive(const Incoming& incoming, Nanos clock, int64_t unix_ms) {
  Call call;
  call.number = ++calls_;
  const std::string_view path = without_version(incoming.path);
  const std::optional<Endpoint> endpoint = endpoint_of(path);
  if (endpoint && incoming.method == "POST") {
    if (!first_arrival_) {
      first_arrival_ = clock;
      stats_.first_arrival_unix_ms = unix_ms;
    }
    call.is_api = true;
    ++stats_.requests;
    serve_api(*endpoint, incoming, since_first_arrival(clock), call);
  } else if (incoming.method == "GET" && incoming.path == "/stats") {
    call.ready = json_reply(200, stats_json(clock));
  } else if (incoming.method == "GET" && path == "/models") {
    call.ready = json_reply(200, models_body());
  } else {
    call.ready = not_found(incoming);
  }
  return call;
}

void Service::serve_api(Endpoint endpoint, const Incoming& incoming, Nanos now, Call& call) {
  // Drawn for every arrival, so that what goes wrong depends on the seed and the order alone.
  const Fault fault = draw_fault(options_, faults_);
  call.ready = refuse_key(incoming.authorization);
  if (call.ready) return;
  if (fault == Fault::kReset) {
    ++stats_.resets;
    call.action = Action::kReset;
    return;
  }
  ParsedRequest parsed = parse_request(endpoint, incoming.body);
  if (parsed.error) {
    call.ready = error_reply(*parsed.error);
    return;
  }
  call.ready = inject(fault, parsed.request.model);
  if (call.ready) return;
  admit(parsed, incoming, now, call);
  if (call.accepted && fault == Fault::kHang) {
    ++stats_.hangs;
    call.action = Action::kHang;
  }
}

std::optional<Reply> Service::refuse_key(std::string_view authorization) const {
  const std::string_view key = key_of(authorization);
  ApiError error;
  if (key == "invalid") {
    error.status = 401;
    error.message = "Incorrect API key provided.";
    error.code = "invalid_api_key";
  } else if (key == "quota") {
    error.status = 429;
    error.message = "You exceeded your current quota, please check your plan and billing details.";
    error.type = "insufficient_quota";
    error.code = "insufficient_quota";
  } else {
    return std::nullopt;
  }
  return error_reply(error);
}

std::optional<Reply> Service::inject(Fault fault, const std::string& model) const {
  switch (fault) {
    case Fault::kServer:
      return error_reply(
          server_error(500, "The server had an error while processing your request."));
    case Fault::kOverloaded:
      return error_reply(server_error(503, "The engine is currently overloaded."));
    case Fault::kRateLimited: {
      Reply reply = error_reply(rate_limit_error("Rate limit reached for " + model +
                                                     ". Please try again in " +
                                                     format_go_duration(options_.retry_after) + ".",
                                                 "requests"));
      add_retry_after(reply.headers, options_.retry_after);
      return reply;
    }
    case Fault::kRateLimitedBare:
      return error_reply(rate_limit_error("Rate limit reached for " + model + ".", "requests"));
    case Fault::kNone:
    case Fault::kReset:
    case Fault::kHang:
      break;
  }
  return std::nullopt;
}

void Service::admit(const ParsedRequest& parsed, const Incoming& incoming, Nanos now, Call& call) {
  if (const auto refusal = account_.arrive(now, parsed.request.demand())) {
    ++stats_.refused;
    call.ready = refuse(*refusal, parsed.request.model);
    return;
  }
  call.accepted = true;
  call.request = parsed.request;
  call.body_hash = hash_bytes(incoming.body);
  call.identity =
      incoming.request_key.empty() ? call.body_hash : mix_bits(hash_bytes(incoming.request_key));
  call.output_tokens = answers_.between(options_.output_tokens_min, options_.output_tokens_max);
  call.latency =
      Nanos(answers_.between(options_.latency_min.count(), options_.latency_max.count()));
}

Reply Service::refuse(const Refusal& refusal, const std::string& model) const {
  const bool is_tokens =
      refusal.kind != LimitKind::kRequests && refusal.kind != LimitKind::kConcurrency;
  std::string message = refusal.too_large ? "Request too large for " : "Rate limit reached for ";
  message += model + " in organization org-mock on " + dimension_of(refusal) + ": Limit " +
             std::to_string(refusal.told.amount) + ", Used " +
             std::to_string(std::max<int64_t>(refusal.told.used, 0)) + ", Requested " +
             std::to_string(refusal.requested) + ".";
  const bool says_header = options_.hints == Hints::kBoth || options_.hints == Hints::kHeader;
  const bool says_body = options_.hints == Hints::kBoth || options_.hints == Hints::kBody;
  if (!refusal.too_large && says_body) {
    message += " Please try again in " + format_go_duration(refusal.wait) + ".";
  }
  Reply reply =
      error_reply(rate_limit_error(std::move(message), is_tokens ? "tokens" : "requests"));
  if (!refusal.too_large && says_header) add_retry_after(reply.headers, refusal.wait);
  return reply;
}

Reply Service::answer(const Call& call, Nanos clock, int64_t unix_ms) {
  const Nanos now = since_first_arrival(clock);
  Reply reply;
  if (call.accepted) {
    const ReplyId id{mix_bits(options_.seed + call.number), call.body_hash, unix_ms};
    ApiReply made = make_reply(call.request, id, call.output_tokens);
    account_.complete(now, made.usage);
    stats_.count_success(call.identity, made.usage);
    reply.body = std::move(made.body);
  } else if (call.ready) {
    reply = *call.ready;
  }
  if (call.is_api) {
    ++stats_.statuses[reply.status];
    if (options_.headers) add_rate_limits(reply.headers, account_, now);
  }
  reply.headers.emplace_back("x-request-id", request_id(call.number));
  return reply;
}

void Service::leave(const Call& call) {
  if (!call.accepted) return;
  account_.abandon();
  ++stats_.client_gone;
}

std::string Service::stats_json(Nanos clock) const {
  return stats_to_json(stats_, account_, since_first_arrival(clock));
}

}  // namespace llmq::mock
