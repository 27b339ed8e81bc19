//! An app, and every question about it.

use async_graphql::{Context, Enum, ID, MergedObject, Object};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{
    api_key::{self, ApiKey},
    dashboard::Dashboards,
    dead_letter::{self, DeadLetter},
    erasure::Erasures,
    event::{self, Event},
    goal::{self, Goal},
    invitation::Guests,
    organization::Belonging,
    overview::Overview,
    questions::Questions,
    refusal::Refusals,
    saved_segment::{self, SavedSegment},
    session_list::SessionList,
    settings::{BotPolicy, IpMode},
    share::DashboardShares,
    user_stats::{self, UserStats},
    verification::{self, Verification},
};
use crate::{
    analytics::{
        BotTraffic, Breakdown, Comparison, Dimension, Interval, Metric, Summary, Timeline, UserOrder,
        filter::EventFilter, range::TimeRange,
    },
    auth::{AppScope, Viewer, settings::entries},
    clock::Moment,
    entity::{app, role},
    graphql::{
        ask::{Arguments, Ask, Grouping},
        context::ContextExt,
        error::Result,
        frozen::RangeKey,
        guard::{REPORT, passes, report},
        id::NodeId,
        loader::VisibleApp,
        page::{self, CountedPage, Page, Paginator},
    },
};

/// What a member may do. Each may all that those before it may.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "role::Role")]
pub enum Role {
    /// Reads every figure.
    Viewer,
    /// Makes, changes and deletes goals, saved segments and dashboards.
    Editor,
    /// Makes and changes apps and API keys, erases people and exports their data.
    Admin,
    /// Deletes apps and the organization.
    Owner,
}

/// A site, product or service whose events are kept apart from all others. Whoever can see it may
/// ask every question about it.
///
/// All reports take the same arguments. `range` says which events by time, and `filter` by what
/// they say; `bots` lets in what is no person's doing. `timezone` is the IANA zone whose days count, by default the app's own. `compare`
/// asks for the same figures of an earlier range beside them. Figures that are not selected are
/// not computed.
#[derive(MergedObject)]
pub struct App(Basics, Questions, SessionList, Dashboards, DashboardShares, Erasures, Refusals, Belonging, Guests);

/// What an app is, and the questions about its events as such.
pub struct Basics {
    model: app::Model,
    scope: AppScope,
}

impl App {
    /// The app as the holder of `scope` sees it.
    pub fn new(model: app::Model, scope: AppScope) -> Self {
        let timezone = model.timezone.clone();
        let belonging = Belonging { organization_id: model.organization_id };
        let sessions = SessionList { scope, timezone: timezone.clone() };
        let (basics, questions) = (Basics { model, scope }, Questions::new(scope, timezone));
        let (boards, shares) = (Dashboards(scope), DashboardShares(scope));
        Self(basics, questions, sessions, boards, shares, Erasures(scope), Refusals(scope), belonging, Guests(scope))
    }

    /// Identifies the app everywhere.
    pub async fn id(&self, _ctx: &Context<'_>) -> async_graphql::Result<ID> {
        Ok(NodeId::App(self.0.scope.app_id()).into())
    }
}

impl Basics {
    async fn ask(
        &self,
        ctx: &Context<'_>,
        range: TimeRange,
        filter: Option<EventFilter>,
        bots: BotTraffic,
        timezone: Option<String>,
        compare: Option<Comparison>,
    ) -> Result<Ask> {
        let arguments = Arguments { range, filter, bots, timezone, compare };
        Ask::new(ctx, self.scope, &self.model.timezone, arguments).await
    }
}

