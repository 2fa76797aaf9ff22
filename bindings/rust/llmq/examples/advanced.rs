//! Priorities, tenants, shared calls, estimates, hooks, permits, and settings that change.

use llmq::{Config, HookKinds, LogLevel, Manager, Plan, Priority, Request, Usage};
use serde_json::json;

#[tokio::main]
async fn main() -> llmq::Result<()> {
    let mut config = Config::from_value(&json!({
        "tenants": [{"name": "live", "weight": 4}, {"name": "batch", "weight": 1}],
        "models": [
            {"name": "m", "provider": "mock", "concurrency": 1, "mock": {"latency_ms": 20},
             "price_input": 0.15, "price_output": 0.6},
            {"name": "own", "rpm": 60},
        ],
    }))?;
    config.log(LogLevel::Info, |level, line| println!("{level:?}: {line}"))?;
    let manager = Manager::new(&config)?;
    manager.set_hook(HookKinds::ATTEMPT_FINISHED, |event| {
        println!("attempt {} of {}: {}", event.attempt(), event.request_id(), event.status());
    })?;

    let ask = |text: &str| {
        let body = json!({"messages": [{"role": "user", "content": text}], "max_tokens": 20});
        Request::json("m", &body).map(|request| request.request_key(text.to_owned()))
    };
    println!("will cost about {} millionths", manager.estimate(&ask("How much?")?)?.cost_micros);
    let slow = ask("in the background")?.priority(Priority::Batch).tenant("batch");
    let fast = ask("somebody waits")?.priority(Priority::Urgent).tenant("live");
    let same = ask("the same question")?.dedup_key("q1");
    let all = manager.submit_batch(&[slow, fast, same.clone(), same])?;
    manager.set("model.m.limit", "concurrency=4")?;
    for pending in all {
        let response = pending.await?;
        println!("{} (shared: {})", response.request_key(), response.is_shared());
    }

    // A call that this program makes itself, under the same limits.
    let request = Request::new("own", "").est_input_tokens(100).est_output_tokens(50);
    let permit = manager.acquire(&request)?.await?;
    permit.release(Some(Usage::tokens(90, 40)))?;

    // How long a thousand of them would take.
    let mut plan = Plan::new(&config)?;
    for _ in 0..1000 {
        plan.add(&request)?;
    }
    println!("a thousand take {} ms", plan.run()?["duration_ms"]);
    Ok(())
}
