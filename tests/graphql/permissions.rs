//! Who may do what: every element of the schema, for every role, in one's own tenant and in another's.
//!
//! The elements come from introspection and the expectations from `auth::permission::TABLE`, so what is new
//! fails here until the table says who may use it.

use std::collections::BTreeSet;

use event_analytics::{
    auth::permission::{TABLE, Who},
    entity::role::Role,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    permission_inputs::{arguments, input},
    permission_world::{Actor, Kind, Tenant, World, uuid},
};
use crate::support::app::{Store, TestApp};

/// Types whose fields have rows; the fields of others are part of what these let through.
const TENANTS: [&str; 6] = ["Query", "Mutation", "Subscription", "User", "App", "Organization"];

/// All that a link lets ask in words of one's own.
const OF_LINKS: [&str; 2] = ["sharedDashboard", "rateLimit"];

/// Who may use the field of a type; fails where no row says so.
fn who(of: &str, field: &str) -> Who {
    let row = |name: &str| TABLE.iter().find(|(element, _)| *element == name).map(|(_, who)| *who);
    let rest = (of != "Query" && of != "Mutation" && of != "Subscription").then(|| row(&format!("{of}.*"))).flatten();
    row(&format!("{of}.{field}"))
        .or(rest)
        .unwrap_or_else(|| panic!("auth::permission::TABLE has no row for {of}.{field}"))
}

/// Every object type of the schema.
pub async fn types(app: &TestApp) -> Vec<Value> {
    let schema = app.anonymous().graphql(include_str!("introspection.graphql"), json!({})).await.data();
    let types = schema["__schema"]["types"].as_array().unwrap();
    types.iter().filter(|of| of["kind"] == "OBJECT" || of["kind"] == "INTERFACE").cloned().collect()
}

pub fn fields<'a>(types: &'a [Value], name: &str) -> &'a [Value] {
    types.iter().find(|of| of["name"] == name).map_or(&[], |of| of["fields"].as_array().unwrap())
}

/// The field with what it demands, and a selection where it needs one.
fn call(field: &Value, tenant: &Tenant) -> String {
    let mut kind = &field["type"];
    while kind["ofType"].is_object() {
        kind = &kind["ofType"];
    }
    let leaf = kind["kind"] == "SCALAR" || kind["kind"] == "ENUM";
    let selection = if leaf { "" } else { "{ __typename }" };
    format!("{}{} {selection}", field["name"].as_str().unwrap(), arguments(field, tenant))
}

both_stores! {
    async fn the_table_holds_for_every_question(store: Store) {
        let mut world = World::new(store).await;
        let (types, tenant) = (types(&world.app).await, world.tenant().await);
        world.admit_keys(&tenant).await;
        for of in ["App", "Organization"] {
            let (root, id) = if of == "App" { ("app", &tenant.app) } else { ("organization", &tenant.organization) };
            for field in fields(&types, of) {
                let query = format!("{{ {root}(id: \"{id}\") {{ {} }} }}", call(field, &tenant));
                let who = who(of, field["name"].as_str().unwrap());
                for actor in &world.actors {
                    let outcome = actor.outcome(&query, json!({})).await;
                    assert_eq!(outcome.as_deref(), actor.expected(who), "{} asks {query}", actor.name);
                }
            }
        }
        for field in fields(&types, "Query") {
            let name = field["name"].as_str().unwrap();
            if name == "node" {
                continue;
            }
            let query = format!("{{ {} }}", call(field, &tenant));
            for actor in &world.actors {
                let outcome = actor.outcome(&query, json!({})).await;
                let may = actor.kind == Kind::Link && OF_LINKS.contains(&name);
                let expected = if may { None } else { actor.expected(who("Query", name)) };
                assert_eq!(outcome.as_deref(), expected, "{} asks {query}", actor.name);
            }
        }
        // Of themselves everybody sees everything, and nobody anything of others.
        let of_owner = world.owner().graphql("{ viewer { id sessions { id } } }", json!({})).await.data();
        for field in fields(&types, "User") {
            let query = format!("{{ viewer {{ {} }} }}", call(field, &tenant));
            who("User", field["name"].as_str().unwrap());
            for actor in &world.actors {
                let expected = (actor.kind == Kind::Link).then_some("FORBIDDEN");
                assert_eq!(actor.outcome(&query, json!({})).await.as_deref(), expected, "{} asks {query}", actor.name);
            }
        }

        let nodes = types.iter().find(|of| of["name"] == "Node").unwrap()["possibleTypes"].as_array().unwrap().clone();
        let event = format!("evt_{}_{}", uuid(&tenant.app).simple(), Uuid::now_v7().simple());
        for of in nodes.iter().map(|node| node["name"].as_str().unwrap()) {
            let (id, who) = match of {
                "App" => (&*tenant.app, Some(Who::App(Role::Viewer))),
                "ApiKey" => (&*tenant.key, Some(Who::AppMember(Role::Viewer))),
                "Goal" => (&*tenant.kept[0], Some(Who::App(Role::Viewer))),
                "SavedSegment" => (&*tenant.kept[1], Some(Who::App(Role::Viewer))),
                "Dashboard" => (&*tenant.kept[2], Some(Who::App(Role::Viewer))),
                "DashboardShare" => (&*tenant.kept[3], Some(Who::AppMember(Role::Admin))),
                "Organization" => (&*tenant.organization, Some(Who::Organization(Role::Viewer))),
                "Invitation" => (&*tenant.invitation, Some(Who::Organization(Role::Admin))),
                "User" => (of_owner["viewer"]["id"].as_str().unwrap(), None),
                "Session" => (of_owner["viewer"]["sessions"][0]["id"].as_str().unwrap(), None),
                // One that is not there: what is of others looks like that.
                "Event" => (&*event, None),
                new => panic!("say here who may see a {new} by its id"),
            };
            let query = format!("{{ node(id: \"{id}\") {{ id }} }}");
            for actor in &world.actors {
                let expected = match who {
                    _ if actor.kind == Kind::Link => Some("FORBIDDEN"),
                    // What keys do not see is not there for them.
                    Some(Who::AppMember(_) | Who::Organization(_)) if actor.kind == Kind::Key => Some("NOT_FOUND"),
                    Some(who) => actor.expected(who),
                    None if actor.person.token.is_none() => Some("UNAUTHENTICATED"),
                    None if of != "Event" && actor.name == "Owner" => None,
                    None => Some("NOT_FOUND"),
                };
                assert_eq!(actor.outcome(&query, json!({})).await.as_deref(), expected, "{} asks for a {of}", actor.name);
            }
        }
    }

    async fn the_table_holds_for_every_mutation(store: Store) {
        let mut world = World::new(store).await;
        let types = types(&world.app).await;
        let mut tenant = world.tenant().await;
        world.admit_keys(&tenant).await;
        let mut count = 0;
        for field in fields(&types, "Mutation") {
            let name = field["name"].as_str().unwrap();
            let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
            let query = match field["args"].as_array().unwrap().is_empty() {
                true => format!("mutation {{ {name} {{ __typename }} }}"),
                false => format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ __typename }} }}"),
            };
            if name == "deleteOrganization" {
                world.owner().mutate("deleteApp", json!({ "id": tenant.app }), "deletedAppId").await.data();
            }
            for actor in &world.actors {
                let is_person = actor.kind == Kind::Person;
                let expected = if is_person { actor.expected(who("Mutation", name)) } else { Some("FORBIDDEN") };
                let mut actor = Actor { name: actor.name.clone(), person: actor.person.clone(), ..*actor };
                if name.contains("ession") || name == "signOut" || name == "changePassword" {
                    // It ends sessions: not those of the actors.
                    if actor.person.token.is_some() && is_person {
                        actor.person = world.app.user(&format!("{name}-{count}").to_lowercase()).await;
                    }
                }
                count += 1;
                let variables = json!({ "input": input(name, &tenant, &actor.person, count).await });
                // To what is its own.
                match actor.kind {
                    Kind::Key if actor.reader.is_some() => actor.person.token = Some(tenant.reader.clone()),
                    Kind::Link => actor.person.token = Some(tenant.link.clone()),
                    _ => {}
                }
                let outcome = actor.outcome(&query, variables).await;
                assert_eq!(outcome.as_deref(), expected, "{} does {name}", actor.name);
                if outcome.is_none() && !matches!(who("Mutation", name), Who::Anyone | Who::SignedIn) {
                    tenant = world.tenant().await;
                }
            }
        }
        assert!(fields(&types, "Mutation").len() > 20);
    }
}

