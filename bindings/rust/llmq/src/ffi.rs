//! What every call into the library needs: errors, texts, panics.

use std::cell::Cell;
use std::ffi::{c_char, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::time::Duration;

use llmq_sys as sys;

use crate::error::{Error, Result};

/// An error object of the library, freed at the end.
pub(crate) struct OwnedError(*mut sys::llmq_error_t);

impl OwnedError {
    pub(crate) fn none() -> OwnedError {
        OwnedError(ptr::null_mut())
    }

    /// Where a call writes its error object.
    pub(crate) fn out(&mut self) -> *mut *mut sys::llmq_error_t {
        &mut self.0
    }

    /// Message and key.
    pub(crate) fn read(&self) -> Option<(String, String)> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: a live error; its texts live as long as it does.
        let texts = unsafe {
            [
                CStr::from_ptr(sys::llmq_error_message(self.0)),
                CStr::from_ptr(sys::llmq_error_key(self.0)),
            ]
        };
        let [message, key] = texts.map(|text| text.to_string_lossy().into_owned());
        Some((message, key))
    }
}

impl Drop for OwnedError {
    fn drop(&mut self) {
        // SAFETY: ours, or null.
        unsafe { sys::llmq_error_free(self.0) };
    }
}

pub(crate) fn check(code: sys::llmq_status_t) -> Result<()> {
    if code == sys::LLMQ_OK {
        Ok(())
    } else {
        Err(Error::of(code))
    }
}

/// Makes a cold call that explains its failures.
pub(crate) fn explained(
    call: impl FnOnce(*mut *mut sys::llmq_error_t) -> sys::llmq_status_t,
) -> Result<()> {
    let mut err = OwnedError::none();
    let code = call(err.out());
    if code == sys::LLMQ_OK {
        Ok(())
    } else {
        Err(Error::told(code, err))
    }
}

/// The text that a call allocates, as a `String`.
pub(crate) fn owned_text(
    call: impl FnOnce(*mut *mut c_char) -> sys::llmq_status_t,
) -> Result<String> {
    let mut text: *mut c_char = ptr::null_mut();
    let code = call(&mut text);
    check(code)?;
    // SAFETY: the call has written a text for us.
    Ok(unsafe { own_text(text) })
}

/// A text that the library has allocated, as a `String`.
///
/// # Safety
/// `text` must be NUL-terminated and ours to free.
pub(crate) unsafe fn own_text(text: *mut c_char) -> String {
    // SAFETY: as the caller promises.
    unsafe {
        let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
        sys::llmq_buf_free(text);
        copy
    }
}

/// Bytes that the library lends.
///
/// # Safety
/// `data` must be valid for `len` bytes and for the lifetime that the caller chooses, or `len` 0.
pub(crate) unsafe fn bytes<'a>(data: *const c_void, len: usize) -> &'a [u8] {
    if len == 0 || data.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(data.cast(), len) }
}

/// Text that the library lends; what is not UTF-8 of it is left out from there on.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(data: *const c_char, len: usize) -> &'a str {
    // SAFETY: as the caller promises.
    let raw = unsafe { bytes(data.cast(), len) };
    match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&raw[..error.valid_up_to()]).unwrap_or(""),
    }
}

/// Nanoseconds of a duration, as large as they can be told.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A duration of nanoseconds; negative ones are none.
pub(crate) fn duration(ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
}

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// True while this thread runs a callback or a waker, which nobody may stop by waiting.
pub(crate) fn in_callback() -> bool {
    IN_CALLBACK.get()
}

/// Runs code of the user on a thread of ours or of the library, where a panic must not get out.
pub(crate) fn callback<T>(call: impl FnOnce() -> T) -> std::thread::Result<T> {
    let outer = IN_CALLBACK.replace(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    IN_CALLBACK.set(outer);
    result
}

/// Frees the boxed `T` that a callback was registered with. A panic in its drop ends there.
pub(crate) unsafe extern "C" fn free_box<T>(user: *mut c_void) {
    // SAFETY: the library calls this once, with the pointer of Box::into_raw that it was given.
    let owned = unsafe { Box::from_raw(user.cast::<T>()) };
    let _ = callback(move || drop(owned));
}
