//! The column type `geo-point`: a place on Earth (WGS 84), `{"lon": 13.4, "lat": 52.5}`, with an order.

use std::collections::BTreeMap;

use eventdbx_plugin_sdk::{
    NoConfig, export_schema_extension,
    extension::{ColumnType, SchemaExtension, Verdict, Violation},
};

export_schema_extension!(extension);

/// What the component brings.
#[must_use]
pub fn extension() -> SchemaExtension {
    SchemaExtension::new().column_type::<GeoPoint>()
}

/// The type.
struct GeoPoint;

/// A value: degrees by name. A map, since serde reads an array as a struct, too.
type Point = BTreeMap<String, f64>;

/// Longitude and latitude, if that is all that there is.
fn degrees(point: &Point) -> Option<(f64, f64)> {
    let both = (*point.get("lon")?, *point.get("lat")?);
    (point.len() == 2).then_some(both)
}

impl ColumnType for GeoPoint {
    const NAME: &'static str = "geo-point";
    const DESCRIPTION: &'static str = "A place on Earth (WGS 84): lon and lat in degrees";

    type Params = NoConfig;
    type Value = Point;

    fn check(_: &NoConfig, point: &Point) -> Verdict {
        let Some((lon, lat)) = degrees(point) else {
            return Verdict::rejected("shape", "lon and lat are expected, and nothing else");
        };
        let bounds = [("lon", lon, 180.0), ("lat", lat, 90.0)];
        let outside = bounds.into_iter().filter(|(_, degrees, most)| degrees.abs() > *most);
        let violations: Vec<Violation> = outside
            .map(|(name, _, most)| {
                Violation::new("range", format!("{name} lies within ±{most}")).at(format!("/{name}"))
            })
            .collect();
        if violations.is_empty() { Verdict::Accepted } else { Verdict::Rejected(violations) }
    }

    /// From south to north, and on one parallel from west to east.
    fn index_key(_: &NoConfig, point: &Point) -> Option<Vec<u8>> {
        let (lon, lat) = degrees(point)?;
        Some([ordered(lat), ordered(lon)].concat())
    }
}

/// Eight bytes that sort as the numbers do: the bits of a positive one with the sign set, those of a negative one inverted.
fn ordered(number: f64) -> [u8; 8] {
    // There are two zeros, and they are equal.
    let bits = (number + 0.0).to_bits();
    let sorted = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    sorted.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judge(value: &Value) -> Verdict {
        extension().judge("geo-point", "{}", &value.to_string())
    }

    #[test]
    fn a_point_lies_on_earth() {
        assert_eq!(judge(&json!({"lon": 13.4, "lat": 52.5})), Verdict::Accepted);
        assert_eq!(judge(&json!({"lon": -180, "lat": 90})), Verdict::Accepted);
        let Verdict::Rejected(violations) = judge(&json!({"lon": 181, "lat": -91})) else { panic!("it is accepted") };
        let paths: Vec<&str> = violations.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["/lon", "/lat"]);
        for odd in [json!([13.4, 52.5]), json!({"lon": 1}), json!({"lon": 1, "lat": 2, "alt": 3}), json!("1,2")] {
            assert!(matches!(judge(&odd), Verdict::Rejected(_)), "{odd}");
        }
    }

    #[test]
    fn keys_sort_from_south_to_north_and_from_west_to_east() {
        let degrees = [-90.0, -52.5, -0.1, 0.0, 0.1, 52.5, 90.0];
        let points = degrees.iter().flat_map(|lat| degrees.iter().map(move |lon| json!({"lon": lon, "lat": lat})));
        let key = |point: Value| extension().index_key("geo-point", "{}", &point.to_string()).expect("a key");
        let keys: Vec<Vec<u8>> = points.map(key).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(key(json!({"lon": -0.0, "lat": 0})), key(json!({"lon": 0, "lat": -0.0})));
    }
}
