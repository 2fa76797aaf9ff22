//! A reference to a manager of the library.

use std::ptr::NonNull;

use llmq_sys as sys;

use crate::config::{Log, LogLevel};

/// Keeps the library's manager in memory, no more: what is done with it after its end is refused.
pub(crate) struct Handle {
    raw: NonNull<sys::llmq_manager_t>,
    /// Where its log lines go, for those that this crate has to say itself.
    log: Option<Log>,
}

// SAFETY: any thread may call any function of the library with it.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// # Safety
    /// The reference becomes the handle's.
    pub(crate) unsafe fn own(raw: *mut sys::llmq_manager_t, log: Option<Log>) -> Option<Handle> {
        NonNull::new(raw).map(|raw| Handle { raw, log })
    }

    /// Writes a warning.
    #[cold]
    pub(crate) fn warn(&self, line: &str) {
        if let Some(log) = &self.log {
            log.write(LogLevel::Warn, line);
        }
    }

    pub(crate) fn raw(&self) -> *mut sys::llmq_manager_t {
        self.raw.as_ptr()
    }

    /// True in a child of the process that made the manager: its threads are not here.
    pub(crate) fn is_forked(&self) -> bool {
        let mut state = 0;
        // SAFETY: a live handle; the id need not exist.
        let code = unsafe { sys::llmq_request_state(self.raw(), 1, &mut state) };
        code == sys::LLMQ_ERR_FORKED
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: one reference is ours.
        unsafe { sys::llmq_manager_unref(self.raw()) };
    }
}