/// A page of the apps the viewer may see, of all or of one organization, oldest first.
pub async fn page(
    ctx: &Context<'_>,
    viewer: Viewer,
    organization: Option<Uuid>,
    first: i32,
    after: Option<String>,
) -> Result<Page<App>> {
    let page = Paginator::<(i64, Uuid)>::new(("apps", viewer.user_id, organization), first, after)?;
    let mut apps = app::Entity::of_member(viewer.user_id).limit(page.first() as u64 + 1);
    if let Some(organization) = organization {
        apps = apps.filter(app::Column::OrganizationId.eq(organization));
    }
    if let Some((created_at, id)) = page.after() {
        let same = app::Column::CreatedAt.eq(*created_at).and(app::Column::Id.gt(*id));
        apps = apps.filter(app::Column::CreatedAt.gt(*created_at).or(same));
    }
    let apps = apps.all(&*ctx.app().db).await?;
    // Whoever left an app since the list was read does not see it.
    let mut visible = ctx.loader().load_many(apps.iter().map(|app| VisibleApp(app.id))).await?;
    let position = |app: &app::Model| (app.created_at, app.id);
    let more = apps.len() > page.first();
    let apps = apps.into_iter().take(page.first()).filter_map(|app| {
        let (model, scope) = visible.remove(&VisibleApp(app.id))?;
        Some((position(&app), App::new(model, scope)))
    });
    Ok(page.page(apps.collect(), more)?)
}

#[Object]
impl Basics {
    /// Identifies the app everywhere.
    pub async fn id(&self) -> ID {
        NodeId::App(self.scope.app_id()).into()
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.model.name
    }

    /// The IANA time zone of its days, weeks and months, unless a question asks for another.
    async fn timezone(&self) -> &str {
        &self.model.timezone
    }

    /// When it was created.
    async fn created_at(&self) -> Moment {
        Moment(self.model.created_at)
    }

