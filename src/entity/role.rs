//! What a member may do.

use sea_orm::entity::prelude::*;

/// What a member may do; each may all that those before it may. The table of `auth::permission` says what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Role {
    /// Reads every figure.
    Viewer,
    /// Keeps goals and saved segments.
    Editor,
    /// Runs apps and keys.
    Admin,
    /// Has the last word; an organization has at least one.
    Owner,
}
