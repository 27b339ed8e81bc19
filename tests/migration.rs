//! The schema: up, down to nothing, and up again to the same; and what it promises to tenants.

use event_analytics::entity::{
    api_key, api_key_day, app, app_deletion, app_member, audit_event, dashboard, erased_id, erasure, event,
    event_aggregation, event_code, event_head, event_segment, goal, identity, invitation, organization,
    organization_member, password_reset, saved_segment, segment_column, segment_head, user, user_identity,
    user_session, visitor_salt,
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
    fits::<password_reset::Entity>(db).await;
    fits::<audit_event::Entity>(db).await;
    fits::<api_key::Entity>(db).await;
    fits::<api_key_day::Entity>(db).await;
    fits::<event::Entity>(db).await;
    fits::<event_head::Entity>(db).await;
    fits::<identity::Entity>(db).await;
    fits::<goal::Entity>(db).await;
    fits::<dashboard::Entity>(db).await;
    fits::<saved_segment::Entity>(db).await;
    fits::<visitor_salt::Entity>(db).await;
    fits::<segment_head::Entity>(db).await;
    fits::<event_segment::Entity>(db).await;
    fits::<segment_column::Entity>(db).await;
    fits::<event_aggregation::Entity>(db).await;
    fits::<event_code::Entity>(db).await;
    fits::<erasure::Entity>(db).await;
    fits::<erased_id::Entity>(db).await;
    fits::<user_identity::Entity>(db).await;
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
/// is where it serves reading as well. `api_keys` and `invitations` are looked up by digest alone and stay whole.
#[tokio::test(flavor = "multi_thread")]
async fn unique_constraints_of_tenant_tables_start_with_the_app() {
    let database = TestDatabase::new().await;
    let db = connect(database.url()).await.unwrap();
    assert_eq!(db.get_database_backend(), DbBackend::Postgres);
    let sql = "
        SELECT format('%s: %s', t.relname, pg_get_indexdef(i.indexrelid)) AS line, a.attname = 'app_id' AS fits
        FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
        LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relname NOT IN ('api_keys', 'invitations')
            AND EXISTS (SELECT FROM pg_attribute c WHERE c.attrelid = t.oid AND c.attname = 'app_id')";
    let unique = lines(&db, &format!("SELECT line FROM ({sql}) s")).await;
    assert!(unique.len() >= 3, "{unique:?}");
    let offences = lines(&db, &format!("SELECT line FROM ({sql}) s WHERE fits IS NOT TRUE")).await;
    assert_eq!(offences, [""; 0], "these do not start with app_id");
}

/// Apps from before there were organizations keep their owners and viewers, on the way there and back.
async fn apps_move_into_organizations(db: &DatabaseConnection) {
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    let id = |n: u8| {
        if postgres { format!("'00000000-0000-0000-0000-0000000000{n:02}'") } else { format!("X'{n:032}'") }
    };
    let run = async |sql: String| db.execute_unprepared(&sql).await.map(|_| ()).unwrap();
    let members = async || {
        // Who may what where: app, user, role; alone or by the organization.
        lines(db, &format!(
            "SELECT a.name || ' ' || u.name || ' ' || m.role AS line FROM apps a {} JOIN users u ON u.id = m.user_id ORDER BY 1",
            "JOIN (SELECT app_id, user_id, role FROM app_members UNION ALL SELECT x.id, o.user_id, o.role FROM apps x \
             JOIN organization_members o ON o.organization_id = x.organization_id) m ON m.app_id = a.id"
        )).await
    };
    Migrator::up(db, Some(13)).await.unwrap();
    for (n, name) in [(1, "ada"), (2, "bob"), (3, "eve")] {
        run(format!(
            "INSERT INTO users (id, email, name, created_at, updated_at) VALUES ({}, '{name}', '{name}', 1, 1)",
            id(n)
        ))
        .await;
    }
    for (n, name) in [(11, "one"), (12, "two"), (13, "nobodys")] {
        run(format!(
            "INSERT INTO apps (id, name, timezone, created_at, updated_at) VALUES ({}, '{name}', 'UTC', 1, 1)",
            id(n)
        ))
        .await;
    }
    for (app, user, role, at) in
        [(11, 1, "owner", 5), (11, 2, "owner", 6), (11, 3, "viewer", 1), (12, 1, "owner", 9), (13, 3, "viewer", 1)]
    {
        run(format!(
            "INSERT INTO app_members (app_id, user_id, role, created_at) VALUES ({}, {}, '{role}', {at})",
            id(app),
            id(user)
        ))
        .await;
    }
    let before = ["nobodys eve viewer", "one ada owner", "one bob owner", "one eve viewer", "two ada owner"];
    Migrator::up(db, Some(1)).await.unwrap();
    assert_eq!(members().await, before, "nobody gained or lost anything");
    let of_ada = "SELECT o.name AS line FROM organizations o JOIN organization_members m ON m.organization_id = o.id";
    assert_eq!(lines(db, of_ada).await, ["ada"], "one organization for both of her apps, and none for others");
    let alone = "SELECT role AS line FROM app_members ORDER BY 1";
    assert_eq!(lines(db, alone).await, ["owner", "viewer", "viewer"]);
    assert_eq!(lines(db, "SELECT name AS line FROM apps WHERE organization_id IS NULL").await, [""; 0]);
    // What only came to be since: an owner who is also listed for the app alone, and a role there was not.
    run(format!(
        "INSERT INTO app_members (app_id, user_id, role, created_at) VALUES ({}, {}, 'viewer', 1)",
        id(12),
        id(1)
    ))
    .await;
    run(format!("UPDATE app_members SET role = 'editor' WHERE user_id = {}", id(3))).await;
    Migrator::down(db, Some(1)).await.unwrap();
    let back = "SELECT a.name || ' ' || u.name || ' ' || m.role AS line FROM apps a JOIN app_members m ON m.app_id = a.id \
        JOIN users u ON u.id = m.user_id ORDER BY 1";
    assert_eq!(lines(db, back).await, before);
}

/// Accounts that signed in with Google before there were identities still do, on the way there and back.
async fn subjects_move_into_identities(db: &DatabaseConnection) {
    Migrator::up(db, Some(15)).await.unwrap();
    let id = if db.get_database_backend() == DbBackend::Postgres {
        "'00000000-0000-0000-0000-000000000001'"
    } else {
        "X'00000000000000000000000000000001'"
    };
    let user = format!(
        "INSERT INTO users (id, email, name, google_subject, created_at, updated_at) VALUES ({id}, 'a', 'ada', 's-1', 1, 1)"
    );
    db.execute_unprepared(&user).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    let identities = "SELECT i.provider || ' ' || i.subject || ' ' || u.name AS line \
        FROM user_identities i JOIN users u ON u.id = i.user_id";
    assert_eq!(lines(db, identities).await, ["google s-1 ada"]);
    Migrator::down(db, Some(Migrator::migrations().len() as u32 - 15)).await.unwrap();
    assert_eq!(lines(db, "SELECT google_subject AS line FROM users").await, ["s-1"]);
}

#[tokio::test]
async fn subjects_move_into_identities_on_sqlite() {
    subjects_move_into_identities(&connect("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_move_into_identities_on_postgres() {
    let database = TestDatabase::bare().await;
    subjects_move_into_identities(&connect(database.url()).await.unwrap()).await;
}

#[tokio::test]
async fn apps_move_into_organizations_on_sqlite() {
    apps_move_into_organizations(&connect("sqlite::memory:").await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_move_into_organizations_on_postgres() {
    let database = TestDatabase::bare().await;
    apps_move_into_organizations(&connect(database.url()).await.unwrap()).await;
}
