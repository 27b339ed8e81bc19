//! Members of organizations and guests of apps: invited, given roles, removed, and gone by themselves.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Person,
    reply::Reply,
};

const DAY: i64 = 24 * 60 * 60 * 1000;

pub async fn id_of(person: &Person) -> String {
    let viewer = person.graphql("{ viewer { id } }", json!({})).await.data();
    viewer["viewer"]["id"].as_str().unwrap().to_owned()
}

/// A new organization of the person's.
pub async fn organization(owner: &Person) -> String {
    let made = owner.mutate("createOrganization", json!({ "name": "Shop" }), "organization { id }").await.data();
    made["createOrganization"]["organization"]["id"].as_str().unwrap().to_owned()
}

pub async fn invite(by: &Person, organization: &str, email: &str, role: &str) -> Reply {
    let input = json!({ "organizationId": organization, "email": email, "role": role });
    by.mutate("inviteMember", input, "token invitation { id email role expiresAt invitedBy app { id } }").await
}

pub fn token(invited: &Value, mutation: &str) -> String {
    invited[mutation]["token"].as_str().unwrap().to_owned()
}

pub async fn accept(person: &Person, token: &str) -> Reply {
    let selection = "organization { id myRole } app { id organization { id } }";
    person.mutate("acceptInvitation", json!({ "token": token }), selection).await
}

/// Makes the person a member with this role.
pub async fn join(owner: &Person, organization: &str, person: &Person, role: &str) {
    let invited = invite(owner, organization, &person.email, if role == "OWNER" { "ADMIN" } else { role }).await.data();
    accept(person, &token(&invited, "inviteMember")).await.data();
    if role == "OWNER" {
        change(owner, organization, person, role).await.data();
    }
}

async fn change(by: &Person, organization: &str, whom: &Person, role: &str) -> Reply {
    let input = json!({ "organizationId": organization, "userId": id_of(whom).await, "role": role });
    by.mutate("changeMemberRole", input, "member { email role } organization { myRole }").await
}

async fn remove(by: &Person, organization: &str, whom: &Person) -> Reply {
    let input = json!({ "organizationId": organization, "userId": id_of(whom).await });
    by.mutate("removeMember", input, "removedUserId organization { id }").await
}

async fn leave(who: &Person, organization: &str) -> Reply {
    who.mutate("leaveOrganization", json!({ "organizationId": organization }), "leftOrganizationId").await
}

/// E-mail addresses and roles, those longest with it first.
async fn members(by: &Person, organization: &str) -> Value {
    let query =
        format!("{{ organization(id: \"{organization}\") {{ members(first: 100) {{ nodes {{ email role }} }} }} }}");
    let nodes = by.graphql(&query, json!({})).await.data()["organization"]["members"]["nodes"].clone();
    nodes.as_array().unwrap().iter().map(|member| json!([member["email"], member["role"]])).collect()
}

async fn invitations(by: &Person, organization: &str) -> Vec<Value> {
    let query = format!(
        "{{ organization(id: \"{organization}\") {{ invitations(first: 100) {{ nodes {{ id email role app {{ id }} }} }} }} }}"
    );
    let data = by.graphql(&query, json!({})).await.data();
    data["organization"]["invitations"]["nodes"].as_array().unwrap().clone()
}

/// What comes of asking for the organization or app.
async fn sees(person: &Person, id: &str) -> Option<String> {
    let root = if id.starts_with("org_") { "organization" } else { "app" };
    let reply = person.graphql(&format!("{{ {root}(id: \"{id}\") {{ id }} }}"), json!({})).await;
    reply.body.get("errors").is_some().then(|| reply.error_code().to_owned())
}

