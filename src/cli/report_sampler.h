// Looks at a manager from time to time, on the thread of the run, for the report.
#ifndef LLMQ_CLI_REPORT_SAMPLER_H_
#define LLMQ_CLI_REPORT_SAMPLER_H_

#include <cjson/cJSON.h>
#include <llmq/llmq.h>

#include <cstdint>

#include "cli/report_samples.h"

namespace llmq::cli {

// Adds the load of every limit in the JSON of llmq_manager_info_json.
void add_loads(const cJSON* info, int64_t now_ns, ReportSamples& samples);

class ReportSampler {
 public:
  explicit ReportSampler(ReportSamples& samples) : samples_(samples) {}

  // When to look again.
  int64_t next_ns() const { return next_ns_; }
  void look(llmq_manager_t* manager, int64_t cost_micros);
  void add_answer(const llmq_event_t& done);

 private:
  ReportSamples& samples_;
  int64_t next_ns_ = 0;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_REPORT_SAMPLER_H_
