//! Many requests at once, and what became of each; two of them at a time.

use llmq::{Manager, Request};

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "concurrency": 2, "mock": {"latency_ms": 5}}]}"#,
    )?;
    let bodies: Vec<String> = (0..10)
        .map(|n| format!(r#"{{"messages": [{{"role": "user", "content": "Name lake {n}."}}]}}"#))
        .collect();
    let requests: Vec<_> = bodies.iter().map(|body| Request::new("m", body)).collect();
    for pending in manager.submit_batch(&requests)? {
        let response = pending.wait()?;
        println!("{}: {} bytes", response.request_id(), response.data().len());
    }
    println!("{:?}", manager.stats(None)?);
    Ok(())
}
