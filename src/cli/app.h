// The command line: what can be asked, and who answers. Help, manual pages and completions come
// from it.
#ifndef LLMQ_CLI_APP_H_
#define LLMQ_CLI_APP_H_

#include <CLI/CLI.hpp>
#include <memory>

namespace llmq::cli {

class App {
 public:
  App();
  ~App();

  CLI::App& command_line() { return app_; }
  // Runs the subcommand that was parsed. Returns the exit code; throws a Failure.
  int run();

 private:
  struct Options;

  CLI::App app_;
  std::unique_ptr<Options> options_;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_APP_H_
