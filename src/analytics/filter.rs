//! Which events a question is about.
//!
//! The filter is the GraphQL input itself. It names its conditions once, in
//! [`EventFilter::conditions`]; validation, the columns to read and the compiled form all follow
//! from that list.

use std::collections::BTreeSet;

use async_graphql::{InputObject, NewType};
use serde::{Deserialize, Serialize};

use crate::{
    columnar::Column,
    error::{Error, Result},
};

/// How deep filters may nest in one another.
pub const MAX_DEPTH: usize = 8;
/// How many conditions a filter may hold in all.
pub const MAX_CONDITIONS: usize = 100;
/// How many values `in` and `notIn` may list.
pub const MAX_LIST: usize = 1_000;
/// Bytes of one text.
pub const MAX_TEXT: usize = 2_048;

/// A finite number that can be compared and hashed: equal numbers are equal bits.
#[derive(NewType, Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Number(f64);

impl Number {
    /// The number.
    pub fn get(self) -> f64 {
        // Negative zero becomes zero, which it equals.
        self.0 + 0.0
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.get().to_bits() == other.get().to_bits()
    }
}

impl Eq for Number {}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.get().to_bits().hash(state);
    }
}

/// Conditions on a text. All that are given must hold; null is the same as not given. Text is
/// compared byte by byte: case matters. Where an event has no value, `notEq` and `notIn` hold
/// (nothing is not that value), `exists: false` holds, and every other condition fails.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StringFilter {
    /// Is this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eq: Option<String>,
    /// Is not this value. Holds where there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_eq: Option<String>,
    /// Is one of these values; an empty list holds for none. At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Is none of these values. Holds where there is no value. At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_in: Option<Vec<String>>,
    /// Contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Starts with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<String>,
    /// Ends with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<String>,
    /// Whether there is a value at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// Conditions on a number. All that are given must hold; null is the same as not given. Where an
/// event has no number, only `exists: false` holds.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NumberFilter {
    /// Is this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eq: Option<Number>,
    /// Is greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<Number>,
    /// Is this or greater.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gte: Option<Number>,
    /// Is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<Number>,
    /// Is this or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lte: Option<Number>,
    /// Whether there is a number at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// Conditions on a custom property. All that are given must hold. Types are kept apart: to
/// `string`, a property that holds something other than a string is as one without a value, and
/// likewise for `number`. A property of null is no property.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PropertyFilter {
    /// Which property: a key of the event's `metadata`.
    pub key: String,
    /// Its value as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<StringFilter>,
    /// Its value as a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberFilter>,
    /// Is exactly this boolean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
    /// Whether there is a value at all, of whatever type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

/// Conditions on events. All that are given must hold; an empty filter lets every event through.
#[derive(InputObject, Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventFilter {
    /// Every one of these must hold; an empty list holds for every event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<Vec<EventFilter>>,
    /// At least one of these must hold; an empty list holds for no event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or: Option<Vec<EventFilter>>,
    /// This must not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<EventFilter>>,
    /// What happened, such as `page_view`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<StringFilter>,
    /// Who did it: the user id, or the anonymous id where an event has no user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<StringFilter>,
    /// The visit it belongs to, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<StringFilter>,
    /// Whole address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<StringFilter>,
    /// Path of the page, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_path: Option<StringFilter>,
    /// Host of the page, lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<StringFilter>,
    /// Whole address the visitor came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<StringFilter>,
    /// Its host, without `www.`; no value for direct visits and the site's own pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer_domain: Option<StringFilter>,
    /// `utm_source` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_source: Option<StringFilter>,
    /// `utm_medium` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_medium: Option<StringFilter>,
    /// `utm_campaign` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_campaign: Option<StringFilter>,
    /// `utm_term` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_term: Option<StringFilter>,
    /// `utm_content` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_content: Option<StringFilter>,
    /// Browser name, such as `Firefox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<StringFilter>,
    /// Operating system, such as `Android`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<StringFilter>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<StringFilter>,
    /// Two-letter country code (ISO 3166-1), upper case, such as `DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<StringFilter>,
    /// Width of the screen in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_width: Option<NumberFilter>,
    /// Height of the screen in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_height: Option<NumberFilter>,
    /// Custom properties; all of these must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<Vec<PropertyFilter>>,
}

