//! A person's data in their own hands: all that counts for any of their ids, one line of JSON an event.
//!
//! The link that downloads it is made first ([`Exporter::prepare`]); what it gives is as of that moment,
//! less what was erased or has expired since. Lines are read and written some at a time, so that an export
//! of any length takes little memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder};
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc::Sender, time::timeout};
use uuid::Uuid;

use super::{
    dead_letter,
    erase::{Without, check_id, ids_of, lock_head},
};
use crate::{
    auth::{
        Granted, Viewer,
        audit::{Action, Entry},
        export::{self, Person},
        permission::ExportPeople,
    },
    clock::{Clock, Moment},
    columnar::{self, Columnar, Theirs},
    config::Secret,
    db::Db,
    entity::{app, event, event_head, identity},
    error::{Error, Result},
};

/// Events found at once, by time and id.
const FOUND: usize = 10_000;
/// Rows read at once.
const ROWS: usize = 500;

/// What exporting takes.
#[derive(Clone)]
pub struct Exporter {
    /// The store.
    pub db: Db,
    /// Now.
    pub clock: Clock,
    /// Events as columns.
    pub columnar: Columnar,
}

/// An export that can be downloaded.
#[derive(Debug)]
pub struct Prepared {
    /// What opens it.
    pub token: Secret,
    /// From when on it opens nothing.
    pub expires_at: i64,
    /// How many events it holds.
    pub events: u64,
    /// Every id of the person; the one that events count for from now on first.
    pub ids: Vec<String>,
}

/// An export that is being downloaded.
#[derive(Debug)]
pub struct Export {
    /// Out of which app.
    pub app: Uuid,
    as_of: i64,
    theirs: Theirs,
    first: Value,
}

impl Exporter {
    /// Makes a link to all that counts for the person whom an id counts for.
    pub async fn prepare(&self, may: Granted<ExportPeople>, viewer: Viewer, id: &str) -> Result<Prepared> {
        let scope = may.scope();
        check_id(id)?;
        let app = scope.app_id();
        let transaction = self.db.begin().await?;
        // Whoever erases them comes before, and is not found here any more, or after, and takes the link along.
        lock_head(&transaction, app).await?;
        let head = event_head::Entity::find_by_id(app).one(&transaction).await?.ok_or(Error::NotFound("app"))?;
        let ids = ids_of(&transaction, app, id).await?;
        let person = Person { id: id.to_owned(), seq: head.seq, as_of: self.clock.now_ms() };
        let now = person.as_of;
        let (token, expires_at) = export::create(&transaction, may, viewer, person).await?;
        Entry::of(Action::PersonExported, scope).record(&transaction, now).await?;
        transaction.commit().await?;
        let theirs = Theirs { app: scope, ids: Arc::new(ids.iter().cloned().collect()), seq: head.seq };
        let events = self.columnar.count_of_person(&theirs).await?.values().sum();
        Ok(Prepared { token, expires_at, events, ids })
    }

    /// What a link opens.
    pub async fn open(&self, token: &str) -> Result<Export> {
        let (scope, person) = export::open(&self.db, token, self.clock.now_ms()).await?;
        let id = scope.app_id();
        let app = app::Entity::find_by_id(id).one(&*self.db).await?.ok_or(Error::NotFound("export"))?;
        let ids = ids_of(&*self.db, id, &person.id).await?;
        let theirs = Theirs { app: scope, ids: Arc::new(ids.iter().cloned().collect()), seq: person.seq };
        let counts = self.columnar.count_of_person(&theirs).await?;
        let links = self.links(id, ids.first()).await?;
        let of_ids = ids.iter().map(|id| json!({ "id": id, "events": counts.get(id).copied().unwrap_or_default() }));
        let first = json!({ "export": {
            "app": { "id": format!("app_{}", id.simple()), "name": app.name },
            "user_id": ids.first(),
            "ids": of_ids.collect::<Vec<_>>(),
            "links": links,
            "as_of": moment(person.as_of),
            "events": counts.values().sum::<u64>(),
        } });
        Ok(Export { app: id, as_of: person.as_of, theirs, first })
    }

    /// Writes an export, piece by piece, until all is written or nobody takes it any more.
    pub async fn write(&self, export: &Export, out: &Sender<Bytes>) -> Result<()> {
        let mut lines = Lines { out, text: Vec::new() };
        lines.add(&export.first).await?;
        let events = self.write_events(&export.theirs, &mut lines).await?;
        let letters = self.write_letters(export, &mut lines).await?;
        // Without it, an export that broke off would look like a whole one.
        lines.add(&json!({ "end": { "events": events, "dead_letters": letters } })).await?;
        lines.send().await
    }

