//! Processors: functions that the library gives its attempts.

use std::ffi::c_void;
use std::sync::Arc;

use llmq_sys as sys;

use crate::cancels::Cancels;
use crate::error::Result;
use crate::ffi;
use crate::handle::Handle;
use crate::job::{self, Job};
use crate::manager::Manager;

struct Processor {
    run: Box<dyn Fn(Job) + Send + Sync>,
    handle: Arc<Handle>,
    cancels: Arc<Cancels>,
}

impl Manager {
    /// Sets the function that is given the attempts of a model without a built-in provider, in
    /// place of the one before. Requests submitted before wait for it.
    ///
    /// It is called on the library's thread, so it must not wait: it reports at once, or moves the
    /// [`Job`] to where the work is done. For work that takes time see [`Manager::worker`].
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL),
    /// [`Status::UNSUPPORTED`](crate::Status::UNSUPPORTED) (it has a built-in provider),
    /// [`Status::CLOSING`](crate::Status::CLOSING), [`Status::CLOSED`](crate::Status::CLOSED).
    pub fn set_processor(
        &self,
        model: &str,
        run: impl Fn(Job) + Send + Sync + 'static,
    ) -> Result<()> {
        let processor = Box::new(Processor {
            run: Box::new(run),
            handle: Arc::clone(self.handle()),
            cancels: Arc::clone(self.cancels()),
        });
        let user = Box::into_raw(processor).cast();
        // SAFETY: a live manager, a name of that length, and a user pointer that the library frees
        // in every case.
        ffi::check(unsafe {
            sys::llmq_model_set_processor(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                Some(ready),
                Some(cancel_requested),
                user,
                Some(ffi::free_box::<Processor>),
            )
        })
    }
}

unsafe extern "C" fn ready(user: *mut c_void, event: *const sys::llmq_event_t) {
    // SAFETY: user is the processor, which lives until it is freed; the event is a READY for it
    // alone.
    let (processor, job) = unsafe {
        let processor = &*user.cast::<Processor>();
        let (handle, cancels) = (Arc::clone(&processor.handle), Arc::clone(&processor.cancels));
        (processor, Job::new(*event, handle, cancels))
    };
    let _ = ffi::callback(|| job::catch(|| (processor.run)(job)));
}

unsafe extern "C" fn cancel_requested(user: *mut c_void, event: *const sys::llmq_event_t) {
    // SAFETY: as in ready().
    let (processor, attempt) = unsafe { (&*user.cast::<Processor>(), (*event).attempt_id) };
    let _ = ffi::callback(|| processor.cancels.request(attempt));
}
