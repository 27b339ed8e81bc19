//! Neighbours on Postgres: one statement for all, a few steps into an index for each.

use std::sync::LazyLock;

use sqlx::{AssertSqlSafe, Error, PgConnection};

use super::{CAMPAIGN_EVENTS, CAMPAIGN_MS, Campaign, EARLY_MS, Near, Neighbours, Probe, SILENCE_MS};

/// Probes of one statement.
const PROBES: usize = 1_000;

type Found = (
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The neighbours of each probe, in their order. Partitions that ended before an event could have
/// arrived are not touched.
pub(super) async fn neighbours(connection: &mut PgConnection, probes: &[Probe]) -> Result<Vec<Neighbours>, Error> {
    let mut neighbours = Vec::with_capacity(probes.len());
    for probes in probes.chunks(PROBES) {
        let (apps, visitors): (Vec<_>, Vec<_>) =
            probes.iter().map(|probe| (probe.visitor.0, probe.visitor.1.as_str())).unzip();
        let found: Vec<Found> = sqlx::query_as(AssertSqlSafe(NEIGHBOURS.as_str()))
            .bind(apps)
            .bind(visitors)
            .bind(probes.iter().map(|probe| probe.at).collect::<Vec<_>>())
            .bind(probes.iter().map(|probe| probe.has_campaign).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        let mut of_probes: Vec<Neighbours> = probes.iter().map(|_| Neighbours::default()).collect();
        for (n, at, session, source, medium, name, next_at, next_session, next_source, next_medium, next_name) in found
        {
            let Some(own) = usize::try_from(n - 1).ok().and_then(|place| of_probes.get_mut(place)) else { continue };
            own.before = near(at, session, [source, medium, name]);
            own.after = near(next_at, next_session, [next_source, next_medium, next_name]);
        }
        neighbours.append(&mut of_probes);
    }
    Ok(neighbours)
}

fn near(at: Option<i64>, session: Option<String>, campaign: Campaign) -> Option<Near> {
    let (at, session) = at.zip(session)?;
    Some(Near { at, session, campaign })
}

static NEIGHBOURS: LazyLock<String> = LazyLock::new(|| {
    let of_visitor = "FROM events e WHERE e.app_id = p.app_id AND COALESCE(e.user_id, e.anonymous_id) = p.visitor";
    let counts = "e.session_id IS NOT NULL AND NOT e.is_bot";
    let campaign = "e.utm_source, e.utm_medium, e.utm_campaign";
    format!(
        "SELECT p.n, b.timestamp, b.session_id, c.utm_source, c.utm_medium, c.utm_campaign, \
            a.timestamp, a.session_id, a.utm_source, a.utm_medium, a.utm_campaign \
         FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::boolean[]) WITH ORDINALITY \
            AS p (app_id, visitor, at, has_campaign, n) \
         LEFT JOIN LATERAL (SELECT e.timestamp, e.session_id {of_visitor} AND {counts} \
            AND e.timestamp BETWEEN p.at - {SILENCE_MS} AND p.at AND e.received_at >= p.at - {SILENCE_MS} - {EARLY_MS} \
            ORDER BY e.timestamp DESC, e.id DESC LIMIT 1) b ON true \
         LEFT JOIN LATERAL (SELECT {campaign} FROM (SELECT * {of_visitor} AND {counts} AND p.has_campaign \
            AND e.timestamp BETWEEN p.at - {CAMPAIGN_MS} AND p.at AND e.received_at >= p.at - {CAMPAIGN_MS} - {EARLY_MS} \
            ORDER BY e.timestamp DESC, e.id DESC LIMIT {CAMPAIGN_EVENTS}) e \
            WHERE e.session_id = b.session_id AND COALESCE({campaign}) IS NOT NULL \
            ORDER BY e.timestamp DESC, e.id DESC LIMIT 1) c ON true \
         LEFT JOIN LATERAL (SELECT e.timestamp, e.session_id, {campaign} {of_visitor} AND {counts} \
            AND b.session_id IS NULL \
            AND e.timestamp > p.at AND e.timestamp <= p.at + {SILENCE_MS} AND e.received_at >= p.at - {EARLY_MS} \
            ORDER BY e.timestamp, e.id LIMIT 1) a ON true"
    )
});
