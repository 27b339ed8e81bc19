//! Events as columns: what every question is computed on.
//!
//! A [`Batch`] holds some thousands of events as arrays. Times are milliseconds; everything else
//! is a code into the [`Dictionary`] of its column, which one scan shares over all its batches,
//! so that counting, grouping and telling visitors apart is arithmetic on small integers.
//! Kernels see nothing else: they know neither rows nor SQL, and whatever yields batches
//! (today rows, streamed) can feed them.

mod batch;
mod dictionary;
pub mod property;
mod row;
mod scan;

pub use batch::{Batch, Columns, View};
pub use dictionary::Dictionary;
pub use scan::{Order, Scan, scan};

/// A column a question may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Column {
    /// What happened.
    EventType,
    /// Whom it counts for: the user id, or the anonymous id where there is none.
    Visitor,
    /// The visit.
    Session,
    /// Whole address.
    Url,
    /// Host of the address.
    Hostname,
    /// Path of the address.
    Path,
    /// Whole referring address.
    Referrer,
    /// Its host.
    ReferrerDomain,
    /// `utm_source`
    UtmSource,
    /// `utm_medium`
    UtmMedium,
    /// `utm_campaign`
    UtmCampaign,
    /// `utm_term`
    UtmTerm,
    /// `utm_content`
    UtmContent,
    /// The page's title.
    Title,
    /// Browser name.
    Browser,
    /// Its major version.
    BrowserVersion,
    /// Operating system.
    Os,
    /// Its version.
    OsVersion,
    /// Kind of device.
    Device,
    /// Two-letter country.
    Country,
    /// Part of the country.
    Region,
    /// Town.
    City,
    /// First language.
    Language,
    /// What it brought in, as decimal text.
    Revenue,
    /// Its currency.
    Currency,
    /// `true` or `false`: whether nobody is behind it.
    IsBot,
    /// Screen width in CSS pixels, as decimal text.
    ScreenWidth,
    /// Screen height in CSS pixels, as decimal text.
    ScreenHeight,
    /// `widthxheight` of the screen.
    Screen,
    /// A custom property by its key; entries are JSON scalars or documents as text.
    Property(String),
}

/// Code of "no value" in every dictionary.
pub const NONE: u32 = 0;
