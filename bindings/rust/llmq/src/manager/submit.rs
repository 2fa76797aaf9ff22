//! Handing over requests.

use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use llmq_sys as sys;

use super::Manager;
use crate::cq::CompletionQueue;
use crate::error::{BatchError, Error, Result};
use crate::ffi::{self, OwnedError};
use crate::pending::Pending;
use crate::request::Request;
use crate::response::{Response, Usage};
use crate::slot::Slot;
use crate::stream::ResponseStream;
use crate::RequestId;

/// `llmq_submit` or `llmq_acquire`.
type Submit = unsafe fn(
    *mut sys::llmq_manager_t,
    *const sys::llmq_request_t,
    *mut RequestId,
) -> sys::llmq_status_t;

impl Manager {
    /// Hands over a request. Never waits for a limit: it queues. What comes back is a future of the
    /// response.
    ///
    /// # Errors
    /// What is known at once: [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::QUEUE_FULL`](crate::Status::QUEUE_FULL),
    /// [`Status::OVERSIZE`](crate::Status::OVERSIZE),
    /// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE) (the payload is not what the
    /// provider takes), [`Status::CLOSING`](crate::Status::CLOSING),
    /// [`Status::CLOSED`](crate::Status::CLOSED), [`Status::FORKED`](crate::Status::FORKED). A
    /// request that is refused has no other outcome.
    pub fn submit(&self, request: &Request<'_>) -> Result<Pending> {
        let slot = Slot::new();
        let id = self.hand_over(request, &slot, 0, sys::llmq_submit)?;
        Ok(Pending::new(slot, Arc::clone(self.handle()), id))
    }

    /// The same, awaited: for calls of which nothing but the response is wanted.
    ///
    /// # Errors
    /// As [`Manager::submit`], and how the request ended.
    pub async fn call(&self, request: &Request<'_>) -> Result<Response> {
        self.submit(request)?.await
    }

    /// Hands over a request whose response is to come in pieces.
    ///
    /// # Errors
    /// As [`Manager::submit`].
    pub fn stream(&self, request: &Request<'_>) -> Result<ResponseStream> {
        let slot = Slot::of_stream();
        let id = self.hand_over(request, &slot, sys::LLMQ_REQUEST_STREAM, sys::llmq_submit)?;
        Ok(ResponseStream::new(slot, Arc::clone(self.handle()), id))
    }

    pub(crate) fn hand_over(
        &self,
        request: &Request<'_>,
        slot: &Arc<Slot>,
        flags: u32,
        submit: Submit,
    ) -> Result<RequestId> {
        let user_data = Arc::clone(slot).into_user_data();
        let mut raw = request.raw(self.cq(), user_data);
        raw.flags |= flags;
        let mut id = 0;
        // SAFETY: a live manager, a request that lives during the call, a place for the id.
        let code = unsafe { submit(self.raw(), &raw, &mut id) };
        if code == sys::LLMQ_OK {
            return Ok(id);
        }
        // SAFETY: refused, so there will be no event.
        drop(unsafe { Slot::from_user_data(user_data) });
        Err(self.why(&raw, code))
    }

