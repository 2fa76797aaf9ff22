//! Settings.

use std::ffi::{c_char, c_void, CString};
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use llmq_sys as sys;

use crate::error::{Error, Result};
use crate::ffi;
use crate::status::Status;

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// What every step does.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
}

impl LogLevel {
    fn of(code: i32) -> LogLevel {
        match code {
            i32::MIN..=sys::LLMQ_LOG_TRACE => LogLevel::Trace,
            sys::LLMQ_LOG_DEBUG => LogLevel::Debug,
            sys::LLMQ_LOG_INFO => LogLevel::Info,
            sys::LLMQ_LOG_WARN => LogLevel::Warn,
            _ => LogLevel::Error,
        }
    }

    fn code(self) -> i32 {
        match self {
            LogLevel::Trace => sys::LLMQ_LOG_TRACE,
            LogLevel::Debug => sys::LLMQ_LOG_DEBUG,
            LogLevel::Info => sys::LLMQ_LOG_INFO,
            LogLevel::Warn => sys::LLMQ_LOG_WARN,
            LogLevel::Error => sys::LLMQ_LOG_ERROR,
        }
    }
}

/// Settings of a manager and of its models, as keys and values.
///
/// The keys are those of llmq's documentation of its configuration: `max_pending`,
/// `model.gpt-4o.rpm` and so on; as JSON `{"models": [{"name": "gpt-4o", "rpm": 500}]}`. A manager
/// copies what it is made from.
pub struct Config {
    raw: NonNull<sys::llmq_conf_t>,
    log: Option<Log>,
}

// SAFETY: a configuration may be used by one thread after the other. It is not Sync: not by two at
// a time.
unsafe impl Send for Config {}

type LogFn = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;
type KeyFn = Box<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// Where log lines go, and the least level of these.
#[derive(Clone)]
pub(crate) struct Log {
    level: LogLevel,
    line: LogFn,
}

impl Log {
    pub(crate) fn write(&self, level: LogLevel, line: &str) {
        if level >= self.level {
            let _ = ffi::callback(|| (self.line)(level, line));
        }
    }
}

impl Config {
    /// Every key at its default, no models.
    ///
    /// # Errors
    /// [`Status::UNSUPPORTED`] if the library cannot be loaded or does not fit, [`Status::NOMEM`].
    pub fn new() -> Result<Config> {
        sys::load()?;
        let mut raw = ptr::null_mut();
        // SAFETY: a place for the configuration.
        ffi::check(unsafe { sys::llmq_conf_create(&mut raw) })?;
        let made = NonNull::new(raw).map(|raw| Config { raw, log: None });
        made.ok_or_else(|| Error::of(Status::NOMEM.code()))
    }

    /// What a JSON document says.
    ///
    /// # Errors
    /// As [`Config::new`] and [`Config::set_json`].
    pub fn from_json(json: &str) -> Result<Config> {
        let mut config = Config::new()?;
        config.set_json(json)?;
        Ok(config)
    }

    /// What a value says that serialises to such a document: `serde_json::json!`, a map, a struct.
    ///
    /// # Errors
    /// As [`Config::from_json`].
    #[cfg(feature = "serde")]
    pub fn from_value<T: serde::Serialize + ?Sized>(value: &T) -> Result<Config> {
        let mut config = Config::new()?;
        config.set_bytes(&crate::json::write(value)?)?;
        Ok(config)
    }

    pub(crate) fn raw(&self) -> *mut sys::llmq_conf_t {
        self.raw.as_ptr()
    }

    pub(crate) fn log_of(&self) -> Option<Log> {
        self.log.clone()
    }

    /// Sets one key. Returns the configuration, for the next one.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_KEY`] or [`Status::INVALID_VALUE`], with the key and what was wrong.
    pub fn set(&mut self, key: &str, value: &str) -> Result<&mut Config> {
        let (key, value) = (terminated(key)?, terminated(value)?);
        // SAFETY: a live configuration, and NUL-terminated texts.
        ffi::explained(|err| unsafe {
            sys::llmq_conf_set(self.raw(), key.as_ptr(), value.as_ptr(), err)
        })?;
        Ok(self)
    }

    /// Sets every key of a JSON document, all or nothing.
    ///
    /// # Errors
    /// As [`Config::set`].
    pub fn set_json(&mut self, json: &str) -> Result<&mut Config> {
        self.set_bytes(json.as_bytes())
    }

