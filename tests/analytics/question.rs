//! Random questions.

use jiff::{ToSpan, tz::TimeZone};
use proptest::{option, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::{
    event::{HOSTS, KEYS, event_type, near, path, property_value, session, visitor},
    time::{DAY, HOUR, MINUTE, compared, local, start_of, written, zone},
};
use crate::support::app::NOW;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
];

/// A range of time as it is asked for, and what it is.
#[derive(Debug, Clone)]
pub struct Range {
    pub asked: Value,
    pub is: (i64, i64),
}

impl Range {
    /// The range to compare with. Of a preset that goes on, what has passed up to the end of the current minute.
    pub fn before(&self, comparison: &str, zone: &TimeZone) -> (i64, i64) {
        let (from, to) = self.is;
        let goes_on = self.asked["preset"].is_string();
        let until = if goes_on { to.min(NOW / MINUTE * MINUTE + MINUTE).max(from) } else { to };
        compared(from, to, until, comparison, zone)
    }
}

#[derive(Debug, Clone)]
pub struct Question {
    pub zone: &'static str,
    pub range: Range,
    pub interval: &'static str,
    pub compare: Option<&'static str>,
    pub filter: Value,
    pub bots: &'static str,
    pub by: Vec<&'static str>,
    pub property: &'static str,
    pub limit: usize,
    pub order: &'static str,
    pub user_order: &'static str,
    pub first: usize,
    pub user: String,
}

/// A question about the time around an anchor, mostly in the zone it matters to.
pub fn question(own: &'static str, anchor: i64) -> impl Strategy<Value = Question> {
    let zones = prop_oneof![2 => Just(own), 1 => select(&ZONES[..])];
    let when = zones.prop_flat_map(move |zone| (Just(zone), range(zone, anchor)));
    let compare = option::of(select(vec!["PREVIOUS_PERIOD", "PREVIOUS_YEAR"]));
    let dimensions = vec![
        "EVENT_TYPE",
        "PAGE_PATH",
        "HOSTNAME",
        "REFERRER_DOMAIN",
        "UTM_SOURCE",
        "UTM_MEDIUM",
        "UTM_CAMPAIGN",
        "BROWSER",
        "OS",
        "DEVICE",
        "SCREEN",
        "COUNTRY",
        "CITY",
        "LANGUAGE",
        "PAGE_TITLE",
        "BROWSER_VERSION",
        "CURRENCY",
        "IS_BOT",
        "PROPERTY",
        "PROPERTY",
    ];
    let by = prop::collection::vec(select(dimensions), 1..=3).prop_map(|mut by| {
        by.sort_unstable();
        by.dedup();
        by
    });
    let bots = prop_oneof![3 => Just("EXCLUDE"), 2 => Just("INCLUDE"), 1 => Just("ONLY")];
    let filter = prop_oneof![2 => Just(json!({})), 1 => Just(Value::Null), 6 => filter_of_visitors(own, anchor)];
    let order = select(vec!["EVENTS", "UNIQUE_USERS", "SESSIONS", "PAGE_VIEWS"]);
    let users = (select(vec!["LAST_SEEN", "FIRST_SEEN", "EVENTS"]), visitor());
    let limits = (prop_oneof![1..=3_usize, Just(100)], prop_oneof![1..=5_usize, Just(100)]);
    (when, compare, (filter, bots), by, select(&KEYS[..]), limits, order, users).prop_map(
        |(
            (zone, (range, interval)),
            compare,
            (filter, bots),
            by,
            property,
            (limit, first),
            order,
            (user_order, user),
        )| {
            Question {
                zone,
                range,
                interval,
                compare,
                filter,
                bots,
                by,
                property,
                limit,
                order,
                user_order,
                first,
                user,
            }
        },
    )
}

fn given(from: i64, to: i64) -> Range {
    Range { asked: json!({ "from": written(from), "to": written(to) }), is: (from, to) }
}

