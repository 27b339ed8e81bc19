//! Reads that the fields of one request share.
//!
//! A [`DataLoader`] lives as long as its request and never longer, so that nothing it remembers
//! can reach another asker.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use futures::{StreamExt, TryStreamExt, future::try_join, stream};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::{sync::OnceCell, task::JoinSet};
use uuid::Uuid;

use super::context::{Asker, ContextExt};
use crate::{
    analytics::{
        BotTraffic, Question, Range,
        allowance::{Allowance, SCANS_AT_ONCE},
        answer::{self, Answered, answer},
        behaviour::Behaved,
        filter::EventFilter,
        segments,
        user::{UserStats, user},
    },
    auth::{AppScope, link::OpenLink},
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
    heads: Mutex<HashMap<Uuid, Arc<OnceCell<event_head::Model>>>>,
    freshness: Freshness,
    allowance: Allowance,
    asks_one: bool,
    behaved: Behaved,
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
    /// Loaders for one request of `asker`, and whether it asks one thing of one object. Of an app whose head was
    /// read a moment ago the events up to that one count.
    pub fn of_request(app: App, asker: Asker, asks_one: bool, head: Option<event_head::Model>) -> RequestLoader {
        let (freshness, allowance, behaved): (Freshness, _, _) = Default::default();
        freshness.as_of.store(head.as_ref().map_or(0, |_| app.clock.now_ms()), Ordering::Relaxed);
        let heads = head.into_iter().map(|head| (head.app_id, Arc::new(OnceCell::new_with(Some(head))))).collect();
        let loaders = Self { app, asker, heads: Mutex::new(heads), freshness, allowance, asks_one, behaved };
        // Dropped with the request, and the reads in it: whoever hung up, or took too long, is not worked for.
        let reads = Mutex::new(JoinSet::new());
        let spawn = move |read| drop(reads.lock().unwrap_or_else(PoisonError::into_inner).spawn(read));
        DataLoader::with_cache(loaders, spawn, HashMapCache::default())
    }

    /// How fresh the answers so far are.
    pub fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// What is left of what the request may take.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// What the request has found out about behaviours.
    pub fn behaved(&self) -> &Behaved {
        &self.behaved
    }

    /// The commit up to which events of the app count in this request: read once, so that all of
    /// its figures speak of the same events.
    pub async fn head(&self, scope: AppScope) -> Result<i64> {
        Ok(self.heads(scope).await?.seq)
    }

    /// That commit, and the last one that removed events.
    pub async fn heads(&self, scope: AppScope) -> Result<event_head::Model> {
        let cell = {
            let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.entry(scope.app_id()).or_default().clone()
        };
        let read = async || {
            let now = self.app.clock.now_ms();
            let head = answer::head(&self.app.db, scope).await?;
            let _ = self.freshness.as_of.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            Ok::<_, Error>(head)
        };
        cell.get_or_try_init(read).await.cloned()
    }
}

/// What is read by this key, for the field of `ctx`: together with what its siblings read, which takes a
/// moment of waiting, or at once where it can have none.
pub async fn load<K>(ctx: &Context<'_>, key: K) -> Result<Option<<Loaders as Loader<K>>::Value>>
where
    Loaders: Loader<K, Error = Error>,
    K: Send + Sync + Hash + Eq + Clone + 'static,
{
    let loader = ctx.loader();
    let depth = ctx.path_node.iter().flat_map(|node| node.parents()).count();
    if !loader.loader().asks_one || depth > 1 {
        return loader.load_one(key).await;
    }
    let found = loader.loader().load(std::slice::from_ref(&key)).await?.remove(&key);
    if let Some(found) = &found {
        loader.feed_one(key, found.clone()).await;
    }
    Ok(found)
}

/// An app by its id, if the asker may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisibleApp(pub Uuid);

impl Loader<VisibleApp> for Loaders {
    type Value = (app::Model, AppScope);
    type Error = Error;

    async fn load(&self, keys: &[VisibleApp]) -> Result<HashMap<VisibleApp, Self::Value>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let scopes = async {
            match self.asker {
                Asker::Stranger => Ok(vec![]),
                Asker::Person(viewer) => AppScope::of_member_many(&self.app.db, viewer, &ids).await,
                Asker::Key(scope) | Asker::Link(OpenLink { scope, .. }) => {
                    Ok(ids.contains(&scope.app_id()).then_some(scope).into_iter().collect())
                }
            }
        };
        let of_these = app::Entity::find().filter(app::Column::Id.is_in(ids.iter().copied()));
        let apps = async { Ok(of_these.all(&*self.app.db).await?) };
        // At once: what is none of theirs is dropped below.
        let (scopes, apps) = try_join(scopes, apps).await?;
        let mut apps: HashMap<_, _> = apps.into_iter().map(|app| (app.id, app)).collect();
        let visible = scopes.into_iter().filter_map(|scope| {
            let app = apps.remove(&scope.app_id())?;
            Some((VisibleApp(app.id), (app, scope)))
        });
        Ok(visible.collect())
    }
}

/// The filter of a saved segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SavedFilter {
    /// Proof that the asker may ask.
    pub scope: AppScope,
    /// Which.
    pub segment: Uuid,
}

impl Loader<SavedFilter> for Loaders {
    type Value = Arc<EventFilter>;
    type Error = Error;

    async fn load(&self, keys: &[SavedFilter]) -> Result<HashMap<SavedFilter, Self::Value>> {
        let mut found = HashMap::new();
        let scopes: HashSet<AppScope> = keys.iter().map(|key| key.scope).collect();
        for scope in scopes {
            let own = keys.iter().filter(|key| key.scope == scope).map(|key| key.segment);
            for row in segments::of_app(&self.app.db, scope, own).await? {
                found.insert(SavedFilter { scope, segment: row.id }, Arc::new(segments::filter(&row)?));
            }
        }
        Ok(found)
    }
}

/// A user of an app within a range or at all, as of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeenUser {
    /// Proof that the asker may ask.
    pub scope: AppScope,
    /// User id or anonymous id.
    pub user_id: String,
    /// By time.
    pub range: Option<Range>,
    /// Whether bots' events are among them.
    pub bots: BotTraffic,
    /// By commit.
    pub seq: i64,
}

impl Loader<SeenUser> for Loaders {
    type Value = Arc<UserStats>;
    type Error = Error;

    async fn load(&self, keys: &[SeenUser]) -> Result<HashMap<SeenUser, Self::Value>> {
        let reads = keys.iter().cloned().map(|key| async move {
            let _turn = self.allowance.turn().await?;
            let found = user(&self.app.columnar, key.scope, &key.user_id, key.range, key.bots, key.seq).await?;
            Ok::<_, Error>(found.map(|stats| (key, Arc::new(stats))))
        });
        let found: Vec<_> = stream::iter(reads).buffer_unordered(SCANS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Loader<Question> for Loaders {
    type Value = Result<Answered>;
    type Error = Error;

    async fn load(&self, questions: &[Question]) -> Result<HashMap<Question, Self::Value>> {
        let answers = answer(&self.app.columnar, &self.app.cache, &self.allowance, &self.behaved, questions).await;
        for answered in answers.iter().flatten() {
            let count = if answered.cached { &self.freshness.cached } else { &self.freshness.computed };
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(questions.iter().cloned().zip(answers).collect())
    }
}
