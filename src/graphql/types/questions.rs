//! Questions about the ways of visitors: funnels, retention, sessions, paths, and numbers.

use async_graphql::{Context, Object};

use super::top_properties::TopProperties;
use crate::{
    analytics::{
        Answer, BotTraffic, Dimension, Report,
        condition::Number,
        filter::EventFilter,
        funnel::{Funnel, FunnelQuery, FunnelStepInput},
        paths::{PathDirection, PathUnit, Paths, PathsQuery},
        property_stats::{PropertyStats, PropertyStatsQuery},
        range::TimeRange,
        retention::{Retention, RetentionPeriod, RetentionQuery},
        sessions::SessionReport,
    },
    auth::AppScope,
    error::Error,
    graphql::{
        ask::{Arguments, Ask, check_property, fitting_period, mismatch},
        error::Result,
        guard::{passes, report},
    },
};

/// The questions of an app about the ways of its visitors.
pub struct Questions {
    scope: AppScope,
    timezone: String,
}

impl Questions {
    /// Of the app of `scope`, whose own zone this is.
    pub fn new(scope: AppScope, timezone: String) -> Self {
        Self { scope, timezone }
    }

    async fn ask(
        &self,
        ctx: &Context<'_>,
        range: TimeRange,
        filter: Option<EventFilter>,
        bots: BotTraffic,
        timezone: Option<String>,
    ) -> Result<Ask> {
        let arguments = Arguments { range, filter, bots, timezone, compare: None };
        Ask::new(ctx, self.scope, &self.timezone, arguments).await
    }
}

