// llmq/cpp/headers.hpp - the headers of an answer, as the C functions take them. Include
// llmq/llmq.hpp.
#ifndef LLMQ_CPP_HEADERS_HPP_
#define LLMQ_CPP_HEADERS_HPP_

#include <llmq/cpp/handle.hpp>

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace llmq {

// Headers written out, as {{"name", "value"}, ...}.
using header_list = std::initializer_list<std::pair<std::string_view, std::string_view>>;

namespace detail {

// Points into `headers`, which holds pairs of texts.
struct header_texts {
  template <class Headers>
  explicit header_texts(const Headers& headers) {
    for (const auto& [name, value] : headers) {
      names.add(name);
      values.add(value);
    }
  }

  struct texts {
    std::vector<const char*> data;
    std::vector<std::size_t> lens;

    void add(std::string_view text) {
      data.push_back(at(text));
      lens.push_back(text.size());
    }
  };
  texts names;
  texts values;
};

}  // namespace detail
}  // namespace llmq

#endif  // LLMQ_CPP_HEADERS_HPP_
