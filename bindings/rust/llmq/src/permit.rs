//! Permits: calls that the program makes itself, when the limits have room for them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use llmq_sys as sys;

use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::headers::HeaderLists;
use crate::job::Failure;
use crate::manager::Manager;
use crate::request::Request;
use crate::response::Usage;
use crate::slot::{self, Outcome, Slot};
use crate::status::Status;
use crate::{AttemptId, RequestId};

/// Leave to make one call. Make it, and end the permit with [`release`](Permit::release) or
/// [`fail`](Permit::fail): that is what the limits learn from. One that is dropped before ends with
/// [`Status::ABANDONED`]: its place is free, what was reserved stays charged, and nothing is said of the provider.
///
/// Switch off retries of the SDK that makes the call: each try takes a permit of its own.
#[must_use = "a permit that is dropped is abandoned: release it, or tell how the call failed"]
pub struct Permit {
    handle: Arc<Handle>,
    id: RequestId,
    attempt: AttemptId,
    deployment: String,
    is_over: AtomicBool,
}

impl Permit {
    fn new(handle: Arc<Handle>, id: RequestId, attempt: AttemptId, deployment: String) -> Permit {
        Permit { handle, id, attempt, deployment, is_over: AtomicBool::new(false) }
    }

    /// Id of the request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Id of the permit.
    pub fn attempt_id(&self) -> AttemptId {
        self.attempt
    }

    /// The deployment that the call must go to; "" where the model has one without a name.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// The model that it is for: with `fallback.models` that may be another one than was asked for. "" if it was
    /// lost.
    pub fn model(&self) -> String {
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: a live handle, and places for a pointer and a length; the text is copied at once.
        unsafe {
            match sys::llmq_attempt_model(self.handle.raw(), self.attempt, &mut data, &mut len) {
                sys::LLMQ_OK => ffi::text(data, len).to_owned(),
                _ => String::new(),
            }
        }
    }

    /// Renews the lease, which is the request's [`timeout`](Request::timeout) or the model's `timeout_ms`.
    ///
    /// # Errors
    /// [`Status::STALE`] if the permit was lost.
    pub fn heartbeat(&self) -> Result<()> {
        // SAFETY: a live handle.
        ffi::check(unsafe { sys::llmq_attempt_heartbeat(self.handle.raw(), self.attempt) })
    }

    /// Tells the headers of the answer, which teach the limits of the deployment that was called; before the permit is
    /// ended.
    ///
    /// # Errors
    /// [`Status::STALE`] if the permit was lost, [`Status::INVALID_ARG`] (more than 4,096 headers).
    pub fn report_limits<'a>(
        &self,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<()> {
        let lists = HeaderLists::of(headers);
        // SAFETY: a live handle, and arrays of that many texts and lengths.
        ffi::check(unsafe {
            sys::llmq_attempt_report_limits(
                self.handle.raw(),
                self.attempt,
                lists.names.as_ptr(),
                lists.name_lens.as_ptr(),
                lists.values.as_ptr(),
                lists.value_lens.as_ptr(),
                lists.names.len(),
            )
        })
    }

    /// The call went well, and used that much; none = not known, and what was reserved stays charged. Of a call
    /// that was not made: `Some(Usage::default())`.
    ///
    /// # Errors
    /// [`Status::STALE`] if the permit was lost (its lease was over, or it was cancelled) or has ended before.
    /// [`Status::INVALID_ARG`] for a negative count, with its name: the permit is still held then.
    pub fn release(&self, usage: Option<Usage>) -> Result<()> {
        usage.as_ref().map_or(Ok(()), Usage::check)?;
        let usage = usage.map(Usage::raw);
        let usage = usage.as_ref().map_or(ptr::null(), |usage| usage as *const _);
        // SAFETY: a live handle, and null or a struct that knows its size.
        self.end(unsafe { sys::llmq_permit_release(self.handle.raw(), self.attempt, usage) })
    }

    /// With any other answer than these two it is still held.
    fn end(&self, code: sys::llmq_status_t) -> Result<()> {
        if code == sys::LLMQ_OK || code == sys::LLMQ_ERR_STALE {
            self.is_over.store(true, Ordering::Relaxed);
        }
        ffi::check(code)
    }

