//! Finding the library: each place where it may be, none, and ones that do not fit.
//!
//! What needs a package that carries a library, or a machine where one is installed, is for `test.sh` to run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Set for a copy of this program that is to say what load() says.
const ASK: &str = "LLMQ_SYS_TEST_ASK";

/// What load() says in a process of a program, with that LLMQ_LIBRARY.
fn loaded_by(program: &Path, library: &str) -> String {
    let output = Command::new(program)
        .args(["--exact", "says_what_it_loads", "--nocapture"])
        .env(ASK, "1")
        .env("LLMQ_LIBRARY", library)
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program")
}

fn loaded_with(library: &str) -> String {
    loaded_by(&this_program(), library)
}

/// The library that test.sh names: one that fits, and is not the one that the package carries.
fn installed() -> PathBuf {
    let named = std::env::var_os("LLMQ_TEST_LIBRARY").expect("LLMQ_TEST_LIBRARY names a library");
    Path::new(&named).canonicalize().expect("the library")
}

/// An empty folder of the build's own.
fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.canonicalize().expect("the folder")
}

#[test]
fn says_what_it_loads() {
    if std::env::var_os(ASK).is_some() {
        match llmq_sys::load() {
            Ok(library) => println!("loaded {} {}", library.version(), library.path().display()),
            Err(error) => println!("failed {error}"),
        }
    }
}

#[test]
fn a_library_is_found_and_fits() {
    let library = llmq_sys::load().expect("a library");
    assert!(library.path().is_file(), "{library:?}");
    // SAFETY: takes nothing.
    let number = unsafe { llmq_sys::llmq_version_num() };
    let parts: Vec<u32> = library.version().split('.').map(|part| part.parse().unwrap()).collect();
    assert_eq!(parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2], number);
}

#[test]
#[ignore = "needs a package that carries a library: test.sh makes one"]
fn the_library_that_the_package_carries_is_used() {
    let carried = Path::new(env!("CARGO_MANIFEST_DIR")).join("lib");
    let dir = carried.canonicalize().expect("the folder");
    let said = loaded_with("");
    assert!(said.contains(&format!("loaded 0.1.0 {}", dir.display())), "{said}");
}

#[test]
#[ignore = "needs LLMQ_TEST_LIBRARY: test.sh names it"]
fn the_variable_comes_first() {
    let path = installed();
    let said = loaded_with(path.to_str().expect("a text"));
    assert!(said.contains(&format!("loaded 0.1.0 {}", path.display())), "{said}");
}

#[test]
#[ignore = "needs a build that asks pkg-config, and carries no library: test.sh makes one"]
fn where_nothing_is_carried_pkg_config_says_where_it_is() {
    let said = loaded_with("");
    assert!(said.contains(&format!("loaded 0.1.0 {}", installed().display())), "{said}");
}

#[test]
#[ignore = "needs a build that carries no library: test.sh makes one"]
fn where_nothing_is_carried_one_beside_the_program_comes_first() {
    let file = if cfg!(target_os = "macos") { "libllmq.0.dylib" } else { "libllmq.so.0" };
    let folder = fresh_folder("beside");
    for (place, name) in [(folder.join("bin"), "program"), (folder.join("lib"), file)] {
        std::fs::create_dir(&place).expect("a folder");
        let from = if name == file { installed() } else { this_program() };
        std::fs::copy(from, place.join(name)).expect("a copy");
    }
    let program = folder.join("bin/program");
    let said = loaded_by(&program, "");
    assert!(said.contains(&format!("loaded 0.1.0 {}", folder.join("lib").display())), "{said}");
    std::fs::copy(installed(), folder.join("bin").join(file)).expect("a copy");
    let said = loaded_by(&program, "");
    assert!(said.contains(&format!("loaded 0.1.0 {}", folder.join("bin").display())), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = loaded_with("/nowhere/libllmq.so.0");
    assert!(said.contains("failed cannot load libllmq"), "{said}");
    assert!(said.contains("/nowhere/libllmq.so.0"), "{said}");
}

#[test]
fn another_library_is_refused() {
    // The C library is on every machine that this runs on, under a name that the loader knows.
    let said = loaded_with(if cfg!(target_os = "macos") { "libSystem.dylib" } else { "libc.so.6" });
    assert!(said.contains("is not libllmq"), "{said}");
}

/// A library with every function of this crate, which says of itself that it is 7.8.9 of that binary interface. Of
/// its structs it says one size.
fn made_up(name: &str, abi: u32, size: usize) -> PathBuf {
    let generated = include_str!("../src/generated.rs");
    let names = generated.split("pub fn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    let mut source = format!(
        "#![allow(missing_docs)]
        #[no_mangle] pub extern \"C\" fn llmq_abi_version() -> u32 {{ {abi} }}
        #[no_mangle] pub extern \"C\" fn llmq_sizeof(_: i32) -> usize {{ {size} }}
        #[no_mangle] pub extern \"C\" fn llmq_version_string() -> *const u8 {{ b\"7.8.9\\0\".as_ptr() }}\n"
    );
    let told = ["llmq_abi_version", "llmq_sizeof", "llmq_version_string"];
    for name in names.filter(|name| name.starts_with("llmq_") && !told.contains(name)) {
        source.push_str(&format!("#[no_mangle] pub extern \"C\" fn {name}() {{}}\n"));
    }
    let folder = fresh_folder(name);
    let (file, library) = (folder.join("stub.rs"), folder.join("libllmq.so.0"));
    std::fs::write(&file, source).expect("a source");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let made = Command::new(compiler)
        .args(["--edition", "2021", "--crate-type", "cdylib", "-C", "panic=abort", "-o"])
        .args([&library, &file])
        .output()
        .expect("the compiler runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    library
}

/// What is said of a library that does not fit names both versions and both files.
fn is_refused(library: &Path, why: &str) {
    let said = loaded_with(library.to_str().expect("a text"));
    let ours = env!("CARGO_PKG_VERSION");
    let theirs =
        format!("failed libllmq 7.8.9 ({}) does not fit llmq-sys {ours}", library.display());
    assert!(said.contains(&theirs), "{said}");
    assert!(
        said.contains(&format!("made for libllmq 0.1.0 ({})", this_program().display())),
        "{said}"
    );
    assert!(said.contains(why), "{said}");
}

#[test]
fn another_binary_interface_is_refused_with_versions_and_paths() {
    let ours = llmq_sys::LLMQ_ABI_VERSION;
    let other = made_up("abi", ours + 1, 4096);
    is_refused(&other, &format!("its binary interface is {}, and {ours} is needed", ours + 1));
}

#[test]
fn smaller_structs_are_refused_with_versions_and_paths() {
    let other = made_up("sizes", llmq_sys::LLMQ_ABI_VERSION, 8);
    let needed = std::mem::size_of::<llmq_sys::llmq_request_t>();
    is_refused(&other, &format!("its llmq_request_t has 8 bytes, and {needed} are needed"));
}
