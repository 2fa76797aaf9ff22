//! Models with types.

mod common;

use common::{block_on, mock, unserved, BODY};
use llmq::{Answer, Status, Usage};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Count {
    words: usize,
}

fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

/// Counts words; of "?" it answers something else.
fn counting() -> llmq::Manager {
    let manager = unserved("");
    manager
        .set_processor("m", |job| {
            let asked: Text = job.json().expect("the form");
            if asked.text == "?" {
                return job.succeed(r#"{"words": "many"}"#);
            }
            let answer = serde_json::json!({ "words": asked.text.split_whitespace().count() });
            assert_eq!(job.tenant(), "t");
            if job.is_stream() {
                job.chunk(answer.to_string().as_bytes()).expect("it is read");
            }
            job.succeed(Answer::json(&answer).expect("JSON").usage(Usage::tokens(1, 2)));
        })
        .unwrap();
    manager
}

#[test]
fn values_go_in_and_come_out() {
    let manager = counting();
    let model = manager.model::<Text, Count>("m").with(|request| request.tenant("t"));
    let reply = block_on(model.call(&text("one two"))).unwrap();
    assert_eq!(
        (reply.value, reply.response.usage()),
        (Count { words: 2 }, Some(Usage::tokens(1, 2)))
    );
    assert_eq!(model.call_blocking(&text("one"), None).unwrap().value.words, 1);
    let pending = model.clone().submit(&text("a b c")).unwrap();
    assert!(pending.id() > 0);
    assert_eq!(pending.wait().unwrap().value.words, 3);
    let all = model.submit_batch(&[text("a"), text("b b")]).unwrap();
    let counts: Vec<_> = all.into_iter().map(|one| one.wait().unwrap().value.words).collect();
    assert_eq!(counts, [1, 2]);
    let id = model.post(&text("nobody waits")).unwrap();
    manager.shutdown(llmq::ShutdownMode::Drain, None).unwrap().wait().unwrap();
    assert_eq!(manager.state(id).unwrap(), llmq::State::Completed);
}

#[test]
fn an_answer_of_another_form_is_an_error_that_has_it() {
    let manager = counting();
    let model = manager.model::<Text, Count>("m").with(|request| request.tenant("t"));
    let error = block_on(model.call(&text("?"))).unwrap_err();
    assert_eq!(error.status(), Status::INVALID_VALUE);
    assert!(error.message().contains("many"), "{error}");
    assert_eq!(error.response().unwrap().data(), br#"{"words": "many"}"#);
    let nobody = manager.model::<Text, Count>("nobody");
    assert_eq!(nobody.submit(&text("")).unwrap_err().status(), Status::UNKNOWN_MODEL);
}

#[test]
fn pieces_have_a_type_too() {
    let manager = counting();
    let model = manager.model::<Text, Count>("m").with(|request| request.tenant("t"));
    let mut stream = model.stream::<Count>(&text("one two")).unwrap();
    assert_eq!(block_on(stream.next()).unwrap().unwrap(), Count { words: 2 });
    assert!(block_on(stream.next()).is_none());
    assert_eq!(block_on(stream.reply()).unwrap().value, Count { words: 2 });
}

#[test]
fn any_value_that_serialises_is_a_request() {
    let manager = mock(r#""mock": {"latency_ms": 0}"#);
    let model = manager.model::<serde_json::Value, serde_json::Value>("m");
    let body = serde_json::from_str(BODY).unwrap();
    let reply = model.call_blocking(&body, None).unwrap();
    assert!(reply.value["choices"].is_array(), "{}", reply.value);
}
