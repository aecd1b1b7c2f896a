//! One value of a row as filters and sort orders see it.

use std::{borrow::Cow, fmt};

use crate::Micros;

/// One value of a row. Text is borrowed from the row where it stands there without escapes.
#[derive(Clone, PartialEq)]
pub enum Datum<'a> {
    /// JSON null, or not there at all.
    Null,
    /// JSON true or false.
    Bool(bool),
    /// A number. Whatever JSON the store takes in holds numbers that a double holds exactly.
    Number(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// A point in time; only the time fields have it, since JSON has none.
    Time(Instant),
    /// An array or object, as JSON text.
    Nested(&'a str),
}

impl<'a> Datum<'a> {
    /// A number that counts something, e.g. a position.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no domain counts to 2^53: at a million a second, in 285 years")]
    pub fn count(value: u64) -> Self {
        Self::Number(value as f64)
    }

    /// Text that belongs to the row.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text that may be missing.
    #[must_use]
    pub fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// A time in microseconds.
    #[must_use]
    pub fn micros(time: Micros) -> Self {
        Self::Time(Instant::of(time))
    }

    /// A time as a writer gave it; text where it is none.
    #[must_use]
    pub fn timestamp(text: &'a str) -> Self {
        Instant::parse(text).map_or(Self::text(text), Self::Time)
    }

    /// The value of one JSON value's text, without space around it; `Null` where it is not JSON.
    pub(super) fn of_json(text: &'a str) -> Self {
        match text.as_bytes().first() {
            Some(b'"') if text.contains('\\') => {
                serde_json::from_str(text).map_or(Self::Null, |text| Self::Text(Cow::Owned(text)))
            }
            Some(b'"') => text.get(1..text.len() - 1).map_or(Self::Null, Self::text),
            Some(b'{' | b'[') => Self::Nested(text),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'-' | b'0'..=b'9') => text.parse().map_or(Self::Null, Self::Number),
            _ => Self::Null,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As an instant, where it is one or is text that names one.
    pub(super) fn instant(&self) -> Option<Instant> {
        match self {
            Self::Time(time) => Some(*time),
            Self::Text(text) => Instant::parse(text),
            _ => None,
        }
    }
}

/// Shows the type alone: what a client wrote must not reach a log by way of `{:?}`.
impl fmt::Debug for Datum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Number(_) => "Number",
            Self::Text(_) => "Text",
            Self::Time(_) => "Time",
            Self::Nested(_) => "Nested",
        })
    }
}

/// A point in time, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(jiff::Timestamp);

impl Instant {
    /// The instant of a time in microseconds.
    #[must_use]
    pub fn of(time: Micros) -> Self {
        let micros = i64::try_from(time.get()).unwrap_or(i64::MAX);
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX))
    }

    /// The whole microsecond that it lies in; none: it lies before 1970.
    #[must_use]
    pub fn micros(self) -> Option<Micros> {
        let micros = self.0.as_nanosecond().div_euclid(1000);
        u64::try_from(micros).ok().map(Micros::new)
    }

    /// An RFC 3339 timestamp (with its offset), or a date, which stands for its first instant in UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == "2013-01-01".len() {
            return format!("{text}T00:00:00Z").parse().ok().map(Self);
        }
        text.parse().ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_timestamps_and_dates() {
        let noon = Instant::parse("2013-01-01T12:00:00Z").expect("a timestamp");
        assert_eq!(Instant::parse("2013-01-01T13:00:00+01:00"), Some(noon));
        assert_eq!(Instant::of(Micros::new(1_357_041_600_000_000)), noon);
        assert_eq!(Instant::parse("2013-01-01"), Instant::parse("2013-01-01T00:00:00Z"));
        for text in ["", "2013", "2013-02-30", "2013-01-01T12:00:00", "yesterday", "12:00:00Z", "2013-1-01Z"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
        assert!(Instant::of(Micros::new(u64::MAX)) > noon);
        let later = Instant::parse("2013-01-01T12:00:00.000001999Z").expect("a timestamp");
        assert_eq!(later.micros(), Some(Micros::new(1_357_041_600_000_001)));
        assert_eq!(Instant::parse("1969-12-31T23:59:59.9999999Z").expect("a timestamp").micros(), None);
    }

    #[test]
    fn debugging_shows_no_content() {
        assert_eq!(format!("{:?}", [Datum::text("s3cr3t"), Datum::Number(4711.0)]), "[Text, Number]");
    }

    #[test]
    fn json_text_has_its_value() {
        assert_eq!(Datum::of_json(r#""a""#), Datum::text("a"));
        assert_eq!(Datum::of_json(r#""a\n\u00e9""#), Datum::text("a\né"));
        assert_eq!(Datum::of_json("-1.5e3"), Datum::Number(-1500.0));
        assert_eq!(Datum::of_json("[1]"), Datum::Nested("[1]"));
        for broken in ["", "\"", "\"\\", "-", "nul", "x", "1x"] {
            assert_eq!(Datum::of_json(broken), Datum::Null, "{broken}");
        }
    }
}
