//! Exact decimals: what travels as a string, compared with what is written in an expression.

use std::cmp::Ordering;

/// Largest power of ten of a number in an expression: doubles end at 308, and no expression may spell out a gigabyte of
/// zeros.
const MAX_EXPONENT: i32 = 400;

/// A decimal by value. The digits have no zeros at either end, so that equal values are equal here; zero is not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Reads a *plain* decimal: a JSON number without an exponent. So `007` is none, and neither are `+1`, `1.` and `.5`:
    /// a code or a telephone number must not compare as a number.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if !digits(whole) || !digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: !zero && unsigned.len() < text.len(), whole, fraction })
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let whole = self.whole.len().cmp(&other.whole.len()).then_with(|| self.whole.cmp(other.whole));
        whole.then_with(|| self.fraction.cmp(other.fraction))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A number as an expression spells it (digits, with a fraction or an exponent) as a plain decimal; none where its
/// exponent is too large.
pub(super) fn plain(number: &str) -> Option<String> {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() <= MAX_EXPONENT)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shift = exponent.unsigned_abs() as usize;
    // Zeros on the side to which the point moves; then it always lies between two digits.
    let (left, right) = if exponent < 0 { (shift, 0) } else { (0, shift) };
    let digits = format!("{}{whole}{fraction}{}", "0".repeat(left), "0".repeat(right));
    let (whole, fraction) = digits.split_at(left + whole.len() + right - left);
    let whole = whole.trim_start_matches('0');
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    Some(format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_decimals_are_json_numbers_without_exponent() {
        for text in ["0", "-0", "0.0", "7", "-12.50", "100", "9007199254740993"] {
            assert!(Decimal::read(text).is_some(), "{text}");
        }
        for text in ["", "-", "+1", "1.", ".5", "007", "-01", "1e3", "1 ", " 1", "1.2.3", "0x1", "١", "NaN"] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_compare_by_value() {
        let ascending = ["-100", "-99.9", "-0.01", "0", "0.001", "0.01", "0.1", "9", "10", "12.5", "12.51"];
        for (index, low) in ascending.iter().enumerate() {
            assert_eq!(Decimal::read(low), Decimal::read(low));
            for high in &ascending[index + 1..] {
                assert!(Decimal::read(low) < Decimal::read(high), "{low} {high}");
            }
        }
        assert_eq!(Decimal::read("12.50"), Decimal::read("12.5"));
        assert_eq!(Decimal::read("-0.00"), Decimal::read("0"));
        assert!(Decimal::read("9007199254740992") < Decimal::read("9007199254740993"));
    }

    #[test]
    fn exponents_are_spelt_out() {
        let table = [
            ("12", "12.0"),
            ("-12.50", "-12.50"),
            ("007", "7.0"),
            ("1.25e1", "12.50"),
            ("1e3", "1000.0"),
            ("125E-1", "12.5"),
            ("-1e-3", "-0.001"),
            ("0.5e-1", "0.05"),
        ];
        for (number, expected) in table {
            assert_eq!(plain(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(plain("1e401"), None);
        assert_eq!(plain("1e99999999999999"), None);
    }

    proptest! {
        #[test]
        fn decimals_compare_like_integers(a in -100_000_i64..100_000, b in -100_000_i64..100_000, places in 0_i32..8) {
            let text = |value: i64| plain(&format!("{value}e-{places}")).expect("small");
            let (left, right) = (text(a), text(b));
            prop_assert_eq!(Decimal::read(&left).cmp(&Decimal::read(&right)), a.cmp(&b));
        }
    }
}
