//! Submit, outcomes, cancel, deadlines, errors.

mod common;

use std::time::Duration;

use common::{block_on, mock, BODY};
use llmq::{Config, Manager, Priority, Request, State, Status};

#[test]
fn a_request_is_answered() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let request = Request::new("m", BODY)
        .tenant("t")
        .priority(Priority::High)
        .request_key("my-key")
        .metadata("meta");
    let pending = manager.submit(&request).unwrap();
    let id = pending.id();
    let response = block_on(pending).unwrap();
    assert_eq!(response.status(), Status::OK);
    assert_eq!(response.state(), State::Completed);
    assert_eq!(response.request_id(), id);
    assert_eq!(response.attempts(), 1);
    assert_eq!(response.request_key(), "my-key");
    assert_eq!(response.metadata(), b"meta");
    assert!(response.text().unwrap().contains("choices"));
    assert!(response.usage().unwrap().output_tokens > 0);
    assert_eq!(response.attempts_json().unwrap(), "[]");
    assert_eq!(manager.state(id).unwrap(), State::Completed);
}

#[test]
fn waiting_without_an_executor() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let response = manager.call_blocking(&Request::new("m", BODY), None).unwrap();
    assert_eq!(response.status(), Status::OK);
}

#[test]
fn an_unknown_model_is_refused_at_once() {
    let manager = mock("");
    let error = manager.submit(&Request::new("nobody", BODY)).unwrap_err();
    assert_eq!(error.status(), Status::UNKNOWN_MODEL);
    assert!(error.to_string().contains("nobody"), "{error}");
    assert!(error.response().is_none());
}

#[test]
fn a_bad_setting_names_its_key() {
    let error = Config::new().unwrap().set("model.m.rpm", "many").unwrap_err();
    assert_eq!((error.status(), error.key()), (Status::INVALID_VALUE, "model.m.rpm"));
    let error = Config::new().unwrap().set("modle.m.rpm", "1").unwrap_err();
    assert_eq!((error.status(), error.key()), (Status::UNKNOWN_KEY, "modle.m.rpm"));
    let error = Manager::from_json("{").unwrap_err();
    assert_eq!(error.status(), Status::INVALID_VALUE);
    assert_eq!(Config::new().unwrap().set("log\0", "").unwrap_err().status(), Status::INVALID_ARG);
}

