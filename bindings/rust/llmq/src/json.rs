//! JSON, in and out.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::status::Status;

pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(Status::INVALID_ARG, format!("cannot be JSON: {error}")))
}

pub(crate) fn read<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| {
        Error::new(Status::INVALID_VALUE, format!("not the JSON expected: {error}"))
    })
}
