//! The columns of `events`, in the one order in which both stores are told them.

use std::borrow::Cow;

use uuid::Uuid;

use crate::{columnar::Stored, ingest::Draft};

/// An event and what the transaction that stores it has found out.
pub(super) struct Row<'a> {
    /// What was accepted.
    pub draft: &'a Draft,
    /// The number of the commit.
    pub seq: i64,
    /// Its place among the events of the group in the order of their arrival.
    pub arrival: usize,
    /// Who did it, once links were followed.
    pub user_id: Option<Cow<'a, str>>,
    /// Who did it, before it is known.
    pub anonymous_id: Option<Cow<'a, str>>,
    /// The visit, the client's or ours.
    pub session_id: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    /// As it was accepted.
    pub(super) fn new(draft: &'a Draft, seq: i64, arrival: usize) -> Self {
        let event = &draft.event;
        let [user_id, anonymous_id, session_id] =
            [&event.user_id, &event.anonymous_id, &event.session_id].map(|text| text.as_deref().map(Cow::Borrowed));
        Self { draft, seq, arrival, user_id, anonymous_id, session_id }
    }

    /// Whether nothing was found out that the event did not say itself.
    pub(super) fn is_as_accepted(&self) -> bool {
        let event = &self.draft.event;
        let said = [&event.user_id, &event.anonymous_id, &event.session_id].map(Option::as_deref);
        [&self.user_id, &self.anonymous_id, &self.session_id].map(Option::as_deref) == said
    }

    /// What sealing needs of it.
    pub(super) fn stored(&self) -> Stored<'_> {
        let visitor = self.user_id.as_deref().or(self.anonymous_id.as_deref());
        Stored { event: &self.draft.event, visitor, session: self.session_id.as_deref() }
    }

    /// App and id.
    pub(super) fn key(&self) -> (Uuid, Uuid) {
        self.draft.key()
    }
}

/// A column and its value.
pub(super) type Column<T> = (&'static str, for<'r> fn(&'r Row<'_>) -> Option<T>);

/// Columns of 64-bit numbers.
pub(super) const NUMBERS: [Column<i64>; 3] = [
    ("timestamp", |row| Some(row.draft.event.timestamp)),
    ("received_at", |row| Some(row.draft.event.received_at)),
    ("revenue", |row| row.draft.event.revenue),
];

/// Columns of 32-bit numbers.
pub(super) const SIZES: [Column<i32>; 2] =
    [("screen_width", |row| row.draft.event.screen_width), ("screen_height", |row| row.draft.event.screen_height)];

/// A column of text and its value.
pub(super) type Text = (&'static str, for<'r> fn(&'r Row<'_>) -> Option<&'r str>);

/// Columns of text.
pub(super) const TEXTS: [Text; 28] = [
    ("client_id", |row| row.draft.event.client_id.as_deref()),
    ("event_type", |row| Some(&row.draft.event.event_type)),
    ("user_id", |row| row.user_id.as_deref()),
    ("anonymous_id", |row| row.anonymous_id.as_deref()),
    ("session_id", |row| row.session_id.as_deref()),
    ("url", |row| row.draft.event.url.as_deref()),
    ("hostname", |row| row.draft.event.hostname.as_deref()),
    ("path", |row| row.draft.event.path.as_deref()),
    ("title", |row| row.draft.event.title.as_deref()),
    ("referrer", |row| row.draft.event.referrer.as_deref()),
    ("referrer_domain", |row| row.draft.event.referrer_domain.as_deref()),
    ("utm_source", |row| row.draft.event.utm_source.as_deref()),
    ("utm_medium", |row| row.draft.event.utm_medium.as_deref()),
    ("utm_campaign", |row| row.draft.event.utm_campaign.as_deref()),
    ("utm_term", |row| row.draft.event.utm_term.as_deref()),
    ("utm_content", |row| row.draft.event.utm_content.as_deref()),
    ("ip_address", |row| row.draft.event.ip_address.as_deref()),
    ("country", |row| row.draft.event.country.as_deref()),
    ("region", |row| row.draft.event.region.as_deref()),
    ("city", |row| row.draft.event.city.as_deref()),
    ("language", |row| row.draft.event.language.as_deref()),
    ("user_agent", |row| row.draft.event.user_agent.as_deref()),
    ("browser", |row| row.draft.event.browser.as_deref()),
    ("browser_version", |row| row.draft.event.browser_version.as_deref()),
    ("os", |row| row.draft.event.os.as_deref()),
    ("os_version", |row| row.draft.event.os_version.as_deref()),
    ("device", |row| row.draft.event.device.as_deref()),
    ("currency", |row| row.draft.event.currency.as_deref()),
];

/// Every column: two ids, then the lists above, then those of kinds of their own. `seq` is the last
/// to be known.
pub(super) fn names() -> Vec<&'static str> {
    let numbers = NUMBERS.iter().map(|(name, _)| *name);
    let sizes = SIZES.iter().map(|(name, _)| *name);
    let texts = TEXTS.iter().map(|(name, _)| *name);
    ["app_id", "id"].into_iter().chain(numbers).chain(sizes).chain(texts).chain(["is_bot", "metadata", "seq"]).collect()
}
