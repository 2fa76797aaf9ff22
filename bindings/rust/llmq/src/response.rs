//! How a request ended.

use std::ffi::c_char;
use std::fmt;
use std::mem;
use std::ptr::{self, NonNull};
use std::time::Duration;

use llmq_sys as sys;

use crate::error::{Error, Result};
use crate::ffi;
use crate::status::Status;
use crate::RequestId;

/// Where a request is in its life. A retry goes back to pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Waits for its limits, or for a retry.
    Pending,
    /// An attempt runs.
    Processing,
    /// It ended well.
    Completed,
    /// It ended with an error.
    Failed,
    /// The caller cancelled it.
    Cancelled,
    /// Its deadline passed first.
    Expired,
    /// A state that this version of the crate does not know.
    Other(i32),
}

impl State {
    pub(crate) fn of(code: i32) -> State {
        match code {
            sys::LLMQ_STATE_PENDING => State::Pending,
            sys::LLMQ_STATE_PROCESSING => State::Processing,
            sys::LLMQ_STATE_COMPLETED => State::Completed,
            sys::LLMQ_STATE_FAILED => State::Failed,
            sys::LLMQ_STATE_CANCELLED => State::Cancelled,
            sys::LLMQ_STATE_EXPIRED => State::Expired,
            other => State::Other(other),
        }
    }
}

/// Actual consumption of one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Everything that entered the model, cached tokens included.
    pub input_tokens: i64,
    /// Everything that it produced, reasoning included.
    pub output_tokens: i64,
    /// The part of `input_tokens` that was read from a cache.
    pub cached_input_tokens: i64,
    /// Money in millionths of the currency's unit; 0 if unknown.
    pub cost_micros: i64,
    /// The part of `output_tokens` that is not shown; 0 if none or unknown.
    pub reasoning_tokens: i64,
}

impl Usage {
    /// Usage of so many input and output tokens.
    pub fn tokens(input: i64, output: i64) -> Usage {
        Usage { input_tokens: input, output_tokens: output, ..Usage::default() }
    }

