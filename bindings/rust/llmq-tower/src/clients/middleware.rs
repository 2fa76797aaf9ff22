//! A middleware of reqwest-middleware.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};

use super::{again, loss, opened, Asked};
use crate::attempt::{Attempt, Failed, Loss};
use crate::layer::PermitLayer;

struct Repeated<'a> {
    next: Next<'a>,
    request: Request,
    extensions: &'a mut Extensions,
}

impl Attempt for Repeated<'_> {
    type Body = Body;
    type Error = Error;

    async fn send(&mut self, model: Option<&str>) -> Result<http::Response<Body>> {
        let request = again(&self.request, model)
            .map_err(|problem| Error::Middleware(anyhow::anyhow!(problem)))?;
        self.next.clone().run(request, self.extensions).await.map(opened)
    }

    fn loss(error: &Error) -> Loss {
        match error {
            Error::Reqwest(error) => loss(error),
            Error::Middleware(_) => Loss::Unmade,
        }
    }
}

#[async_trait]
impl Middleware for PermitLayer {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(asked) = Asked::of(&request) else {
            return next.run(request, extensions).await;
        };
        let told = extensions.clone();
        let mut attempt = Repeated { next, request, extensions };
        asked.run(self, &told, &mut attempt).await.map_err(|failed| match failed {
            Failed::Permit(error) => Error::middleware(error),
            Failed::Call(error) => error,
        })
    }
}
