//! Identities linked to users, and events that follow the links.
//!
//! From the event that says so on, what comes under an id counts for the user it is linked to. Of two
//! links of one id the newer holds from then on: whoever signs in last on a shared device is who
//! uses it. A link leads straight to its end, so that one look finds it: linking a user on moves
//! those who pointed there. What would close a circle says nothing new and is passed over.
//!
//! While an app has no link and a group brings none, nothing is asked.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use sea_orm::DbErr;
use sqlx::{Error, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::{connection::Transaction, row::Row, transaction::Head};
use crate::error::of_driver;

/// An id in an app.
type Id = (Uuid, String);

/// Links that a group makes, each with when it was.
type Made = BTreeMap<Id, i64>;

/// Follows the links that are there, makes those that the group brings, and lets each event count
/// from then on for whom it should.
pub(super) async fn follow(
    transaction: &mut Transaction<'_>,
    rows: &mut [Row<'_>],
    heads: &HashMap<Uuid, Head>,
) -> Result<(), DbErr> {
    let has_links = |row: &&Row<'_>| {
        row.draft.link.is_some() || heads.get(&row.draft.event.app_id).is_some_and(|head| head.links > 0)
    };
    let apps: BTreeSet<Uuid> = rows.iter().filter(has_links).map(|row| row.draft.event.app_id).collect();
    if apps.is_empty() {
        return Ok(());
    }
    let mut order: Vec<usize> =
        (0..rows.len()).filter(|&place| apps.contains(&rows[place].draft.event.app_id)).collect();
    order.sort_unstable_by_key(|&place| rows[place].arrival);
    let asked: BTreeSet<Id> = order.iter().flat_map(|&place| ids(&rows[place])).collect();
    let mut links = Links { users: linked(transaction, asked).await.map_err(of_driver)?, made: Made::new() };
    let known: BTreeSet<Id> = links.users.keys().cloned().collect();
    for place in order {
        let Some(row) = rows.get_mut(place) else { continue };
        links.take(row);
    }
    if links.made.is_empty() {
        return Ok(());
    }
    let made: Vec<(Id, String, i64, bool)> = links
        .made
        .into_iter()
        .filter_map(|(id, at)| {
            let (user, is_new) = (links.users.get(&id)?.clone(), !known.contains(&id));
            Some((id, user, at, is_new))
        })
        .collect();
    match transaction {
        Transaction::Postgres(transaction) => write_postgres(transaction, &made).await,
        Transaction::Sqlite(transaction) => write_sqlite(transaction, &made).await,
    }
    .map_err(of_driver)
}

/// The ids whose links matter to an event.
fn ids(row: &Row<'_>) -> Vec<Id> {
    let who = row.user_id.as_deref().or(row.anonymous_id.as_deref());
    let link = row.draft.link.iter().flat_map(|link| [link.from.as_str(), link.to.as_str()]);
    who.into_iter().chain(link).map(|id| (row.draft.event.app_id, id.to_owned())).collect()
}

/// What is linked to whom.
struct Links {
    users: HashMap<Id, String>,
    made: Made,
}

impl Links {
    /// Makes the link that an event brings, then lets it count for whom it should.
    fn take(&mut self, row: &mut Row<'_>) {
        let app_id = row.draft.event.app_id;
        if let Some(link) = &row.draft.link {
            let to = self.users.get(&(app_id, link.to.clone())).unwrap_or(&link.to).clone();
            if !link.from.is_empty() && !to.is_empty() && to != link.from {
                self.link(app_id, &link.from, &to, row.draft.event.received_at);
            }
        }
        let who = row.user_id.as_deref().or(row.anonymous_id.as_deref());
        let user = who.and_then(|id| self.users.get(&(app_id, id.to_owned())));
        if let Some(user) = user.cloned() {
            row.user_id = Some(Cow::Owned(user));
        }
    }

    fn link(&mut self, app_id: Uuid, from: &str, to: &str, at: i64) {
        for ((of, _), user) in &mut self.users {
            if *of == app_id && user == from {
                to.clone_into(user);
            }
        }
        let id = (app_id, from.to_owned());
        if self.users.insert(id.clone(), to.to_owned()).as_deref() != Some(to) {
            self.made.insert(id, at);
        }
    }
}

/// The users that ids are linked to.
async fn linked(transaction: &mut Transaction<'_>, asked: BTreeSet<Id>) -> Result<HashMap<Id, String>, Error> {
    let mut users = HashMap::new();
    match transaction {
        Transaction::Postgres(transaction) => {
            let sql = "SELECT i.app_id, i.from_id, i.user_id FROM unnest($1::uuid[], $2::text[]) AS k (app_id, id) \
                       JOIN identities i ON i.app_id = k.app_id AND i.from_id = k.id";
            let (apps, ids): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
            let found: Vec<(Uuid, String, String)> =
                sqlx::query_as(sql).bind(apps).bind(ids).fetch_all(&mut **transaction).await?;
            users.extend(found.into_iter().map(|(app, from, user)| ((app, from), user)));
        }
        Transaction::Sqlite(transaction) => {
            let sql = "SELECT user_id FROM identities WHERE app_id = ? AND from_id = ?";
            for (app, id) in asked {
                let found: Option<(String,)> =
                    sqlx::query_as(sql).bind(app).bind(&id).fetch_optional(&mut **transaction).await?;
                users.extend(found.map(|(user,)| ((app, id), user)));
            }
        }
    }
    Ok(users)
}

async fn write_sqlite(connection: &mut SqliteConnection, made: &[(Id, String, i64, bool)]) -> Result<(), Error> {
    let move_on = "UPDATE identities SET user_id = ? WHERE app_id = ? AND user_id = ?";
    let write = "INSERT INTO identities (app_id, from_id, user_id, created_at) VALUES (?, ?, ?, ?) \
                 ON CONFLICT (app_id, from_id) DO UPDATE SET user_id = excluded.user_id, created_at = excluded.created_at";
    let count = "UPDATE event_heads SET links = links + 1 WHERE app_id = ?";
    for ((app, from), user, at, is_new) in made {
        sqlx::query(move_on).bind(user).bind(app).bind(from).execute(&mut *connection).await?;
        sqlx::query(write).bind(app).bind(from).bind(user).bind(at).execute(&mut *connection).await?;
        if *is_new {
            sqlx::query(count).bind(app).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// A group that brings many links is rare, and is that of somebody who moves here: what counts is
/// one statement for all of them rather than three for each.
async fn write_postgres(connection: &mut PgConnection, made: &[(Id, String, i64, bool)]) -> Result<(), Error> {
    let apps: Vec<Uuid> = made.iter().map(|((app, _), ..)| *app).collect();
    let ids: Vec<&str> = made.iter().map(|((_, from), ..)| from.as_str()).collect();
    let users: Vec<&str> = made.iter().map(|(_, user, ..)| user.as_str()).collect();
    let times: Vec<i64> = made.iter().map(|(_, _, at, _)| *at).collect();
    let new: Vec<Uuid> = made.iter().filter(|(.., is_new)| *is_new).map(|((app, _), ..)| *app).collect();
    let move_on = "UPDATE identities i SET user_id = k.user_id FROM unnest($1::uuid[], $2::text[], $3::text[]) \
                   AS k (app_id, from_id, user_id) WHERE i.app_id = k.app_id AND i.user_id = k.from_id";
    sqlx::query(move_on).bind(&apps).bind(&ids).bind(&users).execute(&mut *connection).await?;
    let write = "INSERT INTO identities (app_id, from_id, user_id, created_at) \
                 SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) \
                 ON CONFLICT (app_id, from_id) DO UPDATE SET user_id = excluded.user_id, created_at = excluded.created_at";
    sqlx::query(write).bind(&apps).bind(&ids).bind(&users).bind(times).execute(&mut *connection).await?;
    let count = "UPDATE event_heads h SET links = links + k.more \
                 FROM (SELECT app_id, count(*) AS more FROM unnest($1::uuid[]) AS n (app_id) GROUP BY app_id) k \
                 WHERE h.app_id = k.app_id";
    sqlx::query(count).bind(new).execute(&mut *connection).await?;
    Ok(())
}
