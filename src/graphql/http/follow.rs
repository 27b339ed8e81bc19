//! An operation that is answered again and again, whatever carries the answers.
//!
//! Nothing is worked out before the answer before was taken: whoever is slow gets fewer answers, and nothing piles up
//! for them. Who asks is checked anew before each answer, and every few seconds in between.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_graphql::{Response as Answer, ServerError, Value, parser::types::OperationType};
use axum::http::request::Parts;
use futures::{Stream, StreamExt, stream};
use metrics::gauge;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Asked, Edge, sender::Sender};
use crate::{
    entity::event_head,
    error::{Error, Result},
    graphql::{charge::Charge, loader::Loaders, report, subscription::Tick},
    live::Followed,
};

/// The least time between the beginnings of two answers; whatever takes long is followed by a rest half as long.
const PAUSE: Duration = Duration::from_millis(500);
/// How long after an answer the question is asked again though nothing has come.
const UNPROMPTED: Duration = Duration::from_secs(10);
/// How often it is checked whether whoever asks still may.
const RECHECK: Duration = Duration::from_secs(2);
/// How long to wait after an answer failed by no fault of the client's.
const REST: Duration = Duration::from_secs(5);

/// Operations that one user, app (by its keys) or address may have answered at a time, over all its connections.
const PER_SENDER: usize = 40;
/// And all of them together.
const PER_PROCESS: usize = 2_000;

/// What is being answered, by who pays for it.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<String, usize>>>);

/// Room for one operation, given back when dropped.
struct Place {
    places: Places,
    payer: String,
}

impl Places {
    fn take(&self, payer: String) -> Result<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&payer).copied().unwrap_or_default();
        if own >= PER_SENDER || taken.values().sum::<usize>() >= PER_PROCESS {
            return Err(Error::RateLimited { retry_after: Duration::from_secs(10) });
        }
        taken.insert(payer.clone(), own + 1);
        gauge!("uea_subscriptions").increment(1);
        Ok(Place { places: self.clone(), payer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        gauge!("uea_subscriptions").decrement(1);
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.payer) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.payer);
            }
        }
    }
}

/// An operation that goes on being answered.
pub(super) struct Following {
    edge: Edge,
    /// The request that carries whoever asks.
    parts: Arc<Parts>,
    asked: Arc<Asked>,
    /// Once the first answer has said what is followed.
    followed: Option<Followed>,
    is_begun: bool,
    /// The commit that was shown last.
    since: Option<i64>,
    /// Of the data that was sent last.
    digest: Option<[u8; 32]>,
    answered_at: Instant,
    not_before: Instant,
    _place: Place,
}

impl Following {
    /// Prepares to answer `asked` by whoever sends `parts`; `RateLimited` when they follow too much already, and
    /// `Forbidden` where they have but a link: whoever has one is not one, but as many as were told of it.
    pub(super) fn begin(edge: Edge, sender: &Sender, parts: Arc<Parts>, asked: Asked) -> Result<Self> {
        if sender.link().is_some() {
            return Err(Error::Forbidden("What a link shows is asked again by whoever wants it anew."));
        }
        let now = Instant::now();
        Ok(Self {
            _place: edge.places.take(sender.payer())?,
            edge,
            parts,
            asked: Arc::new(asked),
            followed: None,
            is_begun: false,
            since: None,
            digest: None,
            answered_at: now,
            not_before: now,
        })
    }

    /// The answers, as many as there are; an error is the last of them.
    pub(super) fn answers(self) -> impl Stream<Item = Result<Answer>> + Send + 'static {
        stream::unfold(Some(self), async |following| {
            let mut following = following?;
            match following.next().await {
                Ok(Some(answer)) => Some((Ok(answer), Some(following))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Option<Answer>> {
        if !self.is_begun {
            self.is_begun = true;
            let answer = self.run(None).await?;
            self.digest = Some(digest(&answer));
            if answer.data == Value::Null {
                self.followed = None;
            }
            return Ok(Some(answer));
        }
        loop {
            let Some(followed) = &mut self.followed else { return Ok(None) };
            sleep_until(self.not_before).await;
            let unprompted = self.answered_at + UNPROMPTED;
            tokio::select! {
                moved = followed.beyond(self.since.unwrap_or_default()) => moved?,
                () = sleep_until(unprompted) => {}
                () = sleep(RECHECK) => match Sender::of(&self.edge.app, &self.parts).await {
                    Err(error) if !is_ours(&error) => return Err(error),
                    _ => continue,
                },
            }
            let head = followed.head();
            match self.run(Some(head)).await {
                Ok(answer) if answer.errors.iter().any(may_pass) => self.not_before = Instant::now() + REST,
                Ok(answer) if answer.data == Value::Null => {
                    self.followed = None;
                    return Ok(Some(answer));
                }
                Ok(answer) => {
                    let digest = digest(&answer);
                    if self.digest.replace(digest) != Some(digest) {
                        return Ok(Some(answer));
                    }
                }
                Err(error) if is_ours(&error) => {
                    self.not_before = Instant::now() + error.retry_after().unwrap_or(REST).max(REST);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One answer, as of `head` where there is one.
    async fn run(&mut self, head: Option<event_head::Model>) -> Result<Answer> {
        let (app, began) = (&self.edge.app, Instant::now());
        let sender = Sender::of(app, &self.parts).await?;
        // Counted apart, so that what runs by itself keeps nobody from asking.
        let (asker, charge) = (sender.asker(), Charge::to(format!("live:{}", sender.payer())));
        let loaders = Loaders::of_request(app.clone(), asker, self.asked.asks_one, head);
        let tick = Arc::new(Tick { since: self.since, ..Tick::default() });
        let operation = self.asked.to_operation();
        let operation = operation.data(asker).data(sender.client).data(loaders).data(charge.clone()).data(tick.clone());
        let mut answers = self.edge.schema.execute_stream(operation);
        let answer = timeout(app.config.limits.query_timeout, answers.next()).await.map_err(|_| Error::Timeout)?;
        let mut answer = answer.ok_or_else(|| Error::internal("a subscription without an answer"))?;
        if let Some((_, refusal)) = charge.refusal() {
            return Err(refusal);
        }
        answer.errors.iter_mut().for_each(report::classify);
        self.answered_at = Instant::now();
        self.not_before = (began + PAUSE).max(self.answered_at + began.elapsed() / 2);
        if let Some((scope, seq)) = tick.shown.get() {
            self.since = Some(*seq);
            if self.followed.is_none() && self.asked.kind == Some(OperationType::Subscription) {
                self.followed = Some(app.live.follow(scope.app_id()).await?);
            }
        }
        Ok(answer)
    }
}

/// Whether it may pass by itself.
fn is_ours(error: &Error) -> bool {
    matches!(error, Error::RateLimited { .. } | Error::Timeout | Error::Unavailable { .. } | Error::Internal(_))
}

/// The same, of a field.
fn may_pass(failure: &ServerError) -> bool {
    let code = failure.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    matches!(code, Some(Value::String(code)) if ["RATE_LIMITED", "TIMEOUT", "UNAVAILABLE", "INTERNAL"].contains(&&**code))
}

fn digest(answer: &Answer) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(&answer.data).unwrap_or_default()).into()
}
