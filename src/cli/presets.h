// `llmq presets`: the limits that --preset and the key `preset` know by name.
#ifndef LLMQ_CLI_PRESETS_H_
#define LLMQ_CLI_PRESETS_H_

namespace llmq::cli {

int list_presets();

}  // namespace llmq::cli

#endif  // LLMQ_CLI_PRESETS_H_
