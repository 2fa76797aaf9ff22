//! The other side of the comparison: the same work in the C interface, and with tokio alone.

use std::mem;
use std::ptr;
use std::time::Instant;

use llmq_sys as sys;

/// A chat that the made-up provider takes.
pub(crate) const BODY: &str =
    r#"{"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 4}"#;

/// A model that answers at once and has no limit but on what runs at a time.
pub(crate) const CONFIG: &str = r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0},
    "max_in_flight": 1000}]}"#;

/// ns per request of the fastest round of each; the rounds take turns, so that all meet the same
/// machine.
pub(crate) fn best<const N: usize>(
    rounds: usize,
    requests: usize,
    mut work: [&mut dyn FnMut(); N],
) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..rounds {
        for (fastest, round) in best.iter_mut().zip(work.iter_mut()) {
            let start = Instant::now();
            round();
            *fastest = fastest.min(start.elapsed().as_nanos() as f64 / requests as f64);
        }
    }
    best
}

/// Submit in batches, drain, look at each event, release: as a C program would.
pub(crate) fn c_round(requests: usize, batch: usize) {
    c_loop(requests, batch, |_| {});
}

/// The same, with each response taken out of its event and freed.
pub(crate) fn c_take_round(requests: usize, batch: usize) {
    c_loop(requests, batch, |event| {
        let mut response = ptr::null_mut();
        // SAFETY: a drained DONE event.
        unsafe {
            assert_eq!(sys::llmq_event_take(event, &mut response), sys::LLMQ_OK);
            let mut len = 0;
            assert!(!sys::llmq_response_data(response, &mut len).is_null() && len > 0);
            sys::llmq_response_free(response);
        }
    });
}

fn c_loop(requests: usize, batch: usize, mut look: impl FnMut(&mut sys::llmq_event_t)) {
    // SAFETY: the calls are made as llmq.h says, by one thread.
    unsafe {
        let manager = c_manager();
        let mut cq = ptr::null_mut();
        assert_eq!(sys::llmq_cq_create(&mut cq), sys::LLMQ_OK);
        let mut raw: Vec<_> = (0..batch).map(|_| mem::zeroed::<sys::llmq_request_t>()).collect();
        let mut ids = vec![0; batch];
        let mut events = vec![mem::zeroed::<sys::llmq_event_t>(); batch];
        let stride = mem::size_of::<sys::llmq_event_t>();
        for _ in 0..requests / batch {
            for (tag, request) in raw.iter_mut().enumerate() {
                request.struct_size = mem::size_of::<sys::llmq_request_t>() as u32;
                request.model = "m".as_ptr().cast();
                request.model_len = 1;
                request.payload = BODY.as_ptr().cast();
                request.payload_len = BODY.len();
                request.user_data = tag as u64;
                request.cq = cq;
            }
            let mut accepted = 0;
            let size = mem::size_of::<sys::llmq_request_t>();
            let code = sys::llmq_submit_batch(
                manager,
                raw.as_ptr(),
                size,
                batch,
                ids.as_mut_ptr(),
                &mut accepted,
            );
            assert_eq!(code, sys::LLMQ_OK);
            let mut done = 0;
            while done < batch {
                events[0].stride = stride as u32;
                let n = sys::llmq_cq_drain(cq, events.as_mut_ptr(), batch);
                if n == 0 {
                    assert_eq!(sys::llmq_cq_wait(cq, 10_000_000_000), sys::LLMQ_OK);
                    continue;
                }
                for event in &mut events[..n] {
                    assert!(event.status == sys::LLMQ_OK && event.data_len > 0);
                    look(event);
                    done += 1;
                }
                sys::llmq_events_release(events.as_mut_ptr(), stride, n);
            }
        }
        sys::llmq_cq_unref(cq);
    }
}

/// One manager for all rounds, as the other side has.
fn c_manager() -> *mut sys::llmq_manager_t {
    use std::sync::OnceLock;
    static MANAGER: OnceLock<usize> = OnceLock::new();
    let address = MANAGER.get_or_init(|| {
        // SAFETY: the calls are made as llmq.h says.
        unsafe {
            sys::load().expect("the library");
            let (mut conf, mut manager) = (ptr::null_mut(), ptr::null_mut());
            assert_eq!(sys::llmq_conf_create(&mut conf), sys::LLMQ_OK);
            let set = sys::llmq_conf_set_json(
                conf,
                CONFIG.as_ptr().cast(),
                CONFIG.len(),
                ptr::null_mut(),
            );
            assert_eq!(set, sys::LLMQ_OK);
            let made = sys::llmq_manager_create(conf, &mut manager, ptr::null_mut());
            assert_eq!(made, sys::LLMQ_OK);
            sys::llmq_conf_free(conf);
            manager as usize
        }
    });
    *address as *mut sys::llmq_manager_t
}

/// As many oneshot channels, each awaited in a task, answered by a thread outside of the runtime.
pub(crate) async fn native_round(requests: usize, batch: usize) {
    let (give, take) = std::sync::mpsc::sync_channel::<Vec<tokio::sync::oneshot::Sender<usize>>>(1);
    let answering = std::thread::spawn(move || {
        for batch in take {
            for sender in batch {
                let _ = sender.send(1);
            }
        }
    });
    for _ in 0..requests / batch {
        let mut senders = Vec::with_capacity(batch);
        let mut tasks = Vec::with_capacity(batch);
        for _ in 0..batch {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            senders.push(sender);
            tasks.push(tokio::spawn(async move { receiver.await.expect("answered") }));
        }
        give.send(senders).expect("the thread lives");
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), 1);
        }
    }
    drop(give);
    answering.join().expect("no panic");
}
