//! Neighbours on SQLite: three prepared statements, of which most events need one or two.

use sqlx::{Error, SqliteConnection};

use super::{CAMPAIGN_EVENTS, CAMPAIGN_MS, Campaign, Near, Neighbours, Probe, SILENCE_MS};

const BEFORE: &str = "SELECT timestamp, session_id FROM events \
    WHERE app_id = ? AND COALESCE(user_id, anonymous_id) = ? AND timestamp BETWEEN ? AND ? \
        AND session_id IS NOT NULL AND NOT is_bot \
    ORDER BY timestamp DESC, id DESC LIMIT 1";

const CAMPAIGN: &str = "SELECT utm_source, utm_medium, utm_campaign FROM (SELECT * FROM events \
        WHERE app_id = ? AND COALESCE(user_id, anonymous_id) = ? AND timestamp BETWEEN ? AND ? \
            AND session_id IS NOT NULL AND NOT is_bot ORDER BY timestamp DESC, id DESC LIMIT ?) \
    WHERE session_id = ? AND COALESCE(utm_source, utm_medium, utm_campaign) IS NOT NULL \
    ORDER BY timestamp DESC, id DESC LIMIT 1";

const AFTER: &str = "SELECT timestamp, session_id, utm_source, utm_medium, utm_campaign FROM events \
    WHERE app_id = ? AND COALESCE(user_id, anonymous_id) = ? AND timestamp > ? AND timestamp <= ? \
        AND session_id IS NOT NULL AND NOT is_bot \
    ORDER BY timestamp, id LIMIT 1";

type Text = Option<String>;

/// The neighbours of each probe, in their order.
pub(super) async fn neighbours(connection: &mut SqliteConnection, probes: &[Probe]) -> Result<Vec<Neighbours>, Error> {
    let mut neighbours = Vec::with_capacity(probes.len());
    for probe in probes {
        let before = before(connection, probe).await?;
        let after = if before.is_some() { None } else { after(connection, probe).await? };
        neighbours.push(Neighbours { before, after });
    }
    Ok(neighbours)
}

async fn before(connection: &mut SqliteConnection, probe: &Probe) -> Result<Option<Near>, Error> {
    let Probe { visitor: (app_id, visitor), at, has_campaign } = probe;
    let found: Option<(i64, String)> = sqlx::query_as(BEFORE)
        .bind(app_id)
        .bind(visitor)
        .bind(at - SILENCE_MS)
        .bind(at)
        .fetch_optional(&mut *connection)
        .await?;
    let Some((last, session)) = found else { return Ok(None) };
    let mut campaign = Campaign::default();
    if *has_campaign {
        let found: Option<(Text, Text, Text)> = sqlx::query_as(CAMPAIGN)
            .bind(app_id)
            .bind(visitor)
            .bind(at - CAMPAIGN_MS)
            .bind(at)
            .bind(CAMPAIGN_EVENTS)
            .bind(&session)
            .fetch_optional(connection)
            .await?;
        campaign = found.map(|(source, medium, name)| [source, medium, name]).unwrap_or_default();
    }
    Ok(Some(Near { at: last, session, campaign }))
}

async fn after(connection: &mut SqliteConnection, probe: &Probe) -> Result<Option<Near>, Error> {
    let Probe { visitor: (app_id, visitor), at, .. } = probe;
    let found: Option<(i64, String, Text, Text, Text)> = sqlx::query_as(AFTER)
        .bind(app_id)
        .bind(visitor)
        .bind(at)
        .bind(at + SILENCE_MS)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|(at, session, source, medium, name)| Near { at, session, campaign: [source, medium, name] }))
}
