//! Permits: waiting, giving back, failing, losing, and what is done with one that nobody wants.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{block_on, unserved};
use llmq::{Config, Failure, HookKinds, LogLevel, Manager, Request, ShutdownMode, Status, Usage};

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

/// How the attempts of a manager end, as its hook is told.
fn ends(manager: &Manager) -> Arc<Mutex<Vec<Status>>> {
    let ends = Arc::<Mutex<Vec<Status>>>::default();
    let list = Arc::clone(&ends);
    let tell = move |event: &llmq::HookEvent<'_>| list.lock().unwrap().push(event.status());
    manager.set_hook(HookKinds::ATTEMPT_FINISHED, tell).unwrap();
    ends
}

#[test]
fn a_dropped_permit_is_given_back_as_abandoned() {
    let manager = unserved(r#""concurrency": 1"#);
    let ends = ends(&manager);
    drop(block_on(manager.acquire(&ask()).unwrap()).unwrap());
    drop(block_on(manager.acquire(&ask()).unwrap()).unwrap());
    manager.acquire(&ask()).unwrap().wait(None).unwrap().release(None).unwrap();
    block_on(manager.shutdown(ShutdownMode::Drain, None).unwrap());
    assert_eq!(*ends.lock().unwrap(), [Status::ABANDONED, Status::ABANDONED, Status::OK]);
}

#[test]
fn a_dropped_permit_says_nothing_of_the_provider() {
    let manager = unserved(r#""breaker": {"min_calls": 3, "failure_percent": 100}"#);
    let fails = || {
        let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
        permit.fail(Failure::new(Status::SERVER, "out of order")).unwrap();
    };
    // Good calls between would keep the breaker closed.
    for _ in 0..2 {
        fails();
        drop(manager.try_acquire(&ask()).unwrap().expect("the breaker is closed"));
    }
    fails();
    assert!(manager.try_acquire(&ask()).unwrap().is_none(), "the breaker is open");
}

#[test]
fn a_permit_whose_end_is_refused_is_still_held() {
    let manager = unserved(r#""concurrency": 1"#);
    let ends = ends(&manager);
    let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    let error = permit.release(Some(Usage::tokens(-1, 2))).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_ARG);
    assert_eq!(error.message(), "usage: input_tokens is -1, and must be 0 or more");
    let error = permit.fail(Failure::new(Status::OK, "")).unwrap_err();
    assert_eq!(error.message(), "status: LLMQ_OK is no failure");
    assert!(manager.try_acquire(&ask()).unwrap().is_none(), "it is held");
    permit.release(Some(Usage::tokens(1, 2))).unwrap();
    assert_eq!(permit.release(None).unwrap_err().status(), Status::STALE);
    // And one that nobody ends in another way is abandoned, as ever.
    let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    permit.release(Some(Usage { cost_micros: -5, ..Usage::default() })).unwrap_err();
    drop(permit);
    block_on(manager.acquire(&ask()).unwrap()).unwrap().release(None).unwrap();
    block_on(manager.shutdown(ShutdownMode::Drain, None).unwrap());
    assert_eq!(*ends.lock().unwrap(), [Status::OK, Status::ABANDONED, Status::OK]);
    assert_eq!(manager.stats(Some("m")).unwrap().input_tokens, 1);
}

#[test]
fn a_hint_without_end_is_none_and_the_log_says_so() {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let list = Arc::clone(&lines);
    let mut config = Config::from_json(r#"{"models": [{"name": "m"}]}"#).unwrap();
    let log = move |level, line: &str| {
        if level == LogLevel::Warn {
            list.lock().unwrap().push(line.to_owned());
        }
    };
    config.log(LogLevel::Warn, log).unwrap();
    let manager = Manager::new(&config).unwrap();
    let permit = block_on(manager.acquire(&ask()).unwrap()).unwrap();
    let refused = Failure::new(Status::RATE_LIMITED, "slow down");
    permit.fail(refused.retry_after(Duration::MAX)).unwrap();
    // With a hint of centuries it would not come.
    drop(block_on(manager.acquire(&ask()).unwrap()).unwrap());
    assert_eq!(manager.stats(Some("m")).unwrap().rate_limited, 1);
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.starts_with("retry_after: ")), "{lines:?}");
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
