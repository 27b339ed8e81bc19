//! Links by which a dashboard is shown to whoever has one.

use async_graphql::{Context, Description, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::dashboard::{Dashboard, DashboardPanel};
use crate::{
    auth::{AppScope, permission::ShareDashboards},
    clock::Moment,
    entity::{
        app, dashboard as dashboards,
        dashboard_share::{Column, Entity, Model},
    },
    error::Error,
    graphql::{
        context::{Asker, ContextExt, LINKS_ONLY_SHOW},
        error::Result,
        guard::LOOKUP,
        id::{self, NodeId},
        loader::VisibleApp,
        page::{self, Page, Paginator},
    },
};

/// A link by which a dashboard is shown to whoever has it, until it expires or is revoked.
#[derive(Description)]
pub struct DashboardShare(pub Model);

impl DashboardShare {
    /// The link of this id; `FORBIDDEN` for members whose role is too small.
    pub async fn find(ctx: &Context<'_>, app: Uuid, share: Uuid) -> Result<Option<Self>> {
        let Some((_, scope)) = ctx.loader().load_one(VisibleApp(app)).await? else { return Ok(None) };
        scope.may::<ShareDashboards>()?;
        Ok(Entity::find_by_id((app, share)).one(&*ctx.app().db).await?.map(Self))
    }
}

#[Object(use_type_description)]
impl DashboardShare {
    /// Identifies the link everywhere. It opens nothing.
    pub async fn id(&self) -> ID {
        NodeId::DashboardShare { app: self.0.app_id, share: self.0.id }.into()
    }

    /// What tells it from other links.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it shows.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn dashboard(&self, ctx: &Context<'_>) -> Result<Option<Dashboard>> {
        Dashboard::find(ctx, self.0.app_id, self.0.dashboard_id).await
    }

    /// Whether it takes a password.
    async fn has_password(&self) -> bool {
        self.0.password_hash.is_some()
    }

    /// From when on it shows nothing; null where it does so until it is revoked.
    async fn expires_at(&self) -> Option<Moment> {
        self.0.expires_at.map(Moment)
    }

    /// When it was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }
}

/// The links to an app's dashboards.
pub struct DashboardShares(pub AppScope);

#[Object]
impl DashboardShares {
    /// Links by which its dashboards are shown, those that have expired among them; newest first. Takes the role
    /// `ADMIN`.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn dashboard_shares(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those of the dashboard of this id, such as `dsh_0199…_0199…`.")] dashboard_id: Option<
            ID,
        >,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<DashboardShare>> {
        let app = self.0.may::<ShareDashboards>()?.scope().app_id();
        let shown = dashboard_id.as_ref().map(id::dashboard).transpose()?.map(|(_, dashboard)| dashboard);
        let page = Paginator::<Uuid>::new(("dashboardShares", app, shown), first, after)?;
        let mut rows = Entity::of_app(app).limit(page.first() as u64 + 1);
        if let Some(shown) = shown {
            rows = rows.filter(Column::DashboardId.eq(shown));
        }
        if let Some(after) = page.after() {
            rows = rows.filter(Column::Id.lt(*after));
        }
        let rows = rows.all(&*ctx.app().db).await?;
        Ok(page.probed(rows, |row| row.id, DashboardShare)?)
    }
}

/// A dashboard as it is shown to whoever has a link to it.
#[derive(SimpleObject)]
pub struct SharedDashboard {
    /// What it is called.
    name: String,
    /// What the app is called whose figures it shows.
    app_name: String,
    /// The IANA time zone of the app, in which days begin and end unless a panel says otherwise.
    timezone: String,
    /// Its panels, in the order in which they are read out, but for those that list single people.
    panels: Vec<DashboardPanel>,
    /// From when on the link shows nothing; null where it does so until it is revoked.
    expires_at: Option<Moment>,
}

impl SharedDashboard {
    /// What the link shows that was sent along; `FORBIDDEN` for whoever asks as somebody we know.
    pub async fn of(ctx: &Context<'_>) -> Result<Self> {
        ctx.no_stranger()?;
        let Asker::Link(link) = ctx.asker() else {
            return Err(Error::Forbidden("This is answered to whoever has opened a link, and to nobody else.").into());
        };
        let (db, app) = (&ctx.app().db, link.scope.app_id());
        let board = dashboards::Entity::find_by_id((app, link.dashboard)).one(&**db).await?;
        let (Some(board), Some(app)) = (board, app::Entity::find_by_id(app).one(&**db).await?) else {
            return Err(LINKS_ONLY_SHOW.into());
        };
        let panels = DashboardPanel::all_of(db, &board).await?.into_iter().filter(|panel| !panel.is_withheld());
        Ok(Self {
            name: board.name,
            app_name: app.name,
            timezone: app.timezone,
            panels: panels.collect(),
            expires_at: link.expires_at.map(Moment),
        })
    }
}
