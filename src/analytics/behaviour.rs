//! What visitors did: a condition on events that other events of the same visitor decide.
//!
//! A first pass over the events finds out which visitors did it, and the one that answers the question
//! looks the visitor of each event up among them. The numbers by which it does so hold for one
//! snapshot only, so all that a request asks about behaviours is asked of one.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::InputObject;
use serde::{Deserialize, Serialize};
use tokio::{sync::OnceCell, task};
use uuid::Uuid;

use super::{
    BotTraffic, Range,
    accumulator::codes,
    allowance::{Account, Allowance},
    filter::EventFilter,
    matcher::Matcher,
    range::TimeRange,
    set::{CodeMap, set, unite},
};
use crate::{
    auth::AppScope,
    columnar::{Column, Columnar, NONE, Pinned, Scan, View, Worker},
    error::{Error, Result},
};

/// How many behaviours a filter may hold in all.
pub const MAX_BEHAVIOURS: usize = 8;
/// How many different ones a request may ask about, each in one range of time.
const MAX_PASSES: usize = 16;
/// How often a request begins anew because segments were replaced while it looked at them.
const ATTEMPTS: usize = 5;

/// Something that a visitor may have done. It is looked for among all events of the app: the filter in
/// which it stands does not narrow it, and `bots` does as in the question.
#[derive(InputObject, Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BehaviourFilter {
    /// Which events are it; every event by default. It must hold neither `hasDone` nor `hasNotDone`.
    #[graphql(default)]
    pub filter: Box<EventFilter>,
    /// How many such events it takes.
    #[graphql(default = 1)]
    pub at_least: i32,
    /// When they happened; in the range of the question by default, and for the figures of `compare` in
    /// the range compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<TimeRange>,
}

/// Among which events behaviours are looked for, where they do not say otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Among {
    pub(super) app: AppScope,
    pub(super) range: Range,
    pub(super) bots: BotTraffic,
    pub(super) seq: i64,
}

/// A pass over the events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pass {
    app: AppScope,
    filter: EventFilter,
    at_least: u32,
    range: Range,
    bots: BotTraffic,
    seq: i64,
}

impl Pass {
    fn of(behaviour: &BehaviourFilter, among: Among) -> Self {
        let Among { app, range, bots, seq } = among;
        let own = behaviour.range.and_then(|range| Some(Range { from: range.from?.0, to: range.to?.0 }));
        let (filter, at_least) = ((*behaviour.filter).clone(), behaviour.at_least.unsigned_abs());
        Self { app, filter, at_least, range: own.unwrap_or(range), bots, seq }
    }
}

/// Visitors by their numbers in one snapshot.
#[derive(Debug)]
pub(super) struct Visitors {
    bits: Vec<u64>,
    _account: Account,
}

impl Visitors {
    /// Whether somebody is among them. Nobody is [`NONE`].
    pub(super) fn contains(&self, visitor: u32) -> bool {
        self.bits.get(visitor as usize / 64).is_some_and(|word| word >> (visitor % 64) & 1 != 0)
    }
}

/// Who did what.
pub(super) type Doers = HashMap<BehaviourFilter, Arc<Visitors>>;

/// What one request has found out about behaviours.
#[derive(Debug, Default)]
pub struct Behaved(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: HashSet<Pass>,
    apps: HashMap<Uuid, Arc<Known>>,
    attempts: usize,
}

/// What is known of an app as of one snapshot.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) pinned: Pinned,
    passes: Mutex<HashMap<Pass, Found>>,
}

type Found = Arc<OnceCell<Arc<Visitors>>>;

impl Behaved {
    /// Who did each of these, and the snapshot of which that holds. The caller has a turn of the
    /// allowance, and gives the snapshot back with [`Self::forget`] when it is gone.
    pub(super) async fn find(
        &self,
        columnar: &Columnar,
        allowance: &Allowance,
        among: Among,
        behaviours: &HashSet<&BehaviourFilter>,
    ) -> Result<(Arc<Known>, Doers)> {
        self.ask(behaviours.iter().map(|behaviour| Pass::of(behaviour, among)))?;
        'anew: loop {
            let known = self.known(columnar, among.app).await?;
            let mut doers = Doers::new();
            for &behaviour in behaviours {
                let Some(visitors) = known.visitors(columnar, allowance, Pass::of(behaviour, among)).await? else {
                    self.forget(&known)?;
                    continue 'anew;
                };
                doers.insert(behaviour.clone(), visitors);
            }
            return Ok((known, doers));
        }
    }

    /// Begins anew with another snapshot, because segments of this one were replaced.
    pub(super) fn forget(&self, known: &Arc<Known>) -> Result<()> {
        let mut state = self.state();
        state.attempts += 1;
        if state.attempts > ATTEMPTS {
            return Err(Error::unavailable("segments were replaced again and again"));
        }
        state.apps.retain(|_, own| !Arc::ptr_eq(own, known));
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, passes: impl Iterator<Item = Pass>) -> Result<()> {
        let mut state = self.state();
        state.asked.extend(passes);
        if state.asked.len() > MAX_PASSES {
            return Err(Error::CostExceeded(format!(
                "A request may ask for at most {MAX_PASSES} different things that visitors did, each in one range of \
                 time. Split it."
            )));
        }
        Ok(())
    }

    async fn known(&self, columnar: &Columnar, app: AppScope) -> Result<Arc<Known>> {
        if let Some(known) = self.state().apps.get(&app.app_id()) {
            return Ok(known.clone());
        }
        let pinned = columnar.pin(app).await?;
        // Whoever was first is followed.
        let known = || Arc::new(Known { pinned, passes: Mutex::default() });
        Ok(self.state().apps.entry(app.app_id()).or_insert_with(known).clone())
    }
}

