//! Which events a question is about.
//!
//! The filter is the GraphQL input itself, and knows how to match.

use async_graphql::InputObject;
use serde::{Deserialize, Serialize};

/// Conditions on events. All that are given must hold.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventFilter {
    /// Every one of these must hold.
    pub and: Option<Vec<EventFilter>>,
}
