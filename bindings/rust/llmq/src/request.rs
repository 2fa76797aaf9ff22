//! What is asked.

use std::borrow::Cow;
use std::mem;
use std::ptr;
use std::time::{Duration, Instant};

use llmq_sys as sys;

use crate::ffi;

/// What a request asks of a built-in provider. Processors see it as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Operation {
    /// Chat in the form of OpenAI's chat completions; providers of another form get it translated.
    #[default]
    Chat,
    /// Embeddings, likewise.
    Embeddings,
    /// Anthropic's messages, byte for byte.
    Messages,
    /// OpenAI's responses, byte for byte.
    Responses,
    /// A body of the provider's own form, byte for byte.
    Custom,
}

/// How urgent a request is. Waiting makes it more urgent, so nothing starves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Priority {
    /// Before all others.
    Urgent,
    /// As if submitted 30 s before.
    High,
    /// The default.
    #[default]
    Normal,
    /// After all others, but for those that have waited for a quarter of an hour less.
    Batch,
}

/// One request: a model, a payload, and what is to be different from the defaults.
///
/// It borrows or owns its texts, as it is given them; the library copies everything when it is
/// submitted, so a request may be submitted again and again.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    model: Cow<'a, str>,
    payload: Cow<'a, [u8]>,
    tenant: Cow<'a, str>,
    request_key: Cow<'a, str>,
    dedup_key: Cow<'a, str>,
    metadata: Cow<'a, [u8]>,
    operation: Operation,
    priority: Priority,
    flags: u32,
    max_attempts: u32,
    deadline_ns: i64,
    timeout_ns: i64,
    est_input_tokens: i64,
    est_output_tokens: i64,
    tag: u64,
}

/// Payloads: texts and bytes, borrowed or owned.
pub trait IntoPayload<'a> {
    /// The bytes.
    fn into_payload(self) -> Cow<'a, [u8]>;
}

macro_rules! payloads {
    ($($kind:ty => $value:ident: $bytes:expr;)*) => {
        $(impl<'a> IntoPayload<'a> for $kind {
            fn into_payload(self) -> Cow<'a, [u8]> {
                let $value = self;
                $bytes
            }
        })*
    };
}

payloads! {
    &'a str => text: Cow::Borrowed(text.as_bytes());
    &'a String => text: Cow::Borrowed(text.as_bytes());
    &'a [u8] => bytes: Cow::Borrowed(bytes);
    &'a Vec<u8> => bytes: Cow::Borrowed(bytes);
    String => text: Cow::Owned(text.into_bytes());
    Vec<u8> => bytes: Cow::Owned(bytes);
    Cow<'a, [u8]> => bytes: bytes;
}