    /// When its name, its time zone or a setting last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.model.updated_at)
    }

    /// What is kept of visitors' addresses.
    async fn ip_mode(&self) -> IpMode {
        self.model.ip_mode.into()
    }

    /// What becomes of events that nobody is behind.
    async fn bot_policy(&self) -> BotPolicy {
        self.model.bot_policy.into()
    }

    /// Origins whose pages may send events; any may when the list is empty.
    async fn allowed_origins(&self) -> Vec<String> {
        entries(self.model.allowed_origins.as_ref())
    }

    /// Addresses and networks whose events are left out.
    async fn excluded_ips(&self) -> Vec<String> {
        entries(self.model.excluded_ips.as_ref())
    }

    /// Paths of pages whose events are left out; `*` stands for any characters.
    async fn excluded_paths(&self) -> Vec<String> {
        entries(self.model.excluded_paths.as_ref())
    }

    /// For how many whole days before today events are kept, in the app's time zone; null when for ever.
    async fn retention_days(&self) -> Option<i32> {
        self.model.retention_days
    }

    /// What the viewer may do with it.
    async fn my_role(&self) -> Role {
        self.scope.role().into()
    }

    /// Its API keys, revoked and expired ones included, newest first. An API key does not see them.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<ApiKey>> {
        ctx.viewer()?;
        api_key::page(ctx, self.scope, first, after).await
    }

    /// Events that were acknowledged while the database was away, and that the database then refused:
    /// the latest first. Almost always there are none.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn dead_letters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<DeadLetter>> {
        dead_letter::page(ctx, self.scope, first, after).await
    }

    /// What its visitors are meant to do, the goals made last first.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn goals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Goal>> {
        goal::page(ctx, self.scope, &self.model.timezone, first, after).await
    }

    /// Filters that it keeps under names, to be used in others as `segment`; newest first.
    #[graphql(complexity = "page::cost(first, child_complexity)")]
    async fn saved_segments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<SavedSegment>> {
        saved_segment::page(ctx, self.scope, first, after).await
    }

    /// Compares the stored events of the app with the columns that questions are answered from. Takes about
    /// as long as storing them did, so one request compares as much as it has time for and says where the
    /// next goes on; for many millions of events, use the command `verify`. A request holds one, and the server does
    /// few at a time.
    #[graphql(complexity = "60 * REPORT")]
    async fn verification(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Go on behind this `next` of an earlier answer.")] after: Option<String>,
    ) -> Result<Verification> {
        verification::verify(ctx, self.scope, after).await
    }

    /// The page that opens a dashboard: headline figures, their course, and what leads.
    #[graphql(complexity = "1 + passes(&filter) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn overview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
        #[graphql(desc = "An earlier range to compare with.")] compare: Option<Comparison>,
    ) -> Result<Overview> {
        Ok(Overview(self.ask(ctx, range, filter, bots, timezone, compare).await?))
    }

    /// The headline figures of a range.
    #[graphql(complexity = "report(&filter) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn summary(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
        #[graphql(desc = "An earlier range to compare with.")] compare: Option<Comparison>,
    ) -> Result<Summary> {
        self.ask(ctx, range, filter, bots, timezone, compare).await?.summary(ctx).await
    }

    /// Figures over time, a bucket for every interval of the range.
    #[graphql(complexity = "report(&filter) + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Width of the buckets; one that suits the range by default.")] interval: Option<Interval>,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
        #[graphql(desc = "An earlier range to compare with.")] compare: Option<Comparison>,
    ) -> Result<Timeline> {
        self.ask(ctx, range, filter, bots, timezone, compare).await?.timeline(ctx, interval).await
    }

    /// Figures by the values of one to four dimensions, the largest groups first.
    #[graphql(complexity = "report(&filter) + limit.clamp(0, 1_000) as usize / 10 + child_complexity")]
    #[allow(clippy::too_many_arguments)]
    async fn breakdown(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "One to four different dimensions to group by.")] by: Vec<Dimension>,
        #[graphql(desc = "Key of the custom property that the dimension `PROPERTY` groups by.")] property: Option<
            String,
        >,
        #[graphql(desc = "How many groups to show, from 1 to 1,000.", default = 10)] limit: i32,
        #[graphql(desc = "The figure by which groups are large.", default)] order_by: Metric,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone; the app's own by default.")] timezone: Option<String>,
        #[graphql(desc = "An earlier range to compare with.")] compare: Option<Comparison>,
    ) -> Result<Breakdown> {
        let grouping = Grouping::new(by, property, limit, order_by)?;
        self.ask(ctx, range, filter, bots, timezone, compare).await?.breakdown(ctx, grouping).await
    }

    /// Events themselves, newest first. All pages of a list show the events that were there when
    /// its first page was read.
    #[graphql(complexity = "report(&filter) + page::cost(first, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events, by time.")] range: TimeRange,
        #[graphql(desc = "Which events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<Page<Event>> {
        let key = RangeKey::of(&range, timezone.as_deref());
        let ask = self.ask(ctx, range, filter, bots, timezone, None).await?;
        let list = ("events", self.scope.app_id(), key, ask.asked(), bots);
        event::page(ctx, ask, None, list, first, after).await
    }

    /// What is known of one user; null where they have no event. An id that is linked to a user gives
    /// that user.
    #[graphql(complexity = "REPORT + child_complexity")]
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user id, or the anonymous id of somebody not yet known.")] user_id: String,
        #[graphql(desc = "Which of their events, by time; all by default.")] range: Option<TimeRange>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
    ) -> Option<Result<UserStats>> {
        let found = async {
            let key = range.as_ref().map(|range| RangeKey::of(range, timezone.as_deref()));
            let zone = timezone.clone().unwrap_or_else(|| self.model.timezone.clone());
            let ask = match range {
                Some(range) => Some(self.ask(ctx, range, None, bots, timezone, None).await?),
                None => None,
            };
            UserStats::find(ctx, self.scope, user_id, ask.map(|ask| ask.range).zip(key), zone, bots).await
        };
        found.await.transpose()
    }

    /// The users of a range.
    #[graphql(complexity = "report(&filter) + page::cost(first, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose events, by time.")] range: TimeRange,
        #[graphql(desc = "Whose events, by what they say.")] filter: Option<EventFilter>,
        #[graphql(desc = "Whether events that nobody is behind are among them.", default)] bots: BotTraffic,
        #[graphql(desc = "IANA time zone that presets of the range follow; the app's own by default.")]
        timezone: Option<String>,
        #[graphql(desc = "What to sort by, largest or latest first.", default)] order_by: UserOrder,
        #[graphql(desc = "How many to return, from 1 to 100.")] first: i32,
        #[graphql(desc = "Continue behind this cursor of the same list.")] after: Option<String>,
    ) -> Result<CountedPage<UserStats>> {
        let key = RangeKey::of(&range, timezone.as_deref());
        let ask = self.ask(ctx, range, filter, bots, timezone, None).await?;
        let list = ("users", self.scope.app_id(), key.clone(), ask.asked(), bots, order_by);
        user_stats::page(ctx, ask, key, order_by, list, first, after).await
    }
}
