//! Why events of an app were not kept.

use async_graphql::{Context, Object, SimpleObject};

use crate::{
    analytics::BigInt,
    auth::AppScope,
    clock::Moment,
    error::Error,
    graphql::{context::ContextExt, error::Result, page},
    ingest::refusals::{KEPT_DAYS, Refused},
};

/// Events of an app that were not kept, for one reason.
#[derive(SimpleObject)]
pub struct RefusedEvents {
    /// Why: a stable code, such as `TIMESTAMP_OUT_OF_RANGE`. `EXCLUDED`, `BOT_DROPPED` and `ERASED` are as the app's owner
    /// wants it; all others say what is wrong with the events, and `docs/ingestion.md` lists them.
    code: String,
    /// The field of the event at fault, by its native name; null where it is the event as a whole.
    field: Option<String>,
    /// What was said of the last one, in a sentence.
    message: String,
    /// How many events.
    events: BigInt,
    /// When the last of them arrived.
    last_at: Moment,
}

/// What was sent for an app and not kept.
pub struct Refusals(pub AppScope);

#[Object]
impl Refusals {
    /// Why events were not kept that were sent for it, what befell most of them first. Their senders were told, and
    /// most clients pass that on to nobody. By days of UTC, and some seconds behind.
    #[graphql(complexity = "page::cost(20, child_complexity)")]
    async fn refused_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of how many days, today included: from 1 to 30.", default = 7)] days: i32,
    ) -> Result<Vec<RefusedEvents>> {
        if !(1..=KEPT_DAYS).contains(&days) {
            return Err(Error::invalid("days", format!("days must lie between 1 and {KEPT_DAYS}.")).into());
        }
        let refused = ctx.app().refusals.of_app(self.0.app_id(), days).await?.into_iter();
        let shown = |Refused { code, field, message, events, last_at }| {
            let (events, last_at) = (BigInt(events), Moment(last_at));
            RefusedEvents { code, field, message, events, last_at }
        };
        Ok(refused.map(shown).collect())
    }
}
