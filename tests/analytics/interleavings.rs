//! Every order in which the steps of writing, sealing, merging, erasing and asking can follow one another.
//!
//! Each of them runs on its own connections, which are held where the next step begins: sealing and merging
//! between what they read and their claim, and between that and their commit; a question between its snapshot
//! and its columns.

use std::time::{Duration, Instant};

use event_analytics::{
    clock::Clock,
    columnar::{Columnar, erase::People},
    config::Config,
    db::Db,
};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};
use uuid::Uuid;

use super::sealing::{COUNTS, event, expected, id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
    postgres::{TestDatabase, connect},
    wire::Wire,
};

const CLAIM: &str = "UPDATE \"segment_heads\"";
const COMMIT: &str = "COMMIT";
const COLUMNS: &str = "FROM \"segment_columns\"";
/// The first statement of an erasure that changes anything.
const HEAD: &str = "UPDATE \"event_heads\"";

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Writer,
    Sealer,
    OtherSealer,
    Merger,
    Reader,
    /// Of somebody who has one event.
    Eraser,
}

use Part::{Eraser, Merger, OtherSealer, Reader, Sealer, Writer};

/// Who takes part in an order, and where each is held; the writer and whoever is held nowhere take one step.
type Cast = [(Part, &'static [&'static str])];

/// One of them at work.
struct Actor {
    part: Part,
    /// Where it is still to be held.
    gates: &'static [&'static str],
    work: JoinHandle<Option<Value>>,
}

struct Stage {
    postgres: DatabaseConnection,
    wires: [Wire; 4],
    sealers: [Columnar; 2],
    eraser: Columnar,
    app: TestApp,
    site: Site,
    _reader: TestApp,
    reader_site: Site,
    sent: i64,
    _database: TestDatabase,
}

impl Stage {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let url = [("DATABASE_URL", database.url())];
        let app = TestApp::with(Store::Postgres, &url).await;
        let site = app.site().await;
        let wires = [
            Wire::to(database.url(), "one").await,
            Wire::to(database.url(), "two").await,
            Wire::to(database.url(), "three").await,
            Wire::to(database.url(), "four").await,
        ];
        let reader = TestApp::with(Store::Postgres, &[("DATABASE_URL", wires[2].url())]).await;
        let mut reader_site = site.clone();
        reader_site.owner.url.clone_from(&reader.url);
        let sealers = [columnar(&wires[0]).await, columnar(&wires[1]).await];
        let eraser = columnar(&wires[3]).await;
        let postgres = connect(database.url()).await.unwrap();
        Self { postgres, wires, sealers, eraser, app, site, _reader: reader, reader_site, sent: 0, _database: database }
    }

    fn id(&self) -> Uuid {
        id_of(&self.site)
    }

    async fn send(&mut self, events: i64) {
        let batch: Vec<_> = (self.sent..self.sent + events).map(event).collect();
        assert_eq!(self.site.post(batch).await.ok()["accepted"], events);
        self.sent += events;
    }

    /// Takes all through one order.
    async fn play(&mut self, cast: &Cast, order: &[Part]) {
        let erases = cast.iter().any(|(part, _)| *part == Eraser);
        if erases {
            assert_eq!(self.site.post(somebody()).await.ok()["accepted"], 1);
        }
        if cast.iter().any(|(part, _)| *part == Merger) {
            // Four of one size, behind whatever there is.
            self.app.app.columnar.seal(self.id()).await.unwrap();
            for _ in 0..4 {
                self.send(1).await;
                assert!(self.app.app.columnar.seal(self.id()).await.unwrap());
            }
        }
        self.send(3).await;
        let (before, mut actors) = (self.sent, Vec::<Actor>::new());
        for &part in order {
            if part == Writer {
                self.send(2).await;
                continue;
            }
            let place = actors.iter().position(|actor| actor.part == part).unwrap_or(actors.len());
            if place == actors.len() {
                let (_, gates) = *cast.iter().find(|(own, _)| *own == part).unwrap();
                self.wire(part).hold(gates.first().copied());
                actors.push(Actor { part, gates, work: self.start(part) });
            } else {
                let actor = &mut actors[place];
                actor.gates = actor.gates.get(1..).unwrap_or_default();
                self.wire(part).hold(actor.gates.first().copied());
            }
            self.settle(&actors[place]).await;
        }
        self.wires.iter().for_each(|wire| wire.hold(None));
        for actor in actors {
            if let Some(answer) = actor.work.await.unwrap() {
                let with = |others| (before..=self.sent).map(move |events| and(expected(events), others));
                let is_right = (0..=i64::from(erases)).flat_map(with).any(|right| answer == right);
                assert!(is_right, "{order:?}: {answer} of {before} to {} events", self.sent);
            }
        }
        assert_eq!(self.site.ask(COUNTS).await["summary"], expected(self.sent), "{order:?}");
        let found = self.app.app.columnar.verify(self.id()).await.unwrap();
        assert_eq!(found.drift, [""; 0], "{order:?}");
        assert_eq!(found.sealed_rows + found.tail_rows, self.sent as u64, "{order:?}");
    }

    fn wire(&self, part: Part) -> &Wire {
        match part {
            Sealer | Writer => &self.wires[0],
            OtherSealer | Merger => &self.wires[1],
            Reader => &self.wires[2],
            Eraser => &self.wires[3],
        }
    }

    fn start(&self, part: Part) -> JoinHandle<Option<Value>> {
        let (id, [one, other], site) = (self.id(), self.sealers.clone(), self.reader_site.clone());
        let eraser = self.eraser.clone();
        tokio::spawn(async move {
            match part {
                Sealer => drop(one.seal(id).await.unwrap()),
                OtherSealer => drop(other.seal(id).await.unwrap()),
                Merger => drop(other.merge(id).await.unwrap()),
                Reader => return Some(site.ask(COUNTS).await["summary"].clone()),
                Eraser => {
                    let ids = vec![SOMEBODY.to_owned()];
                    eraser.erase(&People { app: id, ids, until_seq: i64::MAX, receipt: Uuid::nil() }).await.unwrap();
                }
                Writer => unreachable!("it is not held"),
            }
            None
        })
    }

    /// Waits until an actor is held, at its end, or waits for what another holds.
    async fn settle(&self, actor: &Actor) {
        let end = Instant::now() + Duration::from_secs(120);
        let wire = self.wire(actor.part);
        while !(wire.holds() || actor.work.is_finished() || self.waits(wire.name()).await) {
            assert!(Instant::now() < end, "{:?} stands still", actor.part);
            sleep(Duration::from_millis(2)).await;
        }
    }

    async fn waits(&self, name: &str) -> bool {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
             AND application_name = '{name}'"
        );
        let row = self.postgres.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap() > 0
    }
}