    fn set_bytes(&mut self, json: &[u8]) -> Result<&mut Config> {
        // SAFETY: a live configuration, and a text of that length.
        ffi::explained(|err| unsafe {
            sys::llmq_conf_set_json(self.raw(), json.as_ptr().cast(), json.len(), err)
        })?;
        Ok(self)
    }

    /// Value of a key: what was set, or the default.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_KEY`].
    pub fn get(&self, key: &str) -> Result<String> {
        let key = terminated(key)?;
        // SAFETY: a live configuration, a NUL-terminated key, and a place for a text.
        ffi::owned_text(|text| unsafe {
            sys::llmq_conf_get(self.raw(), key.as_ptr(), text, ptr::null_mut())
        })
    }

    /// Checks the configuration as a whole, as [`Manager::new`](crate::Manager::new) would.
    ///
    /// # Errors
    /// [`Status::INVALID_VALUE`] or [`Status::UNSUPPORTED`], with the key and what was wrong.
    pub fn validate(&self) -> Result<()> {
        // SAFETY: a live configuration.
        ffi::explained(|err| unsafe { sys::llmq_conf_validate(self.raw(), err) })
    }

    /// Gives log lines of that level and above to a function. It is called on the library's
    /// threads: it must not call llmq, and should be quick. Without this, `log.level` and the
    /// environment variable `LLMQ_LOG` the library is silent.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    pub fn log(
        &mut self,
        level: LogLevel,
        log: impl Fn(LogLevel, &str) + Send + Sync + 'static,
    ) -> Result<&mut Config> {
        let line: LogFn = Arc::new(log);
        let user = Box::into_raw(Box::new(Arc::clone(&line))).cast();
        // SAFETY: the library frees the user pointer in every case, by the function that fits it.
        ffi::check(unsafe {
            sys::llmq_conf_set_log(
                self.raw(),
                level.code(),
                Some(log_line),
                user,
                Some(ffi::free_box::<LogFn>),
            )
        })?;
        self.log = Some(Log { level, line });
        Ok(self)
    }

    /// Gives log lines of that level and above to `tracing`, with the target "llmq".
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    #[cfg(feature = "tracing")]
    pub fn log_to_tracing(&mut self, level: LogLevel) -> Result<&mut Config> {
        self.log(level, crate::trace::event)
    }

    /// Asks a function for the provider key of every model that names no other source, before each
    /// attempt, so that a rotated key is used at once. It is given the names of the model and
    /// of its deployment, "" for the only one. It is called on the library's thread: it must
    /// not wait.
    ///
    /// # Errors
    /// [`Status::NOMEM`].
    pub fn api_key(
        &mut self,
        key: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<&mut Config> {
        let user = Box::into_raw(Box::<KeyFn>::new(Box::new(key))).cast();
        // SAFETY: as in log().
        ffi::check(unsafe {
            sys::llmq_conf_set_deployment_key_fn(
                self.raw(),
                Some(key_of),
                user,
                Some(ffi::free_box::<KeyFn>),
            )
        })?;
        Ok(self)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: ours, and freed once.
        unsafe { sys::llmq_conf_free(self.raw()) };
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config")
    }
}

/// A text for a call that wants a NUL at its end.
pub(crate) fn terminated(text: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(Status::INVALID_ARG, format!("{text:?} holds a NUL character")))
}

unsafe extern "C" fn log_line(user: *mut c_void, level: i32, text: *const c_char, len: usize) {
    // SAFETY: user is the box of Config::log, which lives until it is freed; a text of that length.
    let (log, line) = unsafe { (&*user.cast::<LogFn>(), ffi::text(text, len)) };
    let _ = ffi::callback(|| log(LogLevel::of(level), line));
}

unsafe extern "C" fn key_of(
    user: *mut c_void,
    model: *const c_char,
    model_len: usize,
    deployment: *const c_char,
    deployment_len: usize,
    out: *mut c_char,
    cap: usize,
) -> i64 {
    // SAFETY: user is the box of Config::api_key; texts of those lengths.
    let (key, model, deployment) = unsafe {
        let key = &*user.cast::<KeyFn>();
        (key, ffi::text(model, model_len), ffi::text(deployment, deployment_len))
    };
    match ffi::callback(|| key(model, deployment)) {
        Ok(Some(found)) if found.len() <= cap => {
            // SAFETY: room for cap bytes, and found is not there.
            unsafe { ptr::copy_nonoverlapping(found.as_ptr(), out.cast(), found.len()) };
            i64::try_from(found.len()).unwrap_or(-1)
        }
        _ => -1,
    }
}
