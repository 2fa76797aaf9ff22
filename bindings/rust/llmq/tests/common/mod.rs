//! What several tests need.
#![allow(dead_code)] // each test uses its part of it

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use llmq::Manager;

/// A chat that the made-up provider takes.
pub(crate) const BODY: &str = r#"{"messages": [{"role": "user", "content": "Name a lake."}]}"#;

/// Longest that any wait of a test may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A manager with the model "m" of the provider `mock`, and more settings of the model.
pub(crate) fn mock(settings: &str) -> Manager {
    let comma = if settings.is_empty() { "" } else { "," };
    let json = format!(r#"{{"models": [{{"name": "m", "provider": "mock"{comma} {settings}}}]}}"#);
    Manager::from_json(&json).expect("the settings are good")
}

/// A manager with the model "m" that a processor is to run.
pub(crate) fn unserved(settings: &str) -> Manager {
    let comma = if settings.is_empty() { "" } else { "," };
    Manager::from_json(&format!(r#"{{"models": [{{"name": "m"{comma} {settings}}}]}}"#))
        .expect("the settings are good")
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor: shows that no other is needed.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let until = Instant::now() + PATIENCE;
    loop {
        if let Poll::Ready(found) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return found;
        }
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "nothing happened for {PATIENCE:?}");
        thread::park_timeout(left);
    }
}
