//! An organization with one of everything, and everybody who may try to use it.

use event_analytics::{
    auth::permission::Who,
    entity::{app_member, organization, organization_member, role::Role},
    state::App,
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    mail::Mailbox,
    people::Person,
};

/// Somebody who asks, and what they are to the tenant that is asked about.
pub struct Actor {
    pub name: String,
    pub person: Person,
    /// In the organization.
    pub member: Option<Role>,
    /// In the app.
    pub reader: Option<Role>,
    /// As what.
    pub kind: Kind,
}

/// What somebody asks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or a sign-in.
    Person,
    /// An API key that reads.
    Key,
    /// A link to a dashboard.
    Link,
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
    /// What opens the link.
    pub link: String,
    /// A goal, a saved segment, a dashboard and a link to another.
    pub kept: [String; 4],
}

pub fn uuid(id: &str) -> Uuid {
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
                kind: Kind::Person,
            });
            let person = app.user(&format!("foreign-{role:?}").to_lowercase()).await;
            foreign.push((id_of(&person).await, role));
            actors.push(Actor {
                name: format!("{role:?} elsewhere"),
                person,
                member: None,
                reader: None,
                kind: Kind::Person,
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
            kind: Kind::Person,
        });
        actors.push(Actor {
            name: "stranger".into(),
            person: app.anonymous(),
            member: None,
            reader: None,
            kind: Kind::Person,
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
        let input = json!({ "appId": app, "name": "Shown" });
        let shown = made("createDashboard", input, "dashboard { id }", "/createDashboard/dashboard/id").await;
        let link = json!({ "dashboardId": shown, "name": "One" });
        let shared =
            self.owner().mutate("shareDashboard", link, "share { id } url").await.data()["shareDashboard"].clone();
        let share = shared["share"]["id"].as_str().unwrap().to_owned();
        let link = format!("link_{}", shared["url"].as_str().unwrap().split_once('#').unwrap().1);
        let input = json!({ "organizationId": organization, "email": "invited@example.com" });
        let invitation = made("inviteMember", input, "invitation { id }", "/inviteMember/invitation/id").await;
        let user = |id: Uuid| format!("usr_{}", id.simple());
        let member = |role: Role| user(self.members.iter().find(|(_, is)| *is == role).unwrap().0);
        let (editor, viewer, guest) = (member(Role::Editor), member(Role::Viewer), user(self.app_viewer));
        let host = self.host.clone();
        let input = json!({ "appId": app, "name": "Server", "scope": "READ" });
        let reader = made("createApiKey", input, "key", "/createApiKey/key").await;
        let (server, kept) = (self.app.app.clone(), [goal, segment, board, share]);
        Tenant { server, host, organization, invitation, editor, viewer, guest, app, key, reader, link, kept }
    }

    /// Lets API keys of this tenant and of another act as well, and whoever has a link to a dashboard.
    pub async fn admit_keys(&mut self, tenant: &Tenant) {
        for (name, kind, token, reader) in [
            ("API key", Kind::Key, tenant.reader.clone(), Some(Role::Viewer)),
            ("API key elsewhere", Kind::Key, self.tenant().await.reader, None),
            ("link", Kind::Link, tenant.link.clone(), None),
        ] {
            let person = Person { token: Some(token), ..self.app.anonymous() };
            self.actors.push(Actor { name: name.into(), person, member: None, reader, kind });
        }
    }
}

impl Actor {
    /// The code of the error to expect, or none.
    pub fn expected(&self, who: Who) -> Option<&'static str> {
        let (has, least) = match who {
            _ if self.kind == Kind::Link => return Some("FORBIDDEN"),
            Who::Anyone => return None,
            _ if self.person.token.is_none() => return Some("UNAUTHENTICATED"),
            Who::App(least) => (self.reader, least),
            Who::AppMember(_) if self.kind == Kind::Key && self.reader.is_none() => return Some("NOT_FOUND"),
            Who::Link => return Some("FORBIDDEN"),
            _ if self.kind == Kind::Key => return Some("FORBIDDEN"),
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
    pub async fn outcome(&self, query: &str, variables: Value) -> Option<String> {
        let reply = self.person.graphql(query, variables).await;
        reply.body.get("errors").is_some().then(|| reply.error_code().to_owned())
    }
}
