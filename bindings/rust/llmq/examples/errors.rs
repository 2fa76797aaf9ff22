//! What errors tell: a model that is not there, a deadline, and a provider that fails.

use std::time::Duration;

use llmq::{Manager, Request, Status};

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(
        r#"{"models": [
            {"name": "slow", "provider": "mock", "mock": {"latency_ms": 60000}},
            {"name": "broken", "provider": "mock", "mock": {"latency_ms": 0, "fail_server": 1},
             "retry": {"max_attempts": 2, "base_ms": 1, "cap_ms": 1}}]}"#,
    )?;
    let body = r#"{"messages": [{"role": "user", "content": "Name a lake."}]}"#;

    let error = manager.submit(&Request::new("gpt-5", body)).unwrap_err();
    println!("at once: {error}");

    let soon = Request::new("slow", body).deadline_in(Duration::from_millis(50));
    let error = manager.call_blocking(&soon, None).unwrap_err();
    println!("later: {error}");
    assert_eq!(error.status(), Status::DEADLINE);

    let error = manager.call_blocking(&Request::new("broken", body), None).unwrap_err();
    println!("after all attempts: {error}");
    if let Some(response) = error.response() {
        println!("{}", response.attempts_json()?);
    }
    Ok(())
}
