#include "cli/run.h"

#include <sys/stat.h>

#include <cstdio>
#include <ctime>

#include "cli/dry_run.h"
#include "cli/failure.h"
#include "cli/output_file.h"
#include "cli/report_page.h"
#include "cli/run_files.h"
#include "cli/runner.h"
#include "cli/settings.h"
#include "cli/signals.h"

namespace llmq::cli {
namespace {

bool is_one_file(const std::string& a, const std::string& b) {
  struct stat x {};
  struct stat y {};
  return ::stat(a.c_str(), &x) == 0 && ::stat(b.c_str(), &y) == 0 && S_ISREG(x.st_mode) &&
         x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// Of what is written late.
void expect_other_files(const RunOptions& options) {
  if (is_one_file(options.summary, options.output)) {
    throw Failure("summary " + options.summary + " is the output itself");
  }
  if (is_one_file(options.report, options.output)) {
    throw Failure("report " + options.report + " is the output itself");
  }
  if (is_one_file(options.report, options.summary)) {
    throw Failure("report " + options.report + " is the summary itself");
  }
}

void expect_not_the_config(const char* what, const std::string& path, const std::string& config) {
  if (is_one_file(path, config)) throw Failure(std::string(what) + path + " is the configuration");
}

// Why a run ended before all was done; "" if it did not.
std::string ended_early(const Runner& runner, int code) {
  if (!runner.stopped_because().empty()) return runner.stopped_because();
  if (code == kExitInterrupted) return "interrupted";
  return runner.out_of_budget() ? "the next call would pass --max-cost" : "";
}

}  // namespace

int run_file(const RunOptions& options) {
  if (options.dry_run) return dry_run(options);
  if (options.output.empty()) throw Failure("--output is required, unless with --dry-run");
  if (options.resume && options.force) throw Failure("--resume and --force exclude each other");
  const Settings settings(options.calls, options.config);
  const Input input(options.input);
  if (input.empty()) throw Failure("input " + options.input + " is empty");
  if (input.is_same_file(options.output)) {
    throw Failure("output " + options.output + " is the input itself");
  }
  if (input.is_same_file(options.summary)) {
    throw Failure("summary " + options.summary + " is the input itself");
  }
  if (input.is_same_file(options.report)) {
    throw Failure("report " + options.report + " is the input itself");
  }
  expect_not_the_config("output ", options.output, options.config);
  expect_not_the_config("summary ", options.summary, options.config);
  expect_not_the_config("report ", options.report, options.config);
  ReportSamples samples;
  ReportHead head{options.input, options.output, utc_text(std::time(nullptr)), ""};
  // Before the output: a bad configuration leaves no file.
  Runner runner(settings, Budget(options.max_cost), options.quiet, options.stream,
                options.report.empty() ? nullptr : &samples);
  LateFile summary_file("summary", options.summary);
  LateFile report_file("report", options.report);
  expect_other_files(options);
  const uint64_t lines = input.count_lines();
  // Until a run is there that looks at signals they end the program, which a file may block (a pipe
  // without a reader); only what --resume makes beside OUT has to be cleared away.
  int signal_fd = options.resume ? watch_signals() : -1;
  OutputFile output(options.output, options.resume  ? Existing::kResume
                                    : options.force ? Existing::kReplace
                                                    : Existing::kRefuse);
  int code = kExitSetUp;
  try {
    if (signal_fd < 0) signal_fd = watch_signals();
    code = runner.run(input.fd(), lines, output, signal_fd);
  } catch (const Failure&) {
    output.discard_if_empty();
    throw;
  }
  if (runner.lines() == 0 && !runner.out_of_budget()) {
    output.discard_if_empty();
    throw Failure("input " + options.input + " holds no requests");
  }
  const Summary summary = runner.summary();
  if (!options.quiet) std::fprintf(stderr, "%s\n", summary_text(summary).c_str());
  summary_file.write(summary_json(summary));
  if (!options.report.empty()) {
    head.ended = ended_early(runner, code);
    report_file.write(report_page(head, summary, samples));
  }
  if (!runner.stopped_because().empty()) {
    throw Failure(runner.stopped_because() +
                  "; run again with --resume for the lines that are left");
  }
  if (runner.out_of_budget()) {
    if (runner.lines() == 0) output.discard_if_empty();
    std::fprintf(stderr,
                 "llmq: the next call would pass --max-cost %s; run again with --resume for the "
                 "lines that are left\n",
                 options.max_cost->c_str());
  }
  return code;
}

}  // namespace llmq::cli
