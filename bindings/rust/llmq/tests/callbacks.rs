//! Logs, keys and hooks, and what happens when they panic.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{block_on, mock, BODY};
use llmq::{Config, HookKinds, LogLevel, Manager, Request, Status};

const MOCK: &str = r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}"#;

#[test]
fn log_lines_reach_a_function_that_may_panic() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let mut config = Config::from_json(MOCK).unwrap();
    config
        .log(LogLevel::Trace, move |_, line| {
            assert!(!line.is_empty());
            counter.fetch_add(1, Ordering::SeqCst);
            panic!("what a log function panics with is dropped");
        })
        .unwrap();
    let manager = Manager::new(&config).unwrap();
    drop(config);
    assert!(block_on(manager.submit(&Request::new("m", BODY)).unwrap()).is_ok());
    drop(manager);
    assert!(seen.load(Ordering::SeqCst) > 0);
    assert_eq!(Arc::strong_count(&seen), 1, "the function was freed");
}

#[test]
fn a_hook_is_told_of_a_life_in_order() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    let kinds = HookKinds::REQUEST_SUBMITTED | HookKinds::ATTEMPT_FINISHED | HookKinds::COMPLETED;
    manager
        .set_hook(kinds, move |event| {
            assert_eq!((event.model(), event.tenant()), ("m", "t"));
            list.lock().unwrap().push((event.kind(), event.request_id(), event.status()));
            panic!("what a hook panics with is dropped");
        })
        .unwrap();
    let pending = manager.submit(&Request::new("m", BODY).tenant("t")).unwrap();
    let id = pending.id();
    block_on(pending).unwrap();
    manager.remove_hook().unwrap();
    drop(manager);
    let told = Arc::try_unwrap(told).expect("the hook was freed").into_inner().unwrap();
    let expected =
        [HookKinds::REQUEST_SUBMITTED, HookKinds::ATTEMPT_FINISHED, HookKinds::COMPLETED]
            .map(|kind| (kind, id, Status::OK));
    assert_eq!(told, expected);
    assert!(kinds.contains(HookKinds::COMPLETED) && !kinds.contains(HookKinds::RETRIED));
}

#[test]
fn a_key_function_that_has_none_or_panics_fails_the_request() {
    for panics in [false, true] {
        let mut config = Config::from_json(
            r#"{"models": [{"name": "m", "provider": "openai", "base_url": "http://127.0.0.1:9"}]}"#,
        )
        .unwrap();
        config
            .api_key(move |model, deployment| {
                assert!(!panics, "no key for you");
                assert_eq!((model, deployment), ("m", ""));
                None
            })
            .unwrap();
        let manager = Manager::new(&config).unwrap();
        let error = block_on(manager.submit(&Request::new("m", BODY)).unwrap()).unwrap_err();
        assert_eq!(error.status(), Status::AUTH, "{error}");
    }
}
