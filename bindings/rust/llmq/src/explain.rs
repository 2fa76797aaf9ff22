//! What the library makes of a recorded answer.

use std::ptr;

use llmq_sys as sys;

use crate::error::Result;
use crate::ffi;

/// Says whether llmq would try again after an answer of a provider, when, and what else it reads from it, as
/// JSON. Nothing is sent.
///
/// `provider` is a value of the setting of that name; `record` a JSON object with `status`, `headers`, `body` (a
/// string, of a stream all of it, or a JSON value) and, if it is known, `now_unix_ms`. Both are told in full by
/// docs/explain.md of llmq.
///
/// # Errors
/// [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE) with the member that is wrong,
/// [`Status::INVALID_ARG`](crate::Status::INVALID_ARG),
/// [`Status::UNSUPPORTED`](crate::Status::UNSUPPORTED) if the library cannot be loaded.
pub fn explain_json(provider: &str, record: &str) -> Result<String> {
    explained(provider, record.as_bytes())
}

/// The same of a record that serialises to such an object, as a value of a type of your own.
///
/// # Errors
/// As [`explain_json`]; [`Status::INVALID_VALUE`](crate::Status::INVALID_VALUE) if the answer is no `T`.
#[cfg(feature = "serde")]
pub fn explain<T, R>(provider: &str, record: &R) -> Result<T>
where
    T: serde::de::DeserializeOwned,
    R: serde::Serialize + ?Sized,
{
    crate::json::read(explained(provider, &crate::json::write(record)?)?.as_bytes())
}

fn explained(provider: &str, record: &[u8]) -> Result<String> {
    sys::load()?;
    let mut text = ptr::null_mut();
    // SAFETY: two texts of those lengths, and a place for a text.
    ffi::explained(|err| unsafe {
        sys::llmq_explain_json(
            provider.as_ptr().cast(),
            provider.len(),
            record.as_ptr().cast(),
            record.len(),
            &mut text,
            ptr::null_mut(),
            err,
        )
    })?;
    // SAFETY: a text that the library has just allocated for us.
    Ok(unsafe { ffi::own_text(text) })
}
