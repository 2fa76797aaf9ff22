//! Attempts that the program runs itself: reports, failures, panics, cancel, streams.

mod common;

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{block_on, mock, unserved};
use llmq::{Answer, Failure, Request, ShutdownMode, State, Status, Usage};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_processor_sees_the_request_and_answers() {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            let seen = format!(
                "{} {} {} {} {}",
                job.model(),
                job.tenant(),
                job.request_key(),
                String::from_utf8_lossy(job.metadata()),
                String::from_utf8_lossy(job.payload()),
            );
            assert_eq!(job.attempt(), 1);
            assert!(!job.is_stream());
            job.succeed(Answer::new(seen).usage(Usage::tokens(3, 4)));
        })
        .unwrap();
    let request = Request::new("m", "hello").tenant("t").request_key("k").metadata("meta");
    let response = block_on(manager.submit(&request).unwrap()).unwrap();
    assert_eq!(response.text().unwrap(), "m t k meta hello");
    assert_eq!(response.usage(), Some(Usage::tokens(3, 4)));
}

#[test]
fn failures_of_a_processor_are_retried_or_final() {
    let manager = unserved(r#""retry": {"base_ms": 1, "cap_ms": 1}"#);
    manager
        .set_processor("m", |job| match (job.payload(), job.attempt()) {
            (b"again", 1 | 2) => job.fail(Failure::new(Status::SERVER, "try again")),
            (b"again", _) => job.succeed("third"),
            (_, _) => job.fail("no such thing"),
        })
        .unwrap();
    let response = block_on(manager.submit(&Request::new("m", "again")).unwrap()).unwrap();
    assert_eq!((response.attempts(), response.text().unwrap()), (3, "third"));
    let error = block_on(manager.submit(&Request::new("m", "x")).unwrap()).unwrap_err();
    assert_eq!((error.status(), error.message()), (Status::PROCESSING, "no such thing"));
}

#[test]
fn a_report_that_is_refused_ends_its_attempt_with_words() {
    let manager = unserved(r#""concurrency": 1"#);
    manager
        .set_processor("m", |job| match job.payload() {
            b"usage" => job.succeed(Answer::new("good").usage(Usage::tokens(-1, 2))),
            b"cost" => {
                let usage = Usage { cost_micros: i64::MIN, ..Usage::default() };
                job.succeed(Answer::new("good").usage(usage));
            }
            b"status" => job.fail(Failure::new(Status::OK, "no failure")),
            b"hint" => {
                let limited = Failure::new(Status::BAD_REQUEST, "its own words");
                job.fail(limited.retry_after(Duration::MAX));
            }
            _ => job.succeed("good"),
        })
        .unwrap();
    let processing = Status::PROCESSING;
    for (body, status, words) in [
        ("usage", processing, "usage: input_tokens is -1, and must be 0 or more"),
        ("cost", processing, "usage: cost_micros is -9223372036854775808, and must be 0 or more"),
        ("status", processing, "status: LLMQ_OK is no failure"),
        ("hint", Status::BAD_REQUEST, "its own words"),
    ] {
        let error = block_on(manager.submit(&Request::new("m", body)).unwrap()).unwrap_err();
        assert_eq!((error.status(), error.message()), (status, words));
        assert_eq!(error.retry_after(), None);
        // Its place is free.
        let next = block_on(manager.submit(&Request::new("m", "next")).unwrap()).unwrap();
        assert_eq!(next.data(), b"good");
    }
}

#[test]
fn a_panic_fails_its_attempt_with_its_words() {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            if job.payload() == b"bad" {
                panic!("cannot take {:?}", std::str::from_utf8(job.payload()));
            }
            job.succeed("good");
        })
        .unwrap();
    let bad = manager.submit(&Request::new("m", "bad")).unwrap();
    let good = manager.submit(&Request::new("m", "good")).unwrap();
    let error = block_on(bad).unwrap_err();
    assert_eq!(error.status(), Status::PROCESSING);
    assert_eq!(error.message(), r#"the processor panicked: cannot take Ok("bad")"#);
    assert_eq!(block_on(good).unwrap().data(), b"good");
}

#[test]
fn a_panic_on_another_thread_and_a_dropped_job_end_their_attempts() {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            if job.payload() == b"drop" {
                return;
            }
            std::thread::spawn(move || {
                let _job = job;
                panic!("on a thread of its own");
            });
        })
        .unwrap();
    let call = |body| block_on(manager.submit(&Request::new("m", body).max_attempts(1)).unwrap());
    assert_eq!(call("drop").unwrap_err().status(), Status::ABANDONED);
    let error = call("panic").unwrap_err();
    assert_eq!((error.status(), error.message()), (Status::PROCESSING, "the processor panicked"));
}