impl<'a> Request<'a> {
    /// A request of [`Operation::Chat`]. The payload is what the processor or provider gets, at
    /// most 2 GiB - 1.
    pub fn new(model: impl Into<Cow<'a, str>>, payload: impl IntoPayload<'a>) -> Request<'a> {
        Request {
            model: model.into(),
            payload: payload.into_payload(),
            tenant: Cow::Borrowed(""),
            request_key: Cow::Borrowed(""),
            dedup_key: Cow::Borrowed(""),
            metadata: Cow::Borrowed(&[]),
            operation: Operation::Chat,
            priority: Priority::Normal,
            flags: 0,
            max_attempts: 0,
            deadline_ns: 0,
            timeout_ns: 0,
            est_input_tokens: 0,
            est_output_tokens: 0,
            tag: 0,
        }
    }

    /// A request whose payload is the JSON of `body`.
    ///
    /// # Errors
    /// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG) if it cannot be written as JSON.
    #[cfg(feature = "serde")]
    pub fn json<T>(model: impl Into<Cow<'a, str>>, body: &T) -> crate::Result<Request<'a>>
    where
        T: serde::Serialize + ?Sized,
    {
        Ok(Request::new(model, crate::json::write(body)?))
    }

    /// What is asked of a built-in provider.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = operation;
        self
    }

    /// How urgent it is.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Whose request it is, at most 255 bytes: tenants share what is scarce by their weights.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<Cow<'a, str>>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// The caller's own id, at most 1,024 bytes: in logs and look-ups.
    #[must_use]
    pub fn request_key(mut self, key: impl Into<Cow<'a, str>>) -> Self {
        self.request_key = key.into();
        self
    }

    /// Requests with the same key, model, tenant, operation and payload share one call, and its
    /// answer if the model has a cache. At most 1,024 bytes.
    #[must_use]
    pub fn dedup_key(mut self, key: impl Into<Cow<'a, str>>) -> Self {
        self.dedup_key = key.into();
        self
    }

    /// Bytes that come back with the response; the library does not look at them.
    #[must_use]
    pub fn metadata(mut self, metadata: impl IntoPayload<'a>) -> Self {
        self.metadata = metadata.into_payload();
        self
    }

    /// The time at which it ends with [`Status::DEADLINE`](crate::Status::DEADLINE) if it has not
    /// ended before.
    #[must_use]
    pub fn deadline(self, deadline: Instant) -> Self {
        self.deadline_in(deadline.saturating_duration_since(Instant::now()))
    }

    /// The same, counted from now.
    #[must_use]
    pub fn deadline_in(mut self, time: Duration) -> Self {
        // SAFETY: takes nothing.
        let now = unsafe { sys::llmq_now_ns() };
        self.deadline_ns = now.saturating_add(ffi::nanos(time).max(1));
        self
    }

    /// Longest that one attempt may take, rounded up to 1 ms; by default the model's `timeout_ms`.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout_ns = ffi::nanos(time).max(1);
        self
    }

    /// Lets attempts take any time, whatever the model says.
    #[must_use]
    pub fn no_timeout(mut self) -> Self {
        self.timeout_ns = -1;
        self
    }

    /// Input tokens that it will use, in place of the library's estimate; 0 = none.
    #[must_use]
    pub fn est_input_tokens(mut self, tokens: u32) -> Self {
        self.est_input_tokens = estimate(tokens);
        self
    }

    /// Output tokens that it will use, in place of the library's estimate; 0 = none.
    #[must_use]
    pub fn est_output_tokens(mut self, tokens: u32) -> Self {
        self.est_output_tokens = estimate(tokens);
        self
    }

    /// Attempts that it may have, 1 to 60; by default the model's `retry.max_attempts`.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Keeps the response readable by id, see [`Manager::kept`](crate::Manager::kept).
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.flags |= sys::LLMQ_REQUEST_KEEP;
        self
    }

    /// Lets usage be reported after the end, see
    /// [`Manager::update_usage`](crate::Manager::update_usage).
    #[must_use]
    pub fn late_usage(mut self) -> Self {
        self.flags |= sys::LLMQ_REQUEST_LATE_USAGE;
        self
    }

    /// Of a stream: an attempt that fails after output may be tried again. Its chunks begin anew
    /// then, with the next attempt number.
    #[must_use]
    pub fn restart(mut self) -> Self {
        self.flags |= sys::LLMQ_REQUEST_RESTART;
        self
    }

    /// A number that comes back in the events of a [`CompletionQueue`](crate::CompletionQueue); of
    /// no use elsewhere.
    #[must_use]
    pub fn tag(mut self, tag: u64) -> Self {
        self.tag = tag;
        self
    }

    /// The same with another payload.
    #[cfg(feature = "serde")]
    pub(crate) fn carrying(mut self, payload: Vec<u8>) -> Self {
        self.payload = Cow::Owned(payload);
        self
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What the processor or provider gets.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn tag_value(&self) -> u64 {
        self.tag
    }

    /// The struct of the C interface. It points into `self`.
    pub(crate) fn raw(&self, cq: *mut sys::llmq_cq_t, user_data: u64) -> sys::llmq_request_t {
        sys::llmq_request_t {
            struct_size: mem::size_of::<sys::llmq_request_t>() as u32,
            flags: self.flags,
            operation: match self.operation {
                Operation::Chat => sys::LLMQ_OP_CHAT,
                Operation::Embeddings => sys::LLMQ_OP_EMBEDDINGS,
                Operation::Messages => sys::LLMQ_OP_MESSAGES,
                Operation::Responses => sys::LLMQ_OP_RESPONSES,
                Operation::Custom => sys::LLMQ_OP_CUSTOM,
            },
            priority: match self.priority {
                Priority::Urgent => sys::LLMQ_PRIORITY_URGENT,
                Priority::High => sys::LLMQ_PRIORITY_HIGH,
                Priority::Normal => sys::LLMQ_PRIORITY_NORMAL,
                Priority::Batch => sys::LLMQ_PRIORITY_BATCH,
            },
            model: self.model.as_ptr().cast(),
            model_len: self.model.len(),
            tenant: self.tenant.as_ptr().cast(),
            tenant_len: self.tenant.len(),
            payload: self.payload.as_ptr().cast(),
            payload_len: self.payload.len(),
            request_key: self.request_key.as_ptr().cast(),
            request_key_len: self.request_key.len(),
            dedup_key: self.dedup_key.as_ptr().cast(),
            dedup_key_len: self.dedup_key.len(),
            metadata: self.metadata.as_ptr().cast(),
            metadata_len: self.metadata.len(),
            deadline_ns: self.deadline_ns,
            timeout_ns: self.timeout_ns,
            est_input_tokens: self.est_input_tokens,
            est_output_tokens: self.est_output_tokens,
            max_attempts: self.max_attempts,
            reserved0: 0,
            user_data,
            cq,
            done_fn: None,
            done_user: ptr::null_mut(),
            reserved: [0; 4],
        }
    }
}

/// The library takes 0 for "not told" and -1 for none.
fn estimate(tokens: u32) -> i64 {
    if tokens == 0 {
        -1
    } else {
        i64::from(tokens)
    }
}
