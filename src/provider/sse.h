// Streams of events, cut out of bytes that come in any portions: server-sent events as providers
// send them, and lines of JSON.
#ifndef LLMQ_PROVIDER_SSE_H_
#define LLMQ_PROVIDER_SSE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace llmq::provider {

struct SseEvent {
  std::string name;  // of its "event:" line; "" if it has none
  std::string data;  // its "data:" lines, joined by line feeds
};

// Lines that end with LF, CR or CRLF. Any split of the bytes gives the same lines.
class LineSplitter {
 public:
  // Calls take(line) for each line that is whole now. Returns false, and keeps nothing, if a line
  // would be longer than `most` bytes.
  template <typename Take>
  bool feed(std::string_view bytes, size_t most, Take&& take) {
    while (!bytes.empty()) {
      if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
      after_cr_ = false;
      const size_t end = bytes.find_first_of("\r\n");
      const std::string_view part = bytes.substr(0, end);
      if (part.size() > most - line_.size()) return clear();
      if (end == std::string_view::npos) {
        line_.append(part);
        return true;
      }
      after_cr_ = bytes[end] == '\r';
      bytes.remove_prefix(end + 1);
      if (line_.empty()) {
        take(part);
      } else {
        line_.append(part);
        take(std::string_view(line_));
        line_.clear();
      }
    }
    return true;
  }

  // The line that has begun.
  std::string_view rest() const { return line_; }
  bool clear() {
    line_ = {};
    return false;
  }

 private:
  std::string line_;
  bool after_cr_ = false;
};

// Server-sent events (WHATWG HTML, "Server-sent events"), more lenient where providers are: the
// last event may lack its blank line. Comments, ids, retry times and events without data are
// skipped. An event larger than the bound breaks the stream: nothing more is read.
class SseReader {
 public:
  static constexpr size_t kMostEventBytes = size_t{16} << 20;

  void feed(std::string_view bytes, std::vector<SseEvent>& out);
  // The bytes have ended.
  void finish(std::vector<SseEvent>& out);
  bool too_large() const { return too_large_; }

 private:
  void take_line(std::string_view line, std::vector<SseEvent>& out);
  void dispatch(std::vector<SseEvent>& out);

  LineSplitter lines_;
  SseEvent event_;
  bool has_data_ = false;
  bool first_line_ = true;
  bool too_large_ = false;
};

// One JSON value per line; blank lines are skipped.
class LineReader {
 public:
  void feed(std::string_view bytes, std::vector<SseEvent>& out);
  void finish(std::vector<SseEvent>& out);
  bool too_large() const { return too_large_; }

 private:
  LineSplitter lines_;
  bool too_large_ = false;
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_SSE_H_
