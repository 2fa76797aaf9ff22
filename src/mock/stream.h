// An answer that is told piece by piece, and what may go wrong in the middle of it.
#ifndef LLMQ_MOCK_STREAM_H_
#define LLMQ_MOCK_STREAM_H_

#include <cstdint>
#include <string>

#include "mock/answer.h"
#include "mock/units.h"
#include "mock/wire.h"

namespace llmq::mock {

enum class StreamEnd {
  kWhole,
  kError,       // an error event after some text
  kFirstError,  // an error event before anything else
  kCut,         // the connection breaks inside an event
  kUnfinished,  // the body ends well, but without the wire form's end marker
  kStall,       // nothing more comes, and the connection stays
};

struct StreamPlan {
  Nanos start{};             // of the first event
  int64_t tokens_per_s = 0;  // of each choice; 0 = all at once
  int64_t piece_tokens = 4;  // per event
  StreamEnd end = StreamEnd::kWhole;
  int64_t break_at = 1;  // tokens that are said before an end that is not whole
};

// How long an answer of so many tokens takes.
Nanos time_to_say(int64_t tokens, int64_t tokens_per_s);

class Stream {
 public:
  struct Step {
    enum class Kind {
      kData,
      kWait,  // until `at`
      kEnd,   // after the data, if any
      kCut,   // after the data, tear the connection down
      kStall,
    };
    Kind kind = Kind::kData;
    std::string data;
    Nanos at{};
    int64_t tokens = 0;  // that the data says, of all choices
  };

  Stream(Answer answer, const Provider& provider, const StreamPlan& plan);

  // Not after a step of the last three kinds.
  Step next(Nanos now);
  const Answer& answer() const { return answer_; }
  const char* content_type() const { return wire_->stream_type; }
  StreamEnd end() const { return plan_.end; }
  // Tokens said so far, of all choices.
  int64_t said() const { return said_ * answer_.request.choices; }

 private:
  Step piece(Nanos now);
  Step finish() const;
  std::string error_event() const;

  Answer answer_;
  const Wire* wire_;
  const Provider* provider_;
  StreamPlan plan_;
  int64_t most_;  // tokens of each choice that are ever said
  bool is_started_ = false;
  int64_t said_ = 0;    // tokens of each choice
  int64_t pieces_ = 0;  // that said them
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_STREAM_H_
