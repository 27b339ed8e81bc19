//! The computation behind each report.

use std::collections::HashSet;

use super::{
    Answer, Range, Report,
    behaviour::{BehaviourFilter, Doers},
    breakdown::BreakdownKernel,
    funnel::FunnelKernel,
    paths::PathsKernel,
    property_stats::PropertyStatsKernel,
    range,
    retention::RetentionKernel,
    sessions::SessionsKernel,
    summary::SummaryKernel,
    timeline::TimelineKernel,
    users::UsersKernel,
};
use crate::{
    columnar::{Column, Columns, View, Wanted, Who},
    error::{Error, Result},
};

/// A report in the making: folds batches, then becomes an answer.
#[derive(Debug, Clone)]
pub(super) enum Kernel {
    Summary(SummaryKernel),
    Timeline(TimelineKernel),
    Breakdown(BreakdownKernel),
    Users(UsersKernel),
    Funnel(FunnelKernel),
    Retention(RetentionKernel),
    Sessions(SessionsKernel),
    PropertyStats(PropertyStatsKernel),
    Paths(PathsKernel),
}

impl Kernel {
    /// Refuses what cannot be computed, before anything is read.
    pub(super) fn new(report: &Report, range: Range) -> Result<Self> {
        Ok(match report {
            Report::Summary { needs, by_event_type, times } => {
                Self::Summary(SummaryKernel::new(*needs, *by_event_type, *times))
            }
            Report::Timeline { interval, timezone, needs } => {
                let zone = range::zone(timezone, "timezone")?;
                Self::Timeline(TimelineKernel::new(range, *interval, &zone, *needs)?)
            }
            Report::Breakdown { by, property, limit, order, needs, rest } => {
                Self::Breakdown(BreakdownKernel::new(by, property.as_deref(), *limit, *order, *needs, *rest)?)
            }
            Report::Users { order, first, after } => Self::Users(UsersKernel::new(*order, *first, after.clone())),
            Report::Funnel(query) => Self::Funnel(FunnelKernel::new(query, range)),
            Report::Retention(query) => Self::Retention(RetentionKernel::new(query, range)?),
            Report::Sessions(limit) => Self::Sessions(SessionsKernel::new(*limit, range)),
            Report::PropertyStats(query) => Self::PropertyStats(PropertyStatsKernel::new(query)),
            Report::Paths(query) => Self::Paths(PathsKernel::new(query, range)),
            // What columns there are has to be found out first.
            Report::TopProperties(_) => return Err(Error::internal("no kernel counts all properties")),
        })
    }

    /// What it looks at.
    pub(super) fn columns(&self) -> Vec<Column> {
        match self {
            Self::Summary(kernel) => kernel.columns().collect(),
            Self::Timeline(kernel) => kernel.columns().collect(),
            Self::Breakdown(kernel) => kernel.columns().collect(),
            Self::Users(kernel) => kernel.columns().collect(),
            Self::Funnel(kernel) => kernel.columns().collect(),
            Self::Retention(kernel) => kernel.columns().collect(),
            Self::Sessions(kernel) => kernel.columns().collect(),
            Self::PropertyStats(kernel) => kernel.columns().collect(),
            Self::Paths(kernel) => kernel.columns().collect(),
        }
    }

    /// Whether it looks at when events happened.
    pub(super) fn needs_times(&self) -> bool {
        match self {
            Self::Breakdown(kernel) => kernel.needs_times(),
            Self::PropertyStats(_) => false,
            _ => true,
        }
    }

    /// Whom it has to know.
    pub(super) fn names(&self) -> Wanted {
        match self {
            Self::Users(_) => Wanted { visitors: Who::Everybody, ..Wanted::default() },
            Self::Funnel(kernel) => kernel.names(),
            Self::Retention(kernel) => kernel.names(),
            Self::Paths(kernel) => kernel.names(),
            _ => Wanted::default(),
        }
    }

