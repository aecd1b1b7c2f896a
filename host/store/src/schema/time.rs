//! Times as RFC 3339 writes them. jiff reads more forms than that, so the form is looked at first.

use jiff::{Timestamp, civil::Date};

/// A `date-time` with its offset: `2013-01-01T05:15:00-05:00`, at most nine digits of a second's fraction.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    const FORM: &[u8; 19] = b"0000-00-00T00:00:00";
    let (head, rest) = text.as_bytes().split_at_checked(FORM.len())?;
    let fraction = match rest.strip_prefix(b".") {
        Some(digits) => 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    let zone = &rest[fraction..];
    let zone_fits = zone == b"Z" || fits(zone, b"+00:00") || fits(zone, b"-00:00");
    let form_fits = fits(head, FORM) && fraction != 1 && fraction <= 10 && zone_fits;
    form_fits.then(|| text.parse().ok()).flatten()
}

/// A `full-date`: `2013-01-31`.
pub(super) fn date(text: &str) -> Option<Date> {
    fits(text.as_bytes(), b"0000-00-00").then(|| text.parse().ok()).flatten()
}

/// Whether a text has the form: a digit for each 0, everything else as it is.
fn fits(text: &[u8], form: &[u8]) -> bool {
    let byte_fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.iter().zip(form).all(byte_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc3339() {
        for good in ["2013-01-01T05:15:00-05:00", "2013-01-01T10:15:00Z", "2012-02-29T23:59:59.123456789+00:00"] {
            assert!(timestamp(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2013-01-01",
            "2013-01-01 05:15:00Z",
            "2013-01-01T05:15:00",
            "2013-02-30T05:15:00Z",
            "2013-01-01T05:15Z",
            "2013-01-01T05:15:00.Z",
            "2013-01-01T05:15:00-0500",
            "2013-01-01T25:15:00Z",
            "2013-01-01T05:15:00Z[UTC]",
        ] {
            assert!(timestamp(bad).is_none(), "{bad}");
        }
    }
}
