#include "mock/service.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mock/models.h"
#include "mock/request_json.h"
#include "mock/retry_hint.h"
#include "mock/utf8.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

Reply json_reply(int status, std::string body) {
  return {status, std::move(body), {{"Content-Type", "application/json"}}};
}

Problem problem_of(ProblemKind kind) {
  Problem problem;
  problem.kind = kind;
  return problem;
}

Problem unknown_url(const Incoming& incoming) {
  const std::string what = std::string(incoming.method) + " " + std::string(incoming.path);
  Problem problem = problem_of(ProblemKind::kUnknownUrl);
  problem.message = is_utf8(what) ? "Invalid URL (" + what + ")" : "Invalid URL";
  return problem;
}

// "Bearer KEY" -> "KEY"
std::string_view bearer_of(std::string_view authorization) {
  const size_t space = authorization.rfind(' ');
  return space == std::string_view::npos ? authorization : authorization.substr(space + 1);
}

// Only where the provider looks for it: a key in another place is no key.
std::string_view key_of(const Incoming& incoming, const Provider& provider) {
  if (provider.name == kAnthropic.name) return incoming.x_api_key;
  if (provider.name == kGemini.name) {
    return incoming.x_goog_api_key.empty() ? incoming.key : incoming.x_goog_api_key;
  }
  return incoming.api_key.empty() ? bearer_of(incoming.authorization) : incoming.api_key;
}

// What a call must carry besides its body.
std::optional<Problem> check_lines(const Route& route, const Incoming& incoming,
                                   const Provider& provider) {
  const std::string_view key = key_of(incoming, provider);
  if (key == "invalid") return problem_of(ProblemKind::kBadKey);
  if (key == "quota") return problem_of(ProblemKind::kNoQuota);
  if (route.endpoint == Endpoint::kAnthropic && incoming.anthropic_version.empty()) {
    return bad_request("anthropic-version: header is required");
  }
  if (route.is_deployment && incoming.api_version.empty()) {
    return problem_of(ProblemKind::kUnknownUrl);
  }
  return std::nullopt;
}

bool tells_wait(ProblemKind kind, const Provider& provider) {
  if (kind == ProblemKind::kOverloaded) return provider.overload_tells_wait;
  if (kind == ProblemKind::kNeverFits) return provider.never_fits_tells_wait;
  return kind == ProblemKind::kRateLimited;
}

StreamEnd end_of(Fault fault) {
  switch (fault) {
    case Fault::kStreamFirst:
      return StreamEnd::kFirstError;
    case Fault::kStreamError:
      return StreamEnd::kError;
    case Fault::kStreamCut:
      return StreamEnd::kCut;
    case Fault::kStreamEnd:
      return StreamEnd::kUnfinished;
    case Fault::kStreamStall:
      return StreamEnd::kStall;
    default:
      return StreamEnd::kWhole;
  }
}

}  // namespace

Service::Service(const Options& options)
    : options_(options),
      account_(options.limits, options.charge, options.seed,
               std::llround(options.other_users * 1e6)),
      faults_(mix_bits(options.seed)),
      untruths_(mix_bits(options.seed + 3)),
      answers_(mix_bits(options.seed + 1)) {}

Nanos Service::since_first_arrival(Nanos clock) const {
  return first_arrival_ ? clock - *first_arrival_ : Nanos(0);
}

std::string Service::request_id(uint64_t number) const {
  return "req_" + hex_of(mix_bits(mix_bits(options_.seed) + number));
}

ReplyId Service::reply_id(const Call& call, int64_t unix_ms) const {
  return {mix_bits(options_.seed + call.number), call.body_hash, unix_ms};
}

Reply Service::error_reply(Problem problem, const Call& call, Nanos now, int64_t unix_ms) {
  problem.request_id = request_id(call.number);
  problem.unix_ms = unix_ms;
  const Provider& provider = *call.provider;
  RetryHint hint;
  if (problem.wait && tells_wait(problem.kind, provider)) {
    hint = make_retry_hint(options_.hints, provider, *problem.wait, unix_ms);
    if (hint.told) told_waits_[call.identity] = now + *hint.told;
  }
  problem.wait = hint.words;
  ErrorReply error = provider.describe(problem);
  Reply reply = json_reply(error.status, std::move(error.body));
  for (auto& line : hint.lines) reply.headers.push_back(std::move(line));
  if (provider.marks_retry) {
    const bool is_passing = reply.status == 429 || reply.status >= 500;
    reply.headers.emplace_back("x-should-retry", is_passing ? "true" : "false");
  }
  return reply;
}

