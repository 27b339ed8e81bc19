//! The audit log: whatever is changed leaves its entry, which tells who, from where and what, and no secret.

use std::{collections::BTreeSet, time::Duration};

use event_analytics::entity::audit_event;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{
    members::{accept, id_of, invite, join, organization, token},
    permission_inputs::input,
    permission_world::World,
    permissions::{fields, types},
};
use crate::support::{
    app::{Store, TestApp},
    people::{PASSWORD, Person},
};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What each mutation leaves in the log.
fn expected(mutation: &str) -> Vec<&'static str> {
    match mutation {
        "register" => vec!["AccountRegistered", "SignedIn"],
        // Of an account there is none yet.
        "requestRegistration" => vec![],
        "signIn" => vec!["SignedIn"],
        "signOut" => vec!["SignedOut"],
        "revokeSession" => vec!["SessionRevoked"],
        "revokeOtherSessions" => vec!["OtherSessionsRevoked"],
        "changePassword" => vec!["PasswordChanged", "SignedIn"],
        "requestPasswordReset" => vec!["PasswordResetRequested"],
        "resetPassword" => vec!["PasswordReset"],
        "createOrganization" => vec!["OrganizationCreated"],
        "updateOrganization" => vec!["OrganizationUpdated"],
        "deleteOrganization" => vec!["OrganizationDeleted"],
        "inviteMember" => vec!["MemberInvited"],
        "inviteGuest" => vec!["GuestInvited"],
        "acceptInvitation" => vec!["InvitationAccepted"],
        "revokeInvitation" => vec!["InvitationRevoked"],
        "changeMemberRole" => vec!["MemberRoleChanged"],
        "removeMember" => vec!["MemberRemoved"],
        "leaveOrganization" => vec!["MemberLeft"],
        "transferOwnership" => vec!["OwnershipTransferred"],
        "removeGuest" => vec!["GuestRemoved"],
        "leaveApp" => vec!["GuestLeft"],
        "createApp" => vec!["AppCreated"],
        "updateApp" => vec!["AppUpdated"],
        "deleteApp" => vec!["AppDeleted"],
        "createApiKey" => vec!["ApiKeyCreated"],
        "updateApiKey" => vec!["ApiKeyUpdated"],
        "revokeApiKey" => vec!["ApiKeyRevoked"],
        "regenerateApiKey" => vec!["ApiKeyRegenerated"],
        "replayDeadLetters" => vec!["DeadLettersReplayed"],
        "discardDeadLetters" => vec!["DeadLettersDiscarded"],
        "createGoal" => vec!["GoalCreated"],
        "updateGoal" => vec!["GoalUpdated"],
        "deleteGoal" => vec!["GoalDeleted"],
        "createSavedSegment" => vec!["SavedSegmentCreated"],
        "updateSavedSegment" => vec!["SavedSegmentUpdated"],
        "deleteSavedSegment" => vec!["SavedSegmentDeleted"],
        "createDashboard" => vec!["DashboardCreated"],
        "updateDashboard" => vec!["DashboardUpdated"],
        "deleteDashboard" => vec!["DashboardDeleted"],
        "shareDashboard" => vec!["DashboardShared"],
        "revokeDashboardShare" => vec!["DashboardUnshared"],
        // Of those who look at it nothing is kept.
        "openSharedDashboard" => vec![],
        "eraseUser" => vec!["PersonErased"],
        "exportUser" => vec!["PersonExported"],
        new => panic!("say here what {new} leaves in the log"),
    }
}

async fn entries(app: &TestApp) -> Vec<audit_event::Model> {
    audit_event::Entity::find().all(app.app.db.writer()).await.unwrap()
}

/// What must not be in a log: every token, key and address that opens something.
fn secrets(of: &Value, found: &mut BTreeSet<String>) {
    match of {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(secret) if ["token", "key", "url", "bearer"].contains(&name.as_str()) => {
                        found.insert(secret.rsplit(['/', '#']).next().unwrap().to_owned());
                    }
                    nested => secrets(nested, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        _ => {}
    }
}

/// A selection that has whatever the mutation shows only once.
fn selection(mutation: &str) -> &'static str {
    match mutation {
        "register" | "signIn" | "inviteMember" | "inviteGuest" | "changePassword" => "{ token }",
        "createApiKey" | "regenerateApiKey" => "{ key }",
        "exportUser" => "{ export { url } }",
        "shareDashboard" => "{ url }",
        "openSharedDashboard" => "{ bearer }",
        _ => "{ __typename }",
    }
}

