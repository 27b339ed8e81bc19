//! Panels that an app keeps together under a name.

use async_graphql::{Context, Description, Enum, ID, Json, Object};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    apps::dashboard,
    auth::AppScope,
    clock::Moment,
    db::Db,
    entity::dashboard::{Column, Entity, Model},
    error,
    graphql::{
        context::ContextExt,
        error::Result,
        id::NodeId,
        loader::VisibleApp,
        page::{self, Page, Paginator},
        panel,
    },
};

/// How a panel shows its answer.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "dashboard::Display")]
pub enum PanelDisplay {
    /// Figures, each in large.
    Headline,
    /// Figures over time.
    Timeline,
    /// Groups with bars, the largest first.
    Ranking,
    /// Rows and columns.
    Table,
    /// Countries on a map.
    Map,
    /// Steps and how many came as far.
    Funnel,
    /// Cohorts and how many came back.
    Retention,
    /// Ways before or behind an event.
    Paths,
}

/// Panels that an app keeps together under a name.
#[derive(Description)]
pub struct Dashboard(pub Model);

impl Dashboard {
    /// The dashboard of this id, if the viewer may see its app.
    pub async fn find(ctx: &Context<'_>, app: Uuid, dashboard: Uuid) -> Result<Option<Self>> {
        if ctx.loader().load_one(VisibleApp(app)).await?.is_none() {
            return Ok(None);
        }
        Ok(Entity::find_by_id((app, dashboard)).one(&*ctx.app().db).await?.map(Self))
    }
}

/// The dashboards of an app.
pub struct Dashboards(pub AppScope);

#[Object]
impl Dashboards {
    /// Panels that it keeps together under names; newest first.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn dashboards(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Dashboard>> {
        let page = Paginator::<(i64, Uuid)>::new(("dashboards", self.0.app_id()), first, after)?;
        let mut rows = Entity::of_app(self.0.app_id()).limit(page.first() as u64 + 1);
        if let Some((created_at, id)) = page.after() {
            let same = Column::CreatedAt.eq(*created_at).and(Column::Id.lt(*id));
            rows = rows.filter(Column::CreatedAt.lt(*created_at).or(same));
        }
        let rows = rows.all(&*ctx.app().db).await?;
        Ok(page.probed(rows, |row| (row.created_at, row.id), Dashboard)?)
    }
}

#[Object(use_type_description)]
impl Dashboard {
    /// Identifies the dashboard everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Dashboard { app: self.0.app_id, dashboard: self.0.id }.into()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Counts its changes. Whoever changes it says which revision they have seen.
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// Its panels, in the order in which they are read out.
    async fn panels(&self, ctx: &Context<'_>) -> Result<Vec<DashboardPanel>> {
        Ok(DashboardPanel::all_of(&ctx.app().db, &self.0).await?)
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

/// Something that a dashboard asks, and where its answer stands on a grid of twelve columns.
#[derive(Description)]
pub struct DashboardPanel {
    kept: dashboard::Panel,
    lists_people: bool,
}

impl DashboardPanel {
    /// The panels of a dashboard.
    pub async fn all_of(db: &Db, board: &Model) -> error::Result<Vec<Self>> {
        let panels = dashboard::panels(board)?;
        let listing = panel::list_people(db, board.app_id, &panels).await?;
        Ok(panels.into_iter().zip(listing).map(|(kept, lists_people)| Self { kept, lists_people }).collect())
    }

    /// Whether it is left out where somebody has but a link.
    pub fn is_withheld(&self) -> bool {
        self.lists_people
    }
}

#[Object(use_type_description)]
impl DashboardPanel {
    /// Tells the panel from others of its dashboard. It is another one whenever the panels are replaced.
    async fn panel_id(&self) -> ID {
        self.kept.id.simple().to_string().into()
    }

    /// What it is headed.
    async fn title(&self) -> &str {
        &self.kept.title
    }

    /// How it shows its answer.
    async fn display(&self) -> PanelDisplay {
        self.kept.display.into()
    }

    /// The column it begins in, from 0 at the left.
    async fn x(&self) -> i32 {
        self.kept.x
    }

    /// The row it begins in, from 0 at the top.
    async fn y(&self) -> i32 {
        self.kept.y
    }

    /// How many columns it takes.
    async fn width(&self) -> i32 {
        self.kept.width
    }

    /// How many rows it takes.
    async fn height(&self) -> i32 {
        self.kept.height
    }

    /// What it asks: a GraphQL document of one query.
    async fn document(&self) -> &str {
        &self.kept.document
    }

    /// Whether it lists single people, what they did or when they came, or has a filter that tells one person or visit
    /// from others, be it by a saved segment or a goal. Such a panel is not shown to whoever has but a link to the
    /// dashboard.
    async fn lists_people(&self) -> bool {
        self.lists_people
    }

    /// The variables with which it asks, an object.
    async fn variables(&self) -> Json<&serde_json::Value> {
        Json(&self.kept.variables)
    }
}
