//! Which apps have something new, for whoever follows them.
//!
//! Every commit of an app moves its head on. The heads of all apps that somebody follows here are read several
//! times a second by one statement, and none while nobody does. So it does not matter which instance has stored
//! an event, whoever stores has nothing to publish, and there is no message that could be lost.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    db::Db,
    entity::event_head::{Column, Entity, Model},
    error::{Error, Result},
};

/// How often heads are read.
const INTERVAL: Duration = Duration::from_millis(100);

/// Heads that one statement reads.
const HEADS: usize = 1_000;

/// What is followed in this process. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Hub>);

struct Hub {
    db: Db,
    followed: Mutex<HashMap<Uuid, watch::Sender<Model>>>,
    begun: Notify,
}

/// An app that somebody follows, for as long as they hold this.
pub struct Followed {
    app: Uuid,
    heads: watch::Receiver<Model>,
    hub: Arc<Hub>,
}

impl Live {
    /// Starts reading heads, until `stop`.
    pub fn start(db: Db, stop: CancellationToken) -> Self {
        let hub = Arc::new(Hub { db, followed: Mutex::default(), begun: Notify::new() });
        tokio::spawn(stop.run_until_cancelled_owned(hub.clone().read()));
        Self(hub)
    }

    /// Follows an app; `NotFound` when it is gone.
    pub async fn follow(&self, app: Uuid) -> Result<Followed> {
        let head = Entity::find_by_id(app).one(&*self.0.db).await?.ok_or(Error::NotFound("app"))?;
        let heads = self.0.followed().entry(app).or_insert_with(|| watch::channel(head).0).subscribe();
        self.0.begun.notify_one();
        Ok(Followed { app, heads, hub: self.0.clone() })
    }
}

impl Followed {
    /// The head as it was read last.
    pub fn head(&self) -> Model {
        self.heads.borrow().clone()
    }

    /// Waits for a head beyond this commit; `NotFound` when the app is gone.
    pub async fn beyond(&mut self, seq: i64) -> Result<()> {
        self.heads.wait_for(|head| head.seq > seq).await.map(drop).map_err(|_| Error::NotFound("app"))
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let mut followed = self.hub.followed();
        // This one is still counted.
        if followed.get(&self.app).is_some_and(|heads| heads.receiver_count() <= 1) {
            followed.remove(&self.app);
        }
    }
}

impl Hub {
    fn followed(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<Model>>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self: Arc<Self>) {
        loop {
            let apps: Vec<Uuid> = self.followed().keys().copied().collect();
            if apps.is_empty() {
                self.begun.notified().await;
            }
            for apps in apps.chunks(HEADS) {
                let heads = Entity::find().filter(Column::AppId.is_in(apps.iter().copied())).all(&*self.db);
                match heads.await {
                    Ok(heads) => self.tell(apps, heads),
                    // Whoever follows is told when the database is back.
                    Err(error) => tracing::debug!(%error, "the heads could not be read"),
                }
            }
            sleep(INTERVAL).await;
        }
    }

    fn tell(&self, apps: &[Uuid], heads: Vec<Model>) {
        let mut followed = self.followed();
        let there: HashSet<Uuid> = heads.iter().map(|head| head.app_id).collect();
        for head in heads {
            let Some(sender) = followed.get(&head.app_id) else { continue };
            sender.send_if_modified(|known| {
                // A statement that began earlier may end later.
                let is_new = head.seq > known.seq;
                if is_new {
                    *known = head;
                }
                is_new
            });
        }
        for gone in apps.iter().filter(|app| !there.contains(app)) {
            followed.remove(gone);
        }
    }
}
