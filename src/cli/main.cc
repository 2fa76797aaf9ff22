// llmq: runs files of requests to LLM APIs under their limits.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/failure.h"

namespace {

// Of a command line without a command: what stands where one should; "" if nothing does.
std::string unknown_command(const CLI::App& line) {
  const std::vector<std::string> rest = line.remaining();
  if (!line.get_subcommands().empty() || rest.empty()) return "";
  std::string text = "llmq: no command \"" + rest.front() + "\"; there are:";
  for (const CLI::App* command : line.get_subcommands([](const CLI::App*) { return true; })) {
    text += " " + command->get_name();
  }
  return text + " (llmq --help)";
}

int run_command(int argc, char** argv) {
  llmq::cli::App app;
  try {
    app.command_line().parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    const std::string unknown = unknown_command(app.command_line());
    if (unknown.empty()) {
      app.command_line().exit(error);
    } else {
      std::fprintf(stderr, "%s\n", unknown.c_str());
    }
    return llmq::cli::kExitSetUp;
  } catch (const CLI::ParseError& error) {
    return app.command_line().exit(error) == 0 ? llmq::cli::kExitOk : llmq::cli::kExitSetUp;
  }
  return app.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run_command(argc, argv);
    if (std::fflush(stdout) != 0) {
      throw llmq::cli::Failure(std::string("stdout cannot be written: ") + std::strerror(errno));
    }
    if (std::ferror(stdout) != 0) throw llmq::cli::Failure("stdout cannot be written");
    return code;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "llmq: %s\n", error.what());
    return llmq::cli::kExitSetUp;
  }
}
