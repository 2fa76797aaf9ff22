// A request as the runtime carries it: what the engine knows, and what is in it.
//
// Life: taken from the slab by the submitting thread, handed to the loop through the inbox, run,
// handed to the caller through a completion queue or a callback, released by whoever gets its
// event. `holders` says who still needs the record: bit 0 the request itself until its event is
// released, bit n the processor that runs attempt n until it reports, even if the engine gave that
// attempt up long before. Who runs an attempt on a lease (leases.h) holds nothing by that; events
// that lend it the payload hold kLentHolder together. The last one out gives the record back.
#ifndef LLMQ_RUNTIME_JOB_H_
#define LLMQ_RUNTIME_JOB_H_

#include <llmq/llmq.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/request.h"
#include "core/status.h"
#include "core/usage.h"
#include "runtime/memory.h"
#include "runtime/slab.h"

namespace llmq::runtime {

class AttemptLog;
class CompletionQueue;
struct Job;
struct Flight;
struct Home;
struct Stream;

// What can wait in an inbox or a completion queue.
struct Node {
  enum class Kind : uint8_t {
    kSubmit,   // inbox: a new job
    kReport,   // inbox: a job whose attempt has been reported
    kCommand,  // inbox: anything else
    kLeave,    // inbox: the manager has been left: everything is to end
    kRoom,     // inbox: a stream's reader has caught up (chunk.h)
    kChunk,    // inbox and completion queue: a piece of a streamed response (chunk.h)
    kLent,     // completion queue: an attempt that somebody is to run, or to stop (lent_event.h);
               // inbox: nobody can take it any more
    kHook,     // completion queue: something that happened (hook_queue.h)
    kKey,      // completion queue: a key is asked for (key_queue.h);
               // inbox: nobody can answer any more
    kDone,     // completion queue: a job that has ended
    kClosed,   // completion queue: a shutdown is complete
  };
  Node* next = nullptr;
  Kind kind = Kind::kSubmit;
  uint8_t attempt = 0;  // kReport: the one that was reported
  // Of a job, here because there is room: that runs its last attempt, or ran it. The loop's own.
  uint32_t deployment = 0;
};

// What a deployment is sent in place of the payload, where each says it in its own way: what the
// last of them was sent stays for the next attempt there.
struct MadeBody {
  static constexpr uint32_t kNone = UINT32_MAX;
  std::optional<std::string> payload;  // of a request that fell back: it names its new model
  uint32_t deployment = kNone;
  std::optional<std::string> body;  // nullopt: the payload as it is
  std::string model;                // that the provider's URL names
};

// Of a request that shares a call (flights.h), and of the call: the loop's own.
struct Sharing {
  Flight* flight = nullptr;     // until it has ended
  size_t place = 0;             // among those who share it
  uint64_t call = 0;            // id of the call: its charges are known by that
  core::TimeNs first_output{};  // when the request was handed the first piece of
  uint8_t seen_attempt = 0;     // that attempt; 0 = of none
};

// What most requests do without.
struct Extra {
  explicit Extra(const Memory* its_memory);
  ~Extra();
  Extra(const Extra&) = delete;
  Extra& operator=(const Extra&) = delete;

  const Memory* const memory;
  Text tenant{Allocator<char>(memory)};
  Text request_key{Allocator<char>(memory)};
  Text dedup_key{Allocator<char>(memory)};
  Text metadata{Allocator<char>(memory)};
  Text wire_model{Allocator<char>(memory)};  // that the provider's URL names
  Text deployment{Allocator<char>(memory)};  // of a permit: where its call goes
  uint32_t lease_ms = 0;                     // of a permit; 0 = none
  size_t call_hash = 0;                      // with a dedup_key: of it and the payload (call_key.h)
  Sharing shared;
  Job* hedge_of = nullptr;         // whose second call it is
  std::unique_ptr<Stream> stream;  // its caller gets chunks
  std::unique_ptr<MadeBody> made;  // its model's deployments say a payload in several ways
};

struct DropExtra {
  void operator()(Extra* extra) const noexcept;
};
using ExtraPtr = std::unique_ptr<Extra, DropExtra>;
ExtraPtr make_extra(const Memory* memory);

// What an attempt brought. Written by whoever reports it, then read by the loop.
struct Outcome {
  explicit Outcome(const Memory* memory = nullptr) noexcept
      : data(Allocator<char>(memory)),
        message(data.get_allocator()),
        provider_request_id(data.get_allocator()),
        model(data.get_allocator()),
        deployment(data.get_allocator()) {}

