//! Passwords: changed by whoever knows them, replaced by a link when they are forgotten, and never easily guessed.

use event_analytics::entity::{password_reset, user};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};
use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    binary::{Binary, command},
    mail::Mailbox,
    people::{PASSWORD, Person},
    reply::Reply,
};

const HOUR: i64 = 60 * 60 * 1000;
const NEW: &str = "another battery staple horse";

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Reply {
    app.anonymous().mutate("signIn", json!({ "email": email, "password": password }), "token").await
}

async fn change(person: &Person, current: &str, new: &str) -> Reply {
    let input = json!({ "currentPassword": current, "newPassword": new });
    person.mutate("changePassword", input, "token expiresAt revokedSessions session { current }").await
}

async fn request(app: &TestApp, email: &str) -> Reply {
    app.anonymous().mutate("requestPasswordReset", json!({ "email": email }), "sendsMail").await
}

async fn reset(app: &TestApp, token: &str, new: &str) -> Reply {
    let input = json!({ "token": token, "newPassword": new });
    app.anonymous().mutate("resetPassword", input, "revokedSessions").await
}

async fn is_known(person: &Person) -> bool {
    person.graphql("{ viewer { id } }", json!({})).await.body["errors"].is_null()
}

/// The token of a link, which has to lead to this server.
fn token(link: &str, url: &str) -> String {
    link.strip_prefix(&format!("{url}/reset-password#")).unwrap_or_else(|| panic!("{link}")).to_owned()
}

