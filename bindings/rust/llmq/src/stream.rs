//! A response that comes in pieces.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use llmq_sys as sys;

use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::response::Response;
use crate::slot::{self, Slot};
use crate::status::Status;
use crate::RequestId;

/// A piece of a streamed response. While it lives its bytes count as not yet read: beyond
/// `stream_buffer_bytes` of them the provider is made to wait.
pub struct Chunk(sys::llmq_event_t);

// SAFETY: the event belongs to the chunk, and any thread may read and release it.
unsafe impl Send for Chunk {}
// SAFETY: as above; a shared chunk is only read.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Moves the event out of a batch, which will not release it any more.
    pub(crate) fn take(event: &mut sys::llmq_event_t) -> Chunk {
        let chunk = Chunk(*event);
        event.handle = std::ptr::null_mut();
        chunk
    }

    /// The JSON of one event of the provider's stream, or what the processor handed over.
    pub fn data(&self) -> &[u8] {
        // SAFETY: the bytes live until the event is released.
        unsafe { ffi::bytes(self.0.data, usize::try_from(self.0.data_len).unwrap_or(0)) }
    }

    /// The same as text.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(self.data()).map_err(|error| {
            Error::new(Status::INVALID_VALUE, format!("the chunk is no text: {error}"))
        })
    }

    /// The same, read from JSON.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] if it is not JSON of a `T`.
    #[cfg(feature = "serde")]
    pub fn json<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T> {
        crate::json::read(self.data())
    }

    /// Number of the attempt that it is of, from 1. With [`restart`](crate::Request::restart) a
    /// higher number than before means that the response begins anew.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Output tokens of the attempt so far, where that is known.
    pub fn output_tokens(&self) -> i64 {
        self.0.output_tokens
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: one drained event of this size.
        unsafe {
            sys::llmq_events_release(&mut self.0, mem::size_of::<sys::llmq_event_t>(), 1);
        }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("attempt", &self.attempt())
            .field("bytes", &self.data().len())
            .finish()
    }
}

/// The pieces of a response, in order: a [`Stream`] whose last item is an error if the request
/// fails.
///
/// Dropping it before its end cancels the request.
pub struct ResponseStream {
    slot: Arc<Slot>,
    handle: Arc<Handle>,
    id: RequestId,
    is_over: bool,
    /// The whole response, from its end until somebody takes it.
    response: Option<Response>,
}

impl ResponseStream {
    pub(crate) fn new(slot: Arc<Slot>, handle: Arc<Handle>, id: RequestId) -> ResponseStream {
        ResponseStream { slot, handle, id, is_over: false, response: None }
    }

    /// Id of the request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Asks for the request to be cancelled; what has come can still be read.
    pub fn cancel(&self) {
        // SAFETY: a live handle; an id that has ended is recognised.
        unsafe { sys::llmq_cancel(self.handle.raw(), self.id) };
    }

    /// The next piece; none after the last one.
    pub async fn next(&mut self) -> Option<Result<Chunk>> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    /// The whole response. Pieces that have not been read are left out.
    ///
    /// # Errors
    /// How the request ended.
    pub async fn finish(mut self) -> Result<Response> {
        poll_fn(|cx| self.poll_end(cx)).await
    }

    /// The pieces, waited for on this thread.
    pub fn blocking_iter(&mut self) -> impl Iterator<Item = Result<Chunk>> + '_ {
        std::iter::from_fn(|| {
            let handle = Arc::clone(&self.handle);
            slot::block_on(&handle, None, |cx| self.poll_piece(cx))
                .unwrap_or_else(|error| Some(Err(error)))
        })
    }

    /// As [`ResponseStream::finish`], waited for on this thread.
    ///
    /// # Errors
    /// How the request ended; [`Status::WRONG_THREAD`] in a callback, [`Status::FORKED`] in a
    /// child.
    pub fn blocking_finish(mut self) -> Result<Response> {
        let handle = Arc::clone(&self.handle);
        slot::block_on(&handle, None, |cx| self.poll_end(cx))?
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.slot.poll_chunk(cx).map(|found| match found {
            Ok(chunk) => Some(Ok(chunk)),
            Err(outcome) => {
                self.is_over = true;
                match outcome.into_result() {
                    Ok(response) => {
                        self.response = Some(response);
                        None
                    }
                    Err(error) => Some(Err(error)),
                }
            }
        })
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        loop {
            match self.poll_piece(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(_unread))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => {
                    let response = self.response.take();
                    return Poll::Ready(response.ok_or_else(|| {
                        Error::new(Status::ALREADY_DONE, "the stream has told its error before")
                    }));
                }
            }
        }
    }
}

impl Stream for ResponseStream {
    type Item = Result<Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_piece(cx)
    }
}

impl FusedStream for ResponseStream {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        if !self.is_over {
            self.cancel();
        }
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").field("id", &self.id).finish_non_exhaustive()
    }
}
