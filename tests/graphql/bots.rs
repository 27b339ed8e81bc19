//! Events that nobody is behind: left out of every question unless asked for.

use serde_json::json;

use crate::support::app::{Store, TestApp};

const GOOGLEBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

both_stores! {
    async fn every_question_leaves_bots_out_unless_asked(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let event = |user: &str| json!({ "event_type": "page_view", "user_id": user, "url": "https://shop.example/" });
        let mut bot = event("robot");
        bot["user_agent"] = json!(GOOGLEBOT);
        let mut both = event("ada");
        both["user_agent"] = json!(GOOGLEBOT);
        site.post(json!([event("ada"), event("bob"), bot, both])).await.ok();
        for (bots, events, users, of_ada) in [("", 2, 2, 1), (", bots: EXCLUDE", 2, 2, 1), (", bots: INCLUDE", 4, 3, 2), (", bots: ONLY", 2, 2, 1)] {
            let range = format!("range: {{ preset: TODAY }}{bots}");
            let answer = site.ask(&format!(
                "summary({range}) {{ events uniqueUsers }}
                 timeline({range}) {{ total {{ events }} }}
                 breakdown({range}, by: PAGE_PATH) {{ total {{ events }} }}
                 overview({range}) {{ summary {{ events }} topPages {{ total {{ events }} }} }}
                 events({range}, first: 10) {{ nodes {{ id }} }}
                 users({range}, first: 10) {{ totalCount nodes {{ userId events(first: 9) {{ nodes {{ id }} }} }} }}
                 user(userId: \"ada\"{bots}) {{ totals {{ events }} topEvents {{ events }} events(first: 9) {{ nodes {{ id }} }} }}"
            )).await;
            assert_eq!(answer["summary"], json!({ "events": events, "uniqueUsers": users }), "{bots}");
            for total in [&answer["timeline"], &answer["breakdown"], &answer["overview"]["topPages"]] {
                assert_eq!(total["total"]["events"], events, "{bots}");
            }
            assert_eq!(answer["overview"]["summary"]["events"], events);
            assert_eq!(answer["events"]["nodes"].as_array().unwrap().len(), events);
            assert_eq!(answer["users"]["totalCount"], users);
            let ada = &answer["user"];
            assert_eq!((&ada["totals"]["events"], &ada["topEvents"][0]["events"]), (&json!(of_ada), &json!(of_ada)), "{bots}");
            assert_eq!(ada["events"]["nodes"].as_array().unwrap().len(), of_ada);
            let listed = answer["users"]["nodes"].as_array().unwrap().iter().find(|user| user["userId"] == "ada");
            assert_eq!(listed.unwrap()["events"]["nodes"].as_array().unwrap().len(), of_ada);
        }
        assert_eq!(site.ask("user(userId: \"robot\") { userId }").await["user"], json!(null));
    }
}
