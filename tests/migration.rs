//! The schema: up, down to nothing, and up again to the same; and what it promises to tenants.

use event_analytics::entity::{
    api_key, app, app_deletion, app_member, erased_id, erasure, event, event_aggregation, event_code, event_head,
    event_segment, goal, identity, invitation, organization, organization_member, saved_segment, segment_column,
    segment_head, user, user_session, visitor_salt,
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryTrait, Statement};

use crate::support::postgres::{TestDatabase, connect};

const SQLITE: &str = "SELECT type || ' ' || name || ': ' || COALESCE(sql, '') AS line FROM sqlite_master ORDER BY 1";

const POSTGRES: &str = "
    SELECT format('column %s.%s %s %s %s %s', table_name, column_name, data_type, collation_name, is_nullable,
        column_default) AS line FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY 1";

async fn lines(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

async fn up_down_up(db: &DatabaseConnection, dump: &str) {
    Migrator::up(db, None).await.unwrap();
    let first = lines(db, dump).await;
    assert!(first.iter().any(|line| line.contains("events_by_seq")));
    Migrator::down(db, None).await.unwrap();
    let left = lines(db, dump).await.into_iter().filter(|line| !line.contains("seaql_migrations"));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0], "down leaves nothing");
    Migrator::up(db, None).await.unwrap();
    assert_eq!(lines(db, dump).await, first);
}

/// Reads each table by its entity, which fails where a column is missing.
async fn entities_fit(db: &DatabaseConnection) {
    async fn fits<E: EntityTrait>(db: &DatabaseConnection) {
        E::find().one(db).await.unwrap_or_else(|error| {
            panic!("{}: {error}", E::find().as_query().to_string(sea_orm::sea_query::SqliteQueryBuilder))
        });
    }
    fits::<user::Entity>(db).await;
    fits::<user_session::Entity>(db).await;
    fits::<app::Entity>(db).await;
    fits::<app_deletion::Entity>(db).await;
    fits::<app_member::Entity>(db).await;
    fits::<organization::Entity>(db).await;
    fits::<organization_member::Entity>(db).await;
    fits::<invitation::Entity>(db).await;
    fits::<api_key::Entity>(db).await;
    fits::<event::Entity>(db).await;
    fits::<event_head::Entity>(db).await;
    fits::<identity::Entity>(db).await;
    fits::<goal::Entity>(db).await;
    fits::<saved_segment::Entity>(db).await;
    fits::<visitor_salt::Entity>(db).await;
    fits::<segment_head::Entity>(db).await;
    fits::<event_segment::Entity>(db).await;
    fits::<segment_column::Entity>(db).await;
    fits::<event_aggregation::Entity>(db).await;
    fits::<event_code::Entity>(db).await;
    fits::<erasure::Entity>(db).await;
    fits::<erased_id::Entity>(db).await;
}

#[tokio::test]
async fn sqlite() {
    let db = connect("sqlite::memory:").await.unwrap();
    up_down_up(&db, SQLITE).await;
    entities_fit(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres() {
    let database = TestDatabase::bare().await;
    let db = connect(database.url()).await.unwrap();
    up_down_up(&db, POSTGRES).await;
    entities_fit(&db).await;
}

/// Citus wants the distribution column in every unique constraint of a distributed table, and first
/// is where it serves reading as well. `api_keys` is looked up by digest alone and stays whole.
#[tokio::test(flavor = "multi_thread")]
async fn unique_constraints_of_tenant_tables_start_with_the_app() {
    let database = TestDatabase::new().await;
    let db = connect(database.url()).await.unwrap();
    assert_eq!(db.get_database_backend(), DbBackend::Postgres);
    let sql = "
        SELECT format('%s: %s', t.relname, pg_get_indexdef(i.indexrelid)) AS line, a.attname = 'app_id' AS fits
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'api_keys'
            AND EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = t.oid AND c.attname = 'app_id')";
    let unique = lines(&db, &format!("SELECT line FROM ({sql}) s")).await;
    assert!(unique.len() >= 3, "{unique:?}");
    let offences = lines(&db, &format!("SELECT line FROM ({sql}) s WHERE fits IS NOT TRUE")).await;
    assert_eq!(offences, [""; 0], "these do not start with app_id");
}
