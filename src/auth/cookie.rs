//! The session's token as a browser carries it, and who may make the browser carry it here.

use url::Url;

use crate::config::Config;

/// The cookie that holds the session's token.
pub const SESSION: &str = "uea_session";

/// `Set-Cookie` for a cookie that scripts cannot read and that other sites' forms do not send.
/// `Secure` wherever the server is reached by https.
pub fn set(name: &str, value: &str, path: &str, max_age_seconds: i64, public_url: &Url) -> String {
    let secure = if public_url.scheme() == "https" { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// `Set-Cookie` that makes the browser forget a cookie.
pub fn clear(name: &str, path: &str, public_url: &Url) -> String {
    set(name, "", path, 0, public_url)
}

/// The value of the cookie `name` in a `Cookie` header.
pub fn read<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
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
        for (header, value) in [
            ("uea_session=a.b.c", Some("a.b.c")),
            ("theme=dark; uea_session=a=b;x", Some("a=b")),
            ("uea_session=; uea_session=a", Some("a")),
            ("not_uea_session=a", None),
            ("uea_session", None),
            ("", None),
        ] {
            assert_eq!(read(header, SESSION), value, "{header}");
        }
    }
}
