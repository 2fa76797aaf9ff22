//! A request that has been submitted.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use llmq_sys as sys;

use crate::error::Result;
use crate::handle::Handle;
use crate::response::Response;
use crate::slot::{self, Slot};
use crate::RequestId;

/// A submitted request: a future of its response. It runs whether it is polled or not.
///
/// Dropping it before it is ready cancels the request; see [`Pending::detach`].
#[must_use = "dropping it cancels the request: await it, or call detach()"]
pub struct Pending {
    slot: Arc<Slot>,
    handle: Arc<Handle>,
    id: RequestId,
    is_over: bool,
}

impl Pending {
    pub(crate) fn new(slot: Arc<Slot>, handle: Arc<Handle>, id: RequestId) -> Pending {
        Pending { slot, handle, id, is_over: false }
    }

    /// Id of the request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Asks for it to be cancelled: it ends with [`Status::CANCELLED`](crate::Status::CANCELLED)
    /// unless it ends otherwise first.
    pub fn cancel(&self) {
        // SAFETY: a live handle; an id that has ended is recognised.
        unsafe { sys::llmq_cancel(self.handle.raw(), self.id) };
    }

    /// Lets it run without anybody waiting: fire and forget. Returns its id.
    pub fn detach(mut self) -> RequestId {
        self.is_over = true;
        self.id
    }

    /// Waits on this thread.
    ///
    /// # Errors
    /// How the request ended; [`Status::WRONG_THREAD`](crate::Status::WRONG_THREAD) in a callback
    /// or a waker, [`Status::FORKED`](crate::Status::FORKED) in a child.
    pub fn wait(self) -> Result<Response> {
        self.wait_up_to(None)
    }

    /// Waits on this thread for so long; then the request is cancelled.
    ///
    /// # Errors
    /// As [`Pending::wait`]; [`Status::TIMEOUT`](crate::Status::TIMEOUT) if the time is over.
    pub fn wait_for(self, timeout: Duration) -> Result<Response> {
        self.wait_up_to(Some(timeout))
    }

    fn wait_up_to(mut self, timeout: Option<Duration>) -> Result<Response> {
        let outcome = slot::block_on(&self.handle, timeout, |cx| self.slot.poll(cx))?;
        self.is_over = true;
        outcome.into_result()
    }
}

impl Future for Pending {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.slot.poll(cx).map(|outcome| {
            self.is_over = true;
            outcome.into_result()
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_over {
            self.cancel();
        }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("id", &self.id).finish_non_exhaustive()
    }
}