    async fn write_events(&self, theirs: &Theirs, lines: &mut Lines<'_>) -> Result<u64> {
        let (app, mut after, mut written) = (theirs.app.app_id(), None, 0);
        loop {
            let found = self.columnar.newest_of_person(theirs, after, FOUND).await?;
            for some in found.chunks(ROWS) {
                let ids: Vec<Uuid> = some.iter().map(|(_, id)| *id).collect();
                let rows = event::Entity::among(&*self.db, app, theirs.seq, &ids).await?;
                let mut rows: HashMap<Uuid, event::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
                // What was erased in between is left out.
                for row in some.iter().filter_map(|(_, id)| rows.remove(id)) {
                    lines.add(&line(&row)?).await?;
                    written += 1;
                }
            }
            match found.last() {
                Some(last) if found.len() == FOUND => after = Some(*last),
                _ => return Ok(written),
            }
        }
    }

    /// Events of theirs that the database had refused by then.
    async fn write_letters(&self, export: &Export, lines: &mut Lines<'_>) -> Result<u64> {
        let (mut after, mut written) = (Uuid::nil(), 0);
        while let Some((last, letters)) = dead_letter::next(&*self.db, export.app, after).await? {
            after = last;
            for (letter, draft) in letters.into_iter().filter(|(letter, _)| letter.failed_at <= export.as_of) {
                if draft.concerns(|id| export.theirs.ids.contains(id)) != Without::Gone {
                    continue;
                }
                let (code, reason, failed_at) = (letter.code, letter.reason, moment(letter.failed_at));
                let of =
                    json!({ "code": code, "reason": reason, "failed_at": failed_at, "event": line(&draft.event)? });
                lines.add(&json!({ "dead_letter": of })).await?;
                written += 1;
            }
        }
        Ok(written)
    }

    async fn links(&self, app: Uuid, person: Option<&String>) -> Result<Vec<Value>> {
        let Some(person) = person else { return Ok(Vec::new()) };
        let of_person = identity::Column::AppId.eq(app).and(identity::Column::UserId.eq(person));
        let links = identity::Entity::find().filter(of_person).order_by_asc(identity::Column::CreatedAt);
        let links = links.all(&*self.db).await?.into_iter();
        let told = |link: identity::Model| json!({ "previous_id": link.from_id, "user_id": link.user_id, "linked_at": moment(link.created_at) });
        Ok(links.map(told).collect())
    }
}

/// Lines on their way out.
struct Lines<'a> {
    out: &'a Sender<Bytes>,
    text: Vec<u8>,
}

impl Lines<'_> {
    /// Bytes sent at once.
    const PIECE: usize = 64 << 10;
    /// How long a client may take to make room for one: a download has one of few places.
    const PATIENCE: Duration = Duration::from_secs(30);

    async fn add(&mut self, line: &Value) -> Result<()> {
        serde_json::to_writer(&mut self.text, line).map_err(Error::internal)?;
        self.text.push(b'\n');
        if self.text.len() >= Self::PIECE { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.text));
        let taken = timeout(Self::PATIENCE, self.out.send(piece)).await.map_err(|_| Error::Timeout)?;
        taken.map_err(|_| Error::unavailable("nobody takes the export any more"))
    }
}

fn moment(ms: i64) -> Value {
    Moment(ms).to_string().into()
}

/// An event as it could be sent again: all that is stored of it, under the names it is sent by.
fn line(event: &event::Model) -> Result<Value> {
    let Value::Object(stored) = serde_json::to_value(event).map_err(Error::internal)? else {
        return Err(Error::internal("an event is no object"));
    };
    let id = event.client_id.clone().unwrap_or_else(|| event.id.to_string());
    let mut line: Map<String, Value> = stored.into_iter().filter(|(_, value)| !value.is_null()).collect();
    // The store's own: whose table row it is, and which commit brought it.
    for name in ["app_id", "client_id", "seq"] {
        line.remove(name);
    }
    line.insert("id".to_owned(), id.into());
    line.insert("timestamp".to_owned(), moment(event.timestamp));
    line.insert("received_at".to_owned(), moment(event.received_at));
    if let Some(ip) = line.remove("ip_address") {
        line.insert("ip".to_owned(), ip);
    }
    if let Some(millionths) = event.revenue {
        let mut text = String::new();
        let amount = columnar::decimal(&mut text, millionths).trim_end_matches('0').trim_end_matches('.');
        line.insert("revenue".to_owned(), amount.into());
    }
    Ok(Value::Object(line))
}
