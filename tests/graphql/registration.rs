//! Who may make an account: anybody, whoever reads the letters to its address, or whoever was invited.

use event_analytics::{auth::registration, entity};
use sea_orm::EntityTrait;
use serde_json::json;

use crate::support::{
    app::{Store, TestApp},
    binary::{Binary, command},
    mail::Mailbox,
    people::{PASSWORD, Person},
    reply::Reply,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn ask(app: &TestApp, email: &str) -> Reply {
    app.anonymous().mutate("requestRegistration", json!({ "email": email }), "sendsMail").await
}

async fn register(app: &TestApp, email: &str, token: Option<&str>) -> Reply {
    let input = json!({ "email": email, "password": PASSWORD, "name": "New", "token": token });
    app.anonymous().mutate("register", input, "token").await
}

/// Somebody whom a link of the server's terminal let in.
async fn let_in(app: &TestApp, name: &str) -> Person {
    let email = format!("{name}@example.com");
    let token = registration::request(&app.app.db, &app.app.clock, &email).await.unwrap().unwrap();
    let made = register(app, &email, Some(token.expose())).await.data();
    Person { token: Some(made["register"]["token"].as_str().unwrap().to_owned()), email, ..app.anonymous() }
}

both_stores! {
    async fn a_letter_comes_before_an_account_and_nobody_learns_who_has_one(store: Store) {
        let mailbox = Mailbox::open().await;
        let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com"), ("REGISTRATION", "mail")];
        let app = TestApp::with(store, &vars).await;
        let how = app.anonymous().graphql("{ registration }", json!({})).await.data();
        assert_eq!(how["registration"], "MAIL");
        assert_eq!(register(&app, "ada@example.com", None).await.error_code(), "FORBIDDEN");

        let unknown = ask(&app, "ADA@example.com").await;
        assert_eq!(unknown.body["data"]["requestRegistration"], json!({ "sendsMail": true }));
        let letter = mailbox.letter(1).await;
        assert_eq!(letter.to, "ada@example.com");
        let token = letter.after(&format!("{}/register#", app.url));
        let rows = entity::registration::Entity::find().all(&*app.app.db).await.unwrap();
        assert!(rows.len() == 1 && !format!("{rows:?}").contains(&token));
        for (email, token) in [("bob@example.com", &*token), ("ada@example.com", &token[1..]), ("ada@example.com", ""), ("ada@example.com", "é\0")] {
            assert_eq!(register(&app, email, Some(token)).await.error_code(), "NOT_FOUND", "{email} {token:?}");
        }
        // A password that is refused does not use the link up.
        let weak = json!({ "email": "ada@example.com", "password": "password1234", "name": "Ada", "token": token });
        assert_eq!(app.anonymous().mutate("register", weak, "token").await.error_code(), "BAD_USER_INPUT");
        register(&app, "Ada@Example.com", Some(&token)).await.data();
        assert_eq!(register(&app, "ada@example.com", Some(&token)).await.error_code(), "NOT_FOUND", "once");
        // Without a token nothing is told of who has an account, with or without one.
        for email in ["ada@example.com", "nobody@example.com"] {
            assert_eq!(register(&app, email, None).await.error_code(), "FORBIDDEN");
            assert_eq!(register(&app, email, Some(&"a".repeat(43))).await.error_code(), "NOT_FOUND");
        }
        let known = ask(&app, "ada@example.com").await;
        assert_eq!((known.status, known.data()), (unknown.status, json!({ "requestRegistration": { "sendsMail": true } })));
        let letter = mailbox.letter(2).await;
        assert_eq!((letter.to.as_str(), letter.after("already:\r\n\r\n")), ("ada@example.com", format!("{}/sign-in", app.url)));

        // A later link takes the place of an earlier one, and a day is all it has.
        ask(&app, "bob@example.com").await.data();
        let first = mailbox.letter(3).await.after("/register#");
        ask(&app, "bob@example.com").await.data();
        let second = mailbox.letter(4).await.after("/register#");
        assert_eq!(register(&app, "bob@example.com", Some(&first)).await.error_code(), "NOT_FOUND");
        app.clock.advance(DAY);
        assert_eq!(register(&app, "bob@example.com", Some(&second)).await.error_code(), "NOT_FOUND");
    }

    async fn one_link_makes_one_account_however_often_it_is_sent(store: Store) {
        let mailbox = Mailbox::open().await;
        let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com"), ("REGISTRATION", "mail")];
        let app = TestApp::with(store, &vars).await;
        ask(&app, "ada@example.com").await.data();
        let token = mailbox.letter(1).await.after("/register#");
        let replies = futures::future::join_all((0..4).map(|_| register(&app, "ada@example.com", Some(&token)))).await;
        let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.body["errors"].is_null());
        assert_eq!(made.len(), 1);
        assert!(refused.iter().all(|reply| ["NOT_FOUND", "CONFLICT"].contains(&reply.error_code())));
    }

    async fn an_invitation_lets_its_address_make_an_account(store: Store) {
        let mailbox = Mailbox::open().await;
        let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com"), ("REGISTRATION", "invited")];
        let app = TestApp::with(store, &vars).await;
        assert_eq!(app.anonymous().graphql("{ registration }", json!({})).await.data()["registration"], "INVITED");
        assert_eq!(ask(&app, "ada@example.com").await.error_code(), "FORBIDDEN");
        assert_eq!(register(&app, "ada@example.com", None).await.error_code(), "FORBIDDEN");
        let ada = let_in(&app, "ada").await;
        let organization = ada.mutate("createOrganization", json!({ "name": "Shop" }), "organization { id }").await.data();
        let input = |email: &str| json!({ "organizationId": organization["createOrganization"]["organization"]["id"], "email": email, "role": "EDITOR" });
        let invited = ada.mutate("inviteMember", input("Bob@example.com"), "token isMailed").await.data();
        let token = invited["inviteMember"]["token"].as_str().unwrap();
        assert_eq!(invited["inviteMember"]["isMailed"], true);
        let letter = mailbox.letter(1).await;
        let mailed = letter.after(&format!("{}/invitation#", app.url));
        assert_eq!((letter.to.as_str(), mailed.split_once('.').unwrap().0), ("bob@example.com", token));

        assert_eq!(register(&app, "eve@example.com", Some(token)).await.error_code(), "NOT_FOUND");
        let made = register(&app, "bob@example.com", Some(token)).await.data();
        let bob = Person { token: Some(made["register"]["token"].as_str().unwrap().to_owned()), ..app.anonymous() };
        bob.mutate("acceptInvitation", json!({ "token": mailed }), "organization { name }").await.data();
        assert_eq!(register(&app, "bob@example.com", Some(token)).await.error_code(), "NOT_FOUND");

        // One that was withdrawn, or is a week old, lets nobody in.
        let invited = ada.mutate("inviteMember", input("carol@example.com"), "token invitation { id }").await.data();
        let id = &invited["inviteMember"]["invitation"]["id"];
        ada.mutate("revokeInvitation", json!({ "id": id }), "revokedInvitationId").await.data();
        let late = ada.mutate("inviteMember", input("dan@example.com"), "token").await.data();
        assert_eq!(register(&app, "carol@example.com", invited["inviteMember"]["token"].as_str()).await.error_code(), "NOT_FOUND");
        app.clock.advance(7 * DAY);
        assert_eq!(register(&app, "dan@example.com", late["inviteMember"]["token"].as_str()).await.error_code(), "NOT_FOUND");
    }
}

