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

/// That of the repository, unless another one is named: a package has none.
fn folder() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/scenarios");
    std::env::var_os("LLMQ_SCENARIOS").map_or_else(here, PathBuf::from)
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("LLMQ_SCENARIOS, {}: {error}", folder.display()))
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
    let cases = cases(&folder());
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

/// How the complaint about each of `wrong/` begins, after the step where it is found.
const COMPLAINTS: [(&str, &str); 14] = [
    ("at_least", "it took long enough: got false, expected true"),
    ("attempts", "attempts of a: got 1, expected 2"),
    ("chunks", r#"chunks of a: got [], expected ["x"]"#),
    ("data", r#"data of a: got "hello", expected "bye""#),
    ("never_submitted", "b has no end"),
    ("order", r#"done: got ["a", "b"], expected ["b", "a"]"#),
    ("permits", r#"permits: got ["p"], expected ["q"]"#),
    ("stats", r#"completed of Some("m"): got 1, expected 0"#),
    ("status", r#"status of a: got "LLMQ_OK", expected "LLMQ_ERR_SERVER""#),
    ("submit_error", "step 0: it went well, and LLMQ_ERR_OVERSIZE was expected"),
    ("totals", r#"totals: got {"LLMQ_OK": 1}, expected {"LLMQ_OK": 2}"#),
    ("unknown_member", "unknown field `statsu`"),
    ("unknown_step", "unknown variant `submitt`"),
    ("usage", "usage of a: got true, expected false"),
];

#[test]
fn wrong_cases_fail_for_what_is_wrong_in_them() {
    let cases = cases(&folder().join("wrong"));
    let names: Vec<_> = cases.iter().map(|path| path.file_stem().unwrap()).collect();
    assert_eq!(names, COMPLAINTS.map(|(name, _)| name), "each has its complaint");
    for (path, (name, complaint)) in cases.iter().zip(COMPLAINTS) {
        let found = run(path).expect_err(name);
        assert!(found.starts_with(complaint), "{name}: {found}");
    }
}
