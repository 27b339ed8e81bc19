//! The events that count for a person, by any of their ids.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    sync::Arc,
};

use uuid::Uuid;

use super::{Column, Columnar, Facts, Newest, Scan, Sieve, Verdict, View, Wanted, Who, Worker, newest::Found};
use crate::{auth::AppScope, error::Result};

/// Whose events, among the first `seq` commits.
#[derive(Debug, Clone)]
pub struct Theirs {
    /// In which app.
    pub app: AppScope,
    /// For whom they count.
    pub ids: Arc<HashSet<String>>,
    /// Of the commits up to this one.
    pub seq: i64,
}

impl Columnar {
    /// How many events count for each of a person's ids; those of none are left out. Bots are among them.
    pub async fn count_of_person(&self, theirs: &Theirs) -> Result<HashMap<String, u64>> {
        let mut scan = theirs.scan(i64::MAX);
        scan.columns = vec![Column::Visitor];
        (scan.times, scan.ids) = (false, false);
        let (workers, columns) = self.scan(scan, Counted::default).await?;
        let asked = columns.place(&Column::Visitor).and_then(|place| columns.asked_about(place));
        let mut counts = HashMap::new();
        for (number, events) in workers.iter().flat_map(|worker| &worker.0) {
            if let Some(id) = asked.and_then(|asked| asked.get(number)) {
                *counts.entry(id.clone()).or_default() += events;
            }
        }
        Ok(counts)
    }

    /// The times and ids of a person's newest events; of those behind `after`.
    pub async fn newest_of_person(&self, theirs: &Theirs, after: Option<(i64, Uuid)>, limit: usize) -> Result<Found> {
        let scan = theirs.scan(after.map_or(i64::MAX, |(at, _)| at.saturating_add(1)));
        self.newest(Newest { scan, after, limit, since: None }, select).await
    }
}

impl Theirs {
    /// What happened before `to`, chosen by visitor.
    fn scan(&self, to: i64) -> Scan {
        let visitors = Who::These(self.ids.iter().cloned().collect());
        Scan {
            app: self.app,
            from: i64::MIN,
            to,
            seq: self.seq,
            is_bot: None,
            visitor: None,
            select: vec![Column::Visitor],
            sieve: Some(Arc::new(Among(self.ids.clone()))),
            columns: Vec::new(),
            times: true,
            ids: true,
            names: Wanted { visitors, sessions: Who::Nobody },
        }
    }
}

/// Leaves out segments without events of these people.
#[derive(Debug)]
struct Among(Arc<HashSet<String>>);

impl Sieve for Among {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let visitors = facts.of(&Column::Visitor);
        let Some(values) = visitors.values else { return Verdict::Something };
        let nobody = visitors.some_lack.then_some(false);
        Verdict::of(values.into_iter().map(|id| self.0.contains(id)).chain(nobody))
    }

    fn names_values_of(&self) -> Vec<Column> {
        vec![Column::Visitor]
    }
}

/// The events of those asked about.
fn select(view: View<'_>, rows: &mut Vec<u32>) {
    rows.clear();
    let Some(place) = view.columns.place(&Column::Visitor) else { return };
    let (Some(asked), Some(codes)) = (view.columns.asked_about(place), view.batch.codes.get(place)) else { return };
    rows.extend((0u32..).zip(*codes).filter(|(_, code)| asked.contains_key(code)).map(|(row, _)| row));
}

/// Events by the number of their visitor.
#[derive(Debug, Default)]
struct Counted(HashMap<u32, u64>);

impl Worker for Counted {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        select(view, rows);
    }

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        let codes = view.columns.place(&Column::Visitor).and_then(|place| view.batch.codes.get(place));
        for &code in codes.into_iter().copied().flatten() {
            *self.0.entry(code).or_default() += 1;
        }
        Ok(ControlFlow::Continue(()))
    }
}
