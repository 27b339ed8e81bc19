//! What addresses of pages tell.

use url::Url;

use crate::ingest::wire::{Campaign, bounds};

/// The parts of a page's address that questions ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Host, lower case.
    pub hostname: Option<String>,
    /// Path, without query, and without fragment unless that is part of it.
    pub path: Option<String>,
    /// `utm_source`
    pub utm_source: Option<String>,
    /// `utm_medium`
    pub utm_medium: Option<String>,
    /// `utm_campaign`
    pub utm_campaign: Option<String>,
    /// `utm_term`
    pub utm_term: Option<String>,
    /// `utm_content`
    pub utm_content: Option<String>,
}

impl Page {
    /// The path as it is kept, and without its fragment.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let path = self.path.as_deref();
        path.into_iter().chain(path.and_then(|path| path.split_once('#')).map(|(bare, _)| bare))
    }

    /// What the address says of a campaign, or else what was sent beside it: never a mixture.
    pub fn or_campaign(mut self, sent: Campaign) -> Self {
        let told = [&self.utm_source, &self.utm_medium, &self.utm_campaign, &self.utm_term, &self.utm_content];
        if told.iter().all(|field| field.is_none()) {
            let Campaign { source, medium, name, term, content } = sent;
            (self.utm_source, self.utm_medium, self.utm_campaign) = (source, medium, name);
            (self.utm_term, self.utm_content) = (term, content);
        }
        self
    }
}

/// Takes an address apart. It may lack scheme and host, as in `/pricing?utm_source=x`; of what is
/// no address at all nothing is told. With `hash`, its fragment is part of the path.
pub fn page(address: &str, hash: bool) -> Page {
    let mut page = Page::default();
    let whole = |path: &str, fragment: Option<&str>| match fragment.filter(|fragment| hash && !fragment.is_empty()) {
        Some(fragment) => kept(format!("{path}#{fragment}"), bounds::ADDRESS),
        None => kept(path.to_owned(), bounds::ADDRESS),
    };
    if let Ok(url) = Url::parse(address) {
        page.hostname = url.host_str().and_then(|host| kept(host.to_ascii_lowercase(), bounds::HOST));
        if !url.cannot_be_a_base() {
            page.path = whole(url.path(), url.fragment());
        }
        url.query().into_iter().for_each(|query| read_campaign(&mut page, query));
    } else if address.starts_with('/') {
        let (address, fragment) =
            address.split_once('#').map_or((address, None), |(address, fragment)| (address, Some(fragment)));
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        page.path = whole(path, fragment);
        read_campaign(&mut page, query);
    }
    page
}

/// Of a name that occurs twice the first counts.
fn read_campaign(page: &mut Page, query: &str) {
    if !query.contains("utm_") {
        return;
    }
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let field = match name.as_ref() {
            "utm_source" => &mut page.utm_source,
            "utm_medium" => &mut page.utm_medium,
            "utm_campaign" => &mut page.utm_campaign,
            "utm_term" => &mut page.utm_term,
            "utm_content" => &mut page.utm_content,
            _ => continue,
        };
        if field.is_none() {
            *field = kept(value.into_owned(), bounds::CAMPAIGN);
        }
    }
}

/// The host a visitor came from, without `www.`; none when it is the page's own.
pub fn referrer_domain(referrer: &str, hostname: Option<&str>) -> Option<String> {
    let url = Url::parse(referrer).ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let domain = bare(&host);
    (hostname.map(bare).as_ref() != Some(&domain)).then(|| kept(domain, bounds::HOST)).flatten()
}

/// Text as it is stored: bounded, without NUL (which percent-encoding can hide), absent when empty.
fn kept(mut text: String, most: usize) -> Option<String> {
    if text.contains('\0') {
        text = text.replace('\0', "");
    }
    text.truncate(text.floor_char_boundary(most));
    (!text.is_empty()).then_some(text)
}
