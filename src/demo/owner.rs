//! The demo's owner, app and key, and what to tell about them.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    analytics::{
        condition::StringFilter,
        filter::EventFilter,
        goal::{self, NewGoal},
    },
    apps::{self, organization},
    auth::{
        AppScope, Viewer,
        account::{self, New},
        api_key::NewKey,
        session::Started,
    },
    config::{Config, Registration, Secret, write_private},
    entity::app,
    error::{Error, Result},
    state::App,
};

const EMAIL: &str = "demo@example.com";
const APP_NAME: &str = "Bean Shop";

/// Name, description and type of event.
const GOALS: [(&str, &str, &str); 3] = [
    ("In the cart", "Something was put into the cart", "add_to_cart"),
    ("Ordered", "A purchase went through", "purchase"),
    ("Newsletter", "Somebody wants to hear from us", "newsletter_signup"),
];

/// What the demo must know at its next start. Kept in the data folder, for its owner's eyes only.
#[derive(Serialize, Deserialize)]
pub struct Demo {
    /// The end of the history: when the demo was first started.
    pub anchor_ms: i64,
    /// Whether the whole history is stored.
    pub loaded: bool,
    /// The raw key that lets the sample in.
    pub key: String,
    app_id: Option<Uuid>,
    email: String,
    password: String,
    token: String,
}

impl Demo {
    /// The demo as it was left, or a new one. Steps that were interrupted are taken up again.
    pub async fn open(app: &App) -> Result<Self> {
        let path = path(&app.config);
        let mut demo = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(Error::internal)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self {
                anchor_ms: app.clock.now_ms(),
                loaded: false,
                key: String::new(),
                app_id: None,
                email: EMAIL.into(),
                password: format!("beans-{:016x}", rand::random::<u64>()),
                token: String::new(),
            },
            Err(error) => return Err(Error::internal(error)),
        };
        // Kept before it is used: a password that is only in the database is lost.
        demo.save(app)?;
        let viewer = demo.sign_in(app).await?;
        demo.own_app(app, viewer).await?;
        demo.save(app)?;
        Ok(demo)
    }

    /// Writes what the next start must know.
    pub fn save(&self, app: &App) -> Result<()> {
        let path = path(&app.config);
        let draft = path.with_extension("draft");
        let _ = fs::remove_file(&draft);
        let text = serde_json::to_string_pretty(self).map_err(Error::internal)?;
        write_private(&draft, &text).and_then(|()| fs::rename(draft, path)).map_err(Error::internal)
    }

    async fn sign_in(&mut self, app: &App) -> Result<Viewer> {
        if let Ok(viewer) = app.sessions.viewer(&self.token, None).await {
            return Ok(viewer);
        }
        let password = || Secret::new(self.password.clone());
        let new = New { email: &self.email, name: "Demo owner", password: password(), token: None, ip: None };
        let user = match account::register(&app.db, &app.clock, Registration::Open, &app.invitations, new).await {
            Err(Error::Conflict { .. }) => {
                account::sign_in(&app.db, &self.email, password()).await.map_err(|error| match error {
                    Error::Unauthenticated(_) => Error::invalid(
                        "DATA_DIR",
                        format!(
                            "{} holds a demo whose sign-in is lost. Delete it, or name another folder.",
                            app.config.data_dir.display()
                        ),
                    ),
                    error => error,
                })?
            }
            registered => registered?,
        };
        let Started { session, token } = app.sessions.start(user.id, Some("event-analytics demo"), None).await?;
        self.token = token.expose().to_owned();
        Ok(Viewer { user_id: user.id, session_id: session.id, network: None })
    }

    /// Makes sure of an app and of a key that opens it.
    async fn own_app(&mut self, app: &App, viewer: Viewer) -> Result<()> {
        let mine = app::Entity::of_member(viewer.user_id).all(&*app.db).await?;
        let kept = mine.into_iter().find(|one| self.app_id.is_none_or(|id| id == one.id));
        let owned = match kept {
            Some(owned) => owned,
            None => {
                // In place of one that was deleted with its month: the new month ends now.
                if std::mem::take(&mut self.loaded) {
                    self.anchor_ms = app.clock.now_ms();
                }
                let organization = organization::own(&app.db, &app.clock, viewer).await?;
                let created = apps::create(&app.db, &app.clock, organization.may()?, APP_NAME, None).await?;
                keep_goals(app, viewer, created.id).await?;
                created
            }
        };
        self.app_id = Some(owned.id);
        let opens = app.api_keys.authenticate(&self.key).await.is_ok_and(|key| key.scope.app_id() == owned.id);
        if !opens {
            let scope = AppScope::of_member(&app.db, viewer, owned.id).await?;
            let new = NewKey { name: "Demo".into(), ..NewKey::default() };
            self.key = app.api_keys.create(scope.may()?, viewer, new).await?.1.expose().to_owned();
        }
        Ok(())
    }

    /// How to look at the demo: addresses, sign-in, key, and two commands to paste.
    pub fn greeting(&self, config: &Config) -> String {
        let Self { email, password, key, token, .. } = self;
        let url = config.public_url.as_str().trim_end_matches('/');
        let app_id = self.app_id.map(|id| format!("app_{}", id.simple())).unwrap_or_default();
        let query = format!(
            "{{ app(id: \\\"{app_id}\\\") {{ name summary(range: {{ preset: LAST_30_DAYS }}) {{ events uniqueUsers sessions bounceRate }} }} }}"
        );
        format!(
            r#"
  Unified Event Analytics is running with a month of events of a small coffee shop.

  Look           {url}
  Ask            {url}/playground
  Read the API   {url}/api-docs
  Sign in        {email}
  Password       {password}
  App            {app_id}
  API key        {key}

  Post an event:

    curl -s {url}/api/v1/events -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -d '{{"event_type":"page_view","user_id":"me","url":"https://beans.example/hello"}}'

  Ask a question:

    curl -s {url}/graphql -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"query":"{query}"}}'

  Ctrl-C stops it; the next start takes seconds and finds everything as it was.
"#
        )
    }
}

/// What the shop wants its visitors to do.
async fn keep_goals(app: &App, viewer: Viewer, id: Uuid) -> Result<()> {
    for (name, description, event_type) in GOALS {
        let is = Box::new(StringFilter { eq: Some(event_type.into()), ..StringFilter::default() });
        let filter = EventFilter { event_type: Some(is), ..EventFilter::default() };
        let new = NewGoal { name: name.into(), description: description.into(), filter };
        let scope = AppScope::of_member(&app.db, viewer, id).await?;
        goal::create(&app.db, &app.clock, scope.may()?, new).await?;
    }
    Ok(())
}

fn path(config: &Config) -> PathBuf {
    config.data_dir.join("demo.json")
}
