// Lines of a file of any size, one at a time, in bounded memory.
#ifndef LLMQ_CLI_LINE_READER_H_
#define LLMQ_CLI_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace llmq::cli {

constexpr size_t kMaxLineBytes = size_t{32} << 20;

struct Line {
  std::string_view text;  // without its newline; valid until the next call
  uint64_t number = 0;    // from 1
  bool too_long = false;  // more than the bound: the text is cut, the rest of the line was skipped
  bool torn = false;      // the file ended without a newline
};

// Such a line asks for nothing.
bool is_blank(std::string_view text);

class LineReader {
 public:
  explicit LineReader(int fd, size_t max_line = kMaxLineBytes) : fd_(fd), max_line_(max_line) {}

  // A line out of what has been read; false: read_more(), unless ended(). A byte-order mark at the
  // front of the file belongs to no line.
  bool next(Line& line);
  // One read. Throws a Failure if it fails; does nothing where a non-blocking descriptor has
  // nothing.
  void read_more();
  // The end of the file has been seen; next() may still have lines.
  bool ended() const { return ended_; }

 private:
  void drop_taken();

  const int fd_;
  const size_t max_line_;
  std::string buffer_;
  size_t begin_ = 0;    // first byte that was not handed out
  size_t scanned_ = 0;  // no newline before here
  bool ended_ = false;
  bool skipping_ = false;  // inside a line that was too long
  uint64_t lines_ = 0;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_LINE_READER_H_
