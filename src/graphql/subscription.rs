//! What goes on, while it goes on.

use std::sync::OnceLock;

use async_graphql::{Context, Description, ID, Object, SimpleObject, Subscription};
use futures::{Stream, stream};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use super::{
    context::ContextExt,
    error::Result,
    guard::report,
    id,
    loader::VisibleApp,
    page,
    types::{
        app::App,
        event::{self, Event},
    },
};
use crate::{
    analytics::{
        BotTraffic,
        filter::EventFilter,
        range::{RangePreset, TimeRange},
    },
    auth::AppScope,
    entity::{app, event as row},
    error::Error,
    graphql::ask::{Arguments, Ask},
};

/// What accompanies each answer to a subscription.
#[derive(Debug, Default)]
pub struct Tick {
    /// The commit that the answer before showed; none for the first.
    pub since: Option<i64>,
    /// The app that is followed and the commit that is shown, once the answer was begun.
    pub shown: OnceLock<(AppScope, i64)>,
}

/// What is answered again whenever it has changed, for as long as somebody looks.
#[derive(Default, Description)]
pub struct Subscriptions;

#[Subscription(name = "Subscription", use_type_description)]
impl Subscriptions {
    /// What is selected of an app, at once and then again whenever it has changed: at most twice a second, and at
    /// least looked at every ten seconds, as ranges move on by themselves. Whoever is slow to read skips answers
    /// and misses no change. It ends with the session or the API key that asks. A document subscribes to one app.
    #[graphql(complexity = "1 + child_complexity")]
    async fn live(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the app, such as `app_0199…`.")] app_id: ID,
    ) -> Result<impl Stream<Item = Live> + use<>> {
        ctx.no_stranger()?;
        let found = ctx.loader().load_one(VisibleApp(id::app(&app_id)?)).await?;
        let (model, scope) = found.ok_or(Error::NotFound("app"))?;
        let seq = ctx.loader().loader().head(scope).await?;
        let tick = ctx.data_opt::<std::sync::Arc<Tick>>().ok_or_else(|| Error::internal("an answer without a tick"))?;
        if tick.shown.set((scope, seq)).is_err() {
            return Err(Error::invalid("appId", "A document subscribes to one app.").into());
        }
        let live = Live { model, scope, since: tick.since, seq };
        Ok(stream::iter([live]))
    }
}

/// An app at a moment. All that is selected of it shows the same events.
#[derive(Description)]
pub struct Live {
    model: app::Model,
    scope: AppScope,
    since: Option<i64>,
    seq: i64,
}

/// Events that have come.
#[derive(SimpleObject)]
pub struct LiveEvents {
    /// The latest of them, newest first.
    nodes: Vec<Event>,
    /// How many have come since the answer before, whatever they say; null in the first answer.
    arrived: Option<i32>,
}

#[Object(use_type_description)]
impl Live {
    /// The app, to be asked whatever a query may ask: every figure with the same arguments and of the same type.
    async fn app(&self) -> App {
        App::new(self.model.clone(), self.scope)
    }

    /// Events that have come since the answer before, whenever they happened; in the first answer, the latest of the
    /// last 24 hours. When more come than are asked for, the newest are shown, and `arrived` tells how many came.
    #[graphql(complexity = "report(&filter) + page::cost(first, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "How many to show at most, from 1 to 100.")] first: i32,
    ) -> Result<LiveEvents> {
        let range = TimeRange { preset: Some(RangePreset::Last24Hours), ..TimeRange::default() };
        let arguments = Arguments { range, filter, bots, timezone: None, compare: None };
        let ask = Ask::new(ctx, self.scope, &self.model.timezone, arguments).await?;
        let nodes = event::latest(ctx, &ask, first, self.seq, self.since).await?;
        let arrived = match self.since.filter(|_| ctx.look_ahead().field("arrived").exists()) {
            Some(since) => Some(self.arrived(ctx, since).await?),
            None => None,
        };
        Ok(LiveEvents { nodes, arrived })
    }
}

impl Live {
    async fn arrived(&self, ctx: &Context<'_>, since: i64) -> Result<i32> {
        let new = row::Entity::as_of(self.scope.app_id(), self.seq).filter(row::Column::Seq.gt(since));
        Ok(i32::try_from(new.count(&*ctx.app().db).await?).unwrap_or(i32::MAX))
    }
}
