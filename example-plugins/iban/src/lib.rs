//! The column type `iban`: account numbers of ISO 13616, written without spaces and in capitals.
//!
//! A schema says `"type": "iban"`, and with `"params": {"countries": ["DE", "AT"]}` of which countries.

use eventdbx_plugin_sdk::{
    export_schema_extension,
    extension::{ColumnType, SchemaExtension, Verdict, Violation},
};
use serde::Deserialize;
use serde_json::{Value, json};

export_schema_extension!(extension);

/// What the component brings.
#[must_use]
pub fn extension() -> SchemaExtension {
    SchemaExtension::new().column_type::<Iban>()
}

/// The type.
struct Iban;

/// What a schema may say about a column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Codes of countries; none: any.
    #[serde(default)]
    countries: Vec<String>,
}

impl ColumnType for Iban {
    const NAME: &'static str = "iban";
    const DESCRIPTION: &'static str = "An international bank account number (ISO 13616) with valid check digits";

    type Params = Params;
    type Value = String;

    fn params_schema() -> Value {
        let countries = json!({"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2}$"}});
        json!({"type": "object", "properties": {"countries": countries}, "additionalProperties": false})
    }

    fn check_params(params: &Params) -> Vec<Violation> {
        let code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let wrong = params.countries.iter().filter(|country| !code(country));
        wrong
            .map(|country| Violation::new("country", format!("{country:?} is no code of a country, like DE")))
            .collect()
    }

    fn check(params: &Params, text: &String) -> Verdict {
        let written: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        if let Err((code, message)) = check(&written) {
            return Verdict::rejected(code, message);
        }
        if !params.countries.is_empty() && !params.countries.iter().any(|country| written.starts_with(country)) {
            return Verdict::rejected("country", format!("it is of none of these: {}", params.countries.join(", ")));
        }
        if written == *text { Verdict::Accepted } else { Verdict::Normalized(written.into()) }
    }

    /// By country, then as text.
    fn index_key(_: &Params, text: &String) -> Option<Vec<u8>> {
        Some(text.as_bytes().to_vec())
    }
}

/// Shape and check digits: the number, with its first four characters at the end and letters counted from A = 10, leaves 1
/// when it is divided by 97.
fn check(text: &str) -> Result<(), (&'static str, &'static str)> {
    if !(15..=34).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(("shape", "15 to 34 letters and digits are expected"));
    }
    let (head, body) = text.split_at(4);
    if !head[..2].bytes().all(|byte| byte.is_ascii_uppercase()) || !head[2..].bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(("shape", "it begins with a country and two digits"));
    }
    let rest = body.chars().chain(head.chars()).filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| {
        let shifted = if digit < 10 { rest * 10 } else { rest * 100 };
        (shifted + digit) % 97
    });
    if rest == 1 { Ok(()) } else { Err(("check-digits", "its check digits do not fit")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(params: &str, text: &str) -> Verdict {
        extension().judge("iban", params, &Value::from(text).to_string())
    }

    #[test]
    fn numbers_of_the_standard_are_accepted() {
        for text in
            ["DE89370400440532013000", "GB82WEST12345698765432", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"]
        {
            assert_eq!(judge("{}", text), Verdict::Accepted, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, code) in [
            ("DE89370400440532013001", "check-digits"),
            ("DE8937040044053201300O", "check-digits"),
            ("DE89", "shape"),
            ("8937040044053201300000", "shape"),
            ("DE89-3704-0044-0532-0130-00", "shape"),
        ] {
            let Verdict::Rejected(violations) = judge("{}", text) else { panic!("{text} is accepted") };
            assert_eq!(violations[0].code, code, "{text}");
        }
        assert!(matches!(extension().judge("iban", "{}", "89"), Verdict::Rejected(_)), "a number is no text");
    }

    #[test]
    fn there_is_one_way_to_write_it() {
        let normal = Verdict::Normalized("DE89370400440532013000".into());
        assert_eq!(judge("{}", "de89 3704 0044 0532 0130 00"), normal);
    }

    #[test]
    fn countries_can_be_chosen() {
        let at = r#"{"countries":["AT"]}"#;
        assert!(matches!(judge(at, "DE89370400440532013000"), Verdict::Rejected(_)));
        assert_eq!(judge(at, "AT611904300234573201"), Verdict::Accepted);
        assert_eq!(extension().judge_params("iban", at), []);
        assert_eq!(extension().judge_params("iban", r#"{"countries":["Austria"]}"#)[0].code, "country");
        assert_eq!(extension().judge_params("iban", r#"{"country":"AT"}"#)[0].code, "bad-params");
    }

    #[test]
    fn keys_sort_as_the_numbers_do() {
        let key = |text: &str| extension().index_key("iban", "{}", &Value::from(text).to_string());
        assert!(key("AT611904300234573201") < key("DE89370400440532013000"));
    }
}
