//! Any service of `http` requests, without a network: what is reported, and when.

mod common;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Ready;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{falls_back, manager, on_this_thread, settled, within};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use llmq::{Manager, Request};
use llmq_tower::{BoxError, Layer, PermitLayer, Service};
use tower::service_fn;

const BODY: &str = r#"{"model": "m", "max_tokens": 9, "messages": []}"#;
const ANSWER: &str = r#"{"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}"#;

type Answer = http::Response<Full<Bytes>>;

fn call() -> http::Request<Full<Bytes>> {
    http::Request::post("http://host/v1/chat/completions")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(BODY))
        .unwrap()
}

fn answer(status: u16, body: &'static str) -> Answer {
    http::Response::builder().status(status).body(Full::from(body)).unwrap()
}

/// A service that gives one answer after the other, and counts.
#[derive(Clone)]
struct Answering {
    made: Arc<AtomicUsize>,
    answers: Arc<Vec<Answer>>,
}

impl Service<http::Request<Full<Bytes>>> for Answering {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Full<Bytes>>) -> Self::Future {
        std::future::ready(Ok(self.answers[self.made.fetch_add(1, Ordering::SeqCst)].clone()))
    }
}

fn answering(answers: Vec<Answer>) -> (Arc<AtomicUsize>, Answering) {
    let made = Arc::<AtomicUsize>::default();
    (Arc::clone(&made), Answering { made, answers: Arc::new(answers) })
}

#[tokio::test]
async fn usage_is_reported_with_the_last_byte() {
    let manager = manager("m", r#""concurrency": 1"#);
    let (_, service) = answering(vec![answer(200, ANSWER)]);
    let answer = within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    assert_eq!(settled(&manager).processing, 1);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), ANSWER);
    let ours = settled(&manager);
    assert_eq!((ours.input_tokens, ours.output_tokens, ours.completed), (3, 4, 1));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_gives_its_permit_back() {
    let manager = manager("m", r#""concurrency": 1"#);
    let (_, service) = answering(vec![answer(200, ANSWER)]);
    drop(within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap());
    drop(within(manager.acquire(&Request::new("m", "")).unwrap()).await.unwrap());
}

#[tokio::test]
async fn a_final_refusal_is_passed_on_as_it_is() {
    let manager = manager("m", "");
    let said = r#"{"error": {"message": "no such thing", "type": "invalid_request_error"}}"#;
    let (made, service) = answering(vec![answer(400, said)]);
    let answer = within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), said);
    assert_eq!((made.load(Ordering::SeqCst), settled(&manager).failed), (1, 1));
}

#[tokio::test]
async fn a_call_that_falls_back_names_the_model_of_its_permit() {
    let manager = falls_back("m");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    let service = service_fn(move |request: http::Request<Full<Bytes>>| {
        let list = Arc::clone(&list);
        async move {
            let said = request.headers()[CONTENT_LENGTH].to_str().unwrap().to_owned();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(said, body.len().to_string());
            list.lock().unwrap().push(serde_json::from_slice::<serde_json::Value>(&body).unwrap());
            Ok::<_, Infallible>(answer(200, ANSWER))
        }
    });
    let mut service = PermitLayer::new(&manager).layer(service);
    for _ in 0..2 {
        let mut call = call();
        call.headers_mut().insert(CONTENT_LENGTH, BODY.len().into());
        within(service.call(call)).await.unwrap().into_body().collect().await.unwrap();
    }
    let mut expected: serde_json::Value = serde_json::from_str(BODY).unwrap();
    let first = expected.clone();
    expected["model"] = "second".into();
    assert_eq!(*seen.lock().unwrap(), [first, expected]);
}

#[tokio::test]
async fn a_refusal_with_a_hint_holds_the_model_until_then() {
    let manager = manager("m", "");
    let mut refusal = answer(429, r#"{"error": {"message": "slow down"}}"#);
    refusal.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
    let (made, service) = answering(vec![refusal, answer(200, ANSWER)]);
    let began = Instant::now();
    let answer = within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(began.elapsed().as_millis() >= 1000, "{:?}", began.elapsed());
    assert_eq!((made.load(Ordering::SeqCst), settled(&manager).rate_limited), (2, 1));
}

#[tokio::test]
async fn a_shutdown_ends_the_pause_between_tries() {
    let manager = manager("m", "");
    let mut refusal = answer(503, "");
    refusal.headers_mut().insert(RETRY_AFTER, "3600".parse().unwrap());
    let (made, service) = answering(vec![refusal]);
    let call = PermitLayer::new(&manager).layer(service).call(call());
    let shutdown = async {
        while settled(&manager).failed == 0 {
            tokio::task::yield_now().await;
        }
        manager.shutdown(llmq::ShutdownMode::Drain, None).unwrap().await;
    };
    let ended = within(async { tokio::join!(call, shutdown) }).await.0;
    let error = ended.map(drop).unwrap_err();
    assert!(error.to_string().contains(llmq::Status::CLOSED.message()), "{error}");
    assert_eq!(made.load(Ordering::SeqCst), 1);
}

#[test]
fn no_runtime_is_needed_between_tries() {
    let manager = manager("m", "");
    let (made, service) = answering(vec![answer(503, ""), answer(200, ANSWER)]);
    let answer = on_this_thread(PermitLayer::new(&manager).layer(service).call(call())).unwrap();
    assert_eq!((answer.status().as_u16(), made.load(Ordering::SeqCst)), (200, 2));
    drop(answer);
}

#[tokio::test]
async fn a_request_costs_three_calls_at_most() {
    let manager = manager("m", "");
    let (made, service) = answering(vec![answer(503, "out of order"); 4]);
    let answer = within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    assert_eq!((answer.status().as_u16(), made.load(Ordering::SeqCst)), (503, 3));
    assert_eq!(settled(&manager).failed, 3);
}

#[tokio::test]
async fn headers_of_good_answers_teach_the_limits() {
    let manager = manager("m", r#""limits": [{"requests": 1000, "per": "1m"}]"#);
    let mut good = answer(200, ANSWER);
    for (name, value) in [
        ("x-ratelimit-limit-requests", "1000"),
        ("x-ratelimit-remaining-requests", "7"),
        ("x-ratelimit-reset-requests", "59s"),
    ] {
        good.headers_mut().insert(name, value.parse().unwrap());
    }
    let (_, service) = answering(vec![good]);
    within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    let info = manager.info(Some("m")).unwrap();
    let available = info["limits"][0]["available"].as_u64().expect("a number");
    assert!(available <= 7, "{info}");
}

/// A body that comes in pieces, and may break or stall.
struct Pieces(VecDeque<Result<&'static str, &'static str>>);

/// After this piece nothing comes.
const STALL: &str = "";

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.0.front() == Some(&Ok(STALL)) {
            return Poll::Pending;
        }
        let piece = self.0.pop_front();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from(piece?)))))
    }
}