#[test]
fn cancel_ends_a_running_request() {
    let manager = mock(r#""mock": {"latency_ms": 3600000}"#);
    let pending = manager.submit(&Request::new("m", BODY)).unwrap();
    pending.cancel();
    let error = block_on(pending).unwrap_err();
    assert_eq!(error.status(), Status::CANCELLED);
    assert_eq!(error.response().unwrap().state(), State::Cancelled);
}

#[test]
fn dropping_a_future_cancels_and_detaching_does_not() {
    let manager = mock(r#""limits": [{"concurrency": 1}], "mock": {"latency_ms": 3600000}"#);
    let running = manager.submit(&Request::new("m", BODY)).unwrap();
    let kept = manager.submit(&Request::new("m", BODY)).unwrap().detach();
    let dropped = manager.submit(&Request::new("m", BODY)).unwrap();
    let id = dropped.id();
    drop(dropped);
    // What comes after a cancel is seen after it.
    let last = manager.submit(&Request::new("m", BODY)).unwrap();
    last.cancel();
    assert_eq!(block_on(last).unwrap_err().status(), Status::CANCELLED);
    assert_eq!(manager.state(id).unwrap(), State::Cancelled);
    assert_eq!(manager.state(kept).unwrap(), State::Pending);
    assert!(manager.cancel(kept).unwrap());
    drop(running);
}

#[test]
fn a_deadline_that_cannot_be_met_expires() {
    let manager = mock(r#""mock": {"latency_ms": 3600000}"#);
    let request = Request::new("m", BODY).deadline_in(Duration::from_millis(20));
    let error = block_on(manager.submit(&request).unwrap()).unwrap_err();
    assert_eq!(error.status(), Status::DEADLINE);
    assert_eq!(error.response().unwrap().state(), State::Expired);
}

#[test]
fn a_wait_that_times_out_cancels() {
    let manager = mock(r#""mock": {"latency_ms": 3600000}"#);
    let pending = manager.submit(&Request::new("m", BODY)).unwrap();
    let id = pending.id();
    assert_eq!(pending.wait_for(Duration::from_millis(5)).unwrap_err().status(), Status::TIMEOUT);
    manager.shutdown(llmq::ShutdownMode::Drain, None).unwrap().wait().unwrap();
    assert_eq!(manager.state(id).unwrap(), State::Cancelled);
}

#[test]
fn failures_tell_their_history() {
    let manager = mock(
        r#""mock": {"latency_ms": 0, "fail_server": 1}, "breaker": {"enabled": false},
           "retry": {"max_attempts": 3, "base_ms": 1, "cap_ms": 1}"#,
    );
    let error = block_on(manager.submit(&Request::new("m", BODY)).unwrap()).unwrap_err();
    assert_eq!(error.status(), Status::SERVER);
    let response = error.into_response().unwrap();
    assert_eq!(response.attempts(), 3);
    let history = response.attempts_history().unwrap();
    assert_eq!(history.len(), 3);
    assert_eq!(history[0].status, "LLMQ_ERR_SERVER");
    assert_eq!(history[0].http_status, Some(500));
    assert!(history[0].retry_delay_ms.is_some() && history[2].retry_delay_ms.is_none());
}

#[test]
fn a_batch_is_accepted_up_to_the_first_that_is_refused() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let mut requests = vec![Request::new("m", BODY); 10];
    for pending in manager.submit_batch(&requests).unwrap() {
        assert!(block_on(pending).is_ok());
    }
    requests[4] = Request::new("nobody", BODY);
    let refused = manager.submit_batch(&requests).unwrap_err();
    assert_eq!(refused.error.status(), Status::UNKNOWN_MODEL);
    assert_eq!(refused.accepted.len(), 4);
    for pending in refused.accepted {
        assert!(block_on(pending).is_ok());
    }
    assert_eq!(manager.stats(None).unwrap().submitted, 14);
}

#[test]
fn kept_responses_are_read_by_id() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let id = {
        let pending = manager.submit(&Request::new("m", BODY).keep()).unwrap();
        let id = pending.id();
        block_on(pending).unwrap();
        id
    };
    let kept = manager.kept(id).unwrap().expect("it has ended");
    assert!(kept.text().unwrap().contains("choices"));
    assert_eq!(manager.kept(id).unwrap_err().status(), Status::STALE);
    assert_eq!(manager.peek(id).unwrap().unwrap().status(), Status::OK);
    assert_eq!(manager.peek(u64::MAX).unwrap_err().status(), Status::INVALID_ARG);
}

#[test]
fn ten_thousand_at_once() {
    let manager = mock(r#""limits": [{"concurrency": 100}], "mock": {"latency_ms": 0}"#);
    let requests = vec![Request::new("m", BODY); 10_000];
    let pending = manager.submit_batch(&requests).unwrap();
    assert_eq!(pending.into_iter().filter_map(|one| block_on(one).ok()).count(), 10_000);
    let stats = manager.stats(Some("m")).unwrap();
    assert_eq!((stats.submitted, stats.completed, stats.pending), (10_000, 10_000, 0));
}

#[test]
fn dropping_the_manager_ends_what_is_left() {
    let manager = mock(r#""mock": {"latency_ms": 3600000}"#);
    let pending: Vec<_> =
        (0..10).map(|_| manager.submit(&Request::new("m", BODY)).unwrap()).collect();
    drop(manager);
    for one in pending {
        assert_eq!(block_on(one).unwrap_err().status(), Status::CLOSING);
    }
}