both_stores! {
    async fn whoever_knows_the_password_changes_it_and_everybody_else_is_out(store: Store) {
        let app = TestApp::start(store).await;
        let (mut ada, bob) = (app.user("ada").await, app.user("bob").await);
        let first = ada.clone();
        ada.sign_in().await;
        let wrong = change(&ada, "a wrong password", NEW).await;
        assert_eq!((wrong.error_code(), wrong.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!("input.currentPassword")));
        let short = change(&ada, PASSWORD, "short").await;
        assert_eq!((short.error_code(), short.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!("input.newPassword")));
        assert_eq!(change(&app.anonymous(), PASSWORD, NEW).await.error_code(), "UNAUTHENTICATED");
        assert!(is_known(&first).await && is_known(&ada).await, "what is refused ends nothing");

        let reply = change(&ada, PASSWORD, NEW).await;
        let cookie = reply.header("set-cookie").to_owned();
        let changed = reply.data()["changePassword"].clone();
        let fresh = Person { token: Some(changed["token"].as_str().unwrap().to_owned()), ..ada.clone() };
        assert!(cookie.starts_with(&format!("uea_session={}; ", changed["token"].as_str().unwrap())));
        assert_eq!(changed["revokedSessions"], 2);
        assert!(!is_known(&first).await && !is_known(&ada).await && is_known(&fresh).await && is_known(&bob).await);
        assert_eq!(sign_in(&app, &ada.email, PASSWORD).await.error_code(), "UNAUTHENTICATED");
        sign_in(&app, &ada.email, NEW).await.data();
    }

    async fn what_is_easily_guessed_is_no_password(store: Store) {
        let app = TestApp::start(store).await;
        let ada = app.user("ada").await;
        for common in [
            "password1234", "Password123!", "qwertyuiop12", "123456789012", "aaaaaaaaaaaa", "abcdefghijkl", "iloveyou1234",
            "passwordpassword", "adminadminadmin", "Summer2026!!", "1q2w3e4r5t6y",
        ] {
            let input = json!({ "email": "eve@example.com", "password": common, "name": "Eve" });
            let refused = app.anonymous().mutate("register", input, "token").await;
            assert_eq!((refused.error_code(), refused.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!("input.password")), "{common}");
            assert_eq!(change(&ada, PASSWORD, common).await.at("/errors/0/extensions/field"), &json!("input.newPassword"), "{common}");
        }
        // What is known of whose it is helps as well.
        let input = |password: &str| json!({ "email": "wilhelmina@murray.example", "password": password, "name": "Mina Harker" });
        let theirs = app.anonymous().mutate("register", input("wilhelminamurray"), "token").await;
        assert_eq!(theirs.error_code(), "BAD_USER_INPUT");
        app.anonymous().mutate("register", input("kettle bright 47 gravel"), "token").await.data();
    }

    async fn a_forgotten_password_is_replaced_by_a_link(store: Store) {
        let mailbox = Mailbox::open().await;
        let app = TestApp::with(store, &[("SMTP_URL", &mailbox.url), ("MAIL_FROM", "Analytics <stats@example.com>")]).await;
        let ada = app.user("ada").await;
        let known = request(&app, "ADA@example.com").await;
        let unknown = request(&app, "nobody@example.com").await;
        assert_eq!((known.status, &known.body["data"]), (unknown.status, &unknown.body["data"]));
        assert_eq!(known.data()["requestPasswordReset"], json!({ "sendsMail": true }));
        let letter = mailbox.letter(1).await;
        assert_eq!((letter.to.as_str(), letter.after("From: ").as_str()), ("ada@example.com", "Analytics <stats@example.com>"));
        let link = format!("{}/reset-password#{}", app.url, letter.after("/reset-password#"));
        let first = token(&link, &app.url);
        let rows = password_reset::Entity::find().all(&*app.app.db).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert!(!format!("{rows:?}").contains(&first) && is_known(&ada).await);

        for nonsense in ["", "x", &first[1..], &"a".repeat(43), "é\0"] {
            assert_eq!(reset(&app, nonsense, NEW).await.error_code(), "NOT_FOUND", "{nonsense:?}");
        }
        assert_eq!(reset(&app, &first, "password1234").await.error_code(), "BAD_USER_INPUT", "and the link stays good");
        assert_eq!(reset(&app, &first, NEW).await.data()["resetPassword"]["revokedSessions"], 1);
        assert!(!is_known(&ada).await);
        assert_eq!(reset(&app, &first, PASSWORD).await.error_code(), "NOT_FOUND", "once");
        assert_eq!(sign_in(&app, &ada.email, PASSWORD).await.error_code(), "UNAUTHENTICATED");
        sign_in(&app, &ada.email, NEW).await.data();

        // A later link takes the place of an earlier one, an hour is all it has, and a change ends it.
        request(&app, &ada.email).await.data();
        let second = mailbox.letter(2).await.after("/reset-password#");
        request(&app, &ada.email).await.data();
        let third = mailbox.letter(3).await.after("/reset-password#");
        assert_eq!(reset(&app, &second, PASSWORD).await.error_code(), "NOT_FOUND");
        app.clock.advance(HOUR);
        assert_eq!(reset(&app, &third, PASSWORD).await.error_code(), "NOT_FOUND");
        // Three letters an hour by the machine's clock: the fourth does not come, and nobody is told.
        assert_eq!(request(&app, &ada.email).await.data()["requestPasswordReset"], json!({ "sendsMail": true }));
        app.user("bob").await;
        request(&app, "bob@example.com").await.data();
        assert_eq!(mailbox.letter(4).await.to, "bob@example.com");
        assert_eq!(mailbox.letters().len(), 4);
    }

    async fn one_link_sets_one_password_however_often_it_is_sent(store: Store) {
        let mailbox = Mailbox::open().await;
        let app = TestApp::with(store, &[("SMTP_URL", &mailbox.url), ("MAIL_FROM", "stats@example.com")]).await;
        app.user("ada").await;
        request(&app, "ada@example.com").await.data();
        let token = mailbox.letter(1).await.after("/reset-password#");
        let passwords: Vec<_> = (0..4).map(|n| format!("battery staple horse {n}")).collect();
        let replies = futures::future::join_all(passwords.iter().map(|new| reset(&app, &token, new))).await;
        let set: Vec<_> = replies.iter().enumerate().filter(|(_, reply)| reply.body["errors"].is_null()).collect();
        assert_eq!(set.len(), 1);
        sign_in(&app, "ada@example.com", &passwords[set[0].0]).await.data();
    }

    async fn an_old_hash_is_made_anew_by_whoever_signs_in(store: Store) {
        let app = TestApp::start(store).await;
        app.user("ada").await;
        let find = async || user::Entity::by_email("ada@example.com").one(&*app.app.db).await.unwrap().unwrap();
        let before = find().await;
        // The same password, hashed with a tenth of what is demanded.
        let weak = {
            use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(2_048, 1, 1, None).unwrap());
            argon2.hash_password(PASSWORD.as_bytes()).unwrap().to_string()
        };
        let mut row = before.clone().into_active_model();
        row.password_hash = Set(Some(weak.clone()));
        row.update(app.app.db.writer()).await.unwrap();
        assert_eq!(sign_in(&app, "ada@example.com", "a wrong password").await.error_code(), "UNAUTHENTICATED");
        assert_eq!(find().await.password_hash.as_ref(), Some(&weak));
        sign_in(&app, "ada@example.com", PASSWORD).await.data();
        let after = find().await.password_hash.unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').nth(2).unwrap().to_owned();
        assert_eq!(parameters(&after), parameters(&before.password_hash.unwrap()));
        sign_in(&app, "ada@example.com", PASSWORD).await.data();
        assert_eq!(find().await.password_hash.unwrap(), after, "once is enough");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mail_whoever_runs_the_server_prints_the_link() {
    let mut server = Binary::serve(&[]).await;
    let mut ada = Person { email: "ada@example.com".into(), ..server.anonymous() };
    ada.register().await;
    let asked = server.anonymous().mutate("requestPasswordReset", json!({ "email": ada.email }), "sendsMail").await;
    assert_eq!(asked.data()["requestPasswordReset"]["sendsMail"], false);
    let address = server.url.trim_start_matches("http://").to_owned();
    let print = |email: &str| {
        let mut command = command(&["reset-link", email]);
        command.env("LISTEN_ADDR", &address).env("DATA_DIR", server.daemon.folder().join("data"));
        command.output().unwrap()
    };
    let unknown = print("nobody@example.com");
    assert!(!unknown.status.success() && unknown.stdout.is_empty());
    let printed = print("Ada@example.com");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let token = token(String::from_utf8(printed.stdout).unwrap().trim(), &server.url);
    let input = json!({ "token": token, "newPassword": NEW });
    server.anonymous().mutate("resetPassword", input, "revokedSessions").await.data();
    let stale = ada.graphql("{ viewer { id } }", json!({})).await;
    assert_eq!(stale.error_code(), "UNAUTHENTICATED");
    let input = json!({ "email": ada.email, "password": NEW });
    let signed_in = server.anonymous().mutate("signIn", input, "token").await;
    ada.token = Some(signed_in.data()["signIn"]["token"].as_str().unwrap().to_owned());
    let own = ada.graphql("{ viewer { auditLog(first: 9) { nodes { action actorEmail } } } }", json!({})).await.data();
    let entry = |action: &str, by: Value| json!({ "action": action, "actorEmail": by });
    let asked = entry("PASSWORD_RESET_REQUESTED", Value::Null);
    assert_eq!(own["viewer"]["auditLog"]["nodes"][2], asked, "nobody knows who was at the terminal");
    assert_eq!(own["viewer"]["auditLog"]["nodes"][1], entry("PASSWORD_RESET", ada.email.clone().into()));
    let log = server.daemon.log();
    assert!(!log.contains(&token) && !log.contains(NEW) && !log.contains("ada@"), "{log}");
    server.terminate();
}
