//! The SDK async-openai, taken over in one line, against the mock provider that `llmq` serves.

mod common;

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    CreateChatCompletionRequestArgs,
};
use async_openai::Client;
use common::{falls_back, manager, settled, within, Mock};
use llmq::{Manager, Request, Status, Usage};
use llmq_tower::{Layer, PermitLayer};

const MODEL: &str = "gpt-4o-mini";

fn take_over(layer: PermitLayer, url: &str) -> Client<OpenAIConfig> {
    let config = OpenAIConfig::new().with_api_base(url).with_api_key("none");
    Client::with_config(config).with_http_service(layer.layer(ReqwestService::default()))
}

fn question(stream: bool) -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessageArgs::default().content("Name a river.").build();
    let mut request = CreateChatCompletionRequestArgs::default();
    request.model(MODEL).max_completion_tokens(20_u32).messages([message.unwrap().into()]);
    if stream {
        request.stream_options(ChatCompletionStreamOptions {
            include_usage: Some(true),
            include_obfuscation: None,
        });
    }
    request.build().expect("a good request")
}

/// Asks so many times at once. Returns the output tokens that the SDK was told of.
async fn ask_many(client: &Client<OpenAIConfig>, count: usize) -> u64 {
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.chat().create(question(false)).await })
        })
        .collect();
    let mut tokens = 0;
    for task in tasks {
        let answer = within(task).await.expect("no panic").expect("an answer");
        tokens += u64::from(answer.usage.expect("usage").completion_tokens);
    }
    tokens
}

#[tokio::test]
async fn calls_keep_the_limits_and_tell_their_usage() {
    let mock = Mock::serve(&["--limit", "concurrency=3", "--latency", "20ms"]);
    let limits = r#""limits": [{"requests": 5, "per": "1s"}, {"concurrency": 3}]"#;
    let manager = manager(MODEL, limits);
    let began = Instant::now();
    let tokens = ask_many(&take_over(PermitLayer::new(&manager), &mock.url), 12).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "the eleventh begins in the third second");
    let seen = mock.stats().await;
    assert!(seen.refused == 0 && seen.accepted == 12 && seen.max_concurrency <= 3, "{seen:?}");
    let ours = settled(&manager);
    assert_eq!((ours.completed, ours.output_tokens), (12, tokens), "{ours:?}");
}

#[tokio::test]
async fn a_call_that_falls_back_names_the_model_of_its_permit() {
    let mock = Mock::serve(&[]);
    let manager = falls_back(MODEL);
    let client = take_over(PermitLayer::new(&manager), &mock.url);
    for model in [MODEL, "second"] {
        let answer = within(client.chat().create(question(false))).await.expect("an answer");
        assert_eq!(answer.model, model);
    }
}

#[tokio::test]
async fn refusals_are_tried_again_when_they_may_be_and_by_nobody_else() {
    let mock = Mock::serve(&["--fail-rate-limited", "0.3", "--retry-after", "50ms", "--seed", "7"]);
    // One at a time: calls that have their permit when a refusal comes are not held back any more.
    let manager = manager(MODEL, r#""concurrency": 1"#);
    ask_many(&take_over(PermitLayer::new(&manager), &mock.url), 20).await;
    let seen = mock.stats().await;
    let refused = seen.statuses.get("429").copied().unwrap_or(0);
    assert!(refused > 0 && seen.early_retries == 0, "{seen:?}");
    let ours = settled(&manager);
    assert_eq!((ours.attempts, ours.rate_limited), (seen.requests, refused), "{ours:?}");
}

#[tokio::test]
async fn what_keeps_failing_is_the_sdks_own_error() {
    let mock = Mock::serve(&["--fail-server", "1"]);
    let manager = manager(MODEL, "");
    let client = take_over(PermitLayer::new(&manager).max_attempts(2), &mock.url);
    let error = within(client.chat().create(question(false))).await.unwrap_err();
    let OpenAIError::ApiError(error) = error else { panic!("{error}") };
    assert_eq!(error.status_code.as_u16(), 500, "{error}");
    assert_eq!(mock.stats().await.requests, 2);
    let ours = settled(&manager);
    assert_eq!((ours.attempts, ours.failed), (2, 2), "{ours:?}");
}

#[tokio::test]
async fn a_call_without_an_answer_is_tried_again_by_llmq_alone() {
    let manager = manager(MODEL, "");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = take_over(PermitLayer::new(&manager), &format!("http://{nobody}/v1"));
    let error = within(client.chat().create(question(false))).await.unwrap_err();
    assert!(matches!(error, OpenAIError::Reqwest(_)), "{error}");
    let ours = settled(&manager);
    assert_eq!((ours.attempts, ours.failed), (3, 3), "{ours:?}");
}

#[tokio::test]
async fn streams_tell_their_usage_at_their_end() {
    let mock = Mock::serve(&["--tokens-per-s", "1000"]);
    let manager = manager(MODEL, r#""concurrency": 1"#);
    let client = take_over(PermitLayer::new(&manager), &mock.url);
    for _ in 0..2 {
        let mut stream = within(client.chat().create_stream(question(true))).await.unwrap();
        assert_eq!(settled(&manager).processing, 1, "the permit is out while the answer comes");
        let mut tokens = 0;
        while let Some(chunk) = within(poll_fn(|cx| stream.as_mut().poll_next(cx))).await {
            tokens = chunk.expect("a chunk").usage.map_or(tokens, |usage| usage.completion_tokens);
        }
        assert!(tokens > 0);
        drop(stream);
        let next = within(manager.acquire(&Request::new(MODEL, "")).unwrap()).await.unwrap();
        next.release(Some(Usage::default())).unwrap();
        assert_eq!(settled(&manager).output_tokens % u64::from(tokens), 0);
    }
    let ours = settled(&manager);
    assert!(ours.completed == 4 && ours.output_tokens > 0, "{ours:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_gives_its_permit_back() {
    let mock = Mock::serve(&["--fail-hang", "1"]);
    let manager = manager(MODEL, r#""concurrency": 1"#);
    let client = take_over(PermitLayer::new(&manager), &mock.url);
    let waits = Duration::from_millis(100);
    tokio::time::timeout(waits, client.chat().create(question(false))).await.unwrap_err();
    drop(within(manager.acquire(&Request::new(MODEL, "")).unwrap()).await.unwrap());
}

#[tokio::test]
async fn where_there_is_no_permit_the_error_says_why() {
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let layer = PermitLayer::new(&manager("another", "")).ask(move |request, _| {
        count.fetch_add(1, Ordering::SeqCst);
        request
    });
    let client = take_over(layer, "http://127.0.0.1:9/v1");
    let error = within(client.chat().create(question(false))).await.unwrap_err();
    let OpenAIError::Boxed(error) = error else { panic!("{error}") };
    let error = error.downcast_ref::<llmq::Error>().expect("llmq's own");
    assert_eq!(error.status(), Status::UNKNOWN_MODEL);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the SDK does not try again");
}

#[tokio::test]
async fn the_shared_manager_makes_models_and_finds_their_limits() {
    let mock = Mock::serve(&["--limit", "requests=600/1m,shape=bucket", "--latency", "5ms"]);
    let client = take_over(PermitLayer::shared().unwrap(), &mock.url);
    ask_many(&client, 10).await;
    let shared = Manager::shared(None).unwrap();
    assert_eq!(shared.models().unwrap(), [MODEL]);
    let info = shared.info_json(Some(MODEL)).unwrap();
    assert!(info.contains("600"), "{info}");
    assert_eq!(settled(&shared).completed, 10);
}
