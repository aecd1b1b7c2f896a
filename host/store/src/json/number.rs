//! Which numbers survive the way through a double, and the one form in which values hold them.
//!
//! An *integer* (digits alone) must lie within ±(2^53−1). A *decimal* (with a fraction or an exponent) must equal, in
//! value, its nearest double as that prints with the fewest digits: `0.1`, `1.10` and `1e300` survive, `1e400` and
//! `0.1000000000000000055` do not. A zero may have a sign or an exponent; its sign is not kept by the canonical form.

use serde_json::{Number, Value};

/// 2^53 − 1.
pub(super) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Decimals of up to this many digits come back from a double unchanged.
const EXACT_DIGITS: usize = f64::DIGITS as usize;

/// Exponents within which that holds with room to spare: no overflow, no subnormals.
const EXACT_EXPONENT: i64 = 290;

/// Whether digits without sign, fraction and exponent stand for at most 2^53 − 1. They have no leading zero.
pub(super) fn integer_is_exact(digits: &str) -> bool {
    digits.len() <= EXACT_DIGITS || digits.parse().is_ok_and(|value: u64| value <= MAX_SAFE_INTEGER)
}

/// Whether a decimal without sign equals its nearest double as that prints with the fewest digits.
pub(super) fn decimal_is_exact(text: &str) -> bool {
    // As short as this, it has few digits and no exponent to speak of.
    if text.len() <= EXACT_DIGITS && !text.contains(['e', 'E']) {
        return true;
    }
    let written = Decimal::read(text);
    if written.digits.is_empty() || written.digits.len() <= EXACT_DIGITS && written.exponent.abs() <= EXACT_EXPONENT {
        return true;
    }
    // The fewest digits that lead back to the same double, chosen as for the canonical form: where two are equally near,
    // the even one. (`{:e}` chooses the other.)
    text.parse().is_ok_and(|nearest: f64| {
        nearest.is_finite() && Decimal::read(ryu_js::Buffer::new().format_finite(nearest)) == written
    })
}

/// Gives every number the one form of its value: an integer where it is whole and at most 2^53 − 1, else a double.
/// So a value folded from events equals the same value read back from its canonical form, whose digits stand for a double
/// and not for the integer that they spell.
pub(super) fn settle(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(settled) = number.as_f64().and_then(settled) {
                *number = settled;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(settle),
        Value::Object(members) => members.values_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "both are exact up to 2^53")]
fn settled(double: f64) -> Option<Number> {
    if double.fract() == 0.0 && double.abs() <= MAX_SAFE_INTEGER as f64 {
        Some((double as i64).into())
    } else {
        Number::from_f64(double)
    }
}

/// A decimal by value: `0.DIGITS × 10^exponent`, the digits without zeros at either end. No digits: zero.
#[derive(PartialEq, Eq)]
struct Decimal {
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
        digits.drain(..leading);
        digits.truncate(digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1));
        // An exponent too long for an i64 is far out of range, and one sign of "out of range" is as good as the other.
        let written = exponent.parse().unwrap_or(i64::MAX / 2);
        let exponent = if digits.is_empty() { 0 } else { written + whole.len() as i64 - leading as i64 };
        Self { digits, exponent }
    }
}