  Outcome* next_free = nullptr;
  uint32_t slot = 0;
  core::Status status = core::Status::kOk;
  bool usage_known = false;
  uint8_t flags = 0;  // LLMQ_EVENT_ of its DONE event
  int32_t http_status = 0;
  core::Usage usage{};
  core::DurationNs retry_after{};
  core::TimeNs finished{};          // end of the request
  core::DurationNs first_output{};  // of the last attempt, from its start; 0 = none
  Text data;
  Text message;
  Text provider_request_id;
  std::shared_ptr<const AttemptLog> attempts;  // of the request, where one has failed
  Text model;       // that the request fell back to; "" = the one that was asked for
  Text deployment;  // the name of the one that ran the last attempt; "" if it has none
};

// Beside the LLMQ_REQUEST_ flags of a job.
inline constexpr uint8_t kPermitFlag = 0x80;

struct Job {
  core::Request request;  // first member: a job is found from its request
  std::atomic<uint64_t> id{0};
  std::atomic<uint64_t> holders{0};
  Node node;
  std::atomic<uint32_t> live{0};  // the attempt that may still report (live_word); 0 = none
  std::atomic<uint8_t> state{0};  // as the engine last left it, for any thread to read
  std::atomic<uint8_t> flags{0};  // LLMQ_REQUEST_
  uint8_t operation = 0;
  // The loop's own:
  bool in_engine : 1;      // between Submit and FinishRequest
  bool cancel_early : 1;   // cancelled before its Submit was seen
  bool report_on_way : 1;  // its node is in the inbox as a report
  bool ended : 1;          // finished, delivery waits for that report
  bool met_new_key : 1;    // refused once with a key that had been replaced
  bool fell_back : 1;      // its model is not the one that was asked for
  bool is_hedge : 1;       // a second call of another job: nobody has submitted it (loop_hedge.cc)
  bool start_waits : 1;    // the next attempt has begun for the engine, its start waits for that
                           // report
  uint32_t slot = 0;
  // Events out that lend the payload, and one for the loop, which may lend it again.
  std::atomic<uint32_t> lent{0};
  union {
    void* payload = nullptr;  // of request.bytes
    Job* next_free;
  };
  uint64_t user_data = 0;
  llmq_event_fn done_fn = nullptr;  // set: the event goes there
  union {
    CompletionQueue* queue = nullptr;  // without done_fn: or here, or nowhere
    void* done_user;
  };
  Extra* extra = nullptr;
  Outcome* outcome = nullptr;
  Home* home = nullptr;

  Job()
      : in_engine(false),
        cancel_early(false),
        report_on_way(false),
        ended(false),
        met_new_key(false),
        fell_back(false),
        is_hedge(false),
        start_waits(false) {}
  // A record fresh from the slab, to be filled, then published: only then its id finds it.
  void begin(Home& its_home);
  void publish();
  // On the loop, until stop_lending: one more event that lends the payload.
  void lend();
  void stop_lending();

  static Job* of(core::Request* request) { return reinterpret_cast<Job*>(request); }
  static Job* of(Node* node);
  // The caller makes the call itself, when it is told that it may.
  bool is_permit() const { return (flags.load(std::memory_order_relaxed) & kPermitFlag) != 0; }
  // False: nobody is to hear of its end, or of a permit: it has been given.
  bool has_sink() const { return done_fn != nullptr || queue != nullptr; }
  CompletionQueue* cq() const { return done_fn == nullptr ? queue : nullptr; }
  Stream* stream() const { return extra == nullptr ? nullptr : extra->stream.get(); }
};

inline constexpr uint64_t kRequestHolder = 1;
inline constexpr uint64_t kLentHolder = uint64_t{1} << 61;
inline constexpr uint64_t kPinHolder = uint64_t{1} << 63;

// Where jobs live. Outlives its manager until the last job has been released.
struct Home {
  explicit Home(std::shared_ptr<const Memory> its_memory)
      : memory(std::move(its_memory)), jobs(memory.get()), outcomes(memory.get()) {}

  const std::shared_ptr<const Memory> memory;
  Slab<Job> jobs;
  Slab<Outcome> outcomes;
  // Live requests and the bytes of their payloads: added to by submitters, taken from by the loop.
  alignas(64) std::atomic<uint64_t> pending{0};
  std::atomic<uint64_t> pending_bytes{0};

  // A copy for a job to hold; nullptr when memory is used up.
  void* copy_payload(std::string_view bytes) noexcept;
  void drop_payload(Job& job) noexcept;
  // Puts an outcome into a record that any thread may give back; nullptr when memory is used up.
  Outcome* store(Outcome&& outcome) noexcept;
  void drop_outcome(Outcome& record) noexcept;
  void drop_outcome(Job& job) noexcept;
  // One holder lets go; the last one gives the record back.
  static void release(Job& job, uint64_t holder);
  // An event that lent the payload is gone.
  static void end_lending(Job& job);
  // The manager is gone.
  static void orphan(Home* home);
};

// Keeps the record of a request while a thread looks into it that holds nothing of it.
class JobPin {
 public:
  JobPin(Job& job, uint64_t id);
  ~JobPin();
  JobPin(const JobPin&) = delete;
  JobPin& operator=(const JobPin&) = delete;
  // False: the request has gone.
  explicit operator bool() const { return found_; }

 private:
  Job& job_;
  bool pinned_ = false;
  bool found_ = false;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_JOB_H_