/// Makes a call of messages whose answer is an event stream of these pieces.
async fn stream(
    manager: &Manager,
    pieces: &[Result<&'static str, &'static str>],
) -> llmq_tower::Answer<Pieces> {
    let pieces: VecDeque<_> = pieces.iter().copied().collect();
    let service = service_fn(move |_: http::Request<Full<Bytes>>| {
        let answer = http::Response::builder().header(CONTENT_TYPE, "text/event-stream");
        std::future::ready(answer.body(Pieces(pieces.clone())))
    });
    let mut call = call();
    *call.uri_mut() = "http://host/v1/messages".parse().unwrap();
    within(PermitLayer::new(manager).layer(service).call(call)).await.unwrap().into_body()
}

const START: &str =
    "event: message_start\ndata: {\"type\": \"message_start\", \"message\": {\"id\": \"a\", \
    \"usage\": {\"input_tokens\": 5, \"output_tokens\": 1}}}\n\n";
const END: &str = "event: message_delta\ndata: {\"type\": \"message_delta\", \"delta\": {\"stop_reason\": \
    \"end_turn\"}, \"usage\": {\"output_tokens\": 6}}\n\nevent: message_stop\ndata: {\"type\": \"message_stop\"}\n\n";

#[tokio::test]
async fn the_usage_of_a_stream_is_known_at_its_last_event() {
    let manager = manager("m", "");
    let mut whole = stream(&manager, &[Ok(START), Ok(END)]).await;
    whole.frame().await.unwrap().unwrap();
    whole.frame().await.unwrap().unwrap();
    drop(whole); // as clients do that know the last event
    let ours = settled(&manager);
    assert_eq!((ours.input_tokens, ours.output_tokens, ours.completed), (5, 6, 1));
    let mut left = stream(&manager, &[Ok(START), Ok(END)]).await;
    left.frame().await.unwrap().unwrap();
    drop(left); // which says neither well nor ill of the provider
    let ours = settled(&manager);
    assert_eq!((ours.input_tokens, ours.output_tokens, ours.completed), (5, 6, 1));
    assert_eq!((ours.failed, ours.processing), (1, 0));
}

#[tokio::test]
async fn a_stream_that_breaks_or_tells_an_error_is_a_failure() {
    let manager = manager("m", "");
    let broken = stream(&manager, &[Ok(START), Err("the line is dead")]).await;
    let error = broken.collect().await.unwrap_err();
    assert_eq!(error.to_string(), "the line is dead");
    let error =
        "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \
        \"message\": \"Overloaded\"}}\n\n";
    let told = stream(&manager, &[Ok(START), Ok(error)]).await;
    assert!(told.collect().await.unwrap().to_bytes().ends_with(b"\n\n"));
    let ours = settled(&manager);
    assert_eq!((ours.failed, ours.completed, ours.processing), (2, 0, 0));
}

#[tokio::test]
async fn a_body_that_stalls_holds_its_place_no_longer_than_its_lease() {
    let manager = manager("m", r#""concurrency": 1, "timeout_ms": 20"#);
    let mut stalled = stream(&manager, &[Ok(START), Ok(STALL)]).await;
    stalled.frame().await.unwrap().unwrap();
    let next = within(manager.acquire(&Request::new("m", "")).unwrap()).await.unwrap();
    next.release(None).unwrap();
    let ours = settled(&manager);
    assert_eq!((ours.failed, ours.completed), (1, 1), "{ours:?}");
    drop(stalled);
}

/// Reads a body for twice as long as the lease of its permit. Returns the longest pause between its pieces, and
/// whether the permit was out in the end.
async fn read_slowly(lease: Duration) -> (Duration, bool) {
    let manager = manager("m", &format!(r#""timeout_ms": {}"#, lease.as_millis()));
    let mut slow = stream(&manager, &vec![Ok(START); 10_000]).await;
    let (began, mut last, mut longest) = (Instant::now(), Instant::now(), Duration::ZERO);
    while began.elapsed() < 2 * lease {
        manager.pause(lease / 20).await.unwrap();
        slow.frame().await.unwrap().unwrap();
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    let is_out = settled(&manager).processing == 1;
    (longest.max(last.elapsed()), is_out)
}

#[tokio::test]
async fn a_body_that_comes_slowly_keeps_its_permit() {
    let lease = Duration::from_millis(400);
    // A machine that is busy with other things may hold this one up for longer than the lease: then it is read again.
    let read = async {
        loop {
            let (longest, is_out) = read_slowly(lease).await;
            if longest < lease / 2 {
                return is_out;
            }
        }
    };
    assert!(within(read).await, "the permit was lost");
}
