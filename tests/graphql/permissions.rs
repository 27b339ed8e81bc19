//! Who may do what: every element of the schema, for every role, in one's own tenant and in another's.
//!
//! The elements come from introspection and the expectations from `auth::permission::TABLE`, so what is new
//! fails here until the table says who may use it.

use std::collections::BTreeSet;

use event_analytics::{
    auth::permission::{TABLE, Who},
    entity::{app_member, organization, organization_member, role::Role},
    state::App,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::{Value, json};
use uuid::Uuid;

use super::permission_inputs::{arguments, input};
use crate::support::{
    app::{Store, TestApp},
    mail::Mailbox,
    people::Person,
};

/// Types whose fields have rows; the fields of others are part of what these let through.
const TENANTS: [&str; 6] = ["Query", "Mutation", "Subscription", "User", "App", "Organization"];

/// Somebody who asks, and what they are to the tenant that is asked about.
pub struct Actor {
    pub name: String,
    pub person: Person,
    /// In the organization.
    member: Option<Role>,
    /// In the app.
    reader: Option<Role>,
    /// Whether it is no person but an API key that reads.
    is_key: bool,
}

/// An organization of its own with one of everything.
pub struct Tenant {
    pub server: App,
    /// Somebody with nothing to do with it, who invites the actors elsewhere.
    pub host: Person,
    pub organization: String,
    pub invitation: String,
    pub editor: String,
    pub viewer: String,
    pub guest: String,
    pub app: String,
    pub key: String,
    /// A raw key that reads.
    pub reader: String,
    /// A goal, a saved segment, a dashboard and a link to it.
    pub kept: [String; 4],
}

fn uuid(id: &str) -> Uuid {
    id.split_once('_').unwrap().1.parse().unwrap()
}

async fn id_of(person: &Person) -> Uuid {
    uuid(person.graphql("{ viewer { id } }", json!({})).await.data()["viewer"]["id"].as_str().unwrap())
}

/// Puts an organization with these members into the store.
async fn organization(app: &TestApp, members: &[(Uuid, Role)]) -> Uuid {
    let (id, db) = (Uuid::now_v7(), app.app.db.writer());
    let row =
        organization::ActiveModel { id: Set(id), name: Set("Tenant".into()), created_at: Set(0), updated_at: Set(0) };
    row.insert(db).await.unwrap();
    for (user, role) in members {
        let member = organization_member::ActiveModel {
            organization_id: Set(id),
            user_id: Set(*user),
            role: Set(*role),
            created_at: Set(0),
        };
        member.insert(db).await.unwrap();
    }
    id
}

pub struct World {
    pub app: TestApp,
    pub mailbox: Mailbox,
    pub actors: Vec<Actor>,
    members: Vec<(Uuid, Role)>,
    app_viewer: Uuid,
    host: Person,
}

impl World {
    pub async fn new(store: Store) -> Self {
        let mailbox = Mailbox::open().await;
        let vars = [("SMTP_URL", &*mailbox.url), ("MAIL_FROM", "stats@example.com")];
        let app = TestApp::with(store, &vars).await;
        let (mut actors, mut members, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
        for role in [Role::Owner, Role::Admin, Role::Editor, Role::Viewer] {
            let person = app.user(&format!("own-{role:?}").to_lowercase()).await;
            members.push((id_of(&person).await, role));
            actors.push(Actor {
                name: format!("{role:?}"),
                person,
                member: Some(role),
                reader: Some(role),
                is_key: false,
            });
            let person = app.user(&format!("foreign-{role:?}").to_lowercase()).await;
            foreign.push((id_of(&person).await, role));
            actors.push(Actor {
                name: format!("{role:?} elsewhere"),
                person,
                member: None,
                reader: None,
                is_key: false,
            });
        }
        // Each of the actors can leave, for there is another owner.
        members.push((id_of(&app.user("co-owner").await).await, Role::Owner));
        organization(&app, &foreign).await;
        let host = app.user("host").await;
        let person = app.user("guest").await;
        let app_viewer = id_of(&person).await;
        actors.push(Actor {
            name: "viewer of the app".into(),
            person,
            member: None,
            reader: Some(Role::Viewer),
            is_key: false,
        });
        actors.push(Actor {
            name: "stranger".into(),
            person: app.anonymous(),
            member: None,
            reader: None,
            is_key: false,
        });
        Self { app, mailbox, actors, members, app_viewer, host }
    }

    pub fn owner(&self) -> &Person {
        &self.actors[0].person
    }

    pub async fn tenant(&self) -> Tenant {
        let organization = format!("org_{}", organization(&self.app, &self.members).await.simple());
        let made = async |mutation: &str, input: Value, selection: &str, pointer: &str| {
            let data = self.owner().mutate(mutation, input, selection).await.data();
            data.pointer(pointer).unwrap().as_str().unwrap().to_owned()
        };
        let input = json!({ "name": "App", "organizationId": organization });
        let app = made("createApp", input, "app { id }", "/createApp/app/id").await;
        let member = app_member::ActiveModel {
            app_id: Set(uuid(&app)),
            user_id: Set(self.app_viewer),
            role: Set(Role::Viewer),
            created_at: Set(0),
        };
        member.insert(self.app.app.db.writer()).await.unwrap();
        let input = json!({ "appId": app, "name": "One" });
        let key = made("createApiKey", input, "apiKey { id }", "/createApiKey/apiKey/id").await;
        let input = json!({ "appId": app, "name": "One", "filter": { "eventType": { "eq": "purchase" } } });
        let goal = made("createGoal", input.clone(), "goal { id }", "/createGoal/goal/id").await;
        let pointer = "/createSavedSegment/savedSegment/id";
        let segment = made("createSavedSegment", input, "savedSegment { id }", pointer).await;
        let input = json!({ "appId": app, "name": "One" });
        let board = made("createDashboard", input, "dashboard { id }", "/createDashboard/dashboard/id").await;
        let link = json!({ "dashboardId": board, "name": "One" });
        let share = made("shareDashboard", link, "share { id }", "/shareDashboard/share/id").await;
        let input = json!({ "organizationId": organization, "email": "invited@example.com" });
        let invitation = made("inviteMember", input, "invitation { id }", "/inviteMember/invitation/id").await;
        let user = |id: Uuid| format!("usr_{}", id.simple());
        let member = |role: Role| user(self.members.iter().find(|(_, is)| *is == role).unwrap().0);
        let (editor, viewer, guest) = (member(Role::Editor), member(Role::Viewer), user(self.app_viewer));
        let host = self.host.clone();
        let input = json!({ "appId": app, "name": "Server", "scope": "READ" });
        let reader = made("createApiKey", input, "key", "/createApiKey/key").await;
        let (server, kept) = (self.app.app.clone(), [goal, segment, board, share]);
        Tenant { server, host, organization, invitation, editor, viewer, guest, app, key, reader, kept }
    }

    /// Lets API keys of this tenant and of another act as well.
    async fn admit_keys(&mut self, tenant: &Tenant) {
        for (name, key, reader) in [
            ("API key", tenant.reader.clone(), Some(Role::Viewer)),
            ("API key elsewhere", self.tenant().await.reader, None),
        ] {
            let person = Person { token: Some(key), ..self.app.anonymous() };
            self.actors.push(Actor { name: name.into(), person, member: None, reader, is_key: true });
        }
    }
}

impl Actor {
    /// The code of the error to expect, or none.
    fn expected(&self, who: Who) -> Option<&'static str> {
        let (has, least) = match who {
            Who::Anyone => return None,
            _ if self.person.token.is_none() => return Some("UNAUTHENTICATED"),
            Who::App(least) => (self.reader, least),
            Who::AppMember(_) if self.is_key && self.reader.is_none() => return Some("NOT_FOUND"),
            Who::Link => return Some("FORBIDDEN"),
            _ if self.is_key => return Some("FORBIDDEN"),
            Who::SignedIn | Who::Holder => return None,
            Who::AppMember(least) => (self.reader, least),
            Who::Organization(least) => (self.member, least),
        };
        match has {
            None => Some("NOT_FOUND"),
            Some(role) if role < least => Some("FORBIDDEN"),
            Some(_) => None,
        }
    }

    /// What came of it: the code of the first error, or none.
    async fn outcome(&self, query: &str, variables: Value) -> Option<String> {
        let reply = self.person.graphql(query, variables).await;
        reply.body.get("errors").is_some().then(|| reply.error_code().to_owned())
    }
}

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
                assert_eq!(outcome.as_deref(), actor.expected(who("Query", name)), "{} asks {query}", actor.name);
            }
        }
        // Of themselves everybody sees everything, and nobody anything of others.
        let of_owner = world.owner().graphql("{ viewer { id sessions { id } } }", json!({})).await.data();
        for field in fields(&types, "User") {
            let query = format!("{{ viewer {{ {} }} }}", call(field, &tenant));
            who("User", field["name"].as_str().unwrap());
            for actor in &world.actors {
                assert_eq!(actor.outcome(&query, json!({})).await, None, "{} asks {query}", actor.name);
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
                    // What keys do not see is not there for them.
                    Some(Who::AppMember(_) | Who::Organization(_)) if actor.is_key => Some("NOT_FOUND"),
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
                let expected = if actor.is_key { Some("FORBIDDEN") } else { actor.expected(who("Mutation", name)) };
                let mut actor = Actor { name: actor.name.clone(), person: actor.person.clone(), ..*actor };
                if name.contains("ession") || name == "signOut" || name == "changePassword" {
                    // It ends sessions: not those of the actors.
                    if actor.person.token.is_some() && !actor.is_key {
                        actor.person = world.app.user(&format!("{name}-{count}").to_lowercase()).await;
                    }
                }
                count += 1;
                let variables = json!({ "input": input(name, &tenant, &actor.person, count).await });
                if actor.is_key && actor.reader.is_some() {
                    // To what is its own.
                    actor.person.token = Some(tenant.reader.clone());
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
