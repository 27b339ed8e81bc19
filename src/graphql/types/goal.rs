//! What visitors are meant to do, and how many do.

use async_graphql::{Context, Description, ID, Json, Object};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::conversion::Conversion;
use crate::{
    analytics::{BotTraffic, Comparison, Interval, filter::EventFilter, goal, range::TimeRange},
    auth::AppScope,
    clock::Moment,
    entity::goal::{Column, Entity, Model},
    error::Error,
    graphql::{
        ask::{Arguments, Ask},
        context::ContextExt,
        error::Result,
        guard::{REPORT, passes},
        id::NodeId,
        loader::VisibleApp,
        page::{Page, Paginator},
    },
};

/// What visitors of an app are meant to do: a filter with a name. Every event that the filter lets
/// through reaches the goal, those among them that happened before it was made.
#[derive(Description)]
pub struct Goal {
    model: Model,
    scope: AppScope,
    /// The app's own zone.
    timezone: String,
}

/// A page of the goals of an app, newest first.
pub async fn page(
    ctx: &Context<'_>,
    scope: AppScope,
    timezone: &str,
    first: i32,
    after: Option<String>,
) -> Result<Page<Goal>> {
    let page = Paginator::<(i64, Uuid)>::new(("goals", scope.app_id()), first, after)?;
    let mut goals = Entity::of_app(scope.app_id()).limit(page.first() as u64 + 1);
    if let Some((created_at, id)) = page.after() {
        let same = Column::CreatedAt.eq(*created_at).and(Column::Id.lt(*id));
        goals = goals.filter(Column::CreatedAt.lt(*created_at).or(same));
    }
    let goals = goals.all(&*ctx.app().db).await?;
    let goal = |model| Goal { model, scope, timezone: timezone.to_owned() };
    Ok(page.probed(goals, |goal| (goal.created_at, goal.id), goal)?)
}

impl Goal {
    /// A goal as whoever changed it sees it.
    pub async fn new(ctx: &Context<'_>, model: Model) -> Result<Self> {
        let (app, scope) = ctx.loader().load_one(VisibleApp(model.app_id)).await?.ok_or(Error::NotFound("app"))?;
        Ok(Self { model, scope, timezone: app.timezone })
    }

    /// The goal of this id, if the viewer may see its app.
    pub async fn find(ctx: &Context<'_>, app: Uuid, goal: Uuid) -> Result<Option<Self>> {
        let Some((app, scope)) = ctx.loader().load_one(VisibleApp(app)).await? else { return Ok(None) };
        let found = Entity::find_by_id((app.id, goal)).one(&*ctx.app().db).await?;
        Ok(found.map(|model| Self { model, scope, timezone: app.timezone }))
    }
}

#[Object(use_type_description)]
impl Goal {
    /// Identifies the goal everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Goal { app: self.model.app_id, goal: self.model.id }.into()
    }

    /// What its owner calls it; no other goal of the app has the same name.
    async fn name(&self) -> &str {
        &self.model.name
    }

    /// What it is good for; may be empty.
    async fn description(&self) -> &str {
        &self.model.description
    }

    /// Which events reach it: an `EventFilter` as it was given, without what was null in it.
    async fn filter(&self) -> Result<Json<serde_json::Value>> {
        Ok(Json(serde_json::from_str(&self.model.filter).map_err(Error::internal)?))
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.model.created_at)
    }

    /// When its name, its description or its filter last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.model.updated_at)
    }

    /// How many reach it, of how many. The figures are those of `summary` and `timeline` with the goal's
    /// filter added to `filter`, beside those without it.
    #[graphql(complexity = "3 * REPORT + passes(&filter) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn conversion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Width of the timeline's buckets; one that suits the range by default.")] interval: Option<
            Interval,
        >,
        #[graphql(desc = "Which events, by what they say, whether they reach the goal or not.")] filter: Option<
            EventFilter,
        >,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
        #[graphql(desc = "An earlier range to compare with.")] compare: Option<Comparison>,
    ) -> Result<Conversion> {
        let ask = async |filter| {
            let arguments = Arguments { range, filter, bots, timezone: timezone.clone(), compare };
            Ask::new(ctx, self.scope, &self.timezone, arguments).await
        };
        let all = ask(filter).await?;
        let reached = all.narrowed(&ask(Some(goal::filter(&self.model)?)).await?);
        Conversion::find(ctx, &all, &reached, interval).await
    }
}
