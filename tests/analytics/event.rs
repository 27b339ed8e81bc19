//! Random events, as they are sent and as they must be understood.

use proptest::{option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::support::app::NOW;

/// Moments around which events and ranges lie, with the zone they matter to most.
pub const ANCHORS: [(&str, &str); 16] = [
    ("UTC", "2026-11-22T11:58:00Z"),
    ("Europe/Berlin", "2026-11-21T23:00:00Z"),
    ("UTC", "2025-11-22T00:00:00Z"),
    ("UTC", "2024-02-29T00:00:00Z"),
    ("Pacific/Kiritimati", "2026-07-31T10:00:00Z"),
    ("Asia/Kathmandu", "2025-11-01T18:15:00Z"),
    // Clocks go back and forth,
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    // by half an hour,
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    // at 2:45,
    ("Pacific/Chatham", "2026-09-26T14:00:00Z"),
    ("Pacific/Chatham", "2026-04-04T14:00:00Z"),
    // at midnight.
    ("America/Santiago", "2026-09-06T04:00:00Z"),
    ("America/Santiago", "2026-04-05T03:00:00Z"),
];

/// A user agent and what it tells: browser, system, device.
const AGENTS: [(&str, &str, &str, &str); 3] = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Firefox",
        "Windows",
        "desktop",
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        "Chrome",
        "Android",
        "mobile",
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
        "Headless Chrome",
        "Linux",
        "bot",
    ),
];

pub const HOSTS: [&str; 2] = ["shop.example", "blog.example"];
pub const CURRENCIES: [&str; 2] = ["EUR", "USD"];
pub const CITIES: [&str; 3] = ["Wien", "Graz", "Ħaż-Żabbar"];
pub const KEYS: [&str; 3] = ["p", "plan.name", "ключ"];

/// An event in the words of its sender and of the model.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: String,
    pub at: i64,
    pub event_type: String,
    pub user: Option<String>,
    pub anonymous: Option<String>,
    pub session: Option<String>,
    pub page: Option<(String, String)>,
    pub campaign: Option<(String, String)>,
    pub referrer: Option<(bool, String)>,
    pub agent: Option<usize>,
    pub country: Option<String>,
    pub city: Option<String>,
    pub language: Option<String>,
    pub title: Option<String>,
    /// In millionths, with its currency.
    pub revenue: Option<(i64, Option<String>)>,
    pub screen: (Option<i64>, Option<i64>),
    pub properties: Vec<(String, Value)>,
}

impl Event {
    /// As it is sent.
    pub fn sent(&self) -> Value {
        let mut event = json!({
            "id": self.id, "timestamp": self.at, "event_type": self.event_type, "user_id": self.user,
            "anonymous_id": self.anonymous, "session_id": self.session, "url": self.url(), "referrer": self.address(),
            "country": self.country, "screen_width": self.screen.0, "screen_height": self.screen.1,
            "user_agent": self.agent.map(|agent| AGENTS[agent].0), "city": self.city, "language": self.language,
            "title": self.title,
        });
        if let Some((millionths, currency)) = &self.revenue {
            event["revenue"] = json!(super::model::decimal(i128::from(*millionths)));
            event["currency"] = json!(currency);
        }
        let metadata: serde_json::Map<_, _> = self.properties.iter().cloned().collect();
        event["metadata"] = Value::Object(metadata);
        event
    }

    fn url(&self) -> Option<String> {
        let (host, path) = self.page.as_ref()?;
        let query = self.campaign.as_ref().map(|(source, medium)| format!("?utm_source={source}&utm_medium={medium}"));
        Some(format!("https://{host}{path}{}", query.unwrap_or_default()))
    }

    fn address(&self) -> Option<String> {
        let (has_www, host) = self.referrer.as_ref()?;
        Some(format!("https://{}{host}/from", if *has_www { "www." } else { "" }))
    }

    pub fn visitor(&self) -> Option<String> {
        self.user.clone().or_else(|| self.anonymous.clone())
    }

    /// Whether nobody did it, but a page or a library by itself.
    pub fn is_passive(&self) -> bool {
        let passive = [
            "page_leave",
            "engagement",
            "performance",
            "web_vitals",
            "$web_vitals",
            "identify",
            "alias",
            "group",
            "set",
            "$set",
        ];
        passive.contains(&self.event_type.as_str())
    }

    pub fn is_page_view(&self) -> bool {
        self.event_type == "page_view"
    }

    pub fn is_bot(&self) -> bool {
        self.agent == Some(2)
    }

    /// A text field by its name in filters.
    pub fn text(&self, name: &str) -> Option<String> {
        let agent = self.agent.map(|agent| AGENTS[agent]);
        match name {
            "eventType" => Some(self.event_type.clone()),
            "userId" => self.visitor(),
            "sessionId" => self.session.clone(),
            "url" => self.url(),
            "pagePath" => self.page.clone().map(|(_, path)| path),
            "hostname" => self.page.clone().map(|(host, _)| host),
            "referrer" => self.address(),
            "referrerDomain" => {
                let (_, domain) = self.referrer.clone()?;
                let own = self.page.as_ref().map(|(host, _)| host.clone());
                if own.as_ref() == Some(&domain) { None } else { Some(domain) }
            }
            "utmSource" => self.page.clone().and(self.campaign.clone()).map(|(source, _)| source),
            "utmMedium" => self.page.clone().and(self.campaign.clone()).map(|(_, medium)| medium),
            "utmCampaign" | "utmTerm" | "utmContent" => None,
            "browser" => agent.map(|agent| agent.1.to_owned()),
            "os" => agent.map(|agent| agent.2.to_owned()),
            "device" => agent.map(|agent| agent.3.to_owned()),
            "country" => self.country.clone(),
            "city" => self.city.clone(),
            "language" => self.language.clone(),
            "pageTitle" => self.title.clone(),
            "browserVersion" => agent.map(|agent| if agent.1 == "Firefox" { "144" } else { "142" }.to_owned()),
            "currency" => self.revenue.clone().and_then(|(_, currency)| currency),
            "isBot" => Some(self.is_bot().to_string()),
            _ => unreachable!("{name}"),
        }
    }

