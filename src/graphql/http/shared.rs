//! What is answered to whoever has but a link: what its dashboard is, and its panels as they are kept.
//!
//! A request names a panel by holding its document and its variables. Its answer is kept for a while, so that what a
//! dashboard costs does not grow with how many look at it.

use async_graphql::{Response as Answer, parser::types::ExecutableDocument};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::{Asked, Edge, message::Params};
use crate::{
    apps::dashboard::{self, Panel},
    auth::link::OpenLink,
    cache::answers_of,
    entity::dashboard::Entity,
    error::{Error, Result},
    graphql::{
        guard::{fields_of, only_asks},
        panel::list_people,
    },
};

/// How long the answer to a panel is shown, in milliseconds.
const KEPT_MS: i64 = 30_000;

/// Questions that whoever has a link may ask in words of their own.
const OPEN: [&str; 3] = ["sharedDashboard", "rateLimit", "__typename"];

/// A panel that is asked for by its document and its variables.
pub(super) struct SharedPanel {
    app: Uuid,
    /// By which it is told from other panels, and from what it was before it was changed.
    id: Uuid,
}

/// Whether a document asks for nothing but what the link shows and what may still be asked.
pub(super) fn asks_what_is_shared(document: &ExecutableDocument) -> bool {
    let mut roots = document.operations.iter().flat_map(|(_, operation)| {
        fields_of(document, &operation.node.selection_set.node).into_iter().map(|root| root.name.node.as_str())
    });
    only_asks(document) && roots.all(|root| OPEN.contains(&root))
}

impl Edge {
    /// The panel that a request of a link's holder asks for, if it is one that the link shows.
    pub(super) async fn panel_of(&self, link: OpenLink, params: &Params) -> Result<Option<SharedPanel>> {
        let Some(query) = &params.query else { return Ok(None) };
        let app = link.scope.app_id();
        let board = Entity::find_by_id((app, link.dashboard)).one(&*self.app.db).await?;
        let panels = board.map(|board| dashboard::panels(&board)).transpose()?.unwrap_or_default();
        let variables = serde_json::to_value(&params.variables).map_err(Error::internal)?;
        let is_it = |panel: &Panel| panel.document == *query && panel.variables == variables;
        let Some(found) = panels.into_iter().find(is_it) else { return Ok(None) };
        let withheld = list_people(&self.app.db, app, std::slice::from_ref(&found)).await?.contains(&true);
        Ok((!withheld).then_some(SharedPanel { app, id: found.id }))
    }

    /// The answer that somebody else has had a moment ago.
    pub(super) async fn kept(&self, asked: &Asked) -> Option<Answer> {
        self.app.cache.get(&self.key(asked.panel.as_ref()?)).await
    }

    /// Keeps an answer for whoever asks for the same panel in a moment.
    pub(super) async fn keep(&self, asked: &Asked, answer: &Answer) {
        if let Some(panel) = &asked.panel
            && answer.errors.is_empty()
        {
            self.app.cache.put(&self.key(panel), answer).await;
        }
    }

    /// Goes with the other answers about the app when somebody is erased from it.
    fn key(&self, panel: &SharedPanel) -> String {
        let period = self.app.clock.now_ms().div_euclid(KEPT_MS);
        format!("{}panel:{}:{period}", answers_of(panel.app), panel.id.simple())
    }
}
