//! Connections that each send the next request as soon as the last one is answered.

use std::time::{Duration, Instant};

use super::{http::Connection, sample::Sample};

/// Of every load, before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// What to send where.
pub(super) struct Load<'a> {
    pub url: &'a str,
    pub key: &'a str,
    pub connections: usize,
    /// Events of a request.
    pub batch: usize,
}

/// What came of it.
pub(super) struct Outcome {
    /// Acknowledged, all in all.
    pub events: u64,
    pub per_second: f64,
    /// In microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Outcome {
    /// This and another of the same load, which lasted as long.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        let per_second = f64::midpoint(self.per_second, other.per_second);
        Self { events: self.events + other.events, per_second, latencies: self.latencies }
    }

    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1e3)
    }
}

impl Load<'_> {
    /// Measures after a second that only counts towards the events.
    pub(super) async fn run_warm(&self, lasting: Duration) -> Outcome {
        let cold = self.run(WARM_UP).await;
        let measured = self.run(lasting).await;
        Outcome { events: cold.events + measured.events, ..measured }
    }

    pub(super) async fn run(&self, lasting: Duration) -> Outcome {
        let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let address = self.url.trim_start_matches("http://").to_owned();
        let start = Instant::now();
        let tasks: Vec<_> = (0..self.connections)
            .map(|n| {
                let (address, key, batch) = (address.clone(), self.key.to_owned(), self.batch);
                tokio::spawn(async move { send(&address, &key, batch, start + lasting, seed + n as u64).await })
            })
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await.unwrap());
        }
        let seconds = start.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let events = (latencies.len() * self.batch) as u64;
        Outcome { events, per_second: events as f64 / seconds, latencies }
    }
}

/// Latencies of the requests of one connection. Whatever is not accepted ends the run.
async fn send(address: &str, key: &str, batch: usize, until: Instant, seed: u64) -> Vec<u32> {
    let mut connection = Connection::open(address).await.unwrap();
    let mut sample = Sample::new(seed);
    let (mut body, mut latencies) = (String::new(), Vec::new());
    while Instant::now() < until {
        sample.body(batch, &mut body);
        let start = Instant::now();
        let status = connection.post(key, &body).await.unwrap();
        assert_eq!(status, 200);
        latencies.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    latencies
}
