//! Pauses: on the smallest executor, and cut short by the manager's.

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use common::{block_on, mock, BODY};
use llmq::{Request, ShutdownMode, Status};

const AN_HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_pause_lasts_its_time_and_needs_no_runtime() {
    let manager = mock("");
    for millis in [0, 1, 30] {
        let (time, began) = (Duration::from_millis(millis), Instant::now());
        block_on(manager.pause(time)).unwrap();
        assert!(began.elapsed() >= time);
    }
}

#[test]
fn one_that_comes_later_and_is_shorter_ends_before() {
    let manager = mock("");
    let mut long = pin!(manager.pause(AN_HOUR));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(long.as_mut().poll(&mut cx).is_pending());
    block_on(manager.pause(Duration::from_millis(5))).unwrap();
    assert!(long.as_mut().poll(&mut cx).is_pending());
}

#[test]
fn a_pause_ends_while_answers_come() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let mut pause = pin!(manager.pause(Duration::from_millis(50)));
    let mut cx = Context::from_waker(Waker::noop());
    while pause.as_mut().poll(&mut cx).is_pending() {
        assert!(block_on(manager.submit(&Request::new("m", BODY)).unwrap()).is_ok());
    }
}

#[test]
fn the_end_of_the_manager_ends_its_pauses() {
    let manager = mock("");
    let (first, second) = (manager.pause(AN_HOUR), manager.pause(Duration::MAX));
    let dropped = manager.pause(AN_HOUR);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| block_on(first));
        drop(dropped);
        manager.shutdown(ShutdownMode::Drain, None).unwrap().wait().unwrap();
        assert_eq!(waits.join().unwrap().unwrap_err().status(), Status::CLOSED);
    });
    assert_eq!(block_on(second).unwrap_err().status(), Status::CLOSED);
    assert_eq!(block_on(manager.pause(AN_HOUR)).unwrap_err().status(), Status::CLOSED);
    let another = mock("");
    let left = another.pause(AN_HOUR);
    drop(another);
    assert_eq!(block_on(left).unwrap_err().status(), Status::CLOSED);
}
