//! People erased from an app: every trace of theirs, wherever the server keeps it.
//!
//! The person is whoever an id counts for, with all ids that are linked to them. First, in one
//! transaction that holds the app's head, the request is written down with the commit up to which it
//! holds, their links go, and digests of their ids are left behind, by which the writer knows events
//! that arrived before and reach it late. Then their events go, in steps each of which leaves rows and
//! segments equal; then whatever named them. A server that stops in between goes on at its next start.

use std::{collections::BTreeSet, time::Duration};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
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
/// Ids one person may have.
const MAX_IDS: u64 = 10_000;

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
    /// Erases the person whom an id counts for; answers with the receipt, which is not finished yet
    /// where that takes long.
    pub async fn erase(&self, may: Granted<ErasePeople>, viewer: Viewer, id: &str) -> Result<erasure::Model> {
        let app = may.scope().app_id();
        check_id(id)?;
        let receipt = self.request(may, viewer, id).await?;
        let (own, found) = (self.clone(), receipt.clone());
        // In a task of its own: whoever stops waiting must not stop it.
        let finished = tokio::spawn(async move { own.finish(&found).await });
        if let Ok(finished) = timeout(PATIENCE, finished).await {
            finished.map_err(Error::internal)??;
        }
        let receipt = erasure::Entity::find_by_id((app, receipt.id)).one(self.db.writer()).await?;
        receipt.ok_or(Error::NotFound("app"))
    }

    /// Finishes what was interrupted, here or elsewhere. Where one is still under way, the two share
    /// the work.
    pub async fn finish_all(&self) -> Result<()> {
        let open = erasure::Entity::find().filter(erasure::Column::FinishedAt.is_null());
        for receipt in open.all(self.db.writer()).await? {
            self.finish(&receipt).await?;
        }
        Ok(())
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

    /// Writes the request down.
    async fn request(&self, may: Granted<ErasePeople>, viewer: Viewer, id: &str) -> Result<erasure::Model> {
        let (app, now) = (may.scope().app_id(), self.clock.now_ms());
        let transaction = self.db.begin().await?;
        let until_seq = hold(&transaction, app, now).await?;
        let ids = ids_of(&transaction, app, id).await?;
        let erasure_id = Uuid::now_v7();
        let links =
            Condition::any().add(identity::Column::FromId.is_in(&ids)).add(identity::Column::UserId.is_in(&ids));
        let links = identity::Entity::delete_many().filter(identity::Column::AppId.eq(app)).filter(links);
        let links = links.exec(&transaction).await?.rows_affected;
        drop_links(&transaction, app, links).await?;
        export::forget(&transaction, app, &ids).await?;
        let digests = ids.iter().map(|id| erased_id::ActiveModel {
            app_id: Set(app),
            digest: Set(self.digests.of(app, id)),
            erasure_id: Set(erasure_id),
            erased_at: Set(now),
        });
        for digests in digests.collect::<Vec<_>>().chunks(500) {
            erased_id::Entity::insert_many(digests.to_vec()).exec_without_returning(&transaction).await?;
        }
        let pending = Pending { ids, sessions: BTreeSet::new() };
        let receipt = erasure::ActiveModel {
            app_id: Set(app),
            id: Set(erasure_id),
            requested_at: Set(now),
            requested_by: Set(viewer.user_id),
            finished_at: Set(None),
            until_seq: Set(until_seq),
            events: Set(0),
            sessions: Set(0),
            segments: Set(0),
            spooled: Set(0),
            dead_letters: Set(0),
            pending: Set(Some(serde_json::to_string(&pending).map_err(Error::internal)?)),
        };
        let receipt = receipt.insert(&transaction).await?;
        // Without the person: the receipt does not say who that was, and neither does the log.
        Entry::of(Action::PersonErased, may.scope()).to(erasure_id, "").record(&transaction, now).await?;
        transaction.commit().await?;
        Ok(receipt)
    }

    /// Does what is left of an erasure. Every part can be done again.
    async fn finish(&self, receipt: &erasure::Model) -> Result<()> {
        let (app, ids) = (receipt.app_id, Pending::of(receipt)?.ids);
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
        let noted = erasure::Entity::find_by_id((app, receipt.id)).one(self.db.writer()).await?;
        let sessions: Vec<String> = match noted {
            Some(noted) => Pending::of(&noted)?.sessions.into_iter().collect(),
            None => return Ok(()),
        };
        self.columnar.forget(app, Forgotten::These { visitors: &ids, sessions: &sessions }).await?;
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

/// The ids of the person whom an id counts for: their own, and all that are linked to it.
pub(super) async fn ids_of(db: &impl ConnectionTrait, app: Uuid, id: &str) -> Result<Vec<String>> {
    let link = identity::Entity::find_by_id((app, id.to_owned())).one(db).await?;
    let person = link.map_or_else(|| id.to_owned(), |link| link.user_id);
    let linked =
        identity::Entity::find().filter(identity::Column::AppId.eq(app)).filter(identity::Column::UserId.eq(&person));
    if linked.clone().count(db).await? > MAX_IDS {
        return Err(Error::Conflict {
            field: Some("input.userId".into()),
            message: format!("More than {MAX_IDS} ids are linked to this one. It is no person's."),
        });
    }
    let linked = linked.select_only().column(identity::Column::FromId).into_tuple::<String>().all(db).await?;
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
