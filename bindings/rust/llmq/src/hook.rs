//! Being told what happens to requests, limits and circuit breakers.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ops::BitOr;
use std::time::Duration;

use llmq_sys as sys;

use crate::error::Result;
use crate::ffi;
use crate::manager::Manager;
use crate::response::{State, Usage};
use crate::status::Status;
use crate::{AttemptId, RequestId};

/// Kinds of what a hook is told, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookKinds(u32);

impl HookKinds {
    /// The manager has taken up a request.
    pub const REQUEST_SUBMITTED: HookKinds = HookKinds(sys::LLMQ_HOOK_REQUEST_SUBMITTED);
    /// Every limit has room, and holds it for this attempt.
    pub const ADMITTED: HookKinds = HookKinds(sys::LLMQ_HOOK_ADMITTED);
    /// An attempt was handed to the processor or the provider's connection.
    pub const ATTEMPT_STARTED: HookKinds = HookKinds(sys::LLMQ_HOOK_ATTEMPT_STARTED);
    /// The first output of a streamed response.
    pub const FIRST_BYTE: HookKinds = HookKinds(sys::LLMQ_HOOK_FIRST_BYTE);
    /// An attempt has ended, well or not.
    pub const ATTEMPT_FINISHED: HookKinds = HookKinds(sys::LLMQ_HOOK_ATTEMPT_FINISHED);
    /// The attempt has failed, and another one will follow.
    pub const RETRIED: HookKinds = HookKinds(sys::LLMQ_HOOK_RETRIED);
    /// The circuit breaker of a deployment has changed.
    pub const BREAKER_CHANGED: HookKinds = HookKinds(sys::LLMQ_HOOK_BREAKER_CHANGED);
    /// What is enforced of a limit has changed.
    pub const LIMIT_CHANGED: HookKinds = HookKinds(sys::LLMQ_HOOK_LIMIT_CHANGED);
    /// A request has ended: just before its response is handed over.
    pub const COMPLETED: HookKinds = HookKinds(sys::LLMQ_HOOK_COMPLETED);
    /// All, also those of later versions.
    pub const ALL: HookKinds = HookKinds(u32::MAX);

    /// True if all of the others are among these.
    pub fn contains(self, others: HookKinds) -> bool {
        self.0 & others.0 == others.0
    }
}

impl BitOr for HookKinds {
    type Output = HookKinds;

    fn bitor(self, other: HookKinds) -> HookKinds {
        HookKinds(self.0 | other.0)
    }
}

/// What a hook is told. What a kind does not mention is 0 or "".
#[derive(Clone, Copy)]
pub struct HookEvent<'a>(&'a sys::llmq_hook_t);

type HookFn = Box<dyn Fn(&HookEvent<'_>) + Send + Sync>;

impl HookEvent<'_> {
    /// What has happened: one of [`HookKinds`].
    pub fn kind(&self) -> HookKinds {
        HookKinds(self.0.r#type)
    }

    /// Id of the request; 0 where a limit or a breaker has changed.
    pub fn request_id(&self) -> RequestId {
        self.0.request_id
    }

    /// Id of the attempt; 0 before the first one.
    pub fn attempt_id(&self) -> AttemptId {
        self.0.attempt_id
    }

    /// Number of the attempt, from 1; of [`HookKinds::COMPLETED`]: attempts made.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        self.text(self.0.model, self.0.model_len)
    }

    /// Name of the deployment; "" for a model's only one.
    pub fn deployment(&self) -> &str {
        self.text(self.0.deployment, self.0.deployment_len)
    }

    /// Whose request it is.
    pub fn tenant(&self) -> &str {
        self.text(self.0.tenant, self.0.tenant_len)
    }

    /// The limit that has changed, "tokens/1m".
    pub fn limit(&self) -> &str {
        self.text(self.0.limit, self.0.limit_len)
    }

    fn text(&self, data: *const c_char, len: u64) -> &str {
        // SAFETY: the texts live until the hook returns, as the event does.
        unsafe { ffi::text(data, usize::try_from(len).unwrap_or(0)) }
    }

    /// Status of the attempt or the request; of a breaker that opens: of the failure that opened
    /// it.
    pub fn status(&self) -> Status {
        Status::from_code(self.0.status)
    }

    /// State of the request then.
    pub fn state(&self) -> State {
        State::of(self.0.state)
    }

    /// Usage of the last attempt, if it is known.
    pub fn usage(&self) -> Option<Usage> {
        (self.0.usage_known != 0).then_some(Usage {
            input_tokens: self.0.input_tokens,
            output_tokens: self.0.output_tokens,
            cached_input_tokens: self.0.cached_input_tokens,
            cost_micros: self.0.cost_micros,
            reasoning_tokens: self.0.reasoning_tokens,
        })
    }

    /// From the submit until then, or until the attempt started.
    pub fn queued(&self) -> Duration {
        ffi::duration(self.0.queued_ns)
    }

    /// How long the attempt ran.
    pub fn run(&self) -> Duration {
        ffi::duration(self.0.run_ns)
    }

    /// Of [`HookKinds::RETRIED`]: no attempt starts before that time from then.
    pub fn delay(&self) -> Duration {
        ffi::duration(self.0.delay_ns)
    }

    /// The amount of the limit, or the state of the breaker (0 closed, 1 open, 2 half-open), before
    /// and after.
    pub fn change(&self) -> (i64, i64) {
        (self.0.old_value, self.0.new_value)
    }
}

impl fmt::Debug for HookEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookEvent")
            .field("kind", &self.kind())
            .field("request_id", &self.request_id())
            .field("model", &self.model())
            .finish_non_exhaustive()
    }
}

impl Manager {
    /// Sets the function that is told what happens, in place of the one before. It is called on the
    /// library's thread, in the order of events: it must be quick; it may submit and cancel.
    ///
    /// # Errors
    /// [`Status::CLOSING`], [`Status::CLOSED`], [`Status::FORKED`], [`Status::NOMEM`].
    pub fn set_hook(
        &self,
        kinds: HookKinds,
        hook: impl Fn(&HookEvent<'_>) + Send + Sync + 'static,
    ) -> Result<()> {
        let user = Box::into_raw(Box::<HookFn>::new(Box::new(hook))).cast();
        let free = Some(ffi::free_box::<HookFn> as unsafe extern "C" fn(*mut c_void));
        // SAFETY: a live manager, and a user pointer that the library frees in every case.
        ffi::check(unsafe { sys::llmq_set_hook(self.raw(), kinds.0, Some(tell), user, free) })
    }

    /// Removes the hook.
    ///
    /// # Errors
    /// As [`Manager::set_hook`].
    pub fn remove_hook(&self) -> Result<()> {
        // SAFETY: a live manager.
        ffi::check(unsafe { sys::llmq_set_hook(self.raw(), 0, None, std::ptr::null_mut(), None) })
    }
}

unsafe extern "C" fn tell(user: *mut c_void, event: *const sys::llmq_hook_t) {
    // SAFETY: user is the box of set_hook, which lives until it is freed; the event lives during
    // the call.
    let (hook, event) = unsafe { (&*user.cast::<HookFn>(), HookEvent(&*event)) };
    let _ = ffi::callback(|| hook(&event));
}
