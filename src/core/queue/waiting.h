// What a set of waiting requests needs, summed up.
#ifndef LLMQ_CORE_QUEUE_WAITING_H_
#define LLMQ_CORE_QUEUE_WAITING_H_

#include <cstdint>

#include "core/request.h"

namespace llmq::core {

struct Waiting {
  int64_t count = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;

  void add(const Request& request) { change(request, 1); }
  void remove(const Request& request) { change(request, -1); }

  Waiting& operator+=(const Waiting& other) {
    count += other.count;
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    return *this;
  }
  friend Waiting operator-(Waiting a, const Waiting& b) {
    a.count -= b.count;
    a.input_tokens -= b.input_tokens;
    a.output_tokens -= b.output_tokens;
    return a;
  }
  Demand demand() const { return {input_tokens, output_tokens}; }
  // The part of it that `some` of its requests need, if they are like the others.
  Waiting part(int64_t some) const {
    if (count == 0) return {};
    __extension__ using Wide = __int128;
    const auto of = [this, some](int64_t sum) {
      return static_cast<int64_t>(static_cast<Wide>(sum) * some / count);
    };
    return {some, of(input_tokens), of(output_tokens)};
  }

 private:
  void change(const Request& request, int64_t by) {
    count += by;
    input_tokens += by * request.est_input_tokens;
    output_tokens += by * request.est_output_tokens;
  }
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_WAITING_H_