#[tokio::test]
async fn where_letters_prove_an_address_an_invitation_does_so_by_mail_alone() {
    let mailbox = Mailbox::open().await;
    let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com"), ("REGISTRATION", "mail")];
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let ada = let_in(&app, "ada").await;
    let made = ada.mutate("createOrganization", json!({ "name": "Shop" }), "organization { id }").await.data();
    let input =
        json!({ "organizationId": made["createOrganization"]["organization"]["id"], "email": "boss@bank.example" });
    let invited = ada.mutate("inviteMember", input, "token").await.data();
    let token = invited["inviteMember"]["token"].as_str().unwrap();
    // Whoever invites does not become whom they invited.
    let forged = format!("{token}.{}", "A".repeat(43));
    for proofless in [token, &format!("{token}."), &forged] {
        assert_eq!(register(&app, "boss@bank.example", Some(proofless)).await.error_code(), "NOT_FOUND");
    }
    let mailed = mailbox.letter(1).await.after(&format!("{}/invitation#", app.url));
    let made = register(&app, "boss@bank.example", Some(&mailed)).await.data();
    let boss = Person { token: Some(made["register"]["token"].as_str().unwrap().to_owned()), ..app.anonymous() };
    boss.mutate("acceptInvitation", json!({ "token": token }), "organization { name }").await.data();
}

#[tokio::test]
async fn nobody_has_letters_sent_to_strangers_without_end() {
    let mailbox = Mailbox::open().await;
    let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com")];
    let app = TestApp::with(Store::Sqlite, &vars).await;
    let ada = app.user("ada").await;
    let made = ada.mutate("createOrganization", json!({ "name": "Shop" }), "organization { id }").await.data();
    let id = &made["createOrganization"]["organization"]["id"];
    let mut mailed = 0;
    for n in 0..52 {
        let input = json!({ "organizationId": id, "email": format!("stranger-{n}@example.com") });
        let reply = ada.mutate("inviteMember", input, "isMailed token").await.data();
        mailed += usize::from(reply["inviteMember"]["isMailed"] == true);
    }
    assert_eq!(mailed, 50, "and the others are still invited");
    mailbox.letter(50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_server_prints_the_first_link() {
    let mut server = Binary::serve(&[("REGISTRATION", "invited")]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let print = || {
        let mut command = command(&["register-link", "Ada@example.com"]);
        command.env("LISTEN_ADDR", &address).env("DATA_DIR", server.daemon.folder().join("data"));
        command.output().unwrap()
    };
    let printed = print();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let link = String::from_utf8(printed.stdout).unwrap();
    let token = link.trim().strip_prefix(&format!("{}/register#", server.url)).unwrap();
    let input = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada", "token": token });
    let made = server.anonymous().mutate("register", input, "token").await.data();
    let ada = Person { token: Some(made["register"]["token"].as_str().unwrap().to_owned()), ..server.anonymous() };
    let log = "{ viewer { id auditLog(first: 3) { nodes { action actorId targetId targetName network } } } }";
    let log = ada.graphql(log, json!({})).await.data()["viewer"].clone();
    let printed = json!({
        "action": "REGISTRATION_LINK_PRINTED", "actorId": null, "targetId": log["id"], "targetName": "ada@example.com", "network": null,
    });
    assert_eq!(log["auditLog"]["nodes"].as_array().unwrap().last(), Some(&printed), "{log}");
    assert!(!print().status.success(), "there is an account");
    server.terminate();
}
