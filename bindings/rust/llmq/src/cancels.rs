//! Attempts that run, and which of them have ended for the library.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::AttemptId;

/// The attempts of a manager that have not been reported.
#[derive(Default)]
pub(crate) struct Cancels(Mutex<HashMap<AttemptId, Arc<Cancel>>>);

impl Cancels {
    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, Arc<Cancel>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, attempt: AttemptId) -> Arc<Cancel> {
        Arc::clone(self.lock().entry(attempt).or_default())
    }

    pub(crate) fn end(&self, attempt: AttemptId) {
        self.lock().remove(&attempt);
    }

    /// The library asks for an attempt to stop. One that is not known has just been reported.
    pub(crate) fn request(&self, attempt: AttemptId) {
        let found = self.lock().get(&attempt).cloned();
        if let Some(cancel) = found {
            cancel.request();
        }
    }
}

/// Whether an attempt should stop, and who wants to hear of it.
#[derive(Default)]
pub(crate) struct Cancel(Mutex<State>);

#[derive(Default)]
struct State {
    is_requested: bool,
    wakers: Vec<Waker>,
}

impl Cancel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.lock().is_requested
    }

    fn request(&self) {
        let wakers = {
            let mut state = self.lock();
            state.is_requested = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// A future that is ready when an attempt should stop: it was cancelled, or its time is over. See
/// [`Job::cancelled`](crate::Job::cancelled).
pub struct Cancelled(pub(crate) Arc<Cancel>);

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.is_requested {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|known| known.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl std::fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cancelled")
    }
}
