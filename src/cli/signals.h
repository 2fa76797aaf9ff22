// Ctrl-C and SIGTERM as a file descriptor that the main loop polls.
#ifndef LLMQ_CLI_SIGNALS_H_
#define LLMQ_CLI_SIGNALS_H_

namespace llmq::cli {

// Handles SIGINT and SIGTERM from now on, ignores SIGPIPE. Returns a descriptor that is readable
// after a signal.
int watch_signals();
// Signals that came since the last call.
int take_signals();

}  // namespace llmq::cli

#endif  // LLMQ_CLI_SIGNALS_H_
