//! The life of a request: permit, call, and again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Limited};
use llmq::{Failure, Permit, Request, Status};

use crate::answer::{Answer, Meter, LARGEST};
use crate::attempt::{Attempt, Failed, Loss};
use crate::layer::PermitLayer;
use crate::verdict::Verdict;
use crate::BoxError;

/// The first wait before another try is at most this, each further one at most twice as long.
const BACKOFF: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// An answer, and when there may be a better one.
struct Said<B> {
    answer: Response<Answer<B>>,
    again: Option<Again>,
}

/// When a call may be made again.
enum Again {
    /// The limits know: the next permit comes no earlier.
    WithPermit,
    /// Not before that time, and not too soon.
    After(Duration),
}

impl Again {
    fn of(verdict: &Verdict) -> Option<Again> {
        match verdict.retry_after() {
            _ if !verdict.retryable => None,
            Some(_) if verdict.status() == Status::RATE_LIMITED => Some(Again::WithPermit),
            told => Some(Again::After(told.unwrap_or_default())),
        }
    }

    fn wait(self, number: u32) -> Duration {
        match self {
            Again::WithPermit => Duration::ZERO,
            Again::After(least) => least.max(backoff(number)),
        }
    }
}

impl PermitLayer {
    /// Makes the call with a permit, until there is an answer that stays.
    pub(crate) async fn run<A: Attempt>(
        &self,
        request: &Request<'_>,
        provider: &str,
        attempt: &mut A,
    ) -> Result<Response<Answer<A::Body>>, Failed<A::Error>> {
        let mut number = 0;
        loop {
            number += 1;
            let permit = self.acquire(request, provider).await.map_err(Failed::Permit)?;
            let is_last = number >= self.attempts();
            let wait = match attempt.send(other_model(&permit, request).as_deref()).await {
                Ok(answer) => {
                    let said = self.hear(answer, permit, provider).await;
                    match said.again {
                        Some(again) if !is_last => again.wait(number),
                        _ => return Ok(said.answer),
                    }
                }
                Err(error) => {
                    if !lose::<A>(permit, &error) || is_last {
                        return Err(Failed::Call(error));
                    }
                    backoff(number)
                }
            };
            if !wait.is_zero() {
                self.manager.pause(wait).await.map_err(Failed::Permit)?;
            }
        }
    }

    async fn acquire(&self, request: &Request<'_>, provider: &str) -> llmq::Result<Permit> {
        let acquire = match self.manager.acquire(request) {
            Err(error) if error.status() == Status::UNKNOWN_MODEL => {
                if !self.make(request.model(), provider)? {
                    return Err(error);
                }
                self.manager.acquire(request)?
            }
            other => other?,
        };
        acquire.await
    }

    /// Reports an answer. One that went well ends its permit at its end.
    async fn hear<B>(&self, answer: Response<B>, permit: Permit, provider: &str) -> Said<B>
    where
        B: http_body::Body<Error: Into<BoxError>>,
    {
        let (head, body) = answer.into_parts();
        report_limits(&permit, &head.headers);
        if head.status.is_success() {
            let meter = Meter::new(permit, provider, &head);
            let answer = Response::from_parts(head, Answer::live(body, meter));
            return Said { answer, again: None };
        }
        match Limited::new(body, LARGEST).collect().await {
            Ok(said) => {
                let said = said.to_bytes();
                let verdict = Verdict::of(provider, head.status, &head.headers, &said);
                verdict.end(&permit);
                let again = Again::of(&verdict);
                Said { answer: Response::from_parts(head, Answer::said(said)), again }
            }
            Err(error) => {
                let words = error.to_string();
                let _ = permit.fail(Failure::new(Status::TRANSPORT, words.as_str()));
                let answer = Response::from_parts(head, Answer::broken(words));
                Said { answer, again: Some(Again::After(Duration::ZERO)) }
            }
        }
    }
}

/// The model that a call goes to which has fallen back.
fn other_model(permit: &Permit, request: &Request<'_>) -> Option<String> {
    let model = permit.model();
    (!model.is_empty() && model != request.model()).then_some(model)
}

/// A permit that was lost teaches no more; the answer is there all the same.
fn report_limits(permit: &Permit, headers: &HeaderMap) {
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let _ = permit.report_limits(headers);
}

/// Reports a call without an answer. False: it cannot be made at all.
fn lose<A: Attempt>(permit: Permit, error: &A::Error) -> bool {
    let status = match A::loss(error) {
        #[cfg(feature = "reqwest")]
        Loss::Unmade => {
            let _ = permit.release(Some(llmq::Usage::default()));
            return false;
        }
        Loss::Timeout => Status::TIMEOUT,
        Loss::Transport => Status::TRANSPORT,
    };
    let _ = permit.fail(Failure::new(status, error.to_string()));
    true
}

/// Half to all of 0.5 s, 1 s, 2 s and so on, up to 30 s.
fn backoff(number: u32) -> Duration {
    let most = BACKOFF.saturating_mul(1 << number.saturating_sub(1).min(10)).min(BACKOFF_MAX);
    let chance = RandomState::new().build_hasher().finish(); // its keys are random
    most / 2 + (most / 2).mul_f64(chance as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_half_a_minute() {
        for (number, most) in [(1, 500), (2, 1000), (4, 4000), (7, 30_000), (u32::MAX, 30_000)] {
            let most = Duration::from_millis(most);
            let waits: Vec<_> = (0..100).map(|_| backoff(number)).collect();
            assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)), "{waits:?}");
            assert!(waits.iter().any(|wait| wait != &waits[0]));
        }
    }
}
