//! Exact decimals: read digit by digit, compared as whole numbers of the column's smallest unit, never through a float.

use serde_json::Number;

/// Most digits of a decimal: as many as an `i128` always holds.
pub(super) const MAX_DIGITS: u32 = 38;

/// The digits of a `decimal(p,s)`: `digits` in all, `scale` of them after the point. 1 ≤ digits ≤ 38, scale ≤ digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Precision {
    digits: u32,
    scale: u32,
}

impl Precision {
    pub(super) fn new(digits: u32, scale: u32) -> Option<Self> {
        (1..=MAX_DIGITS).contains(&digits).then_some(Self { digits, scale }).filter(|new| new.scale <= new.digits)
    }

    pub(super) fn digits(self) -> u32 {
        self.digits
    }

    pub(super) fn scale(self) -> u32 {
        self.scale
    }

    /// The value of a text in units of the last digit of the scale: `-12.5` is −1250 where the scale is 2. None where the
    /// text is not a decimal as JSON writes it without exponent, or has more digits than there is room for on either side.
    pub(super) fn read(self, text: &str) -> Option<i128> {
        let written = Written::read(text)?;
        (written.exponent == 0).then(|| self.units(&written)).flatten()
    }

    /// The same for a number: what counts is its shortest form.
    pub(super) fn read_number(self, number: &Number) -> Option<i128> {
        if let Some(integer) = number.as_i64() {
            let units = i128::from(integer).checked_mul(10_i128.pow(self.scale))?;
            return (units.unsigned_abs() < 10_u128.pow(self.digits)).then_some(units);
        }
        let mut buffer = ryu_js::Buffer::new();
        self.units(&Written::read(buffer.format_finite(number.as_f64()?))?)
    }

    fn units(self, written: &Written<'_>) -> Option<i128> {
        // How many places the last written digit has to move to be one of units.
        let shift = i64::from(self.scale) + written.exponent - written.fraction.len() as i64;
        let digits = written.whole.bytes().chain(written.fraction.bytes()).skip_while(|&digit| digit == b'0');
        let mut units: i128 = 0;
        for digit in digits {
            units = units.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        if units != 0 {
            units = units.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
        } else if shift < 0 {
            return None;
        }
        let fits = units.unsigned_abs() < 10_u128.pow(self.digits);
        fits.then_some(if written.negative { -units } else { units })
    }
}

/// A decimal as it is written.
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Written<'a> {
    /// The grammar of a JSON number; the exponent may have a sign.
    fn read(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?.into()),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !digits(whole) || !digits(fraction) {
            return None;
        }
        Some(Self { negative: unsigned.len() < text.len(), whole, fraction, exponent })
    }
}

/// How many digits stand before and after the point of a decimal text without exponent.
pub(super) fn digits_of(text: &str) -> Option<(u32, u32)> {
    let written = Written::read(text).filter(|_| !text.contains(['e', 'E']))?;
    let whole = if written.whole == "0" { 0 } else { written.whole.len() };
    Some((u32::try_from(whole).ok()?, u32::try_from(written.fraction.len()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(digits: u32, scale: u32, text: &str) -> Option<i128> {
        Precision::new(digits, scale).expect("valid").read(text)
    }

    #[test]
    fn decimals_are_read_exactly() {
        let good = [
            ("0", 0),
            ("-0", 0),
            ("0.00", 0),
            ("1", 100),
            ("1.5", 150),
            ("-12.50", -1250),
            ("9999999999.99", 999_999_999_999),
        ];
        for (text, units) in good {
            assert_eq!(read(12, 2, text), Some(units), "{text}");
        }
        let bad =
            ["", "-", "+1", "01", "1.", ".5", "1.234", "10000000000", "1e3", "1.5e1", " 1", "1,5", "0x1", "NaN", "٣"];
        for text in bad {
            assert_eq!(read(12, 2, text), None, "{text}");
        }
    }

    #[test]
    fn the_largest_decimals_fit_and_nothing_beyond() {
        let nines = "9".repeat(38);
        assert_eq!(read(38, 0, &nines), Some(10_i128.pow(38) - 1));
        assert_eq!(read(38, 38, &format!("-0.{nines}")), Some(1 - 10_i128.pow(38)));
        assert_eq!(read(38, 38, "1"), None);
        assert_eq!(read(38, 0, &format!("1{}", "0".repeat(38))), None);
        assert_eq!(read(38, 0, &"9".repeat(4000)), None);
        assert_eq!(read(1, 1, "0.1"), Some(1));
        assert!(Precision::new(0, 0).is_none() && Precision::new(39, 0).is_none() && Precision::new(2, 3).is_none());
    }

    #[test]
    fn numbers_count_in_their_shortest_form() {
        let money = Precision::new(12, 2).expect("valid");
        let read = |number: f64| money.read_number(&Number::from_f64(number).expect("finite"));
        assert_eq!(money.read_number(&(-7).into()), Some(-700));
        assert_eq!(money.read_number(&i64::MAX.into()), None);
        assert_eq!(read(0.1), Some(10));
        assert_eq!(read(-0.29), Some(-29));
        assert_eq!(read(1e3), Some(100_000));
        assert_eq!(read(0.125), None);
        assert_eq!(read(1e300), None);
        assert_eq!(read(5e-324), None);
        let small = Precision::new(38, 30).expect("valid");
        assert_eq!(small.read_number(&Number::from_f64(1e-7).expect("finite")), Some(10_i128.pow(23)));
        assert_eq!(small.read_number(&Number::from_f64(1e-31).expect("finite")), None);
    }
}
