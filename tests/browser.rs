//! The pages in a real browser: no error, no breach of the policy, no request to another host.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    graphql::dead_letters,
    support::{
        app::{Store, TestApp},
        binary::Binary,
        mail::Mailbox,
        people::PASSWORD,
        provider::{Provider, Settings},
    },
};

/// So many questions in so little time is what no person asks.
const UNLIMITED: &[(&str, &str)] = &[
    ("RATE_LIMIT_ANALYTICS_PER_MINUTE", "10000000"),
    ("RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE", "10000000"),
    ("RATE_LIMIT_AUTH_PER_15_MINUTES", "10000000"),
];

/// What `make web` builds.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    assert!(folder.join("dist/index.html").is_file(), "the {name} was not built: run `make web` first");
    folder
}

/// Runs the folder's `check.js` on a server of its own.
async fn check(name: &str, vars: &[(&str, &str)]) {
    let server = Binary::serve(vars).await;
    run(name, &["check.js", &server.url]);
}

/// Runs a script of the folder.
fn run(name: &str, arguments: &[&str]) {
    let check = Command::new("node").args(arguments).current_dir(folder(name)).output();
    let check = check.expect("node starts");
    let said = [check.stdout, check.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(check.status.success(), "{said}");
    println!("{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_playground_and_the_documentation_work_in_a_browser() {
    check("playground", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_works_in_a_browser() {
    let mut vars = UNLIMITED.to_vec();
    // Nobody goes there: that signing in with it is offered is what is looked at.
    vars.extend([("GOOGLE_CLIENT_ID", "id"), ("GOOGLE_CLIENT_SECRET", "secret")]);
    // Somebody goes there.
    let provider = Provider::start().await;
    let (email, now) = (Some("grace@example.com".to_owned()), jiff::Timestamp::now().as_millisecond());
    provider.set(&Settings { email, now, ..Settings::default() }).await;
    vars.extend(provider.oidc_vars());
    check("dashboard", &vars).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_dashboard_is_looked_at_within_the_usual_limits() {
    let server = Binary::serve(&[]).await;
    run("dashboard", &["check/crowd.js", &server.url, "board"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_there_is_can_be_reached_and_kept() {
    let server = Binary::serve(UNLIMITED).await;
    run("dashboard", &["check/crowd.js", &server.url, "lists"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_by_a_link_that_goes_by_mail() {
    let mailbox = Mailbox::open().await;
    let vars = [("REGISTRATION", "mail"), ("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com")];
    let server = Binary::serve(&vars).await;
    run("dashboard", &["check-door.js", &server.url]);
    let token = mailbox.letter(1).await.after("/register#");
    run("dashboard", &["check-door.js", &server.url, &format!("{}/register#{token}", server.url)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_settled_in_a_browser() {
    let app = TestApp::with(Store::Sqlite, &[("SPOOL_MAX_BYTES", "10000000")]).await;
    let site = app.site().await;
    dead_letters::refused(&app, &site).await;
    let check = |what: &str| run("dashboard", &["check/dead-letters.js", &app.url, &site.owner.email, PASSWORD, what]);
    check("refused again");
    dead_letters::poison(&app, false).await;
    check("stored");
}
