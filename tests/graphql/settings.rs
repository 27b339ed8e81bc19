//! Settings of apps and keys: changed, shown, refused by name; and keys that can only write.

use serde_json::{Value, json};

use crate::support::app::{Store, TestApp};

const SETTINGS: &str = "app { ipMode botPolicy allowedOrigins excludedIps excludedPaths }";

both_stores! {
    async fn settings_are_changed_and_shown(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let change = async |mut input: Value| {
            input["id"] = json!(site.app_id);
            site.owner.mutate("updateApp", input, SETTINGS).await.data()["updateApp"]["app"].clone()
        };
        let fresh = json!({ "ipMode": "SERVER_DEFAULT", "botPolicy": "MARK", "allowedOrigins": [], "excludedIps": [], "excludedPaths": [] });
        assert_eq!(change(json!({})).await, fresh);
        let input = json!({
            "ipMode": "NONE", "botPolicy": "DROP", "allowedOrigins": ["HTTPS://Shop.example/", "https://shop.example"],
            "excludedIps": ["203.0.113.7", "203.0.113.99/24", "2001:DB8::1"], "excludedPaths": ["/admin/*"],
        });
        let changed = json!({
            "ipMode": "NONE", "botPolicy": "DROP", "allowedOrigins": ["https://shop.example"],
            "excludedIps": ["203.0.113.7/32", "203.0.113.0/24", "2001:db8::1/128"], "excludedPaths": ["/admin/*"],
        });
        assert_eq!(change(input).await, changed);
        assert_eq!(change(json!({ "name": "Other" })).await, changed);
        let empty = json!({ "ipMode": "SERVER_DEFAULT", "botPolicy": "MARK", "allowedOrigins": [], "excludedIps": [], "excludedPaths": [] });
        assert_eq!(change(empty).await, fresh);
    }

    async fn what_cannot_be_a_setting_is_refused_by_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let key = site.ask("apiKeys(first: 1) { nodes { id } }").await["apiKeys"]["nodes"][0]["id"].clone();
        let origins = [json!(["shop.example"]), json!(["*"]), json!(["https://a.example/path"]), json!(vec!["https://a.example"; 101]), json!(["x\0"])];
        for wrong in origins {
            for (mutation, mut input) in [
                ("updateApp", json!({ "id": site.app_id })),
                ("updateApiKey", json!({ "id": key })),
                ("createApiKey", json!({ "appId": site.app_id, "name": "n" })),
            ] {
                input["allowedOrigins"] = wrong.clone();
                let reply = site.owner.mutate(mutation, input, "__typename").await;
                assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{mutation} {wrong}");
                assert_eq!(reply.at("/errors/0/extensions/field"), "input.allowedOrigins");
            }
        }
        for (field, wrong) in [
            ("excludedIps", json!(["203.0.113.7/33"])),
            ("excludedIps", json!(["localhost"])),
            ("excludedPaths", json!(["admin"])),
            ("excludedPaths", json!(["/a\0"])),
            ("excludedPaths", json!([format!("/{}", "x".repeat(200))])),
        ] {
            let reply = site.owner.mutate("updateApp", json!({ "id": site.app_id, field: wrong }), "app { id }").await;
            assert_eq!(reply.error_code(), "BAD_USER_INPUT", "{field} {wrong}");
            assert_eq!(reply.at("/errors/0/extensions/field"), &json!(format!("input.{field}")));
        }
    }

    async fn a_key_is_renamed_and_bound_to_origins(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let key = site.ask("apiKeys(first: 1) { nodes { id allowedOrigins } }").await["apiKeys"]["nodes"][0].clone();
        assert_eq!(key["allowedOrigins"], json!([]));
        let change = async |mut input: Value| {
            input["id"] = key["id"].clone();
            site.owner.mutate("updateApiKey", input, "apiKey { name allowedOrigins }").await.data()["updateApiKey"]["apiKey"].clone()
        };
        let bound = change(json!({ "name": " Web ", "allowedOrigins": ["https://shop.example"] })).await;
        assert_eq!(bound, json!({ "name": "Web", "allowedOrigins": ["https://shop.example"] }));
        assert_eq!(site.post(json!({ "event_type": "x" })).await.refused(403), "FORBIDDEN");
        assert_eq!(change(json!({ "allowedOrigins": [] })).await["allowedOrigins"], json!([]));
        site.post(json!({ "event_type": "x" })).await.ok();
        let eve = app.user("eve").await;
        let theirs = eve.mutate("updateApiKey", json!({ "id": key["id"], "name": "Mine" }), "apiKey { id }").await;
        assert_eq!(theirs.error_code(), "NOT_FOUND");
    }

    async fn an_ingestion_key_reads_nothing(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        site.post(json!({ "event_type": "secret" })).await.ok();
        let query = format!("{{ viewer {{ id }} app(id: \"{}\") {{ name }} }}", site.app_id);
        let body = json!({ "query": query });
        for (name, value) in [
            ("x-api-key", site.key.clone()),
            ("authorization", format!("Bearer {}", site.key)),
            ("authorization", format!("Basic {}", site.key)),
            ("cookie", format!("session={0}; token={0}", site.key)),
        ] {
            let request = app.http.post(format!("{}/graphql?key={}", app.url, site.key)).header(name, value).json(&body);
            let text = request.send().await.unwrap().text().await.unwrap();
            assert!(!text.contains("Alice") && !text.contains("usr_"), "{name}: {text}");
            let refused = ["UNAUTHENTICATED", "FORBIDDEN", "\"app\":null"].iter().any(|sign| text.contains(sign));
            assert!(refused, "{name}: {text}");
        }
    }
}
