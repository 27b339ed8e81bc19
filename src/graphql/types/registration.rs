//! Who may make an account.

use async_graphql::Enum;

use crate::config;

/// Who may make an account here.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "config::Registration")]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever reads the letters to its address: `requestRegistration` sends a link.
    Mail,
    /// Whoever was invited.
    Invited,
}
