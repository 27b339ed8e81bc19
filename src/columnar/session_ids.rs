//! The ids of visitors and sessions that a scan knows by numbers alone.
//!
//! Sessions are too many for an index of their numbers: an event of each is found in the columns, and its row
//! tells which session it is of.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
    sync::Arc,
};

use uuid::Uuid;

use super::{
    Column, Columnar, Columns, Facts, Scan, Sieve, Verdict, View, Wanted, Worker,
    numbers::{self, Kind},
    row,
    snapshot::given,
};
use crate::{
    auth::AppScope,
    entity::event,
    error::{Error, Result},
};

/// How many sessions are told at once.
const MOST: usize = 20_000;
/// Rows of one statement.
const ROWS: usize = 2_000;

impl Columnar {
    /// The ids of sessions in which a visitor did something at these times, by their numbers in a scan.
    pub async fn sessions_at(&self, columns: &Columns, visitor: &str, times: &[i64]) -> Result<HashMap<u32, String>> {
        let Some(snapshot) = columns.snapshot() else { return Ok(HashMap::new()) };
        let rows = row::sessions_at(snapshot.app, visitor, times);
        let ids: Vec<Option<String>> = rows.into_tuple().all(&*self.db).await?;
        self.numbers_of(snapshot, Kind::Session, &ids.into_iter().flatten().collect::<Vec<_>>()).await
    }

    /// The ids of sessions by their numbers in a scan, of each of which a time is given at which it has an event
    /// among the first `seq` commits. Those that were erased since are left out. Nothing when segments were
    /// replaced since the scan; of too many it refuses to tell.
    pub async fn session_ids(
        &self,
        columns: &Columns,
        app: AppScope,
        seq: i64,
        times: HashMap<u32, i64>,
    ) -> Result<Option<HashMap<u32, String>>> {
        let (Some(snapshot), Some(from), Some(to)) =
            (columns.snapshot(), times.values().min().copied(), times.values().max().copied())
        else {
            return Ok(Some(HashMap::new()));
        };
        if times.len() > MOST {
            let text = "Too many sessions begin at the same moments to list them. Narrow the range or the filter.";
            return Err(Error::CostExceeded(text.into()));
        }
        let times = Arc::new(times);
        let scan = Scan {
            app,
            from,
            to: to.saturating_add(1),
            seq,
            is_bot: None,
            visitor: None,
            select: vec![Column::Session],
            sieve: Some(Arc::new(Events(times.clone()))),
            columns: vec![Column::Session],
            times: true,
            ids: true,
            names: Wanted::default(),
        };
        let finder = || Finder { times: times.clone(), found: HashMap::new() };
        let Some((finders, _)) = self.scan_snapshot(snapshot, &scan, None, &finder).await? else { return Ok(None) };
        let found: HashMap<Uuid, u32> =
            finders.into_iter().flat_map(|finder| finder.found).map(|(session, id)| (id, session)).collect();
        let ids: Vec<Uuid> = found.keys().copied().collect();
        let mut sessions = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(ROWS) {
            for row in event::Entity::among(&*self.db, snapshot.app, seq, ids).await? {
                sessions.extend(found.get(&row.id).copied().zip(row.session_id));
            }
        }
        Ok(Some(sessions))
    }

    /// The ids of visitors by their numbers in a scan. Those that were erased since are left out.
    pub async fn visitor_ids(&self, columns: &Columns, numbers: &BTreeSet<u32>) -> Result<HashMap<u32, String>> {
        let Some(snapshot) = columns.snapshot() else { return Ok(HashMap::new()) };
        let given = given(&snapshot.head, Kind::Visitor) as u32;
        let known: Vec<u32> = numbers.range(..=given).copied().collect();
        let mut visitors = numbers::visitors(&*self.db, snapshot.app, &known).await?;
        if let Some(tail) = &snapshot.tail {
            let newcomers = &tail.newcomers[Kind::Visitor as usize];
            let id = |&number: &u32| Some((number, newcomers.get(number.checked_sub(given)?)?.to_owned()));
            visitors.extend(numbers.iter().filter_map(id));
        }
        Ok(visitors)
    }
}

/// Leaves out segments that have none of these sessions at its time.
#[derive(Debug)]
struct Events(Arc<HashMap<u32, i64>>);

impl Sieve for Events {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        match self.0.iter().any(|(session, at)| facts.may_have_at(&Column::Session, *session, *at)) {
            true => Verdict::Something,
            false => Verdict::Nothing,
        }
    }

    fn names_values_of(&self) -> Vec<Column> {
        Vec::new()
    }
}

/// Finds an event of each session at its time.
struct Finder {
    times: Arc<HashMap<u32, i64>>,
    found: HashMap<u32, Uuid>,
}

impl Finder {
    fn sessions<'v>(view: View<'v>) -> &'v [u32] {
        let place = view.columns.place(&Column::Session);
        place.and_then(|place| view.batch.codes.get(place)).copied().unwrap_or_default()
    }
}

impl Worker for Finder {
    fn select(&mut self, view: View<'_>, rows: &mut Vec<u32>) {
        rows.clear();
        let events = (0u32..).zip(Self::sessions(view));
        rows.extend(events.filter(|(_, session)| self.times.contains_key(session)).map(|(row, _)| row));
    }

    fn fold(&mut self, view: View<'_>) -> Result<ControlFlow<()>> {
        let events = Self::sessions(view).iter().zip(view.batch.timestamps).zip(view.batch.ids);
        for ((session, at), id) in events {
            if self.times.get(session) == Some(at) {
                self.found.entry(*session).or_insert(*id);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
