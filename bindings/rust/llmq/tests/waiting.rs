//! Ten thousand futures that wait have no thread of their own.
#![cfg(target_os = "linux")]

mod common;

use common::{mock, BODY};
use llmq::{Request, ShutdownMode, Status};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux").count()
}

#[test]
fn ten_thousand_waiting_futures_add_no_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let manager = mock(r#""concurrency": 10, "mock": {"latency_ms": 3600000}"#);
        let one = manager.submit(&Request::new("m", BODY)).unwrap();
        let before = threads();
        let pending = manager.submit_batch(&vec![Request::new("m", BODY); 9_999]).unwrap();
        let tasks: Vec<_> = pending.into_iter().chain([one]).map(tokio::spawn).collect();
        tokio::task::yield_now().await;
        manager.info_json(None).unwrap(); // a round trip: the counters are as new
        let stats = manager.stats(None).unwrap();
        assert_eq!(stats.pending + stats.processing, 10_000, "{stats:?}");
        assert_eq!(threads(), before);
        manager.shutdown(ShutdownMode::Abort, None).unwrap().await;
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap_err().status(), Status::CLOSING);
        }
    });
}
