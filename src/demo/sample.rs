//! Thirty days of a small coffee shop, made up but lifelike, and the same for the same seed and end.

use jiff::Timestamp;
use rand::{RngExt, SeedableRng, distr::Distribution, distr::weighted::WeightedIndex, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::catalog::{AGENTS, COUNTRIES, HOURS, PAGES, PRODUCTS, SEARCHES, SOURCES, WEEKDAYS};
use crate::clock::DAY_MS;

/// Days of history.
pub const DAYS: i64 = 30;

const SITE: &str = "https://beans.example";
const VISITORS: usize = 14_000;
const SESSIONS_A_DAY: f64 = 1_560.0;

/// An event as a client would send it.
#[derive(Debug, Clone, Serialize)]
pub struct SampleEvent {
    /// When it happens; sent as RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub timestamp: i64,
    id: Uuid,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    anonymous_id: String,
    session_id: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<&'static str>,
    user_agent: &'static str,
    screen_width: u32,
    screen_height: u32,
    ip: String,
    country: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
}

fn rfc3339<S: serde::Serializer>(at: &i64, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&Timestamp::from_millisecond(*at).map_err(serde::ser::Error::custom)?)
}

/// The shop and the people who visit it.
pub struct Sample {
    rng: StdRng,
    visitors: WeightedIndex<f64>,
    pages: WeightedIndex<f64>,
    products: WeightedIndex<f64>,
    sources: WeightedIndex<f64>,
    countries: WeightedIndex<f64>,
    agents: WeightedIndex<f64>,
    hours: WeightedIndex<f64>,
}

impl Sample {
    /// The same seed makes the same people and the same days.
    pub fn new(seed: u64) -> Self {
        let weighted = |weights: Vec<f64>| WeightedIndex::new(weights).expect("constant weights are positive");
        Self {
            rng: StdRng::seed_from_u64(seed),
            // A few come back often, most once or twice (Zipf).
            visitors: weighted((0..VISITORS).map(|rank| 1.0 / (rank as f64 + 8.0).powf(0.8)).collect()),
            pages: weighted(PAGES.iter().map(|page| page.1).collect()),
            products: weighted(PRODUCTS.iter().map(|product| product.3).collect()),
            sources: weighted(SOURCES.iter().map(|source| source.2).collect()),
            countries: weighted(COUNTRIES.iter().map(|country| country.2).collect()),
            agents: weighted(AGENTS.iter().map(|agent| agent.3).collect()),
            hours: weighted(HOURS.to_vec()),
        }
    }

    /// The events of the day that starts `days_before` days before the last, which ends at `end_ms`.
    pub fn day(&mut self, end_ms: i64, days_before: i64) -> Vec<SampleEvent> {
        let start = end_ms - (days_before + 1) * DAY_MS;
        let weekday = (start.div_euclid(DAY_MS) + 3).rem_euclid(7) as usize;
        let growth = 1.0 + 0.35 * (DAYS - days_before) as f64 / DAYS as f64;
        let campaign = if (8..=10).contains(&days_before) { 1.6 } else { 1.0 };
        let busy = SESSIONS_A_DAY * WEEKDAYS[weekday] * growth * campaign * self.rng.random_range(0.92..1.08);
        let mut events = Vec::new();
        for _ in 0..busy as usize {
            let visitor = self.visitors.sample(&mut self.rng);
            let local_ms = self.hours.sample(&mut self.rng) as i64 * 3_600_000 + self.rng.random_range(0..3_600_000);
            // The hour is of the visitor's own day; which of the window's two such hours does not matter.
            let of_day = (local_ms - self.person(visitor).country.1 * 3_600_000 - start).rem_euclid(DAY_MS);
            events.extend(self.session(visitor, start + of_day).into_iter().filter(|event| event.timestamp < end_ms));
        }
        events
    }

    /// One visit that starts now, for the trickle of live events.
    pub fn visit(&mut self, start_ms: i64) -> Vec<SampleEvent> {
        let visitor = self.visitors.sample(&mut self.rng);
        self.session(visitor, start_ms)
    }

    /// What never changes about a visitor follows from their number alone.
    fn person(&self, visitor: usize) -> Person {
        let mut rng = StdRng::seed_from_u64(visitor as u64 ^ 0x5eed);
        Person {
            country: COUNTRIES[self.countries.sample(&mut rng)],
            agent: AGENTS[self.agents.sample(&mut rng)],
            known: rng.random_bool(0.35),
            address: rng.random_range(1..255),
            plan: ["none", "monthly", "weekly"][rng.random_range(0..10_usize).saturating_sub(7)],
        }
    }

