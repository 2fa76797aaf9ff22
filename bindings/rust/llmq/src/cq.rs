//! Events in batches, for programs that drive the library themselves.

use std::fmt;
use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;
use std::time::Duration;

use llmq_sys as sys;

use crate::error::Result;
use crate::ffi;
use crate::response::{Response, State, Usage};
use crate::status::Status;
use crate::RequestId;

/// Events that one call takes at most, unless told otherwise.
const BATCH: usize = 256;

/// A queue of events, to be drained by the caller: the least that a request can cost. It may serve
/// several managers and outlives them. Most programs want futures instead.
pub struct CompletionQueue(NonNull<sys::llmq_cq_t>);

// SAFETY: any thread may call any function of the library with it.
unsafe impl Send for CompletionQueue {}
// SAFETY: as above.
unsafe impl Sync for CompletionQueue {}

impl CompletionQueue {
    /// An empty queue.
    ///
    /// # Errors
    /// [`Status::NOMEM`]; [`Status::UNSUPPORTED`] if the library cannot be loaded.
    pub fn new() -> Result<CompletionQueue> {
        sys::load()?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: a place for the queue.
        ffi::check(unsafe { sys::llmq_cq_create(&mut raw) })?;
        NonNull::new(raw).map(CompletionQueue).ok_or_else(|| crate::Error::of(Status::NOMEM.code()))
    }

    pub(crate) fn raw(&self) -> *mut sys::llmq_cq_t {
        self.0.as_ptr()
    }

    /// Releases what the batch holds and fills it with what is there; never waits. Returns how many
    /// events it holds now.
    pub fn drain(&self, batch: &mut Batch) -> usize {
        batch.release();
        batch.events[0].stride = mem::size_of::<sys::llmq_event_t>() as u32;
        // SAFETY: room for so many events of that stride.
        batch.count = unsafe {
            sys::llmq_cq_drain(self.raw(), batch.events.as_mut_ptr(), batch.events.len())
        };
        batch.count
    }

    /// Waits for an event on this thread, without end if no time is given. False: the time is over,
    /// or [`wake`](CompletionQueue::wake) was called.
    ///
    /// # Errors
    /// [`Status::WRONG_THREAD`] in a callback, [`Status::FORKED`] in a child.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        // SAFETY: a live queue.
        match unsafe { sys::llmq_cq_wait(self.raw(), timeout.map_or(-1, ffi::nanos)) } {
            sys::LLMQ_ERR_TIMEOUT | sys::LLMQ_ERR_AGAIN => Ok(false),
            code => ffi::check(code).map(|()| true),
        }
    }

    /// Ends the wait of one thread, or the next one.
    ///
    /// # Errors
    /// [`Status::FORKED`] in a child.
    pub fn wake(&self) -> Result<()> {
        // SAFETY: a live queue.
        ffi::check(unsafe { sys::llmq_cq_wake(self.raw()) })
    }

    /// A descriptor that is readable exactly while the queue holds events. It belongs to the queue:
    /// poll it, do not read or close it.
    ///
    /// # Errors
    /// [`Status::INTERNAL`] if there is none to be had, [`Status::FORKED`] in a child.
    pub fn fd(&self) -> Result<RawFd> {
        let mut fd = -1;
        // SAFETY: a live queue, and a place for the number.
        ffi::check(unsafe { sys::llmq_cq_fd(self.raw(), sys::LLMQ_CQ_FD_EVENTFD, &mut fd) })?;
        Ok(fd.as_raw_fd())
    }
}

impl Drop for CompletionQueue {
    fn drop(&mut self) {
        // SAFETY: one reference is ours.
        unsafe { sys::llmq_cq_unref(self.raw()) };
    }
}

impl fmt::Debug for CompletionQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompletionQueue")
    }
}

/// Room for drained events, to be used again and again. What they hold is released by the next
/// drain and at the end.
pub struct Batch {
    events: Vec<sys::llmq_event_t>,
    count: usize,
}

