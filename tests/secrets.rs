//! The server's secrets take turns, and nobody notices who has come in between.

use event_analytics::entity::dead_letter;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    app::{Store, TestApp},
    people::Site,
};

const VISIT: &str = r#"{ "event_type": "x", "user_id": "ada" }"#;

fn visit() -> Value {
    serde_json::from_str(VISIT).unwrap()
}

/// An event of an erased person that was taken before, and comes only now.
async fn late(app: &TestApp, site: &Site, number: u128) {
    let id = Uuid::parse_str(site.app_id.trim_start_matches("app_")).unwrap();
    let letter = dead_letter::ActiveModel {
        app_id: Set(id),
        id: Set(Uuid::from_u128(number)),
        received_at: Set(1),
        failed_at: Set(2),
        code: Set("NOT_STORABLE".to_owned()),
        reason: Set("…".to_owned()),
        event: Set(
            json!({ "event": { "app_id": id, "id": Uuid::from_u128(number), "event_type": "late", "user_id": "ada" } })
                .to_string(),
        ),
    };
    letter.insert(app.app.db.writer()).await.unwrap();
    let replayed = site.owner.mutate("replayDeadLetters", json!({ "appId": site.app_id }), "stored rejected").await;
    assert_eq!(replayed.data()["replayDeadLetters"]["stored"], 0, "it does not come back");
    dead_letter::Entity::delete_many().exec(app.app.db.writer()).await.unwrap();
}

async fn restarted(app: TestApp, site: &mut Site, jwt: [&str; 2], keys: [&str; 2]) -> TestApp {
    let secret = |letter: &str| letter.repeat(64);
    let app = app
        .stop()
        .await
        .start_with(&[
            ("JWT_SECRET", &secret(jwt[0])),
            ("JWT_SECRET_PREVIOUS", &secret(jwt[1])),
            ("API_KEY_SECRET", &secret(keys[0])),
            ("API_KEY_SECRET_PREVIOUS", &secret(keys[1])),
        ])
        .await;
    site.owner.url = app.url.clone();
    app
}

both_stores! {
    async fn tokens_keys_and_erasures_outlive_a_change_of_secrets(store: Store) {
        let app = TestApp::start(store).await;
        let mut site = app.site().await;
        let mut other = Site::of(site.owner.clone(), "Not asked meanwhile").await;
        site.post(visit()).await.ok();
        app.clock.advance(1);
        site.owner.mutate("eraseUser", json!({ "appId": site.app_id, "userId": "ada" }), "erasure { events }").await.data();
        app.clock.advance(1);

        let app = restarted(app, &mut site, ["n", "j"], ["m", "k"]).await;
        other.owner.url = app.url.clone();
        assert_eq!(site.post(visit()).await.ok()["accepted"], 1);
        let receipt = site.ask("erasure(userId: \"ada\") { events }").await;
        assert_eq!(receipt["erasure"]["events"], 1, "signed in as before, and the receipt is found");
        late(&app, &site, 1).await;
        let old = site.owner.token.clone();
        site.owner.sign_in().await;

        // The secrets before are gone: who has come in between is known, and nobody else.
        let app = restarted(app, &mut site, ["n", ""], ["m", ""]).await;
        other.owner.url = app.url.clone();
        assert_eq!(site.post(visit()).await.ok()["accepted"], 1);
        assert_eq!(other.post(visit()).await.refused(401), "UNAUTHENTICATED");
        assert_eq!(site.ask("name").await["name"], "Alice's site");
        site.owner.token = old;
        let stranger = site.owner.graphql("{ viewer { id } }", json!({})).await;
        assert!(stranger.text.contains("UNAUTHENTICATED"), "{}", stranger.text);
    }
}
