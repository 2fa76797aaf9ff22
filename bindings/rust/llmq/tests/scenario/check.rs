//! What came against what was expected.

use std::collections::BTreeMap;

use llmq::{Manager, Response, State, Stats, Usage};
use serde_json::{json, Value};

use super::case::Expected;

/// An error unless both are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    got: &T,
    expected: &T,
) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: got {got:?}, expected {expected:?}"))
}

fn maybe<T: PartialEq + std::fmt::Debug>(
    what: String,
    got: T,
    expected: &Option<T>,
) -> Result<(), String> {
    expected.as_ref().map_or(Ok(()), |expected| same(&what, &got, expected))
}

fn contains(what: &str, got: &str, part: Option<&String>) -> Result<(), String> {
    match part {
        Some(part) if !got.contains(part.as_str()) => {
            Err(format!("{what}: {part:?} is not in {got:?}"))
        }
        _ => Ok(()),
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Completed => "completed",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        _ => "not ended",
    }
}

pub(crate) fn response(
    name: &str,
    got: &Response,
    chunks: &[String],
    expected: &Expected,
) -> Result<(), String> {
    let of = |what: &str| format!("{what} of {name}");
    maybe(of("status"), got.status().name().to_owned(), &expected.status)?;
    maybe(of("state"), state_name(got.state()).to_owned(), &expected.state)?;
    maybe(of("attempts"), got.attempts(), &expected.attempts)?;
    let data = String::from_utf8_lossy(got.data()).into_owned();
    contains(&of("data"), &data, expected.data_contains.as_ref())?;
    maybe(of("data"), data, &expected.data)?;
    contains(&of("error"), got.error_message(), expected.error_contains.as_ref())?;
    maybe(of("chunks"), chunks.to_vec(), &expected.chunks)?;
    if let Some(least) = expected.chunks_at_least {
        same(&of("enough chunks"), &(chunks.len() >= least), &true)?;
    }
    if let Some(expected) = &expected.usage {
        usage(&of("usage"), got.usage(), expected)?;
    }
    if expected.history.is_some() {
        let history = got.attempts_history().map_err(|error| error.to_string())?;
        let statuses = history.into_iter().map(|attempt| attempt.status).collect();
        maybe(of("history"), statuses, &expected.history)?;
    }
    maybe(of("http_status"), got.http_status().unwrap_or(0), &expected.http_status)?;
    maybe(of("deployment"), got.deployment().to_owned(), &expected.deployment)?;
    maybe(of("fallback_model"), got.fallback_model().to_owned(), &expected.fallback_model)?;
    maybe(of("cached"), got.is_cached(), &expected.cached)?;
    maybe(of("shared"), got.is_shared(), &expected.shared)
}

fn usage(what: &str, got: Option<Usage>, expected: &Value) -> Result<(), String> {
    let (Some(got), Value::Object(members)) = (got, expected) else {
        return same(what, &got.is_none(), &expected.is_null());
    };
    let got = json!({
        "input_tokens": got.input_tokens, "output_tokens": got.output_tokens,
        "cached_input_tokens": got.cached_input_tokens, "cost_micros": got.cost_micros,
        "reasoning_tokens": got.reasoning_tokens,
    });
    members.iter().try_for_each(|(key, value)| {
        same(&format!("{what}, {key}"), got.get(key).unwrap_or(&Value::Null), value)
    })
}

fn counter(stats: &Stats, name: &str) -> Result<u64, String> {
    Ok(match name {
        "submitted" => stats.submitted,
        "completed" => stats.completed,
        "failed" => stats.failed,
        "cancelled" => stats.cancelled,
        "expired" => stats.expired,
        "attempts" => stats.attempts,
        "retries" => stats.retries,
        "rate_limited" => stats.rate_limited,
        "pending" => stats.pending,
        "processing" => stats.processing,
        "pending_bytes" => stats.pending_bytes,
        "input_tokens" => stats.input_tokens,
        "output_tokens" => stats.output_tokens,
        "cached_input_tokens" => stats.cached_input_tokens,
        "reasoning_tokens" => stats.reasoning_tokens,
        other => return Err(format!("nobody knows the counter {other}")),
    })
}

pub(crate) fn stats(
    manager: &Manager,
    model: Option<&str>,
    expected: &BTreeMap<String, u64>,
) -> Result<(), String> {
    let found = manager.stats(model.filter(|name| !name.is_empty()));
    let found = found.map_err(|error| error.to_string())?;
    expected.iter().try_for_each(|(name, value)| {
        same(&format!("{name} of {model:?}"), &counter(&found, name)?, value)
    })
}
