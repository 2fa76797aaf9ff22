// llmq: runs files of requests to LLM APIs under their limits.
#include <llmq/llmq.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "cli/check.h"
#include "cli/doctor.h"
#include "cli/explain.h"
#include "cli/failure.h"
#include "cli/flags.h"
#include "cli/presets.h"
#include "cli/run.h"
#ifdef LLMQ_HAVE_MOCK
#include "cli/mock.h"
#endif

namespace {

using llmq::cli::CallFlags;
using llmq::cli::RunOptions;

CLI::App* add_run(CLI::App& app, RunOptions& options) {
  CLI::App* run = app.add_subcommand("run", "Run a file of requests (OpenAI batch format)");
  run->add_option("FILE", options.input, "Requests, one JSON object per line; - is stdin")
      ->required();
  run->add_option("-o,--output", options.output, "Results, one JSON object per line; - is stdout");
  llmq::cli::add_call_flags(*run, options.calls);
  run->add_option("--config", options.config, "Settings as a JSON document [LLMQ_CONFIG]")
      ->envname("LLMQ_CONFIG");
  run->add_option("--summary", options.summary, "Write what the run amounted to, as JSON");
  run->add_flag("--resume", options.resume, "Go on with OUT: skip what is finished in it");
  run->add_flag(
      "--stream", options.stream,
      "Stream every call; OUT holds the same, the summary tells the time to first output");
  run->add_flag("--force", options.force, "Replace OUT if it exists");
  run->add_flag(
      "--dry-run", options.dry_run,
      "Send and write nothing: print what the file would take under the limits, and cost");
  run->add_option("--max-cost", options.max_cost,
                  "Stop before the cost of this run passes that amount (exit 3); needs prices");
  run->add_flag("-q,--quiet", options.quiet, "No progress and no summary on stderr");
  return run;
}

struct ExplainFlags {
  std::string input = "-";
  std::string provider;
};

CLI::App* add_explain(CLI::App& app, ExplainFlags& flags) {
  CLI::App* explain =
      app.add_subcommand("explain", "Show what llmq makes of recorded answers of a provider");
  explain->add_option("FILE", flags.input,
                      "One JSON object per line: status, headers, body; - is stdin, the default");
  explain->add_option("--provider", flags.provider,
                      "Whose answers they are, where a line does not name its own");
  return explain;
}

CLI::App* add_doctor(CLI::App& app, llmq::cli::DoctorOptions& options) {
  CLI::App* doctor = app.add_subcommand(
      "doctor", "Find out what stands between the configuration and an answer; sends one request");
  llmq::cli::add_call_flags(*doctor, options.calls);
  doctor->add_option("--config", options.config, "Settings as a JSON document [LLMQ_CONFIG]")
      ->envname("LLMQ_CONFIG");
  doctor
      ->add_option("--model", options.models,
                   "Model to ask for (default: each of the configuration). Repeatable")
      ->expected(1)
      ->take_all();
  doctor->add_flag("--embeddings", options.embeddings, "Ask for an embedding, not for a chat");
  doctor->add_flag("--offline", options.offline,
                   "Send no request, which would cost a few tokens: look at the way alone");
  doctor->add_flag("--json", options.json, "Print one JSON object");
  return doctor;
}

int run_command(int argc, char** argv) {
  CLI::App app("Runs calls to LLM APIs as early as their limits allow, each answered once.",
               "llmq");
  app.set_version_flag("--version", std::string("llmq ") + llmq_version_string());
  app.require_subcommand(1);
  RunOptions run_options;
  CLI::App* run = add_run(app, run_options);
  ExplainFlags explain_flags;
  CLI::App* explain = add_explain(app, explain_flags);
  llmq::cli::DoctorOptions doctor_options;
  CLI::App* doctor = add_doctor(app, doctor_options);
  std::string config;
  CallFlags check_flags;
  CLI::App* check =
      app.add_subcommand("check", "Check a configuration and print what it amounts to");
  check->add_option("FILE", config, "Settings as a JSON document")->required();
  llmq::cli::add_call_flags(*check, check_flags);
  CLI::App* presets =
      app.add_subcommand("presets", "List the published limits that --preset knows by name");
#ifdef LLMQ_HAVE_MOCK
  llmq::cli::MockFlags mock_flags;
  CLI::App* mock = app.add_subcommand("mock", "Serve a mock provider on 127.0.0.1 (GET /stats)");
  llmq::cli::add_mock_flags(*mock, mock_flags);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? llmq::cli::kExitOk : llmq::cli::kExitSetUp;
  }
  if (explain->parsed()) {
    return llmq::cli::explain_file(explain_flags.input, explain_flags.provider);
  }
  if (run->parsed()) return llmq::cli::run_file(run_options);
  if (doctor->parsed()) return llmq::cli::run_doctor(doctor_options);
  if (check->parsed()) return llmq::cli::check_config(config, check_flags);
  if (presets->parsed()) return llmq::cli::list_presets();
#ifdef LLMQ_HAVE_MOCK
  if (mock->parsed()) return llmq::cli::serve_mock(mock_flags);
#endif
  return llmq::cli::kExitSetUp;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_command(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "llmq: %s\n", error.what());
    return llmq::cli::kExitSetUp;
  }
}
