//! The one thread of a manager that takes what the library has done to those who wait for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use llmq_sys as sys;

use crate::cq::{Batch, CompletionQueue};
use crate::error::{Error, Result};
use crate::ffi;
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
    is_stopped: AtomicBool,
}

impl Poller {
    pub(crate) fn start(routes: Arc<Routes>) -> Result<Poller> {
        let shared =
            Arc::new(Shared { cq: CompletionQueue::new()?, is_stopped: AtomicBool::new(false) });
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
            if self.cq.drain(&mut batch) > 0 {
                batch.raw_mut().iter_mut().for_each(|event| hand_over(event, routes));
                continue;
            }
            if self.is_stopped.load(Ordering::Acquire) || self.cq.wait(None).is_err() {
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
