// The one terminal outcome of a request, as a value of its own.
#ifndef LLMQ_RUNTIME_RESPONSE_H_
#define LLMQ_RUNTIME_RESPONSE_H_

#include <llmq/llmq.h>

#include <memory>
#include <utility>

#include "core/request.h"
#include "core/status.h"
#include "core/usage.h"
#include "runtime/job.h"

namespace llmq::runtime {

// What stays readable of a finished request without its payload.
struct Summary {
  uint64_t id = 0;
  uint64_t charged = 0;  // whose charges are those of its call: itself, or the call that it shared
  core::State state = core::State::kPending;
  core::Status status = core::Status::kOk;
  bool usage_known = false;
  uint8_t attempts = 0;
  uint8_t flags = 0;  // LLMQ_EVENT_
  int32_t http_status = 0;
  core::ModelIndex model = 0;
  core::DeploymentIndex deployment = 0;  // of the last attempt
  core::Usage usage{};
  core::TimeNs submitted{};
  core::TimeNs started{};
  core::TimeNs finished{};
  core::DurationNs first_output{};  // from `started`; 0 = none was streamed
};

struct Response {
  explicit Response(std::shared_ptr<const Memory> its_memory) : memory(std::move(its_memory)) {}

  const std::shared_ptr<const Memory> memory;  // as its job's: the texts of that are taken over
  Summary summary;
  Text data{Allocator<char>(memory.get())};
  Text message{data.get_allocator()};
  Text provider_request_id{data.get_allocator()};
  Text model{data.get_allocator()};       // that it fell back to; "" = the one that was asked for
  Text deployment{data.get_allocator()};  // the name of that
  Text request_key{data.get_allocator()};
  Text metadata{data.get_allocator()};
  std::shared_ptr<const AttemptLog> attempts;  // where one has failed
};

// The job must have ended.
Summary summary_of(const Job& job);
// Takes the texts out of the job, or copies them if it goes to somebody else as well.
std::unique_ptr<Response> take_response(Job& job);
void take_texts(Job& job, Response& response);
void copy_texts(const Job& job, Response& response);
// The DONE event of an ended job; `handle` is the job.
void fill_done_event(Job& job, llmq_event_t& event);
// It was drained before a fork that this process came from.
bool event_is_inherited(const llmq_event_t& event);
// What it tells beside its members; struct_size is left alone.
void read_outcome(const llmq_event_t& event, llmq_outcome_t& outcome);
// Moves the response out of an event (llmq_event_take); nullptr if it holds none.
std::unique_ptr<Response> take_event(llmq_event_t& event);

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_RESPONSE_H_
