//! Which events a question is about.
//!
//! The filter is the GraphQL input itself. It names its conditions once, in
//! [`EventFilter::conditions`]; validation, the columns to read and the compiled form all follow
//! from that list.

use std::collections::BTreeSet;

use async_graphql::{ID, InputObject};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::behaviour::{BehaviourFilter, MAX_BEHAVIOURS};
pub use super::condition::{Number, NumberFilter, PropertyFilter, StringFilter, Test};
use crate::{
    columnar::{Column, Wanted},
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
    pub event_type: Option<Box<StringFilter>>,
    /// Who did it: the user id, or the anonymous id where an event has no user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Box<StringFilter>>,
    /// The visit it belongs to, as the client says or else as the server finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Box<StringFilter>>,
    /// Whole address of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Box<StringFilter>>,
    /// Path of the page, without query and fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_path: Option<Box<StringFilter>>,
    /// Host of the page, lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Box<StringFilter>>,
    /// Whole address the visitor came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Box<StringFilter>>,
    /// Its host, without `www.`; no value for direct visits and the site's own pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer_domain: Option<Box<StringFilter>>,
    /// `utm_source` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_source: Option<Box<StringFilter>>,
    /// `utm_medium` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_medium: Option<Box<StringFilter>>,
    /// `utm_campaign` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_campaign: Option<Box<StringFilter>>,
    /// `utm_term` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_term: Option<Box<StringFilter>>,
    /// `utm_content` of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utm_content: Option<Box<StringFilter>>,
    /// Browser name, such as `Firefox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<Box<StringFilter>>,
    /// Operating system, such as `Android`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<Box<StringFilter>>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<StringFilter>>,
    /// Two-letter country code (ISO 3166-1), upper case, such as `DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Box<StringFilter>>,
    /// Part of the country, as the sender or the geo database names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Box<StringFilter>>,
    /// Town, as the sender or the geo database names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Box<StringFilter>>,
    /// The visitor's first language (BCP 47), such as `de-AT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Box<StringFilter>>,
    /// Title of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_title: Option<Box<StringFilter>>,
    /// Major version of the browser, such as `145`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<Box<StringFilter>>,
    /// Version of the operating system, such as `18.6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<Box<StringFilter>>,
    /// Currency of the revenue (ISO 4217), upper case, such as `EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Box<StringFilter>>,
    /// What the event brought in, in the unit of its currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<Box<NumberFilter>>,
    /// Width of the screen in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_width: Option<Box<NumberFilter>>,
    /// Height of the screen in CSS pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen_height: Option<Box<NumberFilter>>,
    /// Custom properties; all of these must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<Vec<PropertyFilter>>,
    /// A saved segment of the app lets it through: the id of one, such as `seg_0199…_0199…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<ID>,
    /// The filter of that segment, once it is read; then it takes the id's place.
    #[graphql(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Box<EventFilter>>,
    /// Its visitor did this. An event without a visitor matches neither this nor `hasNotDone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_done: Option<Box<BehaviourFilter>>,
    /// It has a visitor, and that visitor did not do this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_not_done: Option<Box<BehaviourFilter>>,
}

