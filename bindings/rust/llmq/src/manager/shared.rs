//! The process's one manager.

use std::ptr;
use std::sync::{Mutex, PoisonError};

use llmq_sys as sys;

use super::Manager;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::status::Status;

static SHARED: Mutex<Option<Manager>> = Mutex::new(None);

impl Manager {
    /// The process's one shared manager: made on first use, there until it is shut down; after that, and in a
    /// forked child, the next call makes a new one. The first configuration wins: without one the call takes what
    /// is there.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`]: there is one with a different configuration; else as [`Manager::new`].
    pub fn shared(config: Option<&Config>) -> Result<Manager> {
        sys::load()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut raw = ptr::null_mut();
        // SAFETY: null or a live configuration, and a place for the manager.
        ffi::explained(|err| unsafe {
            sys::llmq_manager_shared(
                config.map_or(ptr::null(), |config| config.raw().cast_const()),
                &mut raw,
                err,
            )
        })?;
        // SAFETY: the reference is ours.
        let handle = unsafe { Handle::own(raw, config.and_then(Config::log_of)) };
        let handle = handle.ok_or_else(|| Error::of(Status::INTERNAL.code()))?;
        match shared.as_ref() {
            Some(there) if there.raw() == handle.raw() => Ok(there.clone()),
            _ => {
                let made = Manager::with_poller(handle)?;
                let ended = shared.replace(made.clone());
                drop(shared); // the end of the one before may take a while
                drop(ended);
                Ok(made)
            }
        }
    }
}