impl Known {
    /// Nothing when segments were replaced.
    async fn visitors(&self, columnar: &Columnar, allowance: &Allowance, pass: Pass) -> Result<Option<Arc<Visitors>>> {
        let found = self.passes.lock().unwrap_or_else(PoisonError::into_inner).entry(pass.clone()).or_default().clone();
        // Not found is not kept, so it can be an error here.
        let find = async || match run(columnar, allowance, &self.pinned, pass).await {
            Ok(Some(visitors)) => Ok(Arc::new(visitors)),
            Ok(None) => Err(None),
            Err(error) => Err(Some(error)),
        };
        match found.get_or_try_init(find).await {
            Ok(visitors) => Ok(Some(visitors.clone())),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }
}

async fn run(columnar: &Columnar, allowance: &Allowance, pinned: &Pinned, pass: Pass) -> Result<Option<Visitors>> {
    let Pass { app, filter, at_least, range, bots, seq } = pass;
    let counting =
        || Counting { matcher: Matcher::new(&filter), did: Did::new(at_least), account: allowance.account() };
    let what = Scan {
        app,
        from: range.from,
        to: range.to,
        seq,
        visitor: None,
        is_bot: bots.is_bot(),
        select: filter.looked_at(),
        sieve: Some(Arc::new(Matcher::new(&filter))),
        columns: vec![Column::Visitor],
        times: false,
        ids: false,
        names: filter.names(),
    };
    let workers = match range.from < range.to {
        true => match columnar.scan_pinned(pinned, &what, &counting).await? {
            Some((workers, _)) => workers,
            None => return Ok(None),
        },
        false => vec![counting()],
    };
    let merge = move || {
        let mut workers = workers.into_iter();
        let mut all = workers.next().ok_or_else(|| Error::internal("nobody has counted"))?;
        workers.for_each(|worker| all.did.merge(worker.did));
        let bits = all.did.finish(at_least);
        all.account.holds(bits.capacity() * size_of::<u64>())?;
        Ok(Some(Visitors { bits, _account: all.account }))
    };
    task::spawn_blocking(merge).await.map_err(Error::internal)?
}

/// Who did it, or how often.
#[derive(Debug)]
enum Did {
    Once(Vec<u64>),
    Often(CodeMap<u32>),
}

impl Did {
    fn new(at_least: u32) -> Self {
        if at_least <= 1 { Self::Once(Vec::new()) } else { Self::Often(CodeMap::default()) }
    }

    fn add(&mut self, visitors: &[u32]) {
        match self {
            Self::Once(bits) => visitors.iter().for_each(|&visitor| set(bits, visitor)),
            Self::Often(counts) => visitors.iter().for_each(|&visitor| {
                let count = counts.entry(visitor);
                *count = count.saturating_add(1);
            }),
        }
    }

    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Once(bits), Self::Once(other)) => unite(bits, &other),
            (Self::Often(counts), Self::Often(other)) => other.each(|visitor, &more| {
                let count = counts.entry(visitor);
                *count = count.saturating_add(more);
            }),
            _ => {}
        }
    }

    fn finish(self, at_least: u32) -> Vec<u64> {
        let mut bits = match self {
            Self::Once(bits) => bits,
            Self::Often(counts) => {
                let mut bits = Vec::new();
                counts.each(|visitor, &count| {
                    if count >= at_least {
                        set(&mut bits, visitor);
                    }
                });
                bits
            }
        };
        if let Some(first) = bits.first_mut() {
            *first &= !(1 << NONE);
        }
        bits
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Once(bits) => bits.capacity() * size_of::<u64>(),
            Self::Often(counts) => counts.bytes(),
        }
    }
}

/// Counts on one thread who did something.
struct Counting {
    matcher: Matcher,
    did: Did,
    account: Account,
}

impl Worker for Counting {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        self.matcher.select(view, rows);
    }

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        self.did.add(codes(view, &Column::Visitor));
        self.account.holds(self.did.bytes())?;
        Ok(ControlFlow::Continue(()))
    }
}
