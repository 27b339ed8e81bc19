//! The names that an event may have, and the values under them, not yet looked into.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

macro_rules! names {
    ($($variant:ident = $name:literal $(or $camel:literal)?,)+) => {
        /// The names an event may have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(field_identifier)]
        pub(super) enum Name {
            $(
                #[serde(rename = $name $(, alias = $camel)?)]
                $variant,
            )+
            #[serde(other)]
            Unknown,
        }

        impl Name {
            pub(super) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown => "unknown",
                }
            }
        }
    };
}

names! {
    Id = "id",
    EventType = "event_type" or "eventType",
    Timestamp = "timestamp",
    SentAt = "sent_at" or "sentAt",
    UserId = "user_id" or "userId",
    AnonymousId = "anonymous_id" or "anonymousId",
    PreviousId = "previous_id" or "previousId",
    SessionId = "session_id" or "sessionId",
    Url = "url",
    Hash = "hash",
    Referrer = "referrer",
    Title = "title",
    ScreenWidth = "screen_width" or "screenWidth",
    ScreenHeight = "screen_height" or "screenHeight",
    Language = "language",
    UtmSource = "utm_source" or "utmSource",
    UtmMedium = "utm_medium" or "utmMedium",
    UtmCampaign = "utm_campaign" or "utmCampaign",
    UtmTerm = "utm_term" or "utmTerm",
    UtmContent = "utm_content" or "utmContent",
    Revenue = "revenue",
    Currency = "currency",
    Metadata = "metadata",
    Ip = "ip",
    UserAgent = "user_agent" or "userAgent",
    Country = "country",
    Region = "region",
    City = "city",
}

/// The values of an event, not yet looked into.
#[derive(Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a RawValue>; Name::Unknown as usize],
    /// A name that occurs more than once.
    pub(super) repeated: Option<Name>,
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: Name) -> Option<&'a RawValue> {
        self.values.get(name as usize).copied().flatten()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<Name, &RawValue>()? {
                    if let Some(slot) = fields.values.get_mut(name as usize)
                        && slot.replace(value).is_some()
                    {
                        fields.repeated = Some(name);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
