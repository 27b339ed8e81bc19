//! An event as it is stored, made of what was sent and what the request tells.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::{
    Draft, Refusal,
    enrich::{self, Device, Enricher, Place, Sender, Sort, Traits},
    wire::{Incoming, bounds},
};
use crate::entity::{app::BotPolicy, event};

/// Enriches an event, or tells why its app's owner does not want it. What it says of its visitor wins
/// over what the request says, because a server that sends for others is not the visitor.
pub(super) fn build(
    enricher: &Enricher,
    sender: &Sender,
    received_at: i64,
    id: Option<&str>,
    incoming: Incoming,
) -> Result<Draft, Refusal> {
    let settings = &*sender.settings;
    let fresh = id.is_none();
    let (id, client_id) = identity(id, received_at);
    let own_agent = sender.user_agent.as_deref().and_then(kept_agent);
    let described = incoming.told.device.as_ref().map(Device::agent);
    let by_server =
        described.is_none() && own_agent.as_deref().is_none_or(|own| enricher.agent(own).sort == Sort::Server);
    let excludable_ip = incoming.ip.or(sender.ip);
    // The address of a server that does not say from where its visitor comes is nobody's.
    let ip = incoming.ip.or(sender.ip.filter(|_| !by_server));
    let is_own_agent = incoming.user_agent.is_none() || incoming.user_agent == own_agent;
    let user_agent = incoming.user_agent.or(own_agent);
    let mut agent = user_agent.as_deref().map(|user_agent| enricher.agent(user_agent)).unwrap_or_default();
    if let Some(hints) = sender.hints.as_ref().filter(|_| is_own_agent) {
        agent = Arc::new(hints.refine(&agent));
    }
    if let Some(described) = described.filter(|_| agent.sort == Sort::Server) {
        agent = Arc::new(described.clone());
    }
    let page = incoming.url.as_deref().map(|url| enrich::page(url, incoming.hash)).unwrap_or_default();
    let page = page.or_campaign(incoming.campaign);
    if excludable_ip.is_some_and(|ip| settings.excludes_ip(ip)) || page.paths().any(|path| settings.excludes_path(path))
    {
        return Err(left_out("EXCLUDED", "The app's owner has excluded this address or path."));
    }
    if agent.sort == Sort::Bot && settings.bot_policy == BotPolicy::Drop {
        return Err(left_out("BOT_DROPPED", "Nobody is behind this user agent, and the app keeps no bots."));
    }
    let is_bot = agent.sort == Sort::Bot && settings.bot_policy != BotPolicy::Count;
    let is_somebody = agent.sort != Sort::Server && !is_bot;
    let (mut anonymous_id, mut yesterday) = (incoming.anonymous_id, None);
    if anonymous_id.is_none()
        && incoming.user_id.is_none()
        && is_somebody
        && let (Some(ip), Some(user_agent)) = (ip, user_agent.as_deref())
    {
        let hostname = page.hostname.as_deref();
        let traits = Traits { app_id: settings.app_id, ip, user_agent, hostname };
        (anonymous_id, yesterday) = enricher.salts().visitor(received_at, traits);
    }
    let findable = ip.filter(|_| !incoming.told.has_no_place);
    let mut place = findable.map(|ip| enricher.place(ip)).unwrap_or_default();
    if incoming.country.is_some() && incoming.country != place.country {
        // Of a sender who knows better, all is believed.
        place = Place { country: incoming.country, ..Place::default() };
    }
    let referrer = incoming.referrer.as_deref();
    let event = event::Model {
        id,
        client_id,
        timestamp: incoming.timestamp,
        received_at,
        event_type: incoming.event_type,
        user_id: incoming.user_id,
        anonymous_id,
        session_id: incoming.session_id,
        title: incoming.title,
        language: incoming.language,
        region: incoming.region.or(place.region),
        city: incoming.city.or(place.city),
        revenue: incoming.revenue,
        currency: incoming.currency,
        referrer_domain: referrer.and_then(|from| enrich::referrer_domain(from, page.hostname.as_deref())),
        url: incoming.url,
        hostname: page.hostname,
        path: page.path,
        referrer: incoming.referrer,
        utm_source: page.utm_source,
        utm_medium: page.utm_medium,
        utm_campaign: page.utm_campaign,
        utm_term: page.utm_term,
        utm_content: page.utm_content,
        country: place.country,
        ip_address: ip.and_then(|ip| enricher.kept_ip(ip, settings.ip_mode)),
        browser: agent.browser.clone(),
        os: agent.os.clone(),
        browser_version: agent.browser_version.clone(),
        os_version: agent.os_version.clone(),
        is_bot,
        device: agent.device.map(str::to_owned),
        user_agent,
        screen_width: incoming.screen_width,
        screen_height: incoming.screen_height,
        metadata: incoming.metadata,
        // The writer's part.
        app_id: Uuid::nil(),
        seq: 0,
    };
    Ok(Draft { event, fresh, link: incoming.link, yesterday })
}

/// Why an event that is right in itself is not kept.
fn left_out(code: &'static str, message: &str) -> Refusal {
    Refusal { code, field: None, message: message.to_owned() }
}

/// The id of the row, and the client's own where it is spelled otherwise.
fn identity(id: Option<&str>, received_at: i64) -> (Uuid, Option<String>) {
    let Some(id) = id else {
        let millis = u64::try_from(received_at).unwrap_or_default();
        return (Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid(), None);
    };
    // With hyphens only: any other notation is a text.
    if id.len() == 36
        && let Ok(uuid) = Uuid::try_parse(id)
    {
        // Only the spelling that the row's own id is written in: some platforms send upper case.
        let client_id = (uuid.to_string() != id).then(|| id.to_owned());
        return (uuid, client_id);
    }
    let digest = Sha256::digest(id.as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    (Builder::from_custom_bytes(bytes).into_uuid(), Some(id.to_owned()))
}

fn kept_agent(header: &str) -> Option<String> {
    let agent = header.get(..header.floor_char_boundary(bounds::USER_AGENT))?.replace('\0', "");
    (!agent.is_empty()).then_some(agent)
}
