//! Finding the library: the one that the package carries, another one, none, and one that does not
//! fit.

use std::path::Path;
use std::process::Command;

/// Set for a copy of this program that is to say what load() says.
const ASK: &str = "LLMQ_SYS_TEST_ASK";

/// What load() says in a process with that LLMQ_LIBRARY.
fn loaded_with(library: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args(["--exact", "says_what_it_loads", "--nocapture"])
        .env(ASK, "1")
        .env("LLMQ_LIBRARY", library)
        .output()
        .expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
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
fn the_library_that_the_package_carries_is_used() {
    let carried = Path::new(env!("CARGO_MANIFEST_DIR")).join("lib");
    if !carried.is_dir() {
        return; // the crate has not been packaged
    }
    let said = loaded_with("");
    let dir = carried.canonicalize().expect("the folder");
    assert!(said.contains(&format!("loaded 0.1.0 {}", dir.display())), "{said}");
}

#[test]
fn the_variable_comes_first() {
    let Some(path) = std::env::var_os("LLMQ_TEST_LIBRARY") else { return };
    let path = Path::new(&path).canonicalize().expect("the library");
    let said = loaded_with(path.to_str().expect("a text"));
    assert!(said.contains(&format!("loaded 0.1.0 {}", path.display())), "{said}");
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
