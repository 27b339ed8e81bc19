//! What each element of the schema is asked with when rights are tried out.

use event_analytics::auth::password::change;
use serde_json::{Value, json};

use super::permission_world::Tenant;
use crate::support::people::{PASSWORD, Person};

/// The arguments that a field demands, by their names.
pub fn arguments(field: &Value, tenant: &Tenant) -> String {
    let required = field["args"].as_array().unwrap().iter();
    let required = required.filter(|arg| arg["type"]["kind"] == "NON_NULL" && arg["defaultValue"].is_null());
    let given = required.map(|arg| {
        let value = match arg["name"].as_str().unwrap() {
            "id" if field["name"] == "organization" => format!("\"{}\"", tenant.organization),
            "id" => format!("\"{}\"", tenant.app),
            "range" => "{ preset: LAST_7_DAYS }".into(),
            "first" => "1".into(),
            "by" => "[COUNTRY]".into(),
            "steps" => "[{ name: \"a\" }, { name: \"b\" }]".into(),
            "period" => "DAY".into(),
            "anchor" => "{ eventType: { eq: \"a\" } }".into(),
            "userId" => "\"ada\"".into(),
            "key" | "property" => "\"price\"".into(),
            new => panic!("say here what to give as {new} of {}", field["name"]),
        };
        format!("{}: {value}", arg["name"].as_str().unwrap())
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
}

/// An input with which a mutation succeeds for whoever may.
pub async fn input(mutation: &str, tenant: &Tenant, actor: &Person, count: usize) -> Value {
    let Tenant { organization, invitation, editor, viewer, guest, app, key, kept, .. } = tenant;
    let [goal, segment, dashboard, share] = kept;
    let new = format!("new-{count}@example.com");
    let filter = json!({ "eventType": { "eq": "signup" } });
    let named = |id: &str| json!({ "id": id, "name": format!("Name {count}") });
    match mutation {
        "register" => json!({ "email": new, "password": PASSWORD, "name": "New" }),
        "signIn" => json!({ "email": "own-owner@example.com", "password": PASSWORD }),
        "changePassword" => json!({ "currentPassword": PASSWORD, "newPassword": "another battery staple horse" }),
        "requestRegistration" => json!({ "email": new }),
        "requestPasswordReset" => json!({ "email": "host@example.com" }),
        "resetPassword" => {
            let mut forgetful = Person { email: new, token: None, ..actor.clone() };
            forgetful.register().await;
            let link = change::request(&tenant.server.db, &tenant.server.clock, &forgetful.email, None).await;
            json!({ "token": link.unwrap().unwrap().token.expose(), "newPassword": "another battery staple horse" })
        }
        "signOut" | "revokeOtherSessions" => json!({}),
        "revokeSession" => {
            let sessions = actor.graphql("{ viewer { sessions { id } } }", json!({})).await.body;
            json!({ "id": sessions.pointer("/data/viewer/sessions/0/id").unwrap_or(&json!("ses_0")) })
        }
        "createApp" => json!({ "name": "Another", "organizationId": organization }),
        "updateApp" => named(app),
        "deleteApp" => json!({ "id": app }),
        "createApiKey" => json!({ "appId": app, "name": "Another" }),
        "updateApiKey" => named(key),
        "revokeApiKey" | "regenerateApiKey" => json!({ "id": key }),
        "replayDeadLetters" | "discardDeadLetters" => json!({ "appId": app }),
        "createGoal" | "createSavedSegment" => json!({ "appId": app, "name": "Another", "filter": filter }),
        "updateGoal" => named(goal),
        "deleteGoal" => json!({ "id": goal }),
        "updateSavedSegment" => named(segment),
        "deleteSavedSegment" => json!({ "id": segment }),
        "createDashboard" => json!({ "appId": app, "name": "Another" }),
        "updateDashboard" => json!({ "id": dashboard, "revision": 1, "name": format!("Name {count}") }),
        "shareDashboard" => json!({ "dashboardId": dashboard, "name": "Another" }),
        "revokeDashboardShare" => json!({ "id": share }),
        "openSharedDashboard" => {
            let app = tenant.host.create_app("Elsewhere").await;
            let input = json!({ "appId": app, "name": "Another" });
            let made = tenant.host.mutate("createDashboard", input, "dashboard { id }").await.data();
            let input = json!({ "dashboardId": made["createDashboard"]["dashboard"]["id"], "name": "Another" });
            let made = tenant.host.mutate("shareDashboard", input, "url").await.data();
            json!({ "token": made["shareDashboard"]["url"].as_str().unwrap().split_once('#').unwrap().1 })
        }
        "deleteDashboard" => json!({ "id": dashboard }),
        "eraseUser" | "exportUser" => json!({ "appId": app, "userId": "ada" }),
        "createOrganization" => json!({ "name": "Another" }),
        "updateOrganization" => named(organization),
        "deleteOrganization" => json!({ "id": organization }),
        "inviteMember" => json!({ "organizationId": organization, "email": new, "role": "EDITOR" }),
        "inviteGuest" => json!({ "appId": app, "email": new }),
        "acceptInvitation" => {
            let made = tenant.host.mutate("createOrganization", json!({ "name": "Elsewhere" }), "organization { id }");
            let elsewhere = made.await.data()["createOrganization"]["organization"]["id"].clone();
            let email = if actor.email.is_empty() { &new } else { &actor.email };
            let input = json!({ "organizationId": elsewhere, "email": email });
            let token = tenant.host.mutate("inviteMember", input, "token").await.data();
            json!({ "token": token["inviteMember"]["token"] })
        }
        "revokeInvitation" => json!({ "id": invitation }),
        "changeMemberRole" => json!({ "organizationId": organization, "userId": viewer, "role": "EDITOR" }),
        "removeMember" => json!({ "organizationId": organization, "userId": viewer }),
        "leaveOrganization" => json!({ "organizationId": organization }),
        "transferOwnership" => json!({ "organizationId": organization, "userId": editor }),
        "removeGuest" => json!({ "appId": app, "userId": guest }),
        "leaveApp" => json!({ "appId": app }),
        new => panic!("say here what to give to {new}"),
    }
}
