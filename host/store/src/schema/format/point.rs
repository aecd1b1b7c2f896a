//! Points on the earth: `latitude,longitude` in degrees of WGS 84.

use super::super::decimal::Precision;

/// Whether a text is a point: two decimals without exponent, within ±90 and ±180.
pub(super) fn is_point(text: &str) -> bool {
    text.split_once(',').is_some_and(|(latitude, longitude)| is_degrees(latitude, 90) && is_degrees(longitude, 180))
}

fn is_degrees(text: &str, most: i128) -> bool {
    /// More places than anything can be measured to.
    const PLACES: u32 = 30;
    let units = Precision::new(PLACES + 3, PLACES).and_then(|degrees| degrees.read(text));
    units.is_some_and(|units| units.abs() <= most * 10_i128.pow(PLACES))
}
