//! What owners change.

mod accounts;
mod api_keys;
mod apps;
mod dead_letters;
mod goals;
mod organizations;
mod privacy;
mod saved_segments;

use async_graphql::MergedObject;

/// Changes, each with one `input` and a payload that holds what was changed.
#[derive(MergedObject, Default)]
pub struct Mutation(
    accounts::AccountMutations,
    apps::AppMutations,
    api_keys::ApiKeyMutations,
    dead_letters::DeadLetterMutations,
    goals::GoalMutations,
    organizations::OrganizationMutations,
    privacy::PrivacyMutations,
    saved_segments::SavedSegmentMutations,
);
