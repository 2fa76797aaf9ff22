//! One call of a client, as often as it is made.

use std::fmt::Display;
use std::future::Future;

use bytes::Bytes;
use http::header::{HeaderMap, CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body;
use serde::Deserialize;

use crate::BoxError;

/// What a failed call is to the limits.
pub(crate) enum Loss {
    /// No answer: it may be tried again.
    Transport,
    /// None in time, likewise.
    Timeout,
    /// The call could not be made: it was not.
    #[cfg(feature = "reqwest")]
    Unmade,
}

/// Makes the call of one request, again and again.
pub(crate) trait Attempt: Send {
    type Body: Body<Data: Send, Error: Into<BoxError>> + Send;
    type Error: Display + Send;

    /// Of a call that falls back, `model` is the one that its body has to name.
    fn send(
        &mut self,
        model: Option<&str>,
    ) -> impl Future<Output = Result<http::Response<Self::Body>, Self::Error>> + Send;

    fn loss(error: &Self::Error) -> Loss;
}

/// How a request ended that was given no answer.
pub(crate) enum Failed<E> {
    /// There was no permit.
    Permit(llmq::Error),
    /// The client failed.
    Call(E),
}

/// True if a body may name a model.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A body as it goes to another model, and the headers that say how long it is.
pub(crate) fn naming(
    model: &str,
    body: &[u8],
    headers: &mut HeaderMap,
) -> serde_json::Result<Bytes> {
    let mut fields = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body)?;
    fields.insert("model".to_owned(), model.into());
    let body = serde_json::to_vec(&fields)?;
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Ok(body.into())
}

/// The model that a body names.
pub(crate) fn model_of(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        model: String,
    }
    serde_json::from_slice::<Named>(body).ok().map(|named| named.model)
}
