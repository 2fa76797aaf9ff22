//! What became of each attempt of a request.

use serde::Deserialize;

/// One attempt of a request of which at least one has failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Its number, from 1.
    pub attempt: u32,
    /// Where it ran; "" if that has no name.
    pub deployment: String,
    /// Name of its status, "LLMQ_ERR_SERVER".
    pub status: String,
    /// HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// Words of the provider or the processor, at most 200 bytes.
    pub message: String,
    /// When it started, in ms from the submit.
    pub started_ms: u64,
    /// How long it ran, in ms.
    pub run_ms: u64,
    /// How long until another one could start, in ms, if one followed.
    pub retry_delay_ms: Option<u64>,
}