#[test]
fn a_job_hears_of_a_cancel() {
    let manager = unserved("");
    let (started, starts) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    manager
        .set_processor("m", move |job| {
            let ended = ended.clone();
            std::thread::spawn(move || {
                block_on(job.cancelled());
                ended.send(job.is_cancelled()).unwrap();
                job.succeed("too late");
            });
            started.send(()).unwrap();
        })
        .unwrap();
    let pending = manager.submit(&Request::new("m", "")).unwrap();
    starts.recv_timeout(PATIENCE).unwrap();
    pending.cancel();
    assert_eq!(block_on(pending).unwrap_err().status(), Status::CANCELLED);
    assert!(ends.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn chunks_come_in_order_and_the_whole_response_after_them() {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            assert!(job.is_stream());
            for piece in ["one ", "two ", "three"] {
                job.chunk(piece.as_bytes()).unwrap();
            }
            job.succeed("one two three");
        })
        .unwrap();
    let mut stream = manager.stream(&Request::new("m", "")).unwrap();
    let first = block_on(stream.next()).unwrap().unwrap();
    assert_eq!((first.text().unwrap(), first.attempt()), ("one ", 1));
    let rest: Vec<_> =
        stream.blocking_iter().map(|chunk| chunk.unwrap().text().unwrap().to_owned()).collect();
    assert_eq!(rest, ["two ", "three"]);
    assert_eq!(block_on(stream.finish()).unwrap().data(), b"one two three");
}

#[test]
fn a_reader_that_holds_its_chunks_stops_the_processor() {
    let manager =
        llmq::Manager::from_json(r#"{"stream_buffer_bytes": 100, "models": [{"name": "m"}]}"#)
            .unwrap();
    let (sent, said) = mpsc::channel();
    manager
        .set_processor("m", move |job| {
            let refused = (0..1000).find_map(|_| job.chunk(&[b'x'; 60]).err());
            sent.send(refused.map(|error| error.status())).unwrap();
            job.succeed("end");
        })
        .unwrap();
    let stream = manager.stream(&Request::new("m", "")).unwrap();
    assert_eq!(said.recv_timeout(PATIENCE).unwrap(), Some(Status::AGAIN));
    // The pieces of a request that is no stream for its caller are let go of as they come.
    assert_eq!(block_on(stream.finish()).unwrap().data(), b"end");
}

#[test]
fn a_stream_that_fails_tells_so_once() {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            job.chunk(b"piece").unwrap();
            job.fail(Failure::new(Status::SERVER, "cut"));
        })
        .unwrap();
    let mut stream = manager.stream(&Request::new("m", "")).unwrap();
    assert_eq!(block_on(stream.next()).unwrap().unwrap().data(), b"piece");
    let error = block_on(stream.next()).unwrap().unwrap_err();
    assert_eq!((error.status(), error.message()), (Status::SERVER, "cut"));
    assert!(block_on(stream.next()).is_none());
    assert_eq!(stream.blocking_finish().unwrap_err().status(), Status::ALREADY_DONE);
}

#[test]
fn dropping_a_stream_cancels() {
    let manager = unserved("");
    let jobs = Arc::new(Mutex::new(Vec::new()));
    let (started, starts) = mpsc::channel();
    let kept = Arc::clone(&jobs);
    manager
        .set_processor("m", move |job| {
            kept.lock().unwrap().push(job);
            started.send(()).unwrap();
        })
        .unwrap();
    let stream = manager.stream(&Request::new("m", "")).unwrap();
    let id = stream.id();
    starts.recv_timeout(PATIENCE).unwrap();
    drop(stream);
    let job = jobs.lock().unwrap().pop().unwrap();
    block_on(job.cancelled());
    block_on(manager.shutdown(ShutdownMode::Drain, None).unwrap());
    assert_eq!(manager.state(id).unwrap(), State::Cancelled);
}

#[test]
fn a_model_with_a_provider_takes_no_processor() {
    let manager = mock("");
    let error = manager.set_processor("m", drop).unwrap_err();
    assert_eq!(error.status(), Status::UNSUPPORTED);
    assert_eq!(manager.set_processor("n", drop).unwrap_err().status(), Status::UNKNOWN_MODEL);
}

#[test]
fn waiting_in_a_callback_is_refused() {
    let manager = unserved("");
    let inner = manager.clone();
    let (said, says) = mpsc::channel();
    manager
        .set_processor("m", move |job| {
            if job.payload() == b"inner" {
                return job.succeed("");
            }
            let waited = inner.call_blocking(&Request::new("m", "inner"), None);
            said.send(waited.unwrap_err().status()).unwrap();
            job.succeed("");
        })
        .unwrap();
    block_on(manager.submit(&Request::new("m", "outer")).unwrap()).unwrap();
    assert_eq!(says.recv_timeout(PATIENCE).unwrap(), Status::WRONG_THREAD);
}

#[test]
fn the_last_manager_may_be_dropped_by_its_own_processor() {
    let manager = unserved("");
    let inner = Mutex::new(Some(manager.clone()));
    let (said, says) = mpsc::channel();
    manager
        .set_processor("m", move |job| {
            drop(inner.lock().unwrap().take());
            said.send(()).unwrap();
            job.succeed("");
        })
        .unwrap();
    let pending = manager.submit(&Request::new("m", "")).unwrap();
    drop(manager);
    says.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(block_on(pending), Ok(_) | Err(_)));
}
