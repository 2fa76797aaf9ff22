// llmq: runs files of requests to LLM APIs under their limits.
#include <cstdio>
#include <exception>

#include "cli/app.h"
#include "cli/failure.h"

namespace {

int run_command(int argc, char** argv) {
  llmq::cli::App app;
  try {
    app.command_line().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.command_line().exit(error) == 0 ? llmq::cli::kExitOk : llmq::cli::kExitSetUp;
  }
  return app.run();
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
