//! An event, and lists of them.

use async_graphql::{Context, Description, ID, Json, Object};
use sea_orm::{ColumnTrait, QueryFilter};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    analytics::{
        events::{self, EventPage, EventsQuestion},
        revenue::{Decimal, Revenue},
    },
    clock::Moment,
    entity::event::{self, Model},
    graphql::{
        ask::Ask,
        context::ContextExt,
        error::Result,
        frozen::Frozen,
        id::NodeId,
        loader::VisibleApp,
        page::{self, Page, Paginator},
    },
};

/// Something that happened, as it is kept.
#[derive(Description)]
pub struct Event(pub Model);

impl Event {
    /// The event of this id, if the viewer may see its app and it was there when the request began.
    pub async fn find(ctx: &Context<'_>, app: Uuid, id: Uuid) -> Result<Option<Self>> {
        let Some((_, scope)) = ctx.loader().load_one(VisibleApp(app)).await? else { return Ok(None) };
        let seq = ctx.loader().loader().head(scope).await?;
        let found = event::Entity::as_of(app, seq).filter(event::Column::Id.eq(id));
        Ok(found.one(&*ctx.app().db).await?.map(Self))
    }
}

/// A page of the events that `ask` selects, or of one user among them. `list` tells this list from
/// others.
pub async fn page(
    ctx: &Context<'_>,
    mut ask: Ask,
    user: Option<String>,
    list: impl Serialize,
    first: i32,
    after: Option<String>,
) -> Result<Page<Event>> {
    let page = Paginator::<Frozen<(i64, Uuid)>>::new(list, first, after)?;
    let seq = ask.resume(ctx, page.after()).await?;
    let after = page.after().map(|after| after.at);
    let found = read(ctx, EventsQuestion { user, after, ..question(&ask, seq, page.first()) }).await?;
    let items = found.events.into_iter().map(|event| (ask.freeze(seq, (event.timestamp, event.id)), Event(event)));
    Ok(page.page(items.collect(), found.more)?)
}

/// The latest of the events that `ask` selects, as of commit `seq`; of those that came after commit `since`, whenever
/// they happened, where that is given.
pub async fn latest(ctx: &Context<'_>, ask: &Ask, first: i32, seq: i64, since: Option<i64>) -> Result<Vec<Event>> {
    let first = page::checked_first(first)?;
    Ok(read(ctx, EventsQuestion { since, ..question(ask, seq, first) }).await?.events.into_iter().map(Event).collect())
}

fn question(ask: &Ask, seq: i64, first: usize) -> EventsQuestion {
    let (app, range, filter, bots) = (ask.scope, ask.range, ask.filter.clone(), ask.bots);
    EventsQuestion { app, range, filter, bots, user: None, seq, first, after: None, since: None }
}

async fn read(ctx: &Context<'_>, question: EventsQuestion) -> Result<EventPage> {
    let (server, loaders) = (ctx.app(), ctx.loader().loader());
    let (allowance, behaved) = (loaders.allowance(), loaders.behaved());
    Ok(events::events(&server.db, &server.columnar, allowance, behaved, &question).await?)
}

#[Object(use_type_description)]
impl Event {
    /// Identifies the event everywhere.
    pub async fn id(&self) -> ID {
        NodeId::Event { app: self.0.app_id, event: self.0.id }.into()
    }

    /// The id under which it was sent and by which repetitions are recognised; made by the server
    /// where the client sent none.
    async fn event_id(&self) -> String {
        self.0.client_id.clone().unwrap_or_else(|| self.0.id.to_string())
    }

    /// What happened, such as `page_view`.
    async fn event_type(&self) -> &str {
        &self.0.event_type
    }

    /// When it happened, corrected for the client's clock.
    async fn timestamp(&self) -> Moment {
        Moment(self.0.timestamp)
    }

    /// When it arrived.
    async fn received_at(&self) -> Moment {
        Moment(self.0.received_at)
    }

    /// Who did it, once known, as the client says or by a link made before; null until then.
    async fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// Who did it, before it is known, as the client says, or an id of the day where it says nothing
    /// of anybody; null where nobody can be told.
    async fn anonymous_id(&self) -> Option<&str> {
        self.0.anonymous_id.as_deref()
    }

