//! How long requests will take under their limits, and what they will cost.

use std::fmt;
use std::ptr::{self, NonNull};

use llmq_sys as sys;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::ffi;
use crate::request::Request;
use crate::status::Status;

/// Requests that are to be reckoned with, not sent. It has no thread and needs no key.
///
/// ```no_run
/// use llmq::{Config, Plan, Request};
///
/// # fn main() -> llmq::Result<()> {
/// let config = Config::from_json(r#"{"models": [{"name": "m", "provider": "mock", "rpm": 60}]}"#)?;
/// let mut plan = Plan::new(&config)?;
/// let request = Request::new("m", r#"{"messages": [{"role": "user", "content": "Name a lake."}]}"#);
/// for _ in 0..1000 {
///     plan.add(&request)?;
/// }
/// println!("{}", plan.run_json()?);
/// # Ok(())
/// # }
/// ```
pub struct Plan(NonNull<sys::llmq_plan_t>);

// SAFETY: a plan may be used by one thread after the other. Its calls need it for themselves.
unsafe impl Send for Plan {}

impl Plan {
    /// A plan with the models of a configuration, which it copies.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] with the key and what was wrong, [`Status::NOMEM`].
    pub fn new(config: &Config) -> Result<Plan> {
        let mut raw = ptr::null_mut();
        // SAFETY: a live configuration, and a place for the plan.
        ffi::explained(|err| unsafe { sys::llmq_plan_create(config.raw(), &mut raw, err) })?;
        NonNull::new(raw).map(Plan).ok_or_else(|| Error::of(Status::INTERNAL.code()))
    }

    /// Adds the models of a configuration; those that the plan knows stay as they are.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn add_models(&mut self, config: &Config) -> Result<()> {
        // SAFETY: a live plan and a live configuration, here and below.
        ffi::explained(|err| unsafe { sys::llmq_plan_add_models(self.raw(), config.raw(), err) })
    }

    /// Adds a request, with the checks and estimates of [`Manager::submit`](crate::Manager::submit). Its payload is
    /// looked at and not kept.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`], [`Status::INVALID_VALUE`]; [`Status::OVERSIZE`]: it is counted, and left out.
    pub fn add(&mut self, request: &Request<'_>) -> Result<()> {
        let request = request.raw(ptr::null_mut(), 0);
        // SAFETY: a live plan, and a request that lives during the call.
        ffi::explained(|err| unsafe { sys::llmq_plan_add(self.raw(), &request, err) })
    }

    /// Runs everything that was added under a virtual clock, as if all had been submitted now: duration, cost,
    /// tokens, and the limit that binds, of all and of each model and tenant, as JSON.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    pub fn run_json(self) -> Result<String> {
        // SAFETY: a live plan, and a place for a text.
        ffi::owned_text(|text| unsafe { sys::llmq_plan_run(self.raw(), text, ptr::null_mut()) })
    }

    /// The same as a value.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    #[cfg(feature = "serde")]
    pub fn run(self) -> Result<serde_json::Value> {
        crate::json::read(self.run_json()?.as_bytes())
    }

    fn raw(&self) -> *mut sys::llmq_plan_t {
        self.0.as_ptr()
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: ours, and freed once.
        unsafe { sys::llmq_plan_free(self.raw()) };
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plan")
    }
}
