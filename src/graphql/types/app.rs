//! An app, and every question about it.

use async_graphql::{ID, Object};

use crate::{auth::AppScope, clock::Moment, entity::app, graphql::id::NodeId};

/// A site, product or service whose events are kept apart from all others. Whoever can see it may
/// ask every question about it.
pub struct App {
    model: app::Model,
    scope: AppScope,
}

impl App {
    /// The app as the holder of `scope` sees it.
    pub fn new(model: app::Model, scope: AppScope) -> Self {
        Self { model, scope }
    }
}

#[Object]
impl App {
    /// Identifies the app everywhere.
    async fn id(&self) -> ID {
        NodeId::App(self.scope.app_id()).into()
    }

    /// What its owner calls it.
    async fn name(&self) -> &str {
        &self.model.name
    }

    /// The IANA time zone of its days, weeks and months, unless a question asks for another.
    async fn timezone(&self) -> &str {
        &self.model.timezone
    }

    /// When it was created.
    async fn created_at(&self) -> Moment {
        Moment(self.model.created_at)
    }

    /// When its name or time zone last changed.
    async fn updated_at(&self) -> Moment {
        Moment(self.model.updated_at)
    }
}
