//! Postgres goes away while questions are asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};

use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
    postgres::OwnPostgres,
    until,
};

/// How long the server may take, by its settings; and a busy machine as long again.
const LONGEST: Duration = Duration::from_secs(10);

fn event(n: i64) -> Value {
    json!({
        "id": format!("e{n}"), "timestamp": NOW - n * 1_000, "event_type": if n % 2 == 0 { "page_view" } else { "click" },
        "user_id": format!("u{}", n % 31), "session_id": format!("s{}", n % 53), "url": format!("https://example.com/{}", n % 7),
        "metadata": { "n": n },
    })
}

const RANGE: &str = "range: { preset: LAST_24_HOURS }";

/// One of each kind of question.
fn questions() -> Vec<String> {
    [
        "summary(RANGE) { events uniqueUsers sessions }",
        "timeline(RANGE, interval: HOUR) { buckets { events } }",
        "breakdown(RANGE, by: [PAGE_PATH]) { rows { label events } }",
        "funnel(RANGE, steps: [{ name: \"a\", filter: { eventType: { eq: \"page_view\" } } }, { name: \"b\", filter: {} }]) { steps { users } }",
        "users(RANGE, first: 3) { totalCount nodes { userId } }",
        "user(userId: \"u1\") { totals { events } }",
        "events(RANGE, first: 3) { nodes { eventId } }",
        "propertyStats(RANGE, key: \"n\") { sum }",
    ]
    .map(|question| question.replace("RANGE", RANGE))
    .into()
}

/// Asks one question until told to stop, and counts.
struct Asker {
    answered: Arc<AtomicU32>,
    refused: JoinHandle<u32>,
}

impl Asker {
    fn start(site: &Site, question: String, right: Value, stop: Arc<AtomicBool>) -> Asker {
        let site = site.clone();
        let answered = Arc::new(AtomicU32::new(0));
        let count = answered.clone();
        let refused = tokio::spawn(async move {
            let mut refused = 0;
            while !stop.load(Ordering::Relaxed) {
                match asked(&site, &question).await {
                    Some(answer) => {
                        assert_eq!(answer, right, "{question}");
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    None => refused += 1,
                }
                sleep(Duration::from_millis(30)).await;
            }
            refused
        });
        Asker { answered, refused }
    }

    /// Waits for its first answer.
    async fn begun(&self) {
        until("an answer with the database there", async || {
            assert!(!self.refused.is_finished());
            self.answered.load(Ordering::Relaxed) > 0
        })
        .await;
    }
}

/// The answer, or nothing where the refusal says that the database is away.
async fn asked(site: &Site, question: &str) -> Option<Value> {
    let start = Instant::now();
    let reply = site.try_ask(question).await;
    assert!(start.elapsed() < LONGEST, "{:?} for {question}", start.elapsed());
    if reply.body.get("errors").is_none() {
        return Some(reply.data()["app"].clone());
    }
    match reply.error_code() {
        "UNAVAILABLE" => assert!(reply.at("/errors/0/extensions/retryAfter").as_u64().unwrap() > 0, "{}", reply.text),
        code => assert_eq!(code, "TIMEOUT", "{}", reply.text),
    }
    None
}

/// Waits until every question is answered as before.
async fn until_right(site: &Site, questions: &[String], right: &[Value]) {
    let end = Instant::now() + Duration::from_secs(60);
    for (question, right) in questions.iter().zip(right) {
        loop {
            match asked(site, question).await {
                Some(answer) => break assert_eq!(answer, *right, "{question}"),
                None => assert!(Instant::now() < end, "{question} is not answered any more"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_say_that_the_database_is_away_and_are_right_when_it_is_back() {
    let mut postgres = OwnPostgres::start().await;
    let url = postgres.url();
    let vars = [("DATABASE_URL", url.as_str()), ("QUERY_TIMEOUT_SECONDS", "5")];
    let app = TestApp::with(Store::Postgres, &vars).await;
    let site = app.site().await;
    let id = uuid::Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap();
    site.post((0..600).map(event).collect::<Vec<_>>()).await.ok();
    assert!(app.app.columnar.seal(id).await.unwrap());
    site.post((600..700).map(event).collect::<Vec<_>>()).await.ok();
    let questions = questions();
    // Every column they look at is cached from now on, and so are their answers.
    let right = join_all(questions.iter().map(|question| site.ask(question))).await;
    for is_paused in [false, true] {
        let stop = Arc::new(AtomicBool::new(false));
        let askers = questions.iter().zip(&right);
        let askers: Vec<_> = askers
            .map(|(question, right)| Asker::start(&site, question.clone(), right.clone(), stop.clone()))
            .collect();
        join_all(askers.iter().map(Asker::begun)).await;
        tokio::task::block_in_place(|| if is_paused { postgres.pause() } else { postgres.stop() });
        sleep(Duration::from_secs(6)).await;
        // What is cached does not hide it: whether something came since nobody can say.
        let answers = join_all(questions.iter().map(|question| asked(&site, question))).await;
        assert!(answers.iter().all(Option::is_none), "{answers:?}");
        stop.store(true, Ordering::Relaxed);
        for asker in askers {
            assert!(asker.refused.await.unwrap() > 0);
        }
        if is_paused {
            tokio::task::block_in_place(|| postgres.resume());
        } else {
            postgres.restart().await;
        }
        until_right(&site, &questions, &right).await;
    }
    // And what comes then is counted.
    site.post((700..750).map(event).collect::<Vec<_>>()).await.ok();
    assert_eq!(site.ask(&questions[0]).await["summary"]["events"], 750);
    assert_eq!(app.app.columnar.verify(id).await.unwrap().drift, [""; 0]);
}
