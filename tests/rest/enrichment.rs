//! What the server adds to an event.

use serde_json::{Value, json};

use super::{counts, row, rows};
use crate::support::{
    app::{NOW, Store, TestApp},
    people::Site,
    reply::Reply,
};

type Text = Option<&'static str>;

/// Browser, operating system and device of user agents as they are met.
const AGENTS: &[(&str, Text, Text, Text)] = &[
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        Some("Chrome"),
        Some("Windows"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        Some("Edge"),
        Some("Windows"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        Some("Firefox"),
        Some("Linux"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        Some("Safari"),
        Some("macOS"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        Some("Chrome"),
        Some("Chrome OS"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 OPR/126.0.0.0",
        Some("Opera"),
        Some("Windows"),
        Some("desktop"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        Some("Safari"),
        Some("iOS"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1",
        Some("Chrome"),
        Some("iOS"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        Some("iOS WebView"),
        Some("iOS"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        Some("Safari"),
        Some("iOS"),
        Some("tablet"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        Some("Chrome"),
        Some("Android"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        Some("Chrome"),
        Some("Android"),
        Some("tablet"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        Some("Samsung Internet"),
        Some("Android"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36",
        Some("Android WebView"),
        Some("Android"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G86 Instagram 395.0.0.24.80 (iPhone16,2; iOS 18_6)",
        Some("Instagram"),
        Some("iOS"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
        Some("Firefox"),
        Some("Android"),
        Some("mobile"),
    ),
    (
        "Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0",
        Some("Firefox"),
        Some("Android"),
        Some("tablet"),
    ),
    (
        "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) 94.0.4606.31/7.0 TV Safari/537.36",
        None,
        Some("Tizen"),
        Some("tv"),
    ),
    (
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36 WebAppManager",
        Some("Chrome"),
        Some("webOS"),
        Some("tv"),
    ),
    (
        "Mozilla/5.0 (PlayStation; PlayStation 5/10.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
        None,
        None,
        Some("console"),
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        Some("Edge"),
        Some("Xbox"),
        Some("console"),
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
        Some("Headless Chrome"),
        Some("Linux"),
        Some("bot"),
    ),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", None, None, Some("bot")),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        None,
        None,
        Some("bot"),
    ),
    // A server that sends for others: nobody's device.
    ("curl/8.14.1", None, None, None),
    ("python-requests/2.32.5", None, None, None),
    ("node", None, None, None),
    ("axios/1.12.2", None, None, None),
    ("Go-http-client/2.0", None, None, None),
    ("okhttp/5.1.0", None, None, None),
    ("Java/21.0.8", None, None, None),
    ("Apache-HttpClient/5.5 (Java/21.0.8)", None, None, None),
    ("@segment/analytics-node/2.3.0", None, None, None),
    ("posthog-python/6.7.6", None, None, None),
];

async fn post_from(site: &Site, headers: &[(&str, &str)], event: Value) -> Reply {
    let request = headers.iter().fold(site.events(), |request, (name, value)| request.header(*name, *value));
    Reply::of(request.json(&event)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn user_agents_become_browser_os_and_device() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let mut wrong = Vec::new();
    for (agent, browser, os, device) in AGENTS {
        post_from(&site, &[("user-agent", agent)], json!({"event_type": "x"})).await.ok();
        let row = rows(&app, &site).await.pop().unwrap();
        assert_eq!(row.user_agent.as_deref(), Some(*agent));
        // Of what has no page to browse, only the device is held to.
        let browser_fits = browser.is_none() || row.browser.as_deref() == *browser;
        assert_eq!(row.is_bot, *device == Some("bot"), "{agent}");
        if !browser_fits || (os.is_some() && row.os.as_deref() != *os) || row.device.as_deref() != *device {
            wrong.push(format!("{:?} {:?} {:?} {agent}", row.browser, row.os, row.device));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_for_others_says_who_they_are() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    let event = json!({
        "event_type": "x", "ip": "2001:db8:abcd:12:34::1", "country": "de",
        "userAgent": format!("Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {}é", "x".repeat(480)),
    });
    post_from(&site, &[("user-agent", "python-requests/2.32")], event).await.ok();
    let row = row(&app, &site).await;
    assert_eq!(row.device.as_deref(), Some("tablet"));
    assert_eq!(row.country.as_deref(), Some("DE"));
    assert_eq!(row.ip_address.as_deref(), Some("2001:db8:abcd::"));
    assert!(row.user_agent.unwrap().len() <= 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_agent_is_cut_to_its_bound() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    // The sender's own and one that it tells, both with a letter of two bytes across the bound.
    let long = format!("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0 {}", "é".repeat(400));
    let kept = &long[..long.floor_char_boundary(512)];
    assert_eq!(kept.len(), 511);
    post_from(&site, &[("user-agent", &long)], json!({"event_type": "x"})).await.ok();
    post_from(&site, &[("user-agent", "node")], json!({"event_type": "x", "user_agent": long})).await.ok();
    for row in rows(&app, &site).await {
        assert_eq!(row.user_agent.as_deref(), Some(kept));
        assert_eq!(row.browser.as_deref(), Some("Firefox"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_taken_through_trusted_proxies_and_anonymised() {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let forwarded = [("x-forwarded-for", "198.51.100.77, 203.0.113.9"), ("user-agent", firefox)];
    for (vars, expected) in [
        (&[][..], "127.0.0.0"),
        (&[("TRUSTED_PROXIES", "127.0.0.0/8")], "203.0.113.0"),
        (&[("TRUSTED_PROXIES", "127.0.0.0/8,203.0.113.0/24")], "198.51.100.0"),
        (&[("TRUSTED_PROXIES", "127.0.0.0/8"), ("ANONYMIZE_IP", "false")], "203.0.113.9"),
    ] {
        let app = TestApp::with(Store::Sqlite, vars).await;
        let site = app.site().await;
        post_from(&site, &forwarded, json!({"event_type": "x"})).await.ok();
        assert_eq!(row(&app, &site).await.ip_address.as_deref(), Some(expected), "{vars:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_referrers_are_taken_apart() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    // url, referrer → hostname, path, referrer domain, campaign fields
    let cases = [
        (
            "https://Shop.Example:8443/a%20b/?utm_source=News%20Letter&utm_medium=e-mail&utm_campaign=x%2By&utm_term=t&utm_content=c&utm_source=2#f",
            "https://www.google.com/search?q=1",
            json!(["shop.example", "/a%20b/", "google.com", "News Letter", "e-mail", "x+y", "t", "c"]),
        ),
        (
            "/pricing?utm_source=x#y",
            "https://shop.example/",
            json!([null, "/pricing", "shop.example", "x", null, null, null, null]),
        ),
        (
            "https://www.shop.example/",
            "https://shop.example/other",
            json!(["www.shop.example", "/", null, null, null, null, null, null]),
        ),
        (
            "https://shop.example/?utm_source=%00",
            "not an address",
            json!(["shop.example", "/", null, null, null, null, null, null]),
        ),
        (
            "nonsense",
            "android-app://com.example.mail/",
            json!([null, null, "com.example.mail", null, null, null, null, null]),
        ),
        (
            "https://b\u{fc}cher.example/stra\u{df}e",
            "",
            json!(["xn--bcher-kva.example", "/stra%C3%9Fe", null, null, null, null, null, null]),
        ),
    ];
    for (url, referrer, expected) in cases {
        let event = json!({"event_type": "x", "url": url, "referrer": referrer});
        assert_eq!(counts(&site.post(event).await.ok()), (1, 0, 0));
        let row = rows(&app, &site).await.pop().unwrap();
        let found = json!([
            row.hostname,
            row.path,
            row.referrer_domain,
            row.utm_source,
            row.utm_medium,
            row.utm_campaign,
            row.utm_term,
            row.utm_content
        ]);
        assert_eq!(found, expected, "{url}");
    }
    let long = format!("https://shop.example/?utm_source={}", "%C3%A9".repeat(300));
    site.post(json!({"event_type": "x", "url": long})).await.ok();
    assert_eq!(rows(&app, &site).await.pop().unwrap().utm_source, Some("é".repeat(100)));
}

both_stores! {
    async fn a_wrong_clock_is_corrected(store: Store) {
        let app = TestApp::start(store).await;
        let site = app.site().await;
        let hour = 3_600_000;
        // The client's clock is a day ahead; it sends an hour after the event.
        let (sent, happened) = (NOW + 24 * hour, NOW + 23 * hour);
        let at = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
        for body in [
            json!({"event_type": "a", "timestamp": at(happened), "sent_at": at(sent)}),
            json!({"event_type": "a", "timestamp": happened, "sentAt": sent}),
            json!({"events": [{"event_type": "a", "timestamp": at(happened)}], "sent_at": at(sent)}),
            // The event's own word wins over the envelope's.
            json!({"events": [{"event_type": "a", "timestamp": happened, "sent_at": sent}], "sent_at": at(NOW)}),
        ] {
            site.post(body).await.ok();
        }
        let rows = rows(&app, &site).await;
        assert_eq!(rows.iter().map(|row| row.timestamp).collect::<Vec<_>>(), [NOW - hour; 4]);
        // Without sent_at the same clock is out of bounds; a little ahead is not.
        assert_eq!(site.post(json!({"event_type": "a", "timestamp": happened})).await.refused(422), "TIMESTAMP_OUT_OF_RANGE");
        site.post(json!({"event_type": "b", "timestamp": NOW + 300_000})).await.ok();
        let oldest = NOW - 1_825 * 24 * hour;
        site.post(json!([{"event_type": "c", "timestamp": oldest}])).await.ok();
        assert_eq!(site.post(json!({"event_type": "a", "timestamp": oldest - 1})).await.refused(422), "TIMESTAMP_OUT_OF_RANGE");
        // 1972, by a clock that lost its battery.
        site.post(json!({"event_type": "d", "timestamp": 63_072_000_000_i64, "sent_at": 63_072_060_000_i64})).await.ok();
        assert_eq!(super::rows(&app, &site).await.pop().unwrap().timestamp, NOW - 60_000);
    }
}
