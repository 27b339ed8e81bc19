//! Questions to answers: from the cache, or by one scan for all that ask about the same events.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    ops::ControlFlow,
    sync::Arc,
};

use futures::future::join_all;
use sea_orm::EntityTrait;
use sha2::{Digest, Sha256};
use tokio::task;

use super::{Answer, Question, Range, filter::EventFilter, kernel::Kernel, matcher::Matcher};
use crate::{
    auth::AppScope,
    cache::Cache,
    columnar::{Column, Columns, Order, Scan, scan},
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

/// The number of the app's last commit: everything asked within one request is asked as of it.
pub async fn head(db: &Db, app: AppScope) -> Result<i64> {
    let head = event_head::Entity::find_by_id(app.app_id()).one(&**db).await?;
    Ok(head.ok_or(Error::NotFound("app"))?.seq)
}

/// Answers every question, in their order. Questions that share app, range, filter and commit
/// share one scan.
pub async fn answer(db: &Db, cache: &Cache, questions: &[Question]) -> Vec<Result<Answered>> {
    let keys: Vec<String> = questions.iter().map(cache_key).collect();
    let known: Vec<Option<Answer>> = join_all(keys.iter().map(|key| cache.get(key))).await;
    let open = known.iter().zip(questions).filter(|(known, _)| known.is_none()).map(|(_, question)| question.clone());
    let mut computed = compute(db, open.collect()).await.into_iter();
    let answers = known.into_iter().zip(&keys).map(|(known, key)| {
        let computed = if known.is_none() { computed.next() } else { None };
        async move {
            if let Some(answer) = known {
                return Ok(Answered { answer, cached: true });
            }
            let answer = computed.unwrap_or_else(|| Err(Error::internal("a question was left without an answer")))?;
            cache.put(key, &answer).await;
            Ok(Answered { answer, cached: false })
        }
    });
    join_all(answers).await
}

/// Equal questions about equal data have equal keys, and others have not: the app's commit is in
/// the key, so that no answer outlives its data.
fn cache_key(question: &Question) -> String {
    let Question { app, range, previous, filter, seq, report } = question;
    let asked = serde_json::to_vec(&(range, previous, filter.as_ref(), report)).unwrap_or_default();
    let digest = Sha256::digest(&asked);
    let mut key = format!("answer:{}:{seq}:", app.app_id().simple());
    for byte in digest {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// A set of events: everything of a question but what to compute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Events {
    app: AppScope,
    range: Range,
    filter: Arc<EventFilter>,
    seq: i64,
}

/// A kernel that has seen its events, and the columns its codes belong to.
type Counted = (Kernel, Arc<Columns>);

/// Which half of which question: its own range, or the one to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Half {
    question: usize,
    is_previous: bool,
}

/// Computes every answer, in order.
async fn compute(db: &Db, questions: Vec<Question>) -> Vec<Result<Answer>> {
    let mut counted: HashMap<Half, Result<Counted>> = HashMap::new();
    let mut scans: HashMap<Events, Vec<(Half, Kernel)>> = HashMap::new();
    for (number, question) in questions.iter().enumerate() {
        let ranges = [Some(question.range), question.previous];
        for (range, is_previous) in ranges.into_iter().zip([false, true]) {
            let (Some(range), half) = (range, Half { question: number, is_previous }) else { continue };
            let Question { app, filter, seq, report, .. } = question;
            let events = Events { app: *app, range, filter: filter.clone(), seq: *seq };
            match Kernel::new(report, range) {
                Ok(kernel) => scans.entry(events).or_default().push((half, kernel)),
                Err(error) => drop(counted.insert(half, Err(error))),
            }
        }
    }
    counted.extend(
        join_all(scans.into_iter().map(|(events, kernels)| count(db, events, kernels))).await.into_iter().flatten(),
    );
    // Sorting and merging groups is work for a processor as well.
    let finish = move || {
        let halves = questions.iter().enumerate().map(|(number, question)| {
            let mut half = |is_previous| counted.remove(&Half { question: number, is_previous }).transpose();
            let (own, previous) = (half(false)?, half(true)?);
            let (kernel, columns) = own.ok_or_else(|| Error::internal("a question was not computed"))?;
            let (previous, others) = previous.unzip();
            let previous = previous.zip(others.as_deref());
            Ok(kernel.finish(&question.report, question.range, &columns, previous))
        });
        halves.collect()
    };
    task::spawn_blocking(finish).await.unwrap_or_else(|_| Vec::new())
}

/// Runs one scan for all the kernels that look at its events.
async fn count(db: &Db, events: Events, kernels: Vec<(Half, Kernel)>) -> Vec<(Half, Result<Counted>)> {
    let halves: Vec<Half> = kernels.iter().map(|(half, _)| *half).collect();
    let (kernels, columns) = match read(db, events, kernels.into_iter().map(|(_, kernel)| kernel).collect()).await {
        Ok((kernels, columns)) => (kernels, Arc::new(columns)),
        Err(error) => return halves.into_iter().map(|half| (half, Err(error.clone()))).collect(),
    };
    halves
        .into_iter()
        .zip(kernels)
        .map(|(half, kernel)| (half, kernel.map(|kernel| (kernel, columns.clone()))))
        .collect()
}

async fn read(db: &Db, events: Events, kernels: Vec<Kernel>) -> Result<(Vec<Result<Kernel>>, Columns)> {
    let Events { app, range, filter, seq } = events;
    let mut columns: BTreeSet<Column> = filter.columns();
    columns.extend(kernels.iter().flat_map(Kernel::columns));
    let kernels: Vec<Result<Kernel>> = kernels.into_iter().map(Ok).collect();
    if range.from >= range.to {
        return Ok((kernels, Columns::new(columns)));
    }
    let (mut matcher, mut rows) = (Matcher::new(&filter), Vec::new());
    let what = Scan {
        app,
        from: range.from,
        to: range.to,
        seq,
        visitor: None,
        columns: columns.into_iter().collect(),
        ids: false,
        order: Order::Any,
    };
    scan(db, what, kernels, move |kernels, view| {
        matcher.select(view, &mut rows);
        for kernel in kernels.iter_mut() {
            // One that asks for too much fails by itself.
            if let Ok(counting) = kernel
                && let Err(error) = counting.fold(view, &rows)
            {
                *kernel = Err(error);
            }
        }
        let is_pointless = kernels.iter().all(Result::is_err);
        Ok(if is_pointless { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .await
}
