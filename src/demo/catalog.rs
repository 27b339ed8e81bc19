//! The shop of the demo: its pages, its goods, and where its visitors come from.

/// Pages that are not products, and how often each is looked at.
pub const PAGES: &[(&str, f64)] = &[
    ("/", 30.0),
    ("/coffee", 18.0),
    ("/coffee/espresso", 9.0),
    ("/coffee/filter", 8.0),
    ("/equipment", 7.0),
    ("/subscriptions", 6.0),
    ("/guides/first-pour-over", 5.0),
    ("/guides/grind-size", 4.0),
    ("/guides/water", 2.5),
    ("/guides/milk", 2.0),
    ("/blog/harvest-report", 2.0),
    ("/blog/roasting-lighter", 1.5),
    ("/about", 1.5),
    ("/stores", 1.2),
    ("/pricing/wholesale", 0.8),
    ("/help/shipping", 1.0),
    ("/help/returns", 0.6),
];

/// Products: path, name, price in cents, popularity.
pub const PRODUCTS: &[(&str, &str, u32, f64)] = &[
    ("/products/morning-blend", "Morning Blend 250 g", 1150, 10.0),
    ("/products/yirgacheffe", "Yirgacheffe 250 g", 1480, 8.0),
    ("/products/huila", "Huila 250 g", 1390, 6.0),
    ("/products/decaf-sidra", "Decaf Sidra 250 g", 1520, 3.0),
    ("/products/espresso-no-4", "Espresso No. 4 1 kg", 3290, 7.0),
    ("/products/paper-filters", "Paper filters ×100", 690, 4.0),
    ("/products/dripper", "Ceramic dripper", 2450, 3.5),
    ("/products/hand-grinder", "Hand grinder", 8900, 2.5),
    ("/products/gooseneck-kettle", "Gooseneck kettle", 7450, 2.0),
    ("/products/scale", "Brewing scale", 4990, 1.5),
    ("/products/tasting-box", "Tasting box", 2900, 4.5),
    ("/products/gift-card", "Gift card", 5000, 1.0),
];

/// A way in: referrer, campaign parameters, how common it is.
pub const SOURCES: &[(Option<&str>, Option<&str>, f64)] = &[
    (None, None, 34.0),
    (Some("https://www.google.com/"), None, 26.0),
    (Some("https://duckduckgo.com/"), None, 5.0),
    (Some("https://www.bing.com/"), None, 3.0),
    (Some("https://www.instagram.com/"), None, 4.0),
    (Some("https://www.reddit.com/r/Coffee/"), None, 4.5),
    (Some("https://news.ycombinator.com/"), None, 2.0),
    (Some("https://www.youtube.com/"), None, 3.0),
    (None, Some("utm_source=newsletter&utm_medium=email&utm_campaign=november-roast"), 8.0),
    (
        Some("https://www.google.com/"),
        Some("utm_source=google&utm_medium=cpc&utm_campaign=espresso-search&utm_term=espresso+beans"),
        6.0,
    ),
    (
        Some("https://www.instagram.com/"),
        Some("utm_source=instagram&utm_medium=social&utm_campaign=tasting-box&utm_content=story"),
        4.5,
    ),
    (
        Some("https://partner.example/beans"),
        Some("utm_source=partner&utm_medium=referral&utm_campaign=affiliates"),
        1.5,
    ),
];

/// Country, hours ahead of UTC, share of visitors.
pub const COUNTRIES: &[(&str, i64, f64)] = &[
    ("US", -6, 28.0),
    ("DE", 1, 15.0),
    ("GB", 0, 11.0),
    ("FR", 1, 7.0),
    ("NL", 1, 5.0),
    ("CA", -5, 5.0),
    ("SE", 1, 3.0),
    ("ES", 1, 4.0),
    ("IT", 1, 4.0),
    ("AU", 10, 4.0),
    ("JP", 9, 4.0),
    ("BR", -3, 3.0),
    ("IN", 5, 4.0),
    ("NZ", 12, 1.0),
    ("KE", 3, 1.0),
    ("CO", -5, 1.0),
];

/// User agent, screen width and height, share of visitors.
pub const AGENTS: &[(&str, u32, u32, f64)] = &[
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        1920,
        1080,
        20.0,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
        1536,
        864,
        6.0,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", 1920, 1080, 4.0),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
        1440,
        900,
        9.0,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        1728,
        1117,
        8.0,
    ),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", 2560, 1440, 3.0),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        393,
        852,
        24.0,
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
        412,
        915,
        16.0,
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
        384,
        854,
        5.0,
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        820,
        1180,
        4.0,
    ),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 1024, 1024, 1.0),
];

/// What people look for.
pub const SEARCHES: &[&str] =
    &["decaf", "grinder", "filters", "espresso", "gift", "ethiopia", "kettle", "subscription"];

/// How busy each hour of a visitor's own day is.
pub const HOURS: [f64; 24] = [
    1.2, 0.7, 0.5, 0.4, 0.5, 1.0, 2.4, 4.2, 5.6, 6.0, 5.8, 5.6, 6.2, 5.8, 5.2, 5.0, 5.0, 5.2, 5.8, 6.6, 7.2, 6.8, 4.8,
    2.6,
];

/// How busy each day of the week is, from Monday.
pub const WEEKDAYS: [f64; 7] = [1.0, 1.05, 1.05, 1.0, 0.95, 1.2, 1.3];
