//! Hands over requests and does not wait for them; a shutdown does.

use std::time::Duration;

use llmq::{Manager, Request, ShutdownMode};

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(r#"{"models": [{"name": "m", "provider": "mock"}]}"#)?;
    let body = r#"{"messages": [{"role": "user", "content": "Hello."}]}"#;
    for _ in 0..20 {
        manager.submit(&Request::new("m", body))?.detach();
    }
    manager.shutdown(ShutdownMode::Drain, Some(Duration::from_secs(30)))?.wait()?;
    let stats = manager.stats(None)?;
    println!("{} of {} completed", stats.completed, stats.submitted);
    Ok(())
}
