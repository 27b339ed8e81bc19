//! Questions to answers: from the cache, or by one scan for all that ask about the same events.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::Write,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use futures::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use sea_orm::EntityTrait;
use sha2::{Digest, Sha256};
use tokio::task;

use super::{
    Answer, BotTraffic, Question, Range,
    allowance::{Account, Allowance, SCANS_AT_ONCE, keep_within},
    behaviour::{Among, Behaved, Doers},
    filter::EventFilter,
    kernel::Kernel,
    matcher::Matcher,
    rolled::Rolled,
    top_properties,
};
use crate::{
    auth::AppScope,
    cache::{self, Cache},
    columnar::{Column, Columnar, Columns, Hours, Scan, View, Worker},
    db::Db,
    entity::event_head,
    error::{Error, Result},
};

/// An answer, and whether it was computed before.
#[derive(Debug, Clone)]
pub struct Answered {
    /// What was asked for.
    pub answer: Answer,
    /// Whether it came from the cache.
    pub cached: bool,
}

/// The app's last commit, as of which everything is asked within one request. Nothing is to be asked as of
/// one before the last that removed events: what was answered then may still lie in a cache.
pub async fn head(db: &Db, app: AppScope) -> Result<event_head::Model> {
    event_head::Entity::find_by_id(app.app_id()).one(&**db).await?.ok_or(Error::NotFound("app"))
}

/// Answers every question, in their order, within what is left of their request's allowance and by what it
/// has found out about behaviours.
/// Questions that share app, range, filter and commit share one scan.
pub async fn answer(
    columnar: &Columnar,
    cache: &Cache,
    allowance: &Allowance,
    behaved: &Behaved,
    questions: &[Question],
) -> Vec<Result<Answered>> {
    let keys: Vec<Result<String>> = questions.iter().map(cache_key).collect();
    let look_up = async |key: &Result<String>| cache.get(key.as_ref().ok()?).await;
    let known: Vec<Option<Answer>> = join_all(keys.iter().map(look_up)).await;
    let open = known.iter().zip(questions).filter(|(known, _)| known.is_none()).map(|(_, question)| question.clone());
    let open: Vec<Question> = open.collect();
    let censuses = join_all(open.iter().map(|question| top_properties::answer(columnar, allowance, behaved, question)));
    let (censuses, computed) = join(censuses, compute(columnar, allowance, behaved, open.clone())).await;
    let mut computed = censuses.into_iter().zip(computed).map(|(census, computed)| census.unwrap_or(computed));
    let answers = known.into_iter().zip(keys).map(|(known, key)| {
        let computed = if known.is_none() { computed.next() } else { None };
        async move {
            if let Some(answer) = known {
                return Ok(Answered { answer, cached: true });
            }
            let answer = computed.unwrap_or_else(|| Err(unanswered()))?;
            cache.put(&key?, &answer).await;
            Ok(Answered { answer, cached: false })
        }
    });
    join_all(answers).await
}

fn unanswered() -> Error {
    Error::internal("a question was left without an answer")
}

/// Equal questions about equal data have equal keys, and others have not: the app's commit is in
/// the key, so that no answer outlives its data.
fn cache_key(question: &Question) -> Result<String> {
    let Question { app, range, previous, filter, bots, seq, report } = question;
    let asked = serde_json::to_vec(&(range, previous, filter.as_ref(), bots, report)).map_err(Error::internal)?;
    let digest = Sha256::digest(&asked);
    let mut key = format!("{}{seq}:", cache::answers_of(app.app_id()));
    for byte in digest {
        let _ = write!(key, "{byte:02x}");
    }
    Ok(key)
}

/// A set of events: everything of a question but what to compute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Events {
    app: AppScope,
    range: Range,
    filter: Arc<EventFilter>,
    bots: BotTraffic,
    seq: i64,
    /// Whether sums over whole hours stand for most of them.
    summed: bool,
}

/// What the codes of a scan's kernels mean, with what the scan holds.
#[derive(Debug)]
struct Scanned {
    columns: Columns,
    _account: Account,
}

/// A kernel that has seen its events.
type Counted = (Kernel, Arc<Scanned>);

/// Which half of which question: its own range, or the one to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Half {
    question: usize,
    is_previous: bool,
}

/// A kernel that has seen nothing yet, and what it takes from sums.
type Asking = (Half, Kernel, Option<Rolled>);

