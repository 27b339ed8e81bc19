//! The operations that the playground offers: each one works, in the order in which it offers them.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{
    app::{Store, TestApp},
    people::Site,
    socket::Socket,
};

/// `(name, text, variables)`, as the playground sorts them.
fn operations() -> Vec<(String, String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/playground/operations");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "graphql"));
    files.sort();
    let name = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap()[3..].to_owned();
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    files.iter().map(|file| (name(file), read(file), read(&file.with_extension("json")))).collect()
}

fn visit() -> Value {
    json!([
        { "event_type": "page_view", "user_id": "customer-00001", "session_id": "1", "url": "https://example.com/products" },
        { "event_type": "purchase", "user_id": "customer-00001", "session_id": "1",
          "metadata": { "product": "beans", "revenue": 64.5 } },
        { "event_type": "page_view", "anonymous_id": "a", "session_id": "2", "url": "https://example.com/" },
    ])
}

both_stores! {
    async fn every_operation_works(store: Store) {
        let app = TestApp::start(store).await;
        let mut person = app.anonymous();
        let [mut app_id, mut key_id, mut goal_id, mut segment_id, mut dashboard_id] = [const { String::new() }; 5];
        let operations = operations();
        assert!(operations.len() > 15);
        for (name, text, variables) in operations {
            assert!(text.starts_with("# "), "{name} begins with a comment for a stranger");
            let mut ids = vec![("YOUR_APP_ID", &app_id), ("YOUR_API_KEY_ID", &key_id)];
            ids.extend([("YOUR_GOAL_ID", &goal_id), ("YOUR_SAVED_SEGMENT_ID", &segment_id)]);
            ids.push(("YOUR_DASHBOARD_ID", &dashboard_id));
            let variables = ids.into_iter().fold(variables, |text, (name, id)| text.replace(name, id));
            let variables = serde_json::from_str(&variables).unwrap();
            let data = if text.contains("\nsubscription ") {
                let mut socket = Socket::of(&person).await;
                socket.subscribe(&name, &text, variables).await;
                socket.data().await
            } else {
                person.graphql(&text, variables).await.data()
            };
            let text_at = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
            match name.as_str() {
                "register" => person.token = Some(text_at("/register/token")),
                "create-app" => app_id = text_at("/createApp/app/id"),
                "create-api-key" => {
                    key_id = text_at("/createApiKey/apiKey/id");
                    let key = text_at("/createApiKey/key");
                    let site = Site { owner: person.clone(), app_id: app_id.clone(), key };
                    assert_eq!(site.post(visit()).await.ok()["accepted"], 3);
                }
                "overview" => assert_eq!(data["app"]["overview"]["summary"]["events"], 3),
                "breakdown-by-property" => assert_eq!(data["app"]["breakdown"]["rows"][0]["label"], "beans"),
                "filter" => assert_eq!(data["app"]["summary"]["events"], 2),
                "user" => assert_eq!(data["app"]["user"]["totals"]["events"], 2),
                "live" => assert_eq!(data["live"]["app"]["summary"]["events"], 3),
                "has-done" => assert_eq!(data["app"]["summary"]["uniqueUsers"], 1),
                "create-saved-segment" => segment_id = text_at("/createSavedSegment/savedSegment/id"),
                "create-dashboard" => dashboard_id = text_at("/createDashboard/dashboard/id"),
                "create-goal" => goal_id = text_at("/createGoal/goal/id"),
                "goals" => assert_eq!(data["app"]["goals"]["nodes"][0]["conversion"]["completions"], 1),
                "delete-app" => assert_eq!(data["deleteApp"]["deletedEvents"], 3),
                _ => {}
            }
            let empty = data.as_object().unwrap().values().any(Value::is_null);
            assert!(!empty, "{name}: {data}");
        }
    }
}
