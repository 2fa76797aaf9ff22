#include "cli/mock.h"

#include <uv.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/json.h"
#include "cli/failure.h"
#include "mock/options.h"
#include "mock/provider.h"
#include "mock/server.h"

namespace llmq::cli {
namespace {

template <typename T>
T taken(const char* flag, mock::Result<T> result) {
  if (!result.ok()) throw Failure(std::string(flag) + ": " + result.error());
  return std::move(result.value());
}

std::pair<int64_t, int64_t> count_range(const char* flag, const std::string& text) {
  const size_t dots = text.find("..");
  const std::string low = text.substr(0, dots);
  const std::string high = dots == std::string::npos ? low : text.substr(dots + 2);
  const auto is_count = [](const std::string& part) {
    return !part.empty() && part.size() <= 9 &&
           part.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!is_count(low) || !is_count(high) || std::stoll(low) > std::stoll(high)) {
    throw Failure(std::string(flag) + ": \"" + text +
                  "\" is not acceptable: expected 40 or 16..64");
  }
  return {std::stoll(low), std::stoll(high)};
}

mock::Options options_of(const MockFlags& flags) {
  mock::Options options;
  if (flags.port < 0 || flags.port > 65535) {
    throw Failure("--port: " + std::to_string(flags.port) + " is not 0 .. 65535");
  }
  options.port = static_cast<uint16_t>(flags.port);
  for (const std::string& limit : flags.limits) {
    options.limits.push_back(taken("--limit", mock::parse_limit(limit)));
  }
  options.charge = taken("--charge", mock::parse_charge(flags.charge));
  if (flags.headers != "on" && flags.headers != "off") {
    throw Failure("--headers: \"" + flags.headers + "\" is neither on nor off");
  }
  options.headers = flags.headers == "on";
  options.provider = flags.provider;
  options.header_lag = flags.header_lag;
  options.wrong_headers = flags.wrong_headers;
  options.quota_after = flags.quota_after;
  options.other_users = flags.other_users;
  options.hints = taken("--hints", mock::parse_hints(flags.hints));
  std::tie(options.latency_min, options.latency_max) =
      taken("--latency", mock::parse_span_range(flags.latency));
  std::tie(options.output_tokens_min, options.output_tokens_max) =
      count_range("--output-tokens", flags.output_tokens);
  options.fail_server = flags.fail_server;
  options.fail_overloaded = flags.fail_overloaded;
  options.fail_rate_limited = flags.fail_rate_limited;
  options.fail_rate_limited_bare = flags.fail_rate_limited_bare;
  options.fail_reset = flags.fail_reset;
  options.fail_hang = flags.fail_hang;
  options.fail_stream_first = flags.fail_stream_first;
  options.fail_stream_error = flags.fail_stream_error;
  options.fail_stream_cut = flags.fail_stream_cut;
  options.fail_stream_end = flags.fail_stream_end;
  options.fail_stream_stall = flags.fail_stream_stall;
  options.tokens_per_s = flags.tokens_per_s;
  options.piece_tokens = flags.piece_tokens;
  options.retry_after = taken("--retry-after", mock::parse_span(flags.retry_after));
  options.seed = flags.seed;
  const std::string fault = mock::check_options(options);
  if (!fault.empty()) throw Failure(fault);
  return options;
}

double number_of(const cJSON* object, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

void print_totals(const std::string& stats) {
  const base::Json json(cJSON_Parse(stats.c_str()));
  const cJSON* statuses = cJSON_GetObjectItemCaseSensitive(json.get(), "statuses");
  std::fprintf(
      stderr,
      "mock: %.0f requests, %.0f accepted, %.0f 429s, at most %.0f at a time, last accepted "
      "after %.2f s, ideal %.2f s",
      number_of(json.get(), "requests"), number_of(json.get(), "accepted"),
      number_of(statuses, "429"), number_of(json.get(), "max_concurrency"),
      number_of(json.get(), "last_accepted_ms") / 1000, number_of(json.get(), "ideal_ms") / 1000);
  const double ratio = number_of(json.get(), "last_over_ideal");
  if (ratio > 0) std::fprintf(stderr, " (x %.3f)", ratio);
  std::fputc('\n', stderr);
}

// The loop with its signal handles; ends when the server has closed.
class Serving {
 public:
  explicit Serving(const mock::Options& options) {
    if (uv_loop_init(&loop_) != 0) throw Failure("no event loop can be had");
    auto server = mock::Server::start(&loop_, options);
    if (!server.ok()) {
      uv_run(&loop_, UV_RUN_DEFAULT);
      uv_loop_close(&loop_);
      throw Failure(server.error());
    }
    server_ = std::move(server.value());
    const std::array<int, 2> numbers{SIGINT, SIGTERM};
    for (size_t i = 0; i < signals_.size(); ++i) {
      uv_signal_init(&loop_, &signals_[i]);
      signals_[i].data = this;
      uv_signal_start(
          &signals_[i],
          [](uv_signal_t* handle, int) { static_cast<Serving*>(handle->data)->stop(); },
          numbers[i]);
    }
  }
  ~Serving() {
    server_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // Returns the statistics of the whole time.
  std::string run() {
    std::printf("listening on http://127.0.0.1:%u/v1\n", static_cast<unsigned>(server_->port()));
    std::fflush(stdout);
    uv_run(&loop_, UV_RUN_DEFAULT);
    return stats_;
  }

 private:
  void stop() {
    if (stopping_) return;
    stopping_ = true;
    stats_ = server_->stats_json();
    server_->stop([] {});
    for (uv_signal_t& handle : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
  }

  uv_loop_t loop_{};
  std::array<uv_signal_t, 2> signals_{};
  std::unique_ptr<mock::Server> server_;
  std::string stats_;
  bool stopping_ = false;
};

}  // namespace

void add_mock_flags(CLI::App& command, MockFlags& flags) {
  command.add_option("--port", flags.port, "Port on 127.0.0.1; 0 = a free one (printed)");
  command
      .add_option(
          "--limit", flags.limits,
          "KIND is requests, tokens, input_tokens or output_tokens; concurrency=N has no period. "
          "shape= sliding (default), fixed, bucket, quantised or two_bucket (a counter: this "
          "window "
          "+ the covered share of the one before). burst= capacity of a bucket as a share of N, as "
          "0.1. slice= of a quantised limit, as 1s or 10s. headers= own (what it enforces), bucket "
          "(N per T as OpenAI shows it, hiding slices, bursts and edges) or off. reset= of a "
          "bucket: full (default) or amount ((N - remaining) x T / N). change= what N becomes and "
          "how long "
          "after the first call, as 150@30s. Repeatable")
      ->type_name("KIND=N/PERIOD[,KEY=VALUE...]")
      ->expected(1)
      ->take_all();
  command
      .add_option(
          "--charge", flags.charge,
          "Tokens counted: input (characters/4 on arrival), max_tokens (input + max_tokens on "
          "arrival), completion (the usage, with the answer), realtime (input on arrival, output "
          "as "
          "it is said)")
      ->capture_default_str();
  command
      .add_option(
          "--provider", flags.provider,
          "Whose errors and header lines come with OpenAI's wire form: " + mock::provider_names() +
              ". The URLs of Anthropic, Gemini, Cohere, Ollama and Azure's deployments "
              "bring their own")
      ->capture_default_str();
  command.add_option("--headers", flags.headers, "Header lines of limits: on or off")
      ->capture_default_str();
  command.add_option("--header-lag", flags.header_lag,
                     "They tell what they would have told so many replies ago");
  command.add_option("--wrong-headers", flags.wrong_headers,
                     "Share of replies whose header lines of limits are untrue or missing");
  command.add_option("--other-users", flags.other_users,
                     "Share of each limit that other users of the same key ask for. They are "
                     "refused as well when it is used up; ideal in /stats is still that of a "
                     "client alone");
  command.add_option("--quota-after", flags.quota_after,
                     "Calls accepted before the quota is used up for good; 0 = never");
  command
      .add_option(
          "--hints", flags.hints,
          "Where a 429 says how long to wait: both, header, body (the provider's own ways), "
          "none; or one way alone: seconds, float or date (Retry-After), ms "
          "(retry-after-ms)")
      ->capture_default_str();
  command.add_option("--latency", flags.latency, "Time to an answer, as 20ms or 20ms..80ms")
      ->capture_default_str();
  command
      .add_option("--output-tokens", flags.output_tokens, "Tokens of an answer, as 40 or 16..64")
      ->capture_default_str();
  command
      .add_option("--tokens-per-s", flags.tokens_per_s,
                  "How fast an answer is made, streamed or not; 0 = at once")
      ->capture_default_str();
  command.add_option("--piece", flags.piece_tokens, "Tokens per event of a stream")
      ->capture_default_str();
  command.add_option("--fail-server", flags.fail_server, "Share of calls answered with 500");
  command.add_option("--fail-overloaded", flags.fail_overloaded, "Share answered with 503");
  command.add_option("--fail-rate-limited", flags.fail_rate_limited,
                     "Share answered with 429 and Retry-After");
  command.add_option("--fail-rate-limited-bare", flags.fail_rate_limited_bare,
                     "Share answered with 429 without Retry-After");
  command.add_option("--fail-reset", flags.fail_reset, "Share of calls whose connection is reset");
  command.add_option("--fail-hang", flags.fail_hang, "Share that is never answered");
  command.add_option("--fail-stream-first", flags.fail_stream_first,
                     "Share of calls whose stream begins with an error, after the 200");
  command.add_option("--fail-stream-error", flags.fail_stream_error,
                     "Share whose stream ends with an error after some text");
  command.add_option("--fail-stream-cut", flags.fail_stream_cut,
                     "Share whose connection breaks inside an event");
  command.add_option("--fail-stream-end", flags.fail_stream_end,
                     "Share whose stream ends without its end marker");
  command.add_option("--fail-stream-stall", flags.fail_stream_stall,
                     "Share whose stream stops after some text and stays open");
  command.add_option("--retry-after", flags.retry_after, "What injected 429s say")
      ->capture_default_str();
  command.add_option("--seed", flags.seed, "Of latencies, faults and window phases")
      ->capture_default_str();
  command.add_option("--stats", flags.stats, "Write GET /stats to this file at the end");
}

int serve_mock(const MockFlags& flags) {
  const mock::Options options = options_of(flags);
  Serving serving(options);
  const std::string stats = serving.run();
  print_totals(stats);
  if (!flags.stats.empty()) {
    std::ofstream file(flags.stats, std::ios::binary | std::ios::trunc);
    file << stats << '\n';
    file.close();
    if (!file)
      throw Failure("stats " + flags.stats + " cannot be written: " + std::strerror(errno));
  }
  return kExitOk;
}

}  // namespace llmq::cli
