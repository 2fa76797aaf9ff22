// The run itself: reads lines, submits them, writes what comes back. One thread; it sleeps in poll.
#ifndef LLMQ_CLI_RUNNER_H_
#define LLMQ_CLI_RUNNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "cli/batch_line.h"
#include "cli/budget.h"
#include "cli/handles.h"
#include "cli/id_table.h"
#include "cli/line_reader.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/report_sampler.h"
#include "cli/settings.h"
#include "cli/summary.h"

namespace llmq::cli {

class Runner {
 public:
  // samples: what a report is to be made of, or null.
  Runner(const Settings& settings, const Budget& budget, bool quiet, bool stream,
         ReportSamples* samples);

  // Runs every line that `output` does not hold already. total_lines: 0 = not known. Returns the
  // exit code.
  int run(int input, uint64_t total_lines, OutputFile& output, int signal_fd);

  uint64_t lines() const { return lines_; }
  Summary summary() const { return summary_; }
  // The next call would have passed the budget.
  bool out_of_budget() const { return out_of_budget_; }
  // Why the rest was left undone; "" if it was not.
  const std::string& stopped_because() const { return stopped_because_; }

 private:
  // A line on its way.
  struct Slot {
    std::string custom_id_raw;
    uint64_t line = 0;
    size_t bytes = 0;
    int64_t cost = 0;  // estimate, in millionths; 0 without a budget
  };
  enum class Phase {
    kRunning,
    kCancelling,  // a signal came: what runs may end
    kAborting,    // a second one, or a reason not to go on
  };

  // Until something happens, and what it asks for. False: all is done.
  bool turn(int input, int queue_fd, int signal_fd);
  void flush();
  void outlive(const Failure& failure);
  bool wants_input() const;
  bool fill();
  // False: the queue is full, the same line is to be tried again.
  bool take(const Line& line);
  bool submit(const BatchLine& line, uint64_t number);
  // False: there is no money for it now, or at all.
  bool afford(const llmq_request_t& request, int64_t& cost);
  void refuse(const BatchLine& line, uint64_t number, const char* code, const std::string& message);
  // False: the line was refused.
  bool know_model(const BatchLine& line, uint64_t number);
  void take_events();
  void take_response(uint64_t slot, const llmq_response_t* response);
  void take_signal();
  void stop(Phase phase);
  void tick(int64_t now);
  void sample();
  // Until something is to be done that no descriptor tells of; -1 = never.
  int timeout_ms() const;
  ProgressCounts counts();
  void finish_summary();
  int exit_code() const;
  void say(const std::string& message);

  const Settings& settings_;
  const bool stream_;
  Progress progress_;
  ReportSamples* const samples_;
  std::optional<ReportSampler> sampler_;
  Queue queue_;
  ManagerHandle manager_;  // ends before the queue
  OutputFile* output_ = nullptr;
  LineReader* reader_ = nullptr;
  std::unordered_set<std::string> models_;  // registered
  IdTable ids_;
  std::vector<Slot> slots_;
  std::vector<uint64_t> free_slots_;
  size_t outstanding_ = 0;
  size_t outstanding_bytes_ = 0;
  Line held_;
  bool has_held_ = false;
  bool input_ended_ = false;
  Phase phase_ = Phase::kRunning;
  bool interrupted_ = false;
  bool given_up_ = false;  // a second signal: nobody waits for the output
  bool blocked_ = false;   // the output takes nothing now
  Budget budget_;
  bool out_of_budget_ = false;
  std::string stopped_because_;
  uint64_t lines_ = 0;  // not blank
  uint64_t total_lines_ = 0;
  int64_t next_tick_ns_ = 0;
  int64_t first_submit_ns_ = 0;
  int64_t last_answer_ns_ = 0;
  Summary summary_;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_RUNNER_H_
