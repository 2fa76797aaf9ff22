//! Memory over a million requests: prints what is resident, and fails if it grows.
//!
//! Half of the requests are futures that are awaited, a tenth of them dropped, half go through a queue.

use std::time::Duration;

use llmq::{Batch, CompletionQueue, EventKind, Manager, Request};

const REQUESTS: usize = 1_000_000;
const BATCH: usize = 500;
const ROUND: usize = 100_000;

/// What later rounds may have more than the first one, which fills histories and pools.
const MOST_MORE_KIB: u64 = 8 * 1024;

const BODY: &str =
    r#"{"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 4}"#;

fn main() {
    let manager = Manager::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}, "max_in_flight": 1000}]}"#,
    )
    .expect("a good configuration");
    let queue = CompletionQueue::new().expect("a queue");
    let (mut batch, mut first, mut most) = (Batch::new(), 0, 0);
    for round in 1..=REQUESTS / ROUND {
        for _ in 0..ROUND / (2 * BATCH) {
            futures(&manager);
            events(&manager, &queue, &mut batch);
        }
        let resident = resident_kib();
        println!("{:>9} requests: {resident} KiB", round * ROUND);
        most = most.max(resident);
        if round == 1 {
            first = resident;
        }
    }
    let grown = most.saturating_sub(first);
    println!("at most {grown} KiB more than after the first {ROUND}");
    assert!(grown <= MOST_MORE_KIB, "memory grows");
}

fn futures(manager: &Manager) {
    let requests = vec![Request::new("m", BODY); BATCH];
    for (number, pending) in
        manager.submit_batch(&requests).expect("accepted").into_iter().enumerate()
    {
        if number % 10 != 0 {
            pending.wait().expect("answered");
        }
    }
}

fn events(manager: &Manager, queue: &CompletionQueue, batch: &mut Batch) {
    let requests = vec![Request::new("m", BODY); BATCH];
    let (ids, refused) = manager.submit_batch_to(queue, &requests);
    refused.expect("accepted");
    let mut done = 0;
    while done < ids.len() {
        assert!(queue.wait(Some(Duration::from_secs(60))).expect("a wait"), "nothing comes");
        queue.drain(batch);
        done += batch.iter().filter(|event| event.kind() == EventKind::Done).count();
    }
}

/// As Linux counts it.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
