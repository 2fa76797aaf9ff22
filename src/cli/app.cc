#include "cli/app.h"

#include <llmq/llmq.h>

#include <functional>
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
#include "mock/server.h"
#endif

namespace llmq::cli {
namespace {

void add_run(CLI::App& app, RunOptions& options) {
  CLI::App* run = app.add_subcommand("run", "Run a file of requests (OpenAI batch format)");
  run->add_option("FILE", options.input, "Requests, one JSON object per line; - is stdin")
      ->required();
  run->add_option("-o,--output", options.output, "Results, one JSON object per line; - is stdout");
  add_call_flags(*run, options.calls);
  run->add_option("--config", options.config, "Settings as a JSON document [LLMQ_CONFIG]")
      ->envname("LLMQ_CONFIG");
  run->add_option("--summary", options.summary, "Write what the run amounted to, as JSON");
  run->add_option(
      "--report", options.report,
      "Write a page (HTML) with plots: load against each limit, waits, latencies, 429s, "
      "retries, cost");
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
}

struct ExplainFlags {
  std::string input = "-";
  std::string provider;
};

void add_explain(CLI::App& app, ExplainFlags& flags) {
  CLI::App* explain =
      app.add_subcommand("explain", "Show what llmq makes of recorded answers of a provider");
  explain->add_option("FILE", flags.input,
                      "One JSON object per line: status, headers, body; - is stdin, the default");
  explain->add_option("--provider", flags.provider,
                      "Whose answers they are, where a line does not name its own");
}

void add_doctor(CLI::App& app, DoctorOptions& options) {
  CLI::App* doctor = app.add_subcommand(
      "doctor", "Find out what stands between the configuration and an answer; sends one request");
  add_call_flags(*doctor, options.calls);
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
}

// What the library runs on, and what the program alone has.
std::string version_text() {
  const uint64_t features = llmq_features();
  std::string names;
  if ((features & LLMQ_FEATURE_HTTP) != 0) names += " http";
  if ((features & LLMQ_FEATURE_CALENDAR) != 0) names += " calendar";
  if ((features & LLMQ_FEATURE_MOCK) != 0) names += " mock";
  std::string own = "CLI11/" CLI11_VERSION;
#ifdef LLMQ_HAVE_MOCK
  own += std::string(" libmicrohttpd/") + mock::http_library_version();
#endif
  return std::string("llmq ") + llmq_version_string() + "\nABI " +
         std::to_string(llmq_abi_version()) + "\nfeatures" + names + "\nlibraries " +
         llmq_version_libraries() + "\nprogram " + own;
}

}  // namespace

struct App::Options {
  RunOptions run;
  ExplainFlags explain;
  DoctorOptions doctor;
  std::string config;
  CallFlags check;
#ifdef LLMQ_HAVE_MOCK
  MockFlags mock;
#endif
};

App::App()
    : app_("Runs calls to LLM APIs as early as their limits allow, each answered once.", "llmq"),
      options_(std::make_unique<Options>()) {
  // Asked for only then: it opens libcurl.
  app_.set_version_flag("--version", std::function<std::string()>(version_text));
  app_.require_subcommand(1);
  add_run(app_, options_->run);
  add_explain(app_, options_->explain);
  add_doctor(app_, options_->doctor);
  CLI::App* const check =
      app_.add_subcommand("check", "Check a configuration and print what it amounts to");
  check->add_option("FILE", options_->config, "Settings as a JSON document")->required();
  add_call_flags(*check, options_->check);
  app_.add_subcommand("presets", "List the published limits that --preset knows by name");
#ifdef LLMQ_HAVE_MOCK
  CLI::App* const mock =
      app_.add_subcommand("mock", "Serve a mock provider on 127.0.0.1 (GET /stats)");
  add_mock_flags(*mock, options_->mock);
#endif
}

App::~App() = default;

int App::run() {
  if (app_.got_subcommand("explain")) {
    return explain_file(options_->explain.input, options_->explain.provider);
  }
  if (app_.got_subcommand("run")) return run_file(options_->run);
  if (app_.got_subcommand("doctor")) return run_doctor(options_->doctor);
  if (app_.got_subcommand("check")) return check_config(options_->config, options_->check);
  if (app_.got_subcommand("presets")) return list_presets();
#ifdef LLMQ_HAVE_MOCK
  if (app_.got_subcommand("mock")) return serve_mock(options_->mock);
#endif
  return kExitSetUp;
}

}  // namespace llmq::cli
