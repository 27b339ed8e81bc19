//! Somebody with an account.

use async_graphql::{ID, Object};

use crate::{clock::Moment, entity::user, graphql::id::NodeId};

/// Somebody with an account.
pub struct User(pub user::Model);

#[Object]
impl User {
    /// Identifies the account everywhere.
    async fn id(&self) -> ID {
        NodeId::User(self.0.id).into()
    }

    /// The address they sign in with, in lower case.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// What to call them.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When the account was made.
    async fn created_at(&self) -> Moment {
        Moment(self.0.created_at)
    }
}
