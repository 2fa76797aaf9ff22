//! An attempt that a program runs itself.

use std::cell::RefCell;
use std::ffi::c_void;
use std::fmt;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use llmq_sys as sys;

use crate::cancels::{Cancel, Cancelled, Cancels};
use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::response::Usage;
use crate::status::Status;
use crate::{AttemptId, RequestId};

/// What an attempt produced: the response's payload, and what was used.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    data: Vec<u8>,
    usage: Option<Usage>,
}

impl Answer {
    /// An answer of so many bytes. Without [`usage`](Answer::usage) what was estimated stays
    /// charged.
    pub fn new(data: impl Into<Vec<u8>>) -> Answer {
        Answer { data: data.into(), usage: None }
    }

    /// An answer that is the JSON of a value.
    ///
    /// # Errors
    /// [`Status::INVALID_ARG`] if it cannot be written as JSON.
    #[cfg(feature = "serde")]
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Answer> {
        Ok(Answer::new(crate::json::write(value)?))
    }

    /// What was used.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Answer {
        self.usage = Some(usage);
        self
    }
}

impl<T: Into<Vec<u8>>> From<T> for Answer {
    fn from(data: T) -> Answer {
        Answer::new(data)
    }
}

/// Why an attempt failed. [`Status::RATE_LIMITED`], [`Status::OVERLOADED`], [`Status::SERVER`],
/// [`Status::TRANSPORT`] and [`Status::TIMEOUT`] are tried again; every other status is final.
#[derive(Clone, Debug)]
pub struct Failure {
    status: Status,
    message: String,
    retry_after: Duration,
}

impl Failure {
    /// A failure of that class, and why, for people.
    pub fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure { status, message: message.into(), retry_after: Duration::ZERO }
    }

    /// Asks for no new try before that time from now. With [`Status::RATE_LIMITED`] the model
    /// starts nothing before then. One without end (more than 292 years) counts as
    /// none, and [`Config::log`](crate::Config::log) is given a warning.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Failure {
        self.retry_after = time;
        self
    }
}

