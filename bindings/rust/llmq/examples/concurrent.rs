//! The two kinds of limits: how many calls run at a time, and how many begin in a period.

use std::time::Instant;

use llmq::{Manager, Request};
use serde_json::json;

fn main() -> llmq::Result<()> {
    let takes = json!({"latency_ms": 50});
    let manager = Manager::from_value(&json!({"models": [
        {"name": "two at a time", "provider": "mock", "mock": takes, "concurrency": 2},
        {"name": "five per second", "provider": "mock", "mock": takes,
         "limits": [{"requests": 5, "per": "1s"}]},
    ]}))?;
    let body = r#"{"messages": [{"role": "user", "content": "Hello."}]}"#;
    for model in manager.models()? {
        let began = Instant::now();
        let requests = vec![Request::new(model.as_str(), body); 8];
        for pending in manager.submit_batch(&requests)? {
            pending.wait()?;
        }
        println!("{model}: 8 calls of 50 ms took {} ms", began.elapsed().as_millis());
    }
    Ok(())
}
