//! The smallest program: one model, one request, one answer. No key is needed: the provider is made
//! up.

use llmq::{Manager, Request};

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(
        r#"{"models": [{"name": "gpt-4o-mini", "provider": "mock", "rpm": 600}]}"#,
    )?;
    let body = r#"{"messages": [{"role": "user", "content": "Name a lake."}]}"#;
    let response = manager.submit(&Request::new("gpt-4o-mini", body))?.wait()?;
    println!("{}", response.text()?);
    if let Some(usage) = response.usage() {
        println!("{} tokens in, {} out", usage.input_tokens, usage.output_tokens);
    }
    Ok(())
}
