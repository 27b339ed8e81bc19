//! Links by which a person's data can be downloaded without signing in: for a quarter of an hour, and
//! only while whoever asked for one still may.
//!
//! A link's token is the app's id and 256 random bits. Only a digest of these is stored, so whoever reads
//! the table, or a copy of it, can download nothing; and it tells nothing of the person.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{AppScope, Granted, Viewer, permission::ExportPeople};
use crate::{
    config::Secret,
    db::Db,
    entity::export::{Column, Entity, Model},
    error::{Error, Result},
};

/// How long a link works, in milliseconds.
pub const LIFETIME_MS: i64 = 15 * 60 * 1_000;
/// Links of one app that work at the same time.
const LIVE: u64 = 100;
const APP_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// Whose events, and as of when.
#[derive(Debug, Clone)]
pub struct Person {
    /// Any id of theirs.
    pub id: String,
    /// Events of the commits up to this one.
    pub seq: i64,
    /// When that was.
    pub as_of: i64,
}

/// Makes a link, and forgets those of the app that work no longer; its token, and until when it works.
pub async fn create(
    db: &impl ConnectionTrait,
    may: Granted<ExportPeople>,
    viewer: Viewer,
    person: Person,
) -> Result<(Secret, i64)> {
    let app = may.scope().app_id();
    let of_app = Column::AppId.eq(app);
    let old = of_app.clone().and(Column::ExpiresAt.lte(person.as_of));
    Entity::delete_many().filter(old).exec(db).await?;
    if Entity::find().filter(of_app).count(db).await? >= LIVE {
        let message = format!("{LIVE} exports of this app wait to be downloaded. Try again in a quarter of an hour.");
        return Err(Error::Conflict { field: None, message });
    }
    let secret: [u8; SECRET_BYTES] = rand::random();
    let expires_at = person.as_of + LIFETIME_MS;
    let row = Model {
        app_id: app,
        digest: digest(&secret),
        person_id: person.id,
        seq: person.seq,
        as_of: person.as_of,
        expires_at,
        requested_by: viewer.user_id,
    };
    row.into_active_model().insert(db).await?;
    let token = [app.as_bytes().as_slice(), &secret].concat();
    Ok((Secret::new(BASE64_URL_SAFE_NO_PAD.encode(token)), expires_at))
}

/// What a link opens; `NotFound` where it opens nothing, or does no longer.
pub async fn open(db: &Db, token: &str, now: i64) -> Result<(AppScope, Person)> {
    let found = find(db, token).await?.filter(|link| now < link.expires_at).ok_or(Error::NotFound("export"))?;
    let scope = AppScope::of_user(&**db, found.requested_by, &[found.app_id]).await?.pop();
    let may = scope.and_then(|scope| scope.may::<ExportPeople>().ok()).ok_or(Error::NotFound("export"))?;
    Ok((may.scope(), Person { id: found.person_id, seq: found.seq, as_of: found.as_of }))
}

/// Forgets links that name a person by any of these ids.
pub async fn forget(db: &impl ConnectionTrait, app: Uuid, ids: &[String]) -> Result<()> {
    let theirs = Column::AppId.eq(app).and(Column::PersonId.is_in(ids));
    Entity::delete_many().filter(theirs).exec(db).await?;
    Ok(())
}

/// Forgets links that work no longer.
pub async fn forget_old(db: &Db, now: i64) -> Result<()> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(db.writer()).await?;
    Ok(())
}

async fn find(db: &Db, token: &str) -> Result<Option<Model>> {
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(token) else { return Ok(None) };
    let Some((app, secret)) = bytes.split_at_checked(APP_BYTES) else { return Ok(None) };
    let Ok(app) = Uuid::from_slice(app) else { return Ok(None) };
    // Found by digest: how long that takes tells nothing of any secret.
    Ok(Entity::find_by_id((app, digest(secret))).one(&**db).await?)
}

fn digest(secret: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(b"export:").chain_update(secret).finalize().to_vec()
}