    /// The visit it belongs to, as the client says, or else as the server finds: it ends after half
    /// an hour of silence and when a new campaign leads back. Null where nobody can be told.
    async fn session_id(&self) -> Option<&str> {
        self.0.session_id.as_deref()
    }

    /// Whole address of the page; null for events that belong to none.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Host of the page, lower case; null where there is no address.
    async fn hostname(&self) -> Option<&str> {
        self.0.hostname.as_deref()
    }

    /// Path of the page, without query and fragment; null where there is no address.
    async fn page_path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// Title of the page; null where not known.
    async fn page_title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Whole address the visitor came from; null where it is not known.
    async fn referrer(&self) -> Option<&str> {
        self.0.referrer.as_deref()
    }

    /// Its host, without `www.`; null for direct visits and the site's own pages.
    async fn referrer_domain(&self) -> Option<&str> {
        self.0.referrer_domain.as_deref()
    }

    /// `utm_source` of the page's address; null where there is none.
    async fn utm_source(&self) -> Option<&str> {
        self.0.utm_source.as_deref()
    }

    /// `utm_medium` of the page's address; null where there is none.
    async fn utm_medium(&self) -> Option<&str> {
        self.0.utm_medium.as_deref()
    }

    /// `utm_campaign` of the page's address; null where there is none.
    async fn utm_campaign(&self) -> Option<&str> {
        self.0.utm_campaign.as_deref()
    }

    /// `utm_term` of the page's address; null where there is none.
    async fn utm_term(&self) -> Option<&str> {
        self.0.utm_term.as_deref()
    }

    /// `utm_content` of the page's address; null where there is none.
    async fn utm_content(&self) -> Option<&str> {
        self.0.utm_content.as_deref()
    }

    /// Where it came from, anonymised unless the server is told otherwise; null where not known.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// Two-letter country code (ISO 3166-1), upper case, such as `DE`; null where not known.
    async fn country(&self) -> Option<&str> {
        self.0.country.as_deref()
    }

    /// Part of the country, as the sender or the geo database names it; null where not known.
    async fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// Town, as the sender or the geo database names it; null where not known.
    async fn city(&self) -> Option<&str> {
        self.0.city.as_deref()
    }

    /// The visitor's first language (BCP 47), such as `de-AT`; null where not known.
    async fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }

    /// What it brought in; null where it brought nothing in.
    async fn revenue(&self) -> Option<Revenue> {
        let millionths = self.0.revenue?;
        Some(Revenue { amount: Decimal(millionths.into()), currency: self.0.currency.clone() })
    }

    /// Whether nobody is behind it: a crawler, a preview, a monitor, as its user agent says.
    async fn is_bot(&self) -> bool {
        self.0.is_bot
    }

    /// What the sender called itself; null where it did not.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// Browser name, such as `Firefox`; null where not known.
    async fn browser(&self) -> Option<&str> {
        self.0.browser.as_deref()
    }

    /// Major version of the browser; null where not known.
    async fn browser_version(&self) -> Option<&str> {
        self.0.browser_version.as_deref()
    }

    /// Operating system, such as `Android`; null where not known.
    async fn os(&self) -> Option<&str> {
        self.0.os.as_deref()
    }

    /// Version of the operating system; null where not known. Browsers tell less and less of it:
    /// Windows 11 passes for 10 unless Client Hints say otherwise.
    async fn os_version(&self) -> Option<&str> {
        self.0.os_version.as_deref()
    }

    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`; null where not known.
    async fn device(&self) -> Option<&str> {
        self.0.device.as_deref()
    }

    /// Width of the screen in CSS pixels; null where not known.
    async fn screen_width(&self) -> Option<i32> {
        self.0.screen_width
    }

    /// Height of the screen in CSS pixels; null where not known.
    async fn screen_height(&self) -> Option<i32> {
        self.0.screen_height
    }

    /// Custom properties, a JSON object; null where there are none.
    async fn metadata(&self) -> Option<Json<&serde_json::Value>> {
        self.0.metadata.as_ref().map(Json)
    }
}
