//! The tower service.

use std::future::{poll_fn, Future};
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower_service::Service;

use crate::answer::Answer;
use crate::attempt::{is_json, model_of, naming, Attempt, Failed, Loss};
use crate::layer::{Call, PermitLayer};
use crate::BoxError;

pub(crate) type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// A client whose calls keep the limits of a manager, see [`PermitLayer`].
#[derive(Clone, Debug)]
pub struct Permitted<S> {
    pub(crate) layer: PermitLayer,
    pub(crate) inner: S,
}

impl<S> Permitted<S> {
    pub(crate) fn new(layer: PermitLayer, inner: S) -> Permitted<S> {
        Permitted { layer, inner }
    }
}

/// Makes one call when the service is ready for it.
pub(crate) async fn call<S: Service<R>, R>(
    service: &mut S,
    request: R,
) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

/// The call of a request whose body has been read: its service takes bodies of type `A`.
struct Repeated<S, A> {
    inner: S,
    head: Parts,
    body: Bytes,
    bodies: PhantomData<fn(A)>,
}

impl<S, A, B> Attempt for Repeated<S, A>
where
    S: Service<Request<A>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Send,
    A: From<Bytes> + Send,
    B: Body<Data: Send, Error: Into<BoxError>> + Send,
{
    type Body = B;
    type Error = BoxError;

    async fn send(&mut self, model: Option<&str>) -> Result<Response<B>, BoxError> {
        let (mut head, mut body) = (self.head.clone(), self.body.clone());
        if let Some(model) = model {
            body = naming(model, &body, &mut head.headers)?;
        }
        let request = Request::from_parts(head, A::from(body));
        call(&mut self.inner, request).await.map_err(Into::into)
    }

    fn loss(error: &BoxError) -> Loss {
        match error.downcast_ref::<io::Error>() {
            Some(error) if error.kind() == io::ErrorKind::TimedOut => Loss::Timeout,
            _ => Loss::Transport,
        }
    }
}

impl<S, A, B> Service<Request<A>> for Permitted<S>
where
    S: Service<Request<A>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
    A: Body<Data: Send, Error: Into<BoxError>> + From<Bytes> + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Answer<B>>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response, BoxError>;

    /// The client is asked whether it is ready when there is a permit.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (layer, mut inner) = (self.layer.clone(), self.inner.clone());
        Box::pin(async move {
            if !is_json(request.headers()) {
                return Ok(call(&mut inner, request)
                    .await
                    .map_err(Into::into)?
                    .map(Answer::passed));
            }
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            let Some(model) = model_of(&body) else {
                let request = Request::from_parts(head, A::from(body));
                return Ok(call(&mut inner, request)
                    .await
                    .map_err(Into::into)?
                    .map(Answer::passed));
            };
            let host = head.uri.host().unwrap_or("");
            let asked = Call::new(host, head.uri.path(), &head.headers, &head.extensions);
            let provider = layer.provider_of(&asked).to_owned();
            let request = layer.request(&model, &body, asked);
            let (head, body) = (head.clone(), body.clone());
            let mut attempt = Repeated { inner, head, body, bodies: PhantomData };
            layer.run(&request, &provider, &mut attempt).await.map_err(|failed| match failed {
                Failed::Permit(error) => error.into(),
                Failed::Call(error) => error,
            })
        })
    }
}
