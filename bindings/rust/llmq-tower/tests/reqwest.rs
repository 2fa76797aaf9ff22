//! reqwest, as a service and with reqwest-middleware, against the mock provider that `llmq` serves.

mod common;

use std::sync::{Arc, Mutex};

use common::{manager, settled, within, Mock};
use llmq::{Priority, Status};
use llmq_tower::{Layer, PermitLayer, Service};
use reqwest::header::CONTENT_TYPE;
use reqwest_middleware::ClientBuilder;

const BODY: &str =
    r#"{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello."}]}"#;

/// Of a request that carries it.
#[derive(Clone)]
struct Tenant(&'static str);

#[tokio::test]
async fn a_middleware_takes_over_messages_of_anthropic() {
    let mock = Mock::serve(&["--limit", "requests=10/1m"]);
    let manager = manager("m", "");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    let layer = PermitLayer::new(&manager).ask(move |request, call| {
        let tenant = call.extensions.get::<Tenant>().map_or("", |tenant| tenant.0);
        list.lock().unwrap().push((call.path.to_owned(), tenant));
        request.tenant(tenant).priority(Priority::High)
    });
    let client = ClientBuilder::new(reqwest::Client::new()).with(layer).build();
    let url = format!("{}/messages", mock.url);
    let call = client
        .post(&url)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header("anthropic-version", "2023-06-01")
        .header("x-api-key", "none")
        .body(BODY);
    let answer = within(call.with_extension(Tenant("live")).send()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.url().as_str()), (200, url.as_str()));
    let text = answer.text().await.unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let usage = |name: &str| told["usage"][name].as_u64().unwrap();
    let ours = settled(&manager);
    assert_eq!(ours.input_tokens, usage("input_tokens"), "{text}");
    assert_eq!(ours.output_tokens, usage("output_tokens"), "{text}");
    assert_eq!(*seen.lock().unwrap(), [("/v1/messages".to_owned(), "live")]);
}

#[tokio::test]
async fn what_names_no_model_goes_straight_through() {
    let mock = Mock::serve(&[]);
    let manager = manager("m", "");
    let client =
        ClientBuilder::new(reqwest::Client::new()).with(PermitLayer::new(&manager)).build();
    let url = format!("{}/chat/completions", mock.url);
    client.get(&url).send().await.unwrap();
    client.post(&url).body("no JSON").send().await.unwrap();
    client.post(&url).header(CONTENT_TYPE, "application/json").body("{}").send().await.unwrap();
    assert_eq!(settled(&manager).submitted, 0);
    let seen = mock.stats().await;
    assert!(seen.statuses.values().sum::<u64>() >= 2, "{seen:?}");
}

#[tokio::test]
async fn a_client_is_a_service() {
    let mock = Mock::serve(&["--fail-overloaded", "0.5", "--seed", "3"]);
    let manager = manager("m", r#""breaker": {"enabled": false}"#);
    let mut service = PermitLayer::new(&manager).max_attempts(60).layer(reqwest::Client::new());
    let client = reqwest::Client::new();
    for _ in 0..4 {
        let call = client.post(format!("{}/chat/completions", mock.url)).body(BODY);
        let call = call.header(CONTENT_TYPE, "application/json").build().unwrap();
        let answer = within(service.call(call)).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.bytes().await.unwrap();
    }
    let (seen, ours) = (mock.stats().await, settled(&manager));
    assert_eq!((ours.attempts, ours.completed), (seen.requests, 4), "{ours:?} {seen:?}");
}

#[tokio::test]
async fn calls_without_an_answer_are_failures_and_those_that_cannot_be_made_are_none() {
    let manager = manager("m", "");
    let layer = PermitLayer::new(&manager).max_attempts(2);
    let client = ClientBuilder::new(reqwest::Client::new()).with(layer).build();
    let call = |url: &str| client.post(url).header(CONTENT_TYPE, "application/json").body(BODY);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let error = within(call(&format!("http://{address}/v1")).send()).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert_eq!((settled(&manager).attempts, settled(&manager).failed), (2, 2));
    let error = within(call("unknown://host/v1").send()).await.unwrap_err();
    assert!(error.is_builder(), "{error}");
    let ours = settled(&manager);
    assert_eq!((ours.attempts, ours.failed, ours.completed), (3, 2, 1));
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_a_permit() {
    let manager = manager("m", r#""concurrency": 1"#);
    let held = within(manager.acquire(&llmq::Request::new("m", "")).unwrap()).await.unwrap();
    let layer = PermitLayer::new(&manager)
        .ask(|request, _| request.deadline_in(std::time::Duration::from_millis(20)));
    let client = ClientBuilder::new(reqwest::Client::new()).with(layer).build();
    let call = client.post("http://127.0.0.1:9/").header(CONTENT_TYPE, "application/json");
    let error = within(call.body(BODY).send()).await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error}") };
    let error = error.downcast_ref::<llmq::Error>().expect("llmq's own");
    assert_eq!(error.status(), Status::DEADLINE);
    drop(held);
}