/// Computes every answer, in order.
async fn compute(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    questions: Vec<Question>,
) -> Vec<Result<Answer>> {
    let mut counted: HashMap<Half, Result<Counted>> = HashMap::new();
    let mut scans: Vec<(Events, Vec<Asking>)> = Vec::new();
    let mut places: HashMap<Events, usize> = HashMap::new();
    for (number, question) in questions.iter().enumerate() {
        let ranges = [Some(question.range), question.previous];
        for (range, is_previous) in ranges.into_iter().zip([false, true]) {
            let (Some(range), half) = (range, Half { question: number, is_previous }) else { continue };
            let Question { app, filter, bots, seq, report, .. } = question;
            match Kernel::new(report, range) {
                Ok(kernel) => {
                    let rolled = kernel.rolled(range, filter);
                    let summed = rolled.is_some();
                    let events = Events { app: *app, range, filter: filter.clone(), bots: *bots, seq: *seq, summed };
                    let place = *places.entry(events.clone()).or_insert(scans.len());
                    if place == scans.len() {
                        scans.push((events, Vec::new()));
                    }
                    scans[place].1.push((half, kernel, rolled));
                }
                Err(error) => drop(counted.insert(half, Err(error))),
            }
        }
    }
    let mut answers: Vec<_> = questions.iter().map(|_| Err(unanswered())).collect();
    let scans = scans.into_iter().map(|(events, kernels)| count(columnar, allowance, behaved, events, kernels));
    let mut scans = stream::iter(scans).buffer_unordered(SCANS_AT_ONCE);
    // What is counted is large and answers are small, so each is finished as soon as it can be.
    loop {
        let complete = take_complete(&questions, &mut counted);
        if !complete.is_empty() {
            // Sorting and merging groups is work for a processor as well.
            let finish = move || complete.into_iter().map(Complete::finish).collect::<Vec<_>>();
            for (number, answer) in task::spawn_blocking(finish).await.unwrap_or_default() {
                answers[number] = answer;
            }
        }
        match scans.next().await {
            Some(more) => counted.extend(more),
            None => return answers,
        }
    }
}

/// A question whose events have all been seen.
struct Complete {
    number: usize,
    question: Question,
    counted: Result<(Counted, Option<Counted>)>,
}

/// Takes out the halves of every question that misses none.
fn take_complete(questions: &[Question], counted: &mut HashMap<Half, Result<Counted>>) -> Vec<Complete> {
    let complete = questions.iter().enumerate().filter_map(|(number, question)| {
        let [own, previous] = [false, true].map(|is_previous| Half { question: number, is_previous });
        if question.previous.is_some() && !counted.contains_key(&previous) {
            return None;
        }
        let (own, previous) = (counted.remove(&own)?, counted.remove(&previous).transpose());
        let counted = own.and_then(|own| Ok((own, previous?)));
        Some(Complete { number, question: question.clone(), counted })
    });
    complete.collect()
}

impl Complete {
    fn finish(self) -> (usize, Result<Answer>) {
        let Question { report, range, .. } = &self.question;
        let answer = self.counted.map(|((kernel, scanned), previous)| {
            let (previous, others) = previous.unzip();
            let previous = previous.zip(others.as_ref().map(|others| &others.columns));
            kernel.finish(report, *range, &scanned.columns, previous)
        });
        (self.number, answer)
    }
}

/// Runs one scan for all the kernels that look at its events.
async fn count(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    events: Events,
    kernels: Vec<Asking>,
) -> Vec<(Half, Result<Counted>)> {
    let rolled: Vec<Rolled> = kernels.iter().filter_map(|(_, _, rolled)| rolled.clone()).collect();
    let (halves, kernels): (Vec<Half>, Vec<Kernel>) =
        kernels.into_iter().map(|(half, kernel, _)| (half, kernel)).unzip();
    let (kernels, scanned) = match read(columnar, allowance, behaved, events, kernels, rolled).await {
        Ok((kernels, scanned)) => (kernels, Arc::new(scanned)),
        Err(error) => return halves.into_iter().map(|half| (half, Err(error.clone()))).collect(),
    };
    let counted = kernels.into_iter().map(|kernel| Ok((kernel?, scanned.clone())));
    halves.into_iter().zip(counted).collect()
}

