//! Which settings there are, and what the library knows of providers.

use std::ffi::{c_char, CStr};
use std::ptr;

use llmq_sys as sys;

use crate::config::Config;
use crate::error::Result;
use crate::ffi;

/// A setting that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its key; of a model, pool or tenant as `model.*.rpm`.
    pub key: &'static str,
    /// Its type and range.
    pub kind: &'static str,
    /// Its value unless it is set.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// A provider over HTTP, and what these keys are with it unless they are set; "" = nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provider {
    /// The value of `provider`.
    pub name: &'static str,
    /// `base_url`.
    pub base_url: &'static str,
    /// `api_key_env`: the variable of the environment that holds the key.
    pub key_variable: &'static str,
    /// `charge`.
    pub charge: &'static str,
    /// `api_version`.
    pub api_version: &'static str,
}

impl Config {
    /// All settings that exist.
    ///
    /// # Errors
    /// [`Status::UNSUPPORTED`](crate::Status::UNSUPPORTED) if the library cannot be loaded.
    pub fn settings() -> Result<Vec<Setting>> {
        sys::load()?;
        // SAFETY: places for four texts, which are static.
        let found = all(|index, [key, kind, default, doc]| unsafe {
            sys::llmq_conf_key_at(index, key, kind, default, doc)
        });
        Ok(found
            .into_iter()
            .map(|[key, kind, default, doc]| Setting { key, kind, default, doc })
            .collect())
    }

    /// The providers over HTTP.
    ///
    /// # Errors
    /// As [`Config::settings`].
    pub fn providers() -> Result<Vec<Provider>> {
        sys::load()?;
        // SAFETY: places for five texts, which are static.
        let found = all(|index, [name, base_url, key_variable, charge, api_version]| unsafe {
            sys::llmq_conf_provider_at(index, name, base_url, key_variable, charge, api_version)
        });
        Ok(found
            .into_iter()
            .map(|[name, base_url, key_variable, charge, api_version]| Provider {
                name,
                base_url,
                key_variable,
                charge,
                api_version,
            })
            .collect())
    }

    /// The values of `preset`, as JSON: limits and prices that providers publish for their plans.
    ///
    /// # Errors
    /// As [`Config::settings`]; [`Status::NOMEM`](crate::Status::NOMEM).
    pub fn presets_json() -> Result<String> {
        sys::load()?;
        // SAFETY: a place for a text.
        ffi::owned_text(|text| unsafe { sys::llmq_conf_presets_json(text) })
    }
}

/// The rows of a table of static texts, until the library says that there are no more.
fn all<const N: usize>(
    row: impl Fn(usize, [&mut *const c_char; N]) -> sys::llmq_status_t,
) -> Vec<[&'static str; N]> {
    let mut rows = Vec::new();
    loop {
        let mut texts = [ptr::null(); N];
        if row(rows.len(), texts.each_mut()) != sys::LLMQ_OK {
            return rows;
        }
        // SAFETY: the library has written static NUL-terminated texts.
        rows.push(texts.map(|text| unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")));
    }
}
