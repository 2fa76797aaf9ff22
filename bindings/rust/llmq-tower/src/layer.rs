//! What a client's calls are to keep to.

use std::fmt;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use llmq::{Config, Manager, Operation, Request};
use tower_layer::Layer;

use crate::service::Permitted;

/// Calls of one request, unless told otherwise: what the SDKs themselves make.
const MAX_ATTEMPTS: u32 = 3;

/// A call that is about to wait for its permit.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The host of its URL; "" if it has none.
    pub host: &'a str,
    /// The path of its URL.
    pub path: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// What the program has attached to it: the extensions of the request, or of reqwest-middleware.
    pub extensions: &'a Extensions,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        host: &'a str,
        path: &'a str,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Call { host, path, headers, extensions }
    }

    /// Whose form its answers have, as in the setting `provider`.
    fn provider(&self) -> &'static str {
        if self.operation() == Operation::Messages {
            "anthropic"
        } else if self.host.ends_with(".azure.com") || self.path.contains("/openai/deployments/") {
            "azure"
        } else {
            "openai"
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self.path.trim_end_matches('/').rsplit('/').next() {
            Some("completions") if self.path.contains("/chat/") => Operation::Chat,
            Some("embeddings") => Operation::Embeddings,
            Some("messages") => Operation::Messages,
            Some("responses") => Operation::Responses,
            _ => Operation::Custom,
        }
    }
}

type AskFn = dyn for<'a> Fn(Request<'a>, Call<'_>) -> Request<'a> + Send + Sync;

/// Gives the calls of a client the limits of a manager. A tower [`Layer`]; with the feature
/// `reqwest-middleware` also a `Middleware`.
#[derive(Clone)]
pub struct PermitLayer {
    pub(crate) manager: Manager,
    makes_models: bool,
    provider: Option<Arc<str>>,
    max_attempts: u32,
    ask: Option<Arc<AskFn>>,
}

impl PermitLayer {
    /// The limits of the models of a manager, which need no provider there.
    pub fn new(manager: &Manager) -> PermitLayer {
        PermitLayer {
            manager: manager.clone(),
            makes_models: false,
            provider: None,
            max_attempts: MAX_ATTEMPTS,
            ask: None,
        }
    }

    /// Those of the process's shared manager. A model that it does not know is made when it is called, and its limits
    /// are found in the answers.
    ///
    /// # Errors
    /// As [`Manager::shared`].
    pub fn shared() -> llmq::Result<PermitLayer> {
        Ok(PermitLayer { makes_models: true, ..PermitLayer::new(&Manager::shared(None)?) })
    }

    /// Whose answers they are, as in the setting `provider`: it decides how errors are read. Without it "anthropic"
    /// for messages, "azure" for a host of azure.com or a path of its deployments, else "openai".
    #[must_use]
    pub fn provider(mut self, name: impl Into<Arc<str>>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// Calls that one request may cost, the first included: 3 unless told otherwise, at least 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Lets a function say more of each permit that is asked for: whose it is, how urgent, until when.
    ///
    /// ```
    /// # fn example(manager: &llmq::Manager) -> llmq_tower::PermitLayer {
    /// llmq_tower::PermitLayer::new(manager)
    ///     .ask(|request, _| request.tenant("live").priority(llmq::Priority::High))
    /// # }
    /// ```
    #[must_use]
    pub fn ask<F>(mut self, ask: F) -> Self
    where
        F: for<'a> Fn(Request<'a>, Call<'_>) -> Request<'a> + Send + Sync + 'static,
    {
        self.ask = Some(Arc::new(ask));
        self
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.max_attempts
    }

    pub(crate) fn provider_of(&self, call: &Call<'_>) -> &str {
        self.provider.as_deref().unwrap_or_else(|| call.provider())
    }

    /// What is asked of the manager. The permit ends with the call, or with whoever drops that; the model's `timeout_ms`
    /// is its lease, which ends it where nothing is heard of the call for that long.
    pub(crate) fn request<'a>(
        &self,
        model: &'a str,
        body: &'a [u8],
        call: Call<'_>,
    ) -> Request<'a> {
        let request = Request::new(model, body).operation(call.operation());
        match &self.ask {
            Some(ask) => ask(request, call),
            None => request,
        }
    }

    /// Makes a model that the shared manager does not know. False: that is not for this layer to do.
    pub(crate) fn make(&self, model: &str, provider: &str) -> llmq::Result<bool> {
        if self.makes_models {
            let charge = if provider == "anthropic" { "realtime" } else { "arrival" };
            let settings = serde_json::json!({"models": [
                {"name": model, "find_limits": true, "shape": "auto", "charge": charge}]});
            self.manager.register_models(&Config::from_value(&settings)?, true)?;
        }
        Ok(self.makes_models)
    }
}

impl<S> Layer<S> for PermitLayer {
    type Service = Permitted<S>;

    fn layer(&self, inner: S) -> Permitted<S> {
        Permitted::new(self.clone(), inner)
    }
}

impl fmt::Debug for PermitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitLayer").field("manager", &self.manager).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_answers_is_told_by_path_and_host() {
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        for (host, path, provider) in [
            ("api.openai.com", "/v1/chat/completions", "openai"),
            ("api.anthropic.com", "/v1/messages", "anthropic"),
            ("me.openai.azure.com", "/openai/v1/responses", "azure"),
            ("me.services.ai.azure.com", "/models/chat/completions", "azure"),
            ("me.services.ai.azure.com", "/anthropic/v1/messages", "anthropic"),
            ("proxy", "/openai/deployments/four/chat/completions", "azure"),
            ("api.groq.com", "/openai/v1/chat/completions", "openai"),
            ("", "/v1/embeddings", "openai"),
        ] {
            let call = Call::new(host, path, &headers, &extensions);
            assert_eq!(call.provider(), provider, "{host}{path}");
        }
    }
}
