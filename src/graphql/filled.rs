//! Filters that refer to saved segments.

use std::collections::HashSet;

use async_graphql::{Context, ID};

use super::{context::ContextExt, error::Result, id::NodeId, loader::SavedFilter};
use crate::{analytics::filter::EventFilter, auth::AppScope};

/// A filter at `path`, checked and with those of saved segments in the place of their ids: so that an answer
/// is remembered for what they say now.
pub async fn filled(ctx: &Context<'_>, scope: AppScope, path: &str, mut filter: EventFilter) -> Result<EventFilter> {
    filter.validate(path)?;
    if filter.passes() == 0 {
        return Ok(filter);
    }
    let key = |id: &ID| match id.parse() {
        Ok(NodeId::SavedSegment { app, segment }) if app == scope.app_id() => Some(SavedFilter { scope, segment }),
        _ => None,
    };
    let segments: HashSet<SavedFilter> = filter.segments(path).iter().filter_map(|(_, id)| key(id)).collect();
    if !segments.is_empty() {
        let found = ctx.loader().load_many(segments).await?;
        filter.fill(path, &|id| Some((**found.get(&key(id)?)?).clone()))?;
    } else {
        filter.fill(path, &|_| None)?;
    }
    filter.validate(path)?;
    Ok(filter)
}
