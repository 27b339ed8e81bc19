//! Whatever stands where: a body is cut or refused, an event is within bounds or refused, and nothing
//! panics.

use event_analytics::{
    config::{Config, Limits},
    ingest::wire::{Call, Dialect, Format, Incoming, bounds},
};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use crate::support::app::NOW;

/// Names that mean something to somebody.
const NAMES: &[&str] = &[
    "$",
    "$anon_distinct_id",
    "$current_url",
    "$browser",
    "$device_id",
    "$device_type",
    "$geoip_disable",
    "$os",
    "$os_version",
    "$group_key",
    "$group_type",
    "$ip",
    "$is_identified",
    "$process_person_profile",
    "$raw_user_agent",
    "$screen_width",
    "$session_id",
    "$set",
    "$token",
    "Amplitude",
    "alias",
    "amount",
    "anonymousId",
    "batch",
    "campaign",
    "category",
    "context",
    "country",
    "currency",
    "d",
    "data",
    "device",
    "distinct_id",
    "event",
    "event_type",
    "groupId",
    "h",
    "hash",
    "hostname",
    "id",
    "integrations",
    "ip",
    "language",
    "locale",
    "location",
    "messageId",
    "n",
    "name",
    "offset",
    "options",
    "originalTimestamp",
    "os",
    "p",
    "page",
    "payload",
    "previousId",
    "properties",
    "props",
    "referrer",
    "revenue",
    "screen",
    "sd",
    "sentAt",
    "sent_at",
    "sessionId",
    "session_id",
    "source",
    "tag",
    "timestamp",
    "title",
    "token",
    "traits",
    "type",
    "u",
    "url",
    "userAgent",
    "userId",
    "uuid",
    "vid",
    "w",
    "website",
    "width",
    "writeKey",
];

/// Texts that mean something somewhere.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "/",
    "/cart",
    "https://x.example/a?utm_source=b",
    "https://",
    "[1]",
    "{\"a\":1}",
    "{",
    "track",
    "page",
    "alias",
    "identify",
    "event",
    "pageview",
    "$pageview",
    "$identify",
    "$groupidentify",
    "2026-11-22T12:00:00Z",
    "2026-11-22T12:00:00",
    "9999-12-31T23:59:59Z",
    "1e400",
    "0.30000000000000004",
    "EUR",
    "1536x864",
    "x",
    "99999999999x1",
    "127.0.0.1",
    "::",
    "de-CH,de;q=0.5",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(TEXTS).prop_map(str::to_owned),
        1 => (0usize..3_000).prop_map(|length| "ü".repeat(length)),
        1 => ".{0,8}",
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number));
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (NOW / 1_000 - 60..NOW).prop_map(Value::from),
        number,
        text().prop_map(Value::from),
    ]
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(NAMES).prop_map(str::to_owned);
    prop::collection::vec((name, inner), 0..10).prop_map(Map::from_iter)
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn dialects() -> Vec<Dialect> {
    let calls = [Call::Track, Call::Identify, Call::Page, Call::Screen, Call::Group, Call::Alias, Call::Batch];
    let mut dialects = vec![Dialect::Native(Format::Json), Dialect::PostHog, Dialect::Umami, Dialect::Plausible];
    dialects.extend(calls.map(Dialect::Segment));
    dialects
}

fn limits() -> Limits {
    let secret = |name: &str| (name.to_owned(), "s".repeat(64));
    Config::from_vars([secret("JWT_SECRET"), secret("API_KEY_SECRET")]).unwrap().limits
}

fn assert_within_bounds(id: Option<&str>, event: &Incoming) {
    let texts = [
        (id, bounds::ID),
        (Some(event.event_type.as_str()), bounds::EVENT_TYPE),
        (event.user_id.as_deref(), bounds::PERSON),
        (event.anonymous_id.as_deref(), bounds::PERSON),
        (event.session_id.as_deref(), bounds::PERSON),
        (event.link.as_ref().map(|link| link.from.as_str()), bounds::PERSON),
        (event.link.as_ref().map(|link| link.to.as_str()), bounds::PERSON),
        (event.url.as_deref(), bounds::ADDRESS),
        (event.referrer.as_deref(), bounds::ADDRESS),
        (event.title.as_deref(), bounds::TITLE),
        (event.language.as_deref(), bounds::LANGUAGE),
        (event.region.as_deref(), bounds::PLACE),
        (event.city.as_deref(), bounds::PLACE),
        (event.currency.as_deref(), 3),
        (event.campaign.source.as_deref(), bounds::CAMPAIGN),
        (event.user_agent.as_deref(), bounds::USER_AGENT),
    ];
    for (text, most) in texts {
        assert!(text.is_none_or(|text| (1..=most).contains(&text.len()) && !text.contains('\0')), "{text:?}");
    }
    for pixels in [event.screen_width, event.screen_height].into_iter().flatten() {
        assert!((0..=bounds::SCREEN).contains(&pixels));
    }
    assert!(event.timestamp <= NOW + bounds::FUTURE_MS);
    assert!(event.metadata.as_ref().is_none_or(|metadata| !metadata.to_string().contains("\\u0000")));
}

fn check(body: &Value) {
    let body = body.to_string();
    let limits = limits();
    for dialect in dialects() {
        let Ok(events) = dialect.split(body.as_bytes(), &limits) else { continue };
        for (id, event) in events.parse(NOW, &limits) {
            match event {
                Ok(event) => assert_within_bounds(id.as_deref(), &event),
                Err(refusal) => assert!(!refusal.message.is_empty() && refusal.code.len() > 3),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_may_come(body in anything()) {
        check(&body);
    }

    #[test]
    fn anything_may_stand_in_an_event(event in object(anything())) {
        // A name, so that many of them are read to their end.
        let mut event = event;
        for name in ["event", "event_type", "n", "name"] {
            event.entry(name).or_insert_with(|| json!("x"));
        }
        event.entry("type").or_insert_with(|| json!("track"));
        check(&json!(event));
        check(&json!({"batch": [event]}));
        check(&json!({"type": "event", "payload": event}));
    }
}
