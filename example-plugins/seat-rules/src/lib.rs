//! The rule `seat-rules`: a flight sells no more seats than it has, and its capacity never falls below what is sold.
//!
//! A schema says `"rules": ["seat-rules"]`; its aggregates have the fields `capacity` and `sold`.

use eventdbx_plugin_sdk::{
    export_schema_extension,
    extension::{ProposedEvent, Rule, SchemaExtension, Violation},
};
use serde::Deserialize;

export_schema_extension!(extension);

/// What the component brings.
#[must_use]
pub fn extension() -> SchemaExtension {
    SchemaExtension::new().rule::<SeatRules>()
}

/// The rule.
struct SeatRules;

/// The fields that it looks at, as far as they are there.
#[derive(Deserialize, Default)]
struct Seats {
    capacity: Option<u64>,
    #[serde(default)]
    sold: u64,
}

impl Rule for SeatRules {
    const NAME: &'static str = "seat-rules";
    const DESCRIPTION: &'static str = "No more seats are sold than there are, and none is sold before they are counted";
    const STATE_FIELDS: &'static [&'static str] = &["/capacity", "/sold"];

    fn check(event: &ProposedEvent<'_>, broken: &mut Vec<Violation>) -> Result<(), Violation> {
        let (before, after) = (event.before::<Seats>()?.unwrap_or_default(), event.after::<Seats>()?);
        match after.capacity {
            Some(capacity) if after.sold > capacity => {
                let (code, path) = match before.sold == after.sold {
                    true => ("capacity-below-sold", "/capacity"),
                    false => ("oversold", "/sold"),
                };
                broken.push(Violation::new(code, format!("{} sold of {capacity}", after.sold)).at(path));
            }
            None if after.sold > 0 => {
                broken.push(Violation::new("no-capacity", "seats are sold before they are counted").at("/sold"));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(before: Option<&str>, after: &str) -> Vec<String> {
        let (aggregate_type, aggregate_id, event_type, payload) = ("flight", "f-1", "seats_sold", "{}");
        let event = ProposedEvent { aggregate_type, aggregate_id, event_type, payload, before, after };
        extension().object("seat-rules", &event).into_iter().map(|it| it.code).collect()
    }

    #[test]
    fn seats_are_sold_as_far_as_there_are_any() {
        let before = Some(r#"{"capacity":100,"sold":99}"#);
        assert_eq!(codes(before, r#"{"capacity":100,"sold":100}"#), [""; 0]);
        assert_eq!(codes(before, r#"{"capacity":100,"sold":101}"#), ["oversold"]);
        assert_eq!(codes(before, r#"{"capacity":98,"sold":99}"#), ["capacity-below-sold"]);
        assert_eq!(codes(None, r#"{"sold":1}"#), ["no-capacity"]);
        assert_eq!(codes(None, "{}"), [""; 0]);
        assert_eq!(codes(before, r#"{"capacity":"many"}"#), ["bad-state-after"]);
    }
}
