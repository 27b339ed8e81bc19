//! User agents: woothee knows the old world, isbot the robots; this adds what both lack, which is
//! servers, in-app browsers, tablets, televisions, and names as people use them.

use isbot::Bots;
use woothee::parser::Parser;

use super::version;

/// Who is behind a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// A server that sends for others, or nobody can tell.
    #[default]
    Server,
    /// Somebody with a browser or an app.
    Person,
    /// Nobody: a crawler, a preview, a monitor.
    Bot,
}

/// What a user agent says about who is behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// Who is behind it.
    pub sort: Sort,
    /// Such as `Firefox`.
    pub browser: Option<String>,
    /// Its major version.
    pub browser_version: Option<String>,
    /// Such as `Android`.
    pub os: Option<String>,
    /// Its version, where the user agent still tells the truth about it.
    pub os_version: Option<String>,
    /// `desktop`, `mobile`, `tablet`, `tv`, `console` or `bot`.
    pub device: Option<&'static str>,
}

/// Browsers by a mark in the user agent; the first that fits wins. They stand before woothee
/// because most of them also call themselves Chrome or Safari.
pub(super) const BROWSERS: &[(&str, &str)] = &[
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

/// How the user agents of HTTP libraries and of servers' SDKs begin, in lower case.
const SERVERS: &[&str] = &[
    "@segment/",
    "@umami/",
    "aiohttp",
    "analytics-",
    "analytics.net",
    "apache-httpclient",
    "axios",
    "bun/",
    "curl",
    "dart/",
    "deno/",
    "faraday",
    "go-http-client",
    "got ",
    "guzzlehttp",
    "httpie",
    "hyper/",
    "insomnia",
    "jakarta",
    "java",
    "ktor",
    "libwww-perl",
    "node",
    "okhttp",
    "php",
    "posthog-",
    "postmanruntime",
    "python",
    "reactornetty",
    "reqwest",
    "rest-client",
    "restsharp",
    "ruby",
    "rudder",
    "segment",
    "symfony",
    "umami",
    "undici",
    "ureq",
    "vertx",
    "wget",
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
        let lower = text.to_ascii_lowercase();
        // Umami's own client for servers begins as a browser does.
        if SERVERS.iter().any(|mark| lower.starts_with(mark)) || lower.starts_with("mozilla/5.0 umami/") {
            return Self::default();
        }
        let parsed = Parser::new().parse(text).unwrap_or_default();
        let marked = BROWSERS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
        let os = os(text, parsed.os);
        let robot = parsed.category == "crawler" || bots.is_bot(text);
        let device = if robot { Some("bot") } else { device(text, parsed.category, os) };
        let sort = if robot { Sort::Bot } else { Sort::Person };
        let browser = marked.or_else(|| browser(text, parsed.name, os)).map(str::to_owned);
        let browser_version = browser.as_deref().and_then(|browser| version::of_browser(text, browser));
        let os_version = os.and_then(|os| version::of_os(text, os));
        Self { sort, browser, browser_version, os: os.map(str::to_owned), os_version, device }
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