both_stores! {
    async fn the_table_holds_for_what_is_followed(store: Store) {
        let mut world = World::new(store).await;
        let (types, tenant) = (types(&world.app).await, world.tenant().await);
        world.admit_keys(&tenant).await;
        for field in fields(&types, "Subscription") {
            let name = field["name"].as_str().unwrap();
            let body = json!({ "query": format!("subscription {{ {name}(appId: \"{}\") {{ app {{ name }} }} }}", tenant.app) });
            for actor in &world.actors {
                let request = actor.person.request("POST", "/graphql").header("accept", "text/event-stream").json(&body);
                let mut response = request.send().await.unwrap();
                let mut heard = String::new();
                // The first answer, or the refusal.
                while !heard.contains("\n\n") && let Some(more) = response.chunk().await.unwrap() {
                    heard += std::str::from_utf8(&more).unwrap();
                }
                let expected = actor.expected(who("Subscription", name));
                let told = expected.map_or("\"name\":\"App\"".to_owned(), |code| format!("\"code\":\"{code}\""));
                assert!(heard.contains(&told), "{} follows {name}, expected {expected:?}: {heard}", actor.name);
            }
        }
    }
}

#[tokio::test]
async fn the_table_names_what_there_is_and_nothing_else() {
    let app = TestApp::start(Store::Sqlite).await;
    let types = types(&app).await;
    let mut used = BTreeSet::new();
    for of in TENANTS {
        for field in fields(&types, of) {
            let name = field["name"].as_str().unwrap();
            who(of, name);
            let own = format!("{of}.{name}");
            used.insert(if TABLE.iter().any(|(row, _)| *row == own) { own } else { format!("{of}.*") });
        }
    }
    let rows: BTreeSet<_> = TABLE.iter().map(|(row, _)| (*row).to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a row is there twice");
    assert_eq!(rows.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "rows of nothing");
}

#[test]
fn the_documented_table_is_this_one() {
    let documented = include_str!("../../docs/accounts.md");
    let documented: Vec<_> = documented.lines().filter(|line| line.starts_with("| `")).collect();
    let rows = TABLE.iter().map(|(element, who)| {
        let who = match who {
            Who::Anyone => "everybody".to_owned(),
            Who::SignedIn => "whoever has signed in".to_owned(),
            Who::Holder => "the account itself".to_owned(),
            Who::Link => "whoever has opened a link to a dashboard".to_owned(),
            Who::App(least) => format!("{} of the app", format!("{least:?}").to_lowercase()),
            Who::AppMember(least) => format!("{} of the app, no API key", format!("{least:?}").to_lowercase()),
            Who::Organization(least) => format!("{} of the organization", format!("{least:?}").to_lowercase()),
        };
        format!("| `{element}` | {who} |")
    });
    assert_eq!(documented, rows.collect::<Vec<_>>(), "docs/accounts.md");
}
