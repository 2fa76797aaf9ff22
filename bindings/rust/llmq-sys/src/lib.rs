//! The C interface of llmq: every function, struct and constant of `llmq.h`, and the loader of the
//! library.
//!
//! Nothing is linked: [`load`] finds the library, checks that it fits, and resolves every function.
//! The functions load it themselves when they are called first, and panic with the words of
//! [`LoadError`] if that fails. What each function does, and who owns what, is said at each, in the
//! words of `llmq.h`; all are `unsafe` as any C function is.
#![allow(non_camel_case_types)]

#[macro_use]
mod table;
#[allow(clippy::too_many_arguments)] // as llmq.h has them
mod generated;
mod loader;

pub use generated::*;
pub use loader::{load, Library, LoadError};
