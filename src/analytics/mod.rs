//! Questions about events and their exact answers.
//!
//! A [`Question`] is validated and resolved before anything is read: a half-open range of milliseconds, a filter, a
//! zone, the commit up to which events count, and one [`Report`]. [`answer`](mod@answer) computes it, or finds it in the
//! cache. Answer types leave unchanged as GraphQL types, so their documentation is the schema's.

pub mod accumulator;
pub mod allowance;
pub mod answer;
pub mod behaviour;
pub mod breakdown;
pub mod bucket;
pub mod compared;
pub mod condition;
pub mod events;
pub mod filter;
pub mod funnel;
pub mod goal;
mod grid;
mod groups;
mod kernel;
mod labels;
mod marks;
mod matcher;
mod passive;
pub mod paths;
pub mod property_stats;
pub mod range;
pub mod retention;
pub mod revenue;
mod rolled;
pub mod segments;
pub mod session_list;
pub mod sessions;
mod set;
mod stored;
mod summary;
mod timeline;
pub mod top_properties;
mod trails;
pub mod user;
pub mod users;

use std::sync::Arc;

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};

pub use self::range::Range;
use self::revenue::Revenue;
pub use self::users::{UserOrder, UserPage, UserTotals};
use crate::{auth::AppScope, clock::Moment};

/// A count. JSON number, exact up to 2^53.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BigInt(pub u64);

/// A property of events to group by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dimension {
    /// What happened, such as `page_view`.
    EventType,
    /// Path of the page, without query and fragment.
    PagePath,
    /// Host of the page.
    Hostname,
    /// Host the visitor came from, without `www.`; none for direct visits and the site's own pages.
    ReferrerDomain,
    /// `utm_source` of the page's address.
    UtmSource,
    /// `utm_medium` of the page's address.
    UtmMedium,
    /// `utm_campaign` of the page's address.
    UtmCampaign,
    /// `utm_term` of the page's address.
    UtmTerm,
    /// `utm_content` of the page's address.
    UtmContent,
    /// Title of the page.
    PageTitle,
    /// Browser name, such as `Firefox`.
    Browser,
    /// Major version of the browser, such as `145`.
    BrowserVersion,
    /// Operating system, such as `Android`.
    Os,
    /// Version of the operating system, such as `18.6`.
    OsVersion,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    Device,
    /// Screen size in CSS pixels, such as `1920x1080`.
    Screen,
    /// Two-letter country code (ISO 3166-1), such as `DE`.
    Country,
    /// Part of the country, as the sender or the geo database names it.
    Region,
    /// Town, as the sender or the geo database names it.
    City,
    /// The visitor's first language (BCP 47), such as `de-AT`.
    Language,
    /// Currency of the revenue (ISO 4217), such as `EUR`.
    Currency,
    /// Whether nobody is behind the event: `true` or `false`. Worth asking with `bots: INCLUDE`.
    IsBot,
    /// The custom property that the argument `property` names.
    Property,
}

/// Width of a timeline's buckets.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Interval {
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// A calendar day of the time zone; 23 or 25 hours when its clocks change.
    Day,
    /// Monday to Sunday (ISO 8601).
    Week,
    /// A calendar month.
    Month,
}

/// What to compare a range with. A preset that goes on, such as `TODAY`, is compared with as much of the other range as
/// has passed of it, up to the current minute: ten hours of today with ten hours of yesterday. A range of `from` and
/// `to` is compared as it was given.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Comparison {
    /// The range of equal length that ends where this one starts.
    PreviousPeriod,
    /// The same dates one year before.
    PreviousYear,
}

/// Whether events that nobody is behind are among those a report is about: those of crawlers,
/// previews, monitors and the like, as their user agent says.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum BotTraffic {
    /// They are left out.
    #[default]
    Exclude,
    /// They are among them.
    Include,
    /// They alone.
    Only,
}

impl BotTraffic {
    /// What an event must be, where that matters.
    pub fn is_bot(self) -> Option<bool> {
        match self {
            Self::Exclude => Some(false),
            Self::Include => None,
            Self::Only => Some(true),
        }
    }
}

/// A figure to sort by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub enum Metric {
    /// Number of events.
    #[default]
    Events,
    /// Number of different users.
    UniqueUsers,
    /// Number of different sessions.
    Sessions,
    /// Number of events of type `page_view`.
    PageViews,
}

/// The figures of a set of events. All are exact.
#[derive(SimpleObject, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Number of events.
    pub events: BigInt,
    /// Number of different users: user ids, or anonymous ids where an event has no user id.
    /// Events with neither are not counted here.
    pub unique_users: BigInt,
    /// Number of different session ids. Events without one are not counted here.
    pub sessions: BigInt,
    /// Number of events of type `page_view`.
    pub page_views: BigInt,
    /// What the events brought in, a sum for each currency, in the order of their codes.
    #[serde(default)]
    pub revenue: Vec<Revenue>,
    /// Share of sessions, from 0 to 1, of one page view and nothing else that the visitor did; null without
    /// sessions. What pages and libraries send by themselves does not count: events of the types `page_leave`,
    /// `engagement`, `performance`, `web_vitals`, `identify`, `alias`, `group` and `set`.
    pub bounce_rate: Option<f64>,
    /// Mean time from a session's first to its last event, in seconds; null without sessions.
    pub average_session_seconds: Option<f64>,
}

/// Which figures a question needs; the others are left at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Needs {
    /// [`Figures::page_views`]
    pub page_views: bool,
    /// [`Figures::unique_users`]
    pub users: bool,
    /// [`Figures::sessions`]
    pub sessions: bool,
    /// [`Figures::bounce_rate`] and [`Figures::average_session_seconds`]
    pub visits: bool,
    /// [`Figures::revenue`]
    pub revenue: bool,
}

