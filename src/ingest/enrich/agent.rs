//! User agents: woothee knows the old world, isbot the robots; this adds what both lack, which is
//! in-app browsers, tablets, televisions, and names as people use them.

use isbot::Bots;
use woothee::parser::Parser;

/// What a user agent says about who is behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// Such as `Firefox`.
    pub browser: Option<String>,
    /// Such as `Android`.
    pub os: Option<String>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    pub device: Option<&'static str>,
}

/// Browsers by a mark in the user agent; the first that fits wins. They stand before woothee
/// because most of them also call themselves Chrome or Safari.
const BROWSERS: &[(&str, &str)] = &[
    ("HeadlessChrome/", "Headless Chrome"),
    ("FBAN/", "Facebook"),
    ("FBAV/", "Facebook"),
    ("Instagram ", "Instagram"),
    ("musical_ly", "TikTok"),
    ("BytedanceWebview", "TikTok"),
    ("LinkedInApp", "LinkedIn"),
    ("Snapchat/", "Snapchat"),
    ("Pinterest/", "Pinterest"),
    ("MicroMessenger/", "WeChat"),
    ("Line/", "LINE"),
    ("GSA/", "Google App"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera Mini", "Opera Mini"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("UCBrowser/", "UC Browser"),
    ("MiuiBrowser/", "Mi Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("Silk/", "Silk"),
    ("Whale/", "Whale"),
    ("Focus/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("; wv)", "Android WebView"),
    ("Electron/", "Electron"),
];

const TELEVISIONS: &[&str] = &[
    "SmartTV",
    "SMART-TV",
    "Smart-TV",
    "Smart TV",
    "GoogleTV",
    "Google TV",
    "Android TV",
    "AppleTV",
    "Apple TV",
    "HbbTV",
    "BRAVIA",
    "CrKey",
    "Roku",
    "Web0S",
    "NetCast",
    "Viera",
    "AFTT",
    "AFTM",
    "AFTB",
    "AFTS",
    "AFTK",
];
const CONSOLES: &[&str] = &["PlayStation", "PLAYSTATION", "Nintendo", "Xbox"];
const TABLETS: &[&str] = &["iPad", "Tablet", "tablet", "Kindle", "PlayBook", "KFAPWI", "KFTT"];

impl Agent {
    /// Reads a user agent.
    pub(super) fn parse(text: &str, bots: &Bots) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::default();
        }
        let parsed = Parser::new().parse(text).unwrap_or_default();
        let marked = BROWSERS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
        let os = os(text, parsed.os);
        let robot = parsed.category == "crawler" || bots.is_bot(text);
        let device = if robot { Some("bot") } else { device(text, parsed.category, os) };
        let browser = marked.or_else(|| browser(text, parsed.name, os)).map(str::to_owned);
        Self { browser, os: os.map(str::to_owned), device }
    }
}

fn browser<'a>(text: &str, name: &'a str, os: Option<&str>) -> Option<&'a str> {
    match name {
        "" | "UNKNOWN" => None,
        "Webview" | "Safari" if os == Some("iOS") && !text.contains("Version/") => Some("iOS WebView"),
        "Webview" => Some("WebView"),
        name => Some(name),
    }
}

fn os<'a>(text: &str, name: &'a str) -> Option<&'a str> {
    match name {
        _ if text.contains("Xbox") => Some("Xbox"),
        _ if text.contains("Tizen") => Some("Tizen"),
        _ if text.contains("Web0S") || text.contains("webOS.TV") => Some("webOS"),
        _ if text.contains("AppleTV") || text.contains("Apple TV") => Some("tvOS"),
        _ if text.contains("Windows Phone") => Some("Windows Phone"),
        _ if text.contains("Android") => Some("Android"),
        "iPhone" | "iPad" | "iPod" | "iOS" => Some("iOS"),
        "Mac OSX" | "Mac OS Classic" => Some("macOS"),
        "ChromeOS" => Some("Chrome OS"),
        name if name.starts_with("Windows") => Some("Windows"),
        "" | "UNKNOWN" => ["Linux", "Windows"].into_iter().find(|os| text.contains(os)),
        name => Some(name),
    }
}

fn device(text: &str, category: &str, os: Option<&str>) -> Option<&'static str> {
    let has = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    if has(TELEVISIONS) || (os == Some("Tizen") && text.contains("TV")) {
        return Some("tv");
    }
    if has(CONSOLES) {
        return Some("console");
    }
    // Android says "Mobile" on telephones only.
    if has(TABLETS)
        || (os == Some("Android") && !text.contains("Mobile"))
        || text.contains("Silk/") && !text.contains("Mobile")
    {
        return Some("tablet");
    }
    if text.contains("Mobi")
        || matches!(category, "smartphone" | "mobilephone")
        || matches!(os, Some("iOS" | "Android"))
    {
        return Some("mobile");
    }
    match os {
        Some("Windows" | "macOS" | "Linux" | "Chrome OS") => Some("desktop"),
        _ => matches!(category, "pc").then_some("desktop"),
    }
}