impl From<Error> for Failure {
    /// Of an error of this crate: its message, as a final failure.
    fn from(error: Error) -> Failure {
        Failure::new(Status::PROCESSING, error.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::new(Status::PROCESSING, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Failure {
        Failure::new(Status::PROCESSING, message)
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Failure {
        Failure::new(Status::PROCESSING, error.to_string())
    }
}

/// One attempt to be run. End it with [`succeed`](Job::succeed), [`fail`](Job::fail) or
/// [`finish`](Job::finish), now or later, from any thread. One that is dropped without fails: with
/// [`Status::PROCESSING`] if its thread panics, else with [`Status::ABANDONED`].
pub struct Job {
    event: sys::llmq_event_t,
    handle: Arc<Handle>,
    cancels: Arc<Cancels>,
    cancel: Arc<Cancel>,
    /// How it ended, of a job that several hold: reported when the last one lets go.
    result: Mutex<Option<std::result::Result<Answer, Failure>>>,
}

// SAFETY: the event's data lives until the attempt is reported, which ends the job, and is only
// read.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

type Getter<T> =
    unsafe fn(*mut sys::llmq_manager_t, AttemptId, *mut *const T, *mut usize) -> sys::llmq_status_t;

impl Job {
    /// # Safety
    /// `event` must be a READY of that manager, of which nobody else reports or releases anything.
    pub(crate) unsafe fn new(
        event: sys::llmq_event_t,
        handle: Arc<Handle>,
        cancels: Arc<Cancels>,
    ) -> Job {
        let cancel = cancels.begin(event.attempt_id);
        Job { event, handle, cancels, cancel, result: Mutex::new(None) }
    }

    /// The request's payload.
    pub fn payload(&self) -> &[u8] {
        // SAFETY: lives until the attempt is reported.
        unsafe { ffi::bytes(self.event.data, usize::try_from(self.event.data_len).unwrap_or(0)) }
    }

    /// The same, read from JSON.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] if it is not JSON of a `T`.
    #[cfg(feature = "serde")]
    pub fn json<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T> {
        crate::json::read(self.payload())
    }

    fn bytes_of<T>(&self, getter: Getter<T>) -> &[u8] {
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: a live handle, and places for a pointer and a length. What it gives lives as long
        // as the payload.
        unsafe {
            match getter(self.handle.raw(), self.attempt_id(), &mut data, &mut len) {
                sys::LLMQ_OK => ffi::bytes(data.cast::<c_void>(), len),
                _ => &[],
            }
        }
    }

    /// Name of the model; "" if the attempt has ended.
    pub fn model(&self) -> &str {
        std::str::from_utf8(self.bytes_of(sys::llmq_attempt_model)).unwrap_or("")
    }

    /// Whose request it is; "" if the attempt has ended.
    pub fn tenant(&self) -> &str {
        std::str::from_utf8(self.bytes_of(sys::llmq_attempt_tenant)).unwrap_or("")
    }

    /// The request's own key; "" if it has none.
    pub fn request_key(&self) -> &str {
        std::str::from_utf8(self.bytes_of(sys::llmq_attempt_request_key)).unwrap_or("")
    }

    /// The bytes that were given with the request.
    pub fn metadata(&self) -> &[u8] {
        self.bytes_of(sys::llmq_attempt_metadata)
    }

    /// Id of the request; of a call that several share, an id of the call's own.
    pub fn request_id(&self) -> RequestId {
        self.event.request_id
    }

    /// Id of the attempt.
    pub fn attempt_id(&self) -> AttemptId {
        self.event.attempt_id
    }

    /// Number of the attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.event.attempt
    }

    /// True if the caller takes the response in pieces, see [`Job::chunk`].
    pub fn is_stream(&self) -> bool {
        self.event.flags & sys::LLMQ_EVENT_STREAM != 0
    }

    /// Hands over a piece of the response. An attempt that has handed over one is not retried any
    /// more. [`succeed`](Job::succeed) still gives the whole response.
    ///
    /// # Errors
    /// [`Status::AGAIN`] while the caller has not read enough of the earlier pieces: come again
    /// later; [`Status::UNSUPPORTED`] if it takes none; [`Status::STALE`] if the attempt has
    /// ended: stop.
    pub fn chunk(&self, piece: &[u8]) -> Result<()> {
        // SAFETY: a live handle, and so many bytes.
        ffi::check(unsafe {
            sys::llmq_attempt_chunk(
                self.handle.raw(),
                self.attempt_id(),
                piece.as_ptr().cast(),
                piece.len(),
            )
        })
    }

    /// Says that the attempt still runs: its lease (see [`Manager::worker`](crate::Manager::worker)) begins anew.
    ///
    /// # Errors
    /// [`Status::STALE`] if the attempt has ended: stop.
    pub fn heartbeat(&self) -> Result<()> {
        // SAFETY: a live handle.
        ffi::check(unsafe { sys::llmq_attempt_heartbeat(self.handle.raw(), self.attempt_id()) })
    }

    /// True if the attempt has ended for the library: stop. What is reported then counts for
    /// nothing.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_requested()
    }

    /// A future that is ready when that happens.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled(Arc::clone(&self.cancel))
    }

    /// Ends the attempt with a result.
    pub fn succeed(self, answer: impl Into<Answer>) {
        self.finish(Ok(answer.into()));
    }

    /// Ends the attempt with a failure.
    pub fn fail(self, failure: impl Into<Failure>) {
        self.finish(Err(failure.into()));
    }

    /// Ends the attempt as a function ended.
    pub fn finish(self, result: std::result::Result<Answer, Failure>) {
        self.settle(result);
    }

    /// What is reported when the last one lets go of the job.
    pub(crate) fn settle(&self, result: std::result::Result<Answer, Failure>) {
        *self.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    fn report(&mut self, result: std::result::Result<Answer, Failure>) {
        let attempt = self.event.attempt_id;
        self.cancels.end(attempt);
        let reported = match &result {
            Ok(answer) => answer.report(&self.handle, attempt),
            Err(failure) => failure.check().and_then(|()| {
                let code = failure.report(&self.handle, attempt);
                ffi::check(code)
            }),
        };
        match reported {
            // It had ended, or belongs to another process.
            Err(error) if matches!(error.status(), Status::STALE | Status::FORKED) => {}
            // It still runs: what was reported was not acceptable, or there was no room for it.
            Err(error) => {
                Failure::new(Status::PROCESSING, error.message()).report(&self.handle, attempt);
            }
            Ok(()) => {}
        }
        // SAFETY: an event that is ours. Nobody reads the payload now.
        unsafe {
            sys::llmq_events_release(&mut self.event, mem::size_of::<sys::llmq_event_t>(), 1);
        }
    }
}

impl Answer {
    fn report(&self, handle: &Handle, attempt: AttemptId) -> Result<()> {
        self.usage.as_ref().map_or(Ok(()), Usage::check)?;
        let usage = self.usage.map(Usage::raw);
        let usage = usage.as_ref().map_or(ptr::null(), |usage| usage as *const _);
        let data = self.data.as_ptr().cast();
        // SAFETY: a live handle, so many bytes, and null or a struct that knows its size.
        ffi::check(unsafe {
            sys::llmq_attempt_succeed(handle.raw(), attempt, data, self.data.len(), usage)
        })
    }
}

impl Failure {
    /// An error unless its status is a failure.
    pub(crate) fn check(&self) -> Result<()> {
        if self.status.code() < 0 {
            return Ok(());
        }
        let words = format!("status: {} is no failure", self.status);
        Err(Error::with(Status::INVALID_ARG, words, "status".to_owned(), None))
    }

    pub(crate) fn report(&self, handle: &Handle, attempt: AttemptId) -> sys::llmq_status_t {
        let retry_after_ns = i64::try_from(self.retry_after.as_nanos()).unwrap_or_else(|_| {
            let told = self.retry_after;
            handle.warn(&format!("retry_after: {told:?} has no end, and counts as not told"));
            0
        });
        // SAFETY: a live handle, and a text of that length.
        unsafe {
            sys::llmq_attempt_fail(
                handle.raw(),
                attempt,
                self.status.code(),
                self.message.as_ptr().cast(),
                self.message.len(),
                retry_after_ns,
            )
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let result = self.result.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if result.is_none() && std::thread::panicking() && wait_for_words(self) {
            return;
        }
        let result = result.unwrap_or_else(|| {
            Err(if std::thread::panicking() {
                Failure::new(Status::PROCESSING, "the processor panicked")
            } else {
                Failure::new(
                    Status::ABANDONED,
                    "the processor dropped the attempt without a report",
                )
            })
        });
        self.report(result);
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("attempt_id", &self.attempt_id())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// Jobs that a panic has dropped where catch() is about to know its words.
    static DROPPED: RefCell<Option<Vec<Job>>> = const { RefCell::new(None) };
}

/// Moves a job that a panic drops to where its report gets the words of the panic, if there is such
/// a place.
fn wait_for_words(job: &mut Job) -> bool {
    DROPPED.with(|dropped| {
        let mut dropped = dropped.borrow_mut();
        let Some(list) = dropped.as_mut() else { return false };
        list.push(Job {
            event: job.event,
            handle: Arc::clone(&job.handle),
            cancels: Arc::clone(&job.cancels),
            cancel: Arc::clone(&job.cancel),
            result: Mutex::new(None),
        });
        true
    })
}

/// Runs a processor. If it panics, the jobs that it drops fail with the words of the panic, which
/// come back.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> std::result::Result<T, Failure> {
    let outer = DROPPED.replace(Some(Vec::new()));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let jobs = DROPPED.replace(outer).unwrap_or_default();
    result.map_err(|panic| {
        let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        let failure = Failure::from(match words {
            Some(words) => format!("the processor panicked: {words}"),
            None => "the processor panicked".to_owned(),
        });
        jobs.into_iter().for_each(|job| job.fail(failure.clone()));
        failure
    })
}
