//! Remembers where the library is: in this package, or where pkg-config says. Finding none is no
//! error, since the library is loaded when the program runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=lib");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let name = if os == "macos" { "libllmq.0.dylib" } else { "libllmq.so.0" };
    println!("cargo:rustc-env=LLMQ_SYS_FILE={name}");

    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let carried = root.join("lib").join(format!("{os}-{arch}")).join(name);
    println!("cargo:rustc-env=LLMQ_SYS_BUNDLED={}", existing(&carried));
    let installed = pkg_config().map(|dir| dir.join(name)).unwrap_or_default();
    println!("cargo:rustc-env=LLMQ_SYS_PKG_CONFIG={}", existing(&installed));
}

/// The path as text, or nothing if there is no such file.
fn existing(path: &Path) -> String {
    match path.to_str() {
        Some(text) if path.is_file() => text.to_owned(),
        _ => String::new(),
    }
}

/// Where libllmq is installed; not asked for when the build is for another machine.
fn pkg_config() -> Option<PathBuf> {
    if env::var("HOST") != env::var("TARGET") {
        return None;
    }
    let program = env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
    let output = Command::new(program).args(["--variable=libdir", "llmq"]).output().ok()?;
    let dir = String::from_utf8(output.stdout).ok()?;
    let dir = dir.trim();
    (output.status.success() && !dir.is_empty()).then(|| PathBuf::from(dir))
}
