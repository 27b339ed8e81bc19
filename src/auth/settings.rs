//! What the owner of an app has decided about its events, in the form in which each event meets it.

use std::net::IpAddr;

use ipnet::IpNet;
use sea_orm::prelude::Json;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::{
    entity::app::{BotPolicy, IpMode, Model},
    error::{Error, Result},
};

/// How many entries a list may have.
const ENTRIES: usize = 100;
/// Bytes of an entry.
const ENTRY_BYTES: usize = 200;

/// The settings of an app.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whose.
    pub app_id: Uuid,
    /// What is kept of addresses; what the server is told, where it is absent.
    pub ip_mode: Option<IpMode>,
    /// What becomes of bots.
    pub bot_policy: BotPolicy,
    /// Origins whose pages may send events; any where it is empty.
    pub allowed_origins: Origins,
    excluded_ips: Vec<IpNet>,
    excluded_paths: Vec<String>,
}

impl Settings {
    /// The settings of a row. What was valid once stays so: an entry that can not be read any more
    /// is left out.
    pub fn of(app: &Model) -> Self {
        let networks = entries(app.excluded_ips.as_ref());
        Self {
            app_id: app.id,
            ip_mode: app.ip_mode,
            bot_policy: app.bot_policy,
            allowed_origins: Origins::of(app.allowed_origins.as_ref()),
            excluded_ips: networks.iter().filter_map(|text| network(text)).collect(),
            excluded_paths: entries(app.excluded_paths.as_ref()),
        }
    }

    /// Whether events of this address are left out.
    pub fn excludes_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.excluded_ips.iter().any(|network| network.contains(&ip))
    }

    /// Whether events of this path are left out.
    pub fn excludes_path(&self, path: &str) -> bool {
        self.excluded_paths.iter().any(|pattern| fits(pattern, path))
    }
}

/// A list of origins; of an empty one nobody is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// As it is stored.
    pub fn of(stored: Option<&Json>) -> Self {
        Self(entries(stored))
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a page of this origin may send events.
    pub fn admit(&self, origin: &str) -> bool {
        let origin = origin.trim().to_ascii_lowercase();
        self.is_empty() || self.0.iter().any(|listed| fits(listed, &origin))
    }
}

/// A stored list of texts.
pub fn entries(stored: Option<&Json>) -> Vec<String> {
    let list = stored.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A list of origins as it is stored; nothing for an empty one.
pub fn checked_origins(field: &str, list: &[String]) -> Result<Option<Json>> {
    checked(field, list, "Expected origins such as https://shop.example or https://*.shop.example.", |text| {
        // A star stands for subdomains, and is no character of a host.
        let url = Url::parse(&text.replacen("://*.", "://", 1)).ok()?;
        let is_origin = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let origin = url.origin().ascii_serialization();
        let has_star = text.contains("://*.");
        (is_origin && is_bare && !origin.contains('*'))
            .then(|| if has_star { origin.replacen("://", "://*.", 1) } else { origin })
    })
}

/// A list of networks as it is stored; nothing for an empty one.
pub fn checked_networks(field: &str, list: &[String]) -> Result<Option<Json>> {
    checked(field, list, "Expected addresses or networks such as 203.0.113.7 or 2001:db8::/32.", |text| {
        Some(network(text)?.to_string())
    })
}

/// A list of patterns of paths as it is stored; nothing for an empty one.
pub fn checked_paths(field: &str, list: &[String]) -> Result<Option<Json>> {
    checked(field, list, "Expected paths such as /admin/*, where * stands for any characters.", |text| {
        let is_path = (text.starts_with('/') || text.starts_with('*')) && !text.chars().any(char::is_control);
        is_path.then(|| text.to_owned())
    })
}

fn checked(
    field: &str,
    list: &[String],
    expected: &str,
    entry: impl Fn(&str) -> Option<String>,
) -> Result<Option<Json>> {
    if list.len() > ENTRIES {
        return Err(Error::invalid(field, format!("Expected at most {ENTRIES} entries.")));
    }
    let mut checked = Vec::with_capacity(list.len());
    for text in list {
        let text = text.trim();
        let entry = (text.len() <= ENTRY_BYTES).then(|| entry(text)).flatten();
        let entry = entry.ok_or_else(|| Error::invalid(field, expected))?;
        if !checked.contains(&entry) {
            checked.push(entry);
        }
    }
    Ok((!checked.is_empty()).then(|| Value::from(checked)))
}

/// A network, or an address as the network of itself; of IPv4 in its own notation.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical())));
    Some(network.ok()?.trunc())
}

/// Whether a text fits a pattern in which `*` stands for any characters. Takes time in proportion to
/// the product of their lengths at most.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // The last star met, and how much of the text it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, from));
            at += 1;
        } else if pattern.get(at) == text.get(from) {
            (at, from) = (at + 1, from + 1);
        } else if let Some((place, swallowed)) = star {
            star = Some((place, swallowed + 1));
            (at, from) = (place + 1, swallowed + 1);
        } else {
            return false;
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, is) in [
            ("/admin", "/admin", true),
            ("/admin", "/admin/", false),
            ("/admin/*", "/admin/a/b", true),
            ("/admin/*", "/admin", false),
            ("*/edit", "/a/edit/edit", true),
            ("/a*b*c", "/axxbyyc", true),
            ("/a*b*c", "/axxbyy", false),
            ("*", "", true),
            ("/ä*", "/äö", true),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
        assert!(!fits(&"*a".repeat(100), &"a".repeat(99)));
    }

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        let list = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            checked_origins("input.allowedOrigins", &texts)
        };
        let stored = list(&["HTTPS://Shop.Example/", "http://localhost:3000", "https://*.shop.example:443"]).unwrap();
        let origins = Origins::of(stored.as_ref());
        for (origin, is) in [
            ("https://shop.example", true),
            ("http://shop.example", false),
            ("http://localhost:3000", true),
            ("https://a.b.shop.example", true),
            ("https://evilshop.example", false),
            ("https://shop.example.evil.example", false),
            ("null", false),
        ] {
            assert_eq!(origins.admit(origin), is, "{origin}");
        }
        for wrong in ["shop.example", "*", "https://*", "https://a.*.example", "ftp://a.example", "https://a/b", ""] {
            assert_eq!(list(&[wrong]).unwrap_err().field(), Some("input.allowedOrigins"), "{wrong}");
        }
        assert_eq!(list(&[]).unwrap(), None);
    }
}