impl Needs {
    /// Every figure.
    pub const ALL: Self = Self { page_views: true, users: true, sessions: true, visits: true, revenue: true };
}

/// The headline figures of a range.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The figures of the whole range.
    #[graphql(flatten)]
    pub figures: Figures,
    /// Number of events of each type, most frequent first; at most 100 types.
    pub by_event_type: Vec<EventTypeCount>,
    /// When the first event of the range happened; null when it is empty.
    pub first_event_at: Option<Moment>,
    /// When the last event of the range happened; null when it is empty.
    pub last_event_at: Option<Moment>,
    /// Start of the range, included.
    pub from: Moment,
    /// End of the range, not included.
    pub to: Moment,
    /// The same for the range asked for by `compare`, of which as much as has passed of this one; null without it.
    pub previous: Option<Figures>,
}

/// How often one type of event happened.
#[derive(SimpleObject, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTypeCount {
    /// The type, such as `page_view`.
    pub event_type: String,
    /// Number of events.
    pub events: BigInt,
}

/// Figures over time. Buckets follow one another without gaps and together cover the range: the
/// first and the last are cut off at its ends, so that `events` and `pageViews` sum to the total.
/// Users and sessions may be counted in several buckets and once in the total.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// Width of the buckets.
    pub interval: Interval,
    /// The time zone whose days, weeks and months they follow.
    pub timezone: String,
    /// One for every interval of the range, empty ones included, oldest first.
    pub buckets: Vec<Bucket>,
    /// The figures of the whole range.
    pub total: Figures,
    /// The total of the range asked for by `compare`; null without it.
    pub previous_total: Option<Figures>,
}

/// One interval of a timeline.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Start, included.
    pub start: Moment,
    /// End, not included.
    pub end: Moment,
    /// The figures of this interval.
    #[graphql(flatten)]
    pub figures: Figures,
    /// The bucket in the same place of the range asked for by `compare`; null without it, where that range has fewer
    /// buckets, and beyond now.
    pub previous: Option<Figures>,
}

/// Figures by the values of one or more dimensions. The rows and `other` together sum to `total`
/// in `events` and `pageViews`.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The largest groups, largest first; equal ones in the order of their values, those without
    /// a value last.
    pub rows: Vec<BreakdownRow>,
    /// What the rows left out, as one group; null when they left out nothing.
    pub other: Option<Figures>,
    /// All events of the range.
    pub total: Figures,
    /// How many groups there are, shown or not.
    pub groups: BigInt,
}

/// One group of a breakdown.
#[derive(SimpleObject, Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakdownRow {
    /// The value of each dimension, in the order asked for; null where an event has none.
    pub values: Vec<Option<String>>,
    /// The values in one text, `(none)` for null, joined by ` / `.
    pub label: String,
    /// The group's figures.
    #[graphql(flatten)]
    pub figures: Figures,
    /// The group's share of all events, from 0 to 1.
    pub share: f64,
    /// The same group in the range asked for by `compare`; null without it.
    pub previous: Option<Figures>,
}

/// A question about one app, ready to be computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Proof that the asker may ask.
    pub app: AppScope,
    /// Which events by time.
    pub range: Range,
    /// The range to compare with, already resolved.
    pub previous: Option<Range>,
    /// Which events by what they say.
    pub filter: Arc<filter::EventFilter>,
    /// Whether bots are among them.
    pub bots: BotTraffic,
    /// Which events by commit: those up to this one.
    pub seq: i64,
    /// What to compute.
    pub report: Report,
}

/// What to compute from the events that a question selects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum Report {
    /// [`Summary`]
    Summary {
        /// Figures wanted.
        needs: Needs,
        /// Whether the counts by type are wanted.
        by_event_type: bool,
        /// Whether the times of the first and the last event are wanted.
        times: bool,
    },
    /// [`Timeline`]
    Timeline {
        /// Width of the buckets.
        interval: Interval,
        /// IANA name of the zone they follow, known to exist.
        timezone: String,
        /// Figures wanted.
        needs: Needs,
    },
    /// [`Breakdown`]
    Breakdown {
        /// One to four dimensions.
        by: Vec<Dimension>,
        /// Key of the custom property for [`Dimension::Property`].
        property: Option<String>,
        /// At most so many rows.
        limit: usize,
        /// Largest first by this figure.
        order: Metric,
        /// Figures wanted.
        needs: Needs,
        /// Whether [`Breakdown::other`] and [`Breakdown::total`] are wanted beyond their numbers of events.
        rest: bool,
    },
    /// [`UserPage`]
    Users {
        /// How to sort.
        order: UserOrder,
        /// At most so many.
        first: usize,
        /// Start behind the user with this sort value and id.
        after: Option<(i64, String)>,
    },
    /// [`funnel::Funnel`]
    Funnel(funnel::FunnelQuery),
    /// [`retention::Retention`]
    Retention(Box<retention::RetentionQuery>),
    /// [`sessions::SessionReport`] with so many pages.
    Sessions(usize),
    /// [`property_stats::PropertyStats`]
    PropertyStats(property_stats::PropertyStatsQuery),
    /// [`paths::Paths`]
    Paths(Box<paths::PathsQuery>),
    /// [`top_properties::PropertyCensus`]
    TopProperties(top_properties::TopPropertiesQuery),
}

/// The answer to a question, in the variant of its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Answer {
    Summary(Summary),
    Timeline(Timeline),
    Breakdown(Breakdown),
    Users(UserPage),
    Funnel(funnel::Funnel),
    Retention(retention::Retention),
    Sessions(sessions::SessionReport),
    PropertyStats(property_stats::PropertyStats),
    Paths(paths::Paths),
    TopProperties(top_properties::PropertyCensus),
}
