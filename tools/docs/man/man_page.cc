#include "man_page.h"

#include <llmq/llmq.h>

#include <algorithm>

namespace llmq::manual {
namespace {

// Text of a sentence: what man(7) would take for a macro, an escape or a hyphen is not one.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void write_option(std::ostream& out, const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += "\\fB\\-" + plain(name) + "\\fR, ";
  for (const std::string& name : option.get_lnames()) {
    names += "\\fB\\-\\-" + plain(name) + "\\fR, ";
  }
  if (names.empty()) names = "\\fI" + plain(option.get_name()) + "\\fR, ";
  names.resize(names.size() - 2);
  const std::string type = option.get_type_name();
  if (option.get_expected_min() > 0 && !type.empty() && !option.get_positional()) {
    names += " \\fI" + plain(type) + "\\fR";
  }
  std::string description = option.get_description();
  if (!option.get_envname().empty()) description += "; environment: " + option.get_envname();
  out << ".TP\n" << names << "\n" << plain(description) << "\n";
}

void write_options(std::ostream& out, const CLI::App& command) {
  out << ".SH OPTIONS\n";
  for (const CLI::Option* const option : command.get_options()) write_option(out, *option);
}

std::string synopsis(const CLI::App& command) {
  std::string words = " [\\fIOPTIONS\\fR]";
  for (const CLI::Option* const option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = "\\fI" + plain(option->get_name()) + "\\fR";
    words += option->get_required() ? " " + name : " [" + name + "]";
  }
  return words;
}

}  // namespace

void write_man_page(std::ostream& out, const CLI::App& program, const CLI::App* command,
                    const std::vector<Section>& more) {
  const CLI::App& page = command != nullptr ? *command : program;
  const std::string name =
      command != nullptr ? program.get_name() + "-" + command->get_name() : program.get_name();
  out << ".TH " << upper(plain(name)) << " 1 \"\" \"llmq " << llmq_version_string()
      << "\" \"User Commands\"\n";
  out << ".SH NAME\n" << plain(name) << " \\- " << plain(page.get_description()) << "\n";
  out << ".SH SYNOPSIS\n\\fB" << plain(program.get_name());
  if (command != nullptr) {
    out << " " << plain(command->get_name()) << "\\fR" << synopsis(*command) << "\n";
  } else {
    out << "\\fR \\fISUBCOMMAND\\fR [\\fIOPTIONS\\fR]\n";
    out << ".SH SUBCOMMANDS\n";
    for (const CLI::App* const sub : program.get_subcommands({})) {
      out << ".TP\n\\fB" << plain(sub->get_name()) << "\\fR\n"
          << plain(sub->get_description()) << " (\\fBllmq\\-" << plain(sub->get_name())
          << "\\fR(1))\n";
    }
  }
  write_options(out, page);
  for (const Section& section : more) {
    out << ".SH " << upper(section.title) << "\n" << section.text << "\n";
  }
}

}  // namespace llmq::manual
