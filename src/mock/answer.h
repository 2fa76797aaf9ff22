// What is answered, before a wire form writes it down.
#ifndef LLMQ_MOCK_ANSWER_H_
#define LLMQ_MOCK_ANSWER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "mock/account.h"
#include "mock/request.h"

namespace llmq::mock {

// How an answer tells itself apart.
struct ReplyId {
  uint64_t call = 0;  // names the reply: "chatcmpl-..."
  uint64_t body = 0;  // hash of the request, repeated in the answer
  int64_t unix_ms = 0;
};

struct Answer {
  ApiRequest request;
  ReplyId id;
  std::string text;         // of each choice
  int64_t text_tokens = 0;  // of each choice
  Usage usage;
  bool is_cut = false;  // max_tokens ended it
};

// output_tokens is what the model would like to say per choice; the request's max_tokens caps it.
// Ignored where there is no output.
Answer make_answer(ApiRequest request, const ReplyId& id, int64_t output_tokens);

// One event's share of a choice's text, in tokens.
struct Piece {
  int64_t index = 0;  // of all pieces, from 0
  int64_t from = 0;
  int64_t to = 0;
};

// Consecutive pieces give the whole text and cut no character; the last one takes what is left.
std::string_view text_of(const Answer& answer, const Piece& piece);

// 16 hexadecimal digits.
std::string hex_of(uint64_t value);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ANSWER_H_
