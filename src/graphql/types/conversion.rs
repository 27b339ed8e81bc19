//! How many of an app's visitors reach a goal.

use async_graphql::{Context, Description, Object, SelectionField, SimpleObject};
use futures::future::{OptionFuture, try_join3};

use crate::{
    analytics::{BigInt, Figures, Interval, Needs, Timeline, revenue::Revenue},
    clock::Moment,
    error::Error,
    graphql::{
        ask::{Ask, needs_of},
        error::Result,
    },
};

/// How many reach a goal, of how many. Figures that are not selected are not computed.
#[derive(Description)]
pub struct Conversion {
    from: Moment,
    to: Moment,
    now: ConversionFigures,
    previous: Option<ConversionFigures>,
    timeline: Option<Timeline>,
}

/// How many reached a goal in a range, of how many.
#[derive(SimpleObject, Debug, Clone, Default, PartialEq)]
pub struct ConversionFigures {
    /// Number of events that reached the goal; one visitor may bring many.
    pub completions: BigInt,
    /// Number of different visitors with such an event.
    pub visitors: BigInt,
    /// Number of all visitors of the range, under the same filter.
    pub all_visitors: BigInt,
    /// The share of visitors who reached the goal, from 0 to 1; null without visitors.
    pub visitor_rate: Option<f64>,
    /// Number of different sessions with such an event.
    pub sessions: BigInt,
    /// Number of all sessions of the range, under the same filter.
    pub all_sessions: BigInt,
    /// The share of sessions that reached the goal, from 0 to 1; null without sessions.
    pub session_rate: Option<f64>,
    /// What the events that reached the goal brought in, a sum for each currency.
    pub revenue: Vec<Revenue>,
}

impl ConversionFigures {
    fn new(reached: Figures, all: &Figures) -> Self {
        let rate = |some: BigInt, all: BigInt| (all.0 > 0).then(|| some.0 as f64 / all.0 as f64);
        Self {
            completions: reached.events,
            visitors: reached.unique_users,
            all_visitors: all.unique_users,
            visitor_rate: rate(reached.unique_users, all.unique_users),
            sessions: reached.sessions,
            all_sessions: all.sessions,
            session_rate: rate(reached.sessions, all.sessions),
            revenue: reached.revenue,
        }
    }
}

/// The figures of the events that reach the goal and of all, and of what the former need the course.
#[derive(Debug, Default)]
struct Selected {
    reached: Needs,
    all: Needs,
    timeline: Option<Needs>,
}

impl Selected {
    fn look_for(&mut self, field: SelectionField<'_>) {
        for selected in field.selection_set() {
            match selected.name() {
                "visitors" => self.reached.users = true,
                "allVisitors" => self.all.users = true,
                "visitorRate" => (self.reached.users, self.all.users) = (true, true),
                "sessions" => self.reached.sessions = true,
                "allSessions" => self.all.sessions = true,
                "sessionRate" => (self.reached.sessions, self.all.sessions) = (true, true),
                "revenue" => self.reached.revenue = true,
                "previous" => self.look_for(selected),
                "timeline" => {
                    let needs = self.timeline.unwrap_or_default();
                    self.timeline = Some(needs_of(selected, needs));
                }
                _ => {}
            }
        }
    }
}

impl Conversion {
    /// What is selected of the events that `reached` chooses among those that `all` does. All parts are
    /// asked for at once, so that those about the same events share a scan.
    pub async fn find(ctx: &Context<'_>, all: &Ask, reached: &Ask, interval: Option<Interval>) -> Result<Self> {
        let mut selected = Selected::default();
        selected.look_for(ctx.field());
        let all_figures = async {
            // Of all events, nothing else is shown.
            if selected.all == Needs::default() {
                return Ok((Figures::default(), Some(Figures::default())));
            }
            all.figures(ctx, selected.all).await
        };
        let timeline = selected.timeline.map(|needs| reached.timeline_of(ctx, interval, needs));
        let timeline = async { OptionFuture::from(timeline).await.transpose() };
        let (all_figures, own, timeline) =
            try_join3(all_figures, reached.figures(ctx, selected.reached), timeline).await?;
        let previous = own.1.zip(all_figures.1).map(|(own, all)| ConversionFigures::new(own, &all));
        let now = ConversionFigures::new(own.0, &all_figures.0);
        Ok(Self { from: Moment(all.range.from), to: Moment(all.range.to), now, previous, timeline })
    }
}

#[Object(use_type_description)]
impl Conversion {
    /// Number of events that reached the goal; one visitor may bring many.
    async fn completions(&self) -> BigInt {
        self.now.completions
    }

    /// Number of different visitors with such an event.
    async fn visitors(&self) -> BigInt {
        self.now.visitors
    }

    /// Number of all visitors of the range, under the same filter.
    async fn all_visitors(&self) -> BigInt {
        self.now.all_visitors
    }

    /// The share of visitors who reached the goal, from 0 to 1; null without visitors.
    async fn visitor_rate(&self) -> Option<f64> {
        self.now.visitor_rate
    }

    /// Number of different sessions with such an event.
    async fn sessions(&self) -> BigInt {
        self.now.sessions
    }

    /// Number of all sessions of the range, under the same filter.
    async fn all_sessions(&self) -> BigInt {
        self.now.all_sessions
    }

    /// The share of sessions that reached the goal, from 0 to 1; null without sessions.
    async fn session_rate(&self) -> Option<f64> {
        self.now.session_rate
    }

    /// What the events that reached the goal brought in, a sum for each currency.
    async fn revenue(&self) -> &[Revenue] {
        &self.now.revenue
    }

    /// The events that reached the goal over time; its `events` sum to `completions`.
    async fn timeline(&self) -> Result<&Timeline> {
        Ok(self.timeline.as_ref().ok_or_else(|| Error::internal("a timeline was selected and not found"))?)
    }

    /// The same for the range asked for by `compare`; null without it.
    async fn previous(&self) -> Option<&ConversionFigures> {
        self.previous.as_ref()
    }

    /// Start of the range, included.
    async fn from(&self) -> Moment {
        self.from
    }

    /// End of the range, not included.
    async fn to(&self) -> Moment {
        self.to
    }
}
