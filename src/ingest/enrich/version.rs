//! Versions out of user agents: of browsers the major one, of systems what is not a lie. Browsers
//! have frozen much of what they say: macOS is always 10.15.7, and Chrome's Android always 10.

use super::agent::BROWSERS;

/// The major version of a browser.
pub(super) fn of_browser(text: &str, browser: &str) -> Option<String> {
    let own = BROWSERS.iter().filter(|(mark, name)| *name == browser && mark.ends_with('/')).map(|(mark, _)| *mark);
    let marks: &[&str] = match browser {
        "Safari" => &["Version/"],
        "Chrome" | "Android WebView" | "Headless Chrome" => &["Chrome/", "CriOS/", "HeadlessChrome/"],
        "Firefox" => &["Firefox/", "FxiOS/"],
        "Opera" => &["OPR/", "Version/", "Opera/"],
        "Instagram" => &["Instagram "],
        "Internet Explorer" => &["MSIE ", "rv:"],
        _ => &[],
    };
    marks.iter().copied().chain(own).find_map(|mark| number(after(text, mark)?, 1))
}

/// The version of a system.
pub(super) fn of_os(text: &str, os: &str) -> Option<String> {
    match os {
        "Windows" => match number(after(text, "Windows NT ")?, 2)?.as_str() {
            "10.0" => Some("10"),
            "6.3" => Some("8.1"),
            "6.2" => Some("8"),
            "6.1" => Some("7"),
            _ => None,
        }
        .map(str::to_owned),
        "iOS" => number(after(text, "iPhone OS ").or_else(|| after(text, "CPU OS "))?, 2),
        "macOS" => number(after(text, "Mac OS X ")?, 2).filter(|version| version != "10.15"),
        "Android" if text.contains("Android 10; K)") => None,
        "Android" => number(after(text, "Android ")?, 1),
        _ => None,
    }
}

/// The version of a system as an event says it.
pub(super) fn told(text: &str, os: &str) -> Option<String> {
    number(text, if matches!(os, "Android" | "Windows" | "Chrome OS") { 1 } else { 2 })
}

/// The first part of a version.
pub(super) fn major(text: &str) -> Option<String> {
    number(text, 1)
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, after)| after)
}

/// The first parts of a version that is written with dots or underscores; a last part of zero is left
/// out where there is more than one.
fn number(text: &str, parts: usize) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let parts: Vec<&str> = text.get(..end)?.split(['.', '_']).take(parts).filter(|part| !part.is_empty()).collect();
    let version = parts.join(".");
    (!version.is_empty() && version.len() <= 12).then_some(version)
}