    /// An error that names a count which is none.
    pub(crate) fn check(&self) -> Result<()> {
        let counts = [
            ("input_tokens", self.input_tokens),
            ("output_tokens", self.output_tokens),
            ("cached_input_tokens", self.cached_input_tokens),
            ("cost_micros", self.cost_micros),
            ("reasoning_tokens", self.reasoning_tokens),
        ];
        match counts.into_iter().find(|(_, count)| *count < 0) {
            Some((name, count)) => {
                let words = format!("usage: {name} is {count}, and must be 0 or more");
                Err(Error::with(Status::INVALID_ARG, words, "usage".to_owned(), None))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn raw(self) -> sys::llmq_usage_t {
        sys::llmq_usage_t {
            struct_size: mem::size_of::<sys::llmq_usage_t>() as u32,
            reserved: 0,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_input_tokens: self.cached_input_tokens,
            cost_micros: self.cost_micros,
            reasoning_tokens: self.reasoning_tokens,
        }
    }

    pub(crate) fn of(raw: &sys::llmq_usage_t) -> Usage {
        Usage {
            input_tokens: raw.input_tokens,
            output_tokens: raw.output_tokens,
            cached_input_tokens: raw.cached_input_tokens,
            cost_micros: raw.cost_micros,
            reasoning_tokens: raw.reasoning_tokens,
        }
    }
}

/// Times of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// From the submit to the start of the last attempt, or to the end if there was none.
    pub queued: Duration,
    /// How long the last attempt ran; zero if there was none.
    pub run: Duration,
    /// From the start of the last attempt to its first output, of a stream.
    pub first_output: Option<Duration>,
}

/// The one outcome of a request. Reading it costs no copy.
pub struct Response(NonNull<sys::llmq_response_t>, i64);

// SAFETY: a response is immutable; any thread may read and free it.
unsafe impl Send for Response {}
// SAFETY: as above.
unsafe impl Sync for Response {}

type TextGetter = unsafe fn(*const sys::llmq_response_t, *mut usize) -> *const c_char;

impl Response {
    /// Takes a response of the library, and what its event told beside it.
    ///
    /// # Safety
    /// `raw` must be a live response that nobody else frees.
    pub(crate) unsafe fn own(raw: *mut sys::llmq_response_t, retry_after_ns: i64) -> Option<Self> {
        NonNull::new(raw).map(|raw| Response(raw, retry_after_ns))
    }

    /// Moves the outcome out of a DONE event.
    pub(crate) fn take(event: &mut sys::llmq_event_t) -> Option<Response> {
        let mut raw = ptr::null_mut();
        // SAFETY: a drained event, and a place for the outcome.
        let code = unsafe { sys::llmq_event_take(event, &mut raw) };
        debug_assert!(code == sys::LLMQ_OK || code == sys::LLMQ_ERR_NOMEM);
        // SAFETY: null, or ours from now on.
        unsafe { Response::own(raw, event.retry_after_ns) }
    }

    fn raw(&self) -> *const sys::llmq_response_t {
        self.0.as_ptr()
    }

    fn text_of(&self, getter: TextGetter) -> &str {
        let mut len = 0;
        // SAFETY: a live response; the text lives as long as it does.
        unsafe { ffi::text(getter(self.raw(), &mut len), len) }
    }

    /// [`Status::OK`] or why the request failed.
    pub fn status(&self) -> Status {
        // SAFETY: a live response, here and below.
        Status::from_code(unsafe { sys::llmq_response_status(self.raw()) })
    }

    /// The state it ended in.
    pub fn state(&self) -> State {
        // SAFETY: a live response.
        State::of(unsafe { sys::llmq_response_state(self.raw()) })
    }

    /// The processor's data, or the body that the provider sent, also with an error.
    pub fn data(&self) -> &[u8] {
        let mut len = 0;
        // SAFETY: a live response; the bytes live as long as it does.
        unsafe { ffi::bytes(sys::llmq_response_data(self.raw(), &mut len), len) }
    }

    /// The same as text.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(self.data()).map_err(|error| {
            Error::new(Status::INVALID_VALUE, format!("the response is no text: {error}"))
        })
    }

    /// The same, read from JSON.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] if it is not JSON of a `T`.
    #[cfg(feature = "serde")]
    pub fn json<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T> {
        crate::json::read(self.data())
    }

    /// What went wrong, in words; "" if nothing did.
    pub fn error_message(&self) -> &str {
        self.text_of(sys::llmq_response_error)
    }

    /// Usage of the last attempt, if it is known.
    pub fn usage(&self) -> Option<Usage> {
        let mut raw = Usage::default().raw();
        // SAFETY: a live response, and a struct that knows its size.
        let code = unsafe { sys::llmq_response_usage(self.raw(), &mut raw) };
        (code == sys::LLMQ_OK).then(|| Usage::of(&raw))
    }

    /// How long it waited and ran.
    pub fn timings(&self) -> Timings {
        let (mut submitted, mut started, mut finished) = (0, 0, 0);
        // SAFETY: a live response, and places for three times.
        let first = unsafe {
            sys::llmq_response_timings(self.raw(), &mut submitted, &mut started, &mut finished);
            sys::llmq_response_first_output_ns(self.raw())
        };
        let start = if started == 0 { finished } else { started };
        Timings {
            queued: ffi::duration(start - submitted),
            run: ffi::duration(finished - start),
            first_output: (first > 0).then(|| ffi::duration(first)),
        }
    }

    /// When a new try may make sense, if the request failed and that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.1 > 0).then(|| ffi::duration(self.1))
    }

    /// True if another request has told the usage of the same call: sums must leave it out.
    pub fn is_shared(&self) -> bool {
        self.has(sys::LLMQ_EVENT_SHARED)
    }

    /// True if this is an answer from before, which cost nothing now.
    pub fn is_cached(&self) -> bool {
        self.has(sys::LLMQ_EVENT_CACHED)
    }

    fn has(&self, flag: u32) -> bool {
        // SAFETY: a live response.
        unsafe { sys::llmq_response_flags(self.raw()) & flag != 0 }
    }

    /// Attempts made.
    pub fn attempts(&self) -> u32 {
        // SAFETY: a live response.
        unsafe { sys::llmq_response_attempts(self.raw()) }
    }

    /// The attempts of a request of which at least one has failed, as a JSON array; "[]" if none
    /// has.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    pub fn attempts_json(&self) -> Result<String> {
        // SAFETY: a live response, and a place for a text.
        ffi::owned_text(|text| unsafe {
            sys::llmq_response_attempts_json(self.raw(), text, ptr::null_mut())
        })
    }

    /// The same as values.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    #[cfg(feature = "serde")]
    pub fn attempts_history(&self) -> Result<Vec<crate::AttemptRecord>> {
        crate::json::read(self.attempts_json()?.as_bytes())
    }

    /// Id of the request.
    pub fn request_id(&self) -> RequestId {
        // SAFETY: a live response.
        unsafe { sys::llmq_response_request_id(self.raw()) }
    }

    /// HTTP status of the last answer of a built-in provider, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        // SAFETY: a live response.
        let status = unsafe { sys::llmq_response_http_status(self.raw()) };
        u16::try_from(status).ok().filter(|&status| status != 0)
    }

    /// The provider's own id of its last answer; "" if there was none.
    pub fn provider_request_id(&self) -> &str {
        self.text_of(sys::llmq_response_provider_request_id)
    }

    /// The model that the request went to in the end, if that is another one than was asked for;
    /// else "".
    pub fn fallback_model(&self) -> &str {
        self.text_of(sys::llmq_response_fallback_model)
    }

    /// The deployment that ran the last attempt; "" if it has no name, or none ran.
    pub fn deployment(&self) -> &str {
        self.text_of(sys::llmq_response_deployment)
    }

    /// The request's own key; "" if it has none.
    pub fn request_key(&self) -> &str {
        self.text_of(sys::llmq_response_request_key)
    }

    /// The bytes that were given with the request.
    pub fn metadata(&self) -> &[u8] {
        let mut len = 0;
        // SAFETY: a live response; the bytes live as long as it does.
        unsafe { ffi::bytes(sys::llmq_response_metadata(self.raw(), &mut len), len) }
    }

    /// Ok if the request ended well, else the error that says how it ended.
    ///
    /// # Errors
    /// How the request ended.
    pub fn into_result(self) -> Result<Response> {
        if self.status().is_ok() {
            Ok(self)
        } else {
            Err(Error::of_response(self))
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        // SAFETY: ours, and freed once.
        unsafe { sys::llmq_response_free(self.0.as_ptr()) };
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("request_id", &self.request_id())
            .field("status", &self.status())
            .field("attempts", &self.attempts())
            .field("bytes", &self.data().len())
            .finish()
    }
}