both_stores! {
    async fn every_mutation_leaves_its_entry_and_no_secret(store: Store) {
        let world = World::new(store).await;
        let types = types(&world.app).await;
        let mut known: BTreeSet<_> = entries(&world.app).await.iter().map(|entry| entry.id).collect();
        let mut secret = BTreeSet::from([PASSWORD.to_owned(), "another battery".to_owned(), "person-7f3a".to_owned(), "signup".to_owned()]);
        for (count, field) in fields(&types, "Mutation").iter().enumerate() {
            let name = field["name"].as_str().unwrap();
            let tenant = world.tenant().await;
            let person = match name {
                "register" | "requestRegistration" | "signIn" | "requestPasswordReset" | "resetPassword" => world.app.anonymous(),
                "leaveApp" => world.actors.iter().find(|actor| actor.name.contains("app")).unwrap().person.clone(),
                _ if name.contains("ession") || name == "signOut" || name == "changePassword" => {
                    let first = world.app.user(&format!("{name}-{count}").to_lowercase()).await;
                    let mut second = first.clone();
                    second.sign_in().await;
                    if name == "revokeSession" { first } else { second }
                }
                _ => world.owner().clone(),
            };
            if name == "deleteOrganization" {
                world.owner().mutate("deleteApp", json!({ "id": tenant.app }), "deletedAppId").await.data();
            }
            let mut variables = input(name, &tenant, &person, count + 1_000).await;
            if variables.get("userId") == Some(&json!("ada")) {
                variables["userId"] = json!("person-7f3a");
            }
            secrets(&variables, &mut secret);
            secret.extend(person.token.clone());
            known.extend(entries(&world.app).await.iter().map(|entry| entry.id));

            let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
            let query = match field["args"].as_array().unwrap().is_empty() {
                true => format!("mutation {{ {name} {} }}", selection(name)),
                false => format!("mutation($input: {kind}!) {{ {name}(input: $input) {} }}", selection(name)),
            };
            let data = person.graphql(&query, json!({ "input": variables })).await.data();
            secrets(&data, &mut secret);
            if name == "requestPasswordReset" {
                secret.insert(world.mailbox.letter_with("/reset-password#").await.after("/reset-password#"));
            }
            let new: Vec<_> = entries(&world.app).await.into_iter().filter(|entry| !known.contains(&entry.id)).collect();
            let mut actions: Vec<_> = new.iter().map(|entry| format!("{:?}", entry.action)).collect();
            actions.sort();
            assert_eq!(actions, expected(name), "{name}");
            for entry in &new {
                assert_eq!(entry.network.as_deref(), Some("127.0.0.0"), "{name}");
                assert!(entry.actor_id.is_some() || name == "requestPasswordReset", "{name}");
                assert!(entry.organization_id.is_some() || entry.account_id.is_some(), "{name}");
                if person.token.is_some() && !["signOut", "revokeSession", "changePassword"].contains(&name) {
                    assert_eq!(format!("usr_{}", entry.actor_id.unwrap().simple()), id_of(&person).await, "{name}");
                }
            }
        }
        let all = format!("{:?}", entries(&world.app).await);
        assert!(secret.len() > 15, "{secret:?}");
        for secret in secret {
            assert!(!all.contains(&secret), "{secret} is in the log");
        }
    }

    async fn the_log_tells_who_changed_what(store: Store) {
        let app = TestApp::start(store).await;
        let (ada, bob) = (app.user("ada").await, app.user("bob").await);
        let shop = organization(&ada).await;
        join(&ada, &shop, &bob, "ADMIN").await;
        app.clock.advance(1_000);
        let made = bob.mutate("createApp", json!({ "name": "One", "organizationId": shop }), "app { id }").await.data();
        let site = made["createApp"]["app"]["id"].clone();
        app.clock.advance(1_000);
        let changes = json!({ "id": site, "name": "Two", "timezone": "Europe/Berlin", "excludedPaths": ["/admin/*"], "botPolicy": "MARK" });
        bob.mutate("updateApp", changes, "app { id }").await.data();
        app.clock.advance(1_000);
        let goal = json!({ "appId": site, "name": "Goal", "filter": { "userId": { "eq": "somebody" } } });
        let goal = ada.mutate("createGoal", goal, "goal { id }").await.data()["createGoal"]["goal"]["id"].clone();
        app.clock.advance(1_000);
        ada.mutate("updateGoal", json!({ "id": goal, "filter": { "userId": { "eq": "nobody" } } }), "goal { id }").await.data();
        app.clock.advance(1_000);
        ada.mutate("deleteApp", json!({ "id": site }), "deletedAppId").await.data();

        let page = log(&bob, &shop, "first: 5").await;
        let untold = |field: &str| json!({ "field": field, "before": null, "after": null });
        let entry = |action: &str, second: u32, actor: &str, target: &Value, name: &str, changes: Value| {
            json!({ "action": action, "at": format!("2026-11-22T12:00:0{second}.000Z"), "actorEmail": actor, "network": "127.0.0.0",
                "appId": site, "targetId": target, "targetName": name, "changes": changes })
        };
        let changed = json!([
            { "field": "name", "before": "One", "after": "Two" },
            { "field": "timezone", "before": "UTC", "after": "Europe/Berlin" },
            { "field": "excludedPaths", "before": null, "after": "[\"/admin/*\"]" },
        ]);
        let made = json!([
            { "field": "name", "before": null, "after": "One" },
            { "field": "timezone", "before": null, "after": "UTC" },
            { "field": "botPolicy", "before": null, "after": "mark" },
        ]);
        assert_eq!(page["nodes"], json!([
            entry("APP_DELETED", 5, &ada.email, &site, "Two", json!([])),
            entry("GOAL_UPDATED", 4, &ada.email, &goal, "Goal", json!([untold("filter")])),
            entry("GOAL_CREATED", 3, &ada.email, &goal, "Goal", json!([])),
            entry("APP_UPDATED", 2, &bob.email, &site, "Two", changed),
            entry("APP_CREATED", 1, &bob.email, &site, "One", made),
        ]));
        let rest = log(&bob, &shop, &format!("first: 9, after: {}", page["pageInfo"]["endCursor"])).await;
        let actions: Vec<_> = rest["nodes"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["INVITATION_ACCEPTED", "MEMBER_INVITED", "ORGANIZATION_CREATED"]);
        assert_eq!(rest["nodes"][1]["targetName"], bob.email);
        assert_eq!(rest["nodes"][1]["changes"], json!([{ "field": "role", "before": null, "after": "admin" }]));

        // Of their own accounts everybody sees their own.
        let own = bob.graphql("{ viewer { auditLog(first: 9) { nodes { action actorEmail } } } }", json!({})).await.data();
        let by_bob = |action: &str| json!({ "action": action, "actorEmail": bob.email });
        assert_eq!(own["viewer"]["auditLog"]["nodes"], json!([by_bob("SIGNED_IN"), by_bob("ACCOUNT_REGISTERED")]));
        ada.mutate("deleteOrganization", json!({ "id": shop }), "deletedOrganizationId").await.data();
        let own = ada.graphql("{ viewer { auditLog(first: 1) { nodes { action targetId targetName } } } }", json!({})).await.data();
        let gone = json!([{ "action": "ORGANIZATION_DELETED", "targetId": shop, "targetName": "Shop" }]);
        assert_eq!(own["viewer"]["auditLog"]["nodes"], gone);
    }

    async fn what_is_refused_leaves_no_entry_and_what_is_old_goes(store: Store) {
        let app = TestApp::with(store, &[("AUDIT_RETENTION_DAYS", "30")]).await;
        let (mut ada, bob) = (app.user("ada").await, app.user("bob").await);
        let shop = organization(&ada).await;
        let to_bob = token(&invite(&ada, &shop, &bob.email, "VIEWER").await.data(), "inviteMember");
        let before = entries(&app).await.len();
        assert_eq!(accept(&ada, &to_bob).await.error_code(), "FORBIDDEN");
        assert_eq!(invite(&ada, &shop, "ada@example.com", "VIEWER").await.error_code(), "CONFLICT");
        let leave = ada.mutate("leaveOrganization", json!({ "organizationId": shop }), "leftOrganizationId").await;
        assert_eq!(leave.error_code(), "CONFLICT");
        assert_eq!(entries(&app).await.len(), before);

        app.clock.advance(30 * DAY + 1);
        ada.sign_in().await;
        // The server tidies up when it starts.
        let app = app.stop().await.start().await;
        let mut left = entries(&app).await;
        for _ in 0..100 {
            if left.len() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            left = entries(&app).await;
        }
        assert_eq!(left.iter().map(|entry| format!("{:?}", entry.action)).collect::<Vec<_>>(), ["SignedIn"]);
    }
}

async fn log(by: &Person, organization: &str, page: &str) -> Value {
    let query = format!(
        "{{ organization(id: \"{organization}\") {{ auditLog({page}) {{ nodes {{ action at actorEmail network appId targetId targetName \
         changes {{ field before after }} }} pageInfo {{ endCursor }} }} }} }}"
    );
    by.graphql(&query, json!({})).await.data()["organization"]["auditLog"].clone()
}
