//! E-mail addresses and URLs, by their form and in ASCII. Stricter than the grammars allow (no quoted mailboxes, no
//! comments), in the way that what is sent in practice fits.

use std::net::Ipv6Addr;

/// Whether a text is an e-mail address: `dot-atom@host.name` (RFC 5322), with the lengths of RFC 5321.
pub(super) fn is_email(text: &str) -> bool {
    let Some((mailbox, host)) = text.split_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    text.len() <= 254 && mailbox.len() <= 64 && mailbox.split('.').all(is_atom) && is_mail_host(host)
}

/// At least two labels of letters, digits and inner hyphens, the last one not a number.
fn is_mail_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_name = host.rsplit_once('.').is_some_and(|(_, last)| last.bytes().any(|b| b.is_ascii_alphabetic()));
    last_is_name && host.split('.').all(is_label)
}

/// Whether a text is an absolute URI with a host (RFC 3986).
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    scheme_fits && is_authority(authority) && is_escaped(after, b":@/?#")
}

/// `user@host:port`, without user or port if need be.
fn is_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host_fits, port) = match host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
            None => return false,
        },
        None => {
            let (host, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            (!host.is_empty() && is_escaped(host, b""), port)
        }
    };
    let port_fits = match port.strip_prefix(':') {
        Some(number) => {
            number.is_empty() || number.bytes().all(|b| b.is_ascii_digit()) && number.parse::<u16>().is_ok()
        }
        None => port.is_empty(),
    };
    host_fits && port_fits && is_escaped(user, b":")
}

/// Unreserved characters, sub-delimiters, `extra`, and everything else in `%XX`.
fn is_escaped(text: &str, extra: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                hex() && hex()
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || extra.contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}
