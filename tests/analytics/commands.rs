//! What an owner does to segments and rollups at the command line, while servers run.

use std::process::Output;

use sea_orm::ConnectionTrait as _;

use super::sealing::{COUNTS, event, expected, id_of};
use crate::support::{
    app::{Store, TestApp},
    binary,
    postgres::TestDatabase,
};

/// Runs the program with these arguments on a database.
async fn run(database: &TestDatabase, arguments: &'static [&'static str]) -> Output {
    let mut command = binary::command(arguments);
    command.env("DATABASE_URL", database.url()).env("JWT_SECRET", "j".repeat(64)).env("API_KEY_SECRET", "k".repeat(64));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What it says, and whether all went well.
async fn told(database: &TestDatabase, arguments: &'static [&'static str]) -> (String, bool) {
    let Output { status, stdout, stderr } = run(database, arguments).await;
    let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (told, status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_and_rollups_are_compared_completed_and_made_anew() {
    let database = TestDatabase::new().await;
    let app = TestApp::with(Store::Postgres, &[("DATABASE_URL", database.url())]).await;
    let site = app.site().await;
    let id = id_of(&site);
    for part in 0..3 {
        site.post((part * 100..(part + 1) * 100).map(event).collect::<Vec<_>>()).await.ok();
        assert!(app.app.columnar.seal(id).await.unwrap());
    }
    let change = |sql: &'static str| app.app.db.writer().execute_unprepared(sql);
    let (said, is_well) = told(&database, &["verify"]).await;
    assert!(is_well && said.contains("300 events in 3 segments") && said.contains("3 rollups"), "{said}");
    assert!(said.contains("0 rows behind them: agrees"), "{said}");

    change("DELETE FROM event_aggregations WHERE segment_id = 2").await.unwrap();
    let (said, is_well) = told(&database, &["rollups", "complete"]).await;
    assert!(is_well && said.contains(": 1 rollups made"), "{said}");
    let (said, is_well) = told(&database, &["rollups", "rebuild"]).await;
    assert!(is_well && said.contains(": 3 rollups made"), "{said}");
    assert_eq!(site.ask(COUNTS).await["summary"], expected(300));

    change("DELETE FROM segment_columns WHERE segment_id = 2 AND name = 'url'").await.unwrap();
    let (said, is_well) = told(&database, &["verify"]).await;
    assert!(!is_well && said.contains("DIFFERS"), "{said}");
    assert!(said.contains("segment 2 cannot be read: column url of segment 2: it is not there"), "{said}");
    let (said, is_well) =
        told(&database, &["segments", "rebuild", "--app", "00000000-0000-4000-8000-000000000000"]).await;
    assert!(!is_well && said.contains("There is no such app."), "{said}");
    let (said, is_well) = told(&database, &["segments", "rebuild"]).await;
    assert!(is_well && said.contains(": 3 segments made"), "{said}");
    let (said, is_well) = told(&database, &["verify"]).await;
    assert!(is_well && said.contains("300 events in 3 segments"), "{said}");
    assert_eq!(site.ask(COUNTS).await["summary"], expected(300));

    // A header that cannot be read is one app's trouble, and is made anew as well.
    change("UPDATE event_segments SET header = substr(header, 2) WHERE id = (SELECT max(id) FROM event_segments)")
        .await
        .unwrap();
    let (said, is_well) = told(&database, &["verify"]).await;
    assert!(!is_well && said.contains("CANNOT BE COMPARED"), "{said}");
    let (said, is_well) = told(&database, &["segments", "rebuild"]).await;
    assert!(is_well, "{said}");
    let (said, is_well) = told(&database, &["verify"]).await;
    assert!(is_well && said.contains("300 events in 3 segments"), "{said}");
}
