//! What needs no request: the shared manager, plans, settings, explanations.

mod common;

use common::{block_on, BODY};
use llmq::{Config, Manager, Plan, Request, ShutdownMode, Status};
use serde_json::json;

fn config(rpm: u32) -> Config {
    let model = json!({"name": "m", "provider": "mock", "rpm": rpm, "mock": {"latency_ms": 0}});
    Config::from_value(&json!({ "models": [model] })).unwrap()
}

#[test]
fn one_manager_is_shared_until_it_is_shut_down() {
    let first = Manager::shared(Some(&config(600))).unwrap();
    assert!(block_on(first.submit(&Request::new("m", BODY)).unwrap()).is_ok());
    drop(first);
    let again = Manager::shared(None).unwrap();
    assert_eq!(again.stats(None).unwrap().completed, 1, "it outlives its last user");
    assert!(Manager::shared(Some(&config(600))).is_ok());
    let error = Manager::shared(Some(&config(700))).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_VALUE, "{error}");
    again.shutdown(ShutdownMode::Abort, None).unwrap().wait().unwrap();
    let next = Manager::shared(Some(&config(700))).unwrap();
    assert_eq!(next.stats(None).unwrap().completed, 0);
    assert!(block_on(next.submit(&Request::new("m", BODY)).unwrap()).is_ok());
    assert_eq!(again.submit(&Request::new("m", BODY)).unwrap_err().status(), Status::CLOSED);
}

#[test]
fn a_plan_reckons_with_limits() {
    let mut plan = Plan::new(&config(60)).unwrap();
    plan.add_models(&Config::from_value(&json!({"models": [{"name": "other"}]})).unwrap()).unwrap();
    for _ in 0..121 {
        plan.add(&Request::new("m", BODY)).unwrap();
    }
    let error = plan.add(&Request::new("nobody", BODY)).unwrap_err();
    assert_eq!(error.status(), Status::UNKNOWN_MODEL, "{error}");
    let told = plan.run().unwrap();
    assert_eq!(told["requests"], 121, "{told}");
    assert!(told["duration_ms"].as_f64().unwrap() >= 120_000.0, "{told}");
}

#[test]
fn settings_and_providers_are_listed() {
    let settings = Config::settings().unwrap();
    let rpm = settings.iter().find(|setting| setting.key == "model.*.rpm").expect("it is there");
    assert!(!rpm.kind.is_empty() && !rpm.doc.is_empty(), "{rpm:?}");
    let fresh = Config::new().unwrap();
    let pending = settings.iter().find(|setting| setting.key == "max_pending").unwrap();
    assert_eq!(fresh.get("max_pending").unwrap(), pending.default);
    let providers = Config::providers().unwrap();
    let openai = providers.iter().find(|provider| provider.name == "openai").expect("it is there");
    assert_eq!(openai.key_variable, "OPENAI_API_KEY");
    assert!(openai.base_url.starts_with("https://"));
    assert!(Config::presets_json().unwrap().contains("\"preset\""));
}

#[test]
fn answers_are_explained() {
    let record = json!({"status": 429, "headers": {"retry-after": "2"}, "body": "slow down"});
    let told: serde_json::Value = llmq::explain("openai", &record).unwrap();
    assert_eq!((&told["retryable"], &told["retry_after_ms"]), (&json!(true), &json!(2000)));
    let name = told["status"].as_str().unwrap();
    assert_eq!(Status::from_name(name), Some(Status::RATE_LIMITED));
    assert_eq!(Status::from_name("LLMQ_ERR_?"), None);
    let error = llmq::explain_json("openai", r#"{"status": 99}"#).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_VALUE, "{error}");
    assert_eq!(error.key(), "status");
}

#[test]
fn the_library_in_use_is_told() {
    let library = llmq::library().unwrap();
    assert!(library.path().is_file() && library.version().contains('.'), "{library:?}");
}
