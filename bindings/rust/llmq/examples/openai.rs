//! A chat of OpenAI's form, as a stream. With OPENAI_API_KEY it asks OpenAI, without it a provider that is made
//! up.

use std::io::Write;

use llmq::{Manager, Request};
use serde_json::{json, Value};

#[tokio::main]
async fn main() -> llmq::Result<()> {
    let has_key = std::env::var_os("OPENAI_API_KEY").is_some();
    let provider = if has_key { "openai" } else { "mock" };
    let manager = Manager::from_value(&json!({
        "models": [{"name": "gpt-4o-mini", "provider": provider, "rpm": 500, "tpm": 200_000}]
    }))?;
    let body = json!({
        "messages": [{"role": "user", "content": "Name three rivers."}],
        "max_tokens": 30,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    let mut stream = manager.stream(&Request::json("gpt-4o-mini", &body)?)?;
    while let Some(chunk) = stream.next().await {
        let event: Value = chunk?.json()?;
        print!("{}", event["choices"][0]["delta"]["content"].as_str().unwrap_or(""));
        std::io::stdout().flush().expect("somebody reads it");
    }
    let response = stream.finish().await?;
    println!("\nfirst output after {:?}, {:?}", response.timings().first_output, response.usage());
    Ok(())
}
