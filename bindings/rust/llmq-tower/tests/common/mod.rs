//! What several tests need: the mock provider of the program `llmq`, and managers.
#![allow(dead_code)] // each test uses its part of it

use std::future::Future;
use std::io::{BufRead, BufReader};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use llmq::{Manager, Stats};
use serde::Deserialize;

/// Longest that any wait of a test may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mock provider, ended with its drop.
pub(crate) struct Mock {
    process: Child,
    /// Of its API: ends with /v1.
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MockStats {
    pub(crate) requests: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) statuses: std::collections::BTreeMap<String, u64>,
    pub(crate) early_retries: u64,
    pub(crate) max_concurrency: u64,
}

impl Mock {
    pub(crate) fn serve(arguments: &[&str]) -> Mock {
        let program = std::env::var("LLMQ_BIN").expect("LLMQ_BIN names the program llmq");
        let mut process = Command::new(program)
            .arg("mock")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = process.stdout.take().expect("a pipe");
        let url = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("it says where it listens");
        Mock { process, url }
    }

    pub(crate) async fn stats(&self) -> MockStats {
        let url = format!("{}/stats", self.url.trim_end_matches("/v1"));
        let text = reqwest::get(url).await.expect("an answer").text().await.expect("a text");
        serde_json::from_str(&text).expect("its counters")
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A manager with a model without provider, and more settings of it.
pub(crate) fn manager(model: &str, settings: &str) -> Manager {
    let comma = if settings.is_empty() { "" } else { "," };
    Manager::from_json(&format!(r#"{{"models": [{{"name": "{model}"{comma} {settings}}}]}}"#))
        .expect("the settings are good")
}

/// A manager with a model that lets one call through an hour; the rest falls back to "second".
pub(crate) fn falls_back(model: &str) -> Manager {
    let settings = r#""limits": [{"requests": 1, "per": "1h"}],
        "fallback": {"models": ["second"], "after_ms": 1}"#;
    Manager::from_json(&format!(
        r#"{{"models": [{{"name": "{model}", {settings}}}, {{"name": "second"}}]}}"#
    ))
    .expect("the settings are good")
}

/// The counters behind everything that was reported until now.
pub(crate) fn settled(manager: &Manager) -> Stats {
    manager.info_json(None).expect("a round trip");
    manager.stats(None).expect("counters")
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened for a minute")
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor, without a timer: shows that no other is needed.
pub(crate) fn on_this_thread<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(found) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return found;
        }
        let before = std::time::Instant::now();
        thread::park_timeout(PATIENCE);
        assert!(before.elapsed() < PATIENCE, "nothing happened for a minute");
    }
}
