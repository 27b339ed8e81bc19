//! From arguments to answers: what every report of an app has in common.

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, SelectionField};
use jiff::tz::TimeZone;

use super::{context::ContextExt, error::Result, filled::filled, frozen::Frozen, loader, page};
use crate::{
    analytics::{
        Answer, BotTraffic, Breakdown, Comparison, Dimension, Figures, Interval, Metric, Needs, Question, Range,
        Report, Summary, Timeline, UserOrder, UserPage,
        answer::Answered,
        compared::compared,
        filter::{EventFilter, MAX_TEXT},
        range::{self, RangePreset, TimeRange},
        retention::RetentionPeriod,
    },
    auth::AppScope,
    clock::Moment,
    error::Error,
};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// Which events a report is about, checked and with every name resolved.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Proof that the viewer may ask.
    pub scope: AppScope,
    /// Which events by time.
    pub range: Range,
    /// Which events by what they say.
    pub filter: Arc<EventFilter>,
    /// Whether bots are among them.
    pub bots: BotTraffic,
    previous: Option<Range>,
    /// The filter before moments took the place of presets.
    asked: Arc<EventFilter>,
    /// Now, when they did.
    now: i64,
    zone: TimeZone,
    timezone: String,
    as_of: Option<i64>,
}

/// The arguments of a report as the client gave them.
pub struct Arguments {
    /// `range`
    pub range: TimeRange,
    /// `filter`
    pub filter: Option<EventFilter>,
    /// `bots`
    pub bots: BotTraffic,
    /// `timezone`, or none for the app's own.
    pub timezone: Option<String>,
    /// `compare`
    pub compare: Option<Comparison>,
}

impl Ask {
    /// Checks the arguments of a report on the app of `scope`, whose own zone is `app_timezone`.
    pub async fn new(ctx: &Context<'_>, scope: AppScope, app_timezone: &str, arguments: Arguments) -> Result<Self> {
        let timezone = arguments.timezone.unwrap_or_else(|| app_timezone.to_owned());
        let zone = range::zone(&timezone, "timezone")?;
        let now = ctx.app().clock.now_ms();
        let mut range = arguments.range.resolve(now, &zone)?;
        if arguments.range.preset == Some(RangePreset::AllTime) {
            range.from = range.from.max(first_day(ctx, scope, range, now, &zone).await?);
        }
        let until = arguments.range.compared_until(range, now);
        let before = |comparison| compared(range, until, comparison, &zone);
        let previous = arguments.compare.map(before).transpose()?;
        let filter = filled(ctx, scope, "filter", arguments.filter.unwrap_or_default()).await?;
        let timezone = canonical(&zone, timezone);
        let (bots, asked) = (arguments.bots, Arc::new(filter));
        let ask = Self { scope, range, filter: asked.clone(), bots, previous, asked, now, zone, timezone, as_of: None };
        ask.settled()
    }

    /// Events of a range that is known already, or of all time, up to commit `seq`.
    pub async fn within(
        ctx: &Context<'_>,
        scope: AppScope,
        timezone: &str,
        range: Option<Range>,
        seq: i64,
        filter: Option<EventFilter>,
        bots: BotTraffic,
    ) -> Result<Self> {
        let filter = filled(ctx, scope, "filter", filter.unwrap_or_default()).await?;
        let (range, zone) = (range.unwrap_or(range::EVER), range::zone(timezone, "timezone")?);
        let (asked, timezone, now) = (Arc::new(filter), timezone.to_owned(), ctx.app().clock.now_ms());
        let (filter, previous) = (asked.clone(), None);
        Self { scope, range, filter, bots, previous, asked, now, zone, timezone, as_of: Some(seq) }.settled()
    }

    /// With moments in the place of the presets in its filter.
    fn settled(mut self) -> Result<Self> {
        if self.asked.passes() > 0 {
            self.filter = Arc::new(self.settle("filter", (*self.asked).clone())?);
        }
        Ok(self)
    }

