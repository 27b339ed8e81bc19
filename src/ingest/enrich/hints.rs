//! Client Hints: what Chromium's browsers say of themselves beside a user agent that they have frozen.
//! Name of the browser, mobile and platform come with every request over TLS; versions come from
//! pages that ask for them by `Accept-CH` and pass them on by `Permissions-Policy`.

use super::agent::{Agent, Sort};

/// What a request says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Name and version, as the browser lists them.
    brands: Vec<(String, String)>,
    is_mobile: Option<bool>,
    platform: Option<String>,
    platform_version: Option<String>,
}

/// How many brands are looked at.
const BRANDS: usize = 8;

/// Brands that are called otherwise here.
const NAMES: &[(&str, &str)] = &[
    ("Google Chrome", "Chrome"),
    ("Chromium", "Chrome"),
    ("Microsoft Edge", "Edge"),
    ("Opera GX", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("Yandex", "Yandex Browser"),
    ("Naver Whale", "Whale"),
];

/// Systems that hints may correct each other to; consoles and televisions know better.
const PLATFORMS: &[&str] = &["Windows", "macOS", "Linux", "Chrome OS", "Android", "iOS"];

impl Hints {
    /// Reads them out of the headers that `header` finds by their names; none where there is none.
    pub fn read<'h>(header: impl Fn(&'static str) -> Option<&'h str>) -> Option<Self> {
        let brands = header("sec-ch-ua-full-version-list").or_else(|| header("sec-ch-ua"));
        let text = |name| header(name).map(unquoted).filter(|text| !text.is_empty());
        let hints = Self {
            brands: brands.map(list).unwrap_or_default(),
            is_mobile: header("sec-ch-ua-mobile").map(|value| value.trim() == "?1"),
            platform: text("sec-ch-ua-platform"),
            platform_version: text("sec-ch-ua-platform-version"),
        };
        (hints != Self::default()).then_some(hints)
    }

    /// What a user agent says, made more precise. What is no person's browser stays as it is.
    pub(in crate::ingest) fn refine(&self, agent: &Agent) -> Agent {
        let mut agent = agent.clone();
        if agent.sort != Sort::Person {
            return agent;
        }
        if let Some((name, version)) = self.browser() {
            // A user agent that names more than Chrome has told the truth.
            if agent.browser.as_deref().is_none_or(|browser| browser == "Chrome") {
                agent.browser = Some(name.to_owned());
            }
            if agent.browser.as_deref() == Some(name) {
                agent.browser_version = major(version).or(agent.browser_version);
            }
        }
        let is_known = agent.os.as_deref().is_none_or(|os| PLATFORMS.contains(&os));
        if let Some(platform) = self.platform().filter(|_| is_known) {
            let version = self.platform_version.as_deref().and_then(|version| system(platform, version));
            if agent.os.as_deref() != Some(platform) {
                agent.os_version = None;
            }
            agent.os_version = version.or(agent.os_version);
            agent.os = Some(platform.to_owned());
        }
        // A telephone or tablet that asks for the page as desktops see it.
        if agent.device == Some("desktop") && agent.os.as_deref() == Some("Android") {
            agent.device = Some(if self.is_mobile == Some(true) { "mobile" } else { "tablet" });
        }
        agent
    }

    /// The brand that is neither the engine nor nonsense; the engine where there is no other.
    fn browser(&self) -> Option<(&str, &str)> {
        let is_nonsense = |name: &str| name.is_empty() || (name.contains("Not") && name.contains("Brand"));
        let named = self.brands.iter().filter(|(name, _)| !is_nonsense(name));
        let (name, version) = named.clone().find(|(name, _)| name != "Chromium").or_else(|| named.clone().next())?;
        let known = NAMES.iter().find(|(brand, _)| brand == name).map_or(name.as_str(), |(_, known)| *known);
        Some((known, version))
    }

    fn platform(&self) -> Option<&'static str> {
        let platform = self.platform.as_deref()?;
        let platform = if platform == "Chromium OS" { "Chrome OS" } else { platform };
        PLATFORMS.iter().find(|known| **known == platform).copied()
    }
}

/// `"Brand";v="1", "Other";v="2"`
fn list(header: &str) -> Vec<(String, String)> {
    let mut brands = Vec::new();
    let mut rest = header;
    while brands.len() < BRANDS
        && let Some((name, after)) = quoted(rest)
    {
        let end = after.find(',').unwrap_or(after.len());
        let (parameters, next) = after.split_at(end);
        let version = quoted(parameters).map(|(version, _)| version).unwrap_or_default();
        brands.push((kept(name), kept(version)));
        rest = next;
    }
    brands
}

/// The first text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.split_once('"')?.1.split_once('"')
}

fn unquoted(text: &str) -> String {
    kept(text.trim().trim_matches('"'))
}

/// Bounded, as whatever is stored.
fn kept(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(50).collect()
}

fn major(version: &str) -> Option<String> {
    let major: String = version.chars().take_while(char::is_ascii_digit).take(6).collect();
    (!major.is_empty()).then_some(major)
}

/// The version of a system as people say it. Windows counts on from 13, which is its 11.
fn system(platform: &str, version: &str) -> Option<String> {
    let major = major(version)?;
    let number: u32 = major.parse().ok()?;
    match platform {
        "Windows" => match (number, version) {
            (13.., _) => Some("11".to_owned()),
            (1..13, _) => Some("10".to_owned()),
            (_, version) if version.starts_with("0.3") => Some("8.1".to_owned()),
            (_, version) if version.starts_with("0.2") => Some("8".to_owned()),
            (_, version) if version.starts_with("0.1") => Some("7".to_owned()),
            _ => None,
        },
        "Linux" => None,
        "Android" | "Chrome OS" => Some(major),
        _ => {
            let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
            Some(minor.map_or_else(|| major.clone(), |minor| format!("{major}.{minor}")))
        }
    }
}
