//! Asks Claude, in Anthropic's own form and in the chat form that all providers take: llmq translates that. With
//! ANTHROPIC_API_KEY it asks Anthropic, without it a provider that is made up.

use llmq::{Manager, Operation, Request};
use serde_json::json;

const MODEL: &str = "claude-haiku-4-5";

#[tokio::main]
async fn main() -> llmq::Result<()> {
    let has_key = std::env::var_os("ANTHROPIC_API_KEY").is_some();
    let provider = if has_key { "anthropic" } else { "mock" };
    let manager = Manager::from_value(&json!({"models": [{"name": MODEL, "provider": provider}]}))?;
    let body = json!({
        "messages": [{"role": "user", "content": "Name a lake."}],
        "max_tokens": 50,
    });
    let chat = Request::json(MODEL, &body)?;
    println!("{}", manager.call(&chat).await?.text()?);
    if has_key {
        let own = Request::json(MODEL, &body)?.operation(Operation::Messages);
        println!("{}", manager.call(&own).await?.text()?);
    }
    Ok(())
}
