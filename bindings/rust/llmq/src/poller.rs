//! The one thread of a manager that takes what the library has done to those who wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use llmq_sys as sys;

use crate::cq::{Batch, CompletionQueue};
use crate::error::{Error, Result};
use crate::ffi;
use crate::pause::Pauses;
use crate::response::Response;
use crate::slot::{Outcome, Slot};
use crate::status::Status;
use crate::stream::Chunk;
use crate::worker::Routes;

pub(crate) struct Poller {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    cq: CompletionQueue,
    pauses: Pauses,
    is_stopped: AtomicBool,
}

/// What a pause needs of the thread.
#[derive(Clone)]
pub(crate) struct Wake(Arc<Shared>);

impl Wake {
    pub(crate) fn pauses(&self) -> &Pauses {
        &self.0.pauses
    }

    /// Has it look at the pauses again.
    pub(crate) fn wake(&self) -> Result<()> {
        self.0.cq.wake()
    }
}

impl Poller {
    pub(crate) fn start(routes: Arc<Routes>) -> Result<Poller> {
        let (cq, pauses) = (CompletionQueue::new()?, Pauses::default());
        let shared = Arc::new(Shared { cq, pauses, is_stopped: AtomicBool::new(false) });
        let thread = thread::Builder::new()
            .name("llmq-poll".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.run(&routes)
            })
            .map_err(|error| Error::new(Status::INTERNAL, format!("no thread: {error}")))?;
        Ok(Poller { shared, thread: Some(thread) })
    }

    pub(crate) fn cq(&self) -> *mut sys::llmq_cq_t {
        self.shared.cq.raw()
    }

    pub(crate) fn thread(&self) -> Wake {
        Wake(Arc::clone(&self.shared))
    }

    /// Ends all pauses: no request comes after them.
    pub(crate) fn close(&self) {
        self.shared.pauses.close();
    }

    /// Ends the thread when it has taken everything that is there.
    pub(crate) fn stop(&mut self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        // A queue that cannot be woken belongs to another process, and so does its thread.
        if self.shared.cq.wake().is_err() {
            self.leave();
        }
        match self.thread.take() {
            Some(thread) if thread.thread().id() != thread::current().id() => {
                let _ = thread.join();
            }
            _ => {}
        }
    }

    /// The same poller, to be stopped by somebody else; this one forgets it.
    pub(crate) fn hand_over(&mut self) -> Poller {
        Poller { shared: Arc::clone(&self.shared), thread: self.thread.take() }
    }

    /// Forgets the thread: in a forked child there is none to be joined.
    pub(crate) fn leave(&mut self) {
        std::mem::forget(self.thread.take());
    }
}

impl Shared {
    fn run(&self, routes: &Routes) {
        let mut batch = Batch::new();
        loop {
            let is_idle = self.cq.drain(&mut batch) == 0;
            batch.raw_mut().iter_mut().for_each(|event| hand_over(event, routes));
            // What a waker panics with ends here.
            let next = ffi::callback(|| self.pauses.end()).unwrap_or(Some(Duration::ZERO));
            if !is_idle {
                continue;
            }
            if self.is_stopped.load(Ordering::Acquire) || self.cq.wait(next).is_err() {
                return;
            }
        }
    }
}

/// Gives an event to its slot. What a waker panics with ends here, so that the others are woken.
fn hand_over(event: &mut sys::llmq_event_t, routes: &Routes) {
    // SAFETY: the user_data of all that this queue is given are slots, of which the terminal event
    // is the last.
    let _ = ffi::callback(|| unsafe {
        match event.r#type {
            sys::LLMQ_EV_DONE => {
                let outcome = Response::take(event).map_or(Outcome::Lost, Outcome::Done);
                Slot::from_user_data(event.user_data).finish(outcome);
            }
            sys::LLMQ_EV_CHUNK => {
                Slot::borrow_user_data(event.user_data).push(Chunk::take(event));
            }
            sys::LLMQ_EV_PERMIT => {
                let len = usize::try_from(event.data_len).unwrap_or(0);
                let deployment = ffi::text(event.data.cast(), len).to_owned();
                let attempt = event.attempt_id;
                Slot::from_user_data(event.user_data)
                    .finish(Outcome::Permit { attempt, deployment });
            }
            sys::LLMQ_EV_READY => routes.ready(event),
            sys::LLMQ_EV_CANCEL_REQUESTED => routes.cancel(event),
            sys::LLMQ_EV_CLOSED => {
                routes.close();
                Slot::from_user_data(event.user_data).finish(Outcome::Closed);
            }
            _ => {}
        }
    });
}
