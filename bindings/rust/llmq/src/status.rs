//! Status codes.

use std::ffi::CStr;
use std::fmt;

use llmq_sys as sys;

/// Why something failed, or that it did not: a code of the library. Codes of later versions are
/// kept as they are, so compare with the constants and let the rest fall through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status(i32);

macro_rules! statuses {
    ($($(#[$attribute:meta])* $name:ident = $code:ident;)*) => {
        impl Status {
            $($(#[$attribute])* pub const $name: Status = Status(sys::$code);)*

            /// Name of the code, "LLMQ_ERR_TIMEOUT"; "LLMQ_ERR_?" of one that this crate does not know.
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $(sys::$code => stringify!($code),)*
                    _ => "LLMQ_ERR_?",
                }
            }

            /// The code of a name.
            pub fn from_name(name: &str) -> Option<Status> {
                match name {
                    $(stringify!($code) => Some(Status::$name),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// It went well.
    OK = LLMQ_OK;
    /// An argument is not acceptable, or an id is of the wrong kind.
    INVALID_ARG = LLMQ_ERR_INVALID_ARG;
    /// Out of memory.
    NOMEM = LLMQ_ERR_NOMEM;
    /// The manager has been shut down.
    CLOSED = LLMQ_ERR_CLOSED;
    /// Shutdown has begun, or the model is being removed.
    CLOSING = LLMQ_ERR_CLOSING;
    /// The manager was inherited through fork: make a new one in the child.
    FORKED = LLMQ_ERR_FORKED;
    /// Not yet: ask again later.
    AGAIN = LLMQ_ERR_AGAIN;
    /// The time given for the wait or the attempt is over.
    TIMEOUT = LLMQ_ERR_TIMEOUT;
    /// The caller cancelled the request.
    CANCELLED = LLMQ_ERR_CANCELLED;
    /// The request's deadline has passed, or cannot be met.
    DEADLINE = LLMQ_ERR_DEADLINE;
    /// `max_pending` or `max_pending_bytes` is reached.
    QUEUE_FULL = LLMQ_ERR_QUEUE_FULL;
    /// No model of that name is registered.
    UNKNOWN_MODEL = LLMQ_ERR_UNKNOWN_MODEL;
    /// A model of that name is registered already.
    MODEL_EXISTS = LLMQ_ERR_MODEL_EXISTS;
    /// No such configuration key.
    UNKNOWN_KEY = LLMQ_ERR_UNKNOWN_KEY;
    /// The key is known, its value is not acceptable.
    INVALID_VALUE = LLMQ_ERR_INVALID_VALUE;
    /// The request alone is larger than one of its limits.
    OVERSIZE = LLMQ_ERR_OVERSIZE;
    /// The id names something that is gone.
    STALE = LLMQ_ERR_STALE;
    /// It has ended before.
    ALREADY_DONE = LLMQ_ERR_ALREADY_DONE;
    /// The call would block the library's thread that it was made on.
    WRONG_THREAD = LLMQ_ERR_WRONG_THREAD;
    /// The provider refused the call for its rate (429).
    RATE_LIMITED = LLMQ_ERR_RATE_LIMITED;
    /// The account's quota or money is used up.
    QUOTA_EXHAUSTED = LLMQ_ERR_QUOTA_EXHAUSTED;
    /// The provider is overloaded (503, 529).
    OVERLOADED = LLMQ_ERR_OVERLOADED;
    /// The provider failed (5xx).
    SERVER = LLMQ_ERR_SERVER;
    /// The key was rejected (401, 403).
    AUTH = LLMQ_ERR_AUTH;
    /// The provider rejected the request itself (400, 404, 422).
    BAD_REQUEST = LLMQ_ERR_BAD_REQUEST;
    /// More tokens than the model's context.
    CONTEXT_TOO_LONG = LLMQ_ERR_CONTEXT_TOO_LONG;
    /// Refused by the provider's content filter.
    CONTENT_FILTER = LLMQ_ERR_CONTENT_FILTER;
    /// A budget of money or retries is used up.
    BUDGET = LLMQ_ERR_BUDGET;
    /// No answer: name resolution, connection, TLS, or a broken reply.
    TRANSPORT = LLMQ_ERR_TRANSPORT;
    /// The processor reported its own failure; final.
    PROCESSING = LLMQ_ERR_PROCESSING;
    /// Whoever ran the attempt vanished without a report.
    ABANDONED = LLMQ_ERR_ABANDONED;
    /// Not in this build, or not possible for this model; also: the library cannot be loaded.
    UNSUPPORTED = LLMQ_ERR_UNSUPPORTED;
    /// A mistake in llmq: please report it.
    INTERNAL = LLMQ_ERR_INTERNAL;
    /// A failure that fits no other class.
    UNKNOWN = LLMQ_ERR_UNKNOWN;
}

impl Status {
    /// The status of a code of the library.
    pub const fn from_code(code: i32) -> Status {
        Status(code)
    }

    /// The library's code: 0 for [`Status::OK`], else negative.
    pub const fn code(self) -> i32 {
        self.0
    }

    /// True for [`Status::OK`] alone.
    pub const fn is_ok(self) -> bool {
        self.0 == sys::LLMQ_OK
    }

    /// One sentence about the code, in English.
    pub fn message(self) -> &'static str {
        if sys::load().is_err() {
            return self.name(); // the library would say it better
        }
        // SAFETY: takes a number, gives a static NUL-terminated text.
        let text = unsafe { CStr::from_ptr(sys::llmq_status_message(self.0)) };
        text.to_str().unwrap_or("")
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
