//! Takes over an HTTP client: its calls keep the limits of an [`llmq::Manager`].
//!
//! Each call waits in line for a permit, by priority and tenant. Usage and rate-limit headers of its answer are
//! reported, of streams at their end. What may be tried again is, with a permit of its own; so retries of the
//! client itself must be off, as they are in the forms below.
//!
//! ```
//! # #[cfg(feature = "async-openai")]
//! # fn example(manager: llmq::Manager) {
//! use async_openai::{middleware::ReqwestService, Client};
//! use llmq_tower::{Layer, PermitLayer};
//!
//! // An SDK: the feature `async-openai`.
//! let client = Client::new().with_http_service(PermitLayer::new(&manager).layer(ReqwestService::default()));
//! # }
//! # #[cfg(feature = "reqwest-middleware")]
//! # fn another(manager: llmq::Manager) {
//! use llmq_tower::PermitLayer;
//!
//! // reqwest with its requests as they are: the feature `reqwest-middleware`.
//! let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
//!     .with(PermitLayer::new(&manager))
//!     .build();
//! # }
//! ```
//!
//! [`PermitLayer`] is a tower layer for any service of `http::Request`s, and with the feature `reqwest` for a
//! `reqwest::Client`.
//!
//! # What is taken over
//! Calls whose body is JSON with a member `model`. All others go straight through. The model must be known to the
//! manager; with [`PermitLayer::shared`] it is made as it is called, and its limits are found in the answers.
//!
//! # Time
//! A time-out of the client bounds each call, not its wait for the limits. Dropping the future, or the body of an
//! answer before its end, leaves the line or gives the permit back. Waits between tries work on any executor.

mod answer;
mod attempt;
#[cfg(feature = "reqwest")]
mod clients;
mod layer;
mod run;
mod service;
mod verdict;

pub use answer::Answer;
pub use layer::{Call, PermitLayer};
pub use service::Permitted;
pub use tower_layer::Layer;
pub use tower_service::Service;

/// Any error, as the crates around tower have it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
