//! Devices as clients of others describe them, in the words that user agents are put into: an app on a
//! telephone says in its events what a browser says in its user agent.

use super::{
    agent::{Agent, BROWSERS, Sort},
    version,
};

/// What an event says of the device it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device(Agent);

/// Kinds of devices, and what they are called by clients in lower case.
const KINDS: &[(&str, &[&str])] = &[
    ("mobile", &["mobile", "phone", "smartphone", "handset", "ios", "android"]),
    ("tablet", &["tablet", "ipad"]),
    ("desktop", &["desktop", "macos", "windows", "linux"]),
    ("tv", &["tv", "tvos", "smart tv"]),
    ("console", &["console"]),
];

/// Systems likewise.
const SYSTEMS: &[(&str, &[&str])] = &[
    ("iOS", &["ios", "ipados", "iphone os"]),
    ("Android", &["android"]),
    ("macOS", &["macos", "mac os x", "mac os", "os x"]),
    ("Windows", &["windows"]),
    ("Linux", &["linux"]),
    ("Chrome OS", &["chrome os", "chromeos"]),
    ("tvOS", &["tvos"]),
];

/// Browsers that no mark of a user agent tells, but a name of their own.
const PLAIN: &[&str] = &["Chrome", "Safari", "Firefox", "Opera", "Internet Explorer"];

impl Device {
    /// A device of this kind; nothing where the kind is none that is known here, for servers describe
    /// themselves too, and say none.
    pub fn of_kind(kind: Option<&str>) -> Option<Self> {
        let device = Some(known(KINDS, kind?)?);
        Some(Self(Agent { sort: Sort::Person, device, ..Agent::default() }))
    }

    /// And it is a tablet, whatever was said before.
    pub fn tablet(mut self) -> Self {
        self.0.device = Some("tablet");
        self
    }

    /// With this system, where it is known here.
    pub fn on(mut self, system: Option<&str>, version: Option<&str>) -> Self {
        let system = system.and_then(|system| known(SYSTEMS, system));
        self.0.os_version = system.zip(version).and_then(|(system, version)| version::told(version, system));
        self.0.os = system.map(str::to_owned);
        self
    }

    /// With this browser, where it is known here.
    pub fn with(mut self, browser: Option<&str>, version: Option<&str>) -> Self {
        let named = browser.map(|name| name.trim_start_matches("Microsoft ").trim_start_matches("Mobile "));
        let named = named.map(|name| name.trim_end_matches(" iOS"));
        let all = BROWSERS.iter().map(|(_, name)| name).chain(PLAIN);
        let browser = named.and_then(|named| all.copied().find(|name| *name == named));
        self.0.browser_version = browser.and(version).and_then(version::major);
        self.0.browser = browser.map(str::to_owned);
        self
    }

    /// As a user agent would have said it.
    pub(in crate::ingest) fn agent(&self) -> &Agent {
        &self.0
    }
}

fn known(words: &[(&'static str, &[&str])], said: &str) -> Option<&'static str> {
    let said = said.trim().to_ascii_lowercase();
    words.iter().find(|(_, names)| names.contains(&said.as_str())).map(|(word, _)| *word)
}
