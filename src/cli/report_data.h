// The samples as JSON, for programs that read the page.
#ifndef LLMQ_CLI_REPORT_DATA_H_
#define LLMQ_CLI_REPORT_DATA_H_

#include <string>

#include "cli/report_samples.h"

namespace llmq::cli {

// Safe inside a <script> element: it holds no "<".
std::string report_data(const ReportSamples& samples);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_REPORT_DATA_H_
