// `provider: mock`: answers made up inside the library, whole or in pieces, when they are due.
#include <algorithm>
#include <utility>

#include "provider/mock_provider.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// When its attempt has ended, another thread may make the job a new request's meanwhile: no more
// than these two words may be read then.
bool runs(const Job& job, uint64_t id, uint8_t attempt) {
  return job.id.load(std::memory_order_acquire) == id &&
         job.live.load(std::memory_order_acquire) == live_word(id, attempt);
}

}  // namespace

void Loop::run_mock(Job& job, DeploymentEntry& entry, uint8_t attempt) {
  job.live.store(live_word(job.request.id, attempt), std::memory_order_relaxed);
  const auto operation = static_cast<provider::Operation>(job.operation);
  const std::string_view payload(static_cast<const char*>(job.payload), job.request.bytes);
  provider::MockReply reply =
      provider::mock_reply(entry.config.mock, entry.config.model, operation, payload,
                           entry.mock_calls++, job.stream() != nullptr);
  if (reply.hangs) return;  // ends by its time-out, deadline or cancel
  MockAnswer answer;
  answer.due = now_.mono + reply.latency;
  answer.request_id = job.request.id;
  answer.job = &job;
  answer.attempt = attempt;
  if (reply.pieces.empty()) {
    answer.outcome =
        std::make_unique<Outcome>(outcome_of(reply.outcome, reply.http_status, reply.body));
  } else {
    job.stream()->reader = provider::mock_stream_reader(operation);
    answer.pieces = std::move(reply.pieces);
    answer.gap = reply.gap;
    answer.head.http_status = reply.http_status;
    answer.head.headers.emplace_back("x-request-id", reply.outcome.provider_request_id);
  }
  keep_mock_answer(std::move(answer));
}

void Loop::keep_mock_answer(MockAnswer&& answer) {
  mock_answers_.push_back(std::move(answer));
  std::push_heap(mock_answers_.begin(), mock_answers_.end(), MockAnswer::is_later);
}

// What of it is still due finds the attempt gone.
void Loop::stop_mock(const Job& job) {
  const auto of_job = [&job](const MockAnswer& answer) { return answer.job == &job; };
  mock_paused_.erase(std::remove_if(mock_paused_.begin(), mock_paused_.end(), of_job),
                     mock_paused_.end());
  if (Stream* const stream = job.stream(); stream != nullptr) stream->end();
}

// What is due of it is another's now.
void Loop::hand_over_mock(const Job& from, Job& to) {
  for (std::vector<MockAnswer>* answers : {&mock_answers_, &mock_paused_}) {
    for (MockAnswer& answer : *answers) {
      if (answer.job != &from || answer.request_id != from.request.id) continue;
      answer.job = &to;
      answer.request_id = to.request.id;
    }
  }
}

void Loop::resume_mock(uint64_t id) {
  const auto paused =
      std::find_if(mock_paused_.begin(), mock_paused_.end(),
                   [id](const MockAnswer& answer) { return answer.request_id == id; });
  if (paused == mock_paused_.end()) return;
  MockAnswer answer = std::move(*paused);
  mock_paused_.erase(paused);
  answer.due = now_.mono;
  keep_mock_answer(std::move(answer));
}

void Loop::deliver_mock_answers() {
  while (!mock_answers_.empty() && mock_answers_.front().due <= now_.mono) {
    std::pop_heap(mock_answers_.begin(), mock_answers_.end(), MockAnswer::is_later);
    MockAnswer answer = std::move(mock_answers_.back());
    mock_answers_.pop_back();
    const uint64_t id = answer.request_id;
    const uint8_t attempt = answer.attempt;
    Job& job = *answer.job;
    if (!runs(job, id, attempt)) continue;
    Job& asked = asked_by(job);
    const uint64_t asked_id = asked.request.id;
    try {
      if (answer.pieces.empty()) {
        report(job, attempt, std::move(*answer.outcome));
      } else {
        deliver_mock_piece(std::move(answer));
      }
    } catch (const std::bad_alloc&) {
      if (runs(job, id, attempt)) {
        fail_for_memory(job, attempt);
      } else if (runs(asked, asked_id, attempt)) {  // a second call has become the request's
        fail_for_memory(asked, attempt);
      }
    }
  }
}

void Loop::deliver_mock_piece(MockAnswer&& answer) {
  Job* on = take_stream(*answer.job, answer.attempt, answer.pieces[answer.next++]);
  if (on == nullptr) return;  // given up
  answer.job = on;
  answer.request_id = on->request.id;
  if (answer.next < answer.pieces.size()) {
    answer.due = answer.due + answer.gap;
    if (!on->stream()->buffer->must_wait()) return keep_mock_answer(std::move(answer));
    mock_paused_.push_back(std::move(answer));
    return;
  }
  std::string body;
  provider::Outcome outcome = end_stream(on, answer.attempt, answer.head, body);
  if (on == nullptr) return;
  on->stream()->end();
  report(*on, answer.attempt, outcome_of(outcome, answer.head.http_status, body));
}

}  // namespace llmq::runtime
