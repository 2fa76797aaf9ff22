//! Several limits that hold together, some of them shared by two models, and what is left of each.

use llmq::{Manager, Request};
use serde_json::json;

fn main() -> llmq::Result<()> {
    let manager = Manager::from_value(&json!({
        "pools": [{"name": "account", "limits": [{"tokens": 2_000_000, "per": "1d"}]}],
        "models": [
            {"name": "large", "provider": "mock", "pool": "account",
             "rpm": 500, "tpm": 30_000, "concurrency": 8},
            {"name": "small", "provider": "mock", "pool": "account",
             "limits": [{"requests": 10_000, "per": "1d"}, {"input_tokens": 100_000, "per": "1m"}]},
        ],
    }))?;
    let body = r#"{"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 50}"#;
    for model in ["large", "small"] {
        manager.call_blocking(&Request::new(model, body), None)?;
        for limit in manager.info(Some(model))?["limits"].as_array().into_iter().flatten() {
            println!("{model}: {limit}");
        }
    }
    let oversize = Request::new("large", body).est_output_tokens(40_000);
    println!("{}", manager.submit(&oversize).unwrap_err());
    Ok(())
}
