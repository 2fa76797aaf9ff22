// Which ids were seen, and where: 24 bytes per id whatever its length. An id is known by 128 bits
// of its hash.
#ifndef LLMQ_CLI_ID_TABLE_H_
#define LLMQ_CLI_ID_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace llmq::cli {

class IdTable {
 public:
  // Line under which the id was added before, or 0 if it is new: then it is added. line is never 0.
  uint64_t add(std::string_view id, uint64_t line);
  bool contains(std::string_view id) const;
  size_t size() const { return size_; }

 private:
  struct Entry {
    uint64_t low = 0;
    uint64_t high = 0;
    uint64_t line = 0;  // 0 = free
  };
  static Entry entry_of(std::string_view id);
  size_t slot_of(const Entry& entry) const;
  void grow();

  std::vector<Entry> entries_;
  size_t size_ = 0;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_ID_TABLE_H_
