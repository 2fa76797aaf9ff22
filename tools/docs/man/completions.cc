#include "completions.h"

#include <string>
#include <vector>

namespace llmq::manual {
namespace {

std::vector<std::string> option_words(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::Option* const option : command.get_options()) {
    for (const std::string& name : option->get_snames()) words.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Within single quotes, and in zsh within brackets.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

void write_zsh_option(std::ostream& out, const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  const std::string takes =
      option.get_expected_min() > 0 ? ":" + option.get_type_name() + ":_files" : std::string();
  for (const std::string& name : names) {
    out << "        '*" << name << "[" << quoted(option.get_description()) << "]" << takes
        << "' \\\n";
  }
}

}  // namespace

void write_bash_completion(std::ostream& out, const CLI::App& program) {
  std::vector<std::string> commands;
  for (const CLI::App* const sub : program.get_subcommands({})) commands.push_back(sub->get_name());
  out << "# bash completion for llmq\n"
         "_llmq() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} words\n"
         "  case ${COMP_WORDS[1]} in\n";
  for (const CLI::App* const sub : program.get_subcommands({})) {
    out << "    " << sub->get_name() << ") words='" << joined(option_words(*sub)) << "' ;;\n";
  }
  out << "    *) words='" << joined(commands) << " " << joined(option_words(program)) << "' ;;\n"
      << "  esac\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    words='"
      << joined(commands) << " " << joined(option_words(program))
      << "'\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
         "}\n"
         "complete -o default -F _llmq llmq\n";
}

void write_zsh_completion(std::ostream& out, const CLI::App& program) {
  out << "#compdef llmq\n"
         "_llmq() {\n"
         "  local -a commands\n"
         "  commands=(\n";
  for (const CLI::App* const sub : program.get_subcommands({})) {
    out << "    '" << sub->get_name() << ":" << quoted(sub->get_description()) << "'\n";
  }
  out << "  )\n"
         "  if ((CURRENT == 2)); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=$words[2]\n"
         "  shift words\n"
         "  ((CURRENT--))\n"
         "  case $command in\n";
  for (const CLI::App* const sub : program.get_subcommands({})) {
    out << "    " << sub->get_name() << ")\n      _arguments \\\n";
    for (const CLI::Option* const option : sub->get_options()) write_zsh_option(out, *option);
    out << "        '*:file:_files'\n      ;;\n";
  }
  out << "  esac\n"
         "}\n"
         "_llmq \"$@\"\n";
}

}  // namespace llmq::manual