    /// A property that is not null.
    pub fn property(&self, key: &str) -> Option<Value> {
        let found = self.properties.iter().rev().find(|(own, _)| own == key)?;
        Some(found.1.clone()).filter(|value| !value.is_null())
    }
}

pub fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// A time around an anchor, often on a boundary.
pub fn near(anchor: i64, hours: i64) -> impl Strategy<Value = i64> {
    let minutes = prop_oneof![
        3 => (-hours * 4..hours * 4).prop_map(|quarters| quarters * 15),
        2 => -hours * 60..hours * 60,
        2 => -90..90_i64,
    ];
    minutes.prop_map(move |minutes| anchor + minutes * 60_000)
}

pub fn event_type() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => Just("page_view".to_owned()),
        2 => select(vec!["page_leave", "engagement", "$web_vitals", "group"]).prop_map(str::to_owned),
        3 => select(vec!["signup", "purchase", "Größe ✓", "page_view ", "Page_View"]).prop_map(str::to_owned),
        1 => "[a-z]{1,2}",
    ]
}

pub fn visitor() -> impl Strategy<Value = String> {
    select(vec!["u1", "u2", "u3", "名前", "U1", "a1", "a b"]).prop_map(str::to_owned)
}

pub fn session() -> impl Strategy<Value = String> {
    select(vec!["s1", "s2", "s3", "s4", "ß"]).prop_map(str::to_owned)
}

pub fn path() -> impl Strategy<Value = String> {
    select(vec!["/", "/a", "/a/b", "/%C3%A4", "/A"]).prop_map(str::to_owned)
}

/// Values of every type, some equal in different spellings.
pub fn property_value() -> impl Strategy<Value = Value> {
    select(vec![
        json!("free"),
        json!("pro"),
        json!("5"),
        json!("true"),
        json!("ünï \"q\" 🦀"),
        json!("!"),
        json!(" "),
        json!(5),
        json!(5.0),
        json!(5.5),
        json!(-1),
        json!(0),
        json!(-0.0),
        json!(1e21),
        json!(9_007_199_254_740_993_u64),
        json!(true),
        json!(false),
        json!(null),
        json!([1, "a", null]),
        json!({"b": 1, "a": [true]}),
    ])
}

/// Events around an anchor, and some a little or a year before.
pub fn events(anchor: i64, most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(anchor), 0..=most).prop_map(|mut events| {
        for (number, event) in events.iter_mut().enumerate() {
            // Out of the order of arrival, so that ties are not broken by it.
            event.id = format!("00000000-0000-4000-8000-{:012x}", (number * 7919) % 100_003);
        }
        events
    })
}

fn event(anchor: i64) -> impl Strategy<Value = Event> {
    let milliseconds = prop_oneof![3 => Just(0_i64), 1 => -1..=1_i64, 1 => 0..60_000_i64];
    let days = prop_oneof![6 => Just(0_i64), 1 => 1..40_i64, 2 => Just(365)];
    let at = (prop_oneof![near(anchor, 2), near(anchor, 50)], days, milliseconds)
        .prop_map(|(at, days, extra)| (at - days * 86_400_000 + extra).min(NOW));
    let who = (option::of(visitor()), option::of(visitor()), option::weighted(0.8, session()));
    let page = option::weighted(0.8, (select(&HOSTS[..]).prop_map(str::to_owned), path()));
    let word = |words: &'static [&'static str]| select(words).prop_map(str::to_owned);
    let campaign = option::weighted(0.3, (word(&["news", "ads"]), word(&["mail", "cpc"])));
    let referrer = option::of((any::<bool>(), word(&["shop.example", "search.example", "news.example"])));
    let looks = (
        option::of(0..AGENTS.len()),
        option::of(word(&["DE", "US"])),
        (option::of(select(vec![390_i64, 1920])), option::of(select(vec![844_i64, 1080]))),
    );
    let millionths = prop_oneof![Just(19_990_000_i64), Just(-5_000_000), Just(1), 0..=9_000_000_000_000_i64];
    let revenue = option::weighted(0.3, (millionths, option::weighted(0.9, word(&CURRENCIES))));
    let texts = (option::of(word(&CITIES)), option::of(word(&["de-AT", "en"])), option::of(word(&["Home", "Über"])));
    let looks = (looks, texts, revenue);
    let properties = prop::collection::vec((word(&KEYS), property_value()), 0..3);
    (at, event_type(), who, page, campaign, referrer, looks, properties).prop_map(
        |(
            at,
            event_type,
            (user, anonymous, session),
            page,
            campaign,
            referrer,
            ((agent, country, screen), (city, language, title), revenue),
            properties,
        )| {
            let id = String::new();
            // Whoever is known and brings no session gets one of the server's, which has tests of its own.
            let session = session.or_else(|| user.as_ref().or(anonymous.as_ref()).map(|_| "s5".to_owned()));
            Event {
                id,
                at,
                event_type,
                user,
                anonymous,
                session,
                page,
                campaign,
                referrer,
                agent,
                country,
                city,
                language,
                title,
                revenue,
                screen,
                properties,
            }
        },
    )
}
