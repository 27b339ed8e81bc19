//! What owners change.

/// Changes, each with one `input` and a payload that holds what was changed.
pub type Mutation = async_graphql::EmptyMutation;
