//! A service of reqwest's requests, as `reqwest::Client` is one.

use std::task::{Context, Poll};

use http::Extensions;
use reqwest::{Body, Error, Request, Response};
use tower_service::Service;

use super::{again, loss, opened, Asked};
use crate::attempt::{Attempt, Failed, Loss};
use crate::service::{call, BoxFuture, Permitted};
use crate::BoxError;

struct Repeated<S> {
    inner: S,
    request: Request,
}

impl<S> Attempt for Repeated<S>
where
    S: Service<Request, Response = Response, Error: Into<BoxError>, Future: Send> + Send,
{
    type Body = Body;
    type Error = BoxError;

    async fn send(&mut self, model: Option<&str>) -> Result<http::Response<Body>, BoxError> {
        let request = again(&self.request, model)?;
        call(&mut self.inner, request).await.map(opened).map_err(Into::into)
    }

    fn loss(error: &BoxError) -> Loss {
        error.downcast_ref::<Error>().map_or(Loss::Transport, loss)
    }
}

impl<S> Service<Request> for Permitted<S>
where
    S: Service<Request, Response = Response, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = Response;
    type Error = BoxError;
    type Future = BoxFuture<Response, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (layer, mut inner) = (self.layer.clone(), self.inner.clone());
        Box::pin(async move {
            let Some(asked) = Asked::of(&request) else {
                return call(&mut inner, request).await.map_err(Into::into);
            };
            let mut attempt = Repeated { inner, request };
            asked.run(&layer, &Extensions::new(), &mut attempt).await.map_err(|failed| match failed
            {
                Failed::Permit(error) => error.into(),
                Failed::Call(error) => error,
            })
        })
    }
}
