//! What a case may say. A member that is not here is an error.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(rename = "why")]
    _why: String,
    #[serde(default, rename = "needs")]
    _needs: Vec<String>,
    #[serde(default, rename = "complaint")]
    _complaint: Option<String>,
    pub(crate) workers: Option<Workers>,
    pub(crate) config: Value,
    #[serde(default)]
    pub(crate) processors: BTreeMap<String, Vec<Outcome>>,
    pub(crate) steps: Vec<Step>,
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workers {
    pub(crate) lease_ms: u64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outcome {
    pub(crate) succeed: Option<String>,
    pub(crate) usage: Option<Tokens>,
    pub(crate) fail: Option<String>,
    pub(crate) message: String,
    pub(crate) retry_after_ms: u64,
    pub(crate) throw: Option<String>,
    pub(crate) hold: bool,
    pub(crate) vanish: bool,
    pub(crate) echo: Option<String>,
    pub(crate) chunks: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tokens {
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cached_input_tokens: i64,
    pub(crate) cost_micros: i64,
    pub(crate) reasoning_tokens: i64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ask {
    #[serde(rename = "ref")]
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    pub(crate) payload: Option<Value>,
    pub(crate) payload_bytes: Option<usize>,
    pub(crate) operation: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) tenant: String,
    pub(crate) dedup_key: String,
    pub(crate) metadata: String,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) est_input_tokens: Option<i64>,
    pub(crate) est_output_tokens: Option<i64>,
    pub(crate) max_attempts: u32,
    pub(crate) stream: bool,
    pub(crate) restart: bool,
    pub(crate) keep: bool,
    pub(crate) late_usage: bool,
    pub(crate) attempts: Option<Vec<Outcome>>,
    /// Rust has no callback for the end of a request: a future has no one to throw at.
    #[serde(rename = "on_done")]
    pub(crate) _on_done: Option<String>,
    pub(crate) error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "do", rename_all = "snake_case")]
pub(crate) enum Step {
    Submit(Ask),
    Acquire(Ask),
    SubmitMany {
        #[serde(rename = "ref")]
        name: String,
        count: usize,
        operation: Option<String>,
    },
    SubmitBatch {
        requests: Vec<Ask>,
        accepted: Option<usize>,
        error: Option<String>,
    },
    Wait(Wait),
    Cancel {
        #[serde(rename = "ref")]
        name: String,
        error: Option<String>,
    },
    Finish {
        #[serde(rename = "ref")]
        name: String,
        with: Outcome,
    },
    Set {
        key: String,
        value: String,
        error: Option<String>,
    },
    AddModels {
        config: Value,
        error: Option<String>,
    },
    RemoveModel {
        model: String,
        mode: String,
        error: Option<String>,
    },
    Release {
        #[serde(rename = "ref")]
        name: String,
        usage: Option<Tokens>,
        fail: Option<String>,
        #[serde(default)]
        retry_after_ms: u64,
        error: Option<String>,
    },
    UsageUpdate {
        #[serde(rename = "ref")]
        name: String,
        usage: Tokens,
        error: Option<String>,
    },
    ResponseGet {
        #[serde(rename = "ref")]
        name: String,
        is: Option<Expected>,
        error: Option<String>,
    },
    Shutdown {
        mode: String,
        deadline_ms: Option<u64>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    #[serde(rename = "for")]
    pub(crate) what: String,
    #[serde(default, rename = "ref")]
    pub(crate) name: String,
    pub(crate) attempt: Option<u32>,
    pub(crate) count: Option<usize>,
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) is: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct Expect {
    pub(crate) requests: BTreeMap<String, Expected>,
    pub(crate) started: Option<Vec<String>>,
    pub(crate) permits: Option<Vec<String>>,
    pub(crate) done: Option<Vec<String>>,
    pub(crate) totals: Option<BTreeMap<String, usize>>,
    pub(crate) stats: BTreeMap<String, BTreeMap<String, u64>>,
    pub(crate) at_least_ms: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    pub(crate) status: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) attempts: Option<u32>,
    pub(crate) data: Option<String>,
    pub(crate) data_contains: Option<String>,
    pub(crate) error_contains: Option<String>,
    pub(crate) chunks: Option<Vec<String>>,
    pub(crate) chunks_at_least: Option<usize>,
    #[serde(deserialize_with = "present")]
    pub(crate) usage: Option<Value>,
    pub(crate) history: Option<Vec<String>>,
    pub(crate) http_status: Option<u16>,
    pub(crate) deployment: Option<String>,
    pub(crate) fallback_model: Option<String>,
    pub(crate) cached: Option<bool>,
    pub(crate) shared: Option<bool>,
}

/// Tells a null from a member that is not there.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}
