// Completions for bash and zsh, of a command line as CLI11 knows it.
#ifndef LLMQ_TOOLS_DOCS_MAN_COMPLETIONS_H_
#define LLMQ_TOOLS_DOCS_MAN_COMPLETIONS_H_

#include <CLI/CLI.hpp>
#include <ostream>

namespace llmq::manual {

void write_bash_completion(std::ostream& out, const CLI::App& program);
void write_zsh_completion(std::ostream& out, const CLI::App& program);

}  // namespace llmq::manual

#endif  // LLMQ_TOOLS_DOCS_MAN_COMPLETIONS_H_
