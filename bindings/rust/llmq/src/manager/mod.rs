//! The manager: its life, and what it knows of itself.

mod models;
mod read;
mod shared;
mod submit;

pub use read::{Stats, WaitEstimate};

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use llmq_sys as sys;

use crate::cancels::Cancels;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ffi;
use crate::handle::Handle;
use crate::pause::Pause;
use crate::poller::Poller;
use crate::slot::{self, Slot};
use crate::status::Status;
use crate::worker::Routes;

/// How a shutdown treats what is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownMode {
    /// Runs everything to its end.
    Drain,
    /// Cancels what waits, lets running attempts end.
    Cancel,
    /// Cancels everything at once.
    Abort,
}

impl ShutdownMode {
    fn code(self) -> i32 {
        match self {
            ShutdownMode::Drain => sys::LLMQ_SHUTDOWN_DRAIN,
            ShutdownMode::Cancel => sys::LLMQ_SHUTDOWN_CANCEL,
            ShutdownMode::Abort => sys::LLMQ_SHUTDOWN_ABORT,
        }
    }
}

/// Models with their limits, and the queue before them. Clones are the same manager; with the last
/// one everything that is left is cancelled, which that drop waits for.
///
/// A manager does not survive `fork`: in the child its calls fail with [`Status::FORKED`]. Make a
/// new one there.
#[derive(Clone)]
pub struct Manager(Arc<Inner>);

struct Inner {
    handle: Arc<Handle>,
    cancels: Arc<Cancels>,
    routes: Arc<Routes>,
    poller: Poller,
}

impl Manager {
    /// Makes a manager with its own threads, and registers the models of the configuration.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] or [`Status::UNSUPPORTED`] with the key and what was wrong;
    /// [`Status::NOMEM`], [`Status::INTERNAL`].
    pub fn new(config: &Config) -> Result<Manager> {
        let mut raw = ptr::null_mut();
        // SAFETY: a live configuration, and a place for the manager.
        ffi::explained(|err| unsafe { sys::llmq_manager_create(config.raw(), &mut raw, err) })?;
        // SAFETY: the reference is ours.
        let handle = unsafe { Handle::own(raw, config.log_of()) };
        Manager::with_poller(handle.ok_or_else(|| Error::of(Status::INTERNAL.code()))?)
    }

    fn with_poller(handle: Handle) -> Result<Manager> {
        let handle = Arc::new(handle);
        let cancels = Arc::<Cancels>::default();
        let routes = Arc::new(Routes::new(Arc::clone(&handle), Arc::clone(&cancels)));
        let poller = Poller::start(Arc::clone(&routes))?;
        Ok(Manager(Arc::new(Inner { handle, cancels, routes, poller })))
    }

    /// The same from a JSON document.
    ///
    /// # Errors
    /// As [`Config::from_json`] and [`Manager::new`].
    pub fn from_json(json: &str) -> Result<Manager> {
        Manager::new(&Config::from_json(json)?)
    }

    /// The same from a value that serialises to such a document.
    ///
    /// # Errors
    /// As [`Config::from_value`] and [`Manager::new`].
    #[cfg(feature = "serde")]
    pub fn from_value<T: serde::Serialize + ?Sized>(value: &T) -> Result<Manager> {
        Manager::new(&Config::from_value(value)?)
    }

    /// Begins to shut down: new requests are refused with [`Status::CLOSING`], the others end as
    /// `mode` says; what still runs when the time is over is cancelled. A second call may only
    /// be stricter.
    ///
    /// # Errors
    /// [`Status::CLOSED`] if it is complete already, [`Status::FORKED`] in a child.
    pub fn shutdown(&self, mode: ShutdownMode, within: Option<Duration>) -> Result<Shutdown> {
        let slot = Slot::new();
        let user_data = Arc::clone(&slot).into_user_data();
        // SAFETY: a live manager and its own queue; takes nothing but a number.
        let code = unsafe {
            let deadline =
                within.map_or(0, |time| sys::llmq_now_ns().saturating_add(ffi::nanos(time).max(1)));
            sys::llmq_manager_shutdown(
                self.raw(),
                mode.code(),
                deadline,
                self.0.poller.cq(),
                user_data,
            )
        };
        if code != sys::LLMQ_OK {
            // SAFETY: refused, so there will be no event.
            drop(unsafe { Slot::from_user_data(user_data) });
            return Err(Error::of(code));
        }
        self.0.poller.close();
        Ok(Shutdown { slot, handle: Arc::clone(&self.0.handle) })
    }

    /// A future that is ready when that time is over: for who pauses before the next request. It needs no runtime: the
    /// manager's thread wakes it.
    ///
    /// # Errors
    /// [`Status::CLOSED`] as soon as [`Manager::shutdown`] has been called or the manager has ended, since a request
    /// would be refused then; [`Status::FORKED`] in a child.
    pub fn pause(&self, time: Duration) -> Pause {
        Pause::new(&self.0.handle, self.0.poller.thread(), time)
    }

    pub(crate) fn raw(&self) -> *mut sys::llmq_manager_t {
        self.0.handle.raw()
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.0.handle
    }

    pub(crate) fn cancels(&self) -> &Arc<Cancels> {
        &self.0.cancels
    }

    pub(crate) fn routes(&self) -> &Arc<Routes> {
        &self.0.routes
    }

    pub(crate) fn cq(&self) -> *mut sys::llmq_cq_t {
        self.0.poller.cq()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.routes.close();
        self.poller.close();
        if self.handle.is_forked() {
            return self.poller.leave();
        }
        // SAFETY: a live handle; destroy takes the reference that is added here.
        let code = unsafe { sys::llmq_manager_destroy(sys::llmq_manager_ref(self.handle.raw())) };
        if code == sys::LLMQ_ERR_WRONG_THREAD {
            return self.end_elsewhere();
        }
        self.poller.stop();
    }
}

impl Inner {
    /// On the library's thread nobody can wait for it: another thread does.
    fn end_elsewhere(&mut self) {
        let handle = Arc::clone(&self.handle);
        let mut poller = self.poller.hand_over();
        std::thread::spawn(move || {
            // SAFETY: the reference that was added before; nobody else takes it.
            unsafe { sys::llmq_manager_destroy(handle.raw()) };
            poller.stop();
        });
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manager").field(&self.raw()).finish()
    }
}

/// A shutdown that has begun: a future of its end. Dropping it changes nothing.
#[must_use = "await it to know when the shutdown is complete"]
pub struct Shutdown {
    slot: Arc<Slot>,
    handle: Arc<Handle>,
}

impl Shutdown {
    /// Waits on this thread until it is complete.
    ///
    /// # Errors
    /// [`Status::WRONG_THREAD`] in a callback, [`Status::FORKED`] in a child.
    pub fn wait(self) -> Result<()> {
        slot::block_on(&self.handle, None, |cx| self.slot.poll(cx)).map(drop)
    }
}

impl Future for Shutdown {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.slot.poll(cx).map(drop)
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shutdown")
    }
}