/// What a filter holds in all.
#[derive(Debug, Default)]
struct Held {
    conditions: usize,
    behaviours: usize,
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
            ("region", Column::Region, &self.region),
            ("city", Column::City, &self.city),
            ("language", Column::Language, &self.language),
            ("pageTitle", Column::Title, &self.page_title),
            ("browserVersion", Column::BrowserVersion, &self.browser_version),
            ("osVersion", Column::OsVersion, &self.os_version),
            ("currency", Column::Currency, &self.currency),
        ];
        let numbers = [
            ("screenWidth", Column::ScreenWidth, &self.screen_width),
            ("screenHeight", Column::ScreenHeight, &self.screen_height),
            ("revenue", Column::Revenue, &self.revenue),
        ];
        let properties = self.property.iter().flatten().enumerate();
        texts
            .into_iter()
            .filter_map(|(name, column, test)| Some((name.to_owned(), column, Test::Text(test.as_deref()?))))
            .chain(
                numbers
                    .into_iter()
                    .filter_map(|(name, column, test)| Some((name.to_owned(), column, Test::Number(test.as_deref()?)))),
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
        let not = self.not.as_deref().map(|filter| ("not".to_owned(), filter));
        and.chain(or).chain(not).chain(self.saved.as_deref().map(|filter| ("segment".to_owned(), filter)))
    }

    /// The same, to be changed.
    fn inner_mut(&mut self) -> impl Iterator<Item = (String, &mut EventFilter)> {
        let Self { and, or, not, saved, .. } = self;
        let and = and.iter_mut().flatten().enumerate().map(|(i, filter)| (format!("and.{i}"), filter));
        let or = or.iter_mut().flatten().enumerate().map(|(i, filter)| (format!("or.{i}"), filter));
        let not = not.as_deref_mut().map(|filter| ("not".to_owned(), filter));
        and.chain(or).chain(not).chain(saved.as_deref_mut().map(|filter| ("segment".to_owned(), filter)))
    }

    /// The filters of its own behaviours, with the paths of their fields.
    fn done_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut BehaviourFilter)> {
        let done = self.has_done.as_deref_mut().map(|behaviour| ("hasDone", behaviour));
        done.into_iter().chain(self.has_not_done.as_deref_mut().map(|behaviour| ("hasNotDone", behaviour)))
    }

    /// What visitors must have done, and whether or not, without what the filters in this one say.
    pub fn behaviours(&self) -> impl Iterator<Item = (&'static str, bool, &BehaviourFilter)> {
        let done = self.has_done.as_deref().into_iter().map(|behaviour| ("hasDone", true, behaviour));
        done.chain(self.has_not_done.as_deref().into_iter().map(|behaviour| ("hasNotDone", false, behaviour)))
    }

    /// How many more times the events have to be gone through for it, where a saved segment asks once for
    /// what visitors did.
    pub fn passes(&self) -> usize {
        let own = self.behaviours().map(|(.., behaviour)| 1 + behaviour.filter.passes()).sum::<usize>();
        own + usize::from(self.segment.is_some()) + self.inner().map(|(_, filter)| filter.passes()).sum::<usize>()
    }

    /// Puts moments in the place of the presets of its behaviours' ranges. `path` is as in
    /// [`Self::validate`].
    pub fn settle(&mut self, path: &str, now_ms: i64, zone: &TimeZone) -> Result<()> {
        for (name, behaviour) in self.done_mut() {
            if let Some(range) = &mut behaviour.range {
                *range = range.resolve_at(&format!("{path}.{name}.range"), now_ms, zone)?.into();
            }
        }
        self.inner_mut().try_for_each(|(name, filter)| filter.settle(&format!("{path}.{name}"), now_ms, zone))
    }

    /// The ids of all saved segments it refers to, with the paths of their fields.
    pub fn segments(&mut self, path: &str) -> Vec<(String, ID)> {
        let mut found = Vec::new();
        let _ = self.each_segment(path, &mut |path, filter| {
            found.extend(filter.segment.clone().map(|id| (path, id)));
            Ok(())
        });
        found
    }

    /// Puts the filters of saved segments in the place of their ids. `find` knows them by id.
    pub fn fill(&mut self, path: &str, find: &impl Fn(&ID) -> Option<EventFilter>) -> Result<()> {
        self.each_segment(path, &mut |path, filter| {
            let Some(id) = filter.segment.take() else { return Ok(()) };
            let found = find(&id).ok_or_else(|| Error::invalid(path, "The app has no saved segment of this id."))?;
            filter.saved = Some(Box::new(found));
            Ok(())
        })
    }

    /// Visits every filter, those of behaviours among them, with the path of its field `segment`.
    fn each_segment(&mut self, path: &str, visit: &mut impl FnMut(String, &mut Self) -> Result<()>) -> Result<()> {
        for (name, filter) in self.inner_mut() {
            filter.each_segment(&format!("{path}.{name}"), visit)?;
        }
        for (name, behaviour) in self.done_mut() {
            behaviour.filter.each_segment(&format!("{path}.{name}.filter"), visit)?;
        }
        visit(format!("{path}.segment"), self)
    }

    /// The columns its conditions look at.
    pub fn columns(&self) -> BTreeSet<Column> {
        let own = self.conditions().map(|(_, column, _)| column);
        let own = own.chain(self.behaviours().map(|_| Column::Visitor));
        own.chain(self.inner().flat_map(|(_, filter)| filter.columns())).collect()
    }

    /// The columns that choose events; none when it lets every event through.
    pub fn looked_at(&self) -> Vec<Column> {
        let mut columns = self.columns();
        // A filter without conditions may all the same let nothing through.
        if columns.is_empty() && *self != Self::default() {
            columns.insert(Column::EventType);
        }
        columns.into_iter().collect()
    }

    /// Which visitors and sessions its conditions tell from others.
    pub fn names(&self) -> Wanted {
        let own = self.conditions().fold(Wanted::default(), |mut names, (_, column, test)| {
            match (column, test) {
                (Column::Visitor, Test::Text(test)) => names.visitors = names.visitors.and(test.who()),
                (Column::Session, Test::Text(test)) => names.sessions = names.sessions.and(test.who()),
                _ => {}
            }
            names
        });
        self.inner().fold(own, |names, (_, filter)| names.and(filter.names()))
    }

    /// Refuses what is too deep, too long or meaningless. `path` is where the filter stands,
    /// such as `filter`; errors name the field below it.
    pub fn validate(&self, path: &str) -> Result<()> {
        self.check(path, 1, false, &mut Held::default())
    }

    /// The same of a filter that is to be saved: it must not refer to another.
    pub fn validate_saved(&mut self, path: &str) -> Result<()> {
        self.validate(path)?;
        match self.segments(path).into_iter().next() {
            Some((path, _)) => Err(Error::invalid(path, "A saved segment cannot refer to another.")),
            None => Ok(()),
        }
    }

    fn check(&self, path: &str, depth: usize, is_behaviour: bool, held: &mut Held) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid(path, format!("Filters may nest at most {MAX_DEPTH} deep.")));
        }
        for (name, _, test) in self.conditions() {
            let path = format!("{path}.{name}");
            held.conditions += test.check(&path)?;
            held.check(&path)?;
        }
        if self.segment.is_some() {
            held.conditions += 1;
            held.check(&format!("{path}.segment"))?;
        }
        for (name, _, behaviour) in self.behaviours() {
            let path = format!("{path}.{name}");
            if is_behaviour {
                return Err(Error::invalid(path, "What visitors did cannot depend on what visitors did."));
            }
            if behaviour.at_least < 1 {
                return Err(Error::invalid(format!("{path}.atLeast"), "atLeast must be at least 1."));
            }
            held.conditions += 1;
            held.behaviours += 1;
            held.check(&path)?;
            behaviour.filter.check(&format!("{path}.filter"), depth + 1, true, held)?;
        }
        for (name, filter) in self.inner() {
            // An empty filter counts too: without it, wide and empty lists would be free.
            held.conditions += 1;
            // How deep a saved segment is was checked when it was saved.
            let depth = if name == "segment" { 1 } else { depth + 1 };
            filter.check(&format!("{path}.{name}"), depth, is_behaviour, held)?;
        }
        Ok(())
    }
}

impl Held {
    fn check(&self, path: &str) -> Result<()> {
        if self.conditions > MAX_CONDITIONS {
            return Err(Error::invalid(path, format!("A filter may hold at most {MAX_CONDITIONS} conditions.")));
        }
        if self.behaviours > MAX_BEHAVIOURS {
            let text = format!("A filter may ask at most {MAX_BEHAVIOURS} times what visitors did.");
            return Err(Error::invalid(path, text));
        }
        Ok(())
    }
}
