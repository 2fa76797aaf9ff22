//! Processes that fork, end and are told to end, with requests under way. Each is a copy of this program.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use common::{block_on, BODY};
use llmq::{Manager, Request, ShutdownMode, Status};

/// Set for a copy of this program: how it is to behave.
const ROLE: &str = "LLMQ_TEST_ROLE";

/// From the signal, or from the word that it leaves, to the end of the process.
const LEAVE: Duration = Duration::from_secs(1);

/// One that does not end at all is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine that is busy with other things may hold a process up: the one in the middle of so many counts.
const TRIES: usize = 5;

/// "hang" never answers; "w" has a worker.
fn manager() -> Manager {
    Manager::from_json(
        r#"{"models": [{"name": "hang", "provider": "mock", "mock": {"fail_hang": 1}},
                       {"name": "m", "provider": "mock", "mock": {"latency_ms": 0}},
                       {"name": "w"}]}"#,
    )
    .expect("good settings")
}

fn say(word: &str) {
    println!("\n{word}");
    std::io::stdout().flush().expect("a pipe");
}

struct Copy {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    _watch: Sender<()>,
}

/// Kills a process unless the sender is dropped in time.
fn watch(id: i32) -> Sender<()> {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // SAFETY: a process that has not been waited for.
            unsafe { libc::kill(id, libc::SIGKILL) };
        }
    });
    sender
}

impl Copy {
    fn start(role: &str) -> Copy {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .args(["--exact", "does_as_it_is_told", "--nocapture"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let watch = watch(i32::try_from(process.id()).expect("an id"));
        Copy { process, output, _watch: watch }
    }

    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        while self.output.read_line(&mut line).expect("a pipe") > 0 {
            if line.trim_end() == word {
                return;
            }
            line.clear();
        }
        panic!("it ended without a word of {word}: {:?}", self.process.wait());
    }

    fn signal(&self, signal: i32) {
        let id = i32::try_from(self.process.id()).expect("an id");
        // SAFETY: a process that has not been waited for, so that the id is its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// How it ended, and when. What it says until then is read, so that it does not wait for that.
    fn end(mut self) -> (ExitStatus, Instant) {
        let _ = self.output.read_to_end(&mut Vec::new());
        let status = self.process.wait().expect("it ends");
        (status, Instant::now())
    }
}

/// Runs copies, of which the one in the middle leaves within the time: not the best, which may be luck.
fn leaves_in_time(role: &str, signal: Option<i32>, expected: impl Fn(ExitStatus) -> bool) {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let mut copy = Copy::start(role);
        copy.hear("ready");
        let began = Instant::now();
        if let Some(signal) = signal {
            copy.signal(signal);
        }
        let (status, ended) = copy.end();
        assert!(expected(status), "{role}: {status:?}");
        took.push(ended - began);
    }
    took.sort();
    assert!(took[TRIES / 2] < LEAVE, "{role}: took {took:?}");
}

/// What a copy does; nothing in the program that runs the tests.
#[test]
fn does_as_it_is_told() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.as_str() {
        "ctrl_c" => interrupted(),
        "kill" => kept_busy(|| loop {
            std::thread::park();
        }),
        "exit" => kept_busy(|| std::process::exit(7)),
        "shared" => shared_and_left(),
        "panic" => kept_busy(|| panic!("on purpose")),
        "fork" => forked(),
        "fork_shared" => forked_with_shared(),
        other => panic!("no role {other}"),
    }
}

/// Requests wait, run, stream, and are worked on; then something happens.
fn kept_busy(then: impl FnOnce()) {
    let manager = manager();
    let hanging = Request::new("hang", BODY);
    let _waiting: Vec<_> = (0..100).map(|_| manager.submit(&hanging).unwrap()).collect();
    let _stream = manager.stream(&hanging).unwrap();
    let worker = manager.worker("w", None).unwrap();
    let _job = manager.submit(&Request::new("w", "")).unwrap();
    let _held = block_on(worker.next()).expect("a job");
    say("ready");
    then();
}

