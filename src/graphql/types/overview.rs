//! The page that opens a dashboard.

use async_graphql::{Context, Description, Object};

use crate::{
    analytics::{Breakdown, Dimension, Interval, Metric, Summary, Timeline},
    graphql::{
        ask::{Ask, Grouping},
        error::Result,
        guard::REPORT,
    },
};

/// The page that opens a dashboard. Each part is computed only when it is selected, and parts that
/// are asked for together share one pass over the events.
#[derive(Description)]
pub struct Overview(pub Ask);

impl Overview {
    async fn top(&self, ctx: &Context<'_>, by: Dimension, limit: i32, order: Metric) -> Result<Breakdown> {
        self.0.breakdown(ctx, Grouping::by(by, limit, order)?).await
    }
}

#[Object(use_type_description)]
impl Overview {
    /// The headline figures.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn summary(&self, ctx: &Context<'_>) -> Result<Summary> {
        self.0.summary(ctx).await
    }

    /// Their course over time.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Width of the buckets; one that suits the range by default.")] interval: Option<Interval>,
    ) -> Result<Timeline> {
        self.0.timeline(ctx, interval).await
    }

    /// The pages with the most page views.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_pages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::PagePath, limit, Metric::PageViews).await
    }

    /// The sites from which visitors with the most events came.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_referrers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::ReferrerDomain, limit, Metric::Events).await
    }

    /// The countries with the most events.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_countries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::Country, limit, Metric::Events).await
    }

    /// The browsers with the most events.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_browsers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::Browser, limit, Metric::Events).await
    }

    /// The kinds of device with the most events.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_devices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::Device, limit, Metric::Events).await
    }

    /// The types of events that happened most.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn top_event_types(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, from 1 to 1,000.", default = 10)] limit: i32,
    ) -> Result<Breakdown> {
        self.top(ctx, Dimension::EventType, limit, Metric::Events).await
    }
}
