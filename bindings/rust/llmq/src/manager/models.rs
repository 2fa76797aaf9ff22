//! Models, deployments and settings of a running manager.

use std::ptr;

use llmq_sys as sys;

use super::{Manager, ShutdownMode};
use crate::config::{terminated, Config};
use crate::error::Result;
use crate::ffi;
use crate::headers::HeaderLists;

impl Manager {
    /// Registers the models of a configuration, all or none. With `skip_existing` those that are
    /// known are left alone.
    ///
    /// # Errors
    /// [`Status::MODEL_EXISTS`](crate::Status::MODEL_EXISTS), else as [`Manager::new`];
    /// [`Status::CLOSING`](crate::Status::CLOSING) and [`Status::CLOSED`](crate::Status::CLOSED).
    pub fn register_models(&self, models: &Config, skip_existing: bool) -> Result<()> {
        let flags = if skip_existing { sys::LLMQ_REGISTER_SKIP_EXISTING } else { 0 };
        // SAFETY: a live manager and a live configuration, here and below.
        ffi::explained(|err| unsafe {
            sys::llmq_manager_register_models(self.raw(), models.raw(), flags, err)
        })
    }

    /// Removes a model: new requests for it are refused at once, those it has end as `mode` says.
    /// Its name is free again at once.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::CLOSED`](crate::Status::CLOSED).
    pub fn remove_model(&self, model: &str, mode: ShutdownMode) -> Result<()> {
        // SAFETY: a live manager, and a name of that length.
        ffi::check(unsafe {
            sys::llmq_manager_remove_model(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                mode.code(),
            )
        })
    }

    /// Adds a deployment to a model: another place where its calls are made. What `settings` say of
    /// `model.MODEL.deployments.NAME` is taken.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE) with what was wrong.
    pub fn add_deployment(&self, model: &str, name: &str, settings: &Config) -> Result<()> {
        // SAFETY: a live manager, texts of those lengths, a live configuration.
        ffi::explained(|err| unsafe {
            sys::llmq_manager_add_deployment(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                name.as_ptr().cast(),
                name.len(),
                settings.raw(),
                err,
            )
        })
    }

    /// Removes a deployment: nothing starts there any more. No request ends for it; with
    /// [`ShutdownMode::Drain`] what runs there ends, else it is tried elsewhere.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::UNKNOWN_KEY`](crate::Status::UNKNOWN_KEY) (no such deployment),
    /// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE) (it is the last one).
    pub fn remove_deployment(&self, model: &str, name: &str, mode: ShutdownMode) -> Result<()> {
        // SAFETY: a live manager, and texts of those lengths.
        ffi::explained(|err| unsafe {
            sys::llmq_manager_remove_deployment(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                name.as_ptr().cast(),
                name.len(),
                mode.code(),
                err,
            )
        })
    }

    /// Changes one setting while everything runs. What limits have counted stays.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_KEY`](crate::Status::UNKNOWN_KEY),
    /// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE),
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::UNSUPPORTED`](crate::Status::UNSUPPORTED) (not while the manager runs).
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let (key, value) = (terminated(key)?, terminated(value)?);
        // SAFETY: a live manager, and NUL-terminated texts.
        ffi::explained(|err| unsafe {
            sys::llmq_manager_set(self.raw(), key.as_ptr(), value.as_ptr(), err)
        })
    }

    /// Tells what the answer to a call that was made elsewhere showed of the limits of a model: its
    /// headers, of which those that do not concern limits are skipped.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) (more than 4,096 headers),
    /// [`Status::CLOSED`](crate::Status::CLOSED).
    pub fn report_limits<'a>(
        &self,
        model: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<()> {
        let lists = HeaderLists::of(headers);
        // SAFETY: a live manager, and arrays of that many texts and lengths.
        ffi::check(unsafe {
            sys::llmq_report_limits(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                lists.names.as_ptr(),
                lists.name_lens.as_ptr(),
                lists.values.as_ptr(),
                lists.value_lens.as_ptr(),
                lists.names.len(),
            )
        })
    }

    /// Names of the registered models, as a JSON array, in the order of registration.
    ///
    /// # Errors
    /// [`Status::FORKED`](crate::Status::FORKED), [`Status::NOMEM`](crate::Status::NOMEM).
    pub fn models_json(&self) -> Result<String> {
        // SAFETY: a live manager, and a place for a text.
        ffi::owned_text(|text| unsafe {
            sys::llmq_manager_models_json(self.raw(), text, ptr::null_mut())
        })
    }

    /// The same as a list.
    ///
    /// # Errors
    /// As [`Manager::models_json`].
    #[cfg(feature = "serde")]
    pub fn models(&self) -> Result<Vec<String>> {
        crate::json::read(self.models_json()?.as_bytes())
    }
}
