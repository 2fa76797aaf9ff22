//! reqwest, and what stands on it.

#[cfg(feature = "async-openai")]
mod async_openai;
#[cfg(feature = "reqwest-middleware")]
mod middleware;
mod reqwest;

use ::reqwest::{Body, Request, Response, ResponseBuilderExt};
use bytes::Bytes;
use http::{Extensions, HeaderMap};

use crate::attempt::{is_json, model_of, naming, Attempt, Failed, Loss};
use crate::layer::{Call, PermitLayer};
use crate::BoxError;

/// Of a request that cannot be made a second time; those that are taken over can.
const NOT_BYTES: &str = "the body of the request is not bytes";

/// The request once more, as it goes to a model.
fn again(request: &Request, model: Option<&str>) -> Result<Request, BoxError> {
    let mut again = request.try_clone().ok_or(NOT_BYTES)?;
    if let Some(model) = model {
        let body = request.body().and_then(Body::as_bytes).ok_or(NOT_BYTES)?;
        *again.body_mut() = Some(naming(model, body, again.headers_mut())?.into());
    }
    Ok(again)
}

/// What a request says that names a model.
struct Asked {
    model: String,
    body: Bytes,
    host: String,
    path: String,
    headers: HeaderMap,
}

impl Asked {
    /// None of a request that names no model: it is none of ours.
    fn of(request: &Request) -> Option<Asked> {
        if !is_json(request.headers()) {
            return None;
        }
        let body = Bytes::copy_from_slice(request.body()?.as_bytes()?);
        let (url, headers) = (request.url(), request.headers().clone());
        let (host, path) = (url.host_str().unwrap_or("").to_owned(), url.path().to_owned());
        Some(Asked { model: model_of(&body)?, body, host, path, headers })
    }

    async fn run<A: Attempt<Body = Body>>(
        &self,
        layer: &PermitLayer,
        extensions: &Extensions,
        attempt: &mut A,
    ) -> Result<Response, Failed<A::Error>> {
        let call = Call::new(&self.host, &self.path, &self.headers, extensions);
        let provider = layer.provider_of(&call).to_owned();
        let request = layer.request(&self.model, &self.body, call);
        let answer = layer.run(&request, &provider, attempt).await?;
        Ok(Response::from(answer.map(Body::wrap)))
    }
}

/// An answer of reqwest in the form of `http`, where its URL is an extension.
fn opened(answer: Response) -> http::Response<Body> {
    let url = http::Response::builder().url(answer.url().clone()).body(());
    let mut answer = http::Response::<Body>::from(answer);
    if let Ok(url) = url {
        answer.extensions_mut().extend(url.into_parts().0.extensions);
    }
    answer
}

fn loss(error: &::reqwest::Error) -> Loss {
    if error.is_builder() || error.is_redirect() {
        Loss::Unmade
    } else if error.is_timeout() {
        Loss::Timeout
    } else {
        Loss::Transport
    }
}
