//! One statement's rows as batches.

use std::{ops::ControlFlow, pin::pin};

use futures::TryStreamExt;
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select, StreamTrait,
    sea_query::{Expr, ExprTrait},
};
use tokio::{runtime::Handle, task};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Batch, Column, Columns, View,
    row::{RowReader, VISITOR},
};
use crate::{
    auth::AppScope,
    db::Db,
    entity::event,
    error::{Error, Result},
};

/// Events of a batch.
const BATCH: usize = 16_384;
/// How often, in rows, the memory of the dictionaries is looked at.
const LOOK: usize = 256;
/// A batch ends early when its dictionaries have grown by this many bytes.
const BATCH_BYTES: usize = 16 << 20;
/// What the dictionaries of one scan may take.
const DICTIONARY_BYTES: usize = 256 << 20;

/// In which order events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the store likes it.
    Any,
    /// Newest first, those of the same millisecond by id, largest first.
    NewestFirst {
        /// Start behind the event with this timestamp and id.
        after: Option<(i64, Uuid)>,
        /// End after so many.
        limit: u64,
    },
}

/// Which events to read, and what of them.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Whose.
    pub app: AppScope,
    /// Of this time or later.
    pub from: i64,
    /// Before this time.
    pub to: i64,
    /// Of the commits up to this one.
    pub seq: i64,
    /// Only those of this visitor.
    pub visitor: Option<String>,
    /// Only bots, or only what is none.
    pub is_bot: Option<bool>,
    /// What to read.
    pub columns: Vec<Column>,
    /// Whether to read ids.
    pub ids: bool,
    /// In which order.
    pub order: Order,
}

/// Reads the events of a scan and folds them, batch by batch, into `state` until it breaks.
///
/// Reading and folding take turns on a thread of their own, so that memory is bounded by one
/// batch beside dictionaries and state, and no request waits for a kernel. Dropping the future
/// stops the scan.
pub async fn scan<S, F>(db: &Db, scan: Scan, mut state: S, mut fold: F) -> Result<(S, Columns)>
where
    S: Send + 'static,
    F: FnMut(&mut S, View<'_>) -> Result<ControlFlow<()>> + Send + 'static,
{
    let permit = db.long_read().await?;
    let stop = CancellationToken::new();
    let _stop_when_dropped = stop.clone().drop_guard();
    let (db, runtime) = (db.clone(), Handle::current());
    let work = task::spawn_blocking(move || {
        let _permit = permit;
        let read = async {
            let columns = read(&db, scan, |view| fold(&mut state, view)).await?;
            Ok((state, columns))
        };
        // Nobody waits for this error: whoever did is gone.
        runtime.block_on(stop.run_until_cancelled(read)).unwrap_or(Err(Error::Timeout))
    });
    work.await.map_err(Error::internal)?
}

async fn read(db: &Db, scan: Scan, mut fold: impl FnMut(View<'_>) -> Result<ControlFlow<()>>) -> Result<Columns> {
    let started = std::time::Instant::now();
    let (select, mut reader) = RowReader::new(scan.select(), &scan.columns, scan.ids);
    let mut batch = Batch::new(scan.columns.len());
    let mut columns = Columns::new(scan.columns);
    let mut grown_from = 0;
    let statement = sea_orm::QueryTrait::build(&select, db.get_database_backend());
    let mut rows = pin!(db.stream_raw(statement).await?);
    while let Some(row) = rows.try_next().await? {
        reader.read(&row, &mut batch, &mut columns)?;
        if !batch.len().is_multiple_of(LOOK) {
            continue;
        }
        let bytes = columns.bytes();
        if bytes > DICTIONARY_BYTES {
            return Err(Error::CostExceeded(
                "The question meets too many different values. Narrow its range or filter.".into(),
            ));
        }
        if batch.len() >= BATCH || bytes - grown_from > BATCH_BYTES {
            grown_from = bytes;
            if fold(View { batch: &batch, columns: &columns })?.is_break() {
                return Ok(columns);
            }
            batch.clear();
        }
    }
    if !batch.is_empty() {
        let _ = fold(View { batch: &batch, columns: &columns })?;
    }
    metrics::histogram!("uea_scan_seconds").record(started.elapsed().as_secs_f64());
    Ok(columns)
}

impl Scan {
    /// Its rows, with nothing selected yet.
    fn select(&self) -> Select<event::Entity> {
        use event::Column as C;
        let mut to = self.to;
        if let Order::NewestFirst { after: Some((at, _)), .. } = self.order {
            to = Ord::min(to, at.saturating_add(1));
        }
        let mut select = event::Entity::as_of(self.app.app_id(), self.seq)
            .select_only()
            .filter(C::Timestamp.gte(self.from))
            .filter(C::Timestamp.lt(to));
        if let Some(visitor) = &self.visitor {
            select = select.filter(Expr::cust(VISITOR).eq(visitor.as_str()));
        }
        if let Some(is_bot) = self.is_bot {
            select = select.filter(C::IsBot.eq(is_bot));
        }
        if let Order::NewestFirst { after, limit } = self.order {
            if let Some((at, id)) = after {
                select = select.filter(Condition::any().add(C::Timestamp.lt(at)).add(C::Id.lt(id)));
            }
            select = select.order_by_desc(C::Timestamp).order_by_desc(C::Id).limit(limit);
        }
        select
    }
}
