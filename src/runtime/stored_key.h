// The key of a model as it is kept while the process lives, and the file that it came from.
#ifndef LLMQ_RUNTIME_STORED_KEY_H_
#define LLMQ_RUNTIME_STORED_KEY_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "runtime/platform.h"
#include "runtime/secret.h"

namespace llmq::runtime {

inline constexpr size_t kMostKeyBytes = 8192;

// The key in a file, without the blanks around it.
core::Result<std::string> read_key_file(const std::string& path);

class StoredKey {
 public:
  StoredKey() = default;
  // `file` is "" if the key is from elsewhere: then it never changes.
  StoredKey(std::string_view key, std::string file);

  std::string_view text() const { return key_.view(); }
  bool empty() const { return key_.empty(); }

  // Reads the file again if it was replaced or written to, which is looked for once a second, or at
  // once. True if that brought another key. A file that cannot be read leaves the old one.
  bool look_at_file(core::TimeNs now, bool at_once = false);

 private:
  Secret key_;
  std::string file_;
  platform::FileVersion version_;
  core::TimeNs next_look_{};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_STORED_KEY_H_
