//! People erased from an app: every trace of theirs, wherever the server keeps it.
//!
//! The person is whoever an id counts for, with all ids that are linked to them. First, in one
//! transaction that holds the app's head, the request is written down with the commit up to which it
//! holds, their links go, and digests of their ids are left behind, by which the writer knows events
//! that arrived before and reach it late. Then their events go, in steps each of which leaves rows and
//! segments equal; then whatever named them. A server that stops in between goes on at its next start.

use std::time::Duration;

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
    sea_query::{Expr, ExprTrait},
};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Draft, dead_letter, wire::bounds, writer::Writer};
use crate::{
    auth::{
        Granted, Viewer,
        audit::{Action, Entry},
        digest::Digests,
        export,
        permission::ErasePeople,
    },
    cache::{self, Cache},
    clock::Clock,
    columnar::{
        Columnar,
        erase::{Pending, People},
        forget::Forgotten,
    },
    db::Db,
    entity::{erased_id, erasure, event_head, identity},
    error::{Error, Result},
};

/// How long whoever asks waits for the end; it comes all the same.
const PATIENCE: Duration = Duration::from_secs(20);
/// Ids of one receipt. Whoever is linked to more takes several.
const IDS: u64 = 10_000;
/// Ids that can be exported together.
const MAX_EXPORTED: u64 = 100_000;

/// What erasing takes.
#[derive(Clone)]
pub struct Eraser {
    /// The store.
    pub db: Db,
    /// Now.
    pub clock: Clock,
    /// Events as columns.
    pub columnar: Columnar,
    /// Answers already computed.
    pub cache: Cache,
    /// What is kept of the ids.
    pub digests: Digests,
    /// Which has the spool.
    pub writer: Writer,
}

impl Eraser {
    /// Erases the person whom an id counts for; answers with the receipt of the id that they count for, which is
    /// not finished yet where that takes long.
    pub async fn erase(&self, may: Granted<ErasePeople>, viewer: Viewer, id: &str) -> Result<erasure::Model> {
        let app = may.scope().app_id();
        check_id(id)?;
        let receipts = self.request(may, viewer, id).await?;
        let own = self.clone();
        let first = *receipts.first().ok_or(Error::NotFound("app"))?;
        // In a task of its own: whoever stops waiting must not stop it.
        let finished = tokio::spawn(async move {
            for receipt in receipts {
                own.finish(app, receipt).await?;
            }
            Ok::<_, Error>(())
        });
        if let Ok(finished) = timeout(PATIENCE, finished).await {
            finished.map_err(Error::internal)??;
        }
        self.receipt(app, first).await?.ok_or(Error::NotFound("app"))
    }

    /// Finishes what was interrupted, here or elsewhere. Where one is still under way, the two share
    /// the work.
    pub async fn finish_all(&self) -> Result<()> {
        use erasure::Column as C;
        let open = erasure::Entity::find().select_only().columns([C::AppId, C::Id]).filter(C::FinishedAt.is_null());
        for (app, receipt) in open.into_tuple::<(Uuid, Uuid)>().all(self.db.writer()).await? {
            // Whatever is wrong with one, the others have their turn.
            if let Err(error) = self.finish(app, receipt).await {
                tracing::warn!(%app, erasure = %receipt, "an erasure could not be finished");
                error.log();
            }
        }
        Ok(())
    }

    async fn receipt(&self, app: Uuid, id: Uuid) -> Result<Option<erasure::Model>> {
        Ok(erasure::Entity::find_by_id((app, id)).one(self.db.writer()).await?)
    }

    /// When the person with an id was last erased.
    pub async fn last(&self, may: Granted<ErasePeople>, id: &str) -> Result<Option<erasure::Model>> {
        use erased_id::Column as C;
        let app = may.scope().app_id();
        let of_id =
            erased_id::Entity::find().filter(C::AppId.eq(app)).filter(C::Digest.is_in(self.digests.all_of(app, id)));
        let Some(found) = of_id.order_by_desc(C::ErasureId).one(&*self.db).await? else { return Ok(None) };
        Ok(erasure::Entity::find_by_id((app, found.erasure_id)).one(&*self.db).await?)
    }

    /// Writes the request down; the receipts.
    async fn request(&self, may: Granted<ErasePeople>, viewer: Viewer, id: &str) -> Result<Vec<Uuid>> {
        use identity::Column as C;
        let (app, now) = (may.scope().app_id(), self.clock.now_ms());
        let transaction = self.db.begin().await?;
        let until_seq = hold(&transaction, app, now).await?;
        let person = person_of(&transaction, app, id).await?;
        let (mut receipts, mut links) = (Vec::new(), 0);
        loop {
            // Those of the receipts before are gone.
            let some: Vec<String> = linked(app, &person).limit(IDS).into_tuple().all(&transaction).await?;
            let is_last = (some.len() as u64) < IDS;
            let own = receipts.is_empty().then(|| person.clone());
            let ids: Vec<String> = own.into_iter().chain(some).collect();
            if ids.is_empty() {
                break;
            }
            let gone = identity::Entity::delete_many().filter(C::AppId.eq(app)).filter(C::FromId.is_in(&ids));
            links += gone.exec(&transaction).await?.rows_affected;
            let request = Request { app, ids, until_seq, now, by: viewer.user_id };
            receipts.push(self.note(&transaction, request).await?);
            if is_last {
                break;
            }
        }
        drop_links(&transaction, app, links).await?;
        // Without the person: the receipt does not say who that was, and neither does the log.
        if let Some(first) = receipts.first() {
            Entry::of(Action::PersonErased, may.scope()).to(*first, "").record(&transaction, now).await?;
        }
        transaction.commit().await?;
        Ok(receipts)
    }

