#include "cli/line_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/failure.h"
#include "cli/strict_json.h"

namespace llmq::cli {
namespace {

constexpr size_t kChunk = size_t{1} << 18;

}  // namespace

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void LineReader::drop_taken() {
  if (begin_ == 0 || (begin_ < kChunk && begin_ < buffer_.size())) return;
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
}

bool LineReader::next(Line& line) {
  for (;;) {
    const size_t newline = buffer_.find('\n', scanned_);
    const bool found = newline != std::string::npos;
    if (!found) scanned_ = buffer_.size();
    const size_t end = found ? newline : buffer_.size();
    if (skipping_) {
      begin_ = scanned_ = found ? end + 1 : end;
      skipping_ = !found;
      if (!found) return false;
      continue;
    }
    const size_t length = end - begin_;
    const bool too_long = length > max_line_;
    const bool last = ended_ && length > 0;
    if (!found && !too_long && !last) return false;
    line.text = std::string_view(buffer_).substr(begin_, too_long ? max_line_ : length);
    if (lines_ == 0) line.text = without_bom(line.text);
    line.number = ++lines_;
    line.too_long = too_long;
    line.torn = !found && !too_long;
    begin_ = scanned_ = found ? end + 1 : end;
    skipping_ = too_long && !found;
    return true;
  }
}

void LineReader::read_more() {
  drop_taken();
  const size_t size = buffer_.size();
  buffer_.resize(size + kChunk);
  ssize_t got = 0;
  do {
    got = ::read(fd_, buffer_.data() + size, kChunk);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(size + static_cast<size_t>(got < 0 ? 0 : got));
  if (got < 0 && errno != EAGAIN) {
    throw Failure(std::string("the input cannot be read: ") + std::strerror(errno));
  }
  ended_ = got == 0;
}

}  // namespace llmq::cli