    fn settle(&self, path: &str, mut filter: EventFilter) -> Result<EventFilter> {
        filter.settle(path, self.now, &self.zone)?;
        Ok(filter)
    }

    /// Checks another filter of the same question, which stands at `path`.
    pub async fn checked(&self, ctx: &Context<'_>, path: &str, filter: EventFilter) -> Result<EventFilter> {
        self.settle(path, filled(ctx, self.scope, path, filter).await?)
    }

    /// The filter as it was asked for: what tells one list from another, where presets move on.
    pub fn asked(&self) -> Arc<EventFilter> {
        self.asked.clone()
    }

    /// The zone whose days count.
    pub fn timezone(&self) -> &str {
        &self.timezone
    }

    /// The headline figures that the client selected.
    pub async fn summary(&self, ctx: &Context<'_>) -> Result<Summary> {
        let by_event_type = ctx.look_ahead().field("byEventType").exists();
        let times = ["firstEventAt", "lastEventAt"].into_iter().any(|field| ctx.look_ahead().field(field).exists());
        match self.answer(ctx, Report::Summary { needs: needs(ctx), by_event_type, times }).await? {
            Answer::Summary(summary) => Ok(summary),
            other => mismatch(&other),
        }
    }

    /// The same questions about those of these events that `more` chooses as well.
    pub fn narrowed(&self, more: &Self) -> Self {
        let filter = match *self.filter == EventFilter::default() {
            true => more.filter.clone(),
            false => {
                let both = vec![(*self.filter).clone(), (*more.filter).clone()];
                Arc::new(EventFilter { and: Some(both), ..EventFilter::default() })
            }
        };
        Self { filter, ..self.clone() }
    }

    /// These figures of the range, and of the one to compare with, together with what is asked for at the
    /// same moment.
    pub async fn figures(&self, ctx: &Context<'_>, needs: Needs) -> Result<(Figures, Option<Figures>)> {
        match self.answer_together(ctx, Report::Summary { needs, by_event_type: false, times: false }).await? {
            Answer::Summary(summary) => Ok((summary.figures, summary.previous)),
            other => mismatch(&other),
        }
    }

    /// The figures over time that the client selected, in buckets that suit the range unless given.
    pub async fn timeline(&self, ctx: &Context<'_>, interval: Option<Interval>) -> Result<Timeline> {
        match self.answer(ctx, self.over_time(interval, needs(ctx))).await? {
            Answer::Timeline(timeline) => Ok(timeline),
            other => mismatch(&other),
        }
    }

    fn over_time(&self, interval: Option<Interval>, needs: Needs) -> Report {
        let interval = interval.unwrap_or_else(|| fitting(self.range));
        Report::Timeline { interval, timezone: self.timezone.clone(), needs }
    }

    /// These figures over time, together with what is asked for at the same moment.
    pub async fn timeline_of(&self, ctx: &Context<'_>, interval: Option<Interval>, needs: Needs) -> Result<Timeline> {
        match self.answer_together(ctx, self.over_time(interval, needs)).await? {
            Answer::Timeline(timeline) => Ok(timeline),
            other => mismatch(&other),
        }
    }

    /// The figures by dimension that the client selected.
    pub async fn breakdown(&self, ctx: &Context<'_>, grouping: Grouping) -> Result<Breakdown> {
        let Grouping { by, property, limit, order } = grouping;
        let mut needs = needs(ctx);
        needs.users |= order == Metric::UniqueUsers;
        needs.sessions |= order == Metric::Sessions;
        let rest = ["total", "other"].into_iter().any(|field| ctx.look_ahead().field(field).exists());
        match self.answer(ctx, Report::Breakdown { by, property, limit, order, needs, rest }).await? {
            Answer::Breakdown(breakdown) => Ok(breakdown),
            other => mismatch(&other),
        }
    }