    fn session(&mut self, visitor: usize, start_ms: i64) -> Vec<SampleEvent> {
        let person = self.person(visitor);
        let source = SOURCES[self.sources.sample(&mut self.rng)];
        let mut visit = Visit {
            session: format!("s-{:016x}", self.rng.random::<u64>()),
            visitor,
            person,
            at: start_ms,
            page: SITE.to_owned(),
            referrer: source.0,
            events: Vec::new(),
        };
        let landing = PAGES[self.pages.sample(&mut self.rng)].0;
        visit.page = match source.1 {
            Some(campaign) => format!("{SITE}{landing}?{campaign}"),
            None => format!("{SITE}{landing}"),
        };
        let variant = if visitor.is_multiple_of(2) { "A" } else { "B" };
        visit.push(&mut self.rng, "page_view", Some(json!({ "plan": visit.person.plan, "variant": variant })));
        // Four in ten leave after one page.
        let mut stays = self.rng.random_bool(0.6);
        let mut cart: Option<(&str, u32)> = None;
        while stays && visit.events.len() < 60 {
            visit.at += self.rng.random_range(4_000..95_000);
            if self.rng.random_bool(0.45) {
                let (path, name, cents, _) = PRODUCTS[self.products.sample(&mut self.rng)];
                visit.go(path);
                visit.push(
                    &mut self.rng,
                    "page_view",
                    Some(json!({ "plan": visit.person.plan, "variant": variant, "product": name })),
                );
                if self.rng.random_bool(if variant == "B" { 0.27 } else { 0.22 }) {
                    visit.at += self.rng.random_range(3_000..40_000);
                    visit.push(
                        &mut self.rng,
                        "add_to_cart",
                        Some(json!({ "product": name, "price": f64::from(cents) / 100.0 })),
                    );
                    cart = Some((name, cart.map_or(0, |(_, sum)| sum) + cents));
                }
            } else {
                visit.go(PAGES[self.pages.sample(&mut self.rng)].0);
                visit.push(&mut self.rng, "page_view", Some(json!({ "plan": visit.person.plan, "variant": variant })));
                match self.rng.random_range(0..100) {
                    0..24 => visit.push(&mut self.rng, "click", Some(json!({ "target": "hero", "variant": variant }))),
                    24..30 => {
                        let query = SEARCHES[self.rng.random_range(0..SEARCHES.len())];
                        let results = self.rng.random_range(0..24);
                        visit.push(&mut self.rng, "search", Some(json!({ "query": query, "results": results })));
                    }
                    30..32 => visit.push(&mut self.rng, "newsletter_signup", None),
                    _ => {}
                }
            }
            stays = self.rng.random_bool(0.76);
        }
        if let Some((product, cents)) = cart
            && self.rng.random_bool(0.42)
        {
            visit.at += self.rng.random_range(10_000..120_000);
            visit.go("/checkout");
            visit.push(&mut self.rng, "page_view", None);
            visit.at += self.rng.random_range(20_000..150_000);
            let revenue = f64::from(cents) / 100.0;
            let first = !visit.person.known;
            visit.push(
                &mut self.rng,
                "purchase",
                Some(json!({ "product": product, "revenue": revenue, "currency": "EUR", "first_order": first })),
            );
            if let Some(purchase) = visit.events.last_mut() {
                (purchase.revenue, purchase.currency) = (Some(revenue), Some("EUR"));
            }
        }
        visit.events
    }
}

struct Person {
    country: (&'static str, i64, f64),
    agent: (&'static str, u32, u32, f64),
    known: bool,
    address: u8,
    plan: &'static str,
}

struct Visit {
    session: String,
    visitor: usize,
    person: Person,
    at: i64,
    page: String,
    referrer: Option<&'static str>,
    events: Vec<SampleEvent>,
}

impl Visit {
    fn go(&mut self, path: &str) {
        self.page = format!("{SITE}{path}");
        self.referrer = None;
    }

    fn push(&mut self, rng: &mut StdRng, event_type: &'static str, metadata: Option<Value>) {
        let id = uuid::Builder::from_unix_timestamp_millis(self.at.unsigned_abs(), &rng.random()).into_uuid();
        self.events.push(SampleEvent {
            timestamp: self.at,
            id,
            event_type,
            user_id: self.person.known.then(|| format!("customer-{:05}", self.visitor)),
            anonymous_id: format!("a-{:08x}", (self.visitor as u64).wrapping_mul(0x9e37_79b9)),
            session_id: self.session.clone(),
            url: self.page.clone(),
            referrer: self.referrer,
            user_agent: self.person.agent.0,
            screen_width: self.person.agent.1,
            screen_height: self.person.agent.2,
            // A network set aside for documentation: nobody's address.
            ip: format!("203.0.113.{}", self.person.address),
            country: self.person.country.0,
            revenue: None,
            currency: None,
            metadata,
        });
    }
}
