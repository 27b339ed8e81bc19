//! The database schema as reversible steps, one file each, for SQLite and Postgres alike.

pub use sea_orm_migration::{MigrationStatus, prelude::*};

mod m20261122_000001_accounts;
mod m20261122_000002_apps;
mod m20261122_000003_events;
mod m20261122_000004_app_deletions;
mod m20261122_000005_richer_events;
mod m20261122_000006_settings;
mod m20261122_000007_visitors;
mod m20261122_000008_dead_letters;
mod m20261122_000009_segments;
mod m20261122_000010_rollups;
mod m20261122_000011_saved_segments;
mod m20261122_000012_erasures;
mod m20261122_000013_goals;
mod m20261122_000014_organizations;
mod m20261122_000015_exports;
mod m20261122_000016_invitations;
mod m20261122_000017_audit;
mod m20261122_000018_key_scopes;
mod m20261123_000019_dashboards;
mod m20261123_000020_identities;
mod m20261123_000021_password_resets;
mod m20261123_000022_registrations;
mod m20261123_000023_dashboard_shares;
mod m20261129_000024_refusals;

/// Runs the steps in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_accounts::Migration),
            Box::new(m20261122_000002_apps::Migration),
            Box::new(m20261122_000003_events::Migration),
            Box::new(m20261122_000004_app_deletions::Migration),
            Box::new(m20261122_000005_richer_events::Migration),
            Box::new(m20261122_000006_settings::Migration),
            Box::new(m20261122_000007_visitors::Migration),
            Box::new(m20261122_000008_dead_letters::Migration),
            Box::new(m20261122_000009_segments::Migration),
            Box::new(m20261122_000010_rollups::Migration),
            Box::new(m20261122_000011_saved_segments::Migration),
            Box::new(m20261122_000012_erasures::Migration),
            Box::new(m20261122_000013_goals::Migration),
            Box::new(m20261122_000014_organizations::Migration),
            Box::new(m20261122_000015_exports::Migration),
            Box::new(m20261122_000016_invitations::Migration),
            Box::new(m20261122_000017_audit::Migration),
            Box::new(m20261122_000018_key_scopes::Migration),
            Box::new(m20261123_000019_dashboards::Migration),
            Box::new(m20261123_000020_identities::Migration),
            Box::new(m20261123_000021_password_resets::Migration),
            Box::new(m20261123_000022_registrations::Migration),
            Box::new(m20261123_000023_dashboard_shares::Migration),
            Box::new(m20261129_000024_refusals::Migration),
        ]
    }
}