    /// A page of users, as of commit `seq`.
    pub async fn users(
        &self,
        ctx: &Context<'_>,
        seq: i64,
        order: UserOrder,
        first: usize,
        after: Option<(i64, String)>,
    ) -> Result<UserPage> {
        match self.answer_as_of(ctx, seq, Report::Users { order, first, after }).await? {
            Answer::Users(page) => Ok(page),
            other => mismatch(&other),
        }
    }

    /// Goes on as of the commit and within the range of an earlier page, or starts with the commit
    /// of the list it is part of, by default the last one.
    pub async fn resume<K>(&mut self, ctx: &Context<'_>, after: Option<&Frozen<K>>) -> Result<i64> {
        let head = ctx.loader().loader().heads(self.scope).await?;
        let Some(frozen) = after else { return Ok(self.as_of.unwrap_or(head.seq)) };
        let [from, to] = [frozen.range.from, frozen.range.to].map(|ms| Some(Moment(ms)));
        let range = TimeRange { from, to, preset: None }.resolve(0, &TimeZone::UTC);
        let foreign = || Error::invalid("after", page::FOREIGN_CURSOR);
        self.range = range.map_err(|_| foreign())?;
        self.now = frozen.now;
        *self = self.clone().settled().map_err(|_| foreign())?;
        // Never ahead of the app, or an answer would be remembered under commits yet to come.
        Ok(frozen.seq.max(head.erased_seq).min(head.seq))
    }

    /// What a cursor must keep for [`resume`](Self::resume).
    pub fn freeze<K>(&self, seq: i64, at: K) -> Frozen<K> {
        Frozen { seq, range: self.range, now: self.now, at }
    }

    /// The commit up to which events count in this request.
    pub async fn head(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(ctx.loader().loader().head(self.scope).await?)
    }

    /// The answer to a report on these events.
    pub async fn answer(&self, ctx: &Context<'_>, report: Report) -> Result<Answer> {
        self.answer_as_of(ctx, self.head(ctx).await?, report).await
    }

    /// The same, in one pass with whatever else a field asks about these events at the same moment.
    async fn answer_together(&self, ctx: &Context<'_>, report: Report) -> Result<Answer> {
        let question = self.question(self.head(ctx).await?, report);
        given(ctx.loader().load_one(question).await?)
    }

    async fn answer_as_of(&self, ctx: &Context<'_>, seq: i64, report: Report) -> Result<Answer> {
        given(loader::load(ctx, self.question(seq, report)).await?)
    }

    fn question(&self, seq: i64, report: Report) -> Question {
        Question {
            app: self.scope,
            range: self.range,
            previous: self.previous,
            filter: self.filter.clone(),
            bots: self.bots,
            seq,
            report,
        }
    }
}

/// The start of the first day in `range` on which the app has an event of any kind; of today if it has none.
async fn first_day(ctx: &Context<'_>, app: AppScope, range: Range, now: i64, zone: &TimeZone) -> Result<i64> {
    let seq = ctx.loader().loader().head(app).await?;
    let report = Report::Summary { needs: Needs::default(), by_event_type: false, times: true };
    let (previous, filter, bots) = (None, Arc::default(), BotTraffic::Include);
    let question = Question { app, range, previous, filter, bots, seq, report };
    match given(loader::load(ctx, question).await?)? {
        Answer::Summary(summary) => Ok(range::day_of(summary.first_event_at.map_or(now, |at| at.0), zone)?),
        other => mismatch(&other),
    }
}

/// The answer of a loader.
fn given(answered: Option<Result<Answered, Error>>) -> Result<Answer> {
    Ok(answered.ok_or_else(|| Error::internal("a question was not answered"))??.answer)
}

/// How a breakdown groups, checked.
pub struct Grouping {
    by: Vec<Dimension>,
    property: Option<String>,
    limit: usize,
    order: Metric,
}

impl Grouping {
    /// By one dimension.
    pub fn by(dimension: Dimension, limit: i32, order: Metric) -> Result<Self> {
        Self::new(vec![dimension], None, limit, order)
    }

