//! Durations of ISO 8601, in the form of RFC 3339's appendix A: `P1Y2M3DT4H5M6S` or weeks alone, `P2W`. A fraction may
//! stand in the last part.

/// Whether a text is a duration.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return is_amount(weeks);
    }
    match rest.split_once('T') {
        None => parts(rest, "YMD"),
        Some(("", time)) => parts(time, "HMS"),
        // A fraction belongs in the last part of the whole.
        Some((days, time)) => !days.contains(['.', ',']) && parts(days, "YMD") && parts(time, "HMS"),
    }
}

/// At least one amount with its unit, units in their order, a fraction in the last one alone.
fn parts(text: &str, units: &str) -> bool {
    let (mut rest, mut units) = (text, units);
    while let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let (amount, unit) = (&rest[..end], &rest[end..=end]);
        let Some((_, later)) = units.split_once(unit) else { return false };
        rest = &rest[end + 1..];
        units = later;
        let whole = amount.bytes().all(|byte| byte.is_ascii_digit());
        if !is_amount(amount) || !(whole || rest.is_empty()) {
            return false;
        }
    }
    rest.is_empty() && !text.is_empty()
}

/// Digits, and perhaps a point or comma and more digits.
fn is_amount(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}
