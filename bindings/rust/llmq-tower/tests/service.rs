//! Any service of `http` requests, without a network: what is reported, and when.

mod common;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use common::{manager, settled, within};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http_body_util::{BodyExt, Full};
use llmq::Request;
use llmq_tower::{Layer, PermitLayer, Service};
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
fn answering(
    answers: Vec<Answer>,
) -> (
    Arc<AtomicUsize>,
    impl Service<
            http::Request<Full<Bytes>>,
            Response = Answer,
            Error = Infallible,
            Future = impl Send + std::future::Future<Output = Result<Answer, Infallible>>,
        > + Clone
        + Send
        + 'static,
) {
    let made = Arc::new(AtomicUsize::new(0));
    let (count, answers) = (Arc::clone(&made), Arc::new(answers));
    let service = service_fn(move |_| {
        let answer = answers[count.fetch_add(1, Ordering::SeqCst)].clone();
        std::future::ready(Ok(answer))
    });
    (made, service)
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
    within(manager.acquire(&Request::new("m", "")).unwrap()).await.unwrap();
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
async fn a_refusal_with_a_hint_holds_the_model_until_then() {
    let manager = manager("m", "");
    let mut refusal = answer(429, r#"{"error": {"message": "slow down"}}"#);
    refusal.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
    let (made, service) = answering(vec![refusal, answer(200, ANSWER)]);
    let began = std::time::Instant::now();
    let answer = within(PermitLayer::new(&manager).layer(service).call(call())).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(began.elapsed().as_millis() >= 1000, "{:?}", began.elapsed());
    assert_eq!((made.load(Ordering::SeqCst), settled(&manager).rate_limited), (2, 1));
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
