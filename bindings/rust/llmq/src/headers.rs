//! Headers of an answer, as the library takes them.

use std::ffi::c_char;
use std::marker::PhantomData;

/// Points into the texts.
pub(crate) struct HeaderLists<'a> {
    pub(crate) names: Vec<*const c_char>,
    pub(crate) name_lens: Vec<usize>,
    pub(crate) values: Vec<*const c_char>,
    pub(crate) value_lens: Vec<usize>,
    texts: PhantomData<&'a str>,
}

impl<'a> HeaderLists<'a> {
    pub(crate) fn of(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderLists<'a> {
        let headers: Vec<_> = headers.into_iter().collect();
        HeaderLists {
            names: headers.iter().map(|(name, _)| name.as_ptr().cast()).collect(),
            name_lens: headers.iter().map(|(name, _)| name.len()).collect(),
            values: headers.iter().map(|(_, value)| value.as_ptr().cast()).collect(),
            value_lens: headers.iter().map(|(_, value)| value.len()).collect(),
            texts: PhantomData,
        }
    }
}
