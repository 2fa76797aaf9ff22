// Responses that are handed over while they come.
#include <utility>

#include "http/client.h"
#include "provider/stream_request.h"
#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

// How often the engine hears of output, so that what is charged follows it.
constexpr int64_t kTokensPerProgress = 64;
constexpr core::DurationNs kProgressEvery = core::milliseconds(250);

// The reader counts a token per 4 bytes of text, of which English needs up to 6. What the engine is
// told is charged for good: rather too little, the usage at the end says the rest.
int64_t least_tokens(const provider::StreamReader& reader) {
  return reader.output_tokens() * 2 / 3;
}

}  // namespace

// From a processor. What comes of an attempt that has ended goes nowhere.
void Loop::take_chunk(std::unique_ptr<Chunk> chunk) {
  Job* const job = live_job(chunk->request_id);
  if (job == nullptr || !job->in_engine) return;
  const core::Request& request = job->request;
  if (request.state != core::State::kProcessing || request.attempts != chunk->attempt) return;
  const uint8_t attempt = chunk->attempt;
  heartbeat(attempt_id(chunk->request_id, attempt));
  try {
    note_output(*job, attempt, 0);
    deliver_chunk(*job, std::move(chunk));
  } catch (const std::bad_alloc&) {
    fail_for_memory(*job, attempt);
  }
}

void Loop::deliver_chunk(Job& job, std::unique_ptr<Chunk> chunk) {
  if (job.request.role == core::Role::kFlight) {
    return fan_out(*job.extra->shared.flight, std::move(chunk));
  }
  if (job.done_fn != nullptr) {
    llmq_event_t event{};
    event.stride = sizeof event;
    fill_chunk_event(*chunk, event);
    job.done_fn(job.done_user, &event);
  } else if (job.queue != nullptr) {  // else it is only kept as a whole
    job.queue->add_ref();
    chunk->queue = job.queue;
    enqueue(chunk.release()->node, job.queue);
  }
}

void Loop::note_output(Job& job, uint8_t attempt, int64_t tokens) {
  Stream& stream = *job.stream();
  const bool begins = stream.attempt != attempt;
  if (begins) {
    stream.attempt = attempt;
    stream.first_output = now_.mono;
  } else if (tokens - stream.told_tokens < kTokensPerProgress &&
             now_.mono - stream.told_at < kProgressEvery) {
    return;
  }
  stream.told_tokens = tokens;
  stream.told_at = now_.mono;
  step(core::AttemptProgress{&asked_by(job).request, attempt, tokens});
}

// What has come since the engine was told last; it is about to hear that the attempt ends.
void Loop::tell_output(Job& job) {
  const Stream* const stream = job.stream();
  if (stream == nullptr || stream->reader == nullptr || !stream->reader->output_begun()) return;
  const int64_t tokens = least_tokens(*stream->reader);
  step(core::AttemptProgress{&job.request, job.request.attempts, tokens});
}

// Whose it is now, as pass_on says.
Job* Loop::take_stream(Job& job, uint8_t attempt, std::string_view bytes) {
  now_ = now();
  job.stream()->reader->feed(bytes, stream_events_);
  return pass_on(job, attempt, false);
}

// Hands over what the reader has told, once there is output: until then the attempt may fail and be
// tried again, and its caller need not know. `all`: it has ended well without any. Of a second call
// the output decides whose it is from then on; nullptr: it was given up.
Job* Loop::pass_on(Job& job, uint8_t attempt, bool all) {
  Stream& stream = *job.stream();
  const int64_t tokens = stream.reader->output_tokens();
  for (provider::StreamEvent& event : stream_events_) {
    auto chunk = std::make_unique<Chunk>(job, attempt, event.data);
    chunk->output_tokens = tokens;
    stream.buffer->add(chunk->cost());
    chunk->counted = true;
    stream.held_back.push_back(std::move(chunk));
  }
  stream_events_.clear();
  const bool begun = stream.reader->output_begun() || stream.buffer->full();
  if (!begun && !all) return &job;
  if (begun || job.is_hedge) note_output(job, attempt, least_tokens(*stream.reader));
  Job* const on = decide(job, attempt);
  if (on == nullptr) return nullptr;
  for (std::unique_ptr<Chunk>& chunk : stream.held_back) deliver_chunk(*on, std::move(chunk));
  stream.held_back.clear();
  return on;
}

// The stream is over, well or not: what is left is handed over. `body` becomes the whole answer if
// it is one. `job` becomes whose it is, as pass_on says.
provider::Outcome Loop::end_stream(Job*& job, uint8_t attempt, const provider::WireResponse& head,
                                   std::string& body) {
  provider::StreamReader& reader = *job->stream()->reader;
  provider::Outcome outcome = reader.finish(head, now_.wall_unix_ms, stream_events_);
  const bool whole = outcome.status == core::Status::kOk;
  job = pass_on(*job, attempt, whole);
  if (whole && job != nullptr) body = reader.take_assembled();
  return outcome;
}

// Its reader has caught up.
void Loop::resume_stream(uint64_t id) {
  resume_mock(id);
  resume_http(id);
}

#if defined(LLMQ_HAVE_HTTP)

void Loop::stream_http(const std::shared_ptr<Job*>& runner, const provider::Profile& profile,
                       uint8_t attempt, http::Call& call) {
  Job& job = **runner;
  Stream& stream = *job.stream();
  const auto operation = static_cast<provider::Operation>(job.operation);
  stream.reader = std::make_unique<provider::StreamReader>(profile, operation);
  stream.body = provider::streamed_body(profile, operation, call.body);
  call.body = stream.body;
  call.idle_timeout = entry_of(job).settings.read()->stream_idle_timeout;
  call.on_data = [this, runner, attempt](const provider::WireResponse&, std::string_view bytes) {
    if (broken_) return false;
    try {
      Job* const on = take_stream(**runner, attempt, bytes);
      return on != nullptr && !on->stream()->buffer->must_wait();  // else its caller has enough
    } catch (const std::bad_alloc&) {
      or_break([&] { give_up_http(**runner, attempt); });
      return false;
    }
  };
}

// A piece of it was lost for lack of memory.
void Loop::give_up_http(Job& job, uint8_t attempt) {
  const auto call = http_calls_.find(&job);
  if (call == http_calls_.end()) return;
  const uint64_t number = call->second.number;
  fail_for_memory(job, attempt);
  http_->cancel(number);
}

void Loop::resume_http(uint64_t id) {
  const Job* const job = live_job(id);
  const auto call = job == nullptr ? http_calls_.end() : http_calls_.find(job);
  if (call == http_calls_.end() || call->second.number == 0) return;
  http_->resume(call->second.number);
}

#else

void Loop::resume_http(uint64_t) {}

#endif

}  // namespace llmq::runtime