    /// The call failed. [`Status::RATE_LIMITED`] with its Retry-After teaches the limits, [`Status::OVERLOADED`],
    /// [`Status::SERVER`] and [`Status::TRANSPORT`] what keeps load and outages from the provider. Nothing is tried
    /// again: ask for another permit.
    ///
    /// # Errors
    /// [`Status::STALE`] as [`Permit::release`]. [`Status::INVALID_ARG`] for a status that is no failure: the permit
    /// is still held then.
    pub fn fail(&self, failure: impl Into<Failure>) -> Result<()> {
        let failure = failure.into();
        failure.check()?;
        self.end(failure.report(&self.handle, self.attempt))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !*self.is_over.get_mut() {
            let dropped = Failure::new(Status::ABANDONED, "the permit was dropped before its end");
            let _ = self.fail(dropped); // one that was lost needs no end
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A permit that was asked for: a future of it. Dropping it before it is ready leaves the line.
#[must_use = "dropping it leaves the line: await it"]
pub struct Acquire {
    slot: Arc<Slot>,
    handle: Arc<Handle>,
    id: RequestId,
    is_over: bool,
}

impl Acquire {
    /// Id of the request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Leaves the line: it ends with [`Status::CANCELLED`] unless the permit comes first.
    pub fn cancel(&self) {
        // SAFETY: a live handle; an id that has ended is recognised.
        unsafe { sys::llmq_cancel(self.handle.raw(), self.id) };
    }

    /// Waits on this thread; without end if no time is given.
    ///
    /// # Errors
    /// Why there is no permit: cancel, deadline, shutdown, oversize. [`Status::TIMEOUT`];
    /// [`Status::WRONG_THREAD`] in a callback, [`Status::FORKED`] in a child.
    pub fn wait(mut self, timeout: Option<Duration>) -> Result<Permit> {
        let outcome = slot::block_on(&self.handle, timeout, |cx| self.slot.poll(cx))?;
        self.take(outcome)
    }

    fn take(&mut self, outcome: Outcome) -> Result<Permit> {
        self.is_over = true;
        match outcome {
            Outcome::Permit { attempt, deployment } => {
                let handle = Arc::clone(&self.handle);
                Ok(Permit::new(handle, self.id, attempt, deployment))
            }
            other => Err(match other.into_result() {
                Err(error) => error,
                Ok(_) => Error::of(Status::INTERNAL.code()),
            }),
        }
    }
}

impl Future for Acquire {
    type Output = Result<Permit>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let found = self.slot.poll(cx);
        found.map(|outcome| self.take(outcome))
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        match self.slot.take() {
            // It has come, and nobody wants it: of a call that is not made the tokens are given back.
            Some(outcome @ Outcome::Permit { .. }) => {
                let _ = self.take(outcome).map(|unused| unused.release(Some(Usage::default())));
            }
            _ => self.cancel(),
        }
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Manager {
    /// Asks for a permit: the program makes the call itself, with an SDK of its own, when the limits of the model
    /// have room for it. It waits in line by priority, tenant and deadline like any request. Tokens are the
    /// request's estimates, else what its payload says; the payload is not kept. The request's timeout is the lease
    /// of the permit: when it is over the permit is lost.
    ///
    /// # Errors
    /// As [`Manager::submit`].
    pub fn acquire(&self, request: &Request<'_>) -> Result<Acquire> {
        let slot = Slot::new();
        let id = self.hand_over(request, &slot, 0, sys::llmq_acquire)?;
        Ok(Acquire { slot, handle: Arc::clone(self.handle()), id, is_over: false })
    }

    /// Takes a permit if it could start now, passing nobody who waits. None: not now. Waits for up to one turn of
    /// the library's loop.
    ///
    /// # Errors
    /// Why it could never start, and as [`Manager::submit`].
    pub fn try_acquire(&self, request: &Request<'_>) -> Result<Option<Permit>> {
        let raw = request.raw(ptr::null_mut(), 0);
        let (mut attempt, mut wait_ns) = (0, 0);
        // SAFETY: a live manager, a request that lives during the call, places for two numbers.
        let code = unsafe { sys::llmq_try_acquire(self.raw(), &raw, &mut attempt, &mut wait_ns) };
        match code {
            sys::LLMQ_ERR_AGAIN => Ok(None),
            sys::LLMQ_OK => {
                let handle = Arc::clone(self.handle());
                Ok(Some(Permit::new(handle, 0, attempt, self.deployment_of(attempt))))
            }
            code => Err(self.why(&raw, code)),
        }
    }

    fn deployment_of(&self, attempt: AttemptId) -> String {
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: a live manager, and places for a pointer and a length; the text is copied at once.
        unsafe {
            match sys::llmq_attempt_deployment(self.raw(), attempt, &mut data, &mut len) {
                sys::LLMQ_OK => ffi::text(data, len).to_owned(),
                _ => String::new(),
            }
        }
    }
}
