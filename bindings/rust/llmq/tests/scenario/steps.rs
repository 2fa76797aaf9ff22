//! Runs a case.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use llmq::{
    Config, Failure, HookEvent, HookKinds, Manager, Operation, Permit, Priority, Request,
    RequestId, Response, ShutdownMode,
};
use serde_json::{json, Value};
use tokio::runtime::{Builder, Runtime};

use super::case::{Ask, Case, Expect, Step, Wait, Workers};
use super::check;
use super::script::{self, Board, State, PATIENCE};
use super::status_of;

type Done = Result<(), String>;
type Flag = fn(Request<'static>) -> Request<'static>;

struct Runner {
    manager: Manager,
    board: Arc<Board>,
    runtime: Runtime,
    ids: HashMap<String, RequestId>,
    asked: HashMap<String, String>,
    accepted: usize,
    results: Arc<Mutex<HashMap<String, Response>>>,
    permits: Arc<Mutex<HashMap<String, Permit>>>,
    workers: Option<Workers>,
    is_shut: bool,
}

pub(crate) fn run(case: Case) -> Done {
    let start = Instant::now();
    let manager = Manager::from_value(&case.config).map_err(|error| error.to_string())?;
    let board = Arc::<Board>::default();
    board.change(|state| state.models.clone_from(&case.processors));
    let mut runner = Runner {
        manager,
        board,
        runtime: Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .map_err(|e| e.to_string())?,
        ids: HashMap::new(),
        asked: HashMap::new(),
        accepted: 0,
        results: Arc::default(),
        permits: Arc::default(),
        workers: case.workers,
        is_shut: false,
    };
    runner.serve(&case.config)?;
    runner.note_ends()?;
    for (index, step) in case.steps.into_iter().enumerate() {
        runner.step(step).map_err(|why| format!("step {index}: {why}"))?;
    }
    let ends = runner.accepted;
    runner
        .board
        .wait("the end of all requests", |state| state.done.len() + state.permits.len() >= ends)?;
    if !runner.is_shut {
        runner.manager.info_json(None).map_err(|error| error.to_string())?;
    }
    runner.compare(&case.expect, start)
}

/// Whether a call ended as the step says.
fn judge<T>(result: llmq::Result<T>, error: Option<&String>) -> Result<Option<T>, String> {
    match (result, error) {
        (Ok(value), None) => Ok(Some(value)),
        (Ok(_), Some(error)) => Err(format!("it went well, and {error} was expected")),
        (Err(got), None) => Err(format!("it failed: {got}")),
        (Err(got), Some(error)) => {
            check::same("error", &got.status().name(), &error.as_str()).map(|()| None)
        }
    }
}

fn mode(name: &str) -> Result<ShutdownMode, String> {
    match name {
        "drain" => Ok(ShutdownMode::Drain),
        "cancel" => Ok(ShutdownMode::Cancel),
        "abort" => Ok(ShutdownMode::Abort),
        other => Err(format!("there is no mode {other}")),
    }
}

fn tokens(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(0) // -1 is none, which is 0 here
}

fn payload(ask: &Ask) -> Vec<u8> {
    match (&ask.payload, ask.payload_bytes) {
        (Some(Value::String(text)), _) => text.clone().into_bytes(),
        (Some(other), _) => other.to_string().into_bytes(),
        (None, Some(bytes)) => vec![b'x'; bytes],
        (None, None) if ask.operation.as_deref() == Some("chat") => {
            let model = ask.model.as_deref().unwrap_or("m");
            let messages = json!([{"role": "user", "content": ask.name}]);
            json!({"model": model, "messages": messages}).to_string().into_bytes()
        }
        (None, None) => ask.name.clone().into_bytes(),
    }
}

fn request(ask: &Ask) -> Result<Request<'static>, String> {
    let model = ask.model.clone().unwrap_or_else(|| "m".to_owned());
    let mut request = Request::new(model, payload(ask))
        .request_key(ask.name.clone())
        .tenant(ask.tenant.clone())
        .dedup_key(ask.dedup_key.clone())
        .metadata(ask.metadata.clone())
        .max_attempts(ask.max_attempts)
        .operation(match ask.operation.as_deref() {
            None | Some("custom") => Operation::Custom,
            Some("chat") => Operation::Chat,
            Some("embeddings") => Operation::Embeddings,
            Some(other) => return Err(format!("there is no operation {other}")),
        })
        .priority(match ask.priority.as_deref() {
            Some("urgent") => Priority::Urgent,
            Some("high") => Priority::High,
            None | Some("normal") => Priority::Normal,
            Some("batch") => Priority::Batch,
            Some(other) => return Err(format!("there is no priority {other}")),
        });
    if let Some(ms) = ask.deadline_ms {
        request = request.deadline_in(Duration::from_millis(ms));
    }
    request = match ask.timeout_ms {
        Some(ms) if ms > 0 => request.timeout(Duration::from_millis(ms.unsigned_abs())),
        Some(ms) if ms < 0 => request.no_timeout(),
        _ => request,
    };
    if let Some(count) = ask.est_input_tokens.filter(|&count| count != 0) {
        request = request.est_input_tokens(tokens(count));
    }
    if let Some(count) = ask.est_output_tokens.filter(|&count| count != 0) {
        request = request.est_output_tokens(tokens(count));
    }
    let flags: [(bool, Flag); 3] = [
        (ask.restart, Request::restart),
        (ask.keep, Request::keep),
        (ask.late_usage, Request::late_usage),
    ];
    Ok(flags.into_iter().filter(|(is_set, _)| *is_set).fold(request, |made, (_, set)| set(made)))
}

