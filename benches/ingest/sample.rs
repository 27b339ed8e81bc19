//! Events as a shop's pages send them: skewed users and pages, about 500 bytes.

use std::fmt::Write;

use uuid::Uuid;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
];
const TYPES: [&str; 8] =
    ["page_view", "page_view", "page_view", "page_view", "click", "click", "add_to_cart", "purchase"];

/// A stream of events, different from that of any other seed.
pub(super) struct Sample(u64);

impl Sample {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Few are frequent.
    fn skewed(&mut self, limit: u64) -> u64 {
        let bound = self.below(limit) + 1;
        self.below(bound)
    }

    /// Writes `events` of them: one as an object, several as an array.
    pub(super) fn body(&mut self, events: usize, body: &mut String) {
        body.clear();
        body.push_str(if events == 1 { "" } else { "[" });
        for place in 0..events {
            body.push_str(if place == 0 { "" } else { "," });
            self.event(body);
        }
        body.push_str(if events == 1 { "" } else { "]" });
    }

    fn event(&mut self, body: &mut String) {
        let (id, user, page) = (Uuid::now_v7(), self.skewed(200_000), self.skewed(2_000));
        let kind = TYPES[self.below(8) as usize];
        let agent = AGENTS[self.below(4) as usize];
        let (session, price) = (user * 7 + self.below(3), self.below(20_000));
        write!(
            body,
            r#"{{"id":"{id}","event_type":"{kind}","user_id":"user-{user}","session_id":"session-{session}","url":"https://shop.example/products/{page}?utm_source=newsletter&utm_medium=email","referrer":"https://www.google.com/","user_agent":"{agent}","screen_width":1536,"screen_height":864,"metadata":{{"plan":"pro","price":{price},"category":"shoes"}}}}"#,
        )
        .unwrap();
    }
}