    /// What its own filters have to know of visitors.
    pub(super) fn behaviours<'k>(&'k self, found: &mut HashSet<&'k BehaviourFilter>) {
        match self {
            Self::Funnel(kernel) => kernel.marks.behaviours(found),
            Self::Retention(kernel) => kernel.marks.behaviours(found),
            Self::Paths(kernel) => kernel.marks.behaviours(found),
            _ => {}
        }
    }

    /// Lets them know who did what.
    pub(super) fn know(&mut self, doers: &Doers) {
        match self {
            Self::Funnel(kernel) => kernel.marks.know(doers),
            Self::Retention(kernel) => kernel.marks.know(doers),
            Self::Paths(kernel) => kernel.marks.know(doers),
            _ => {}
        }
    }

    /// Takes in the events of a batch.
    pub(super) fn fold(&mut self, view: View<'_>) -> Result<()> {
        match self {
            Self::Summary(kernel) => kernel.fold(view),
            Self::Timeline(kernel) => kernel.fold(view),
            Self::Breakdown(kernel) => return kernel.fold(view),
            Self::Users(kernel) => kernel.fold(view),
            Self::Funnel(kernel) => kernel.fold(view),
            Self::Retention(kernel) => kernel.fold(view),
            Self::Sessions(kernel) => kernel.fold(view),
            Self::PropertyStats(kernel) => return kernel.fold(view),
            Self::Paths(kernel) => kernel.fold(view),
        }
        Ok(())
    }

    /// Adds what a kernel of the same report has counted of other events.
    pub(super) fn merge(&mut self, other: Self) -> Result<()> {
        match (self, other) {
            (Self::Summary(kernel), Self::Summary(other)) => kernel.merge(&other),
            (Self::Timeline(kernel), Self::Timeline(other)) => kernel.merge(&other),
            (Self::Breakdown(kernel), Self::Breakdown(other)) => return kernel.merge(other),
            (Self::Users(kernel), Self::Users(other)) => kernel.merge(&other),
            (Self::Funnel(kernel), Self::Funnel(other)) => kernel.merge(other),
            (Self::Retention(kernel), Self::Retention(other)) => kernel.merge(other),
            (Self::Sessions(kernel), Self::Sessions(other)) => kernel.merge(other),
            (Self::PropertyStats(kernel), Self::PropertyStats(other)) => return kernel.merge(other),
            (Self::Paths(kernel), Self::Paths(other)) => kernel.merge(other),
            _ => return Err(Error::internal("kernels of different reports were merged")),
        }
        Ok(())
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Summary(kernel) => kernel.bytes(),
            Self::Timeline(kernel) => kernel.bytes(),
            Self::Breakdown(kernel) => kernel.bytes(),
            Self::Users(kernel) => kernel.bytes(),
            Self::Funnel(kernel) => kernel.bytes(),
            Self::Retention(kernel) => kernel.bytes(),
            Self::Sessions(kernel) => kernel.bytes(),
            Self::PropertyStats(kernel) => kernel.bytes(),
            Self::Paths(kernel) => kernel.bytes(),
        }
    }

    /// The answer, with the same report on the range to compare with beside it. Codes mean
    /// something only together with the columns of their own scan.
    pub(super) fn finish(
        self,
        report: &Report,
        range: Range,
        columns: &Columns,
        previous: Option<(Self, &Columns)>,
    ) -> Answer {
        match (self, previous) {
            (Self::Summary(kernel), Some((Self::Summary(previous), _))) => {
                Answer::Summary(kernel.finish(range, columns, Some(previous)))
            }
            (Self::Summary(kernel), _) => Answer::Summary(kernel.finish(range, columns, None)),
            (Self::Timeline(kernel), previous) => {
                let timezone = match report {
                    Report::Timeline { timezone, .. } => timezone.clone(),
                    _ => String::new(),
                };
                let previous = match previous {
                    Some((Self::Timeline(previous), _)) => Some(previous),
                    _ => None,
                };
                Answer::Timeline(kernel.finish(timezone, previous))
            }
            (Self::Breakdown(kernel), Some((Self::Breakdown(previous), others))) => {
                Answer::Breakdown(kernel.finish(columns, Some((previous, others))))
            }
            (Self::Breakdown(kernel), _) => Answer::Breakdown(kernel.finish(columns, None)),
            (Self::Users(kernel), _) => Answer::Users(kernel.finish(columns)),
            (Self::Funnel(kernel), _) => Answer::Funnel(kernel.finish(columns)),
            (Self::Retention(kernel), _) => Answer::Retention(kernel.finish()),
            (Self::Sessions(kernel), _) => Answer::Sessions(kernel.finish(columns)),
            (Self::PropertyStats(kernel), _) => Answer::PropertyStats(kernel.finish(columns)),
            (Self::Paths(kernel), _) => Answer::Paths(kernel.finish(columns)),
        }
    }
}
