//! The one type of errors.

use std::fmt;
use std::time::Duration;

use llmq_sys as sys;

use crate::ffi;
use crate::pending::Pending;
use crate::response::Response;
use crate::status::Status;

/// What most functions of this crate return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call or a request failed.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: Status,
    message: String,
    key: String,
    response: Option<Response>,
}

impl Error {
    /// An error with a status and words of your own, as a processor or a test may need.
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error::with(status, message.into(), String::new(), None)
    }

    pub(crate) fn with(
        status: Status,
        message: String,
        key: String,
        response: Option<Response>,
    ) -> Error {
        Error(Box::new(Inner { status, message, key, response }))
    }

    /// The class of the failure.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// What was wrong, in words, with the limit and the value where there are any.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The configuration key or argument that was at fault; "" if none.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The outcome, if this is how a request ended: the provider's own answer, attempts and times.
    pub fn response(&self) -> Option<&Response> {
        self.0.response.as_ref()
    }

    /// The same, taken out of the error.
    pub fn into_response(self) -> Option<Response> {
        self.0.response
    }

    /// When a new try may make sense, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.response.as_ref().and_then(Response::retry_after)
    }

    /// The error of a code alone.
    pub(crate) fn of(code: sys::llmq_status_t) -> Error {
        let status = Status::from_code(code);
        Error::new(status, status.message())
    }

    /// The error of a code, with the words of `err` if there is one.
    pub(crate) fn told(code: sys::llmq_status_t, err: ffi::OwnedError) -> Error {
        match err.read() {
            Some((message, key)) => Error::with(Status::from_code(code), message, key, None),
            None => Error::of(code),
        }
    }

    /// How a request ended that did not end well.
    pub(crate) fn of_response(response: Response) -> Error {
        let status = response.status();
        let told = response.error_message();
        let message = if told.is_empty() { status.message() } else { told }.to_owned();
        Error::with(status, message, String::new(), Some(response))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.status, self.0.message)?;
        if self.0.key.is_empty() || self.0.message.contains(&self.0.key) {
            return Ok(());
        }
        write!(f, " ({})", self.0.key)
    }
}

impl std::error::Error for Error {}

impl From<sys::LoadError> for Error {
    fn from(error: sys::LoadError) -> Error {
        Error::new(Status::UNSUPPORTED, error.to_string())
    }
}

/// Why a batch was not accepted as a whole, and what was accepted of it.
#[derive(Debug)]
pub struct BatchError {
    /// The requests before the one that was refused: they run.
    pub accepted: Vec<Pending>,
    /// Why the next one was refused. It and those after it were not submitted.
    pub error: Error,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {} of the batch: {}", self.accepted.len(), self.error)
    }
}

impl std::error::Error for BatchError {}

impl From<BatchError> for Error {
    /// Keeps the error; the accepted requests are dropped, and so cancelled.
    fn from(batch: BatchError) -> Error {
        batch.error
    }
}
