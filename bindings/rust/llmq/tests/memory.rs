//! Memory over a million requests: prints what is resident, and fails if it grows.
//!
//! A fifth of the requests are futures that are awaited, a tenth of them dropped; the others go through a queue, which is
//! the quickest way.
#![cfg(target_os = "linux")]

use std::time::Duration;

use llmq::{Batch, CompletionQueue, EventKind, Manager, Request};

const REQUESTS: usize = 1_000_000;
const BATCH: usize = 256;

/// These fill histories and pools.
const FIRST: usize = 200_000;

/// What may be resident more in the end than after the first.
const MOST_MORE_KIB: u64 = 16 * 1024;

const BODY: &str =
    r#"{"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 4}"#;

#[test]
fn memory_stays_flat_over_a_million_requests() {
    let manager = Manager::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}, "max_in_flight": 1000}]}"#,
    )
    .expect("a good configuration");
    let queue = CompletionQueue::new().expect("a queue");
    let (mut batch, mut made) = (Batch::new(), 0);
    let mut run_until = |most: usize| {
        while made < most {
            futures(&manager);
            for _ in 1..5 {
                events(&manager, &queue, &mut batch);
            }
            made += 5 * BATCH;
        }
        let resident = resident_kib();
        println!("{made:>9} requests: {resident} KiB");
        resident
    };
    let first = run_until(FIRST);
    let last = run_until(REQUESTS);
    let grown = last.saturating_sub(first);
    assert!(grown <= MOST_MORE_KIB, "memory grows: {grown} KiB more than after the first {FIRST}");
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
