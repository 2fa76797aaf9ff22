//! Models with types: values in, values out, as JSON.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::Serialize;

use crate::error::{BatchError, Error, Result};
use crate::json;
use crate::manager::Manager;
use crate::pending::Pending;
use crate::request::Request;
use crate::response::Response;
use crate::stream::ResponseStream;
use crate::RequestId;

/// A model whose requests carry a `Req` and whose responses are a `Resp`, both as JSON.
///
/// ```no_run
/// # #[derive(serde::Serialize)] struct Chat { messages: Vec<()> }
/// # #[derive(serde::Deserialize)] struct Answer { choices: Vec<()> }
/// # async fn example(manager: llmq::Manager, chat: Chat) -> llmq::Result<()> {
/// let model = manager.model::<Chat, Answer>("gpt-4o-mini").with(|request| request.tenant("live"));
/// let reply = model.call(&chat).await?;
/// println!("{} choices, {:?}", reply.value.choices.len(), reply.response.usage());
/// # Ok(())
/// # }
/// ```
pub struct TypedModel<Req: ?Sized, Resp> {
    manager: Manager,
    request: Request<'static>,
    types: PhantomData<fn(&Req) -> Resp>,
}

/// A response and its value.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reply<T> {
    /// What the response's data say.
    pub value: T,
    /// The response: usage, times, attempts.
    pub response: Response,
}

impl<T: DeserializeOwned> Reply<T> {
    fn of(response: Response) -> Result<Reply<T>> {
        match json::read(response.data()) {
            Ok(value) => Ok(Reply { value, response }),
            Err(error) => Err(error.with_response(response)),
        }
    }
}

impl Manager {
    /// A model of this manager with types. That there is one of the name shows when it is called.
    pub fn model<Req, Resp>(&self, name: impl Into<String>) -> TypedModel<Req, Resp>
    where
        Req: Serialize + ?Sized,
        Resp: DeserializeOwned,
    {
        let request = Request::new(name.into(), Vec::new());
        TypedModel { manager: self.clone(), request, types: PhantomData }
    }
}

impl<Req: Serialize + ?Sized, Resp: DeserializeOwned> TypedModel<Req, Resp> {
    /// Sets what all of its requests have: a tenant, a priority, estimates.
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(Request<'static>) -> Request<'static>) -> Self {
        self.request = set(self.request);
        self
    }

    fn request(&self, body: &Req) -> Result<Request<'static>> {
        Ok(self.request.clone().carrying(json::write(body)?))
    }

    /// As [`Manager::submit`].
    ///
    /// # Errors
    /// As there; [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) if the value cannot be written as JSON.
    pub fn submit(&self, body: &Req) -> Result<TypedPending<Resp>> {
        self.manager.submit(&self.request(body)?).map(TypedPending::new)
    }

    /// As [`Manager::submit_batch`].
    ///
    /// # Errors
    /// As there; nothing is submitted if one of the values cannot be written as JSON.
    pub fn submit_batch<'a>(
        &self,
        bodies: impl IntoIterator<Item = &'a Req>,
    ) -> std::result::Result<Vec<TypedPending<Resp>>, BatchError>
    where
        Req: 'a,
    {
        let requests =
            bodies.into_iter().map(|body| self.request(body)).collect::<Result<Vec<_>>>();
        let requests = requests.map_err(|error| BatchError { accepted: Vec::new(), error })?;
        let pending = self.manager.submit_batch(&requests)?;
        Ok(pending.into_iter().map(TypedPending::new).collect())
    }

    /// Hands over a request that nobody waits for. Returns its id.
    ///
    /// # Errors
    /// As [`TypedModel::submit`].
    pub fn post(&self, body: &Req) -> Result<RequestId> {
        self.manager.submit(&self.request(body)?).map(Pending::detach)
    }

    /// As [`Manager::call`].
    ///
    /// # Errors
    /// As [`TypedModel::submit`], how the request ended, and
    /// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE), with the response, if that is no JSON of a `Resp`.
    pub async fn call(&self, body: &Req) -> Result<Reply<Resp>> {
        self.submit(body)?.await
    }

    /// As [`Manager::call_blocking`].
    ///
    /// # Errors
    /// As there and [`TypedModel::call`].
    pub fn call_blocking(&self, body: &Req, timeout: Option<Duration>) -> Result<Reply<Resp>> {
        Reply::of(self.manager.call_blocking(&self.request(body)?, timeout)?)
    }

    /// As [`Manager::stream`], with pieces that are a `Piece` each.
    ///
    /// # Errors
    /// As [`TypedModel::submit`].
    pub fn stream<Piece: DeserializeOwned>(&self, body: &Req) -> Result<TypedStream<Piece, Resp>> {
        let stream = self.manager.stream(&self.request(body)?)?;
        Ok(TypedStream { stream, types: PhantomData })
    }
}