#[Object]
impl Questions {
    /// How far visitors come on a way of several steps, each later than the one before and all within a
    /// window of time from the first. A visitor counts once, on the way that leads furthest; of several, on
    /// the one that is there first; of those, on the one that begins last.
    #[graphql(
        complexity = "report(filter.iter().chain(steps.iter().map(|step| &step.filter))) + steps.len() * 10 + limit.clamp(0, 100) as usize + child_complexity"
    )]
    #[allow(clippy::too_many_arguments)]
    async fn funnel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time. A way must lie within it.")] range: TimeRange,
        #[graphql(desc = "The steps in order, 2 to 10.")] steps: Vec<FunnelStepInput>,
        #[graphql(
            desc = "Seconds from the first step within which all others must happen; seven days by default.",
            default = 604_800
        )]
        window_seconds: i32,
        #[graphql(desc = "A dimension to group visitors by: its value in the event with which their way begins.")]
        by: Option<Dimension>,
        #[graphql(desc = "Key of the custom property that the dimension `PROPERTY` groups by.")] property: Option<
            String,
        >,
        #[graphql(desc = "How many groups to show, from 1 to 100.", default = 10)] limit: i32,
        #[graphql(desc = "Which events, by what they say, in every step.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Result<Funnel> {
        check_property(by.as_slice(), property.as_deref())?;
        let ask = self.ask(ctx, range, filter, bots, timezone).await?;
        let mut query = FunnelQuery::new(steps, window_seconds, by, property.as_deref(), limit)?;
        for (place, filter) in query.filters().enumerate() {
            *filter = ask.checked(ctx, &format!("steps.{place}.filter"), std::mem::take(filter)).await?;
        }
        match ask.answer(ctx, Report::Funnel(query)).await? {
            Answer::Funnel(funnel) => Ok(funnel),
            other => mismatch(&other),
        }
    }

    /// Who comes back, and when. Visitors are in the cohort of the period of their first start event in the
    /// range. At most 120 periods; without a `period`, of a width that suits the range.
    #[graphql(complexity = "report(filter.iter().chain(&start).chain(&back)) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn retention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Width of the periods; one that suits the range by default.")] period: Option<RetentionPeriod>,
        #[graphql(desc = "Which events begin; every event by default.")] start: Option<EventFilter>,
        #[graphql(name = "return", desc = "Which events are a return; every event by default.")] back: Option<
            EventFilter,
        >,
        #[graphql(desc = "Which events, by what they say, whether start or return.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
    ) -> Result<Retention> {
        let ask = self.ask(ctx, range, filter, bots, timezone).await?;
        let start = ask.checked(ctx, "start", start.unwrap_or_default()).await?;
        let back = ask.checked(ctx, "return", back.unwrap_or_default()).await?;
        let period = period.unwrap_or_else(|| fitting_period(ask.range));
        let query = RetentionQuery::new(start, back, period, ask.timezone().to_owned());
        match ask.answer(ctx, Report::Retention(Box::new(query))).await? {
            Answer::Retention(retention) => Ok(retention),
            other => mismatch(&other),
        }
    }

    /// The sessions of a range: how long they are, where they begin and end.
    #[graphql(complexity = "report(&filter) + limit.clamp(0, 1_000) as usize / 10 + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "How many pages to show, from 1 to 1,000.", default = 10)] limit: i32,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Result<SessionReport> {
        if !(1..=1_000).contains(&limit) {
            return Err(Error::invalid("limit", "limit must be from 1 to 1,000.").into());
        }
        let report = Report::Sessions(limit as usize);
        match self.ask(ctx, range, filter, bots, timezone).await?.answer(ctx, report).await? {
            Answer::Sessions(sessions) => Ok(sessions),
            other => mismatch(&other),
        }
    }

    /// The numbers that a custom property has: their sum, mean, least, greatest, and quantiles, all exact.
    #[graphql(complexity = "report(&filter) + limit.clamp(0, 1_000) as usize / 10 + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn property_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Key of the custom property.")] key: String,
        #[graphql(desc = "Which quantiles, each from 0 to 1; at most 20. The median is 0.5.", default)] quantiles: Vec<
            Number,
        >,
        #[graphql(desc = "A dimension to group events by.")] by: Option<Dimension>,
        #[graphql(desc = "Key of the custom property that the dimension `PROPERTY` groups by.")] property: Option<
            String,
        >,
        #[graphql(desc = "How many groups to show, from 1 to 1,000.", default = 10)] limit: i32,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Result<PropertyStats> {
        check_property(by.as_slice(), property.as_deref())?;
        let query = PropertyStatsQuery::new(key, quantiles, by, property.as_deref(), limit)?;
        match self.ask(ctx, range, filter, bots, timezone).await?.answer(ctx, Report::PropertyStats(query)).await? {
            Answer::PropertyStats(stats) => Ok(stats),
            other => mismatch(&other),
        }
    }

    /// What the app sends: the types of its events and their custom properties, with types and values of
    /// the latter.
    #[graphql(complexity = "limit.clamp(0, 200) as usize + passes(&filter) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn top_properties(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "How many types of events, and how many properties, to show, from 1 to 200.", default = 20)]
        limit: i32,
        #[graphql(desc = "How many values of each property to show, from 0 to 10.", default = 5)] values: i32,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Result<TopProperties> {
        TopProperties::new(self.ask(ctx, range, filter, bots, timezone).await?, limit, values)
    }

    /// What visitors did before or after an event, within the same session.
    #[graphql(complexity = "report(filter.iter().chain([&anchor])) + limit.clamp(0, 100) as usize + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn paths(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "The event to look from: the first of a session that this lets through.")] anchor: EventFilter,
        #[graphql(desc = "Which way to look.", default)] direction: PathDirection,
        #[graphql(desc = "What the steps are.", default)] unit: PathUnit,
        #[graphql(desc = "How many steps to follow, from 1 to 5.", default = 3)] steps: i32,
        #[graphql(desc = "How many paths, and how many transitions, to show, from 1 to 100.", default = 20)] limit: i32,
        #[graphql(desc = "Which events, by what they say, the one to look from among them.")] filter: Option<
            EventFilter,
        >,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Result<Paths> {
        let ask = self.ask(ctx, range, filter, bots, timezone).await?;
        let anchor = ask.checked(ctx, "anchor", anchor).await?;
        let query = PathsQuery::new(anchor, direction, unit, steps, limit)?;
        match ask.answer(ctx, Report::Paths(Box::new(query))).await? {
            Answer::Paths(paths) => Ok(paths),
            other => mismatch(&other),
        }
    }
}
