//! 2,000 requests through a queue, the cheapest form, and the sum of what they used.

use llmq::{Batch, CompletionQueue, EventKind, Manager, Request};

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "concurrency": 100, "mock": {"latency_ms": 5}}]}"#,
    )?;
    let bodies: Vec<String> = (0..2000)
        .map(|n| format!(r#"{{"messages": [{{"role": "user", "content": "Name lake {n}."}}]}}"#))
        .collect();
    let requests: Vec<_> =
        bodies.iter().zip(0..).map(|(body, tag)| Request::new("m", body).tag(tag)).collect();
    let queue = CompletionQueue::new()?;
    let (ids, refused) = manager.submit_batch_to(&queue, &requests);
    refused?;

    let (mut batch, mut done, mut tokens) = (Batch::new(), 0, 0);
    while done < ids.len() {
        queue.wait(None)?;
        queue.drain(&mut batch);
        for event in batch.iter().filter(|event| event.kind() == EventKind::Done) {
            if !event.status().is_ok() {
                println!("request {}: {}", event.tag(), event.status());
            }
            tokens += event.usage().output_tokens;
            done += 1;
        }
    }
    println!("{done} requests, {tokens} output tokens");
    Ok(())
}
