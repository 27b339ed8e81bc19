//! One user of an app, and lists of them.

use async_graphql::{Context, Description, Object, SimpleObject};
use serde::Serialize;

use super::event::{self, Event};
use crate::{
    analytics::{
        BigInt, BotTraffic, EventTypeCount, Range, UserOrder, UserTotals,
        filter::{EventFilter, MAX_TEXT},
        user::{self, DeviceCount, PageCount, Visit},
    },
    auth::AppScope,
    clock::Moment,
    error::Error,
    graphql::{
        ask::Ask,
        context::ContextExt,
        error::Result,
        frozen::{Frozen, RangeKey},
        guard::{LOOKUP, passes},
        loader::{self, SeenUser},
        page::{self, CountedPage, Page, Paginator},
    },
};

/// What a user did, in numbers.
#[derive(SimpleObject)]
#[graphql(name = "UserTotals")]
pub struct Totals {
    /// Number of events.
    events: BigInt,
    /// Number of different session ids.
    sessions: BigInt,
    /// Number of events of type `page_view`.
    page_views: BigInt,
}

/// What is known of one user of an app: somebody who did something there, which has nothing to do
/// with accounts on this server.
#[derive(Description)]
pub struct UserStats {
    scope: AppScope,
    range: Option<Range>,
    range_key: Option<RangeKey>,
    timezone: String,
    bots: BotTraffic,
    seq: i64,
    totals: UserTotals,
}

impl UserStats {
    /// The user whom this id counts for, within a range or at all; none where they have no event there.
    pub async fn find(
        ctx: &Context<'_>,
        scope: AppScope,
        user_id: String,
        range: Option<(Range, RangeKey)>,
        timezone: String,
        bots: BotTraffic,
    ) -> Result<Option<Self>> {
        if user_id.len() > MAX_TEXT {
            let text = format!("userId may be at most {MAX_TEXT} bytes long.");
            return Err(Error::invalid("userId", text).into());
        }
        // Nobody can have been stored under such an id, and Postgres would not even compare it.
        if user_id.contains('\0') {
            return Ok(None);
        }
        let (range, range_key) = range.unzip();
        let seq = ctx.loader().loader().head(scope).await?;
        let user_id = user::linked(&ctx.app().db, scope, user_id).await?;
        let found = loader::load(ctx, SeenUser { scope, user_id, range, bots, seq }).await?;
        Ok(found.map(|stats| Self { scope, range, range_key, timezone, bots, seq, totals: stats.totals.clone() }))
    }

    async fn stats(&self, ctx: &Context<'_>) -> Result<std::sync::Arc<user::UserStats>> {
        let Self { scope, range, bots, seq, .. } = *self;
        let key = SeenUser { scope, user_id: self.totals.user_id.clone(), range, bots, seq };
        let stats = ctx.loader().load_one(key).await?;
        Ok(stats.ok_or_else(|| Error::internal("a user that was counted has no events"))?)
    }
}

/// A page of the users whose events `ask` selects. `list` tells this list from others.
pub async fn page(
    ctx: &Context<'_>,
    mut ask: Ask,
    range_key: RangeKey,
    order: UserOrder,
    list: impl Serialize,
    first: i32,
    after: Option<String>,
) -> Result<CountedPage<UserStats>> {
    let page = Paginator::<Frozen<(i64, String)>>::new(list, first, after)?;
    let seq = ask.resume(ctx, page.after()).await?;
    let found = ask.users(ctx, seq, order, page.first(), page.after().map(|after| after.at.clone())).await?;
    let items = found.users.into_iter().map(|totals| {
        let sorted_by = match order {
            UserOrder::LastSeen => totals.last_seen_at.0,
            UserOrder::FirstSeen => totals.first_seen_at.0,
            UserOrder::Events => i64::try_from(totals.events.0).unwrap_or(i64::MAX),
        };
        let at = ask.freeze(seq, (sorted_by, totals.user_id.clone()));
        let range_key = Some(range_key.clone());
        let (range, timezone) = (Some(ask.range), ask.timezone().to_owned());
        (at, UserStats { scope: ask.scope, range, range_key, timezone, bots: ask.bots, seq, totals })
    });
    Ok(page.counted(items.collect(), found.more, found.total)?)
}

#[Object(use_type_description)]
impl UserStats {
    /// The user id, or the anonymous id of somebody not yet known.
    async fn user_id(&self) -> &str {
        &self.totals.user_id
    }

    /// What they did, in numbers: within the range, and by the filter where a list was filtered.
    async fn totals(&self) -> Totals {
        let UserTotals { events, sessions, page_views, .. } = self.totals;
        Totals { events, sessions, page_views }
    }

    /// When the first of these events happened.
    async fn first_seen_at(&self) -> Moment {
        self.totals.first_seen_at
    }

    /// When the last of these events happened.
    async fn last_seen_at(&self) -> Moment {
        self.totals.last_seen_at
    }

    /// What they did most within the range, most frequent first; at most 20 types.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn top_events(&self, ctx: &Context<'_>) -> Result<Vec<EventTypeCount>> {
        Ok(self.stats(ctx).await?.top_events.clone())
    }

    /// Where they looked most within the range, most page views first; at most 20 pages.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn top_pages(&self, ctx: &Context<'_>) -> Result<Vec<PageCount>> {
        Ok(self.stats(ctx).await?.top_pages.clone())
    }

    /// What they used within the range, most frequent first; at most 20 combinations.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn devices(&self, ctx: &Context<'_>) -> Result<Vec<DeviceCount>> {
        Ok(self.stats(ctx).await?.devices.clone())
    }

    /// Their visits within the range, latest start first; at most 20.
    #[graphql(complexity = "LOOKUP + child_complexity")]
    async fn visits(&self, ctx: &Context<'_>) -> Result<Vec<Visit>> {
        Ok(self.stats(ctx).await?.visits.clone())
    }

    /// What they did within the range, newest first.
    #[graphql(complexity = "LOOKUP + passes(&filter) + page::cost(first, child_complexity)")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Event>> {
        let user = self.totals.user_id.clone();
        let ask = Ask::within(ctx, self.scope, &self.timezone, self.range, self.seq, filter, self.bots).await?;
        let list = ("activity", self.scope.app_id(), user.clone(), self.range_key.clone(), ask.asked(), self.bots);
        event::page(ctx, ask, Some(user), list, first, after).await
    }
}