const SOMEBODY: &str = "somebody";

/// An event of somebody who has no other.
fn somebody() -> Value {
    json!({ "event_type": "click", "user_id": SOMEBODY, "session_id": SOMEBODY, "timestamp": NOW })
}

/// Figures with so many others, of one event each.
fn and(mut figures: Value, others: i64) -> Value {
    for figure in ["events", "uniqueUsers", "sessions"] {
        figures[figure] = json!(figures[figure].as_i64().unwrap() + others);
    }
    figures
}

/// An instance that does nothing by itself.
async fn columnar(wire: &Wire) -> Columnar {
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let vars = [("DATABASE_URL", wire.url().to_owned()), ("JWT_SECRET", secret.clone()), ("API_KEY_SECRET", secret)];
    let config = Config::from_vars(vars.map(|(name, value)| (name.to_owned(), value))).unwrap();
    Columnar::new(Db::connect(&config).await.unwrap(), Clock::manual(NOW), 64 << 20)
}

/// Every order of the steps of a cast: one more than gates each.
fn orders(cast: &Cast) -> Vec<Vec<Part>> {
    fn go_on(left: &mut Vec<(Part, usize)>, order: &mut Vec<Part>, all: &mut Vec<Vec<Part>>) {
        if left.iter().all(|(_, steps)| *steps == 0) {
            return all.push(order.clone());
        }
        for place in 0..left.len() {
            if left[place].1 > 0 {
                left[place].1 -= 1;
                order.push(left[place].0);
                go_on(left, order, all);
                order.pop();
                left[place].1 += 1;
            }
        }
    }
    let mut left = cast.iter().map(|(part, gates)| (*part, gates.len() + 1)).collect();
    let mut all = Vec::new();
    go_on(&mut left, &mut Vec::new(), &mut all);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_steps_leaves_each_event_in_one_place() {
    let casts: [&Cast; 10] = [
        &[(Sealer, &[CLAIM, COMMIT]), (OtherSealer, &[CLAIM, COMMIT])],
        &[(Sealer, &[CLAIM, COMMIT]), (Merger, &[CLAIM, COMMIT])],
        &[(Sealer, &[CLAIM]), (OtherSealer, &[CLAIM]), (Reader, &[COLUMNS])],
        &[(Sealer, &[CLAIM]), (Merger, &[CLAIM]), (Reader, &[COLUMNS])],
        &[(Writer, &[]), (Sealer, &[CLAIM, COMMIT]), (Reader, &[COLUMNS])],
        &[(Writer, &[]), (Sealer, &[CLAIM]), (Merger, &[CLAIM])],
        &[(Eraser, &[HEAD, CLAIM, COMMIT]), (Sealer, &[CLAIM, COMMIT])],
        &[(Eraser, &[HEAD, CLAIM, COMMIT]), (Merger, &[CLAIM, COMMIT])],
        &[(Eraser, &[HEAD]), (Merger, &[CLAIM]), (Reader, &[COLUMNS])],
        // Whoever has the head keeps writers waiting.
        &[(Writer, &[]), (Eraser, &[HEAD]), (Sealer, &[CLAIM])],
    ];
    let played = casts.map(async |cast| {
        let mut stage = Stage::new().await;
        let orders = orders(cast);
        for order in &orders {
            stage.play(cast, order).await;
        }
        stage.postgres.close().await.unwrap();
        orders.len()
    });
    let all: usize = futures::future::join_all(played).await.into_iter().sum();
    assert_eq!(all, 20 + 20 + 90 + 90 + 60 + 30 + 35 + 35 + 90 + 30);
}
