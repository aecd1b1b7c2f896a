//! Which addresses may be connected to. They are judged after the look-up, since a public name may lead to a private
//! address, and for every connection anew, since tomorrow it may lead to another one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Anybody's.
    Public,
    /// Of this machine, or of a network that is not everybody's.
    Private,
    /// Not of one machine: nobody connects to it.
    Never,
}

/// Why none of the addresses of a name may be connected to. The text names no address: the plugin reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it leads to an address of this machine or of a private network, which its grant does not allow: grant it with \
     `,private` if that is what you want"
)]
pub(super) struct PrivateAddress;

/// The addresses that may be connected to.
pub(super) fn allowed(
    addresses: impl IntoIterator<Item = SocketAddr>,
    private: bool,
) -> Result<Vec<SocketAddr>, PrivateAddress> {
    let allowed = |address: &SocketAddr| match class(address.ip()) {
        Class::Public => true,
        Class::Private => private,
        Class::Never => false,
    };
    let allowed: Vec<_> = addresses.into_iter().filter(allowed).collect();
    if allowed.is_empty() { Err(PrivateAddress) } else { Ok(allowed) }
}

fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Class {
    let [a, b, c, _] = address.octets();
    let private = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && b & 0xc0 == 64) // shared by a provider's customers
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 198 && b & 0xfe == 18); // benchmarks
    // 0/8 means "this network", and 0.0.0.0 reaches this machine; 240/4 is reserved, and its last is the broadcast.
    if a == 0 || a >= 240 || address.is_multicast() {
        Class::Never
    } else if private {
        Class::Private
    } else {
        Class::Public
    }
}

fn v6(address: Ipv6Addr) -> Class {
    if address.is_unspecified() || address.is_multicast() {
        return Class::Never;
    }
    if address.is_loopback() {
        return Class::Private;
    }
    if let Some(inner) = embedded(address) {
        return v4(inner);
    }
    let [first, second, ..] = address.segments();
    let private = first & 0xfe00 == 0xfc00 // unique local
        || first & 0xffc0 == 0xfe80 // link-local
        || first & 0xffc0 == 0xfec0 // site-local, as it once was
        || (first == 0x2001 && second == 0xdb8); // documentation
    if private { Class::Private } else { Class::Public }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(addresses: &[&str], expected: Class) {
        for address in addresses {
            assert_eq!(class(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_told_apart() {
        let private = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"];
        classes(&private, Class::Private);
        classes(&["169.254.169.254", "100.64.0.1", "100.127.0.1", "198.18.0.1", "192.0.0.8"], Class::Private);
        classes(&["::1", "fe80::1", "fec0::1", "fc00::1", "fdff::1", "2001:db8::1"], Class::Private);
        classes(&["0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1"], Class::Never);
        classes(&["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111"], Class::Public);
    }

    #[test]
    fn an_ipv4_address_is_judged_behind_every_disguise() {
        let disguised = ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1"];
        classes(&disguised, Class::Private);
        classes(&["::ffff:0.0.0.0", "::ffff:224.0.0.1"], Class::Never);
        classes(&["::ffff:8.8.8.8", "64:ff9b::808:808"], Class::Public);
    }

    #[test]
    fn only_what_is_allowed_is_left() {
        let addresses: Vec<SocketAddr> =
            ["127.0.0.1:1", "8.8.8.8:1", "0.0.0.0:1"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(allowed(addresses.clone(), false), Ok(vec![addresses[1]]));
        assert_eq!(allowed(addresses.clone(), true), Ok(addresses[..2].to_vec()));
        assert_eq!(allowed([addresses[0]], false), Err(PrivateAddress));
    }
}
