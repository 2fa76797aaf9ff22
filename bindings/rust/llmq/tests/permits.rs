//! Permits: waiting, giving back, failing, losing, and what is done with one that nobody wants.

mod common;

use std::time::Duration;

use common::{block_on, unserved};
use llmq::{Failure, Request, ShutdownMode, Status, Usage};

fn ask() -> Request<'static> {
    Request::new("m", "").est_input_tokens(10).est_output_tokens(10)
}

#[test]
fn a_permit_waits_for_its_limits() {
    let manager = unserved(r#""concurrency": 1"#);
    let first = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    assert_eq!((first.model().as_str(), first.deployment()), ("m", ""));
    assert!(manager.try_acquire(&ask()).unwrap().is_none());
    let second = manager.acquire(&ask()).unwrap();
    first.heartbeat().unwrap();
    first.release(Some(Usage::tokens(3, 4))).unwrap();
    block_on(second).unwrap().release(Some(Usage::tokens(1, 1))).unwrap();
    let third = manager.try_acquire(&ask()).unwrap().expect("there is room");
    third.release(None).unwrap();
    block_on(manager.shutdown(ShutdownMode::Drain, None).unwrap());
    let stats = manager.stats(Some("m")).unwrap();
    assert_eq!((stats.input_tokens, stats.output_tokens), (4, 5));
}

#[test]
fn a_refusal_with_a_hint_holds_the_next_permit() {
    let manager = unserved("");
    let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    let hint = Duration::from_secs(3600);
    permit.fail(Failure::new(Status::RATE_LIMITED, "slow down").retry_after(hint)).unwrap();
    let late = manager.acquire(&ask().deadline_in(Duration::from_millis(20))).unwrap();
    assert_eq!(block_on(late).unwrap_err().status(), Status::DEADLINE);
}

#[test]
fn a_dropped_permit_is_given_back() {
    let manager = unserved(r#""concurrency": 1"#);
    drop(block_on(manager.acquire(&ask()).unwrap()).unwrap());
    drop(block_on(manager.acquire(&ask()).unwrap()).unwrap());
    manager.acquire(&ask()).unwrap().wait(None).unwrap().release(None).unwrap();
    assert_eq!(manager.stats(Some("m")).unwrap().submitted, 3);
}

#[test]
fn a_permit_that_nobody_waits_for_any_more_is_free() {
    let manager = unserved(r#""concurrency": 1"#);
    let running = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    drop(manager.acquire(&ask()).unwrap());
    running.release(None).unwrap();
    block_on(manager.acquire(&ask()).unwrap()).unwrap().release(None).unwrap();
}

#[test]
fn a_cancelled_line_and_an_ended_lease_say_so() {
    let manager = unserved(r#""concurrency": 1"#);
    let short = ask().timeout(Duration::from_millis(5));
    let permit = block_on(manager.acquire(&short).unwrap()).unwrap();
    let next = manager.acquire(&ask()).unwrap();
    // The place is free when the lease is over.
    let second = block_on(next).unwrap();
    assert_eq!(permit.heartbeat().unwrap_err().status(), Status::STALE);
    assert_eq!(permit.release(None).unwrap_err().status(), Status::STALE);
    let third = manager.acquire(&ask()).unwrap();
    third.cancel();
    assert_eq!(block_on(third).unwrap_err().status(), Status::CANCELLED);
    drop(second);
    assert_eq!(
        manager.acquire(&Request::new("nobody", "")).unwrap_err().status(),
        Status::UNKNOWN_MODEL
    );
}

#[cfg(feature = "serde")]
#[test]
fn headers_teach_the_deployment_that_was_called() {
    let manager = llmq::Manager::from_json(
        r#"{"models": [{"name": "m", "deployments": [
            {"name": "east", "provider": "mock", "rpm": 1000},
            {"name": "west", "provider": "mock", "rpm": 1000}]}]}"#,
    )
    .unwrap();
    let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    let called = permit.deployment().to_owned();
    permit.report_limits([("x-ratelimit-limit-requests", &b"60"[..])]).unwrap();
    permit.release(None).unwrap();
    let info = manager.info(Some("m")).unwrap();
    for deployment in info["deployments"].as_array().unwrap() {
        let limits = deployment["limits"].as_array().unwrap();
        let requests = limits.iter().find(|limit| limit["kind"] == "requests").unwrap();
        let amount = if deployment["name"] == called.as_str() { 60 } else { 1000 };
        assert_eq!(requests["effective"], amount, "of {}", deployment["name"]);
    }
}
