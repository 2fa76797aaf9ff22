//! The beginning of a manager's end, for those who wait for something else meanwhile.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Whether a shutdown has begun, and who wants to hear of it.
#[derive(Default)]
pub(crate) struct Signal(Mutex<State>);

#[derive(Default)]
struct State {
    has_begun: bool,
    next: u64,
    wakers: HashMap<u64, Waker>,
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self) {
        let wakers = {
            let mut state = self.lock();
            state.has_begun = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }
}

/// A future that is ready when a shutdown of the manager has begun. See
/// [`Manager::closing`](crate::Manager::closing).
#[must_use = "futures do nothing unless they are polled"]
pub struct Closing {
    signal: Arc<Signal>,
    /// Its own among the wakers.
    number: u64,
}

impl Closing {
    pub(crate) fn of(signal: &Arc<Signal>) -> Closing {
        let number = {
            let mut state = signal.lock();
            state.next += 1;
            state.next
        };
        Closing { signal: Arc::clone(signal), number }
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.signal.lock();
        if state.has_begun {
            return Poll::Ready(());
        }
        state.wakers.insert(self.number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let waker = self.signal.lock().wakers.remove(&self.number);
        drop(waker); // without the lock: it may run code of the executor
    }
}

impl std::fmt::Debug for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closing")
    }
}
