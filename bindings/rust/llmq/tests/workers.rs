//! Workers: jobs as a stream, on threads, in tasks; leases, panics, cancel and the end.

mod common;

use std::sync::mpsc;
use std::time::Duration;

use common::{block_on, mock, unserved};
use llmq::{Answer, Failure, Request, ShutdownMode, Status, Usage};

const PATIENCE: Duration = Duration::from_secs(60);

fn upper(payload: &[u8]) -> Result<Answer, Failure> {
    match payload {
        b"panic" => panic!("not that one"),
        b"fail" => Err(Failure::from("no")),
        other => Ok(Answer::new(other.to_ascii_uppercase())),
    }
}

#[test]
fn jobs_come_as_a_stream() {
    let manager = unserved("");
    let early = manager.submit(&Request::new("m", "early").tenant("t")).unwrap();
    let worker = manager.worker("m", None).unwrap();
    let job = block_on(worker.next()).unwrap();
    assert_eq!((job.payload(), job.model(), job.tenant()), (&b"early"[..], "m", "t"));
    job.heartbeat().unwrap();
    job.succeed("done");
    assert_eq!(block_on(early).unwrap().data(), b"done");
    block_on(manager.shutdown(ShutdownMode::Drain, None).unwrap());
    assert!(block_on(worker.next()).is_none());
}

#[test]
fn a_worker_on_threads_survives_panics() {
    let manager = unserved(r#""concurrency": 8"#);
    let worker = manager.worker("m", None).unwrap();
    let running = std::thread::spawn(move || worker.run_blocking(4, |job| upper(job.payload())));
    let pending: Vec<_> = ["panic", "fail", "one", "panic", "two"]
        .map(|body| manager.submit(&Request::new("m", body)).unwrap())
        .into();
    let ends: Vec<_> = pending.into_iter().map(block_on).collect();
    for (index, words) in [(0, "the processor panicked: not that one"), (1, "no")] {
        let error = ends[index].as_ref().unwrap_err();
        assert_eq!((error.status(), error.message()), (Status::PROCESSING, words));
    }
    assert_eq!(ends[2].as_ref().unwrap().data(), b"ONE");
    assert_eq!(ends[4].as_ref().unwrap().data(), b"TWO");
    manager.shutdown(ShutdownMode::Drain, None).unwrap().wait().unwrap();
    running.join().unwrap();
}

#[test]
fn a_worker_survives_a_report_that_is_refused() {
    let manager = unserved(r#""concurrency": 1"#);
    let worker = manager.worker("m", None).unwrap();
    let running = std::thread::spawn(move || {
        worker.run_blocking(1, |job| {
            let answer = Answer::new("good");
            Ok(match job.payload() {
                b"bad" => answer.usage(Usage { reasoning_tokens: -7, ..Usage::default() }),
                _ => answer,
            })
        });
    });
    let bad = manager.submit(&Request::new("m", "bad")).unwrap();
    let good = manager.submit(&Request::new("m", "good")).unwrap();
    let error = block_on(bad).unwrap_err();
    assert_eq!(error.status(), Status::PROCESSING);
    assert_eq!(error.message(), "usage: reasoning_tokens is -7, and must be 0 or more");
    assert_eq!(block_on(good).unwrap().data(), b"good");
    manager.shutdown(ShutdownMode::Drain, None).unwrap().wait().unwrap();
    running.join().unwrap();
}

#[tokio::test]
async fn a_worker_in_tasks_survives_panics() {
    let manager = unserved("");
    let worker = manager.worker("m", None).unwrap();
    let running = tokio::spawn(worker.run(
        |task| drop(tokio::spawn(task)),
        |job| async move {
            tokio::task::yield_now().await;
            upper(job.payload())
        },
    ));
    let good = manager.submit(&Request::new("m", "good")).unwrap();
    let bad = manager.submit(&Request::new("m", "panic")).unwrap();
    assert_eq!(good.await.unwrap().data(), b"GOOD");
    let error = bad.await.unwrap_err();
    assert_eq!(error.message(), "the processor panicked: not that one");
    manager.shutdown(ShutdownMode::Drain, None).unwrap().await;
    running.await.unwrap();
}

#[tokio::test]
async fn a_cancel_drops_the_future_of_the_handler() {
    struct Tell(Option<mpsc::Sender<()>>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.take().map(|sender| sender.send(()));
        }
    }
    let manager = unserved("");
    let worker = manager.worker("m", None).unwrap();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let (dropped, drops) = mpsc::channel();
    tokio::spawn(worker.run(
        |task| drop(tokio::spawn(task)),
        move |_job| {
            started.send(()).unwrap();
            let tell = Tell(Some(dropped.clone()));
            async move {
                let _tell = tell;
                std::future::pending().await
            }
        },
    ));
    let pending = manager.submit(&Request::new("m", "")).unwrap();
    starts.recv().await.unwrap();
    pending.cancel();
    assert_eq!(pending.await.unwrap_err().status(), Status::CANCELLED);
    tokio::task::spawn_blocking(move || drops.recv_timeout(PATIENCE).unwrap()).await.unwrap();
}

#[test]
fn a_lease_that_is_over_loses_the_attempt() {
    let manager = unserved("");
    let worker = manager.worker("m", Some(Duration::from_millis(20))).unwrap();
    let pending = manager.submit(&Request::new("m", "")).unwrap();
    let silent = worker.blocking_next(Some(PATIENCE)).unwrap().unwrap();
    let second = worker.blocking_next(Some(PATIENCE)).unwrap().unwrap();
    assert_eq!((silent.attempt(), second.attempt()), (1, 2));
    assert_eq!(silent.heartbeat().unwrap_err().status(), Status::STALE);
    silent.succeed("too late");
    second.succeed("in time");
    assert_eq!(block_on(pending).unwrap().data(), b"in time");
}

#[test]
fn another_worker_takes_the_place_of_the_first() {
    let manager = unserved("");
    let first = manager.worker("m", None).unwrap();
    let second = manager.worker("m", None).unwrap();
    assert!(block_on(first.next()).is_none());
    drop(first);
    let pending = manager.submit(&Request::new("m", "")).unwrap();
    block_on(second.next()).unwrap().succeed("second");
    assert_eq!(block_on(pending).unwrap().data(), b"second");
    drop(second);
    let nobody = manager.submit(&Request::new("m", "").max_attempts(1)).unwrap();
    assert_eq!(block_on(nobody).unwrap_err().status(), Status::ABANDONED);
}

#[test]
fn waiting_for_a_job_has_an_end() {
    let manager = unserved("");
    let worker = manager.worker("m", None).unwrap();
    let error = worker.blocking_next(Some(Duration::from_millis(1))).unwrap_err();
    assert_eq!(error.status(), Status::TIMEOUT);
    drop(manager);
    assert!(worker.blocking_next(None).unwrap().is_none());
    assert_eq!(mock("").worker("m", None).unwrap_err().status(), Status::UNSUPPORTED);
}
