//! What the database alone can do: COPY BINARY of rows the server has just stored, under new ids,
//! into a table of the same shape, over a unix socket where there is one.

use std::time::{Duration, Instant};

use event_analytics::entity::event;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QuerySelect, Statement};
use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgConnection},
};
use uuid::Uuid;

/// Rows of a COPY, each its own transaction.
const ROWS: u64 = 1_000;
const CONNECTIONS: usize = 2;
const COPY: &str = "COPY bare_events (app_id, id, client_id, seq, timestamp, received_at, event_type, user_id, \
    anonymous_id, session_id, url, hostname, path, referrer, referrer_domain, utm_source, utm_medium, utm_campaign, \
    utm_term, utm_content, ip_address, country, user_agent, browser, browser_version, os, os_version, device, title, \
    language, region, city, currency, screen_width, screen_height, revenue, is_bot, metadata) \
    FROM STDIN (FORMAT binary)";

/// Rows per second.
pub(super) async fn run(url: &str, database: &DatabaseConnection, lasting: Duration) -> f64 {
    for sql in ["DROP TABLE IF EXISTS bare_events", "CREATE TABLE bare_events (LIKE events INCLUDING ALL)"] {
        database.execute_unprepared(sql).await.unwrap();
    }
    let rows = event::Entity::find().limit(ROWS).all(database).await.unwrap();
    let mut options: PgConnectOptions = url.parse().unwrap();
    let folders = Statement::from_string(DbBackend::Postgres, "SHOW unix_socket_directories");
    let folders: String = database.query_one_raw(folders).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let folder = folders.split(',').next().unwrap_or_default().trim();
    if std::path::Path::new(folder).join(format!(".s.PGSQL.{}", options.get_port())).exists() {
        options = options.socket(folder);
    }
    let start = Instant::now();
    let loops: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(copy_until(options.clone(), rows.clone(), start + lasting))).collect();
    let mut copied = 0;
    for task in loops {
        copied += task.await.unwrap();
    }
    copied as f64 / start.elapsed().as_secs_f64()
}

async fn copy_until(options: PgConnectOptions, rows: Vec<event::Model>, until: Instant) -> usize {
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let mut copied = 0;
    let mut bytes = Vec::new();
    while Instant::now() < until {
        encode(&rows, &mut bytes);
        let mut copy = connection.copy_in_raw(COPY).await.unwrap();
        copy.send(bytes.as_slice()).await.unwrap();
        copy.finish().await.unwrap();
        copied += rows.len();
    }
    copied
}

/// The rows in Postgres's binary format, each with an id of its own.
fn encode(rows: &[event::Model], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in rows {
        out.extend_from_slice(&38i16.to_be_bytes());
        field(out, Some(row.app_id.as_bytes()));
        field(out, Some(Uuid::now_v7().as_bytes()));
        field(out, row.client_id.as_deref().map(str::as_bytes));
        for number in [row.seq, row.timestamp, row.received_at] {
            field(out, Some(&number.to_be_bytes()));
        }
        field(out, Some(row.event_type.as_bytes()));
        for text in [
            &row.user_id,
            &row.anonymous_id,
            &row.session_id,
            &row.url,
            &row.hostname,
            &row.path,
            &row.referrer,
            &row.referrer_domain,
            &row.utm_source,
            &row.utm_medium,
            &row.utm_campaign,
            &row.utm_term,
            &row.utm_content,
            &row.ip_address,
            &row.country,
            &row.user_agent,
            &row.browser,
            &row.browser_version,
            &row.os,
            &row.os_version,
            &row.device,
            &row.title,
            &row.language,
            &row.region,
            &row.city,
            &row.currency,
        ] {
            field(out, text.as_deref().map(str::as_bytes));
        }
        for size in [row.screen_width, row.screen_height] {
            field(out, size.map(i32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice));
        }
        field(out, row.revenue.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        field(out, Some(&[u8::from(row.is_bot)]));
        field(out, row.metadata.as_ref().map(|json| json.to_string().into_bytes()).as_deref());
    }
    out.extend_from_slice(&(-1i16).to_be_bytes());
}

fn field(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.extend_from_slice(&value.map_or(-1, |value| i32::try_from(value.len()).unwrap()).to_be_bytes());
    out.extend_from_slice(value.unwrap_or_default());
}
