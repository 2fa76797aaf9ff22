// The state of a run on standard error: a bar that is redrawn on a terminal, a plain line every few
// seconds elsewhere.
#ifndef LLMQ_CLI_PROGRESS_H_
#define LLMQ_CLI_PROGRESS_H_

#include <cstdint>
#include <deque>
#include <string>

namespace llmq::cli {

// What a tick is told. Counts since the start of the run.
struct ProgressCounts {
  uint64_t done = 0;   // lines answered or refused, those of earlier runs included
  uint64_t total = 0;  // 0 = not known
  uint64_t failed = 0;
  uint64_t requests = 0;  // attempts started
  int64_t tokens = 0;     // input + output
  uint64_t http_429 = 0;
  double requests_limit = 0;  // per second; 0 = no limit
  double tokens_limit = 0;
  std::string blocked_by;  // the limit that the queue waits for, "" if none
};

class Progress {
 public:
  explicit Progress(bool quiet);

  // Nanoseconds between ticks; negative = none are wanted.
  int64_t interval_ns() const;
  void tick(int64_t now_ns, const ProgressCounts& counts);
  // Ends the bar's line. Then a message can be printed.
  void clear();

 private:
  struct Sample {
    int64_t at_ns;
    uint64_t done;
    uint64_t requests;
    int64_t tokens;
  };
  std::string text(int64_t now_ns, const ProgressCounts& counts);

  const bool quiet_;
  const bool terminal_;
  const bool colour_;
  bool drawn_ = false;
  std::deque<Sample> samples_;  // of the last seconds
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_PROGRESS_H_
