//! Processors that do what the case says.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use llmq::{Answer, Failure, Job, Manager, RequestId, Usage};

use super::case::{Outcome, Tokens, Workers};
use super::status_of;

/// Longest that any wait may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What has happened, and what is held. Everybody who changes it tells who waits.
#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) scripts: HashMap<String, Vec<Outcome>>,
    pub(crate) models: BTreeMap<String, Vec<Outcome>>,
    pub(crate) asked: Vec<(String, Vec<u8>)>,
    pub(crate) started: Vec<String>,
    pub(crate) permits: Vec<String>,
    pub(crate) attempts: HashMap<String, u32>,
    pub(crate) stopped: Vec<String>,
    pub(crate) done: Vec<String>,
    pub(crate) ends: Vec<RequestId>,
    pub(crate) chunks: HashMap<String, Vec<String>>,
    held: HashMap<String, Job>,
    silent: Vec<Job>,
}

impl Board {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        let mut state = self.lock();
        while !is_so(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("{what} has not come"));
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
        Ok(())
    }

    /// Lets a held attempt go on.
    pub(crate) fn finish(self: &Arc<Board>, name: &str, with: Outcome) -> Result<(), String> {
        // An attempt is noted as started before it is held.
        self.wait(&format!("a held attempt of {name}"), |state| state.held.contains_key(name))?;
        let job = self.lock().held.remove(name);
        let job = job.ok_or_else(|| format!("no attempt of {name} is held"))?;
        self.run(job, with, name);
        Ok(())
    }

    fn take(self: &Arc<Board>, job: Job) {
        let name = self.name_of(&job);
        let outcome = self.change(|state| {
            state.started.push(name.clone());
            state.attempts.insert(name.clone(), job.attempt());
            let script = state.scripts.get(&name).or_else(|| state.models.get(job.model()));
            let script = script.expect("a script");
            let index = (job.attempt() as usize - 1).min(script.len() - 1);
            script[index].clone()
        });
        self.run(job, outcome, &name);
    }

    /// The request of an attempt. A call that several share has no key of its own: it is of the first that asks.
    fn name_of(&self, job: &Job) -> String {
        if !job.request_key().is_empty() {
            return job.request_key().to_owned();
        }
        let state = self.lock();
        let mut asked = state.asked.iter();
        let first =
            asked.find(|(name, asked)| asked == job.payload() && !state.done.contains(name));
        first.expect("somebody has asked").0.clone()
    }

    fn run(self: &Arc<Board>, job: Job, outcome: Outcome, name: &str) {
        for piece in &outcome.chunks {
            job.chunk(piece.as_bytes()).expect("the piece is taken");
        }
        if outcome.vanish {
            self.hear_of_stop(&job, name);
            return self.change(|state| state.silent.push(job));
        }
        if outcome.hold {
            self.hear_of_stop(&job, name);
            self.change(|state| state.held.insert(name.to_owned(), job));
            if self.lock().stopped.iter().any(|stopped| stopped == name) {
                drop(self.change(|state| state.held.remove(name)));
            }
            return;
        }
        if let Some(words) = outcome.throw {
            panic!("{words}");
        }
        if let Some(status) = outcome.fail {
            let failure = Failure::new(status_of(&status), outcome.message);
            return job.fail(failure.retry_after(Duration::from_millis(outcome.retry_after_ms)));
        }
        let text = match (outcome.succeed, outcome.echo.as_deref()) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(what)) => echo(&job, what),
            _ => panic!("an outcome that says nothing"),
        };
        let answer = Answer::new(text);
        job.succeed(match outcome.usage {
            Some(tokens) => answer.usage(usage(tokens)),
            None => answer,
        });
    }

    fn hear_of_stop(self: &Arc<Board>, job: &Job, name: &str) {
        let stopped = Stopped { board: Arc::clone(self), name: name.to_owned() };
        let waker = Waker::from(Arc::new(stopped));
        if pin!(job.cancelled()).poll(&mut Context::from_waker(&waker)).is_ready() {
            waker.wake();
        }
    }

    /// Keeps what is held alive.
    fn heartbeat(&self) {
        self.lock().held.values().for_each(|job| drop(job.heartbeat()));
    }
}

/// Notes that a held attempt was told to stop, and lets go of it.
struct Stopped {
    board: Arc<Board>,
    name: String,
}

impl Wake for Stopped {
    fn wake(self: Arc<Self>) {
        let held = self.board.change(|state| {
            state.stopped.push(self.name.clone());
            state.held.remove(&self.name)
        });
        drop(held);
    }
}

fn echo(job: &Job, what: &str) -> Vec<u8> {
    match what {
        "model" => job.model().into(),
        "tenant" => job.tenant().into(),
        "request_key" => job.request_key().into(),
        "metadata" => job.metadata().into(),
        "payload" => job.payload().into(),
        "payload_bytes" => job.payload().len().to_string().into(),
        other => panic!("nobody knows what to echo as {other}"),
    }
}

pub(crate) fn usage(tokens: Tokens) -> Usage {
    Usage {
        input_tokens: tokens.input_tokens,
        output_tokens: tokens.output_tokens,
        cached_input_tokens: tokens.cached_input_tokens,
        cost_micros: tokens.cost_micros,
        reasoning_tokens: tokens.reasoning_tokens,
    }
}

/// Runs the models that have a script and are registered: as a function, or as workers.
pub(crate) fn serve(
    manager: &Manager,
    board: &Arc<Board>,
    models: &[String],
    workers: Option<&Workers>,
) -> Result<(), String> {
    for model in models {
        if !board.lock().models.contains_key(model) {
            continue;
        }
        let board = Arc::clone(board);
        let Some(workers) = workers else {
            let served = manager.set_processor(model, move |job| board.take(job));
            served.map_err(|error| error.to_string())?;
            continue;
        };
        let lease = (workers.lease_ms > 0).then(|| Duration::from_millis(workers.lease_ms));
        let worker = manager.worker(model, lease).map_err(|error| error.to_string())?;
        // A third of the lease is when a worker in earnest would be heard of.
        let beat = lease.map_or(PATIENCE, |lease| lease / 3);
        std::thread::spawn(move || loop {
            match worker.blocking_next(Some(beat)) {
                Ok(Some(job)) => board.take(job),
                Ok(None) => return,
                Err(_the_time_is_over) => {}
            }
            board.heartbeat();
        });
    }
    Ok(())
}