Call Service::arrive(const Incoming& incoming, Nanos clock, int64_t unix_ms) {
  Call call;
  call.number = ++calls_;
  call.provider = find_provider(options_.provider);
  const std::optional<Route> route = route_of(incoming.path, incoming.alt);
  if (route && incoming.method == "POST") {
    if (!first_arrival_) {
      first_arrival_ = clock;
      stats_.first_arrival_unix_ms = unix_ms;
    }
    call.is_api = true;
    ++stats_.requests;
    call.provider = &provider_of(*route, *call.provider);
    serve_api(*route, incoming, since_first_arrival(clock), unix_ms, call);
  } else if (incoming.method == "GET" && incoming.path == "/stats") {
    call.ready = json_reply(200, stats_json(clock));
  } else if (incoming.method == "GET" && is_models_path(incoming.path)) {
    call.ready = json_reply(200, models_body());
  } else {
    call.ready = error_reply(unknown_url(incoming), call, since_first_arrival(clock), unix_ms);
  }
  return call;
}

void Service::serve_api(const Route& route, const Incoming& incoming, Nanos now, int64_t unix_ms,
                        Call& call) {
  account_.advance(now);
  // Drawn for every arrival, so that what goes wrong depends on the seed and the order alone.
  const Fault fault = draw_fault(options_, faults_);
  call.body_hash = hash_bytes(incoming.body);
  call.identity =
      incoming.request_key.empty() ? call.body_hash : mix_bits(hash_bytes(incoming.request_key));
  note_arrival(call, now);
  std::optional<Problem> problem = check_lines(route, incoming, *call.provider);
  if (!problem && fault == Fault::kReset) {
    ++stats_.resets;
    call.action = Action::kReset;
    return;
  }
  ParsedRequest parsed;
  if (!problem) {
    parsed = parse_request(route, incoming.body);
    problem = parsed.problem;
  }
  if (!problem) problem = make_problem(fault, parsed.request.model);
  if (!problem) problem = check_money();
  if (!problem) problem = refuse(now, parsed.request);
  if (problem) {
    call.ready = error_reply(std::move(*problem), call, now, unix_ms);
    return;
  }
  accept(std::move(parsed.request), call);
  if (fault == Fault::kHang) {
    ++stats_.hangs;
    call.action = Action::kHang;
  } else if (call.request.stream) {
    start_stream(fault, now, unix_ms, call);
  }
}

void Service::note_arrival(const Call& call, Nanos now) {
  const auto told = told_waits_.find(call.identity);
  if (told == told_waits_.end()) return;
  ++stats_.retries_told;
  if (now < told->second) ++stats_.early_retries;
  stats_.latest_retry = std::max(stats_.latest_retry, now - told->second);
  told_waits_.erase(told);
}

std::optional<Problem> Service::check_money() const {
  if (options_.quota_after == 0 || account_.accepted() < options_.quota_after) return std::nullopt;
  return problem_of(ProblemKind::kNoQuota);
}

