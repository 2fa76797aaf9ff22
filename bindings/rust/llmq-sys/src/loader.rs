//! Finds the library, checks that it fits, and keeps it for as long as the process lives.

use std::ffi::{c_void, CStr, CString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::generated::*;

/// What `llmq_sizeof` must tell at least, and what the struct is called.
const LAYOUT: [(i32, &str, usize); 6] = [
    (LLMQ_SIZEOF_REQUEST, "llmq_request_t", size_of_struct::<llmq_request_t>()),
    (LLMQ_SIZEOF_USAGE, "llmq_usage_t", size_of_struct::<llmq_usage_t>()),
    (LLMQ_SIZEOF_EVENT, "llmq_event_t", size_of_struct::<llmq_event_t>()),
    (LLMQ_SIZEOF_STATS, "llmq_stats_t", size_of_struct::<llmq_stats_t>()),
    (LLMQ_SIZEOF_WAIT, "llmq_wait_t", size_of_struct::<llmq_wait_t>()),
    (LLMQ_SIZEOF_HOOK, "llmq_hook_t", size_of_struct::<llmq_hook_t>()),
];

const fn size_of_struct<T>() -> usize {
    std::mem::size_of::<T>()
}

/// The library in use.
#[derive(Debug, Clone)]
pub struct Library {
    version: String,
    path: PathBuf,
}

impl Library {
    /// Version of the library, "0.1.0".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Why there is no library to work with.
#[derive(Debug, Clone)]
pub struct LoadError {
    message: String,
}

impl LoadError {
    fn new(message: impl Into<String>) -> LoadError {
        LoadError { message: message.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

struct Loaded {
    table: Table,
    library: Library,
}

static LOADED: OnceLock<Result<Loaded, LoadError>> = OnceLock::new();

/// Loads the library unless it is loaded, and says which one it is. The first outcome stays.
///
/// # Errors
/// There is no library in any of the places that the crate's text names, the one that was found
/// cannot be loaded, or it does not fit this crate: then both versions and both paths are told.
pub fn load() -> Result<&'static Library, LoadError> {
    match LOADED.get_or_init(open) {
        Ok(loaded) => Ok(&loaded.library),
        Err(error) => Err(error.clone()),
    }
}

/// The addresses; loads the library if need be.
#[inline]
pub(crate) fn table() -> &'static Table {
    match LOADED.get() {
        Some(Ok(loaded)) => &loaded.table,
        _ => table_or_panic(),
    }
}

#[cold]
fn table_or_panic() -> &'static Table {
    match LOADED.get_or_init(open) {
        Ok(loaded) => &loaded.table,
        Err(error) => panic!("{error}"),
    }
}

/// Where the library is, or may be for the system's loader to find.
fn place() -> PathBuf {
    if let Some(named) = std::env::var_os("LLMQ_LIBRARY").filter(|name| !name.is_empty()) {
        return PathBuf::from(named);
    }
    let file = env!("LLMQ_SYS_FILE");
    let mut places = vec![PathBuf::from(env!("LLMQ_SYS_BUNDLED"))];
    if let Some(dir) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        places.push(dir.join(file));
        places.push(dir.join("../lib").join(file));
    }
    places.push(PathBuf::from(env!("LLMQ_SYS_PKG_CONFIG")));
    places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| PathBuf::from(file))
}

fn open() -> Result<Loaded, LoadError> {
    let place = place();
    let name = CString::new(place.as_os_str().as_encoded_bytes())
        .map_err(|_| LoadError::new("LLMQ_LIBRARY holds a NUL"))?;
    // SAFETY: a NUL-terminated name. What the library runs when it is loaded touches nothing of
    // ours.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        return Err(LoadError::new(format!(
            "cannot load libllmq, which llmq-sys {} looks for in LLMQ_LIBRARY, in its package, beside the program, \
             where pkg-config said when it was built, and where the system does: {}",
            env!("CARGO_PKG_VERSION"),
            last_error()
        )));
    }
    let find = |symbol: &'static str| {
        debug_assert!(symbol.ends_with('\0'));
        // SAFETY: the handle is never closed, and the name is NUL-terminated.
        unsafe { libc::dlsym(handle, symbol.as_ptr().cast()) }
    };
    let version = version_of(&find, &place)?;
    let path = path_of(find("llmq_version_string\0")).unwrap_or(place);
    // SAFETY: the library tells that it is libllmq of this binary interface.
    let table = unsafe { Table::fill(find) }
        .map_err(|missing| mismatch(&version, &path, &format!("it has no {missing}")))?;
    for (what, name, ours) in LAYOUT {
        // SAFETY: takes a number only.
        let theirs = unsafe { (table.llmq_sizeof)(what) };
        if theirs < ours {
            return Err(mismatch(
                &version,
                &path,
                &format!("its {name} has {theirs} bytes, and {ours} are needed"),
            ));
        }
    }
    Ok(Loaded { table, library: Library { version, path } })
}

/// Version of the library; an error unless its binary interface is the one this crate was made for.
fn version_of(
    find: &impl Fn(&'static str) -> *mut c_void,
    place: &Path,
) -> Result<String, LoadError> {
    let text = find("llmq_version_string\0");
    let abi = find("llmq_abi_version\0");
    if text.is_null() || abi.is_null() {
        return Err(LoadError::new(format!("{} is not libllmq", place.display())));
    }
    // SAFETY: both have been declared like this since the first version, and never change.
    let (text, abi) = unsafe {
        let text: unsafe extern "C" fn() -> *const std::ffi::c_char = std::mem::transmute(text);
        let abi: unsafe extern "C" fn() -> u32 = std::mem::transmute(abi);
        (CStr::from_ptr(text()).to_string_lossy().into_owned(), abi())
    };
    if abi != LLMQ_ABI_VERSION {
        let path = path_of(find("llmq_version_string\0")).unwrap_or_else(|| place.to_owned());
        let why = format!("its binary interface is {abi}, and {LLMQ_ABI_VERSION} is needed");
        return Err(mismatch(&text, &path, &why));
    }
    Ok(text)
}

fn mismatch(version: &str, path: &Path, why: &str) -> LoadError {
    LoadError::new(format!(
        "libllmq {version} ({}) does not fit llmq-sys {}, made for libllmq {LLMQ_VERSION_MAJOR}.{LLMQ_VERSION_MINOR}.\
         {LLMQ_VERSION_PATCH} ({}): {why}",
        path.display(),
        env!("CARGO_PKG_VERSION"),
        std::env::current_exe().unwrap_or_default().display(),
    ))
}

/// The file that holds a function.
fn path_of(function: *mut c_void) -> Option<PathBuf> {
    // SAFETY: all-zero is a value of this struct of pointers.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr takes any address, and fills info if it knows it.
    if unsafe { libc::dladdr(function, &mut info) } == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: NUL-terminated, and lives as long as the library.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    let path = PathBuf::from(name.to_str().ok()?);
    Some(path.canonicalize().unwrap_or(path))
}

fn last_error() -> String {
    // SAFETY: dlerror gives NULL or a text that lives until the next call on this thread.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            return "no reason is known".to_owned();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}
