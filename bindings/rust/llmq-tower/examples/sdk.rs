//! The SDK async-openai with the limits of llmq, in one line. With OPENAI_API_KEY it asks OpenAI, without it
//! `llmq mock`: the program that the variable LLMQ_BIN names, else the one in PATH.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use async_openai::config::OpenAIConfig;
use async_openai::middleware::ReqwestService;
use async_openai::types::chat::{
    ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs,
};
use async_openai::Client;
use llmq::Manager;
use llmq_tower::{BoxError, Layer, PermitLayer};

/// A provider that is made up, and how to reach it.
fn mock() -> Result<(Child, OpenAIConfig), BoxError> {
    let program = std::env::var_os("LLMQ_BIN").unwrap_or_else(|| "llmq".into());
    let mut process = Command::new(program)
        .args(["mock", "--limit", "requests=5/1s"])
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(process.stdout.take().ok_or("no output")?);
    for line in output.lines() {
        if let Some(url) = line?.strip_prefix("listening on ") {
            return Ok((process, OpenAIConfig::new().with_api_base(url).with_api_key("none")));
        }
    }
    Err("llmq mock does not say where it listens".into())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (process, config) = match std::env::var_os("OPENAI_API_KEY") {
        Some(_) => (None, OpenAIConfig::new()),
        None => mock().map(|(process, config)| (Some(process), config))?,
    };
    let manager = Manager::from_json(
        r#"{"models": [{"name": "gpt-4o-mini", "limits": [{"requests": 5, "per": "1s"}]}]}"#,
    )?;
    let client = Client::with_config(config)
        .with_http_service(PermitLayer::new(&manager).layer(ReqwestService::default()));

    let calls: Vec<_> = (1..=8)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let message = ChatCompletionRequestUserMessageArgs::default()
                    .content(format!("Name lake {n}."))
                    .build()?;
                let request = CreateChatCompletionRequestArgs::default()
                    .model("gpt-4o-mini")
                    .max_completion_tokens(20_u32)
                    .messages([message.into()])
                    .build()?;
                client.chat().create(request).await
            })
        })
        .collect();
    for call in calls {
        let answer = call.await??;
        println!("{:?}", answer.choices[0].message.content);
    }
    println!("{:?}", manager.stats(None)?);
    if let Some(mut process) = process {
        process.kill()?;
        process.wait()?;
    }
    Ok(())
}
