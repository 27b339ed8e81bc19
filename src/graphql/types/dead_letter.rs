//! Events that were acknowledged and could not be stored.

use async_graphql::{Context, Description, ID, Json, Object};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    auth::AppScope,
    clock::Moment,
    entity::dead_letter::{Column, Entity, Model},
    error::Error,
    graphql::{
        context::ContextExt,
        error::Result,
        id::NodeId,
        page::{Page, Paginator},
    },
};

/// An event that was acknowledged while the database was away, and that the database then refused.
/// It is in no figure. Once the cause is gone it can be tried again with `replayDeadLetters`.
#[derive(Description)]
pub struct DeadLetter(pub Model);

/// A page of the dead letters of an app, the latest first.
pub async fn page(ctx: &Context<'_>, scope: AppScope, first: i32, after: Option<String>) -> Result<Page<DeadLetter>> {
    let page = Paginator::<(i64, Uuid)>::new(("deadLetters", scope.app_id()), first, after)?;
    let mut letters = Entity::of_app(scope.app_id()).limit(page.first() as u64 + 1);
    if let Some((failed_at, id)) = page.after() {
        let same = Column::FailedAt.eq(*failed_at).and(Column::Id.lt(*id));
        letters = letters.filter(Column::FailedAt.lt(*failed_at).or(same));
    }
    let letters = letters.all(&*ctx.app().db).await?;
    Ok(page.probed(letters, |letter| (letter.failed_at, letter.id), DeadLetter)?)
}

#[Object(use_type_description)]
impl DeadLetter {
    /// The id that the event has once it is stored, and by which it is replayed or discarded.
    async fn event_id(&self) -> ID {
        NodeId::Event { app: self.0.app_id, event: self.0.id }.into()
    }

    /// When the event arrived.
    async fn received_at(&self) -> Moment {
        Moment(self.0.received_at)
    }

    /// When the database refused it last.
    async fn failed_at(&self) -> Moment {
        Moment(self.0.failed_at)
    }

    /// Why: a stable code, such as `NOT_STORABLE`.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Why, in a sentence.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The event as it was accepted, by the names of its columns.
    async fn event(&self) -> Result<Json<serde_json::Value>> {
        let mut draft: serde_json::Value = serde_json::from_str(&self.0.event).map_err(Error::internal)?;
        Ok(Json(draft.get_mut("event").map(serde_json::Value::take).unwrap_or(draft)))
    }
}
