//! Money: exact, summed by currency, and shown on each event.

use serde_json::{Value, json};

use crate::support::app::{Store, TestApp};

both_stores! {
    async fn revenue_is_summed_by_currency_and_never_rounded(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let sale = |user: &str, amount: Value, currency: Value| {
            json!({ "event_type": "purchase", "user_id": user, "revenue": amount, "currency": currency, "country": "AT" })
        };
        let mut events: Vec<Value> = (0..10).map(|_| sale("ada", json!("0.1"), json!("eur"))).collect();
        events.push(sale("bob", json!(19.99), json!("EUR")));
        events.push(sale("bob", json!("-4.995001"), json!("USD")));
        events.push(sale("bob", json!("9000000000000"), json!("JPY")));
        events.push(sale("cid", json!("9000000000000"), json!("JPY")));
        events.push(json!({ "event_type": "page_view", "user_id": "cid" }));
        assert_eq!(site.post(&events).await.ok()["accepted"], events.len());
        let sums = json!([
            { "amount": "20.99", "currency": "EUR" },
            { "amount": "18000000000000.00", "currency": "JPY" },
            { "amount": "-4.995001", "currency": "USD" },
        ]);
        let range = "range: { preset: TODAY }";
        let answer = site.ask(&format!(
            "summary({range}) {{ revenue {{ amount currency }} }}
             timeline({range}, interval: DAY) {{ buckets {{ revenue {{ amount currency }} }} total {{ revenue {{ amount currency }} }} }}
             breakdown({range}, by: CURRENCY) {{ rows {{ label revenue {{ amount currency }} }} total {{ revenue {{ amount currency }} }} }}
             large: summary({range}, filter: {{ revenue: {{ gt: 19.98, lt: 20 }} }}) {{ events }}
             events({range}, filter: {{ currency: {{ eq: \"USD\" }} }}, first: 9) {{ nodes {{ revenue {{ amount currency }} isBot }} }}"
        )).await;
        assert_eq!(answer["summary"]["revenue"], sums);
        assert_eq!(answer["timeline"]["buckets"][0]["revenue"], sums);
        assert_eq!((&answer["timeline"]["total"]["revenue"], &answer["breakdown"]["total"]["revenue"]), (&sums, &sums));
        assert_eq!(answer["breakdown"]["rows"][0], json!({ "label": "EUR", "revenue": [sums[0]] }));
        assert_eq!(answer["breakdown"]["rows"][2], json!({ "label": "USD", "revenue": [sums[2]] }));
        assert_eq!(answer["breakdown"]["rows"][3], json!({ "label": "(none)", "revenue": [] }));
        assert_eq!(answer["large"]["events"], 1);
        assert_eq!(answer["events"]["nodes"], json!([{ "revenue": { "amount": "-4.995001", "currency": "USD" }, "isBot": false }]));
        // Found in the cache, it is the same.
        assert_eq!(site.ask(&format!("summary({range}) {{ revenue {{ amount currency }} }}")).await["summary"]["revenue"], sums);
    }

    async fn new_fields_are_shown_filtered_and_grouped(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let event = json!({
            "event_type": "page_view", "anonymous_id": "a1", "title": "Über uns", "language": "de-AT", "city": "Wien", "region": "9",
            "country": "AT", "url": "https://shop.example/?utm_term=t&utm_content=c",
            "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        });
        site.post(json!([event, { "event_type": "other" }])).await.ok();
        let shown = json!({
            "pageTitle": "Über uns", "language": "de-AT", "city": "Wien", "region": "9", "browserVersion": "18", "osVersion": "18.6",
            "revenue": null, "isBot": false,
        });
        let range = "range: { preset: TODAY }";
        let names = "pageTitle language city region browserVersion osVersion revenue { amount } isBot";
        for (field, dimension, value) in [
            ("pageTitle", "PAGE_TITLE", "Über uns"),
            ("language", "LANGUAGE", "de-AT"),
            ("city", "CITY", "Wien"),
            ("region", "REGION", "9"),
            ("browserVersion", "BROWSER_VERSION", "18"),
            ("osVersion", "OS_VERSION", "18.6"),
            ("utmTerm", "UTM_TERM", "t"),
            ("utmContent", "UTM_CONTENT", "c"),
        ] {
            let answer = site.ask(&format!(
                "events({range}, filter: {{ {field}: {{ eq: \"{value}\" }} }}, first: 9) {{ nodes {{ {names} }} }}
                 breakdown({range}, by: {dimension}) {{ rows {{ label events }} }}"
            )).await;
            assert_eq!(answer["events"]["nodes"], json!([shown]), "{field}");
            let rows = json!([{ "label": value, "events": 1 }, { "label": "(none)", "events": 1 }]);
            assert_eq!(answer["breakdown"]["rows"], rows, "{dimension}");
        }
    }
}
