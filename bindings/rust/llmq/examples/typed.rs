//! A function of this program as a model: values in, values out, under limits.

use llmq::{Answer, Failure, Job, Manager};
use serde::{Deserialize, Serialize};

/// What is to be looked at.
#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

/// What was found.
#[derive(Serialize, Deserialize)]
struct Count {
    words: usize,
}

/// Runs an attempt. What it returns ends it; so does a panic.
fn count(job: &Job) -> Result<Answer, Failure> {
    let asked: Text = job.json()?;
    let words = asked.text.split_whitespace().count();
    Ok(Answer::json(&Count { words })?)
}

fn main() -> llmq::Result<()> {
    let manager = Manager::from_json(r#"{"models": [{"name": "count", "concurrency": 2}]}"#)?;
    let worker = manager.worker("count", None)?;
    std::thread::spawn(move || worker.run_blocking(2, count));

    let model = manager.model::<Text, Count>("count");
    let texts = ["one", "two words", "and three words"].map(|text| Text { text: text.to_owned() });
    for (text, pending) in texts.iter().zip(model.submit_batch(&texts)?) {
        println!("{:?} has {} words", text.text, pending.wait()?.value.words);
    }
    Ok(())
}