/// A range with an interval that suits its length.
fn range(name: &'static str, anchor: i64) -> impl Strategy<Value = (Range, &'static str)> {
    let minutes = |most: i64, hours: i64| (near(anchor, hours), 0..=most);
    let short = (minutes(180, 3), select(vec!["MINUTE", "HOUR"]))
        .prop_map(|((from, length), interval)| (given(from, from + length * MINUTE), interval));
    let long = (minutes(5 * 24 * 60, 30), select(vec!["HOUR", "DAY", "WEEK"]))
        .prop_map(|((from, length), interval)| (given(from, from + length * MINUTE), interval));
    let days =
        (near(anchor, 60), 0..40_i64, select(vec!["DAY", "WEEK", "MONTH"])).prop_map(move |(at, days, interval)| {
            let date = local(at, &zone(name)).date();
            (
                given(start_of(date, &zone(name)), start_of(date.checked_add(days.days()).unwrap(), &zone(name))),
                interval,
            )
        });
    let months =
        (near(anchor, 60), 1..13_i64, select(vec!["WEEK", "MONTH"])).prop_map(move |(at, months, interval)| {
            let date = local(at, &zone(name)).date().first_of_month();
            let end = date.checked_add(months.months()).unwrap();
            (given(start_of(date, &zone(name)), start_of(end, &zone(name))), interval)
        });
    let presets = vec![
        "TODAY",
        "YESTERDAY",
        "LAST_24_HOURS",
        "LAST_7_DAYS",
        "LAST_30_DAYS",
        "THIS_WEEK",
        "THIS_MONTH",
        "LAST_MONTH",
        "LAST_12_MONTHS",
    ];
    let presets = (select(presets), select(vec!["DAY", "WEEK", "MONTH"]))
        .prop_map(move |(preset, interval)| (preset_range(preset, name), interval));
    prop_oneof![3 => short, 3 => long, 3 => days, 2 => months, 2 => presets]
}

fn preset_range(preset: &str, name: &str) -> Range {
    let zone = zone(name);
    let today = local(NOW, &zone).date();
    let back = |days: i64| today.checked_sub(days.days()).unwrap();
    let month = |back: i64| today.first_of_month().checked_sub(back.months()).unwrap();
    let tomorrow = today.tomorrow().unwrap();
    let (from, to) = match preset {
        "TODAY" => (today, tomorrow),
        "YESTERDAY" => (back(1), today),
        "LAST_7_DAYS" => (back(6), tomorrow),
        "LAST_30_DAYS" => (back(29), tomorrow),
        "THIS_WEEK" => {
            let monday = (0..7).map(back).find(|date| date.weekday() == jiff::civil::Weekday::Monday).unwrap();
            (monday, monday.checked_add(7.days()).unwrap())
        }
        "THIS_MONTH" => (month(0), month(-1)),
        "LAST_MONTH" => (month(1), month(0)),
        "LAST_12_MONTHS" => (month(11), month(-1)),
        _ => {
            // The test's clock stands at a whole minute, which has just begun.
            let is = (NOW + MINUTE - DAY, NOW + MINUTE);
            assert_eq!(is.1 - is.0, 24 * HOUR);
            return Range { asked: json!({ "preset": preset }), is };
        }
    };
    Range { asked: json!({ "preset": preset }), is: (start_of(from, &zone), start_of(to, &zone)) }
}

/// A filter as it is written in a request, up to three levels deep.
pub fn filter() -> impl Strategy<Value = Value> {
    conditions().prop_recursive(2, 8, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            list.clone().prop_map(|list| json!({ "and": list })),
            list.clone().prop_map(|list| json!({ "or": list })),
            inner.clone().prop_map(|inner| json!({ "not": inner })),
            (conditions(), inner, list).prop_map(|(mut own, not, or)| {
                own["not"] = not;
                own["or"] = json!(or);
                own
            }),
        ]
    })
}

/// A filter that may ask what visitors did.
pub fn filter_of_visitors(zone: &'static str, anchor: i64) -> BoxedStrategy<Value> {
    let name = || select(vec!["hasDone", "hasNotDone"]);
    let with = (filter(), name(), behaviour(zone, anchor)).prop_map(|(mut filter, name, behaviour)| {
        filter[name] = behaviour;
        filter
    });
    let with = with.boxed();
    let one = || (name(), behaviour(zone, anchor)).prop_map(|(name, behaviour)| json!({ name: behaviour })).boxed();
    prop_oneof![
        4 => filter().boxed(),
        1 => with,
        1 => one(),
        1 => one().prop_map(|one| json!({ "not": one })),
        1 => (one(), one()).prop_map(|(one, other)| json!({ "and": [one, other] })),
        1 => (one(), filter()).prop_map(|(one, filter)| json!({ "or": [one, filter] })),
    ]
    .boxed()
}

/// What visitors may have done.
fn behaviour(zone: &'static str, anchor: i64) -> BoxedStrategy<Value> {
    let filter = prop_oneof![
        3 => event_type().prop_map(|name| json!({ "eventType": { "eq": name } })),
        2 => path().prop_map(|path| json!({ "pagePath": { "eq": path } })),
        1 => Just(json!({})),
        2 => filter().boxed(),
    ];
    let at_least = prop_oneof![2 => Just(1), 2 => 1..4];
    let given = range(zone, anchor).prop_map(|(range, _)| range.asked);
    let given = given.prop_filter("moments", |range| range["from"].is_string()).boxed();
    let range = prop_oneof![2 => Just(Value::Null), 1 => given];
    (filter, at_least, range)
        .prop_map(|(filter, at_least, range)| json!({ "filter": filter, "atLeast": at_least, "range": range }))
        .boxed()
}