both_stores! {
    async fn somebody_is_invited_and_joins(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let shop = organization(&ada).await;
        let invited = invite(&ada, &shop, " Bob@Example.COM ", "EDITOR").await.data();
        let invitation = &invited["inviteMember"]["invitation"];
        assert_eq!(invitation["email"], "bob@example.com");
        assert_eq!(invitation["expiresAt"], "2026-11-29T12:00:00.000Z");
        assert_eq!((&invitation["invitedBy"], &invitation["app"]), (&json!("ada@example.com"), &Value::Null));
        let listed = json!({ "id": invitation["id"], "email": "bob@example.com", "role": "EDITOR", "app": null });
        assert_eq!(invitations(&ada, &shop).await, [listed]);
        assert_eq!(sees(&bob, &shop).await.as_deref(), Some("NOT_FOUND"), "an invitation alone opens nothing");

        let token = token(&invited, "inviteMember");
        let joined = accept(&bob, &token).await.data();
        assert_eq!(joined["acceptInvitation"]["organization"], json!({ "id": shop, "myRole": "EDITOR" }));
        assert_eq!(members(&bob, &shop).await, json!([["ada@example.com", "OWNER"], ["bob@example.com", "EDITOR"]]));
        assert_eq!(invitations(&ada, &shop).await, [Value::Null; 0]);
        assert_eq!(accept(&bob, &token).await.error_code(), "NOT_FOUND", "a token works once");
        let again = invite(&ada, &shop, "bob@example.com", "ADMIN").await;
        assert_eq!((again.error_code(), again.at("/errors/0/extensions/field")), ("CONFLICT", &json!("input.email")));
    }

    async fn an_invitation_is_for_one_address_once_and_a_week(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, bob, mut eve) = (app.user("ada").await, app.user("bob").await, app.user("eve").await);
        let shop = organization(&ada).await;
        let to_bob = async || token(&invite(&ada, &shop, "bob@example.com", "VIEWER").await.data(), "inviteMember");

        let first = to_bob().await;
        assert_eq!(accept(&app.anonymous(), &first).await.error_code(), "UNAUTHENTICATED");
        assert_eq!(accept(&eve, &first).await.error_code(), "FORBIDDEN");
        for nonsense in ["", "x", "\0", &first[1..], &format!("{first}x"), &"a".repeat(43), &"é".repeat(5_000)] {
            assert_eq!(accept(&bob, nonsense).await.error_code(), "NOT_FOUND", "{nonsense:?}");
        }
        let second = to_bob().await;
        assert_eq!(accept(&bob, &first).await.error_code(), "NOT_FOUND", "a later one takes its place");
        let open = invitations(&ada, &shop).await;
        assert_eq!(open.len(), 1);
        let revoked = ada.mutate("revokeInvitation", json!({ "id": open[0]["id"] }), "revokedInvitationId").await.data();
        assert_eq!(revoked["revokeInvitation"]["revokedInvitationId"], open[0]["id"]);
        assert_eq!(accept(&bob, &second).await.error_code(), "NOT_FOUND", "revoked");
        let again = ada.mutate("revokeInvitation", json!({ "id": open[0]["id"] }), "revokedInvitationId").await;
        assert_eq!(again.error_code(), "NOT_FOUND");

        let (mut bob, mut ada) = (bob.clone(), ada.clone());
        let (third, of_eve) = (to_bob().await, invite(&ada, &shop, "eve@example.com", "VIEWER").await.data());
        app.clock.advance(7 * DAY - 1_000);
        for person in [&mut ada, &mut bob, &mut eve] {
            person.sign_in().await;
        }
        accept(&eve, &token(&of_eve, "inviteMember")).await.data();
        app.clock.advance(1_000);
        assert_eq!(accept(&bob, &third).await.error_code(), "NOT_FOUND", "too old");
        assert_eq!(invitations(&ada, &shop).await, [Value::Null; 0]);

        for (email, role, field) in [("bob", "VIEWER", "input.email"), ("bob\0@example.com", "VIEWER", "input.email"), ("bob@example.com", "OWNER", "input.role")] {
            let reply = invite(&ada, &shop, email, role).await;
            assert_eq!((reply.error_code(), reply.at("/errors/0/extensions/field")), ("BAD_USER_INPUT", &json!(field)));
        }
    }

    async fn one_token_lets_in_once_however_often_it_is_sent(store: Store) {
        let app = TestApp::start(store).await;
        let sibling = app.sibling().await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let there = Person { url: sibling.url.clone(), ..bob.clone() };
        let shop = organization(&ada).await;
        let token = token(&invite(&ada, &shop, &bob.email, "VIEWER").await.data(), "inviteMember");
        let replies = join_all((0..8).map(|n| accept(if n % 2 == 0 { &bob } else { &there }, &token))).await;
        let accepted = replies.iter().filter(|reply| reply.body.get("errors").is_none()).count();
        assert_eq!(accepted, 1);
        assert!(replies.iter().filter(|reply| reply.body.get("errors").is_some()).all(|reply| reply.error_code() == "NOT_FOUND"));
        assert_eq!(members(&ada, &shop).await.as_array().unwrap().len(), 2);
    }

    async fn nobody_reaches_above_their_own_role(store: Store) {
        let app = TestApp::start(store).await;
        let [ada, bob, eve, joe] = [app.user("ada").await, app.user("bob").await, app.user("eve").await, app.user("joe").await];
        let shop = organization(&ada).await;
        for (person, role) in [(&bob, "ADMIN"), (&eve, "VIEWER")] {
            join(&ada, &shop, person, role).await;
        }
        assert_eq!(change(&bob, &shop, &eve, "OWNER").await.error_code(), "FORBIDDEN");
        assert_eq!(change(&bob, &shop, &bob, "OWNER").await.error_code(), "FORBIDDEN");
        assert_eq!(change(&bob, &shop, &ada, "VIEWER").await.error_code(), "FORBIDDEN");
        assert_eq!(remove(&bob, &shop, &ada).await.error_code(), "FORBIDDEN");
        assert_eq!(change(&bob, &shop, &joe, "VIEWER").await.error_code(), "NOT_FOUND", "no member");
        assert_eq!(change(&eve, &shop, &eve, "VIEWER").await.error_code(), "FORBIDDEN", "not even to what they are");
        let changed = change(&bob, &shop, &eve, "ADMIN").await.data();
        assert_eq!(changed["changeMemberRole"]["member"], json!({ "email": "eve@example.com", "role": "ADMIN" }));
        change(&eve, &shop, &bob, "EDITOR").await.data();
        assert_eq!(change(&bob, &shop, &eve, "VIEWER").await.error_code(), "FORBIDDEN", "an editor is no admin any more");

        // What an admin invited others to goes with their role, and with their membership.
        let token_of = async |role| token(&invite(&eve, &shop, "joe@example.com", role).await.data(), "inviteMember");
        let withdrawn = token_of("ADMIN").await;
        change(&ada, &shop, &eve, "EDITOR").await.data();
        assert_eq!(accept(&joe, &withdrawn).await.error_code(), "NOT_FOUND");
        change(&ada, &shop, &eve, "ADMIN").await.data();
        let withdrawn = token_of("VIEWER").await;
        remove(&ada, &shop, &eve).await.data();
        assert_eq!(accept(&joe, &withdrawn).await.error_code(), "NOT_FOUND");
        assert_eq!(members(&ada, &shop).await, json!([["ada@example.com", "OWNER"], ["bob@example.com", "EDITOR"]]));
    }

    async fn an_organization_keeps_an_owner(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let shop = organization(&ada).await;
        for reply in [leave(&ada, &shop).await, remove(&ada, &shop, &ada).await, change(&ada, &shop, &ada, "ADMIN").await] {
            assert_eq!(reply.error_code(), "CONFLICT");
        }
        join(&ada, &shop, &bob, "VIEWER").await;
        let hand_over = async |by: &Person, to: &Person| {
            let input = json!({ "organizationId": shop, "userId": id_of(to).await });
            by.mutate("transferOwnership", input, "owner { email role } organization { myRole }").await
        };
        assert_eq!(hand_over(&ada, &ada).await.error_code(), "BAD_USER_INPUT");
        assert_eq!(hand_over(&ada, &app.user("eve").await).await.error_code(), "NOT_FOUND");
        let handed = hand_over(&ada, &bob).await.data();
        let expected = json!({ "owner": { "email": "bob@example.com", "role": "OWNER" }, "organization": { "myRole": "ADMIN" } });
        assert_eq!(handed["transferOwnership"], expected);
        assert_eq!(hand_over(&ada, &bob).await.error_code(), "FORBIDDEN");
        assert_eq!(leave(&bob, &shop).await.error_code(), "CONFLICT");
        leave(&ada, &shop).await.data();
        assert_eq!(members(&bob, &shop).await, json!([["bob@example.com", "OWNER"]]));
    }

    async fn owners_who_go_at_the_same_time_leave_one_behind(store: Store) {
        let app = TestApp::start(store).await;
        let sibling = app.sibling().await;
        let ada = app.user("ada").await;
        let mut owners = vec![ada.clone()];
        for n in 0..5 {
            owners.push(app.user(&format!("owner-{n}")).await);
        }
        for round in 0..3 {
            let shop = organization(&ada).await;
            for owner in &owners[1..] {
                join(&ada, &shop, owner, "OWNER").await;
            }
            // By every way there is, on both instances.
            let going = owners.iter().enumerate().map(|(n, owner)| {
                let url = if n % 2 == 0 { &app.url } else { &sibling.url };
                let (owner, shop) = (Person { url: url.clone(), ..owner.clone() }, shop.clone());
                async move {
                    match (n + round) % 3 {
                        0 => leave(&owner, &shop).await,
                        1 => remove(&owner, &shop, &owner).await,
                        _ => change(&owner, &shop, &owner, "VIEWER").await,
                    }
                }
            });
            let replies = join_all(going).await;
            let refused: Vec<_> = replies.iter().enumerate().filter(|(_, reply)| reply.body.get("errors").is_some()).collect();
            assert_eq!(refused.len(), 1, "{:?}", refused.iter().map(|(_, reply)| &reply.text).collect::<Vec<_>>());
            assert_eq!(refused[0].1.error_code(), "CONFLICT");
            let left = &owners[refused[0].0];
            let all = members(left, &shop).await;
            let all: Vec<_> = all.as_array().unwrap().iter().filter(|member| member[1] == "OWNER").collect();
            assert_eq!(all, [&json!([left.email, "OWNER"])]);
        }
    }

    async fn whoever_is_removed_sees_nothing_anywhere_any_more(store: Store) {
        let app = TestApp::start(store).await;
        let sibling = app.sibling().await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let shop = organization(&ada).await;
        let made = ada.mutate("createApp", json!({ "name": "App", "organizationId": shop }), "app { id }").await.data();
        let site = made["createApp"]["app"]["id"].as_str().unwrap();
        // A guest at first, a member afterwards.
        let invited = ada.mutate("inviteGuest", json!({ "appId": site, "email": bob.email }), "token").await.data();
        accept(&bob, &token(&invited, "inviteGuest")).await.data();
        join(&ada, &shop, &bob, "ADMIN").await;
        let export = bob.mutate("exportUser", json!({ "appId": site, "userId": "u" }), "export { url }").await.data();
        let export = export["exportUser"]["export"]["url"].as_str().unwrap().trim_start_matches(&app.url).to_owned();
        let there = Person { url: sibling.url.clone(), ..bob.clone() };
        assert_eq!((sees(&there, &shop).await, sees(&there, site).await), (None, None));

        remove(&ada, &shop, &bob).await.data();
        for person in [&bob, &there] {
            for id in [&*shop, site] {
                assert_eq!(sees(person, id).await.as_deref(), Some("NOT_FOUND"));
            }
            let input = json!({ "id": site, "name": "Mine" });
            assert_eq!(person.mutate("updateApp", input, "app { id }").await.error_code(), "NOT_FOUND");
            person.get(&export).await.expect(404);
        }
        assert_eq!(remove(&ada, &shop, &bob).await.error_code(), "NOT_FOUND");
    }

    async fn guests_see_one_app_and_nothing_else(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, bob, eve) = (app.user("ada").await, app.user("bob").await, app.user("eve").await);
        let (site, other) = (ada.create_app("One").await, ada.create_app("Two").await);
        let to_app = async |email: &str| ada.mutate("inviteGuest", json!({ "appId": site, "email": email }), "token invitation { role app { id } }").await;
        let invited = to_app("BOB@example.com").await.data();
        assert_eq!(invited["inviteGuest"]["invitation"], json!({ "role": "VIEWER", "app": { "id": site } }));
        let accepted = accept(&bob, &token(&invited, "inviteGuest")).await.data();
        let expected = json!({ "organization": null, "app": { "id": site, "organization": null } });
        assert_eq!(accepted["acceptInvitation"], expected);
        assert_eq!((sees(&bob, &site).await, sees(&bob, &other).await.as_deref()), (None, Some("NOT_FOUND")));
        assert_eq!(to_app("bob@example.com").await.error_code(), "CONFLICT");
        assert_eq!(to_app("ada@example.com").await.error_code(), "CONFLICT");
        let guests = format!("{{ app(id: \"{site}\") {{ guests(first: 9) {{ nodes {{ userId email name role }} }} organization {{ id }} }} }}");
        assert_eq!(bob.graphql(&guests, json!({})).await.error_code(), "FORBIDDEN");
        let bob_is = json!({ "userId": id_of(&bob).await, "email": bob.email, "name": bob.email, "role": "VIEWER" });
        let data = ada.graphql(&guests, json!({})).await.data();
        assert_eq!(data["app"]["guests"]["nodes"], json!([bob_is]));
        let shop = data["app"]["organization"]["id"].as_str().unwrap();
        assert_eq!(members(&ada, shop).await, json!([["ada@example.com", "OWNER"]]));

        let input = json!({ "appId": site, "userId": id_of(&bob).await });
        let removed = ada.mutate("removeGuest", input.clone(), "removedUserId app { id }").await.data();
        assert_eq!(removed["removeGuest"], json!({ "removedUserId": input["userId"], "app": { "id": site } }));
        assert_eq!(ada.mutate("removeGuest", input, "removedUserId").await.error_code(), "NOT_FOUND");
        assert_eq!(sees(&bob, &site).await.as_deref(), Some("NOT_FOUND"));

        accept(&eve, &token(&to_app("eve@example.com").await.data(), "inviteGuest")).await.data();
        let left = eve.mutate("leaveApp", json!({ "appId": site }), "app { id }").await.data();
        assert_eq!(left["leaveApp"]["app"], Value::Null);
        let stays = ada.mutate("leaveApp", json!({ "appId": site }), "app { id }").await.data();
        assert_eq!(stays["leaveApp"]["app"]["id"], *site);
        // With the app go the invitations to it.
        let to_bob = token(&to_app("bob@example.com").await.data(), "inviteGuest");
        ada.mutate("deleteApp", json!({ "id": site }), "deletedAppId").await.data();
        assert_eq!(accept(&bob, &to_bob).await.error_code(), "NOT_FOUND");
        assert_eq!(invitations(&ada, shop).await, [Value::Null; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_invitations_are_open_at_a_time() {
    let app = TestApp::start(Store::Sqlite).await;
    let mut ada = app.user("ada").await;
    let shop = organization(&ada).await;
    for n in 0..100 {
        invite(&ada, &shop, &format!("guest-{n}@example.com"), "VIEWER").await.data();
    }
    assert_eq!(invite(&ada, &shop, "one-more@example.com", "VIEWER").await.error_code(), "CONFLICT");
    invite(&ada, &shop, "guest-7@example.com", "EDITOR").await.data();
    app.clock.advance(7 * DAY);
    ada.sign_in().await;
    invite(&ada, &shop, "one-more@example.com", "VIEWER").await.data();
    assert_eq!(invitations(&ada, &shop).await.len(), 1);
}