std::optional<Problem> Service::make_problem(Fault fault, const std::string& model) const {
  switch (fault) {
    case Fault::kServer:
      return problem_of(ProblemKind::kServer);
    case Fault::kOverloaded: {
      Problem problem = problem_of(ProblemKind::kOverloaded);
      problem.wait = options_.retry_after;
      return problem;
    }
    case Fault::kRateLimited:
    case Fault::kRateLimitedBare: {
      Problem problem = problem_of(ProblemKind::kRateLimited);
      problem.model = model;
      if (fault == Fault::kRateLimited) problem.wait = options_.retry_after;
      return problem;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Problem> Service::refuse(Nanos now, const ApiRequest& request) {
  const std::optional<Refusal> refusal = account_.arrive(now, request.demand());
  if (!refusal) return std::nullopt;
  ++stats_.refused;
  Problem problem =
      problem_of(refusal->too_large ? ProblemKind::kNeverFits : ProblemKind::kRateLimited);
  problem.model = request.model;
  problem.wait = refusal->too_large ? options_.retry_after : refusal->wait;
  problem.refusal = refusal;
  return problem;
}

void Service::accept(ApiRequest request, Call& call) {
  call.accepted = true;
  call.request = std::move(request);
  call.output_tokens = answers_.between(options_.output_tokens_min, options_.output_tokens_max);
  call.latency =
      Nanos(answers_.between(options_.latency_min.count(), options_.latency_max.count()));
  if (!call.request.stream && call.request.has_output()) {
    const int64_t tokens =
        std::min(call.output_tokens, call.request.max_tokens.value_or(call.output_tokens));
    call.latency += time_to_say(tokens, options_.tokens_per_s);
  }
}

void Service::start_stream(Fault fault, Nanos now, int64_t unix_ms, Call& call) {
  Answer answer = make_answer(call.request, reply_id(call, unix_ms), call.output_tokens);
  StreamPlan plan;
  plan.start = now + call.latency;
  plan.tokens_per_s = options_.tokens_per_s;
  plan.piece_tokens = options_.piece_tokens;
  plan.end = end_of(fault);
  if (plan.end == StreamEnd::kStall) ++stats_.hangs;
  // Of a seed of its own: where a stream breaks moves no other call's length.
  Random random(mix_bits(options_.seed + 2) + call.number);
  plan.break_at = random.between(1, answer.text_tokens);
  call.stream = std::make_unique<Stream>(std::move(answer), *call.provider, plan);
}

void Service::add_limits(Reply& reply, const LimitNews& news, const Provider& provider) {
  Headers limits;
  provider.tell_limits(limits, news);
  if (options_.wrong_headers > 0 && untruths_.uniform() < options_.wrong_headers) {
    spoil_limits(limits, untruths_);
  }
  told_limits_.push_back(std::move(limits));
  const Headers& told = told_limits_.front();
  reply.headers.insert(reply.headers.end(), told.begin(), told.end());
  if (told_limits_.size() > static_cast<size_t>(options_.header_lag)) told_limits_.pop_front();
}

Reply Service::answer(const Call& call, Nanos clock, int64_t unix_ms) {
  const Nanos now = since_first_arrival(clock);
  account_.advance(now);
  LimitNews news{&account_, now, unix_ms, 200, call.stream != nullptr, std::nullopt};
  Reply reply;
  if (call.stream != nullptr) {
    reply.headers.emplace_back("Content-Type", call.stream->content_type());
  } else if (call.accepted) {
    const Answer made = make_answer(call.request, reply_id(call, unix_ms), call.output_tokens);
    reply = json_reply(200, wire_of(call.request.endpoint).reply(made, *call.provider));
    account_.complete(now, made.usage);
    stats_.count_success(call.identity, made.usage);
    news.usage = made.usage;
  } else if (call.ready) {
    reply = *call.ready;
  }
  if (call.is_api) {
    ++stats_.statuses[reply.status];
    news.status = reply.status;
    if (options_.headers) add_limits(reply, news, *call.provider);
  }
  reply.headers.emplace_back(call.provider->id_header, request_id(call.number));
  return reply;
}

Stream::Step Service::next(const Call& call, Nanos clock) {
  const Nanos now = since_first_arrival(clock);
  account_.advance(now);
  Stream& stream = *call.stream;
  Stream::Step step = stream.next(now);
  account_.produce(now, step.tokens);
  switch (step.kind) {
    case Stream::Step::Kind::kWait:
      step.at += *first_arrival_;
      break;
    case Stream::Step::Kind::kEnd:
    case Stream::Step::Kind::kCut: {
      Usage usage = stream.answer().usage;
      if (stream.end() == StreamEnd::kWhole) {
        stats_.count_success(call.identity, usage);
      } else {
        ++stats_.broken_streams;
        usage.output_tokens = stream.said();
      }
      account_.complete(now, usage, stream.said());
      break;
    }
    case Stream::Step::Kind::kData:
    case Stream::Step::Kind::kStall:
      break;
  }
  return step;
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