    /// Writes a receipt for some ids of a person.
    async fn note(&self, transaction: &DatabaseTransaction, request: Request) -> Result<Uuid> {
        let Request { app, ids, until_seq, now, by } = request;
        let id = Uuid::now_v7();
        export::forget(transaction, app, &ids).await?;
        let digests = ids.iter().map(|own| erased_id::ActiveModel {
            app_id: Set(app),
            digest: Set(self.digests.of(app, own)),
            erasure_id: Set(id),
            erased_at: Set(now),
        });
        for digests in digests.collect::<Vec<_>>().chunks(500) {
            erased_id::Entity::insert_many(digests.to_vec()).exec_without_returning(transaction).await?;
        }
        let pending = Pending { ids, ..Pending::default() };
        let receipt = erasure::ActiveModel {
            app_id: Set(app),
            id: Set(id),
            requested_at: Set(now),
            requested_by: Set(by),
            finished_at: Set(None),
            until_seq: Set(until_seq),
            events: Set(0),
            sessions: Set(0),
            segments: Set(0),
            spooled: Set(0),
            dead_letters: Set(0),
            pending: Set(Some(serde_json::to_string(&pending).map_err(Error::internal)?)),
        };
        receipt.insert(transaction).await?;
        Ok(id)
    }

    /// Does what is left of an erasure. Every part can be done again.
    async fn finish(&self, app: Uuid, receipt: Uuid) -> Result<()> {
        let Some(receipt) = &self.receipt(app, receipt).await? else { return Ok(()) };
        let ids = Pending::of(receipt)?.ids;
        if receipt.finished_at.is_some() {
            return Ok(());
        }
        let people = People { app, ids: ids.clone(), until_seq: receipt.until_seq, receipt: receipt.id };
        self.columnar.erase(&people).await?;
        let letters = self.erase_letters(app, &ids, receipt.requested_at).await?;
        self.count(receipt, erasure::Column::DeadLetters, letters).await?;
        let spooled = match self.writer.spool() {
            Some(spool) => spool.erase(app, &ids, receipt.requested_at).await?,
            None => 0,
        };
        self.count(receipt, erasure::Column::Spooled, spooled).await?;
        let Some(noted) = self.receipt(app, receipt.id).await? else { return Ok(()) };
        let Pending { sessions, all, .. } = Pending::of(&noted)?;
        let sessions: Vec<String> = sessions.into_iter().collect();
        let whom = if all { Forgotten::All } else { Forgotten::These { visitors: &ids, sessions: &sessions } };
        self.columnar.forget(app, whom).await?;
        self.cache.forget(&cache::answers_of(app)).await;
        // Asked for while the person was being erased.
        export::forget(self.db.writer(), app, &ids).await?;
        let finished = erasure::Entity::update_many()
            .col_expr(erasure::Column::FinishedAt, Expr::value(self.clock.now_ms()))
            .col_expr(erasure::Column::Pending, Expr::value(None::<String>))
            .filter(own(receipt));
        finished.exec(self.db.writer()).await?;
        tracing::info!(%app, erasure = %receipt.id, "erased a person");
        Ok(())
    }

    async fn count(&self, receipt: &erasure::Model, column: erasure::Column, more: u64) -> Result<()> {
        if more > 0 {
            let counted = erasure::Entity::update_many().col_expr(column, Expr::col(column).add(more as i64));
            counted.filter(own(receipt)).exec(self.db.writer()).await?;
        }
        Ok(())
    }

    /// Removes dead letters of these ids, and takes the ids out of those of others; says how many went.
    async fn erase_letters(&self, app: Uuid, ids: &[String], until: i64) -> Result<u64> {
        use crate::entity::dead_letter::{Column as C, Entity};
        let (mut after, mut gone) = (Uuid::nil(), 0);
        while let Some((last, letters)) = dead_letter::next(self.db.writer(), app, after).await? {
            after = last;
            for (letter, mut draft) in letters.into_iter().filter(|(letter, _)| letter.received_at <= until) {
                match draft.without(|id| ids.iter().any(|own| own == id)) {
                    Without::Same => {}
                    Without::Gone => {
                        gone += Entity::delete_by_id((app, letter.id)).exec(self.db.writer()).await?.rows_affected;
                    }
                    Without::Changed => {
                        let json = serde_json::to_string(&draft).map_err(Error::internal)?;
                        let changed = Entity::update_many().col_expr(C::Event, Expr::value(json));
                        changed.filter(C::AppId.eq(app).and(C::Id.eq(letter.id))).exec(self.db.writer()).await?;
                    }
                }
            }
        }
        Ok(gone)
    }
}

