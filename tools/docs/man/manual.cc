// llmq_manual DIR: writes the program's manual pages and completions into DIR.
#include <llmq/llmq.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/app.h"
#include "completions.h"
#include "man_page.h"

namespace {

using llmq::manual::Section;

constexpr const char* kExitCodes =
    ".TP\n0\nAll requests completed.\n.TP\n1\nUsage or set\\-up: nothing was run.\n.TP\n2\nSome "
    "requests "
    "failed; each has its error in the output.\n.TP\n3\n\\fB\\-\\-max\\-cost\\fR is reached; the "
    "rest is left for "
    "\\fB\\-\\-resume\\fR.\n.TP\n130\nInterrupted.";

// Those of the library, each with the variable that its key is read from.
Section providers() {
  Section section{"providers",
                  "Names for \\fB\\-\\-provider\\fR, and the variable of each key:\n.PP\n.nf"};
  const char* name = nullptr;
  const char* variable = nullptr;
  for (size_t i = 0;
       llmq_conf_provider_at(i, &name, nullptr, &variable, nullptr, nullptr) == LLMQ_OK; ++i) {
    section.text += "\n" + std::string(name) + "  " + variable;
  }
  section.text += "\n.fi";
  return section;
}

std::vector<Section> more_of(const std::string& command) {
  const Section keys{
      "environment",
      "API keys are read from the variable that \\fB\\-\\-api\\-key\\-env\\fR or the "
      "configuration names; each provider has a default, as \\fBOPENAI_API_KEY\\fR."};
  if (command == "run") {
    return {{"exit status", kExitCodes},
            keys,
            {"examples",
             "With no key and no network:\n.PP\n.nf\nllmq run requests.jsonl \\-o results.jsonl "
             "\\-\\-provider mock \\-\\-limit requests=500/1m\n.fi"},
            {"see also", "\\fBllmq\\fR(1), \\fBllmq\\-check\\fR(1), \\fBllmq\\-doctor\\fR(1)"}};
  }
  if (command == "doctor") return {keys, {"see also", "\\fBllmq\\fR(1), \\fBllmq\\-check\\fR(1)"}};
  if (command.empty()) {
    return {providers(), {"see also", "\\fBllmq\\-run\\fR(1), \\fBlibllmq\\fR(3)"}};
  }
  return {{"see also", "\\fBllmq\\fR(1), \\fBllmq\\-run\\fR(1)"}};
}

bool write_all(const std::filesystem::path& folder) {
  llmq::cli::App app;
  const CLI::App& program = app.command_line();
  std::filesystem::create_directories(folder);
  std::ofstream page(folder / "llmq.1");
  llmq::manual::write_man_page(page, program, nullptr, more_of(""));
  bool good = page.good();
  for (const CLI::App* const sub : program.get_subcommands({})) {
    std::ofstream out(folder / ("llmq-" + sub->get_name() + ".1"));
    llmq::manual::write_man_page(out, program, sub, more_of(sub->get_name()));
    good = good && out.good();
  }
  std::ofstream bash(folder / "llmq.bash");
  llmq::manual::write_bash_completion(bash, program);
  std::ofstream zsh(folder / "_llmq");
  llmq::manual::write_zsh_completion(zsh, program);
  return good && bash.good() && zsh.good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: llmq_manual DIR\n");
    return 1;
  }
  if (write_all(argv[1])) return 0;
  std::fprintf(stderr, "llmq_manual: cannot write into %s\n", argv[1]);
  return 1;
}
