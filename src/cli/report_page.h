// The page of a run: one HTML file that asks for nothing from anywhere and holds no program.
#ifndef LLMQ_CLI_REPORT_PAGE_H_
#define LLMQ_CLI_REPORT_PAGE_H_

#include <string>

#include "cli/report_samples.h"
#include "cli/summary.h"

namespace llmq::cli {

struct ReportHead {
  std::string input;
  std::string output;
  std::string started;  // "2026-01-02 03:04:05 UTC"
  std::string ended;    // why, if not since all was done
};

std::string report_page(const ReportHead& head, const Summary& summary,
                        const ReportSamples& samples);

// "2026-01-02 03:04:05 UTC" of seconds since 1970.
std::string utc_text(int64_t seconds);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_REPORT_PAGE_H_