async fn read(
    columnar: &Columnar,
    allowance: &Allowance,
    behaved: &Behaved,
    events: Events,
    kernels: Vec<Kernel>,
    rolled: Vec<Rolled>,
) -> Result<(Vec<Result<Kernel>>, Scanned)> {
    let Events { app, range, filter, bots, seq, .. } = events;
    let hours = rolled.iter().map(|rolled| rolled.hours.clone()).reduce(Hours::and);
    let columns: BTreeSet<Column> = kernels.iter().flat_map(Kernel::columns).collect();
    let names = kernels.iter().fold(filter.names(), |names, kernel| names.and(kernel.names()));
    let what = Scan {
        app,
        from: range.from,
        to: range.to,
        seq,
        visitor: None,
        is_bot: bots.is_bot(),
        select: filter.looked_at(),
        sieve: Some(Arc::new(Matcher::new(&filter))),
        columns: columns.iter().cloned().collect(),
        times: kernels.iter().any(Kernel::needs_times),
        ids: false,
        names,
    };
    let is_first = AtomicBool::new(true);
    let matcher = Matcher::new(&filter);
    let counting = |doers: &Doers| {
        let (mut matcher, mut kernels) = (matcher.clone(), kernels.clone());
        matcher.know(doers);
        kernels.iter_mut().for_each(|kernel| kernel.know(doers));
        let kernels = kernels.into_iter().map(Ok).collect();
        let mut counting =
            Counting { matcher, kernels, account: allowance.account(), is_first: is_first.swap(false, Relaxed) };
        keep_within(&mut counting.account, &mut counting.kernels, 0);
        counting
    };
    if range.from >= range.to {
        let Counting { kernels, account, .. } = counting(&Doers::new());
        return Ok((kernels, Scanned { columns: Columns::new(columns), _account: account }));
    }
    let _turn = allowance.turn().await?;
    let mut behaviours = HashSet::new();
    matcher.behaviours(&mut behaviours);
    kernels.iter().for_each(|kernel| kernel.behaviours(&mut behaviours));
    let (workers, mut columns, totals) = if behaviours.is_empty() {
        columnar.scan_and_sum(what, hours.as_ref(), || counting(&Doers::new())).await?
    } else {
        let among = Among { app, range, bots, seq };
        loop {
            let (known, doers) = behaved.find(columnar, allowance, among, &behaviours).await?;
            match columnar.scan_pinned(&known.pinned, &what, &|| counting(&doers)).await? {
                // What visitors did is in no sum over hours.
                Some((workers, columns)) => break (workers, columns, Vec::new()),
                None => behaved.forget(&known)?,
            }
        }
    };
    task::spawn_blocking(move || {
        let mut workers = workers.into_iter();
        let mut all = workers.next().ok_or_else(unanswered)?;
        workers.for_each(|worker| all.merge(worker));
        let mut totals = totals.as_slice();
        for (kernel, rolled) in all.kernels.iter_mut().zip(&rolled) {
            let (own, rest) = totals.split_at(rolled.hours.stretches.len().min(totals.len()));
            totals = rest;
            if let Ok(kernel) = kernel {
                kernel.add_totals(rolled, own, &mut columns, &filter);
            }
        }
        keep_within(&mut all.account, &mut all.kernels, columns.bytes());
        Ok((all.kernels, Scanned { columns, _account: all.account }))
    })
    .await
    .map_err(Error::internal)?
}

/// The kernels of one thread.
struct Counting {
    matcher: Matcher,
    kernels: Vec<Result<Kernel>>,
    account: Account,
    /// The first accounts for the dictionaries of all.
    is_first: bool,
}

impl Worker for Counting {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        self.matcher.select(view, rows);
    }

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        for kernel in &mut self.kernels {
            // One that asks for too much fails by itself.
            if let Ok(counting) = kernel
                && let Err(error) = counting.fold(view)
            {
                *kernel = Err(error);
            }
        }
        keep_within(&mut self.account, &mut self.kernels, if self.is_first { view.columns.bytes() } else { 0 });
        let is_pointless = self.kernels.iter().all(Result::is_err);
        Ok(if is_pointless { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }
}

impl Counting {
    fn merge(&mut self, other: Self) {
        for (own, other) in self.kernels.iter_mut().zip(other.kernels) {
            let merged = match (&mut *own, other) {
                (Ok(kernel), Ok(other)) => kernel.merge(other),
                (Ok(_), Err(error)) => Err(error),
                (Err(_), _) => Ok(()),
            };
            if let Err(error) = merged {
                *own = Err(error);
            }
        }
    }
}
