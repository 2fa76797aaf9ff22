#include "cli/runner.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/json.h"
#include "cli/result_line.h"
#include "cli/signals.h"

namespace llmq::cli {
namespace {

constexpr size_t kMaxOutstanding = 20'000;
constexpr size_t kMaxOutstandingBytes = size_t{256} << 20;
constexpr size_t kMaxModels = 1000;

void expect_prices(const Settings& settings) {
  std::vector<std::string> models = settings.models();
  if (settings.takes_any_model()) models.emplace_back("*");
  for (const std::string& model : models) {
    if (settings.has_prices(model)) continue;
    throw Failure("--max-cost needs prices: --price-input and --price-output, or price_input and " +
                  std::string("price_output in the configuration") +
                  (model == "*" ? "" : "; model " + model + " has none"));
  }
}

double number_of(const cJSON* object, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

std::string string_of(const cJSON* object, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(item) ? item->valuestring : "";
}

// What limits let through per second; 0 = as much as one likes.
struct Rates {
  double requests = 0;
  double tokens = 0;
};

double tighter(double a, double b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// Of two places where calls are made.
Rates beside(const Rates& a, const Rates& b) {
  const auto both = [](double one, double other) {
    return one == 0 || other == 0 ? 0 : one + other;
  };
  return {both(a.requests, b.requests), both(a.tokens, b.tokens)};
}

// Of the limits of a model or deployment; the longest time that one of them needed at least for
// what has been called goes to `ideal_ms`.
Rates rates_of(const cJSON* place, int64_t* ideal_ms) {
  Rates rates;
  const cJSON* limit = nullptr;
  cJSON_ArrayForEach(limit, cJSON_GetObjectItemCaseSensitive(place, "limits")) {
    const double period = number_of(limit, "period_ms") / 1000;
    const std::string kind = string_of(limit, "kind");
    if (period <= 0 || kind == "cost") continue;
    double& tightest = kind == "requests" ? rates.requests : rates.tokens;
    tightest = tighter(tightest, number_of(limit, "amount") / period);
    *ideal_ms = std::max(*ideal_ms, static_cast<int64_t>(number_of(limit, "ideal_ms")));
  }
  return rates;
}

// A 403 may be about the one line. Whether calls with this key are of any use the manager finds
// out, by several of them: then it sends no more.
bool is_hopeless(const llmq_response_t* response) {
  const llmq_status_t status = llmq_response_status(response);
  if (status == LLMQ_ERR_QUOTA_EXHAUSTED) return true;
  return status == LLMQ_ERR_AUTH && llmq_response_http_status(response) != 403;
}

}  // namespace

Runner::Runner(const Settings& settings, const Budget& budget, bool quiet, bool stream,
               ReportSamples* samples)
    : settings_(settings), stream_(stream), progress_(quiet), samples_(samples), budget_(budget) {
  if (budget_.bounded()) expect_prices(settings);
  llmq_cq_t* queue = nullptr;
  expect_ok(llmq_cq_create(&queue));
  queue_.reset(queue);
  llmq_conf_t* copy = nullptr;  // the file may be that of a program with a loop of its own
  expect_ok(llmq_conf_copy(settings.conf(), &copy));
  const std::unique_ptr<llmq_conf_t, decltype(&llmq_conf_free)> conf(copy, llmq_conf_free);
  expect_ok(llmq_conf_set(copy, "loop", "thread", nullptr));
  llmq_manager_t* manager = nullptr;
  expect_ok_from([&](llmq_error_t** error) { return llmq_manager_create(copy, &manager, error); });
  manager_.reset(manager);
  for (const std::string& model : settings.models()) models_.insert(model);
}

int Runner::run(int input, uint64_t total_lines, OutputFile& output, int signal_fd) {
  LineReader reader(input);
  reader_ = &reader;
  output_ = &output;
  total_lines_ = total_lines;
  int32_t queue_fd = -1;
  expect_ok(llmq_cq_fd(queue_.get(), LLMQ_CQ_FD_EVENTFD, &queue_fd));
  const int64_t interval = progress_.interval_ns();
  next_tick_ns_ = llmq_now_ns() + interval;
  if (samples_ != nullptr) {
    samples_->start(llmq_now_ns());
    sampler_.emplace(*samples_);
    sample();
  }
  for (bool goes_on = true; goes_on;) {
    try {
      goes_on = turn(input, queue_fd, signal_fd);
    } catch (const Failure& failure) {
      outlive(failure);
    }
  }
  if (sampler_) sample();
  if (interval > 0) tick(llmq_now_ns());
  progress_.clear();
  if (blocked_) say("output " + output.path() + " did not take all results");
  finish_summary();
  return exit_code();
}

bool Runner::turn(int input, int queue_fd, int signal_fd) {
  flush();
  const bool more = fill();
  if (!blocked_) flush();
  const bool reading = wants_input();
  const bool written = !blocked_ || given_up_;
  if (outstanding_ == 0 && !reading && !has_held_ && written) return false;
  std::array<pollfd, 4> fds{{{queue_fd, POLLIN, 0},
                             {signal_fd, POLLIN, 0},
                             {reading ? input : -1, POLLIN, 0},
                             {blocked_ ? output_->fd() : -1, POLLOUT, 0}}};
  if (::poll(fds.data(), fds.size(), more ? 0 : timeout_ms()) < 0) return true;  // EINTR
  if (fds[1].revents != 0) take_signal();
  if (fds[0].revents != 0) take_events();
  if (reading && !more && fds[2].revents != 0 && wants_input()) reader_->read_more();
  const int64_t interval = progress_.interval_ns();
  if (interval > 0 && llmq_now_ns() >= next_tick_ns_) {
    tick(llmq_now_ns());
    next_tick_ns_ = llmq_now_ns() + interval;
  }
  if (sampler_ && llmq_now_ns() >= sampler_->next_ns()) sample();
  return true;
}

void Runner::flush() {
  output_->flush();
  blocked_ = output_->pending();
}

// What has been called is paid for: the run waits for it before it ends. A second failure, or an
// output that takes nothing, leaves nothing to wait for.
void Runner::outlive(const Failure& failure) {
  const bool called = first_submit_ns_ != 0 && !output_->broken();
  if (!called || !stopped_because_.empty()) throw failure;
  stopped_because_ = failure.what();
  stop(Phase::kCancelling);
}

int Runner::timeout_ms() const {
  int64_t next = progress_.interval_ns() > 0 ? next_tick_ns_ : INT64_MAX;
  if (sampler_) next = std::min(next, sampler_->next_ns());
  if (next == INT64_MAX) return -1;
  return static_cast<int>(std::max<int64_t>(next - llmq_now_ns(), 0) / 1'000'000 + 1);
}

void Runner::sample() { sampler_->look(manager_.get(), budget_.spent_micros()); }

bool Runner::wants_input() const {
  return phase_ == Phase::kRunning && !input_ended_ && !has_held_ && !blocked_ &&
         outstanding_ < kMaxOutstanding && outstanding_bytes_ < kMaxOutstandingBytes;
}

// Takes some of the lines that have been read, so that answers are seen between them. True: there
// may be more.
bool Runner::fill() {
  constexpr int kLinesPerTurn = 64;
  if (phase_ == Phase::kRunning && has_held_ && !blocked_) has_held_ = !take(held_);
  for (int taken = 0; wants_input(); ++taken) {
    if (taken == kLinesPerTurn) return true;
    if (!reader_->next(held_)) {
      input_ended_ = reader_->ended();
      return false;
    }
    has_held_ = !take(held_);
  }
  if (phase_ != Phase::kRunning) has_held_ = false;
  return false;
}

bool Runner::take(const Line& line) {
  if (is_blank(line.text)) {
    if (total_lines_ > 0) --total_lines_;  // it was counted, and nothing answers it
    return true;
  }
  BatchLine batch;
  const std::string fault =
      line.too_long ? "it has more than " + std::to_string(kMaxLineBytes >> 20U) + " MiB"
                    : parse_batch_line(line.text, batch);
  if (!fault.empty()) {
    ++lines_;
    refuse(batch, line.number, kInvalidLine, fault);
    return true;
  }
  // A line that is tried again finds itself.
  const uint64_t first = ids_.add(batch.custom_id, line.number);
  if (first != 0 && first != line.number) {
    ++lines_;
    refuse(
        batch, line.number, kDuplicateId,
        "custom_id " + batch.custom_id_raw + " was used before, on line " + std::to_string(first));
    return true;
  }
  if (output_->finished().contains(batch.custom_id)) {
    ++lines_;
    ++summary_.skipped;
    return true;
  }
  if (!submit(batch, line.number)) return false;
  ++lines_;
  return true;
}

void Runner::refuse(const BatchLine& line, uint64_t number, const char* code,
                    const std::string& message) {
  ++summary_.failed;
  output_->add(refused_line(line.custom_id_raw, number, code, message));
}

// Models are registered when a line first names them.
bool Runner::know_model(const BatchLine& line, uint64_t number) {
  const std::string& model = line.model;
  if (model.size() > 255) {
    refuse(line, number, kInvalidLine, "body.model has more than 255 bytes");
    return false;
  }
  if (models_.count(model) != 0) return true;
  if (!settings_.takes_any_model() || models_.size() >= kMaxModels) {
    refuse(line, number, llmq_status_name(LLMQ_ERR_UNKNOWN_MODEL),
           models_.size() >= kMaxModels
               ? "more than " + std::to_string(kMaxModels) + " different models"
               : "model \"" + model + "\" is not in the configuration");
    return false;
  }
  std::string fault;
  const Conf conf = settings_.with_model(model, fault);
  if (!fault.empty()) {
    refuse(line, number, kInvalidLine, "body.model: " + fault);
    return false;
  }
  expect_ok_from([&](llmq_error_t** error) {
    return llmq_manager_register_models(manager_.get(), conf.get(), LLMQ_REGISTER_SKIP_EXISTING,
                                        error);
  });
  models_.insert(model);
  return true;
}

bool Runner::submit(const BatchLine& line, uint64_t number) {
  if (!know_model(line, number)) return true;
  if (free_slots_.empty()) {
    slots_.emplace_back();
    free_slots_.push_back(slots_.size());  // user_data 0 stays unused
  }
  const uint64_t slot = free_slots_.back();
  llmq_request_t request = request_of(line);
  request.request_key = line.custom_id.data();
  request.request_key_len = line.custom_id.size();
  request.user_data = slot;
  // Nobody sees a part of an answer before the line with all of it.
  if (stream_ && request.operation != LLMQ_OP_EMBEDDINGS) {
    request.flags = uint32_t{LLMQ_REQUEST_STREAM} | LLMQ_REQUEST_RESTART;
  }
  request.cq = queue_.get();
  int64_t cost = 0;
  if (!afford(request, cost)) return false;
  const llmq_status_t status = llmq_submit(manager_.get(), &request, nullptr);
  if (status == LLMQ_ERR_QUEUE_FULL && outstanding_ > 0) return false;
  if (status == LLMQ_ERR_NOMEM) throw Failure("out of memory");
  if (status != LLMQ_OK) {
    llmq_error_t* error = nullptr;
    llmq_request_check(manager_.get(), &request, &error);
    const ErrorHandle own(error);
    const std::string message = error == nullptr ? "" : llmq_error_message(error);
    refuse(line, number, llmq_status_name(status),
           message.empty() ? llmq_status_message(status) : message);
    return true;
  }
  free_slots_.pop_back();
  slots_[slot - 1] = {line.custom_id_raw, number, line.body.size(), cost};
  budget_.reserve(cost);
  ++outstanding_;
  outstanding_bytes_ += line.body.size();
  if (first_submit_ns_ == 0) first_submit_ns_ = llmq_now_ns();
  return true;
}

// With calls on their way it is too early to tell: they may cost less than was reserved.
bool Runner::afford(const llmq_request_t& request, int64_t& cost) {
  if (!budget_.bounded()) return true;
  llmq_usage_t usage{};
  usage.struct_size = sizeof usage;
  if (llmq_request_estimate(manager_.get(), &request, &usage, nullptr) != LLMQ_OK) {
    return true;  // submit says why not
  }
  cost = usage.cost_micros;
  if (budget_.fits(cost)) return true;
  if (outstanding_ == 0) {
    out_of_budget_ = true;
    phase_ = Phase::kCancelling;
  }
  return false;
}

void Runner::take_events() {
  std::array<llmq_event_t, 256> events{};
  events[0].stride = sizeof(llmq_event_t);
  const size_t n = llmq_cq_drain(queue_.get(), events.data(), events.size());
  for (size_t i = 0; i < n; ++i) {
    if (events[i].type != LLMQ_EV_DONE) continue;
    summary_.waits.add(events[i].queued_ns);
    if (events[i].first_output_ns > 0) summary_.first_outputs.add(events[i].first_output_ns);
    summary_.input_tokens += events[i].input_tokens;
    summary_.output_tokens += events[i].output_tokens;
    summary_.reasoning_tokens += events[i].reasoning_tokens;
    llmq_response_t* response = nullptr;
    expect_ok(llmq_event_take(&events[i], &response), "a response was lost");
    const ResponseHandle own(response);
    if (sampler_) sampler_->add_answer(events[i]);
    take_response(events[i].user_data, response);
  }
  llmq_events_release(events.data(), sizeof(llmq_event_t), n);
  if (n > 0) last_answer_ns_ = llmq_now_ns();
}

void Runner::take_response(uint64_t slot, const llmq_response_t* response) {
  Slot& record = slots_[slot - 1];
  --outstanding_;
  outstanding_bytes_ -= record.bytes;
  free_slots_.push_back(slot);
  budget_.settle(record.cost, response);
  const llmq_status_t status = llmq_response_status(response);
  // Cancelled by us, or spared since another one had met the end of the quota: for --resume.
  const bool spared = status == LLMQ_ERR_QUOTA_EXHAUSTED && llmq_response_attempts(response) == 0;
  if (llmq_response_state(response) == LLMQ_STATE_CANCELLED || spared) {
    ++summary_.left;
    return;
  }
  ++(status == LLMQ_OK ? summary_.completed : summary_.failed);
  output_->add(result_line(record.custom_id_raw, record.line, response));
  const bool hopeless = is_hopeless(response);
  if (hopeless && stopped_because_.empty()) {
    stopped_because_ =
        std::string(status == LLMQ_ERR_AUTH ? "the key was rejected: " : "the quota is used up: ") +
        with_code(llmq_response_error(response, nullptr), status);
    stop(Phase::kAborting);
  }
}

void Runner::take_signal() {
  for (int count = take_signals(); count > 0; --count) {
    const bool first = !interrupted_;
    interrupted_ = true;
    given_up_ = !first;
    if (phase_ == Phase::kAborting) continue;
    say(first ? "interrupted: waiting for the calls that run; once more to abort them" : "aborted");
    stop(first ? Phase::kCancelling : Phase::kAborting);
  }
}

void Runner::stop(Phase phase) {
  phase_ = phase;
  const int32_t mode = phase == Phase::kAborting ? LLMQ_SHUTDOWN_ABORT : LLMQ_SHUTDOWN_CANCEL;
  llmq_manager_shutdown(manager_.get(), mode, 0, nullptr, 0);
}

void Runner::tick(int64_t now) { progress_.tick(now, counts()); }

ProgressCounts Runner::counts() {
  ProgressCounts counts;
  counts.done = summary_.completed + summary_.failed + summary_.skipped;
  counts.total = total_lines_;
  counts.failed = summary_.failed;
  counts.tokens = summary_.input_tokens + summary_.output_tokens;
  llmq_stats_t stats{};
  stats.struct_size = sizeof stats;
  if (llmq_stats(manager_.get(), nullptr, 0, &stats) == LLMQ_OK) {
    counts.requests = stats.attempts;
    counts.http_429 = stats.rate_limited;
  }
  char* text = nullptr;
  if (llmq_manager_info_json(manager_.get(), nullptr, 0, &text, nullptr) != LLMQ_OK) return counts;
  const Text own(text);
  const base::Json info(cJSON_Parse(text));
  const cJSON* model = nullptr;
  cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(info.get(), "models")) {
    if (counts.blocked_by.empty()) counts.blocked_by = string_of(model, "blocked_by");
    Rates rates = rates_of(model, &summary_.ideal_ms);
    const cJSON* const deployments = cJSON_GetObjectItemCaseSensitive(model, "deployments");
    if (cJSON_GetArraySize(deployments) > 0) {
      Rates sum = rates_of(deployments->child, &summary_.ideal_ms);
      for (const cJSON* one = deployments->child->next; one != nullptr; one = one->next) {
        sum = beside(sum, rates_of(one, &summary_.ideal_ms));
      }
      rates = {tighter(rates.requests, sum.requests), tighter(rates.tokens, sum.tokens)};
    }
    counts.requests_limit += rates.requests;
    counts.tokens_limit += rates.tokens;
  }
  return counts;
}

void Runner::finish_summary() {
  summary_.cost_micros = budget_.spent_micros();
  summary_.max_cost_micros = budget_.max_micros();
  if (out_of_budget_) summary_.left += total_lines_ > lines_ ? total_lines_ - lines_ : 1;
  counts();  // for the ideal, which the limits know
  llmq_stats_t stats{};
  stats.struct_size = sizeof stats;
  expect_ok(llmq_stats(manager_.get(), nullptr, 0, &stats));
  summary_.attempts = stats.attempts;
  summary_.retries = stats.retries;
  summary_.http_429 = stats.rate_limited;
  if (last_answer_ns_ > 0) summary_.elapsed_ms = (last_answer_ns_ - first_submit_ns_) / 1'000'000;
}

int Runner::exit_code() const {
  if (!stopped_because_.empty()) return kExitSetUp;
  if (interrupted_) return kExitInterrupted;
  if (out_of_budget_) return kExitBudget;
  return summary_.failed > 0 ? kExitSomeFailed : kExitOk;
}

void Runner::say(const std::string& message) {
  progress_.clear();
  std::fprintf(stderr, "llmq: %s\n", message.c_str());
}

}  // namespace llmq::cli