impl Runner {
    /// The order of the ends: that in which tasks hear of them is the executor's.
    fn note_ends(&self) -> Done {
        let board = self.board.clone();
        let note = move |event: &HookEvent<'_>| {
            board.change(|state| state.ends.push(event.request_id()));
        };
        self.manager.set_hook(HookKinds::COMPLETED, note).map_err(|error| error.to_string())
    }

    /// Those that have been heard of, in the order in which they ended.
    fn in_order(&self, state: &State) -> Vec<String> {
        let place = |name: &String| state.ends.iter().position(|id| *id == self.ids[name]);
        let mut names = state.done.clone();
        names.sort_by_key(place);
        names
    }

    fn serve(&self, config: &Value) -> Done {
        let models: Vec<String> = config["models"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|model| model["name"].as_str().map(str::to_owned))
            .collect();
        script::serve(&self.manager, &self.board, &models, self.workers.as_ref())
    }

    fn step(&mut self, step: Step) -> Done {
        match step {
            Step::Submit(ask) => self.submit(&ask),
            Step::Acquire(ask) => self.acquire(&ask),
            Step::SubmitMany { name, count, operation } => {
                let ask = |index| Ask {
                    name: format!("{name}{index}"),
                    operation: operation.clone(),
                    ..Ask::default()
                };
                let asks: Vec<Ask> = (0..count).map(ask).collect();
                self.submit_batch(&asks, count, None)
            }
            Step::SubmitBatch { requests, accepted, error } => {
                let accepted = accepted.unwrap_or(requests.len());
                self.submit_batch(&requests, accepted, error.as_ref())
            }
            Step::Wait(wait) => self.wait(&wait),
            Step::Cancel { name, error } => {
                let was_there = judge(self.manager.cancel(self.id(&name)?), None)?;
                let stale = error.as_deref() == Some("LLMQ_ERR_STALE");
                check::same("cancelled", &was_there, &Some(!stale))
            }
            Step::Finish { name, with } => self.board.finish(&name, with),
            Step::Release { name, usage, fail, retry_after_ms, error } => {
                let permits = self.permits.lock().unwrap();
                let permit = permits.get(&name).ok_or_else(|| format!("no permit of {name}"))?;
                let result = match fail {
                    Some(status) => permit.fail(
                        Failure::new(status_of(&status), "")
                            .retry_after(Duration::from_millis(retry_after_ms)),
                    ),
                    None => permit.release(usage.map(script::usage)),
                };
                judge(result, error.as_ref()).map(drop)
            }
            Step::UsageUpdate { name, usage, error } => {
                let told = self.manager.update_usage(self.id(&name)?, script::usage(usage));
                judge(told, error.as_ref()).map(drop)
            }
            Step::ResponseGet { name, is, error } => {
                // In Rust one that has not ended is None.
                let again = || llmq::Error::new(llmq::Status::AGAIN, "not ended");
                let kept = self.manager.kept(self.id(&name)?);
                let kept = judge(kept.and_then(|kept| kept.ok_or_else(again)), error.as_ref())?;
                match (kept, is) {
                    (Some(kept), Some(is)) => check::response(&name, &kept, &[], &is),
                    _ => Ok(()),
                }
            }
            other => self.manage(other),
        }
    }

    /// Steps that concern the manager as a whole.
    fn manage(&mut self, step: Step) -> Done {
        match step {
            Step::Set { key, value, error } => {
                judge(self.manager.set(&key, &value), error.as_ref()).map(drop)
            }
            Step::AddModels { config, error } => {
                let models = Config::from_value(&config);
                let added = models.and_then(|models| self.manager.register_models(&models, false));
                match judge(added, error.as_ref())? {
                    Some(()) => self.serve(&config),
                    None => Ok(()),
                }
            }
            Step::RemoveModel { model, mode: name, error } => {
                judge(self.manager.remove_model(&model, mode(&name)?), error.as_ref()).map(drop)
            }
            Step::Shutdown { mode: name, deadline_ms } => {
                self.is_shut = true;
                let within = deadline_ms.map(Duration::from_millis);
                judge(self.manager.shutdown(mode(&name)?, within), None).map(drop)
            }
            _ => Err("nobody does this step".to_owned()),
        }
    }

    fn id(&self, name: &str) -> Result<RequestId, String> {
        self.ids.get(name).copied().ok_or_else(|| format!("there was no request {name}"))
    }

    /// What the end of a request is to be compared with, and its script.
    fn expect_end(&mut self, ask: &Ask) {
        self.asked.insert(ask.name.clone(), ask.metadata.clone());
        if !ask.dedup_key.is_empty() {
            self.board.change(|state| state.asked.push((ask.name.clone(), payload(ask))));
        }
        if let Some(script) = &ask.attempts {
            self.board.change(|state| state.scripts.insert(ask.name.clone(), script.clone()));
        }
    }

    fn accept(&mut self, name: &str, id: RequestId) {
        self.ids.insert(name.to_owned(), id);
        self.accepted += 1;
    }

    fn submit(&mut self, ask: &Ask) -> Done {
        self.expect_end(ask);
        let request = request(ask)?;
        let name = ask.name.clone();
        let (board, results) = (Arc::clone(&self.board), Arc::clone(&self.results));
        if !ask.stream {
            if let Some(pending) = judge(self.manager.submit(&request), ask.error.as_ref())? {
                self.accept(&ask.name, pending.id());
                self.runtime.spawn(async move { end(&name, pending.await, &board, &results) });
            }
            return Ok(());
        }
        if let Some(mut stream) = judge(self.manager.stream(&request), ask.error.as_ref())? {
            self.accept(&ask.name, stream.id());
            self.runtime.spawn(async move {
                while let Some(piece) = stream.next().await {
                    match piece {
                        Ok(chunk) => board.change(|state| {
                            let text = String::from_utf8_lossy(chunk.data()).into_owned();
                            state.chunks.entry(name.clone()).or_default().push(text);
                        }),
                        Err(error) => return end(&name, Err(error), &board, &results),
                    }
                }
                end(&name, stream.finish().await, &board, &results);
            });
        }
        Ok(())
    }

    fn submit_batch(&mut self, asks: &[Ask], accepted: usize, error: Option<&String>) -> Done {
        asks.iter().for_each(|ask| self.expect_end(ask));
        let requests = asks.iter().map(request).collect::<Result<Vec<_>, _>>()?;
        let (pending, refused) = match self.manager.submit_batch(&requests) {
            Ok(pending) => (pending, None),
            Err(batch) => (batch.accepted, Some(batch.error)),
        };
        check::same("accepted", &pending.len(), &accepted)?;
        judge(refused.map_or(Ok(()), Err), error)?;
        for (ask, pending) in asks.iter().zip(pending) {
            self.accept(&ask.name, pending.id());
            let name = ask.name.clone();
            let (board, results) = (Arc::clone(&self.board), Arc::clone(&self.results));
            self.runtime.spawn(async move { end(&name, pending.await, &board, &results) });
        }
        Ok(())
    }

    fn acquire(&mut self, ask: &Ask) -> Done {
        self.expect_end(ask);
        let request = request(ask)?;
        let Some(acquire) = judge(self.manager.acquire(&request), ask.error.as_ref())? else {
            return Ok(());
        };
        self.accept(&ask.name, acquire.id());
        let name = ask.name.clone();
        let (board, results) = (Arc::clone(&self.board), Arc::clone(&self.results));
        let permits = Arc::clone(&self.permits);
        self.runtime.spawn(async move {
            match acquire.await {
                Ok(permit) => {
                    permits.lock().unwrap().insert(name.clone(), permit);
                    board.change(|state| state.permits.push(name));
                }
                Err(error) => end(&name, Err(error), &board, &results),
            }
        });
        Ok(())
    }

    fn wait(&self, wait: &Wait) -> Done {
        let name = &wait.name;
        let has = |list: &[String]| list.contains(name);
        let what = format!("{} of {name}", wait.what);
        match wait.what.as_str() {
            "done" => self.board.wait(&what, |state| has(&state.done)),
            "permit" => self.board.wait(&what, |state| has(&state.permits)),
            "stopped" => self.board.wait(&what, |state| has(&state.stopped)),
            "started" => self.board.wait(&what, |state| {
                let attempt = state.attempts.get(name).copied();
                attempt.is_some_and(|number| wait.attempt.is_none_or(|least| number >= least))
            }),
            "chunks" => self.board.wait(&what, |state| {
                state.chunks.get(name).map_or(0, Vec::len) >= wait.count.unwrap_or(1)
            }),
            "stats" => {
                let until = Instant::now() + PATIENCE;
                loop {
                    match check::stats(&self.manager, wait.model.as_deref(), &wait.is) {
                        Err(why) if Instant::now() > until => return Err(why),
                        Err(_) => std::thread::yield_now(),
                        Ok(()) => return Ok(()),
                    }
                }
            }
            other => Err(format!("nobody knows how to wait for {other}")),
        }
    }

    fn compare(self, expect: &Expect, start: Instant) -> Done {
        let took = start.elapsed();
        let least = Duration::from_millis(expect.at_least_ms);
        check::same("it took long enough", &(took >= least), &true)?;
        for (model, counters) in &expect.stats {
            check::stats(&self.manager, Some(model), counters)?;
        }
        let state = self.board.lock();
        let results = self.results.lock().unwrap();
        if let Some(started) = &expect.started {
            check::same("started", &state.started, started)?;
        }
        if let Some(permits) = &expect.permits {
            check::same("permits", &state.permits, permits)?;
        }
        if let Some(done) = &expect.done {
            check::same("done", &self.in_order(&state), done)?;
        }
        if let Some(totals) = &expect.totals {
            let mut found = BTreeMap::<String, usize>::new();
            for response in results.values() {
                *found.entry(response.status().name().to_owned()).or_default() += 1;
            }
            check::same("totals", &found, totals)?;
        }
        check::same("ends", &(state.done.len() + state.permits.len()), &self.accepted)?;
        for (name, response) in results.iter() {
            check::same("request_key", &response.request_key(), &name.as_str())?;
            check::same("metadata", &response.metadata(), &self.asked[name].as_bytes())?;
        }
        expect.requests.iter().try_for_each(|(name, expected)| {
            let got = results.get(name).ok_or_else(|| format!("{name} has no end"))?;
            let chunks = state.chunks.get(name).map_or(&[][..], Vec::as_slice);
            check::response(name, got, chunks, expected)
        })
    }
}

/// Notes the end of a request.
fn end(
    name: &str,
    result: llmq::Result<Response>,
    board: &Board,
    results: &Mutex<HashMap<String, Response>>,
) {
    let response = result.or_else(|error| error.into_response().ok_or(()));
    let response = response.expect("an accepted request has an outcome");
    let before = results.lock().unwrap().insert(name.to_owned(), response);
    assert!(before.is_none(), "{name} has ended twice");
    board.change(|state| state.done.push(name.to_owned()));
}
