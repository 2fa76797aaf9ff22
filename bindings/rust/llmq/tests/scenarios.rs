//! The cases that all languages run alike: the files of tests/scenarios, in LLMQ_SCENARIOS.

#[path = "scenario/case.rs"]
mod case;
#[path = "scenario/check.rs"]
mod check;
mod common;
#[path = "scenario/script.rs"]
mod script;
#[path = "scenario/steps.rs"]
mod steps;

use std::path::{Path, PathBuf};

use llmq::Status;

/// The status of a name, "LLMQ_ERR_SERVER".
fn status_of(name: &str) -> Status {
    (-64..=0)
        .map(Status::from_code)
        .find(|status| status.name() == name)
        .unwrap_or_else(|| panic!("there is no status {name}"))
}

fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/scenarios");
    let named = std::env::var_os("LLMQ_SCENARIOS").map(PathBuf::from);
    named.or_else(|| here.is_dir().then_some(here))
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    files.sort();
    files
}

fn run(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case: case::Case = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    same_name(path, &case.name)?;
    steps::run(case)
}

fn same_name(path: &Path, name: &str) -> Result<(), String> {
    let file = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    check::same("name", &name, &file)
}

#[test]
fn every_case_comes_as_expected() {
    let Some(folder) = folder() else { return };
    let cases = cases(&folder);
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|path| run(path).err().map(|why| format!("{}: {why}", path.display())))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} failed:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
    println!("{} scenarios passed", cases.len());
}

#[test]
fn wrong_cases_fail() {
    let Some(folder) = folder() else { return };
    let passed: Vec<_> =
        cases(&folder.join("wrong")).into_iter().filter(|path| run(path).is_ok()).collect();
    assert!(passed.is_empty(), "these must not pass: {passed:?}");
}
