#include "mock/stream.h"

#include <algorithm>
#include <utility>

namespace llmq::mock {

Nanos time_to_say(int64_t tokens, int64_t tokens_per_s) {
  if (tokens_per_s == 0) return Nanos(0);
  return Nanos(
      static_cast<int64_t>(ceil_div(static_cast<Wide>(tokens) * 1'000'000'000, tokens_per_s)));
}

Stream::Stream(Answer answer, const Provider& provider, const StreamPlan& plan)
    : answer_(std::move(answer)),
      wire_(&wire_of(answer_.request.endpoint)),
      provider_(&provider),
      plan_(plan),
      most_(plan.end == StreamEnd::kWhole ? answer_.text_tokens
                                          : std::min(plan.break_at, answer_.text_tokens)) {}

Stream::Step Stream::next(Nanos now) {
  if (now < plan_.start) return {Step::Kind::kWait, "", plan_.start};
  if (plan_.end == StreamEnd::kFirstError) return {Step::Kind::kEnd, error_event()};
  if (!is_started_) {
    is_started_ = true;
    return {Step::Kind::kData, wire_->stream_start(answer_, *provider_)};
  }
  return said_ < most_ ? piece(now) : finish();
}

Stream::Step Stream::piece(Nanos now) {
  const int64_t to = std::min(said_ + plan_.piece_tokens, most_);
  const Nanos due = plan_.start + time_to_say(to, plan_.tokens_per_s);
  if (now < due) return {Step::Kind::kWait, "", due};
  const int64_t tokens = (to - said_) * answer_.request.choices;
  Step step{Step::Kind::kData,
            wire_->stream_piece(answer_, *provider_, {pieces_++, said_, to}),
            {},
            tokens};
  said_ = to;
  return step;
}

Stream::Step Stream::finish() const {
  switch (plan_.end) {
    case StreamEnd::kStall:
      return {Step::Kind::kStall, "", {}, 0};
    case StreamEnd::kUnfinished:
      return {Step::Kind::kEnd, "", {}, 0};
    case StreamEnd::kError:
      return {Step::Kind::kEnd, error_event()};
    case StreamEnd::kCut: {
      const std::string last = wire_->stream_end(answer_, *provider_, pieces_);
      return {Step::Kind::kCut, last.substr(0, std::max<size_t>(last.find('\n') / 2, 1))};
    }
    case StreamEnd::kFirstError:
    case StreamEnd::kWhole:
      break;
  }
  return {Step::Kind::kEnd, wire_->stream_end(answer_, *provider_, pieces_)};
}

std::string Stream::error_event() const {
  Problem problem;
  problem.kind = ProblemKind::kOverloaded;
  return wire_->stream_error(answer_, *provider_, problem, pieces_);
}

}  // namespace llmq::mock
