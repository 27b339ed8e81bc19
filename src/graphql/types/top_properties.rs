//! What an app sends: its event types and custom properties.

use async_graphql::{Context, Description, Object, SimpleObject};

use crate::{
    analytics::{
        Answer, BigInt, Breakdown, Dimension, Metric, Needs, Report,
        top_properties::{PropertyCensus, TopPropertiesQuery, TopProperty},
    },
    graphql::{
        ask::{Ask, Grouping, mismatch},
        error::Result,
        guard::REPORT,
    },
};

/// What an app sends: the types of its events and their custom properties, the most frequent first.
/// Each part is computed only when it is selected.
#[derive(Description)]
pub struct TopProperties {
    ask: Ask,
    limit: i32,
    query: TopPropertiesQuery,
}

/// How often one type of event happened, and to how many.
#[derive(SimpleObject)]
pub struct TopEventType {
    /// The type, such as `page_view`.
    pub event_type: String,
    /// Number of events.
    pub events: BigInt,
    /// Number of different users.
    pub unique_users: BigInt,
    /// The type's share of all events, from 0 to 1.
    pub share: f64,
}

impl TopProperties {
    /// Checks the arguments `limit` and `values`.
    pub fn new(ask: Ask, limit: i32, values: i32) -> Result<Self> {
        Ok(Self { ask, limit, query: TopPropertiesQuery::new(limit, values)? })
    }

    async fn types(&self, ctx: &Context<'_>) -> Result<Breakdown> {
        self.ask.breakdown(ctx, Grouping::by(Dimension::EventType, self.limit, Metric::Events)?).await
    }

    async fn census(&self, ctx: &Context<'_>) -> Result<PropertyCensus> {
        match self.ask.answer(ctx, Report::TopProperties(self.query.clone())).await? {
            Answer::TopProperties(census) => Ok(census),
            other => mismatch(&other),
        }
    }
}

#[Object(use_type_description)]
impl TopProperties {
    /// Number of events.
    #[graphql(complexity = "REPORT")]
    async fn events(&self, ctx: &Context<'_>) -> Result<BigInt> {
        Ok(self.ask.figures(ctx, Needs::default()).await?.0.events)
    }

    /// The types of events; equal ones in the order of their names.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn event_types(&self, ctx: &Context<'_>) -> Result<Vec<TopEventType>> {
        let rows = self.types(ctx).await?.rows.into_iter().map(|row| TopEventType {
            event_type: row.label,
            events: row.figures.events,
            unique_users: row.figures.unique_users,
            share: row.share,
        });
        Ok(rows.collect())
    }

    /// How many types there are, shown or not.
    #[graphql(complexity = "REPORT")]
    async fn different_event_types(&self, ctx: &Context<'_>) -> Result<BigInt> {
        Ok(self.types(ctx).await?.groups)
    }

    /// The custom properties; equal ones in the order of their keys.
    #[graphql(complexity = "5 * REPORT + child_complexity")]
    async fn properties(&self, ctx: &Context<'_>) -> Result<Vec<TopProperty>> {
        Ok(self.census(ctx).await?.properties)
    }

    /// How many properties there are, shown or not.
    #[graphql(complexity = "5 * REPORT")]
    async fn different_properties(&self, ctx: &Context<'_>) -> Result<BigInt> {
        Ok(self.census(ctx).await?.different)
    }
}
