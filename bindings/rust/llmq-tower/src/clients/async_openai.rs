//! A service of async-openai's requests.

use std::sync::Arc;
use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use http::Extensions;
use reqwest::{Body, Response};
use tower_service::Service;

use super::{again, loss, opened, Asked};
use crate::attempt::{Attempt, Failed, Loss};
use crate::service::{call, BoxFuture, Permitted};

struct Repeated<S> {
    inner: S,
    factory: HttpRequestFactory,
}

/// Makes what the other one makes, as it goes to another model.
fn directed(factory: &HttpRequestFactory, model: &str) -> HttpRequestFactory {
    let (factory, model) = (factory.clone(), Arc::<str>::from(model));
    HttpRequestFactory::new(move || {
        let (factory, model) = (factory.clone(), Arc::clone(&model));
        async move {
            let request = factory.build().await?;
            again(&request, Some(&model)).map_err(OpenAIError::Boxed)
        }
    })
}

impl<S> Attempt for Repeated<S>
where
    S: Service<HttpRequestFactory, Response = Response, Error: Into<OpenAIError>, Future: Send>,
    S: Send,
{
    type Body = Body;
    type Error = OpenAIError;

    async fn send(&mut self, model: Option<&str>) -> Result<http::Response<Body>, OpenAIError> {
        let factory = match model {
            Some(model) => directed(&self.factory, model),
            None => self.factory.clone(),
        };
        call(&mut self.inner, factory).await.map(opened).map_err(Into::into)
    }

    fn loss(error: &OpenAIError) -> Loss {
        match error {
            OpenAIError::Reqwest(error) => loss(error),
            _ => Loss::Unmade,
        }
    }
}

impl<S> Service<HttpRequestFactory> for Permitted<S>
where
    S: Service<HttpRequestFactory, Response = Response, Error: Into<OpenAIError>, Future: Send>,
    S: Clone + Send + 'static,
{
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<Response, OpenAIError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let (layer, mut inner) = (self.layer.clone(), self.inner.clone());
        Box::pin(async move {
            let Some(asked) = Asked::of(&factory.build().await?) else {
                return call(&mut inner, factory).await.map_err(Into::into);
            };
            let mut attempt = Repeated { inner, factory };
            asked.run(&layer, &Extensions::new(), &mut attempt).await.map_err(|failed| match failed
            {
                Failed::Permit(error) => OpenAIError::Boxed(error.into()),
                Failed::Call(error) => error,
            })
        })
    }
}
