//! The demo as somebody new meets it: a month of events, commands to paste, Ctrl-C, and again.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    process::Command,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{
    binary::{Binary, command},
    people::Person,
};

/// The last line of the greeting.
const GREETED: &str = "Ctrl-C stops it";
const EVER: &str = "2000-01-01T00:00:00Z";
const FAR: &str = "2100-01-01T00:00:00Z";

/// A demo and what it told.
struct Demo {
    server: Binary,
    greeting: String,
}

impl Demo {
    /// A first start, or with the data of a demo that was started before another one.
    async fn start(data: Option<&str>) -> Binary {
        Binary::run(&["demo"], &data.map(|data| ("DATA_DIR", data)).into_iter().collect::<Vec<_>>()).await
    }

    async fn greeted(server: Binary, within: Duration) -> Self {
        let until = Instant::now() + within;
        while !server.daemon.log().contains(GREETED) {
            let log = server.daemon.log();
            assert!(!server.daemon.ended() && Instant::now() < until, "no greeting:\n{log}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let greeting = server.daemon.log();
        Self { server, greeting }
    }

    /// What the line that starts with `label` says.
    fn told(&self, label: &str) -> &str {
        let line = self.greeting.lines().find_map(|line| line.trim().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label} in:\n{}", self.greeting)).trim()
    }

    /// What does not change from one start to the next.
    fn lasting(&self) -> [String; 4] {
        ["Sign in", "Password", "App", "API key"].map(|label| self.told(label).to_owned())
    }

    async fn owner(&self) -> Person {
        sign_in(&self.server, self.told("Sign in"), self.told("Password")).await
    }
}

async fn sign_in(server: &Binary, email: &str, password: &str) -> Person {
    let mut person = server.anonymous();
    let reply = person.mutate("signIn", json!({ "email": email, "password": password }), "token").await;
    person.token = Some(reply.data()["signIn"]["token"].as_str().unwrap().to_owned());
    person
}

async fn count(person: &Person, app: &str, from: &str, to: &str) -> u64 {
    let query = "query($app: ID!, $range: TimeRange!) { app(id: $app) { summary(range: $range) { events } } }";
    let reply = person.graphql(query, json!({ "app": app, "range": { "from": from, "to": to } })).await;
    reply.data()["app"]["summary"]["events"].as_u64().unwrap()
}

/// What the demo keeps in its data folder for its next start.
fn kept(data: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{data}/demo.json")).unwrap()).unwrap()
}

fn data_of(server: &Binary) -> String {
    server.daemon.folder().join("data").to_str().unwrap().to_owned()
}

fn interrupt(server: &mut Binary) {
    server.daemon.signal("INT");
    let code = tokio::task::block_in_place(|| server.daemon.wait());
    let log = server.daemon.log();
    assert!(code == 0 && !log.contains("error") && !log.contains("panicked"), "{code}:\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_a_month_of_events_and_survives_ctrl_c() {
    let start = Instant::now();
    let mut demo = Demo::greeted(Demo::start(None).await, Duration::from_secs(240)).await;
    println!("loaded in {:?}", start.elapsed());
    let data = data_of(&demo.server);
    let anchor = Timestamp::from_millisecond(kept(&data)["anchor_ms"].as_i64().unwrap()).unwrap().to_string();
    let (owner, app) = (demo.owner().await, demo.told("App").to_owned());
    let sample = count(&owner, &app, EVER, &anchor).await;
    assert!(sample >= 200_000, "{sample}");

    // Visits go on, without anybody's doing.
    let until = Instant::now() + Duration::from_secs(20);
    while count(&owner, &app, &anchor, FAR).await == 0 {
        assert!(Instant::now() < until, "nobody visits");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let [posted, asked] = paste(&demo.greeting);
    assert!(posted["success"] == true && posted["data"]["accepted"] == 1, "{posted}");
    let month = asked["data"]["app"]["summary"]["events"].as_u64();
    assert!(asked.get("errors").is_none() && month.is_some_and(|events| events > 100_000), "{asked}");

    interrupt(&mut demo.server);
    let again = Instant::now();
    let mut second = Demo::greeted(Demo::start(Some(&data)).await, Duration::from_secs(20)).await;
    println!("started again in {:?}", again.elapsed());
    assert_eq!(second.lasting(), demo.lasting());
    assert_eq!(count(&second.owner().await, &app, EVER, &anchor).await, sample);
    paste(&second.greeting);
    interrupt(&mut second.server);

    interrupted_load_is_completed(kept(&data), &anchor, sample).await;
    println!("all in {:?}", start.elapsed());
}

/// Both commands of the greeting, run as they are printed.
fn paste(greeting: &str) -> [Value; 2] {
    let lines: Vec<_> = greeting.lines().filter(|line| line.trim().starts_with("curl ")).collect();
    let answers = lines.into_iter().map(|line| {
        let ran = Command::new("sh").args(["-c", line]).env("no_proxy", "127.0.0.1").output().unwrap();
        assert!(ran.status.success(), "{line}\n{ran:?}");
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{line}\n{ran:?}"))
    });
    answers.collect::<Vec<_>>().try_into().expect("two commands")
}

/// The month before the same moment, in a folder of its own and with Ctrl-C on the way, is the same sample.
async fn interrupted_load_is_completed(mut kept: Value, anchor: &str, sample: u64) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    kept["loaded"] = false.into();
    fs::write(format!("{data}/demo.json"), kept.to_string()).unwrap();
    let (email, password) = (kept["email"].as_str().unwrap(), kept["password"].as_str().unwrap());

    let mut first = Demo::start(Some(data)).await;
    let app = loop {
        let now: Value = self::kept(data);
        if now["app_id"] != kept["app_id"] {
            break format!("app_{}", now["app_id"].as_str().unwrap().replace('-', ""));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let owner = sign_in(&first, email, password).await;
    while count(&owner, &app, EVER, anchor).await == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    interrupt(&mut first);
    assert!(!first.daemon.log().contains(GREETED), "it was not interrupted");

    let mut second = Demo::greeted(Demo::start(Some(data)).await, Duration::from_secs(240)).await;
    assert_eq!(second.told("App"), app);
    assert_eq!(count(&second.owner().await, &app, EVER, anchor).await, sample);
    interrupt(&mut second.server);
}

#[test]
fn a_taken_port_is_told_whatever_else_is_in_the_environment() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut demo = command(&["demo"]);
    demo.env("LISTEN_ADDR", taken.local_addr().unwrap().to_string()).env("NOT_UNICODE", OsStr::from_bytes(&[0xff]));
    let folder = tempfile::tempdir().unwrap();
    let ran = demo.env("DATA_DIR", folder.path()).output().unwrap();
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(1) && wrong.contains("Choose another"), "{wrong}");
}
