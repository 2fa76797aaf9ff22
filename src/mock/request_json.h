// What the readers of all wire forms share: texts are counted, numbers checked, faults named.
#ifndef LLMQ_MOCK_REQUEST_JSON_H_
#define LLMQ_MOCK_REQUEST_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mock/json.h"
#include "mock/problem.h"
#include "mock/request.h"

namespace llmq::mock {

constexpr int64_t kCharactersPerToken = 4;

Problem bad_request(std::string message, const char* param = nullptr);

// Sums the texts of a request up. The texts must outlive it.
class TextCount {
 public:
  void add_text(std::string_view text);
  void add_tokens(int64_t count) { tokens_ += count; }
  // Writes input_tokens and topic.
  void store(ApiRequest& request) const;

 private:
  int64_t characters_ = 0;
  int64_t tokens_ = 0;
  std::string_view last_;
};

// A text, an array of parts of which some have a text, or null (a call of a tool). False if it is
// anything else.
bool add_content(const cJSON* content, TextCount& count);

// A member that must be a non-empty array of objects with a role, each with a content.
std::optional<Problem> read_messages(const cJSON* root, TextCount& count);

// A member that must be a whole number from 1 to `most`, if it is there at all.
std::optional<Problem> read_count(const cJSON* root, const char* key, int64_t most,
                                  std::optional<int64_t>& count);

inline const cJSON* json_member(const cJSON* object, const char* key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_REQUEST_JSON_H_
