// Requests with a dedup_key: who shares a call, who gets a kept answer, and how the outcome of one
// call becomes that of all.
#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "runtime/chunk.h"
#include "runtime/flights.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {

void Loop::submit_shared(Job& job) {
  const core::DurationNs ttl = entry_of(job).settings.read()->cache_ttl;
  const CallKey key = call_key_of(job);
  if (ttl.ns > 0) {
    const CachedAnswer* const answer = cache_.find(key, now_.mono);
    cache_changed_ = true;
    if (answer != nullptr) return answer_from_cache(job, *answer);
  }
  Flight* flight = flights_.find(key);
  if (flight == nullptr) {
    flight = begin_flight(job);
    if (flight == nullptr) {  // no memory for a second record
      step(core::Submit{&job.request});
      return;
    }
  } else {
    home->drop_payload(job);
    ended_bytes_ += job.request.bytes;
    job.request.bytes = 0;
    job.extra->stream.reset();
  }
  join(job, *flight);
}

// The call that the request asks for, with a record of its own.
Flight* Loop::begin_flight(Job& job) {
  Job* const call = home->jobs.take();
  if (call == nullptr) return nullptr;
  call->begin(*home);
  try {
    call->extra = make_extra(home->memory.get()).release();
  } catch (const std::bad_alloc&) {
    Home::release(*call, kRequestHolder);
    return nullptr;
  }
  Flight* flight = nullptr;
  try {
    flight = &flights_.open(*call, job.extra->call_hash);
  } catch (const std::bad_alloc&) {
    Home::release(*call, kRequestHolder);
    return nullptr;
  }
  core::Request& request = call->request;
  request.est_input_tokens = job.request.est_input_tokens;
  request.est_output_tokens = job.request.est_output_tokens;
  request.deadline = job.request.deadline;
  request.timeout_ms = job.request.timeout_ms;
  request.model = flight->model = job.request.model;
  request.tenant = job.request.tenant;
  request.max_attempts = job.request.max_attempts;
  request.priority = job.request.priority;
  request.streams = job.request.streams;
  request.bytes = std::exchange(job.request.bytes, 0);
  call->payload = std::exchange(job.payload, nullptr);
  call->operation = job.operation;
  call->user_data = job.user_data;
  call->extra->dedup_key = std::move(job.extra->dedup_key);
  call->extra->wire_model = std::move(job.extra->wire_model);
  call->extra->made = std::move(job.extra->made);
  if (job.stream() != nullptr) {
    call->extra->stream = std::move(job.extra->stream);
    call->extra->stream->buffer->set_request(request.id);
  }
  call->in_engine = true;
  call->publish();
  return flight;
}

// As a whole or not at all: what has been streamed of the call is made ready for it first.
void Loop::join(Job& job, Flight& flight) {
  Job& call = *flight.call;
  if (call.stream() == nullptr) job.request.restarts = true;  // nobody sees output of it
  const bool streams =
      call.request.state == core::State::kProcessing && flight.attempt == call.request.attempts;
  Pieces ready;
  flight.add(job);
  try {
    if (streams) ready = copies_of(flight.pieces, job, call.request.id, flight.attempt);
    step(core::Join{&job.request, &call.request});
  } catch (const std::bad_alloc&) {
    if (broken_) throw;
    flight.remove(job);
    if (flight.followers.empty()) {  // it was to be the first
      ended_bytes_ += call.request.bytes;
      drop_flight(flight);
    }
    throw;
  }
  if (job.request.role == core::Role::kAlone) return flight.remove(job);  // it was refused
  if (core::is_final(job.request.state)) return;
  job.state.store(static_cast<uint8_t>(job.request.state), std::memory_order_release);
  for (std::unique_ptr<Chunk>& piece : ready) hand_piece(job, std::move(piece));
}

// What one of those who share a call is handed at once. Nothing, if nobody is to get it.
Loop::Pieces Loop::copies_of(const std::vector<Piece>& pieces, const Job& follower, uint64_t call,
                             uint8_t attempt) {
  Pieces copies;
  if (!follower.has_sink()) return copies;
  copies.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    copies.push_back(std::make_unique<Chunk>(follower, call, attempt, piece, piece.room.lock()));
  }
  return copies;
}

void Loop::hand_piece(Job& follower, std::unique_ptr<Chunk> piece) {
  note_piece(follower, piece->attempt);
  deliver_chunk(follower, std::move(piece));
}

// Output of that attempt has come.
void Loop::note_piece(Job& follower, uint8_t attempt) {
  Sharing& shared = follower.extra->shared;
  if (shared.seen_attempt == attempt) return;
  shared.seen_attempt = attempt;
  shared.first_output = now_.mono;
}

