//! Shapes of requests and errors as the document shows them. Events are read by
//! `ingest::wire`, which these describe.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoResponses, ToSchema};

use crate::rest::error::Fault;

/// Something that happened. Names may also be written in camelCase; names that are not listed are
/// ignored. Absent, null and empty text mean the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "order-4711",
    "event_type": "purchase",
    "user_id": "ada",
    "session_id": "s-1",
    "url": "https://shop.example/checkout?utm_source=newsletter",
    "revenue": 49.9,
    "currency": "EUR",
    "metadata": {"coupon": "AUTUMN"}
}))]
pub struct NewEvent {
    /// What happened.
    #[schema(min_length = 1, max_length = 100, example = "page_view")]
    pub event_type: String,
    /// A UUID or any text of at most 100 bytes. An id is counted once: sending it again is safe.
    #[schema(max_length = 100, example = "order-4711")]
    pub id: Option<String>,
    /// When it happened: RFC 3339 with an offset, or milliseconds since 1970. Now, when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub timestamp: Option<Value>,
    /// When it was sent, read on the same clock as `timestamp`. Corrects a clock that is wrong.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Value>,
    /// Who did it, once known.
    #[schema(max_length = 200, example = "ada")]
    pub user_id: Option<String>,
    /// Who did it, before it is known.
    #[schema(max_length = 200, example = "a-77f2")]
    pub anonymous_id: Option<String>,
    /// The visit it belongs to.
    #[schema(max_length = 200, example = "s-1")]
    pub session_id: Option<String>,
    /// The page's address. Campaign fields (`utm_…`) are taken out of it.
    #[schema(max_length = 2_048, example = "https://shop.example/checkout?utm_source=newsletter")]
    pub url: Option<String>,
    /// Whether what follows a `#` in `url` names the page, and is part of its path.
    #[schema(example = false)]
    pub hash: Option<bool>,
    /// Where the visitor came from.
    #[schema(max_length = 2_048, example = "https://www.google.com/")]
    pub referrer: Option<String>,
    /// The page's title.
    #[schema(max_length = 500, example = "Checkout")]
    pub title: Option<String>,
    /// In CSS pixels.
    #[schema(minimum = 0, maximum = 65_535, example = 1_536)]
    pub screen_width: Option<i32>,
    /// In CSS pixels.
    #[schema(minimum = 0, maximum = 65_535, example = 864)]
    pub screen_height: Option<i32>,
    /// The visitor's language.
    #[schema(max_length = 35, example = "de-CH")]
    pub language: Option<String>,
    /// What brought the visitor, where `url` carries no campaign of its own; so the next four.
    #[schema(max_length = 200, example = "newsletter")]
    pub utm_source: Option<String>,
    /// Such as `email`.
    #[schema(max_length = 200, example = "email")]
    pub utm_medium: Option<String>,
    /// The campaign's name.
    #[schema(max_length = 200, example = "autumn")]
    pub utm_campaign: Option<String>,
    /// What was searched for.
    #[schema(max_length = 200, example = "beans")]
    pub utm_term: Option<String>,
    /// Which of several links it was.
    #[schema(max_length = 200, example = "button")]
    pub utm_content: Option<String>,
    /// What was earned: a number, or a decimal as text, of at most six decimal places, and kept exactly.
    #[schema(value_type = Option<f64>, example = 49.9)]
    pub revenue: Option<Value>,
    /// The currency of `revenue` (ISO 4217).
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    pub currency: Option<String>,
    /// With `event_type` `alias`: the id that the user had before. What comes under it counts for
    /// `user_id` from now on. (`identify` does so for an `anonymous_id`.)
    #[schema(max_length = 200, example = "old-ada")]
    pub previous_id: Option<String>,
    /// Custom properties: at most 200, and 4,000 names with those inside others, at most 8 levels deep; names of
    /// at most 200 bytes.
    #[schema(example = json!({"coupon": "AUTUMN"}))]
    pub metadata: Option<Map<String, Value>>,
    /// The visitor's address, from a server that sends for its visitors.
    #[schema(example = "203.0.113.9")]
    pub ip: Option<String>,
    /// The visitor's user agent, from a server that sends for its visitors.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")]
    pub user_agent: Option<String>,
    /// The visitor's country (ISO 3166-1 alpha-2), where the sender knows better than the address.
    #[schema(min_length = 2, max_length = 2, example = "DE")]
    pub country: Option<String>,
    /// A part of the country, where the sender knows it.
    #[schema(max_length = 100, example = "Bavaria")]
    pub region: Option<String>,
    /// The visitor's town, where the sender knows it.
    #[schema(max_length = 100, example = "Munich")]
    pub city: Option<String>,
}

/// An event, an array of events, or an envelope around them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Submission {
    /// One event.
    One(Box<NewEvent>),
    /// Several.
    Many(Vec<NewEvent>),
    /// Several, and when they were sent.
    Envelope {
        /// The events.
        events: Vec<NewEvent>,
        /// When they were sent, read on the same clock as their timestamps.
        #[schema(value_type = Option<String>, format = DateTime)]
        sent_at: Option<Value>,
    },
}

/// An answer that is an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// What is known of the events, where they were looked at; else null.
    pub data: Option<Value>,
    /// What went wrong.
    pub error: Fault,
}

/// How a request may be refused.
#[derive(Debug, IntoResponses)]
pub enum Refused {
    /// The body is empty, incomplete, not JSON, or without events. Nothing was kept.
    #[response(status = 400)]
    Body(Failure),
    /// The API key is missing, unknown, expired or revoked.
    #[response(status = 401)]
    Key(Failure),
    /// The API key may not be used for this.
    #[response(status = 403)]
    Forbidden(Failure),
    /// The app of the key was deleted.
    #[response(status = 404)]
    Gone(Failure),
    /// The body did not arrive in time.
    #[response(status = 408)]
    Slow(Failure),
    /// Too many bytes or too many events; see `/api/v1/limits`.
    #[response(status = 413)]
    TooLarge(Failure),
    /// A `Content-Type` or `Content-Encoding` that is not known here.
    #[response(status = 415)]
    Unsupported(Failure),
    /// Every event was refused; `data.items` says why, and `error` repeats the first reason.
    #[response(status = 422)]
    AllRefused(Failure),
    /// Too many requests or events for the key; `Retry-After` says when to try again.
    #[response(status = 429)]
    RateLimited(Failure),
    /// The server failed at this request, and nothing of it was kept.
    #[response(status = 500)]
    Failed(Failure),
    /// The queue is full or the store is away, and nothing was kept; `Retry-After` says when to try again.
    #[response(status = 503)]
    Unavailable(Failure),
}
