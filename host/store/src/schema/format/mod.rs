//! Formats: what a text looks like. A format judges the form alone; whether a card or a mailbox exists is not asked.

mod case;
mod codes;
mod duration;
mod net;
mod point;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A format of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Email,
    Url,
    Uuid,
    Ipv4,
    Ipv6,
    Ip,
    CountryCode,
    Currency,
    Duration,
    Point,
    CreditCard,
    CamelCase,
    SnakeCase,
    KebabCase,
    PascalCase,
    UpperCase,
    LowerCase,
}

/// A format, its name, and what it asks for in words.
type Row = (Format, &'static str, &'static str);

const FORMATS: [Row; 17] = [
    (Format::Email, "email", "an e-mail address, e.g. ada@example.org"),
    (Format::Url, "url", "a URL with scheme and host, e.g. https://example.org/a?b=c"),
    (Format::Uuid, "uuid", "a UUID, e.g. 0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f"),
    (Format::Ipv4, "ipv4", "an IPv4 address, e.g. 192.0.2.1"),
    (Format::Ipv6, "ipv6", "an IPv6 address, e.g. 2001:db8::1"),
    (Format::Ip, "ip", "an IPv4 or IPv6 address"),
    (Format::CountryCode, "country-code", "a country code of two letters (ISO 3166-1), e.g. PT"),
    (Format::Currency, "currency", "a currency code of three letters (ISO 4217), e.g. EUR"),
    (Format::Duration, "duration", "a duration (ISO 8601), e.g. P1DT12H"),
    (Format::Point, "point", "a point as latitude,longitude in degrees (WGS 84), e.g. 38.7223,-9.1393"),
    (Format::CreditCard, "credit-card", "a card number of 12 to 19 digits whose check digit is right"),
    (Format::CamelCase, "camel-case", "camelCase"),
    (Format::SnakeCase, "snake-case", "snake_case"),
    (Format::KebabCase, "kebab-case", "kebab-case"),
    (Format::PascalCase, "pascal-case", "PascalCase"),
    (Format::UpperCase, "upper-case", "a text without lower-case letters"),
    (Format::LowerCase, "lower-case", "a text without upper-case letters"),
];

impl Format {
    /// The format of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        FORMATS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The names of all formats.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|row| row.1)
    }

    fn row(self) -> &'static Row {
        // The table is in the order of the enum; a test holds them together.
        &FORMATS[self as usize]
    }

    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    /// What the format asks for, in words.
    pub(super) fn description(self) -> &'static str {
        self.row().2
    }

    /// Whether a text has the format.
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Email => net::is_email(text),
            Self::Url => net::is_url(text),
            // The crate reads other forms too, all of another length.
            Self::Uuid => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Ip => text.parse::<IpAddr>().is_ok(),
            Self::CountryCode => codes::is_country(text),
            Self::Currency => codes::is_currency(text),
            Self::Duration => duration::is_duration(text),
            Self::Point => point::is_point(text),
            Self::CreditCard => codes::is_card(text),
            Self::CamelCase => case::is_camel(text),
            Self::SnakeCase => case::is_separated(text, b'_'),
            Self::KebabCase => case::is_separated(text, b'-'),
            Self::PascalCase => case::is_pascal(text),
            Self::UpperCase => !text.chars().any(char::is_lowercase),
            Self::LowerCase => !text.chars().any(char::is_uppercase),
        }
    }
}

#[cfg(test)]
mod tests;
