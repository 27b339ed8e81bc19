//! Clients that behave well: each repeats what was not acknowledged, under the same ids. Two at a
//! time send the same events, and some are sent again after they were acknowledged.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::people::Site;

/// Clients at work.
pub struct Load {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    senders: Vec<JoinHandle<()>>,
}

/// What clients have seen.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Ids whose request was answered 200 or 202.
    pub acknowledged: HashSet<String>,
    /// Answers by status; 0 for none.
    pub statuses: HashMap<u16, u32>,
    /// The longest that an acknowledgement took.
    pub slowest: Duration,
}

impl Load {
    pub fn start(site: &Site, senders: usize) -> Self {
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), CancellationToken::new());
        let senders = (0..senders)
            .map(|sender| {
                let (work, stop) = (send(site.clone(), sender, seen.clone()), stop.clone());
                tokio::spawn(async move {
                    stop.run_until_cancelled(work).await;
                })
            })
            .collect();
        Self { seen, stop, senders }
    }

    /// So far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many ids were acknowledged.
    pub async fn wait_for(&self, acknowledged: usize) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.seen.lock().unwrap().acknowledged.len() < acknowledged {
            assert!(Instant::now() < until, "{:?}", self.seen.lock().unwrap().statuses);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it, and tells what was seen.
    pub async fn stop(self) -> Seen {
        let Self { seen, stop, senders } = self;
        stop.cancel();
        for sender in senders {
            sender.await.unwrap();
        }
        Arc::try_unwrap(seen).unwrap().into_inner().unwrap()
    }
}

/// Sends for ever.
async fn send(site: Site, sender: usize, seen: Arc<Mutex<Seen>>) {
    for n in 0_usize.. {
        let size = [1, 3, 1, 40][n % 4];
        let ids: Vec<_> = (0..size).map(|part| format!("event-{}-{n}-{part}", sender / 2)).collect();
        let events: Vec<_> = ids.iter().map(|id| json!({"id": id, "event_type": "click"})).collect();
        let again = n % 10 == 0;
        let mut times = 0;
        while times < if again { 2 } else { 1 } {
            let start = Instant::now();
            let reply = site.events().json(&events).timeout(Duration::from_secs(30)).send().await;
            let status = reply.map_or(0, |reply| reply.status().as_u16());
            let acknowledged = matches!(status, 200 | 202);
            {
                let mut seen = seen.lock().unwrap();
                *seen.statuses.entry(status).or_default() += 1;
                if acknowledged {
                    seen.acknowledged.extend(ids.iter().cloned());
                    seen.slowest = seen.slowest.max(start.elapsed());
                }
            }
            assert!(matches!(status, 0 | 200 | 202 | 503 | 504), "{status}");
            times += usize::from(acknowledged);
            // The machine has others to serve as well.
            tokio::time::sleep(Duration::from_millis(if acknowledged { 10 } else { 50 })).await;
        }
    }
}
