//! The canonical form against RFC 8785's own examples and an independent implementation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::json::{Json, Shape};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// RFC 8785, sections 3.2.2 to 3.2.4.
#[test]
fn the_sample_document_of_the_rfc() {
    let sample = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let bytes = [
        0x7b, 0x22, 0x6c, 0x69, 0x74, 0x65, 0x72, 0x61, 0x6c, 0x73, 0x22, 0x3a, 0x5b, 0x6e, 0x75, 0x6c, 0x6c, 0x2c,
        0x74, 0x72, 0x75, 0x65, 0x2c, 0x66, 0x61, 0x6c, 0x73, 0x65, 0x5d, 0x2c, 0x22, 0x6e, 0x75, 0x6d, 0x62, 0x65,
        0x72, 0x73, 0x22, 0x3a, 0x5b, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x2e, 0x33, 0x33, 0x33,
        0x33, 0x33, 0x33, 0x33, 0x2c, 0x31, 0x65, 0x2b, 0x33, 0x30, 0x2c, 0x34, 0x2e, 0x35, 0x2c, 0x30, 0x2e, 0x30,
        0x30, 0x32, 0x2c, 0x31, 0x65, 0x2d, 0x32, 0x37, 0x5d, 0x2c, 0x22, 0x73, 0x74, 0x72, 0x69, 0x6e, 0x67, 0x22,
        0x3a, 0x22, 0xe2, 0x82, 0xac, 0x24, 0x5c, 0x75, 0x30, 0x30, 0x30, 0x66, 0x5c, 0x6e, 0x41, 0x27, 0x42, 0x5c,
        0x22, 0x5c, 0x5c, 0x5c, 0x5c, 0x5c, 0x22, 0x2f, 0x22, 0x7d,
    ];
    assert_eq!(canonical(&parsed(sample)).as_bytes(), bytes);
}

/// RFC 8785, section 3.2.3: by UTF-16 code units, so that the emoji comes before U+FB33.
#[test]
fn the_sorting_example_of_the_rfc() {
    let sample = r#"{
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }"#;
    let sorted = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
        \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\
        \"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
    assert_eq!(canonical(&parsed(sample)), sorted);
}

/// RFC 8785, appendix B.
#[test]
fn the_numbers_of_the_rfc() {
    let table = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];
    for (bits, text) in table {
        assert_eq!(canonical(&Value::from(f64::from_bits(bits))), text);
    }
}

#[test]
fn integers_print_as_the_doubles_that_they_are() {
    assert_eq!(
        canonical(&json!([0, -1, 9_007_199_254_740_991_i64, 1_u64 << 60])),
        "[0,-1,9007199254740991,1152921504606847000]"
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1e17..1e22).prop_map(|whole: f64| Value::from(whole.trunc())),
        "[\\x00-\\x7f\u{80}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let name = "[ab\"\\\\\n\u{80}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,3}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn the_canonical_form_is_that_of_another_implementation(value in value()) {
        prop_assert_eq!(canonical(&value), serde_jcs::to_string(&value).expect("serializes"));
    }

    /// What is folded in memory and what is read back from the disk must not differ.
    #[test]
    fn a_value_survives_its_canonical_form(value in value()) {
        let text = canonical(&value);
        let read = Json::trusted(text.as_str()).value().expect("JSON");
        prop_assert_eq!(canonical(&read), text.clone());
        let again = Json::trusted(text).value().expect("JSON");
        prop_assert_eq!(read, again);
    }

    /// Numbers settle into one form, whether they come from a client or from a canonical form.
    #[test]
    fn a_number_has_one_form(double: f64) {
        let written = Json::parse(format!("[{}]", Value::from(double)), Shape::Array, 100).expect("prints shortest");
        let value = written.value().expect("JSON");
        prop_assert_eq!(value[0].as_f64(), Some(double));
        prop_assert_eq!(Json::trusted(canonical(&value)).value().expect("JSON"), value.clone());
        let state = canonical(&json!({ "state": value }));
        prop_assert_eq!(&Json::members(state.as_bytes()).expect("an object")["state"], &value);
    }
}
