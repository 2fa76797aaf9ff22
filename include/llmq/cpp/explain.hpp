// llmq/cpp/explain.hpp - what llmq makes of a recorded answer. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_EXPLAIN_HPP_
#define LLMQ_CPP_EXPLAIN_HPP_

#include <llmq/cpp/error.hpp>
#include <llmq/cpp/handle.hpp>

#include <string>
#include <string_view>

namespace llmq {

// JSON in, JSON out, as llmq_explain_json tells. Throws if the record is wrong.
inline std::string explain(std::string_view provider, std::string_view record) {
  char* json = nullptr;
  llmq_error_t* err = nullptr;
  const status code = llmq_explain_json(provider.data(), provider.size(), record.data(),
                                        record.size(), &json, nullptr, &err);
  detail::check(code, err);
  return detail::take(json);
}

}  // namespace llmq

#endif  // LLMQ_CPP_EXPLAIN_HPP_
