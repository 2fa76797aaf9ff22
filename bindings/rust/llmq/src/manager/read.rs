//! What a manager tells of itself.

use std::ffi::CStr;
use std::mem;
use std::ptr;
use std::time::Duration;

use llmq_sys as sys;

use super::Manager;
use crate::error::Result;
use crate::ffi;
use crate::response::State;
use crate::RequestId;

/// Counters, since the manager or model was made unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Accepted requests.
    pub submitted: u64,
    /// Requests that ended well.
    pub completed: u64,
    /// Requests that ended with an error.
    pub failed: u64,
    /// Requests that were cancelled.
    pub cancelled: u64,
    /// Requests whose deadline passed.
    pub expired: u64,
    /// Attempts started.
    pub attempts: u64,
    /// Attempts beyond the first of a request.
    pub retries: u64,
    /// Attempts that the provider refused for their rate.
    pub rate_limited: u64,
    /// Now: waiting, retries included.
    pub pending: u64,
    /// Now: running.
    pub processing: u64,
    /// Now: payload bytes of live requests; 0 for one model.
    pub pending_bytes: u64,
    /// Usage of ended attempts.
    pub input_tokens: u64,
    /// Usage of ended attempts.
    pub output_tokens: u64,
    /// The part of the input that was read from a cache.
    pub cached_input_tokens: u64,
    /// The part of the output that was not shown.
    pub reasoning_tokens: u64,
}

/// When a request that waits may start, as things stand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitEstimate {
    /// Place in line, from 1; 0 = it runs.
    pub position: u64,
    /// As likely earlier as later.
    pub p50: Duration,
    /// Nine times out of ten earlier.
    pub p90: Duration,
    /// The limit that decides, "tokens/1m of pool account"; "" if none does.
    pub blocked_by: String,
}

impl Manager {
    /// Counters of a model, or of the whole manager.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::FORKED`](crate::Status::FORKED).
    pub fn stats(&self, model: Option<&str>) -> Result<Stats> {
        // SAFETY: all-zero is a value of this struct of numbers.
        let mut raw: sys::llmq_stats_t = unsafe { mem::zeroed() };
        raw.struct_size = mem::size_of_val(&raw) as u32;
        let (name, len) = model_name(model);
        // SAFETY: a live manager, a name of that length or null, a struct that knows its size.
        ffi::check(unsafe { sys::llmq_stats(self.raw(), name, len, &mut raw) })?;
        Ok(Stats {
            submitted: raw.submitted,
            completed: raw.completed,
            failed: raw.failed,
            cancelled: raw.cancelled,
            expired: raw.expired,
            attempts: raw.attempts,
            retries: raw.retries,
            rate_limited: raw.rate_limited,
            pending: raw.pending,
            processing: raw.processing,
            pending_bytes: raw.pending_bytes,
            input_tokens: raw.input_tokens,
            output_tokens: raw.output_tokens,
            cached_input_tokens: raw.cached_input_tokens,
            reasoning_tokens: raw.reasoning_tokens,
        })
    }

    /// Counters of the manager and of every model, and more, as JSON.
    ///
    /// # Errors
    /// [`Status::FORKED`](crate::Status::FORKED), [`Status::NOMEM`](crate::Status::NOMEM).
    pub fn stats_json(&self) -> Result<String> {
        // SAFETY: a live manager, and a place for a text, here and below.
        ffi::owned_text(|text| unsafe { sys::llmq_stats_json(self.raw(), text, ptr::null_mut()) })
    }

    /// State of a model, or of all, as JSON: settings, queue, and for each limit what is used,
    /// reserved and available. Waits for up to one turn of the library's loop.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::CLOSED`](crate::Status::CLOSED),
    /// [`Status::WRONG_THREAD`](crate::Status::WRONG_THREAD) in a callback of another manager.
    pub fn info_json(&self, model: Option<&str>) -> Result<String> {
        let (name, len) = model_name(model);
        // SAFETY: a live manager, a name of that length or null, a place for a text.
        ffi::owned_text(|text| unsafe {
            sys::llmq_manager_info_json(self.raw(), name, len, text, ptr::null_mut())
        })
    }

    /// The same as a value.
    ///
    /// # Errors
    /// As [`Manager::info_json`].
    #[cfg(feature = "serde")]
    pub fn info(&self, model: Option<&str>) -> Result<serde_json::Value> {
        crate::json::read(self.info_json(model)?.as_bytes())
    }

    /// State of a live or recently finished request.
    ///
    /// # Errors
    /// [`Status::STALE`](crate::Status::STALE) if it is forgotten.
    pub fn state(&self, id: RequestId) -> Result<State> {
        let mut state = 0;
        // SAFETY: a live manager, and a place for the state.
        ffi::check(unsafe { sys::llmq_request_state(self.raw(), id, &mut state) })?;
        Ok(State::of(state))
    }

    /// When a request that waits may start, and which limit it waits for.
    ///
    /// # Errors
    /// [`Status::STALE`](crate::Status::STALE) if it has ended,
    /// [`Status::CLOSED`](crate::Status::CLOSED),
    /// [`Status::WRONG_THREAD`](crate::Status::WRONG_THREAD) in a callback of another manager.
    pub fn wait_estimate(&self, id: RequestId) -> Result<WaitEstimate> {
        // SAFETY: all-zero is a value of this struct of numbers.
        let mut raw: sys::llmq_wait_t = unsafe { mem::zeroed() };
        raw.struct_size = mem::size_of_val(&raw) as u32;
        // SAFETY: a live manager, and a struct that knows its size.
        ffi::check(unsafe { sys::llmq_request_wait_estimate(self.raw(), id, &mut raw) })?;
        // SAFETY: the library ends the text with a NUL, within the array.
        let blocked_by = unsafe { CStr::from_ptr(raw.blocked_by.as_ptr()) };
        Ok(WaitEstimate {
            position: raw.position,
            p50: ffi::duration(raw.p50_ns),
            p90: ffi::duration(raw.p90_ns),
            blocked_by: blocked_by.to_string_lossy().into_owned(),
        })
    }
}

/// A name for a call that takes null for the whole manager.
fn model_name(model: Option<&str>) -> (*const std::ffi::c_char, usize) {
    model.map_or((ptr::null(), 0), |name| (name.as_ptr().cast(), name.len()))
}
