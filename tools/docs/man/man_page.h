// Manual pages in man(7) macros, of a command line as CLI11 knows it.
#ifndef LLMQ_TOOLS_DOCS_MAN_MAN_PAGE_H_
#define LLMQ_TOOLS_DOCS_MAN_MAN_PAGE_H_

#include <CLI/CLI.hpp>
#include <ostream>
#include <string>
#include <vector>

namespace llmq::manual {

// What help does not tell; each line of `text` stands as it is, in man(7).
struct Section {
  std::string title;
  std::string text;
};

// The page of the program: `command` is null, or of one of its subcommands.
void write_man_page(std::ostream& out, const CLI::App& program, const CLI::App* command,
                    const std::vector<Section>& more);

}  // namespace llmq::manual

#endif  // LLMQ_TOOLS_DOCS_MAN_MAN_PAGE_H_