// SAFETY: the events belong to the batch, and any thread may read and release them.
unsafe impl Send for Batch {}
// SAFETY: as above; a shared batch is only read.
unsafe impl Sync for Batch {}

impl Batch {
    /// Room for 256 events.
    pub fn new() -> Batch {
        Batch::with_capacity(BATCH)
    }

    /// Room for so many events, at least one.
    pub fn with_capacity(capacity: usize) -> Batch {
        // SAFETY: all-zero is a value of this struct of numbers and pointers.
        let empty = unsafe { mem::zeroed::<sys::llmq_event_t>() };
        Batch { events: vec![empty; capacity.max(1)], count: 0 }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The events, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Event<'_>> {
        self.events[..self.count].iter().map(Event)
    }

    /// Moves the response of a DONE event out, to live on. None for other events, and the second
    /// time.
    pub fn take(&mut self, index: usize) -> Option<Response> {
        let event = self.events[..self.count].get_mut(index)?;
        if event.r#type != sys::LLMQ_EV_DONE || event.handle.is_null() {
            return None;
        }
        let taken = Response::take(event);
        if taken.is_some() {
            event.data = std::ptr::null();
            event.data_len = 0;
        }
        taken
    }

    /// Releases what the events hold.
    pub fn release(&mut self) {
        // SAFETY: so many drained events.
        unsafe {
            sys::llmq_events_release(
                self.events.as_mut_ptr(),
                mem::size_of::<sys::llmq_event_t>(),
                self.count,
            );
        }
        self.count = 0;
    }

    pub(crate) fn raw_mut(&mut self) -> &mut [sys::llmq_event_t] {
        &mut self.events[..self.count]
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What an event tells. Skip kinds that you do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A request has ended.
    Done,
    /// A piece of a streamed response.
    Chunk,
    /// Another kind, by its number.
    Other(i32),
}

/// One drained event.
#[derive(Clone, Copy)]
pub struct Event<'a>(&'a sys::llmq_event_t);

impl<'a> Event<'a> {
    /// What it tells.
    pub fn kind(&self) -> EventKind {
        match self.0.r#type {
            sys::LLMQ_EV_DONE => EventKind::Done,
            sys::LLMQ_EV_CHUNK => EventKind::Chunk,
            other => EventKind::Other(other),
        }
    }

    /// Done: [`Status::OK`] or why not.
    pub fn status(&self) -> Status {
        Status::from_code(self.0.status)
    }

    /// Done: the state it ended in.
    pub fn state(&self) -> State {
        State::of(self.0.state)
    }

    /// Id of the request.
    pub fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// The request's [`tag`](crate::Request::tag).
    pub fn tag(&self) -> u64 {
        self.0.user_data
    }

    /// Done: the response's payload. Chunk: the piece.
    pub fn data(&self) -> &'a [u8] {
        // SAFETY: the bytes live until the event is released, which needs the batch for itself.
        unsafe { ffi::bytes(self.0.data, usize::try_from(self.0.data_len).unwrap_or(0)) }
    }

    /// Done: usage of the last attempt, zero where it is not known.
    pub fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.0.input_tokens,
            output_tokens: self.0.output_tokens,
            cached_input_tokens: self.0.cached_input_tokens,
            cost_micros: self.0.cost_micros,
            reasoning_tokens: self.0.reasoning_tokens,
        }
    }

    /// Done: attempts made. Chunk: number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Done: time from the submit to the start of the last attempt, or to the end.
    pub fn queued(&self) -> Duration {
        ffi::duration(self.0.queued_ns)
    }

    /// Done: time that the last attempt ran.
    pub fn run(&self) -> Duration {
        ffi::duration(self.0.run_ns)
    }

    /// Done with an error: when a new try may make sense, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.0.retry_after_ns > 0).then(|| ffi::duration(self.0.retry_after_ns))
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind())
            .field("status", &self.status())
            .field("request_id", &self.request_id())
            .field("tag", &self.tag())
            .finish_non_exhaustive()
    }
}