impl<Req: ?Sized, Resp> Clone for TypedModel<Req, Resp> {
    fn clone(&self) -> Self {
        let (manager, request) = (self.manager.clone(), self.request.clone());
        TypedModel { manager, request, types: PhantomData }
    }
}

impl<Req: ?Sized, Resp> fmt::Debug for TypedModel<Req, Resp> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedModel").field(&self.request.model()).finish()
    }
}

/// A submitted request of a [`TypedModel`]: a future of its [`Reply`]. Dropping it before it is ready
/// cancels the request.
#[derive(Debug)]
#[must_use = "dropping it cancels the request: await it, or call detach()"]
pub struct TypedPending<T> {
    pending: Pending,
    types: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> TypedPending<T> {
    fn new(pending: Pending) -> TypedPending<T> {
        TypedPending { pending, types: PhantomData }
    }

    /// Id of the request.
    pub fn id(&self) -> RequestId {
        self.pending.id()
    }

    /// As [`Pending::cancel`].
    pub fn cancel(&self) {
        self.pending.cancel();
    }

    /// As [`Pending::detach`].
    pub fn detach(self) -> RequestId {
        self.pending.detach()
    }

    /// As [`Pending::wait`].
    ///
    /// # Errors
    /// As there and [`TypedModel::call`].
    pub fn wait(self) -> Result<Reply<T>> {
        Reply::of(self.pending.wait()?)
    }

    /// As [`Pending::wait_for`].
    ///
    /// # Errors
    /// As there and [`TypedModel::call`].
    pub fn wait_for(self, timeout: Duration) -> Result<Reply<T>> {
        Reply::of(self.pending.wait_for(timeout)?)
    }
}

impl<T: DeserializeOwned> Future for TypedPending<T> {
    type Output = Result<Reply<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(cx).map(|response| Reply::of(response?))
    }
}

/// The pieces of a response of a [`TypedModel`]. Dropping it before its end cancels the request.
#[derive(Debug)]
pub struct TypedStream<Piece, T> {
    stream: ResponseStream,
    types: PhantomData<fn() -> (Piece, T)>,
}

impl<Piece: DeserializeOwned, T: DeserializeOwned> TypedStream<Piece, T> {
    /// The next piece; none after the last one.
    pub async fn next(&mut self) -> Option<Result<Piece>> {
        let chunk = self.stream.next().await?;
        Some(chunk.and_then(|chunk| chunk.json()))
    }

    /// The whole response, without its value: of many providers it is no JSON of one value.
    ///
    /// # Errors
    /// How the request ended.
    pub async fn finish(self) -> Result<Response> {
        self.stream.finish().await
    }

    /// The whole response and its value.
    ///
    /// # Errors
    /// As [`TypedModel::call`].
    pub async fn reply(self) -> Result<Reply<T>> {
        Reply::of(self.stream.finish().await?)
    }

    /// The pieces as they came, and their [`Stream`](futures_core::Stream).
    pub fn into_inner(self) -> ResponseStream {
        self.stream
    }
}

impl Error {
    fn with_response(self, response: Response) -> Error {
        let message = self.message().to_owned();
        Error::with(self.status(), message, String::new(), Some(response))
    }
}