/// Some ids to be erased.
struct Request {
    app: Uuid,
    ids: Vec<String>,
    until_seq: i64,
    now: i64,
    by: Uuid,
}

/// Refuses what can be the id of nobody.
pub(super) fn check_id(id: &str) -> Result<()> {
    if id.is_empty() || id.len() > bounds::PERSON || id.contains('\0') {
        return Err(Error::invalid("input.userId", format!("Expected an id of 1 to {} bytes.", bounds::PERSON)));
    }
    Ok(())
}

fn own(receipt: &erasure::Model) -> Condition {
    Condition::all().add(erasure::Column::AppId.eq(receipt.app_id)).add(erasure::Column::Id.eq(receipt.id))
}

/// Holds the app's head to the end of the transaction, and says from when on nothing late may come;
/// the number of its last commit.
async fn hold(transaction: &DatabaseTransaction, app: Uuid, now: i64) -> Result<i64> {
    change_head(transaction, app, event_head::Column::ErasedAt, Expr::value(now)).await?;
    let head = event_head::Entity::find_by_id(app).one(transaction).await?.ok_or(Error::NotFound("app"))?;
    Ok(head.seq)
}

/// Holds the app's head to the end of the transaction.
pub(super) async fn lock_head(transaction: &DatabaseTransaction, app: Uuid) -> Result<()> {
    drop_links(transaction, app, 0).await
}

/// Counts links that are gone.
pub(super) async fn drop_links(transaction: &DatabaseTransaction, app: Uuid, links: u64) -> Result<()> {
    let column = event_head::Column::Links;
    change_head(transaction, app, column, Expr::col(column).sub(links as i64)).await
}

async fn change_head(
    transaction: &DatabaseTransaction,
    app: Uuid,
    column: event_head::Column,
    value: Expr,
) -> Result<()> {
    let held = event_head::Entity::update_many().col_expr(column, value).filter(event_head::Column::AppId.eq(app));
    if held.exec(transaction).await?.rows_affected == 0 {
        return Err(Error::NotFound("app"));
    }
    Ok(())
}

/// The id that an id counts for.
async fn person_of(db: &impl ConnectionTrait, app: Uuid, id: &str) -> Result<String> {
    let link = identity::Entity::find_by_id((app, id.to_owned())).one(db).await?;
    Ok(link.map_or_else(|| id.to_owned(), |link| link.user_id))
}

/// The ids that are linked to a person's, with nothing else selected.
fn linked(app: Uuid, person: &str) -> Select<identity::Entity> {
    use identity::Column as C;
    identity::Entity::find().select_only().column(C::FromId).filter(C::AppId.eq(app)).filter(C::UserId.eq(person))
}

/// The ids of the person whom an id counts for: their own, and all that are linked to it. Of too many it refuses to
/// tell.
pub(super) async fn ids_of(db: &impl ConnectionTrait, app: Uuid, id: &str) -> Result<Vec<String>> {
    let person = person_of(db, app, id).await?;
    let linked: Vec<String> = linked(app, &person).limit(MAX_EXPORTED + 1).into_tuple().all(db).await?;
    if linked.len() as u64 > MAX_EXPORTED {
        let text = format!("More than {MAX_EXPORTED} ids are linked to this one, too many for one file.");
        return Err(Error::conflict("input.userId", text));
    }
    Ok(std::iter::once(person).chain(linked).collect())
}

/// What is left of an event without some ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// It names none of them.
    Same,
    /// It counts for somebody else, who was on the same device; the ids are out of it.
    Changed,
    /// It is theirs.
    Gone,
}

impl Draft {
    /// Every id of a person that it holds.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let event = &self.event;
        let own = [event.user_id.as_deref(), event.anonymous_id.as_deref(), self.yesterday.as_deref()];
        let links = self.link.iter().flat_map(|link| [link.from.as_str(), link.to.as_str()]);
        own.into_iter().flatten().chain(links)
    }

    /// What would be left of it.
    pub fn concerns(&self, is_erased: impl Fn(&str) -> bool) -> Without {
        let anonymous = self.event.anonymous_id.as_deref();
        let is_known = self.event.user_id.is_some();
        let mut is_beside = false;
        for id in self.names().filter(|id| is_erased(id)) {
            // Of somebody else on the same device, unless the event says that the two are one.
            if !is_known || anonymous != Some(id) || self.link.is_some() {
                return Without::Gone;
            }
            is_beside = true;
        }
        if is_beside { Without::Changed } else { Without::Same }
    }

    /// Takes ids out of it.
    pub fn without(&mut self, is_erased: impl Fn(&str) -> bool) -> Without {
        let without = self.concerns(is_erased);
        if without == Without::Changed {
            self.event.anonymous_id = None;
        }
        without
    }
}
