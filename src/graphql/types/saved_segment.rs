//! A filter that an app keeps under a name.

use async_graphql::{Context, Description, ID, Json, Object};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    analytics::segments,
    auth::AppScope,
    clock::Moment,
    entity::saved_segment::{Column, Entity, Model},
    graphql::{
        context::ContextExt,
        error::Result,
        id::NodeId,
        loader::VisibleApp,
        page::{Page, Paginator},
    },
};

/// A filter that an app keeps under a name. Every filter of a question about the app takes its id as
/// `segment`.
#[derive(Description)]
pub struct SavedSegment(pub Model);

impl SavedSegment {
    /// The saved segment of this id, if the viewer may see its app.
    pub async fn find(ctx: &Context<'_>, app: Uuid, segment: Uuid) -> Result<Option<Self>> {
        if ctx.loader().load_one(VisibleApp(app)).await?.is_none() {
            return Ok(None);
        }
        Ok(Entity::find_by_id((app, segment)).one(&*ctx.app().db).await?.map(Self))
    }
}

/// A page of the saved segments of an app, newest first.
pub async fn page(ctx: &Context<'_>, scope: AppScope, first: i32, after: Option<String>) -> Result<Page<SavedSegment>> {
    let page = Paginator::<(i64, Uuid)>::new(("savedSegments", scope.app_id()), first, after)?;
    let mut segments = Entity::of_app(scope.app_id()).limit(page.first() as u64 + 1);
    if let Some((created_at, id)) = page.after() {
        let same = Column::CreatedAt.eq(*created_at).and(Column::Id.lt(*id));
        segments = segments.filter(Column::CreatedAt.lt(*created_at).or(same));
    }
    let segments = segments.all(&*ctx.app().db).await?;
    Ok(page.probed(segments, |segment| (segment.created_at, segment.id), SavedSegment)?)
}

#[Object(use_type_description)]
impl SavedSegment {
    /// Identifies the saved segment everywhere.
    pub async fn id(&self) -> ID {
        NodeId::SavedSegment { app: self.0.app_id, segment: self.0.id }.into()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null where nobody has said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Which events it lets through: an `EventFilter`, as a request writes it.
    async fn filter(&self) -> Result<Json<serde_json::Value>> {
        Ok(Json(segments::json(&self.0)?))
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.0.updated_at)
    }
}