    /// Hands over many requests at once, in order, until one is refused.
    ///
    /// # Errors
    /// Why one was refused, with those before it, which run.
    pub fn submit_batch(
        &self,
        requests: &[Request<'_>],
    ) -> std::result::Result<Vec<Pending>, BatchError> {
        let slots: Vec<Arc<Slot>> = requests.iter().map(|_| Slot::new()).collect();
        let raw: Vec<_> = requests
            .iter()
            .zip(&slots)
            .map(|(request, slot)| request.raw(self.cq(), Arc::clone(slot).into_user_data()))
            .collect();
        let mut ids = vec![0; raw.len()];
        let (accepted, code) = self.hand_over_all(&raw, &mut ids);
        for refused in &raw[accepted..] {
            // SAFETY: not accepted, so there will be no event.
            drop(unsafe { Slot::from_user_data(refused.user_data) });
        }
        let pending = slots
            .into_iter()
            .zip(&ids[..accepted])
            .map(|(slot, &id)| Pending::new(slot, Arc::clone(self.handle()), id))
            .collect();
        match raw.get(accepted) {
            Some(refused) => Err(BatchError { accepted: pending, error: self.why(refused, code) }),
            None => Ok(pending),
        }
    }

    /// Hands over many requests whose events go to a queue of the caller's. Returns the ids of
    /// those that were accepted, and why the next one was refused if one was.
    pub fn submit_batch_to(
        &self,
        cq: &CompletionQueue,
        requests: &[Request<'_>],
    ) -> (Vec<RequestId>, Result<()>) {
        let raw: Vec<_> =
            requests.iter().map(|request| request.raw(cq.raw(), request.tag_value())).collect();
        let mut ids = vec![0; raw.len()];
        let (accepted, code) = self.hand_over_all(&raw, &mut ids);
        ids.truncate(accepted);
        let result = match raw.get(accepted) {
            Some(refused) => Err(self.why(refused, code)),
            None => Ok(()),
        };
        (ids, result)
    }

    /// Hands over a request whose events go to a queue of the caller's.
    ///
    /// # Errors
    /// As [`Manager::submit`].
    pub fn submit_to(&self, cq: &CompletionQueue, request: &Request<'_>) -> Result<RequestId> {
        let raw = request.raw(cq.raw(), request.tag_value());
        let mut id = 0;
        // SAFETY: a live manager, a request that lives during the call, a place for the id.
        match unsafe { sys::llmq_submit(self.raw(), &raw, &mut id) } {
            sys::LLMQ_OK => Ok(id),
            code => Err(self.why(&raw, code)),
        }
    }

    fn hand_over_all(
        &self,
        raw: &[sys::llmq_request_t],
        ids: &mut [RequestId],
    ) -> (usize, sys::llmq_status_t) {
        let mut accepted = 0;
        // SAFETY: a live manager, so many requests of that stride, and a place for as many ids.
        let code = unsafe {
            sys::llmq_submit_batch(
                self.raw(),
                raw.as_ptr(),
                std::mem::size_of::<sys::llmq_request_t>(),
                raw.len(),
                ids.as_mut_ptr(),
                &mut accepted,
            )
        };
        (accepted, code)
    }

    /// The error of a refused request, in the library's words where it finds them again.
    #[cold]
    pub(crate) fn why(&self, raw: &sys::llmq_request_t, code: sys::llmq_status_t) -> Error {
        let mut err = OwnedError::none();
        // SAFETY: a live manager, and a request whose texts live.
        let again = unsafe { sys::llmq_request_check(self.raw(), raw, err.out()) };
        if again == code {
            Error::told(code, err)
        } else {
            Error::of(code)
        }
    }

    /// Hands over a request and waits for its response on this thread; without end if no time is
    /// given.
    ///
    /// # Errors
    /// As [`Pending::wait_for`](crate::Pending::wait_for) and [`Manager::submit`].
    pub fn call_blocking(
        &self,
        request: &Request<'_>,
        timeout: Option<Duration>,
    ) -> Result<Response> {
        let pending = self.submit(request)?;
        match timeout {
            Some(timeout) => pending.wait_for(timeout),
            None => pending.wait(),
        }
    }

    /// Says whether [`Manager::submit`] would accept the request now, without submitting it.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check(&self, request: &Request<'_>) -> Result<()> {
        let raw = request.raw(self.cq(), 0);
        // SAFETY: a live manager, and a request that lives during the call.
        ffi::explained(|err| unsafe { sys::llmq_request_check(self.raw(), &raw, err) })
    }

    /// What the request will probably use; its price is 0 where the model has no prices.
    ///
    /// # Errors
    /// As [`Manager::check`].
    pub fn estimate(&self, request: &Request<'_>) -> Result<Usage> {
        let raw = request.raw(self.cq(), 0);
        let mut usage = Usage::default().raw();
        // SAFETY: a live manager, a request that lives during the call, a struct that knows its
        // size.
        ffi::explained(|err| unsafe {
            sys::llmq_request_estimate(self.raw(), &raw, &mut usage, err)
        })?;
        Ok(Usage::of(&usage))
    }

    /// Asks for a request to be cancelled. False: it has ended before.
    ///
    /// # Errors
    /// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) (no id of a request),
    /// [`Status::CLOSED`](crate::Status::CLOSED), [`Status::FORKED`](crate::Status::FORKED).
    pub fn cancel(&self, id: RequestId) -> Result<bool> {
        // SAFETY: a live manager.
        match unsafe { sys::llmq_cancel(self.raw(), id) } {
            sys::LLMQ_ERR_STALE => Ok(false),
            code => ffi::check(code).map(|()| true),
        }
    }

    /// Moves out the response of a request that was submitted with [`keep`](crate::Request::keep).
    /// None while it has not ended.
    ///
    /// # Errors
    /// [`Status::STALE`](crate::Status::STALE) if it is gone,
    /// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) if it was not to be kept.
    pub fn kept(&self, id: RequestId) -> Result<Option<Response>> {
        self.look_up(sys::llmq_response_get, id)
    }

    /// Status, timings, attempts and usage of a recently finished request, without payload and
    /// texts. None while it has not ended.
    ///
    /// # Errors
    /// [`Status::STALE`](crate::Status::STALE) if it is forgotten.
    pub fn peek(&self, id: RequestId) -> Result<Option<Response>> {
        self.look_up(sys::llmq_response_peek, id)
    }

    fn look_up(
        &self,
        call: unsafe fn(
            *mut sys::llmq_manager_t,
            RequestId,
            *mut *mut sys::llmq_response_t,
        ) -> sys::llmq_status_t,
        id: RequestId,
    ) -> Result<Option<Response>> {
        let mut raw = ptr::null_mut();
        // SAFETY: a live manager, and a place for the response.
        match unsafe { call(self.raw(), id, &mut raw) } {
            sys::LLMQ_ERR_AGAIN => Ok(None),
            code => {
                ffi::check(code)?;
                // SAFETY: ours now.
                Ok(unsafe { Response::own(raw, 0) })
            }
        }
    }

    /// Reports the usage of a finished request that was submitted with
    /// [`keep`](crate::Request::keep) or [`late_usage`](crate::Request::late_usage): what
    /// limits have counted is corrected.
    ///
    /// # Errors
    /// [`Status::AGAIN`](crate::Status::AGAIN) while it has not finished,
    /// [`Status::STALE`](crate::Status::STALE),
    /// [`Status::ALREADY_DONE`](crate::Status::ALREADY_DONE) if usage is known,
    /// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) (also: a negative count).
    pub fn update_usage(&self, id: RequestId, usage: Usage) -> Result<()> {
        usage.check()?;
        // SAFETY: a live manager, and a struct that knows its size.
        ffi::check(unsafe { sys::llmq_usage_update(self.raw(), id, &usage.raw()) })
    }
}
