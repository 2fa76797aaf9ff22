//! From declarations to a table of pointers that is filled when the library is loaded.

/// Takes the declarations of all functions. Makes the table of their addresses, what fills it, and
/// a function of the same name for each that calls through it.
macro_rules! functions {
    ($($(#[$attribute:meta])* pub fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// Addresses of the functions of the library.
        pub(crate) struct Table {
            $(pub(crate) $name: unsafe extern "C" fn($($kind),*) $(-> $result)?,)*
        }

        impl Table {
            /// Asks `find` for the address of each function; fails with the first name that is missing.
            ///
            /// # Safety
            /// What `find` returns for a name must be the function that `llmq.h` declares under it.
            pub(crate) unsafe fn fill(
                find: impl Fn(&'static str) -> *mut c_void,
            ) -> Result<Table, &'static str> {
                Ok(Table {
                    $($name: {
                        let address = find(concat!(stringify!($name), "\0"));
                        if address.is_null() {
                            return Err(stringify!($name));
                        }
                        // SAFETY: not null, and of this type, as the caller promises.
                        unsafe {
                            core::mem::transmute::<
                                *mut c_void,
                                unsafe extern "C" fn($($kind),*) $(-> $result)?,
                            >(address)
                        }
                    },)*
                })
            }
        }

        $(
            $(#[$attribute])*
            ///
            /// # Safety
            /// Pointers must be what the text above asks for, and live for as long as it says.
            #[inline]
            pub unsafe fn $name($($arg: $kind),*) $(-> $result)? {
                // SAFETY: the address is that of this function, and the caller keeps its promises.
                unsafe { (crate::loader::table().$name)($($arg),*) }
            }
        )*
    };
}
