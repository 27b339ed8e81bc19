//! The Redis that instances share, when there is one.
//!
//! Nothing depends on it: whoever calls gets `None` while it is away, at once, and goes on alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{
    Client, IntoConnectionInfo as _, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
    io::tcp::TcpSettings,
};
use tokio::time::timeout;

use crate::{
    config::Secret,
    error::{Error, Result},
};

/// How long any call may take before the process goes on alone.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(250);

/// How long Redis is left alone after a call has failed.
const REST: Duration = Duration::from_secs(1);

/// After how long without an acknowledgement a connection is taken for dead.
#[cfg(target_os = "linux")]
const DEAD_AFTER: Duration = Duration::from_secs(5);

/// A lazily connecting handle; cheap to clone.
#[derive(Clone)]
pub struct Shared {
    manager: ConnectionManager,
    circuit: Arc<Circuit>,
}

impl Shared {
    /// Prepares a connection without waiting for it.
    pub fn connect(url: &Secret) -> Result<Self> {
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(DEAD_AFTER);
        let info = url.expose().into_connection_info().map_err(Error::internal)?.set_tcp_settings(tcp);
        let client = Client::open(info).map_err(Error::internal)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CALL_TIMEOUT))
            .set_response_timeout(Some(CALL_TIMEOUT));
        let manager = ConnectionManager::new_lazy_with_config(client, config).map_err(Error::internal)?;
        Ok(Self { manager, circuit: Arc::default() })
    }

    /// What Redis says to `call`; nothing when it is away, slow, or was a moment ago.
    pub async fn call<T>(&self, call: impl AsyncFnOnce(ConnectionManager) -> RedisResult<T>) -> Option<T> {
        if !self.circuit.lets_through() {
            return None;
        }
        let problem = match timeout(CALL_TIMEOUT, call(self.manager.clone())).await {
            Ok(Ok(value)) => {
                if self.circuit.close() {
                    tracing::info!("redis is back");
                }
                return Some(value);
            }
            Ok(Err(error)) => error.category().to_owned(),
            Err(_) => "no answer in time".to_owned(),
        };
        if self.circuit.open() {
            tracing::warn!(problem, "redis is away; limits and cache go on in the process");
        }
        None
    }

    /// Whether it answers.
    pub async fn ping(&self) -> bool {
        self.call(async |mut redis| redis::cmd("PING").query_async::<()>(&mut redis).await).await.is_some()
    }
}

/// Keeps callers from waiting for what is known to be away. While open, one call in every
/// [`REST`] goes through to see whether that is still so.
struct Circuit {
    /// Milliseconds after `start` at which the next call may try; zero while all may.
    retry_at: AtomicU64,
    start: Instant,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { retry_at: AtomicU64::new(0), start: Instant::now() }
    }
}

impl Circuit {
    fn lets_through(&self) -> bool {
        let retry_at = self.retry_at.load(Ordering::Acquire);
        let now = self.now();
        retry_at == 0
            || (now >= retry_at
                && self
                    .retry_at
                    .compare_exchange(retry_at, now + millis(REST), Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok())
    }

    /// Opens it; true for the first to do so.
    fn open(&self) -> bool {
        self.retry_at.swap(self.now() + millis(REST), Ordering::AcqRel) == 0
    }

    /// Closes it; true for the first to do so.
    fn close(&self) -> bool {
        // Almost always closed already; a load leaves the cache line shared.
        self.retry_at.load(Ordering::Acquire) != 0 && self.retry_at.swap(0, Ordering::AcqRel) != 0
    }

    fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
