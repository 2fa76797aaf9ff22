//! The body of an answer, whose end is the end of its permit.

use std::fmt;
use std::pin::Pin;
use std::task::{ready, Context, Poll};

use bytes::{Buf, Bytes};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use llmq::{Failure, Permit, Status};
use pin_project_lite::pin_project;

use crate::verdict::Verdict;
use crate::BoxError;

/// Longer answers are passed on whole, and their usage is not read.
pub(crate) const LARGEST: usize = 16 << 20;

/// What has been read of an answer that goes well, and the permit that it ends.
pub(crate) struct Meter {
    permit: Option<Permit>,
    provider: String,
    status: StatusCode,
    headers: HeaderMap,
    /// None: it is too long to be looked at.
    read: Option<Vec<u8>>,
}

impl Meter {
    pub(crate) fn new(permit: Permit, provider: &str, head: &Parts) -> Meter {
        Meter {
            permit: Some(permit),
            provider: provider.to_owned(),
            status: head.status,
            headers: head.headers.clone(),
            read: Some(Vec::new()),
        }
    }

    fn came(&mut self, piece: &[u8]) {
        match &mut self.read {
            Some(read) if read.len() + piece.len() <= LARGEST => read.extend_from_slice(piece),
            read => *read = None,
        }
        if let Some(permit) = &self.permit {
            let _ = permit.heartbeat(); // one that was lost is no reason to stop
        }
    }

    fn watch(&mut self, found: Option<&Result<Frame<Bytes>, BoxError>>, is_last: bool) {
        match found {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    self.came(piece);
                }
                if is_last {
                    self.end();
                }
            }
            Some(Err(error)) => self.break_off(error.to_string()),
            None => self.end(),
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        let read = self.read.as_ref()?;
        Some(Verdict::of(&self.provider, self.status, &self.headers, read))
    }

    fn end(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        match self.verdict() {
            Some(verdict) => verdict.end(&permit),
            None => drop(permit.release(None)), // what was used is not known
        }
    }

    fn break_off(&mut self, words: String) {
        if let Some(permit) = self.permit.take() {
            let _ = permit.fail(Failure::new(Status::TRANSPORT, words));
        }
    }
}

impl Drop for Meter {
    /// Clients stop reading at the last event of a stream, which is not the last of its bytes. Whoever stops before
    /// leaves it unknown what was used, and how the call would have ended: the permit is dropped.
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        if let Some(verdict) = self.verdict().filter(Verdict::is_ok) {
            verdict.end(&permit);
        }
    }
}

pin_project! {
    /// The body of an answer of a client that llmq has taken over. Its end, or its drop, ends the permit.
    pub struct Answer<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<B> {
        Live { #[pin] body: B, meter: Option<Meter> },
        Said { said: Option<Bytes> },
        Broken { words: Option<String> },
    }
}

impl<B> Answer<B> {
    pub(crate) fn live(body: B, meter: Meter) -> Answer<B> {
        Answer { inner: Inner::Live { body, meter: Some(meter) } }
    }

    /// Of a call that no permit was for.
    pub(crate) fn passed(body: B) -> Answer<B> {
        Answer { inner: Inner::Live { body, meter: None } }
    }

    pub(crate) fn said(said: Bytes) -> Answer<B> {
        Answer { inner: Inner::Said { said: Some(said).filter(|said| !said.is_empty()) } }
    }

    pub(crate) fn broken(words: String) -> Answer<B> {
        Answer { inner: Inner::Broken { words: Some(words) } }
    }
}

impl<B> Body for Answer<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.project() {
            InnerProjection::Said { said } => {
                Poll::Ready(said.take().map(|said| Ok(Frame::data(said))))
            }
            InnerProjection::Broken { words } => {
                Poll::Ready(words.take().map(|words| Err(words.into())))
            }
            InnerProjection::Live { mut body, meter } => {
                let found = ready!(body.as_mut().poll_frame(cx)).map(|found| match found {
                    Ok(frame) => {
                        Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    }
                    Err(error) => Err(error.into()),
                });
                if let Some(meter) = meter {
                    meter.watch(found.as_ref(), body.is_end_stream());
                }
                Poll::Ready(found)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Live { body, .. } => body.is_end_stream(),
            Inner::Said { said } => said.is_none(),
            Inner::Broken { words } => words.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Live { body, .. } => body.size_hint(),
            Inner::Said { said } => {
                SizeHint::with_exact(said.as_ref().map_or(0, Bytes::len) as u64)
            }
            Inner::Broken { .. } => SizeHint::default(),
        }
    }
}

impl<B> fmt::Debug for Answer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
