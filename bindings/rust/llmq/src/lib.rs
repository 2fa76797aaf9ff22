//! Runs calls to LLM APIs as early as their limits allow, in order, each answered once.
//!
//! A [`Manager`] holds models with their limits, and a queue. A [`Request`] that is submitted waits
//! for its limits, runs, is tried again if that makes sense, and ends with exactly one outcome:
//!
//! ```no_run
//! use llmq::{Manager, Request};
//!
//! # async fn example() -> llmq::Result<()> {
//! let manager = Manager::from_json(r#"{"models": [{"name": "gpt-4o", "provider": "openai", "rpm": 500}]}"#)?;
//! let body = r#"{"messages": [{"role": "user", "content": "Name a lake."}]}"#;
//! let response = manager.submit(&Request::new("gpt-4o", body))?.await?;
//! println!("{}", response.text()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Futures
//! Futures and streams work on any executor: they need a waker and nothing else. One thread per
//! manager takes what the library has done, up to 256 events at a time, and wakes who waits; no
//! call has a thread of its own. Each future also has a `wait` for programs without an executor.
//!
//! # Cancel
//! Dropping a [`Pending`] or a [`ResponseStream`] before its end cancels the request, so a
//! `select!` or a time-out of the executor stops the call. [`Pending::detach`] lets it run.
//!
//! # Threads
//! Every public type is [`Send`], and every one but [`Config`] is [`Sync`] too: any thread may submit, cancel
//! and read through clones of one [`Manager`].
//!
//! # Panics in your code
//! A panic in a processor ends that attempt with [`Status::PROCESSING`]; a panic in a callback for
//! logs, keys or hooks is dropped. None crosses into the library.
//!
//! # Features
//! `serde` (default): typed requests and responses. `tracing`: log lines as events.

mod cancels;
mod config;
mod cq;
mod error;
mod explain;
mod ffi;
mod handle;
mod headers;
#[cfg(feature = "serde")]
mod history;
mod hook;
mod job;
#[cfg(feature = "serde")]
mod json;
mod manager;
mod pause;
mod pending;
mod permit;
mod plan;
mod poller;
mod processor;
mod request;
mod response;
mod settings;
mod slot;
mod status;
mod stream;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(feature = "serde")]
mod typed;
mod worker;

pub use cancels::Cancelled;
pub use config::{Config, LogLevel};
pub use cq::{Batch, CompletionQueue, Event, EventKind};
pub use error::{BatchError, Error, Result};
#[cfg(feature = "serde")]
pub use explain::explain;
pub use explain::explain_json;
#[cfg(feature = "serde")]
pub use history::AttemptRecord;
pub use hook::{HookEvent, HookKinds};
pub use job::{Answer, Failure, Job};
pub use llmq_sys::Library;
pub use manager::{Manager, Shutdown, ShutdownMode, Stats, WaitEstimate};
pub use pause::Pause;
pub use pending::Pending;
pub use permit::{Acquire, Permit};
pub use plan::Plan;
pub use request::{IntoPayload, Operation, Priority, Request};
pub use response::{Response, State, Timings, Usage};
pub use settings::{Provider, Setting};
pub use status::Status;
pub use stream::{Chunk, ResponseStream};
#[cfg(feature = "serde")]
pub use typed::{Reply, TypedModel, TypedPending, TypedStream};
pub use worker::{BoxFuture, Worker};

/// Identifies a request; never 0, and never used twice by one manager.
pub type RequestId = u64;
/// Identifies an attempt or a permit; never 0.
pub type AttemptId = u64;

/// The library in use, loaded if it has not been yet: its version and file.
///
/// # Errors
/// [`Status::UNSUPPORTED`] if it cannot be loaded, or does not fit: then both versions and paths are told.
pub fn library() -> Result<&'static Library> {
    Ok(llmq_sys::load()?)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
