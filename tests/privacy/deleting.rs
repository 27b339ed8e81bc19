//! An app that is deleted with everything of it.

use event_analytics::entity::{app_member, dead_letter, role::Role};
use sea_orm::{ActiveModelTrait, Set};
use serde_json::json;
use uuid::Uuid;

use super::{dump::tables_of, erase, id_of};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
};

async fn fill(app: &TestApp, site: &Site) {
    let id = id_of(site);
    let of = |from: i64| {
        let event = |n: i64| json!({ "event_type": "x", "user_id": format!("u{}", n % 7), "session_id": format!("s{n}"), "timestamp": NOW - n * 60_000 });
        (from..from + 50).map(event).collect::<Vec<_>>()
    };
    site.post(of(0)).await.ok();
    assert!(app.app.columnar.seal(id).await.unwrap());
    site.post(of(50)).await.ok();
    for n in [1, 2] {
        site.post(json!({ "event_type": "identify", "anonymous_id": format!("a{n}"), "user_id": format!("u{n}") }))
            .await
            .ok();
    }
    erase(site, "u2").await;
    let owned = |name: &str| json!({ "appId": site.app_id, "name": name, "filter": { "eventType": { "eq": "x" } } });
    site.owner.mutate("createGoal", owned("Goal"), "goal { id }").await.data();
    site.owner.mutate("createSavedSegment", owned("Segment"), "savedSegment { id }").await.data();
    let input = json!({ "appId": site.app_id, "name": "Board" });
    site.owner.mutate("createDashboard", input, "dashboard { id }").await.data();
    let input = json!({ "appId": site.app_id, "userId": "u1" });
    site.owner.mutate("exportUser", input, "export { url }").await.data();
    let letter = dead_letter::ActiveModel {
        app_id: Set(id),
        id: Set(Uuid::from_u128(1)),
        received_at: Set(1),
        failed_at: Set(2),
        code: Set("NOT_STORABLE".to_owned()),
        reason: Set("…".to_owned()),
        event: Set("{}".to_owned()),
    };
    letter.insert(app.app.db.writer()).await.unwrap();
    let guest = app.user(&format!("guest-{id}")).await;
    let input = json!({ "appId": site.app_id, "email": "invited@example.com" });
    site.owner.mutate("inviteGuest", input, "token").await.data();
    let guest = guest.graphql("{ viewer { id } }", json!({})).await.data()["viewer"]["id"].clone();
    let guest = app_member::ActiveModel {
        app_id: Set(id),
        user_id: Set(guest.as_str().unwrap().trim_start_matches("usr_").parse().unwrap()),
        role: Set(Role::Viewer),
        created_at: Set(0),
    };
    guest.insert(app.app.db.writer()).await.unwrap();
}

both_stores! {
    async fn no_table_has_a_row_of_an_app_that_was_deleted(store: Store) {
        let app = TestApp::start(store).await;
        let (site, kept) = (app.site().await, Site::of(app.user("bob").await, "Bob's").await);
        fill(&app, &site).await;
        fill(&app, &kept).await;
        let of_app = tables_of(&app.app.db, id_of(&site)).await;
        for table in [
            "api_keys", "app_members", "dashboards", "dead_letters", "erased_ids", "erasures", "event_aggregations", "event_codes",
            "event_heads", "event_segments", "exports", "goals", "identities", "invitations", "saved_segments", "segment_columns",
            "segment_heads",
        ] {
            assert!(of_app.iter().any(|own| own == table), "{table} is filled: {of_app:?}");
        }
        assert!(of_app.iter().any(|own| own.starts_with("events")), "{of_app:?}");
        site.owner.mutate("deleteApp", json!({ "id": site.app_id }), "deletedEvents").await.data();
        assert_eq!(tables_of(&app.app.db, id_of(&site)).await, [""; 0]);
        assert_eq!(tables_of(&app.app.db, id_of(&kept)).await, of_app, "another app's are left alone");
        // What is still sent with its key is not taken.
        assert!(site.post(json!({ "event_type": "x" })).await.status.is_client_error());
        assert_eq!(tables_of(&app.app.db, id_of(&site)).await, [""; 0]);
    }
}
