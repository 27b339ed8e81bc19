//! Reads that the fields of one request share.
//!
//! A [`DataLoader`] lives as long as its request and never longer, so that nothing it remembers
//! can reach another asker.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::context::Asker;
use crate::{
    analytics::{
        Question,
        answer::{Answered, answer},
    },
    auth::AppScope,
    entity::{app, event_head},
    error::{Error, Result},
    state::App,
};

/// The shared reads of one request.
pub type RequestLoader = DataLoader<Loaders, HashMapCache>;

/// What the loaders of one request read with.
pub struct Loaders {
    app: App,
    asker: Asker,
    heads: Mutex<HashMap<Uuid, Arc<OnceCell<i64>>>>,
    freshness: Freshness,
}

/// How fresh the answers of a request are.
#[derive(Debug, Default)]
pub struct Freshness {
    as_of: AtomicI64,
    cached: AtomicU32,
    computed: AtomicU32,
}

impl Freshness {
    /// The moment whose data the answers show, once any was asked for.
    pub fn as_of(&self) -> Option<i64> {
        Some(self.as_of.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }

    /// Whether every answer had been computed before; none when nothing was asked.
    pub fn cached(&self) -> Option<bool> {
        let (cached, computed) = (self.cached.load(Ordering::Relaxed), self.computed.load(Ordering::Relaxed));
        (cached + computed > 0).then_some(computed == 0)
    }
}

impl Loaders {
    /// Loaders for one request of `asker`.
    pub fn of_request(app: App, asker: Asker) -> RequestLoader {
        let loaders = Self { app, asker, heads: Mutex::default(), freshness: Freshness::default() };
        DataLoader::with_cache(loaders, tokio::spawn, HashMapCache::default())
    }

    /// How fresh the answers so far are.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// The commit up to which events of the app count in this request: read once, so that all of
    /// its figures speak of the same events.
    pub async fn head(&self, scope: AppScope) -> Result<i64> {
        let cell = {
            let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.entry(scope.app_id()).or_default().clone()
        };
        let read = async || {
            let now = self.app.clock.now_ms();
            let head = event_head::Entity::find_by_id(scope.app_id()).one(&*self.app.db).await?;
            let _ = self.freshness.as_of.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            Ok::<_, Error>(head.ok_or(Error::NotFound("app"))?.seq)
        };
        cell.get_or_try_init(read).await.copied()
    }
}

/// An app by its id, if the asker may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisibleApp(pub Uuid);

impl Loader<VisibleApp> for Loaders {
    type Value = (app::Model, AppScope);
    type Error = Error;

    async fn load(&self, keys: &[VisibleApp]) -> Result<HashMap<VisibleApp, Self::Value>> {
        let Some(viewer) = self.asker.0 else { return Ok(HashMap::new()) };
        let mut scopes = HashMap::new();
        for VisibleApp(id) in keys {
            match AppScope::of_member(&self.app.db, viewer, *id).await {
                Ok(scope) => drop(scopes.insert(*id, scope)),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if scopes.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = app::Column::Id.is_in(scopes.keys().copied());
        let apps = app::Entity::find().filter(ids).all(&*self.app.db).await?;
        Ok(apps
            .into_iter()
            .filter_map(|app| Some((VisibleApp(app.id), (scopes.remove(&app.id)?, app))))
            .map(|(key, (scope, app))| (key, (app, scope)))
            .collect())
    }
}

impl Loader<Question> for Loaders {
    type Value = Result<Answered>;
    type Error = Error;

    async fn load(&self, questions: &[Question]) -> Result<HashMap<Question, Self::Value>> {
        let answers = answer(&self.app.db, &self.app.cache, questions).await;
        for answered in answers.iter().flatten() {
            let count = if answered.cached { &self.freshness.cached } else { &self.freshness.computed };
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(questions.iter().cloned().zip(answers).collect())
    }
}