// A piece for all who share the call.
void Loop::fan_out(Flight& flight, std::unique_ptr<Chunk> chunk) {
  const uint8_t attempt = chunk->attempt;
  std::shared_ptr<SharedRoom> room = chunk->share_room();
  Piece piece{std::string(chunk->data), chunk->output_tokens, room};
  for (Job* follower : flight.followers) {
    if (core::is_final(follower->request.state)) continue;
    note_piece(*follower, attempt);
    if (!follower->has_sink()) continue;
    const uint64_t call = flight.call->request.id;
    deliver_chunk(*follower, std::make_unique<Chunk>(*follower, call, attempt, piece, room));
  }
  const auto limit = static_cast<size_t>(config.stream_buffer_bytes);
  if (!flight.keep(attempt, std::move(piece), limit)) flights_.close(flight);
}

void Loop::publish_followers(const Flight& flight) {
  for (Job* follower : flight.followers) {
    const core::State state = follower->request.state;
    if (core::is_final(state)) continue;
    follower->state.store(static_cast<uint8_t>(state), std::memory_order_release);
  }
}

void Loop::share_outcome(Job& follower, Flight& flight, const Outcome& brought) {
  Outcome outcome = brought;
  outcome.flags = 0;
  if (outcome.status == follower.request.status) {
    if (flight.told_attempt == flight.call->request.attempts) outcome.flags = LLMQ_EVENT_SHARED;
    flight.told_attempt = flight.call->request.attempts;
  }
  follower.outcome = home->store(std::move(outcome));
}

// The request has ended, with the call or without it: what the call brought last is told it.
void Loop::step_out(Job& follower) {
  Flight& flight = *follower.extra->shared.flight;
  const Job& call = *flight.call;
  follower.node.deployment = call.node.deployment;
  // A runner may be about to write the outcome.
  const bool settled = call.live.load(std::memory_order_acquire) == 0;
  if (settled && call.outcome != nullptr) {
    if_memory_lasts([&] { share_outcome(follower, flight, *call.outcome); });
  }
  if (const auto log = attempt_logs_.find(&call); log != attempt_logs_.end()) {
    if_memory_lasts([&] { attempt_logs_[&follower] = std::shared_ptr<AttemptLog>(log->second); });
  }
  flight.remove(follower);
  if (flight.landed && flight.followers.empty()) drop_flight(flight);
}

// The call has ended, for whatever reason.
void Loop::land(Job& call) {
  Flight& flight = *call.extra->shared.flight;
  if_memory_lasts([&] { keep_answer(flight); });
  flights_.close(flight);
  flight.landed = true;
  attempt_logs_.erase(&call);
  ended_bytes_ += call.request.bytes;
  touch(call.request.model);
  touch_tenant(call);
  if (flight.followers.empty()) drop_flight(flight);
}

void Loop::drop_flight(Flight& flight) {
  Job& call = *flight.call;
  call.in_engine = false;
  call.state.store(static_cast<uint8_t>(call.request.state), std::memory_order_release);
  flights_.drop(flight);
  Home::release(call, kRequestHolder);
}

void Loop::keep_answer(Flight& flight) {
  const Job& call = *flight.call;
  const core::DurationNs ttl = entry_of(call).settings.read()->cache_ttl;
  const bool whole = call.stream() == nullptr || (flight.whole && !flight.pieces.empty());
  if (ttl.ns == 0 || !whole || flight.has_fallen_back() ||
      call.request.state != core::State::kCompleted || call.outcome == nullptr) {
    return;
  }
  const Outcome& outcome = *call.outcome;
  CachedAnswer answer{outcome.http_status,
                      outcome.usage_known,
                      outcome.usage,
                      std::string(outcome.data),
                      std::string(outcome.provider_request_id),
                      std::move(flight.pieces)};
  answer.pieces.shrink_to_fit();
  for (Piece& piece : answer.pieces) piece.room.reset();
  cache_.put(call_key_of(call), now_.mono + ttl, std::move(answer));
  cache_changed_ = true;
}

// Made ready before the engine hears of it.
void Loop::answer_from_cache(Job& job, const CachedAnswer& answer) {
  Outcome outcome;
  outcome.flags = LLMQ_EVENT_CACHED;
  outcome.http_status = answer.http_status;
  outcome.usage_known = answer.usage_known;
  outcome.usage = answer.usage;
  outcome.data = answer.data;
  outcome.provider_request_id = answer.provider_request_id;
  Pieces ready = copies_of(answer.pieces, job, 0, 0);
  job.outcome = home->store(std::move(outcome));
  if (job.outcome == nullptr) throw std::bad_alloc();
  step(core::Submit{&job.request, true});
  if (job.request.state != core::State::kCompleted) return home->drop_outcome(job);
  for (std::unique_ptr<Chunk>& piece : ready) hand_piece(job, std::move(piece));
}

// From the start of the attempt, or of the request if it joined later; 0 = none came.
core::DurationNs Loop::first_output_of(const Job& job) {
  if (job.request.attempts == 0) return {};
  const Stream* const stream = job.stream();
  if (stream != nullptr) {
    if (stream->attempt != job.request.attempts) return {};
    return stream->first_output - job.request.started;
  }
  if (job.extra == nullptr || job.extra->shared.seen_attempt != job.request.attempts) return {};
  const core::DurationNs late = job.extra->shared.first_output - job.request.started;
  return {std::max<int64_t>(late.ns, 1)};
}

}  // namespace llmq::runtime
