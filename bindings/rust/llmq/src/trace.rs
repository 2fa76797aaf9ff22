//! Log lines as events of `tracing`.

use crate::config::LogLevel;

/// An event is declared where it is told, with its level: one for each.
pub(crate) fn event(level: LogLevel, line: &str) {
    match level {
        LogLevel::Trace => tracing::trace!(target: "llmq", "{line}"),
        LogLevel::Debug => tracing::debug!(target: "llmq", "{line}"),
        LogLevel::Info => tracing::info!(target: "llmq", "{line}"),
        LogLevel::Warn => tracing::warn!(target: "llmq", "{line}"),
        LogLevel::Error => tracing::error!(target: "llmq", "{line}"),
    }
}