/// Some conditions that must hold together.
fn conditions() -> impl Strategy<Value = Value> {
    prop::collection::vec(condition(), 0..3).prop_map(|all| Value::Object(all.into_iter().collect::<Map<_, _>>()))
}

fn condition() -> impl Strategy<Value = (String, Value)> {
    let hosts = || select(vec![HOSTS[0], HOSTS[1], "search.example", "news.example"]).prop_map(str::to_owned);
    let of = |names: &'static [&'static str], test: BoxedStrategy<Value>| (select(names).prop_map(str::to_owned), test);
    let words = |words: &'static [&'static str]| select(words).prop_map(str::to_owned);
    prop_oneof![
        of(&["eventType"], text(event_type().boxed())),
        of(&["userId"], text(visitor().boxed())),
        of(&["sessionId"], text(session().boxed())),
        of(&["pagePath"], text(path().boxed())),
        of(&["hostname", "referrerDomain", "url", "referrer"], text(hosts().boxed())),
        of(&["utmSource", "utmMedium", "utmCampaign", "utmTerm"], text(words(&["news", "ads", "mail", "cpc"]).boxed())),
        of(&["browser", "os", "device", "country"], text(words(&["Firefox", "Windows", "mobile", "DE"]).boxed())),
        of(&["city", "language", "pageTitle", "currency"], text(words(&["Wien", "de-AT", "Home", "EUR"]).boxed())),
        of(&["browserVersion"], text(words(&["144", "142"]).boxed())),
        of(&["revenue"], number(select(vec![json!(19.99), json!(0), json!(-5)]).boxed())),
        of(&["screenWidth", "screenHeight"], number(select(vec![json!(390), json!(1080), json!(1000.5)]).boxed())),
        prop::collection::vec(property(), 1..3).prop_map(|all| ("property".to_owned(), json!(all))),
    ]
}

fn property() -> impl Strategy<Value = Value> {
    let strings = property_value().prop_filter_map("a string", |value| value.as_str().map(str::to_owned));
    let numbers = property_value().prop_filter("a number", Value::is_number);
    let test = prop_oneof![
        text(strings.boxed()).prop_map(|test| ("string", test)),
        number(numbers.boxed()).prop_map(|test| ("number", test)),
        any::<bool>().prop_map(|wanted| ("boolean", json!(wanted))),
        any::<bool>().prop_map(|wanted| ("exists", json!(wanted))),
    ];
    (select(&KEYS[..]), prop::collection::vec(test, 0..3)).prop_map(|(key, tests)| {
        let mut filter = json!({ "key": key });
        tests.into_iter().for_each(|(name, test)| filter[name] = test);
        filter
    })
}

/// One or two conditions on a text, most of them about values that occur.
fn text(values: BoxedStrategy<String>) -> BoxedStrategy<Value> {
    let part = (values.clone(), 0..4_usize, any::<bool>()).prop_map(|(value, length, is_end)| {
        let letters: Vec<char> = value.chars().collect();
        let cut = letters.len().saturating_sub(length);
        if is_end { letters[cut..].iter().collect::<String>() } else { letters[..cut].iter().collect() }
    });
    let list = prop::collection::vec(values.clone(), 0..4);
    let one = prop_oneof![
        (select(vec!["eq", "notEq"]), values).prop_map(|(name, value)| (name, json!(value))),
        (select(vec!["in", "notIn"]), list).prop_map(|(name, list)| (name, json!(list))),
        (select(vec!["contains", "startsWith", "endsWith"]), part).prop_map(|(name, value)| (name, json!(value))),
        any::<bool>().prop_map(|wanted| ("exists", json!(wanted))),
    ];
    object(one.boxed())
}

fn number(values: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let one = prop_oneof![
        4 => (select(vec!["eq", "gt", "gte", "lt", "lte"]), values),
        1 => any::<bool>().prop_map(|wanted| ("exists", json!(wanted))),
    ];
    object(one.boxed())
}

fn object(one: BoxedStrategy<(&'static str, Value)>) -> BoxedStrategy<Value> {
    prop::collection::vec(one, 1..3)
        .prop_map(|all| Value::Object(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
        .boxed()
}
