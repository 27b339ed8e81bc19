//! Panels that an app keeps together under a name.

use async_graphql::{Context, ID, InputObject, Json, Object, SimpleObject};
use uuid::Uuid;

use super::scope_of;
use crate::{
    apps::dashboard::{self, MAX_PANELS, Panel},
    auth::AppScope,
    error::Error,
    graphql::{
        Schema,
        context::ContextExt,
        error::Result,
        id,
        panel::check,
        types::dashboard::{Dashboard, PanelDisplay},
    },
};

/// A panel of a dashboard.
#[derive(InputObject)]
struct DashboardPanelInput {
    /// What it shall be headed, in 1 to 100 characters.
    title: String,
    /// How it shall show its answer.
    display: PanelDisplay,
    /// The column it begins in, from 0 at the left.
    x: i32,
    /// The row it begins in, from 0 at the top to 999.
    y: i32,
    /// How many of the 12 columns it takes, from 1.
    width: i32,
    /// How many rows it takes, from 1 to 24.
    height: i32,
    /// What it asks, in at most 16,384 bytes: a GraphQL document of one query whose only field is `app`, with the id
    /// of the dashboard's own app, and of that only its figures, reports, lists of events, users and goals.
    document: String,
    /// The variables with which it asks: an object of at most 8,192 bytes.
    variables: Json<serde_json::Value>,
}

/// A new dashboard.
#[derive(InputObject)]
struct CreateDashboardInput {
    /// Id of the app that shall keep it, such as `app_0199…`.
    app_id: ID,
    /// What to call it, in 1 to 100 characters, as no other dashboard of the app is called.
    name: String,
    /// Its panels, at most 30.
    #[graphql(default)]
    panels: Vec<DashboardPanelInput>,
}

/// What to change of a dashboard. What is absent or null stays as it is.
#[derive(InputObject)]
struct UpdateDashboardInput {
    /// Id of the dashboard, such as `dsh_0199…_0199…`.
    id: ID,
    /// The revision that the change is made from. Where the dashboard has another one by now, the change is refused
    /// with the code `CONFLICT`, so that nobody takes back what somebody else has done meanwhile.
    revision: i32,
    /// What to call it, in 1 to 100 characters, as no other dashboard of the app is called.
    name: Option<String>,
    /// All its panels, at most 30, in the place of those it has.
    panels: Option<Vec<DashboardPanelInput>>,
}

/// Which dashboard to delete.
#[derive(InputObject)]
struct DeleteDashboardInput {
    /// Id of the dashboard, such as `dsh_0199…_0199…`.
    id: ID,
}

/// A dashboard was made.
#[derive(SimpleObject)]
struct CreateDashboardPayload {
    /// The new dashboard.
    dashboard: Dashboard,
}

/// A dashboard was changed.
#[derive(SimpleObject)]
struct UpdateDashboardPayload {
    /// The dashboard as it is now.
    dashboard: Dashboard,
}

/// A dashboard was deleted.
#[derive(SimpleObject)]
struct DeleteDashboardPayload {
    /// Its id, which names nothing any more.
    deleted_dashboard_id: ID,
}

#[derive(Default)]
pub(super) struct DashboardMutations;

#[Object]
impl DashboardMutations {
    /// Keeps panels together under a name.
    async fn create_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new dashboard.")] input: CreateDashboardInput,
    ) -> Result<CreateDashboardPayload> {
        let (server, viewer) = (ctx.app(), ctx.viewer()?);
        let scope = AppScope::of_member(&server.db, viewer, id::app(&input.app_id)?).await?;
        let may = scope.may()?;
        let panels = checked(ctx, scope.app_id(), input.panels).await?;
        let dashboard = dashboard::create(&server.db, &server.clock, may, &input.name, panels).await?;
        Ok(CreateDashboardPayload { dashboard: Dashboard(dashboard) })
    }

    /// Changes the name or the panels of a dashboard. While there are links to it, it takes the role `ADMIN`.
    async fn update_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dashboard, and what to change.")] input: UpdateDashboardInput,
    ) -> Result<UpdateDashboardPayload> {
        let (scope, id) = way_to(ctx, &input.id).await?;
        let may = scope.may()?;
        let panels = match input.panels {
            Some(panels) => Some(checked(ctx, scope.app_id(), panels).await?),
            None => None,
        };
        let (db, clock) = (&ctx.app().db, &ctx.app().clock);
        let dashboard = dashboard::update(db, clock, may, (id, input.revision), input.name, panels).await?;
        Ok(UpdateDashboardPayload { dashboard: Dashboard(dashboard) })
    }

    /// Deletes a dashboard with its panels and its links. While there are links, it takes the role `ADMIN`.
    async fn delete_dashboard(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dashboard to delete.")] input: DeleteDashboardInput,
    ) -> Result<DeleteDashboardPayload> {
        let (scope, id) = way_to(ctx, &input.id).await?;
        dashboard::delete(&ctx.app().db, &ctx.app().clock, scope.may()?, id).await?;
        Ok(DeleteDashboardPayload { deleted_dashboard_id: input.id })
    }
}

/// The panels, unless one asks for what no panel may.
async fn checked(ctx: &Context<'_>, app: Uuid, panels: Vec<DashboardPanelInput>) -> Result<Vec<Panel>, Error> {
    if panels.len() > MAX_PANELS {
        return Err(Error::invalid("input.panels", format!("Expected at most {MAX_PANELS} panels.")));
    }
    let schema = ctx.data_unchecked::<Schema>();
    let mut kept = Vec::with_capacity(panels.len());
    for (i, panel) in panels.into_iter().enumerate() {
        let DashboardPanelInput { title, display, x, y, width, height, document, variables: Json(variables) } = panel;
        let (path, id, display) = (format!("input.panels.{i}"), Uuid::now_v7(), display.into());
        let panel = Panel { id, title, display, x, y, width, height, document, variables }.checked(&path)?;
        check(schema, app, &panel.document, &panel.variables, &path).await?;
        kept.push(panel);
    }
    Ok(kept)
}

/// The dashboard that `id` names and the viewer's way to its app.
async fn way_to(ctx: &Context<'_>, id: &ID) -> Result<(AppScope, Uuid)> {
    ctx.viewer()?;
    let (app, dashboard) = id::dashboard(id)?;
    Ok((scope_of(ctx, app, "dashboard").await?, dashboard))
}
