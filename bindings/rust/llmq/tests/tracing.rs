//! Log lines reach `tracing`.

mod common;

use std::sync::{Arc, Mutex};

use common::{block_on, BODY};
use llmq::{Config, LogLevel, Manager, Request};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the lines of what is told.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "llmq"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push((*event.metadata().level(), message.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn log_lines_are_events() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let mut config = Config::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}"#,
    )
    .unwrap();
    config.log_to_tracing(LogLevel::Trace).unwrap();
    let manager = Manager::new(&config).unwrap();
    block_on(manager.submit(&Request::new("m", BODY)).unwrap()).unwrap();
    drop(manager);
    let lines = lines.0.lock().unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|(_, line)| !line.is_empty()), "{lines:?}");
}
