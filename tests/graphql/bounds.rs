//! Every bound of every question: what lies just within it is answered, what lies beyond is refused by name.

use serde_json::Value;

use crate::support::app::{Store, TestApp};

const R: &str = "range: { preset: TODAY }";

/// A question, with `RANGE` for a good range, and the field that is wrong; nothing where all is well.
fn questions() -> Vec<(String, Option<&'static str>)> {
    let long = |bytes: usize| "x".repeat(bytes);
    let quoted = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
    let list = |count: usize, item: &str| format!("[{}]", vec![item; count].join(", "));
    let step = "{ name: \"s\", filter: {} }";
    let funnel = |arguments: &str| format!("funnel(RANGE, {arguments}) {{ __typename }}");
    let steps = |count: usize| funnel(&format!("steps: {}", list(count, step)));
    let two = list(2, step);
    let paths = |arguments: &str| format!("paths(RANGE, anchor: {{}}, {arguments}) {{ __typename }}");
    let stats = |arguments: &str| format!("propertyStats(RANGE, {arguments}) {{ __typename }}");
    let breakdown = |arguments: &str| format!("breakdown(RANGE, {arguments}) {{ groups }}");
    let sessions = |limit: i64| format!("sessions(RANGE, limit: {limit}) {{ __typename }}");
    let retention = |arguments: &str| format!("retention(RANGE, period: DAY, {arguments}) {{ __typename }}");
    let days = |days: i64| {
        let from = "2026-11-22T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
        let from = from - jiff::SignedDuration::from_hours(24 * days);
        format!("range: {{ from: \"{from}\", to: \"2026-11-22T00:00:00Z\" }}")
    };
    let nested = |depth: usize| format!("{}{{}}{}", "{ not: ".repeat(depth), " }".repeat(depth));
    let summary = |filter: &str| format!("summary(RANGE, filter: {filter}) {{ events }}");
    let mut all = vec![
        (steps(1), Some("steps")),
        (steps(2), None),
        (steps(10), None),
        (steps(11), Some("steps")),
        (funnel(&format!("steps: [{step}, {{ name: {}, filter: {{}} }}]", quoted(2_048))), None),
        (funnel(&format!("steps: [{step}, {{ name: {}, filter: {{}} }}]", quoted(2_049))), Some("steps.1.name")),
        (
            funnel(&format!("steps: [{step}, {{ name: \"b\", filter: {{ os: {{ eq: {} }} }} }}]", quoted(2_049))),
            Some("steps.1.filter.os.eq"),
        ),
        (funnel(&format!("steps: {two}, windowSeconds: 0")), Some("windowSeconds")),
        (funnel(&format!("steps: {two}, windowSeconds: 1")), None),
        (funnel(&format!("steps: {two}, windowSeconds: 2147483647")), None),
        (funnel(&format!("steps: {two}, limit: 0")), Some("limit")),
        (funnel(&format!("steps: {two}, limit: 100")), None),
        (funnel(&format!("steps: {two}, limit: 101")), Some("limit")),
        (funnel(&format!("steps: {two}, by: PROPERTY")), Some("property")),
        (funnel(&format!("steps: {two}, by: PROPERTY, property: \"\"")), Some("property")),
        (funnel(&format!("steps: {two}, by: OS, property: \"x\"")), Some("property")),
        (funnel(&format!("steps: {two}, property: \"x\"")), Some("property")),
        (funnel(&format!("steps: {two}, by: PROPERTY, property: {}", quoted(2_048))), None),
        (funnel(&format!("steps: {two}, by: PROPERTY, property: {}", quoted(2_049))), Some("property")),
        (retention(&format!("start: {{ os: {{ eq: {} }} }}", quoted(2_049))), Some("start.os.eq")),
        (retention(&format!("return: {{ os: {{ eq: {} }} }}", quoted(2_049))), Some("return.os.eq")),
        (retention("start: { os: { eq: \"x\" } }"), None),
        (format!("retention({}, period: DAY) {{ __typename }}", days(120)), None),
        (format!("retention({}, period: DAY) {{ __typename }}", days(121)), Some("range")),
        (sessions(0), Some("limit")),
        (sessions(1), None),
        (sessions(1_000), None),
        (sessions(1_001), Some("limit")),
        (paths("steps: 0"), Some("steps")),
        (paths("steps: 1"), None),
        (paths("steps: 5"), None),
        (paths("steps: 6"), Some("steps")),
        (paths("limit: 0"), Some("limit")),
        (paths("limit: 100"), None),
        (paths("limit: 101"), Some("limit")),
        (
            format!("paths(RANGE, anchor: {{ url: {{ contains: {} }} }}) {{ __typename }}", quoted(2_049)),
            Some("anchor.url.contains"),
        ),
        (stats("key: \"\""), Some("key")),
        (stats(&format!("key: {}", quoted(2_048))), None),
        (stats(&format!("key: {}", quoted(2_049))), Some("key")),
        (stats(&format!("key: \"n\", quantiles: {}", list(20, "0.5"))), None),
        (stats(&format!("key: \"n\", quantiles: {}", list(21, "0.5"))), Some("quantiles")),
        (stats("key: \"n\", quantiles: [0, 1]"), None),
        (stats("key: \"n\", quantiles: [-0.001]"), Some("quantiles")),
        (stats("key: \"n\", quantiles: [1.001]"), Some("quantiles")),
        (stats("key: \"n\", limit: 0"), Some("limit")),
        (stats("key: \"n\", limit: 1000"), None),
        (stats("key: \"n\", limit: 1001"), Some("limit")),
        (stats("key: \"n\", by: PROPERTY"), Some("property")),
        (stats("key: \"n\", by: PROPERTY, property: \"\""), Some("property")),
        (stats(&format!("key: \"n\", by: PROPERTY, property: {}", quoted(2_049))), Some("property")),
        (breakdown("by: []"), Some("by")),
        (breakdown("by: [OS, BROWSER, DEVICE, COUNTRY]"), None),
        (breakdown("by: [OS, BROWSER, DEVICE, COUNTRY, CITY]"), Some("by")),
        (breakdown("by: [OS, OS]"), Some("by")),
        (breakdown("by: [OS], limit: 0"), Some("limit")),
        (breakdown("by: [OS], limit: 1000"), None),
        (breakdown("by: [OS], limit: 1001"), Some("limit")),
        (breakdown("by: [PROPERTY], property: \"\""), Some("property")),
        (breakdown(&format!("by: [PROPERTY], property: {}", quoted(2_048))), None),
        (breakdown(&format!("by: [PROPERTY], property: {}", quoted(2_049))), Some("property")),
        ("events(RANGE, first: 0) { nodes { id } }".into(), Some("first")),
        ("events(RANGE, first: 100) { nodes { id } }".into(), None),
        ("events(RANGE, first: 101) { nodes { id } }".into(), Some("first")),
        ("events(RANGE, first: 1, after: \"x\") { nodes { id } }".into(), Some("after")),
        ("users(RANGE, first: 0) { totalCount }".into(), Some("first")),
        ("users(RANGE, first: 100) { totalCount }".into(), None),
        ("users(RANGE, first: 101) { totalCount }".into(), Some("first")),
        ("users(RANGE, first: 1, after: \"x\") { totalCount }".into(), Some("after")),
        (format!("user(userId: {}) {{ userId }}", quoted(2_048)), None),
        (format!("user(userId: {}) {{ userId }}", quoted(2_049)), Some("userId")),
        ("user(userId: \"a\", range: {}) { userId }".into(), Some("range.preset")),
        (format!("timeline({}, interval: MINUTE) {{ interval }}", days(365)), Some("range")),
        (summary(&nested(7)), None),
        (summary(&nested(8)), Some("filter.not.not.not.not.not.not.not.not")),
        (summary(&format!("{{ os: {{ in: {} }} }}", list(1_000, "\"a\""))), None),
        (summary(&format!("{{ os: {{ in: {} }} }}", list(1_001, "\"a\""))), Some("filter.os.in")),
        // A filter in another counts as one more.
        (summary(&format!("{{ and: {} }}", list(50, "{ os: { eq: \"a\" } }"))), None),
        (summary(&format!("{{ and: {} }}", list(51, "{ os: { eq: \"a\" } }"))), Some("filter.and.50.os")),
        (summary("{ property: [{ key: \"\" }] }"), Some("filter.property.0.key")),
        (summary(&format!("{{ property: [{{ key: {} }}] }}", quoted(2_049))), Some("filter.property.0.key")),
        (
            summary(&format!("{{ property: [{{ key: \"a\", string: {{ eq: {} }} }}] }}", quoted(2_049))),
            Some("filter.property.0.string.eq"),
        ),
    ];
    // What all of them share.
    for (name, rest) in [
        ("summary", ") { events }".to_owned()),
        ("timeline", ") { interval }".into()),
        ("breakdown", ", by: [OS]) { groups }".into()),
        ("funnel", format!(", steps: {two}) {{ __typename }}")),
        ("retention", ", period: DAY) { __typename }".into()),
        ("sessions", ") { __typename }".into()),
        ("paths", ", anchor: {}) { __typename }".into()),
        ("propertyStats", ", key: \"n\") { __typename }".into()),
        ("events", ", first: 1) { nodes { id } }".into()),
        ("users", ", first: 1) { totalCount }".into()),
        ("user", ", userId: \"a\") { userId }".into()),
    ] {
        let given = |from: &str, to: &str| format!("{name}(range: {{ from: \"{from}\", to: \"{to}\" }}{rest}");
        all.extend([
            (format!("{name}(RANGE{rest}"), None),
            (given("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"), None),
            (given("2026-11-22T00:00:01Z", "2026-11-22T00:00:00Z"), Some("range.from")),
            (format!("{name}(range: {{}}{rest}"), Some("range.preset")),
            (format!("{name}(range: {{ from: \"2026-11-22T00:00:00Z\" }}{rest}"), Some("range.to")),
            (format!("{name}(range: {{ to: \"2026-11-22T00:00:00Z\" }}{rest}"), Some("range.from")),
            (format!("{name}(range: {{ preset: TODAY, from: \"2026-11-22T00:00:00Z\" }}{rest}"), Some("range.preset")),
            (format!("{name}(RANGE, timezone: \"Mars/Olympus\"{rest}"), Some("timezone")),
            (format!("{name}(RANGE, timezone: \"\"{rest}"), Some("timezone")),
            (format!("{name}(RANGE, timezone: \"{}\"{rest}", long(5_000)), Some("timezone")),
        ]);
        if name != "user" {
            let filter = |text: &str| format!("{name}(RANGE, filter: {{ os: {{ eq: {text} }} }}{rest}");
            all.extend([(filter(&quoted(2_048)), None), (filter(&quoted(2_049)), Some("filter.os.eq"))]);
        }
    }
    all
}

both_stores! {
    async fn what_lies_beyond_a_bound_is_refused_by_its_name(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let mut wrong = Vec::new();
        for (question, field) in questions() {
            let reply = site.try_ask(&question.replace("RANGE", R)).await;
            let named = reply.body.pointer("/errors/0/extensions/field").and_then(Value::as_str);
            let is_right = match field {
                None => reply.body.get("errors").is_none(),
                Some(_) => named == field && matches!(reply.error_code(), "BAD_USER_INPUT" | "RANGE_TOO_LARGE"),
            };
            if !is_right {
                wrong.push(format!("{question:.160} should name {field:?}: {:.300}", reply.text));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
