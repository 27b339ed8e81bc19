//! Addresses of the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network part: 24 bits of an IPv4 address, 48 of an IPv6 one. What is left tells a
/// provider and a region, not a household.
pub fn anonymise(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80)).into(),
    }
}

/// Whether an address can belong to a visitor from the internet. Country databases carry private
/// ranges too, and give them countries.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (b == 18 || b == 19);
            let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
            !(special || shared || benchmark || a == 0 || a >= 224)
        }
        IpAddr::V6(ip) => {
            let documentation = ip.segments().starts_with(&[0x2001, 0xdb8]);
            let local = ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local();
            !(local || documentation || ip.is_multicast())
        }
    }
}
