//! Where the poller puts what a future waits for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::response::Response;
use crate::status::Status;
use crate::stream::Chunk;
use crate::AttemptId;

/// What ends a wait.
pub(crate) enum Outcome {
    /// The request has ended.
    Done(Response),
    /// It has, and there was no memory to say how.
    Lost,
    /// The call may be made now.
    Permit {
        /// The permit.
        attempt: AttemptId,
        /// Where the call goes.
        deployment: String,
    },
    /// The shutdown is complete.
    Closed,
}

impl Outcome {
    pub(crate) fn into_result(self) -> Result<Response> {
        match self {
            Outcome::Done(response) => response.into_result(),
            Outcome::Lost => Err(Error::of(Status::NOMEM.code())),
            Outcome::Permit { .. } | Outcome::Closed => Err(Error::of(Status::INTERNAL.code())),
        }
    }
}

/// One per request. The library knows it as the request's `user_data`, which is a strong reference:
/// every accepted request has exactly one terminal event, and that gives it back.
pub(crate) struct Slot {
    state: Mutex<State>,
    takes_chunks: bool,
}

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    outcome: Option<Outcome>,
    chunks: VecDeque<Chunk>,
}

impl Slot {
    pub(crate) fn new() -> Arc<Slot> {
        Arc::new(Slot { state: Mutex::default(), takes_chunks: false })
    }

    /// One that keeps chunks; others drop them, so that they do not count as unread.
    pub(crate) fn of_stream() -> Arc<Slot> {
        Arc::new(Slot { state: Mutex::default(), takes_chunks: true })
    }

    /// A reference for the library to carry.
    pub(crate) fn into_user_data(self: Arc<Slot>) -> u64 {
        Arc::into_raw(self) as usize as u64
    }

    /// Takes that reference back.
    ///
    /// # Safety
    /// Once for each [`Slot::into_user_data`].
    pub(crate) unsafe fn from_user_data(user_data: u64) -> Arc<Slot> {
        // SAFETY: as the caller promises.
        unsafe { Arc::from_raw(user_data as usize as *const Slot) }
    }

    /// Borrows it.
    ///
    /// # Safety
    /// Before [`Slot::from_user_data`], and not beyond it.
    pub(crate) unsafe fn borrow_user_data<'a>(user_data: u64) -> &'a Slot {
        // SAFETY: as the caller promises.
        unsafe { &*(user_data as usize as *const Slot) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        self.change(|state| state.outcome = Some(outcome));
    }

    /// The outcome, if it is there.
    pub(crate) fn take(&self) -> Option<Outcome> {
        self.lock().outcome.take()
    }

    pub(crate) fn push(&self, chunk: Chunk) {
        if self.takes_chunks {
            self.change(|state| state.chunks.push_back(chunk));
        }
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Outcome> {
        let mut state = self.lock();
        match state.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => state.wait(cx),
        }
    }

    /// The next chunk, or the outcome after the last one.
    pub(crate) fn poll_chunk(&self, cx: &Context<'_>) -> Poll<std::result::Result<Chunk, Outcome>> {
        let mut state = self.lock();
        if let Some(chunk) = state.chunks.pop_front() {
            return Poll::Ready(Ok(chunk));
        }
        match state.outcome.take() {
            Some(outcome) => Poll::Ready(Err(outcome)),
            None => state.wait(cx),
        }
    }
}

impl State {
    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        match &mut self.waker {
            Some(known) => known.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread until `poll` is ready.
///
/// Errors: TIMEOUT; WRONG_THREAD where waiting would stop who is waited for; FORKED in a child.
pub(crate) fn block_on<T>(
    handle: &Handle,
    timeout: Option<Duration>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Result<T> {
    if ffi::in_callback() {
        return Err(Error::of(Status::WRONG_THREAD.code()));
    }
    if handle.is_forked() {
        return Err(Error::of(Status::FORKED.code()));
    }
    let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(found) = poll(&mut cx) {
            return Ok(found);
        }
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            None => thread::park(),
            Some(Duration::ZERO) => return Err(Error::of(Status::TIMEOUT.code())),
            Some(left) => thread::park_timeout(left),
        }
    }
}