/// As a program with tokio takes Ctrl-C: it drops the manager, and returns.
fn interrupted() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let manager = manager();
        let hanging = Request::new("hang", BODY);
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let pending = manager.submit(&hanging).unwrap();
            calls.spawn(async move { pending.await.unwrap_err().status() });
        }
        let signal = tokio::signal::ctrl_c();
        tokio::pin!(signal);
        std::future::poll_fn(|cx| {
            // It is listened for from the first poll on.
            assert!(std::future::Future::poll(signal.as_mut(), cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        say("ready");
        signal.await.expect("a signal");
        drop(manager);
        while let Some(status) = calls.join_next().await {
            assert_eq!(status.expect("no panic"), Status::CLOSING);
        }
    });
    std::process::exit(3);
}

/// The shared manager is never dropped.
fn shared_and_left() {
    let config = llmq::Config::from_json(
        r#"{"models": [{"name": "hang", "provider": "mock", "mock": {"fail_hang": 1}}]}"#,
    );
    let manager = Manager::shared(Some(&config.unwrap())).unwrap();
    manager.submit(&Request::new("hang", BODY)).unwrap().detach();
    say("ready");
}

/// Runs `child` in a forked child, and tells how it ended: 0 if it returned.
fn fork(child: impl FnOnce()) -> i32 {
    // SAFETY: the child runs on, with this thread alone, and ends without what runs at exit.
    unsafe {
        let id = libc::fork();
        assert!(id >= 0, "no fork");
        if id == 0 {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            libc::_exit(i32::from(result.is_err()));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(id, &mut status, 0), id);
        assert!(libc::WIFEXITED(status), "the child was killed: {status}");
        libc::WEXITSTATUS(status)
    }
}

fn forked() {
    let mut manager = Some(manager());
    let parent = manager.clone().expect("it is there");
    let mut pending = Some(parent.submit(&Request::new("hang", BODY)).unwrap());
    let mut stream = Some(parent.stream(&Request::new("hang", BODY)).unwrap());
    let mut pause = Some(parent.pause(Duration::from_secs(3600)));
    let mut worker = Some(parent.worker("w", None).unwrap());
    let mut held = Some(block_on(parent.acquire(&Request::new("w", "")).unwrap()));
    let in_child = fork(|| {
        let inherited = manager.take().expect("the manager");
        let request = Request::new("m", BODY);
        assert_eq!(inherited.submit(&request).unwrap_err().status(), Status::FORKED);
        assert_eq!(inherited.stats(None).unwrap_err().status(), Status::FORKED);
        assert_eq!(inherited.acquire(&request).unwrap_err().status(), Status::FORKED);
        let ended = inherited.shutdown(ShutdownMode::Abort, None).unwrap_err();
        assert_eq!(ended.status(), Status::FORKED);
        let waited = pending.take().expect("the request").wait();
        assert_eq!(waited.unwrap_err().status(), Status::FORKED);
        let read = stream.take().expect("the stream").blocking_finish();
        assert_eq!(read.unwrap_err().status(), Status::FORKED);
        let paused = block_on(pause.take().expect("the pause"));
        assert_eq!(paused.unwrap_err().status(), Status::FORKED);
        let next = worker.as_ref().expect("the worker").blocking_next(None);
        assert_eq!(next.unwrap_err().status(), Status::FORKED);
        drop((worker.take(), held.take()));
        drop(inherited);
        let fresh = self::manager();
        assert!(block_on(fresh.submit(&request).unwrap()).is_ok());
        assert!(fresh.call_blocking(&request, None).is_ok());
        drop(fresh);
    });
    assert_eq!(in_child, 0);
    // Nothing of it was the parent's loss.
    assert!(parent.call_blocking(&Request::new("m", BODY), None).is_ok());
    assert_eq!(parent.stats(Some("hang")).unwrap().processing, 2);
    say("fine");
}

fn forked_with_shared() {
    let config = llmq::Config::from_json(
        r#"{"models": [{"name": "m", "provider": "mock", "mock": {"latency_ms": 0}}]}"#,
    );
    let config = config.unwrap();
    let manager = Manager::shared(Some(&config)).unwrap();
    let request = Request::new("m", BODY);
    assert!(manager.call_blocking(&request, None).is_ok());
    let in_child = fork(|| {
        assert_eq!(manager.submit(&request).unwrap_err().status(), Status::FORKED);
        let fresh = Manager::shared(Some(&config)).unwrap();
        assert!(fresh.call_blocking(&request, None).is_ok());
        assert_eq!(fresh.stats(None).unwrap().completed, 1);
    });
    assert_eq!(in_child, 0);
    assert!(Manager::shared(None).unwrap().call_blocking(&request, None).is_ok());
    say("fine");
}

#[test]
fn ctrl_c_and_a_drop_end_a_process_in_time() {
    leaves_in_time("ctrl_c", Some(libc::SIGINT), |status| status.code() == Some(3));
}

#[test]
fn signals_that_nobody_handles_end_a_process_in_time() {
    use std::os::unix::process::ExitStatusExt;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        leaves_in_time("kill", Some(signal), |status| status.signal() == Some(signal));
    }
}

#[test]
fn an_exit_with_requests_under_way_is_in_time() {
    leaves_in_time("exit", None, |status| status.code() == Some(7));
    leaves_in_time("shared", None, |status| status.success());
    leaves_in_time("panic", None, |status| status.code() == Some(101));
}

#[test]
fn a_forked_child_is_told_and_makes_a_manager_of_its_own() {
    for role in ["fork", "fork_shared"] {
        let mut copy = Copy::start(role);
        copy.hear("fine");
        assert!(copy.end().0.success());
    }
}