    /// Checks the arguments `by`, `property` and `limit`.
    pub fn new(by: Vec<Dimension>, property: Option<String>, limit: i32, order: Metric) -> Result<Self> {
        let distinct: HashSet<_> = by.iter().collect();
        if !(1..=4).contains(&by.len()) || distinct.len() < by.len() {
            return Err(Error::invalid("by", "by must hold one to four different dimensions.").into());
        }
        check_property(&by, property.as_deref())?;
        if !(1..=1_000).contains(&limit) {
            return Err(Error::invalid("limit", "limit must be from 1 to 1,000.").into());
        }
        Ok(Self { by, property, limit: limit as usize, order })
    }
}

/// Checks the argument `property`: the key that the dimension `PROPERTY` needs, and no other knows.
pub fn check_property(by: &[Dimension], property: Option<&str>) -> Result<()> {
    let fits = property.is_none_or(|key| !key.is_empty() && key.len() <= MAX_TEXT);
    if fits && by.contains(&Dimension::Property) == property.is_some() {
        return Ok(());
    }
    let text = format!(
        "property must be given with the dimension PROPERTY, and only then: the key of a custom property, at most \
         {MAX_TEXT} bytes."
    );
    Err(Error::invalid("property", text).into())
}

/// The zone's own spelling, so that `europe/berlin` and `Europe/Berlin` are one question.
fn canonical(zone: &TimeZone, given: String) -> String {
    zone.iana_name().map_or(given, str::to_owned)
}

/// What to say of an answer in the variant of another report.
pub fn mismatch<T>(answer: &Answer) -> Result<T> {
    let kind = std::mem::discriminant(answer);
    Err(Error::internal(format!("the answer is that of another report: {kind:?}")).into())
}

/// Buckets of a width at which the range makes a readable chart.
fn fitting(range: Range) -> Interval {
    match range.to - range.from {
        length if length <= 2 * HOUR => Interval::Minute,
        length if length <= 3 * DAY => Interval::Hour,
        length if length <= 100 * DAY => Interval::Day,
        length if length <= 731 * DAY => Interval::Week,
        _ => Interval::Month,
    }
}

/// Periods of a width at which the range makes cohorts that can be read, and never too many for a report: of as long as
/// events are kept by default.
pub fn fitting_period(range: Range) -> RetentionPeriod {
    match range.to - range.from {
        length if length <= 45 * DAY => RetentionPeriod::Day,
        length if length <= 400 * DAY => RetentionPeriod::Week,
        _ => RetentionPeriod::Month,
    }
}

/// The figures that are selected anywhere below the field; the others need not be computed.
fn needs(ctx: &Context<'_>) -> Needs {
    needs_of(ctx.field(), Needs::default())
}

/// The figures that are selected anywhere below `field`, beside those needed anyway.
pub fn needs_of(field: SelectionField<'_>, mut needs: Needs) -> Needs {
    look_for(field, &mut needs);
    needs
}

fn look_for(field: SelectionField<'_>, needs: &mut Needs) {
    for selected in field.selection_set() {
        match selected.name() {
            "pageViews" => needs.page_views = true,
            "uniqueUsers" => needs.users = true,
            "sessions" => needs.sessions = true,
            "revenue" => needs.revenue = true,
            "bounceRate" | "averageSessionSeconds" => needs.visits = true,
            _ => look_for(selected, needs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_gets_buckets_that_can_be_read() {
        let fit = |length| fitting(Range { from: 0, to: length });
        assert_eq!(fit(0), Interval::Minute);
        assert_eq!(fit(2 * HOUR), Interval::Minute);
        assert_eq!(fit(DAY), Interval::Hour);
        assert_eq!(fit(30 * DAY + HOUR), Interval::Day);
        assert_eq!(fit(366 * DAY), Interval::Week);
        assert_eq!(fit(57 * 365 * DAY), Interval::Month);
    }
}
