//! The pages in a real browser: no error, no breach of the policy, no request to another host.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    binary::Binary,
    mail::Mailbox,
    provider::{Provider, Settings},
};

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
    // So many questions in so little time is what no person asks.
    let limits = ["RATE_LIMIT_ANALYTICS_PER_MINUTE", "RATE_LIMIT_ANALYTICS_POINTS_PER_MINUTE"];
    let mut vars = limits.map(|limit| (limit, "10000000")).to_vec();
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
async fn an_account_is_made_by_a_link_that_goes_by_mail() {
    let mailbox = Mailbox::open().await;
    let vars = [("REGISTRATION", "mail"), ("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com")];
    let server = Binary::serve(&vars).await;
    run("dashboard", &["check-door.js", &server.url]);
    let token = mailbox.letter(1).await.after("/register#");
    run("dashboard", &["check-door.js", &server.url, &format!("{}/register#{token}", server.url)]);
}
