//! The sessions of an app one by one.

use async_graphql::{Context, Object};

use crate::{
    analytics::{
        BotTraffic,
        events::EventsQuestion,
        filter::EventFilter,
        range::TimeRange,
        session_list::{VisitorSession, sessions},
    },
    auth::AppScope,
    graphql::{
        ask::{Arguments, Ask},
        context::ContextExt,
        error::Result,
        frozen::{Frozen, RangeKey},
        guard::report,
        page::{self, CountedPage, Paginator},
    },
};

/// What an app can tell of its sessions.
pub struct SessionList {
    /// Proof that the asker may ask.
    pub scope: AppScope,
    /// The app's own zone.
    pub timezone: String,
}

#[Object]
impl SessionList {
    /// The sessions of a range one by one, the latest start first; those that start together in the order of
    /// their ids. All pages of a list are of the events that were there when its first page was read.
    #[graphql(complexity = "report(&filter) + page::cost(first, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn session_list(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<CountedPage<VisitorSession>> {
        let key = RangeKey::of(&range, timezone.as_deref());
        let arguments = Arguments { range, filter, bots, timezone, compare: None };
        let mut ask = Ask::new(ctx, self.scope, &self.timezone, arguments).await?;
        let list = ("sessions", self.scope.app_id(), key, ask.asked(), bots);
        let page = Paginator::<Frozen<(i64, String)>>::new(list, first, after)?;
        let seq = ask.resume(ctx, page.after()).await?;
        let question = EventsQuestion {
            app: ask.scope,
            range: ask.range,
            filter: ask.filter.clone(),
            bots,
            user: None,
            seq,
            first: page.first(),
            after: None,
            since: None,
        };
        let loaders = ctx.loader().loader();
        let after = page.after().map(|after| after.at.clone());
        let (allowance, behaved) = (loaders.allowance(), loaders.behaved());
        let found = sessions(&ctx.app().columnar, allowance, behaved, &question, after).await?;
        let items = found.sessions.into_iter().map(|session| {
            let at = (session.started_at.0, session.session_id.clone());
            (ask.freeze(seq, at), session)
        });
        Ok(page.counted(items.collect(), found.more, found.total)?)
    }
}
