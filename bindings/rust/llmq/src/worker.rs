//! Workers: attempts that a program takes when it is ready for them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::stream::Stream;
use llmq_sys as sys;

use crate::cancels::{Cancelled, Cancels};
use crate::error::Result;
use crate::ffi;
use crate::handle::Handle;
use crate::job::{self, Answer, Failure, Job};
use crate::manager::Manager;
use crate::slot;

/// Where the poller finds the worker of an attempt.
pub(crate) struct Routes {
    handle: Arc<Handle>,
    cancels: Arc<Cancels>,
    queues: Mutex<HashMap<String, Arc<Queue>>>,
}

/// Jobs that no one has taken.
#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    wakers: Vec<Waker>,
    is_closed: bool,
}

impl Routes {
    pub(crate) fn new(handle: Arc<Handle>, cancels: Arc<Cancels>) -> Routes {
        Routes { handle, cancels, queues: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a READY. Of a model whose worker is gone it is abandoned.
    pub(crate) fn ready(&self, event: &mut sys::llmq_event_t) {
        let (handle, cancels) = (Arc::clone(&self.handle), Arc::clone(&self.cancels));
        // SAFETY: a READY of this manager, which the batch does not release any more.
        let job = unsafe { Job::new(*event, handle, cancels) };
        event.handle = ptr::null_mut();
        let queue = self.lock().get(job.model()).cloned();
        if let Some(queue) = queue {
            queue.change(|state| state.jobs.push_back(job));
        }
    }

    pub(crate) fn cancel(&self, event: &sys::llmq_event_t) {
        self.cancels.request(event.attempt_id);
    }

    /// No job will come any more.
    pub(crate) fn close(&self) {
        let queues: Vec<_> = self.lock().drain().map(|(_, queue)| queue).collect();
        queues.iter().for_each(|queue| queue.change(|state| state.is_closed = true));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let wakers = {
            let mut state = self.lock();
            change(&mut state);
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<Job>> {
        let mut state = self.lock();
        if let Some(job) = state.jobs.pop_front() {
            return Poll::Ready(Some(job));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        if !state.wakers.iter().any(|known| known.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// What takes the attempts of a model without a built-in provider: a [`Stream`] of [`Job`]s. It ends when the
/// manager has been shut down, or another worker or processor has taken its place and what it had is taken.
///
/// What it has got counts as running: bound it with `max_in_flight` or a limit of concurrency. Several threads
/// may take jobs of one worker. When it is dropped the jobs that nobody has taken are abandoned, and so are those
/// that come later.
pub struct Worker {
    model: String,
    queue: Arc<Queue>,
    routes: Arc<Routes>,
}

/// A task that a worker hands to an executor.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Manager {
    /// Makes this program the worker of a model, in place of the worker or processor before. Requests submitted
    /// before wait for it.
    ///
    /// With a lease an attempt of which nothing is heard for that long, no report, no chunk and no
    /// [`Job::heartbeat`], is lost: it counts as failed, and the request is tried again. A worker lives and dies
    /// with its process, so most need none.
    ///
    /// # Errors
    /// [`Status::UNKNOWN_MODEL`](crate::Status::UNKNOWN_MODEL), [`Status::UNSUPPORTED`](crate::Status::UNSUPPORTED)
    /// (it has a built-in provider), [`Status::CLOSING`](crate::Status::CLOSING),
    /// [`Status::CLOSED`](crate::Status::CLOSED).
    pub fn worker(&self, model: &str, lease: Option<Duration>) -> Result<Worker> {
        let lease_ns = lease.map_or(-1, |time| ffi::nanos(time).max(1));
        let queue = Arc::<Queue>::default();
        let before = self.routes().lock().insert(model.to_owned(), Arc::clone(&queue));
        // SAFETY: a live manager, a name of that length, the manager's own queue.
        let code = unsafe {
            sys::llmq_model_set_workers(
                self.raw(),
                model.as_ptr().cast(),
                model.len(),
                self.cq(),
                lease_ns,
            )
        };
        if let Err(error) = ffi::check(code) {
            let mut routes = self.routes().lock();
            match before {
                Some(before) => routes.insert(model.to_owned(), before),
                None => routes.remove(model),
            };
            return Err(error);
        }
        if let Some(before) = before {
            before.change(|state| state.is_closed = true);
        }
        Ok(Worker { model: model.to_owned(), queue, routes: Arc::clone(self.routes()) })
    }
}

impl Worker {
    /// The next job; none when there will be no more.
    pub async fn next(&self) -> Option<Job> {
        poll_fn(|cx| self.queue.poll(cx)).await
    }

    /// The next job, waited for on this thread; none when there will be no more.
    ///
    /// # Errors
    /// [`Status::TIMEOUT`](crate::Status::TIMEOUT); [`Status::WRONG_THREAD`](crate::Status::WRONG_THREAD) in a
    /// callback, [`Status::FORKED`](crate::Status::FORKED) in a child.
    pub fn blocking_next(&self, timeout: Option<Duration>) -> Result<Option<Job>> {
        slot::block_on(&self.routes.handle, timeout, |cx| self.queue.poll(cx))
    }

    /// Runs a function for each job, on so many threads, until there are no more. What the function returns ends the
    /// attempt; a panic fails it with [`Status::PROCESSING`](crate::Status::PROCESSING).
    pub fn run_blocking(
        self,
        threads: usize,
        handler: impl Fn(&Job) -> std::result::Result<Answer, Failure> + Sync,
    ) {
        std::thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while let Ok(Some(job)) = self.blocking_next(None) {
                        let result = job::catch(|| handler(&job)).and_then(|result| result);
                        job.finish(result);
                    }
                });
            }
        });
    }

    /// Runs an asynchronous function for each job, in a task that `spawn` is given, until there are no more: with
    /// tokio `worker.run(|task| drop(tokio::spawn(task)), handler)`.
    ///
    /// What the function returns ends the attempt, as soon as nobody else holds the job; a panic fails it with
    /// [`Status::PROCESSING`](crate::Status::PROCESSING). When the library wants an attempt to stop, its future is
    /// dropped.
    pub async fn run<H, F>(self, spawn: impl Fn(BoxFuture), handler: H)
    where
        H: Fn(Arc<Job>) -> F,
        F: Future<Output = std::result::Result<Answer, Failure>> + Send + 'static,
    {
        while let Some(job) = self.next().await {
            let job = Arc::new(job);
            match job::catch(|| handler(Arc::clone(&job))) {
                Ok(future) => spawn(Box::pin(Task::new(job, future))),
                Err(failure) => job.settle(Err(failure)),
            }
        }
    }
}

impl Stream for Worker {
    type Item = Job;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Job>> {
        self.queue.poll(cx)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut queues = self.routes.lock();
        if queues.get(&self.model).is_some_and(|queue| Arc::ptr_eq(queue, &self.queue)) {
            queues.remove(&self.model);
        }
        drop(queues);
        let left = std::mem::take(&mut self.queue.lock().jobs);
        drop(left);
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("model", &self.model).finish_non_exhaustive()
    }
}

/// A handler's future, with what makes a panic, a cancel and a result the end of the attempt.
struct Task<F> {
    job: Arc<Job>,
    cancelled: Cancelled,
    future: Option<Pin<Box<F>>>,
}

impl<F> Task<F> {
    fn new(job: Arc<Job>, future: F) -> Task<F> {
        Task { cancelled: job.cancelled(), job, future: Some(Box::pin(future)) }
    }
}

impl<F> Future for Task<F>
where
    F: Future<Output = std::result::Result<Answer, Failure>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut future) = self.future.take() else { return Poll::Ready(()) };
        if Pin::new(&mut self.cancelled).poll(cx).is_ready() {
            return Poll::Ready(()); // with the future, which is dropped here
        }
        match job::catch(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => {
                self.future = Some(future);
                return Poll::Pending;
            }
            Ok(Poll::Ready(result)) => self.job.settle(result),
            Err(failure) => self.job.settle(Err(failure)),
        }
        Poll::Ready(())
    }
}