/// What a condition asks of the values of its column.
#[derive(Debug, Clone, Copy)]
pub enum Test<'a> {
    /// About text.
    Text(&'a StringFilter),
    /// About a number.
    Number(&'a NumberFilter),
    /// About a JSON value.
    Property(&'a PropertyFilter),
}

impl EventFilter {
    /// The conditions of this filter itself, without those of the filters in it: path of the
    /// field, column, test.
    pub fn conditions(&self) -> impl Iterator<Item = (String, Column, Test<'_>)> {
        let texts = [
            ("eventType", Column::EventType, &self.event_type),
            ("userId", Column::Visitor, &self.user_id),
            ("sessionId", Column::Session, &self.session_id),
            ("url", Column::Url, &self.url),
            ("pagePath", Column::Path, &self.page_path),
            ("hostname", Column::Hostname, &self.hostname),
            ("referrer", Column::Referrer, &self.referrer),
            ("referrerDomain", Column::ReferrerDomain, &self.referrer_domain),
            ("utmSource", Column::UtmSource, &self.utm_source),
            ("utmMedium", Column::UtmMedium, &self.utm_medium),
            ("utmCampaign", Column::UtmCampaign, &self.utm_campaign),
            ("utmTerm", Column::UtmTerm, &self.utm_term),
            ("utmContent", Column::UtmContent, &self.utm_content),
            ("browser", Column::Browser, &self.browser),
            ("os", Column::Os, &self.os),
            ("device", Column::Device, &self.device),
            ("country", Column::Country, &self.country),
        ];
        let numbers = [
            ("screenWidth", Column::ScreenWidth, &self.screen_width),
            ("screenHeight", Column::ScreenHeight, &self.screen_height),
        ];
        let properties = self.property.iter().flatten().enumerate();
        texts
            .into_iter()
            .filter_map(|(name, column, test)| Some((name.to_owned(), column, Test::Text(test.as_ref()?))))
            .chain(
                numbers
                    .into_iter()
                    .filter_map(|(name, column, test)| Some((name.to_owned(), column, Test::Number(test.as_ref()?)))),
            )
            .chain(
                properties.map(|(i, test)| {
                    (format!("property.{i}"), Column::Property(test.key.clone()), Test::Property(test))
                }),
            )
    }

    /// The filters inside this one, with the paths of their fields.
    fn inner(&self) -> impl Iterator<Item = (String, &EventFilter)> {
        let and = self.and.iter().flatten().enumerate().map(|(i, filter)| (format!("and.{i}"), filter));
        let or = self.or.iter().flatten().enumerate().map(|(i, filter)| (format!("or.{i}"), filter));
        and.chain(or).chain(self.not.as_deref().map(|filter| ("not".to_owned(), filter)))
    }

    /// The columns its conditions look at.
    pub fn columns(&self) -> BTreeSet<Column> {
        let own = self.conditions().map(|(_, column, _)| column);
        own.chain(self.inner().flat_map(|(_, filter)| filter.columns())).collect()
    }

    /// Refuses what is too deep, too long or meaningless. `path` is where the filter stands,
    /// such as `filter`; errors name the field below it.
    pub fn validate(&self, path: &str) -> Result<()> {
        let mut conditions = 0;
        self.check(path, 1, &mut conditions)
    }

    fn check(&self, path: &str, depth: usize, conditions: &mut usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid(path, format!("Filters may nest at most {MAX_DEPTH} deep.")));
        }
        for (name, _, test) in self.conditions() {
            let path = format!("{path}.{name}");
            *conditions += test.check(&path)?;
            if *conditions > MAX_CONDITIONS {
                return Err(Error::invalid(path, format!("A filter may hold at most {MAX_CONDITIONS} conditions.")));
            }
        }
        for (name, filter) in self.inner() {
            // An empty filter counts too: without it, wide and empty lists would be free.
            *conditions += 1;
            filter.check(&format!("{path}.{name}"), depth + 1, conditions)?;
        }
        Ok(())
    }
}

impl Test<'_> {
    /// The number of conditions, once their bounds hold.
    fn check(&self, path: &str) -> Result<usize> {
        match self {
            Self::Text(filter) => filter.check(path),
            Self::Number(filter) => filter.check(path),
            Self::Property(filter) => {
                if filter.key.is_empty() {
                    return Err(Error::invalid(format!("{path}.key"), "The key of a property must not be empty."));
                }
                check_text(&filter.key, path, "key")?;
                let string = filter.string.as_ref().map_or(Ok(0), |f| f.check(&format!("{path}.string")))?;
                let number = filter.number.as_ref().map_or(Ok(0), |f| f.check(&format!("{path}.number")))?;
                Ok(string + number + 1)
            }
        }
    }
}

impl StringFilter {
    fn check(&self, path: &str) -> Result<usize> {
        let texts = [
            ("eq", &self.eq),
            ("notEq", &self.not_eq),
            ("contains", &self.contains),
            ("startsWith", &self.starts_with),
            ("endsWith", &self.ends_with),
        ];
        let mut conditions = usize::from(self.exists.is_some());
        for (name, text) in texts {
            if let Some(text) = text {
                check_text(text, path, name)?;
                conditions += 1;
            }
        }
        for (name, list) in [("in", &self.one_of), ("notIn", &self.not_in)] {
            let Some(list) = list else { continue };
            if list.len() > MAX_LIST {
                return Err(Error::invalid(
                    format!("{path}.{name}"),
                    format!("A list may hold at most {MAX_LIST} values."),
                ));
            }
            for (i, text) in list.iter().enumerate() {
                check_text(text, path, &format!("{name}.{i}"))?;
            }
            conditions += 1;
        }
        Ok(conditions)
    }
}

impl NumberFilter {
    fn check(&self, path: &str) -> Result<usize> {
        let mut conditions = usize::from(self.exists.is_some());
        for (name, number) in [("eq", self.eq), ("gt", self.gt), ("gte", self.gte), ("lt", self.lt), ("lte", self.lte)]
        {
            let Some(number) = number else { continue };
            if !number.get().is_finite() {
                return Err(Error::invalid(format!("{path}.{name}"), "Expected a finite number."));
            }
            conditions += 1;
        }
        Ok(conditions)
    }
}

fn check_text(text: &str, path: &str, name: &str) -> Result<()> {
    if text.len() > MAX_TEXT {
        return Err(Error::invalid(format!("{path}.{name}"), format!("Text may be at most {MAX_TEXT} bytes long.")));
    }
    Ok(())
}
