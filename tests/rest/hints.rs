//! Client Hints: what browsers say of themselves beside a frozen user agent.

use serde_json::json;

use super::rows;
use crate::support::{
    app::{Store, TestApp},
    reply::Reply,
};

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const LINUX: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const PHONE: &str =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// User agent, hints (brands, mobile, platform, its version), and what is found: browser, version,
/// system, version, device.
type Case = (&'static str, [&'static str; 4], [Option<&'static str>; 5]);

const CASES: &[Case] = &[
    (CHROME, ["", "", "", ""], [Some("Chrome"), Some("142"), Some("Windows"), Some("10"), Some("desktop")]),
    (
        CHROME,
        [r#""Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99""#, "?0", r#""Windows""#, r#""15.0.0""#],
        [Some("Chrome"), Some("142"), Some("Windows"), Some("11"), Some("desktop")],
    ),
    (
        CHROME,
        [r#""Not;A=Brand";v="8", "Chromium";v="143", "Brave";v="143.1.2""#, "?0", r#""Windows""#, r#""10.0.0""#],
        [Some("Brave"), Some("143"), Some("Windows"), Some("10"), Some("desktop")],
    ),
    (
        MAC,
        [r#""Microsoft Edge";v="142", "Chromium";v="142""#, "?0", r#""macOS""#, r#""15.6.1""#],
        [Some("Edge"), Some("142"), Some("macOS"), Some("15.6"), Some("desktop")],
    ),
    // A telephone that asks for the desktop's page.
    (
        LINUX,
        [r#""Chromium";v="142", "Google Chrome";v="142""#, "?1", r#""Android""#, r#""16.0.0""#],
        [Some("Chrome"), Some("142"), Some("Android"), Some("16"), Some("mobile")],
    ),
    (PHONE, ["", "?1", r#""Android""#, ""], [Some("Chrome"), Some("142"), Some("Android"), None, Some("mobile")]),
    // Nonsense changes nothing.
    (
        FIREFOX,
        [r#""""";v="#, "?", r#""Plan 9""#, r#""x""#],
        [Some("Firefox"), Some("145"), Some("Linux"), None, Some("desktop")],
    ),
    ("curl/8.14.1", [r#""Google Chrome";v="142""#, "?0", r#""Windows""#, r#""15.0.0""#], [None; 5]),
];

#[tokio::test(flavor = "multi_thread")]
async fn they_make_the_user_agent_more_precise() {
    let app = TestApp::start(Store::Sqlite).await;
    let site = app.site().await;
    for (agent, hints, expected) in CASES {
        let names =
            ["sec-ch-ua-full-version-list", "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-ch-ua-platform-version"];
        let given = names.iter().zip(hints).filter(|(_, value)| !value.is_empty());
        let request = given
            .fold(site.events().header("user-agent", *agent), |request, (name, value)| request.header(*name, *value));
        Reply::of(request.json(&json!({ "event_type": "x" }))).await.ok();
        let row = rows(&app, &site).await.pop().unwrap();
        let found = [&row.browser, &row.browser_version, &row.os, &row.os_version, &row.device];
        assert_eq!(found.map(|text| text.as_deref()), *expected, "{agent} {hints:?}");
    }
    // What browsers send by themselves.
    let request =
        site.events().header("user-agent", CHROME).header("sec-ch-ua", r#""Chromium";v="143", "Brave";v="143""#);
    Reply::of(request.json(&json!({ "event_type": "x" }))).await.ok();
    let row = rows(&app, &site).await.pop().unwrap();
    assert_eq!((row.browser.as_deref(), row.browser_version.as_deref()), (Some("Brave"), Some("143")));
    // Whom a server sends for has said nothing of itself.
    let request = site.events().header("user-agent", CHROME).header("sec-ch-ua-platform", r#""macOS""#);
    Reply::of(request.json(&json!({ "event_type": "x", "user_agent": FIREFOX }))).await.ok();
    assert_eq!(rows(&app, &site).await.pop().unwrap().os.as_deref(), Some("Linux"));
}
