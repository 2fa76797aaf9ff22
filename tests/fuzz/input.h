// What fuzz targets make of their bytes: small choices from the front, text from the rest.
#ifndef LLMQ_TESTS_FUZZ_INPUT_H_
#define LLMQ_TESTS_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "provider/profile.h"
#include "provider/provider.h"

namespace llmq::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // One of 0 .. count - 1; 0 when the bytes are used up.
  size_t choice(size_t count) {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte % count;
  }
  const provider::Profile& profile() {
    const provider::ProfileList all = provider::profiles();
    return all.first[choice(all.count)];
  }
  provider::Operation operation() { return static_cast<provider::Operation>(choice(5)); }
  std::string_view line() {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace llmq::fuzz

#endif  // LLMQ_TESTS_FUZZ_INPUT_H_
