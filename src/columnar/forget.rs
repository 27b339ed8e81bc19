//! Numbers that lose their texts: of visitors and sessions none of whose events is left.
//!
//! Segments hold numbers, and `event_codes` says whose they are. Once no segment holds a number, its row
//! goes. The number is not given again, so that what was counted under it is never somebody else's.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{
    Columnar, NONE,
    header::Segment,
    load::Key,
    numbers::{self, Kind},
    part::{Loaded, Part},
    seal::claim,
    snapshot::{given, heads},
    values::Codes,
};
use crate::{
    entity::{event_code, event_segment, segment_head},
    error::{Error, Result},
};

/// How often it is tried against others who change segments.
const ATTEMPTS: usize = 20;
/// Texts of one statement.
const AT_ONCE: usize = 5_000;

/// Who is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Forgotten<'a> {
    /// These visitors and these sessions.
    These {
        /// Ids.
        visitors: &'a [String],
        /// Ids.
        sessions: &'a [String],
    },
    /// All there are.
    All,
}

/// A set of numbers.
struct Used(Vec<u64>);

impl Used {
    fn new(most: i64) -> Self {
        Self(vec![0; Ord::max(most, 0) as usize / 64 + 1])
    }

    fn set(&mut self, code: u32) {
        if let Some(bits) = self.0.get_mut(code as usize / 64) {
            *bits |= 1 << (code % 64);
        }
    }

    fn has(&self, code: u32) -> bool {
        self.0.get(code as usize / 64).is_some_and(|bits| bits & (1 << (code % 64)) != 0)
    }
}

impl Columnar {
    /// Frees the memory of an app that is gone.
    pub fn forget_app(&self, app: Uuid) {
        self.drop_parts(app, |_| true);
        self.drop_sums(app);
        self.drop_fresh(app);
    }

    /// Forgets sums of an app and who its visitors are.
    fn drop_sums(&self, app: Uuid) {
        let is_own = |key: &Key| matches!(key, Key::Stretch(of, ..) if *of == app);
        let sums: Vec<_> = self.parts.iter().map(|(key, _)| key).filter(|key| is_own(key)).collect();
        sums.iter().for_each(|key| self.parts.invalidate(&**key));
        self.names.invalidate(&(app, Kind::Visitor));
        self.names.invalidate(&(app, Kind::Session));
        self.apps.invalidate(&app);
    }

    /// Removes the texts of those among `whom` that no segment holds any more.
    pub async fn forget(&self, app: Uuid, whom: Forgotten<'_>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.try_to_forget(app, whom).await? {
                return Ok(());
            }
        }
        Err(Error::unavailable("segments were replaced again and again"))
    }

    async fn try_to_forget(&self, app: Uuid, whom: Forgotten<'_>) -> Result<bool> {
        let mut alone = self.sealing.lock().await;
        let (_, head) = heads(self.db.writer(), app).await?;
        let mut asked = Vec::new();
        if let Forgotten::These { visitors, sessions } = whom {
            for (kind, texts) in [(Kind::Visitor, visitors), (Kind::Session, sessions)] {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                asked.push((kind, numbers::of_texts(self.db.writer(), app, kind, &texts).await?));
            }
            if asked.iter().all(|(_, numbers)| numbers.is_empty()) {
                return Ok(true);
            }
        }
        let Some(used) = self.used(app, &head).await? else { return Ok(false) };
        let left: BTreeSet<i64> = self.commits_of_segments(app).await?.into_iter().map(|(id, _)| id).collect();
        let next = segment_head::Model { forgotten: head.forgotten + 1, ..head.clone() };
        let transaction = self.db.begin().await?;
        if !claim(&transaction, &head, &next).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        for (kind, numbers) in asked {
            let gone = numbers.iter().filter(|(_, code)| !used[kind as usize].has(**code));
            let gone: Vec<&String> = gone.map(|(text, _)| text).collect();
            delete(&transaction, app, kind, &gone).await?;
        }
        if let Forgotten::All = whom {
            for kind in Kind::ALL {
                delete_unused(&transaction, app, kind, &used[kind as usize]).await?;
            }
        }
        transaction.commit().await?;
        drop(alone.take(&head));
        self.drop_sums(app);
        self.drop_parts(app, |id| !left.contains(&id));
        Ok(true)
    }

    /// The numbers that segments hold; nothing when one was replaced meanwhile.
    async fn used(&self, app: Uuid, head: &segment_head::Model) -> Result<Option<[Used; 2]>> {
        let mut used = Kind::ALL.map(|kind| Used::new(given(head, kind)));
        let parts = Kind::ALL.map(|kind| Part::Column(kind.column()));
        for (id, _) in self.commits_of_segments(app).await? {
            let row = event_segment::Entity::find_by_id((app, id)).one(self.db.writer()).await?;
            let Some(segment) = row.map(Segment::of).transpose()? else { return Ok(None) };
            let events = segment.events;
            let Some(mut found) = self.load_and(false, app, &[segment.into()], &parts).await? else { return Ok(None) };
            let Some(found) = found.pop() else { return Ok(None) };
            for (used, part) in used.iter_mut().zip(&parts) {
                match found.get(part) {
                    Some(Loaded::Values(values)) => match &values.codes {
                        Codes::Constant(code) => used.set(*code),
                        codes => (0..events).for_each(|place| used.set(codes.get(place))),
                    },
                    _ => return Err(Error::internal("a segment lacks its visitors or sessions")),
                }
            }
        }
        Ok(Some(used))
    }
}

async fn delete(transaction: &impl sea_orm::ConnectionTrait, app: Uuid, kind: Kind, texts: &[&String]) -> Result<()> {
    use event_code::Column as C;
    for texts in texts.chunks(AT_ONCE) {
        let gone = C::AppId.eq(app).and(C::Kind.eq(kind.stored())).and(C::Value.is_in(texts.iter().copied()));
        event_code::Entity::delete_many().filter(gone).exec(transaction).await?;
    }
    Ok(())
}

/// Walks along the texts, for there is no index of the numbers of sessions.
async fn delete_unused(transaction: &impl sea_orm::ConnectionTrait, app: Uuid, kind: Kind, used: &Used) -> Result<()> {
    use event_code::Column as C;
    let mut after = None::<String>;
    loop {
        let mut page = event_code::Entity::find().filter(C::AppId.eq(app)).filter(C::Kind.eq(kind.stored()));
        if let Some(after) = &after {
            page = page.filter(C::Value.gt(after));
        }
        let page = page.order_by_asc(C::Value).limit(AT_ONCE as u64).all(transaction).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.value.clone());
        let gone = page.iter().filter(|row| u32::try_from(row.code).is_ok_and(|code| code != NONE && !used.has(code)));
        delete(transaction, app, kind, &gone.map(|row| &row.value).collect::<Vec<_>>()).await?;
    }
}
