//! Whose address a request came from, when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use uuid::Uuid;

/// The client's address.
///
/// `peer` is whoever holds the connection, and `forwarded_for` the values of `X-Forwarded-For` in
/// the order they arrived, each a list separated by commas. Every proxy appends the address it
/// was called from, so only what a trusted proxy wrote can be believed: from the right, the first
/// address that is not a trusted proxy is the client. A stranger's header says nothing.
pub fn client_ip<'a, I>(peer: IpAddr, forwarded_for: I, trusted: &[IpNet]) -> IpAddr
where
    I: IntoIterator<Item = &'a str>,
    I::IntoIter: DoubleEndedIterator,
{
    let mut client = peer.to_canonical();
    for hop in forwarded_for.into_iter().rev().flat_map(|value| value.rsplit(',')) {
        if !trusted.iter().any(|net| net.contains(&client)) {
            break;
        }
        match parse_hop(hop.trim()) {
            Some(ip) => client = ip.to_canonical(),
            None => break,
        }
    }
    client
}

/// The network an address belongs to, with prefixes of these lengths: for what must not point at
/// one person, and for limits that a whole network shares.
pub fn network(ip: IpAddr, v4_bits: u8, v6_bits: u8) -> IpAddr {
    let ip = ip.to_canonical();
    let bits = if ip.is_ipv4() { v4_bits } else { v6_bits };
    IpNet::new(ip, bits).map_or(ip, |net| net.network())
}

/// What stands for the network of an address where shares are counted. No app has such an id, for half of
/// a network's is empty.
pub fn network_id(ip: IpAddr) -> Uuid {
    match network(ip, 32, 64) {
        IpAddr::V4(ip) => Uuid::from_u128(ip.to_ipv6_mapped().to_bits()),
        IpAddr::V6(ip) => Uuid::from_u128(ip.to_bits()),
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}
