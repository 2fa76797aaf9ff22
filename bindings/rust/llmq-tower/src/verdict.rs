//! What the library reads from an answer.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};
use llmq::{Failure, Permit, Status, Usage};
use serde::{Deserialize, Serialize};

/// An answer, as `llmq_explain_json` takes it.
#[derive(Serialize)]
struct Record<'a> {
    status: u16,
    headers: BTreeMap<&'a str, Vec<&'a str>>,
    body: &'a str,
    now_unix_ms: u64,
}

/// What it says of one.
#[derive(Default, Deserialize)]
pub(crate) struct Verdict {
    #[serde(default)]
    pub(crate) retryable: bool,
    retry_after_ms: Option<f64>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
struct Tokens {
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cached_input_tokens: Option<i64>,
    reasoning_tokens: Option<i64>,
}

impl Verdict {
    /// Nothing is known of an answer that cannot be explained.
    pub(crate) fn of(
        provider: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Verdict {
        let mut lines = BTreeMap::<&str, Vec<&str>>::new();
        for (name, value) in headers {
            if let Ok(value) = value.to_str() {
                lines.entry(name.as_str()).or_default().push(value);
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let record = Record {
            status: status.as_u16(),
            headers: lines,
            body: &String::from_utf8_lossy(body),
            now_unix_ms: u64::try_from(now.as_millis()).unwrap_or(0),
        };
        llmq::explain(provider, &record).unwrap_or_default()
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == Status::OK.name()
    }

    pub(crate) fn status(&self) -> Status {
        Status::from_name(&self.status).unwrap_or(Status::UNKNOWN)
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.retry_after_ms? / 1e3;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn usage(&self) -> Option<Usage> {
        let tokens = self.usage.as_ref()?;
        let mut usage =
            Usage::tokens(tokens.input_tokens.unwrap_or(0), tokens.output_tokens.unwrap_or(0));
        usage.cached_input_tokens = tokens.cached_input_tokens.unwrap_or(0);
        usage.reasoning_tokens = tokens.reasoning_tokens.unwrap_or(0);
        Some(usage)
    }

    /// Ends the permit as the call has ended. One that was lost needs no end.
    pub(crate) fn end(&self, permit: &Permit) {
        let _ = if self.is_ok() {
            permit.release(self.usage())
        } else {
            let failure = Failure::new(self.status(), self.message.as_str());
            permit.fail(failure.retry_after(self.retry_after().unwrap_or_default()))
        };
    }
}
