// The provider without its sockets: what each call is answered, when, and what it leaves in the
// books.
#ifndef LLMQ_MOCK_SERVICE_H_
#define LLMQ_MOCK_SERVICE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mock/account.h"
#include "mock/answer.h"
#include "mock/faults.h"
#include "mock/headers.h"
#include "mock/options.h"
#include "mock/problem.h"
#include "mock/provider.h"
#include "mock/random.h"
#include "mock/request.h"
#include "mock/route.h"
#include "mock/stats.h"
#include "mock/stream.h"

namespace llmq::mock {

// A request as it came in. Only read during the call it is passed to.
struct Incoming {
  std::string_view method;
  std::string_view path;  // without query
  std::string_view authorization;
  std::string_view request_key;  // x-request-key: tells equal bodies apart
  std::string_view body;
  // Other header lines.
  std::string_view x_api_key{};
  std::string_view api_key{};
  std::string_view x_goog_api_key{};
  std::string_view anthropic_version{};
  // Of the query.
  std::string_view alt{};
  std::string_view api_version{};
  std::string_view key{};
};

struct Reply {
  int status = 200;
  std::string body;  // empty if the call streams
  Headers headers;
};

enum class Action {
  kReply,  // after Call::latency
  kReset,  // tear the connection down without an answer
  kHang,   // never answer; wait for the client to leave
};

// One request between its arrival and its end. Every call ends by exactly one of answer(), the last
// step of next() and leave().
struct Call {
  Action action = Action::kReply;
  Nanos latency{};
  bool is_api = false;         // counts as an arrival
  bool accepted = false;       // holds concurrency
  std::optional<Reply> ready;  // decided on arrival: anything but an accepted call
  ApiRequest request;
  const Provider* provider = nullptr;  // whose words and header lines are used
  uint64_t number = 0;                 // of all calls, from 1
  uint64_t body_hash = 0;
  uint64_t identity = 0;
  int64_t output_tokens = 0;
  std::unique_ptr<Stream> stream;  // of an accepted call that streams
};

// Pure: clock values are handed in. They have any origin but must not go backwards.
class Service {
 public:
  // Requires options that check_options accepts.
  explicit Service(const Options& options);

  Call arrive(const Incoming& incoming, Nanos clock, int64_t unix_ms);
  // The whole answer, or the head of one that streams.
  Reply answer(const Call& call, Nanos clock, int64_t unix_ms);
  // The next events of a call that streams; waits are on the caller's clock. Ends the call with its
  // steps kEnd and kCut.
  Stream::Step next(const Call& call, Nanos clock);
  // The client left first, or its connection was reset.
  void leave(const Call& call);

  // Whether a concurrency limit is reached: the moment to look which clients have left.
  bool is_full() const { return account_.is_full(); }
  std::string stats_json(Nanos clock) const;

 private:
  Nanos since_first_arrival(Nanos clock) const;
  void serve_api(const Route& route, const Incoming& incoming, Nanos now, int64_t unix_ms,
                 Call& call);
  std::optional<Problem> check_money() const;
  std::optional<Problem> make_problem(Fault fault, const std::string& model) const;
  std::optional<Problem> refuse(Nanos now, const ApiRequest& request);
  void accept(ApiRequest request, Call& call);
  void start_stream(Fault fault, Nanos now, int64_t unix_ms, Call& call);
  ReplyId reply_id(const Call& call, int64_t unix_ms) const;
  // Puts the problem into the provider's words, and remembers the wait that it tells.
  Reply error_reply(Problem problem, const Call& call, Nanos now, int64_t unix_ms);
  void note_arrival(const Call& call, Nanos now);
  void add_limits(Reply& reply, const LimitNews& news, const Provider& provider);
  std::string request_id(uint64_t number) const;

  Options options_;
  Account account_;
  Random faults_;
  Random untruths_;
  Random answers_;  // latencies and lengths: apart from faults_, which must not depend on who is
                    // refused
  Stats stats_;
  uint64_t calls_ = 0;
  std::deque<Headers> told_limits_;  // of the latest replies, as many as the headers lag behind
  std::unordered_map<uint64_t, Nanos> told_waits_;  // of identities that were refused: until when
  std::optional<Nanos> first_arrival_;              // on the caller's clock
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_SERVICE_H_
