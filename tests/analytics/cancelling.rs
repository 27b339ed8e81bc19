//! A scan that nobody waits for any more stops.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use event_analytics::{
    columnar::{Column, Scan, View, Wanted, Worker},
    error::Result,
};
use tokio::time::sleep;

use super::sealing::{event, id_of};
use crate::support::app::{Store, TestApp};

const SEGMENTS: i64 = 60;

/// Takes its time, and counts how often it was called.
struct Slow(Arc<AtomicUsize>);

impl Worker for Slow {
    fn select(&mut self, _: View<'_>, _: &mut Vec<u32>) {}

    fn fold(&mut self, _: View<'_>) -> Result<ControlFlow<()>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        Ok(ControlFlow::Continue(()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_stops_when_its_client_has_left() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for number in 0..SEGMENTS {
        site.post([event(number)]).await.ok();
        assert!(app.app.columnar.seal(id_of(&site)).await.unwrap());
    }
    let scan = Scan {
        app: app.app.api_keys.authenticate(&site.key).await.unwrap().scope,
        from: i64::MIN,
        to: i64::MAX,
        seq: i64::MAX,
        is_bot: None,
        visitor: None,
        select: Vec::new(),
        sieve: None,
        columns: vec![Column::EventType],
        times: false,
        ids: false,
        names: Wanted::default(),
    };
    let folded = Arc::new(AtomicUsize::new(0));
    let (columnar, counted) = (app.app.columnar.clone(), folded.clone());
    let asked = tokio::spawn(async move { columnar.scan(scan, || Slow(counted.clone())).await.map(|_| ()) });
    while folded.load(Ordering::SeqCst) == 0 {
        assert!(!asked.is_finished());
        sleep(Duration::from_millis(5)).await;
    }
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    // Whatever had begun comes to its end.
    sleep(Duration::from_millis(200)).await;
    let then = folded.load(Ordering::SeqCst);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(folded.load(Ordering::SeqCst), then, "it goes on");
    assert!((then as i64) < SEGMENTS / 2, "{then} of {SEGMENTS} segments were folded");
    // And gives back what it had taken.
    let all =
        site.ask("summary(range: { preset: LAST_7_DAYS }, filter: { eventType: { exists: true } }) { events }").await;
    assert_eq!(all["summary"]["events"], SEGMENTS);
}
