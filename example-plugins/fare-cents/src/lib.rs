//! The upcaster `fare-cents`: amounts that were once written as dollars, such as `12.5`, read as whole cents.
//!
//! A schema whose versions up to 1 had dollars says so, and names the member if that is another than `fare`:
//!
//! ```toml
//! [[flight.upcasts]]
//! from = 1
//! upcaster = "fare-cents"
//! params = { field = "price" }
//! ```
//!
//! `{"price": 12.5}` then reads as `{"price_cents": 1250}`.

use eventdbx_plugin_sdk::{
    export_schema_extension,
    extension::{OldEvent, SchemaExtension, Upcaster, Violation},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

export_schema_extension!(extension);

/// What the component brings.
#[must_use]
pub fn extension() -> SchemaExtension {
    SchemaExtension::new().upcaster::<FareCents>()
}

/// The upcaster.
struct FareCents;

/// What a schema may say beside it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The member that held dollars.
    #[serde(default = "fare")]
    field: String,
}

fn fare() -> String {
    "fare".to_owned()
}

/// Beyond this, a number of dollars is not exact to the cent.
const MOST_DOLLARS: f64 = 1e12;

impl Upcaster for FareCents {
    const NAME: &'static str = "fare-cents";
    const DESCRIPTION: &'static str = "Dollars as a number with decimals become whole cents: fare is fare_cents";

    type Params = Params;

    fn params_schema() -> Value {
        let field = json!({"type": "string", "default": "fare", "description": "the member that held dollars"});
        json!({"type": "object", "properties": {"field": field}, "additionalProperties": false})
    }

    fn upcast(params: &Params, _: OldEvent<'_>, payload: &mut Map<String, Value>) -> Result<(), Violation> {
        // An event that says nothing of the fare stays as it is, and one that takes it away (null) goes on doing so.
        let Some(dollars) = payload.remove(&params.field) else { return Ok(()) };
        let cents = match &dollars {
            Value::Null => Value::Null,
            _ => json!(cents(&dollars).ok_or_else(|| no_amount(&params.field))?),
        };
        payload.insert(format!("{}_cents", params.field), cents);
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is a whole number within what was checked")]
fn cents(dollars: &Value) -> Option<i64> {
    let dollars = dollars.as_f64().filter(|dollars| dollars.abs() <= MOST_DOLLARS)?;
    Some((dollars * 100.0).round() as i64)
}

fn no_amount(field: &str) -> Violation {
    Violation::new("no-amount", "it is no number of dollars").at(format!("/{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upcast(params: &str, payload: &str) -> Result<String, String> {
        let event = OldEvent { aggregate_type: "flight", event_type: "booked" };
        let shaped = extension().upcast("fare-cents", params, event, payload);
        shaped.map(|value| value.to_string()).map_err(|violation| format!("{} {}", violation.path, violation.code))
    }

    #[test]
    fn dollars_become_cents() {
        assert_eq!(upcast("{}", r#"{"fare":12.5,"seat":"1A"}"#).unwrap(), r#"{"fare_cents":1250,"seat":"1A"}"#);
        assert_eq!(upcast("{}", r#"{"fare":0.07}"#).unwrap(), r#"{"fare_cents":7}"#);
        assert_eq!(upcast("{}", r#"{"fare":-3}"#).unwrap(), r#"{"fare_cents":-300}"#);
        assert_eq!(upcast(r#"{"field":"price"}"#, r#"{"price":1.1}"#).unwrap(), r#"{"price_cents":110}"#);
    }

    #[test]
    fn what_says_nothing_of_the_fare_stays_and_what_is_no_amount_is_told() {
        assert_eq!(upcast("{}", r#"{"seat":"1A"}"#).unwrap(), r#"{"seat":"1A"}"#);
        assert_eq!(upcast("{}", r#"{"fare":null}"#).unwrap(), r#"{"fare_cents":null}"#);
        assert_eq!(upcast("{}", r#"{"fare":"much"}"#).unwrap_err(), "/fare no-amount");
        assert_eq!(upcast("{}", r#"{"fare":1e300}"#).unwrap_err(), "/fare no-amount");
        assert_eq!(extension().judge_upcaster("fare-cents", r#"{"fields":"fare"}"#)[0].code, "bad-params");
    }
}
