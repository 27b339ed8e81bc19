//! The session's token as a browser carries it, and who may make the browser carry it here.

use url::Url;

use crate::config::Config;

/// A cookie of ours, by its name where the server is reached without TLS, and the only paths it is sent to there.
///
/// By https it has a name that browsers take from this very host alone, with `Secure` and for every path: neither
/// another host of the same domain nor whoever is on the way can put one of theirs in its place.
#[derive(Debug, Clone, Copy)]
pub struct Cookie(&'static str, &'static str);

/// The cookie that holds the session's token.
pub const SESSION: Cookie = Cookie("uea_session", "/");

/// The cookie that ties an attempt to sign in elsewhere to its browser.
pub const TICKET: Cookie = Cookie("uea_sign_in", "/auth");

impl Cookie {
    /// `Set-Cookie` for a cookie that scripts cannot read and that other sites' forms do not send.
    pub fn set(self, value: &str, max_age_seconds: i64, public_url: &Url) -> String {
        let name = self.name(public_url);
        let (path, secure) = if is_https(public_url) { ("/", "; Secure") } else { (self.1, "") };
        format!("{name}={value}; Path={path}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// `Set-Cookie` that makes the browser forget it.
    pub fn clear(self, public_url: &Url) -> String {
        self.set("", 0, public_url)
    }

    /// Its value among `Cookie` headers; nothing where there are two of the name, as one of them is not ours.
    pub fn read<'a>(self, headers: impl IntoIterator<Item = &'a str>, public_url: &Url) -> Option<&'a str> {
        let name = self.name(public_url);
        let pairs =
            headers.into_iter().flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }

    fn name(self, public_url: &Url) -> String {
        let prefix = if is_https(public_url) { "__Host-" } else { "" };
        format!("{prefix}{}", self.0)
    }
}

fn is_https(public_url: &Url) -> bool {
    public_url.scheme() == "https"
}

/// Whether a request that a cookie signs was sent by a page we trust: by its `Origin`, or by
/// `Sec-Fetch-Site`, which no page can forge. A browser tells at least one of them with every
/// request that may change something.
pub fn is_trusted_page(config: &Config, origin: Option<&str>, sec_fetch_site: Option<&str>) -> bool {
    let ours = |origin: &str| {
        origin == config.public_url.origin().ascii_serialization()
            || config.cors_allowed_origins.iter().any(|allowed| allowed == origin)
    };
    origin.is_some_and(ours) || sec_fetch_site == Some("same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let plain = Url::parse("http://127.0.0.1:8080").expect("an address");
        for (headers, value) in [
            (vec!["uea_session=a.b.c"], Some("a.b.c")),
            (vec!["theme=dark; uea_session=a=b;x"], Some("a=b")),
            (vec!["uea_session=; uea_session=a"], Some("a")),
            (vec!["uea_session=b; uea_session=a"], None),
            (vec!["uea_session=b", "uea_session=a"], None),
            (vec!["not_uea_session=a"], None),
            (vec!["__Host-uea_session=a"], None),
            (vec!["uea_session"], None),
            (vec![], None),
        ] {
            assert_eq!(SESSION.read(headers.clone(), &plain), value, "{headers:?}");
        }
    }

    #[test]
    fn by_https_a_cookie_is_of_this_host_alone() {
        let url = Url::parse("https://events.example").expect("an address");
        for (cookie, name) in [(SESSION, "__Host-uea_session"), (TICKET, "__Host-uea_sign_in")] {
            let set = format!("{name}=a; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
            assert_eq!(cookie.set("a", 60, &url), set);
            let (good, other) = (format!("{name}=a"), name.replace("__Host-", ""));
            assert_eq!(cookie.read([good.as_str()], &url), Some("a"));
            assert_eq!(cookie.read([format!("{other}=a").as_str()], &url), None, "a name that anybody may set");
        }
    }
}
