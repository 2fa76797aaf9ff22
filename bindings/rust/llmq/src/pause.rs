//! Pauses before a next request: a timer for any executor, which the beginning of a manager's end cuts short.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::poller::Wake;
use crate::status::Status;

/// Stands for a time that no clock reaches.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// When a pause is over, and which of those that end then it is.
type Key = (Instant, u64);

/// The pauses of a manager. The thread that takes its events ends them.
#[derive(Default)]
pub(crate) struct Pauses {
    state: Mutex<State>,
    /// Looked at between events, so that no lock is taken where nobody pauses.
    are_any: AtomicBool,
}

#[derive(Default)]
struct State {
    is_closing: bool,
    next: u64,
    wakers: BTreeMap<Key, Waker>,
}

impl Pauses {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all, now and later.
    pub(crate) fn close(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_closing = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    /// Ends those that are over. Returns how long the next one lasts, if there is one.
    pub(crate) fn end(&self) -> Option<Duration> {
        if !self.are_any.load(Ordering::Acquire) {
            return None;
        }
        let now = Instant::now();
        let (over, next) = {
            let mut state = self.lock();
            let later = state.wakers.split_off(&(now, u64::MAX));
            let over = std::mem::replace(&mut state.wakers, later);
            let next = state.wakers.first_key_value().map(|((until, _), _)| *until - now);
            self.are_any.store(next.is_some(), Ordering::Release);
            (over, next)
        };
        over.into_values().for_each(Waker::wake);
        next
    }

    fn number(&self) -> u64 {
        let mut state = self.lock();
        state.next += 1;
        state.next
    }

    /// True if the pause has to go on. Of one that is the first to end, the thread is told.
    fn goes_on(&self, key: Key, waker: &Waker, thread: &Wake) -> Result<bool> {
        let is_first = {
            let mut state = self.lock();
            if state.is_closing {
                return Err(Error::of(Status::CLOSED.code()));
            }
            if key.0 <= Instant::now() {
                return Ok(false);
            }
            let is_new = state.wakers.insert(key, waker.clone()).is_none();
            self.are_any.store(true, Ordering::Release);
            is_new && state.wakers.first_key_value().is_some_and(|(first, _)| *first == key)
        };
        if is_first {
            thread.wake()?;
        }
        Ok(true)
    }
}

/// A future that is ready when a time is over, or a shutdown of the manager has begun. See
/// [`Manager::pause`](crate::Manager::pause).
#[must_use = "futures do nothing unless they are polled"]
pub struct Pause {
    handle: Arc<Handle>,
    thread: Wake,
    key: Key,
}

impl Pause {
    pub(crate) fn new(handle: &Arc<Handle>, thread: Wake, time: Duration) -> Pause {
        let until = Instant::now() + time.min(NEVER);
        let key = (until, thread.pauses().number());
        Pause { handle: Arc::clone(handle), thread, key }
    }
}

impl Future for Pause {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.handle.is_forked() {
            return Poll::Ready(Err(Error::of(Status::FORKED.code())));
        }
        match self.thread.pauses().goes_on(self.key, cx.waker(), &self.thread) {
            Ok(true) => Poll::Pending,
            Ok(false) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let waker = self.thread.pauses().lock().wakers.remove(&self.key);
        drop(waker); // without the lock: it may run code of the executor
    }
}

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pause")
    }
}
