//! What a request costs in Rust beyond C, and a future beyond a task that awaits a channel.
//!
//! Prints a table: the best of several rounds, in ns per request.

mod support;

use std::time::Duration;

use llmq::{Batch, CompletionQueue, EventKind, Manager, Request};
use support::{best, c_round, c_take_round, native_round, BODY, CONFIG};

/// Requests of a round, handed over and taken in batches of this size.
const REQUESTS: usize = 51_200;
const BATCH: usize = 256;
const ROUNDS: usize = 15;

fn main() {
    let manager = Manager::from_json(CONFIG).expect("a good configuration");
    let rows = measure(&manager);
    println!("{REQUESTS} requests, batches of {BATCH}, best of {ROUNDS} rounds, ns per request");
    for (name, cost, beyond) in rows {
        println!("{name:<44} {cost:>8.0} {beyond}");
    }
}

fn measure(manager: &Manager) -> Vec<(&'static str, f64, String)> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let [c, c_taken, events, futures, native] = best(
        ROUNDS,
        REQUESTS,
        [
            &mut || c_round(REQUESTS, BATCH),
            &mut || c_take_round(REQUESTS, BATCH),
            &mut || events_round(manager),
            &mut || runtime.block_on(futures_round(manager)),
            &mut || runtime.block_on(native_round(REQUESTS, BATCH)),
        ],
    );
    let beyond = |cost: f64, base: f64| format!("{:+.0} beyond C", cost - base);
    vec![
        ("C: submit_batch, drain, release", c, String::new()),
        ("C: the same, each response taken", c_taken, String::new()),
        ("Rust: CompletionQueue and Batch", events, beyond(events, c)),
        ("Rust: submit_batch, each future in a task", futures, beyond(futures, c_taken)),
        (
            "tokio alone: a oneshot channel in a task",
            native,
            format!("{:.2} x of it", (futures - c_taken) / native),
        ),
    ]
}

/// Everything through the safe queue.
fn events_round(manager: &Manager) {
    let cq = CompletionQueue::new().expect("a queue");
    let mut batch = Batch::with_capacity(BATCH);
    let request = Request::new("m", BODY);
    let requests: Vec<_> = (0..BATCH).map(|tag| request.clone().tag(tag as u64)).collect();
    let mut bytes = 0;
    for _ in 0..REQUESTS / BATCH {
        let (ids, result) = manager.submit_batch_to(&cq, &requests);
        result.expect("accepted");
        let mut done = 0;
        while done < ids.len() {
            if cq.drain(&mut batch) == 0 {
                cq.wait(Some(Duration::from_secs(10))).expect("events");
                continue;
            }
            for event in batch.iter().filter(|event| event.kind() == EventKind::Done) {
                assert!(event.status().is_ok());
                bytes += event.data().len();
                done += 1;
            }
        }
    }
    assert!(bytes > 0);
}

/// Each response awaited in a task of its own.
async fn futures_round(manager: &Manager) {
    let requests = vec![Request::new("m", BODY); BATCH];
    for _ in 0..REQUESTS / BATCH {
        let tasks: Vec<_> = manager
            .submit_batch(&requests)
            .expect("accepted")
            .into_iter()
            .map(|pending| {
                tokio::spawn(async move { pending.await.map(|answer| answer.data().len()) })
            })
            .collect();
        for task in tasks {
            assert!(task.await.expect("no panic").expect("answered") > 0);
        }
    }
}
