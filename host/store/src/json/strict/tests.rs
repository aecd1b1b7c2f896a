//! What is accepted, what is refused, and where each refusal points.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const ROOM: usize = limits::PAYLOAD_BYTES;

fn fault(text: &str) -> JsonFault {
    check(text, Shape::Any, ROOM).expect_err(text)
}

#[test]
fn texts_of_the_grammar_are_accepted() {
    let texts = [
        "null",
        " true ",
        "false\n",
        "0",
        "-0",
        "-0.0",
        "12",
        "-9007199254740991",
        "9007199254740991",
        "0.1",
        "1.0",
        "1.10",
        "1e0",
        "1E+2",
        "25e-2",
        "1e300",
        "1E30",
        "5e-324",
        "1.7976931348623157e308",
        "0e99999999999999999999",
        "0.30000000000000004",
        "1424953923781206.2",
        "1.00000000000000000000000000",
        r#""""#,
        r#""é\u00e9\\\/""#,
        r#""\ud83d\ude00""#,
        "\"\u{7f}\u{80}\u{ffff}\"",
        "[]",
        "[ ]",
        "[1,[2],{}]",
        "{}",
        r#"{"":0}"#,
        "\t{ \"a\" : 1 ,\r\n\"b\" : [ ] }",
        r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
    ];
    for text in texts {
        assert_eq!(check(text, Shape::Any, ROOM), Ok(()), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
}

#[test]
fn texts_outside_the_grammar_are_refused() {
    let texts = [
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "+1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "'a'",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\n\"",
        "\"\u{1f}\"",
        "\"\0\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{,}",
        "1 1",
        "{}{}",
        "\u{feff}{}",
        "/**/1",
        "[1]\0",
        "\u{a0}1",
    ];
    for text in texts {
        assert_eq!(fault(text).code, "not-json", "{text:?}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
    }
}

#[test]
fn numbers_that_do_not_survive_are_refused() {
    let texts = [
        "9007199254740992",
        "-9007199254740992",
        "9007199254740993",
        "100000000000000000000",
        "1e400",
        "-1e400",
        "1e-400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0.1000000000000000055511151231257827",
        "9007199254740993.0",
        "333333333.33333329",
        "4.9406564584124654e-324",
        "3.14159265358979323846",
        "1.79769313486231570814527423731704356798070e308",
    ];
    for text in texts {
        assert_eq!(fault(text).code, "number-not-exact", "{text}");
    }
}

#[test]
fn members_that_appear_twice_are_refused_however_they_are_written() {
    for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"\ud83d\ude00":1,"😀":2}"#, r#"{"/":1,"\/":2}"#]
    {
        assert_eq!(fault(text).code, "duplicate-member", "{text}");
    }
    for count in [2, 16, 17, 18, 40, 1000] {
        let names: Vec<String> = (0..count).map(|n| format!("\"n{n}\":{n}")).collect();
        let distinct = format!("{{{}}}", names.join(","));
        assert_eq!(check(&distinct, Shape::Object, ROOM), Ok(()), "{count}");
        for again in [0, count / 2, count - 1] {
            let text = format!("{{{},\"n{again}\":0}}", names.join(","));
            let fault = fault(&text);
            assert_eq!((fault.code, fault.path), ("duplicate-member", format!("/n{again}")), "{count}");
            assert_eq!(fault.offset, distinct.len(), "the second one is at fault");
        }
    }
}

#[test]
fn a_fault_says_where_it_is() {
    let fault = fault("{\"a/b\": [0, {\"c~\": 1,\n  \"d\": 1e999}]}");
    assert_eq!(fault.path, "/a~1b/1/d");
    assert_eq!(fault.offset, 29);
    assert!(fault.message.ends_with("(line 2, column 8)"), "{fault}");
}

#[test]
fn a_fault_repeats_no_values_and_only_the_beginning_of_names() {
    let secret = "s3cr3t".repeat(20);
    for text in [
        format!("[\"{secret}\", nul]"),
        format!("[\"{secret}]"),
        format!("{{\"{secret}\":1,\"{secret}\":2}}"),
        "[12345678901234567890]".to_owned(),
    ] {
        let shown = format!("{:?}", fault(&text));
        assert!(!shown.contains(&secret) && !shown.contains("123456789"), "{shown}");
    }
}

#[test]
fn lone_surrogates_are_refused() {
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800\ud800""#, r#"{"\udfff":1}"#]
    {
        assert_eq!(fault(text).code, "lone-surrogate", "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(check(&nested(limits::JSON_DEPTH), Shape::Any, ROOM), Ok(()));
    assert_eq!(fault(&nested(limits::JSON_DEPTH + 1)).code, "too-deep");
    assert_eq!(fault(&"[".repeat(ROOM)).code, "too-deep");
    assert_eq!(fault(&"{\"a\":".repeat(1000)).code, "too-deep");
}

#[test]
fn shape_and_length_are_checked() {
    assert_eq!(check("[]", Shape::Object, ROOM).expect_err("an array").code, "wrong-shape");
    assert_eq!(check(" {}", Shape::Array, ROOM).expect_err("an object").code, "wrong-shape");
    assert_eq!(check("", Shape::Object, ROOM).expect_err("nothing").code, "wrong-shape");
    assert_eq!(check("[1]", Shape::Array, 3), Ok(()));
    assert_eq!(check("[1]", Shape::Array, 2).expect_err("too long").code, "too-large");
}

/// A text that is JSON, written compactly or over several lines.
fn json_text() -> impl Strategy<Value = String> {
    let name = prop_oneof!["[a-c]", "\\PC{0,12}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..24).prop_map(|members| members.into_iter().collect()),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, pretty)| if pretty { format!("{value:#}") } else { value.to_string() })
}

/// JSON, cut into and added to.
fn mangled_text() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"a\":1,",
        "\"\\u0061\":",
        "\\ud800",
        "\\udc00",
        "\\u00",
        "0",
        "-",
        ".",
        "e",
        "E+",
        "1.5",
        "true",
        "null",
        " ",
        "\n",
        "\u{1}",
        "é",
    ]);
    let edit = (any::<prop::sample::Index>(), 0_usize..3, token);
    (json_text(), prop::collection::vec(edit, 0..3)).prop_map(|(text, edits)| {
        edits.into_iter().fold(text, |text, (place, cut, token)| {
            let chars: Vec<char> = text.chars().collect();
            let place = place.index(chars.len() + 1);
            let rest = chars.iter().skip(place + cut);
            chars.iter().take(place).copied().chain(token.chars()).chain(rest.copied()).collect()
        })
    })
}

/// Whether a member appears twice in an object, by way of serde.
fn repeats_a_member(text: &str) -> bool {
    struct Seen(bool);
    impl<'de> serde::de::Visitor<'de> for Seen {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("JSON")
        }
        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_str<E>(self, _: &str) -> Result<bool, E> {
            Ok(false)
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<bool, A::Error> {
            let mut repeats = false;
            while let Some(Seen(inner)) = elements.next_element()? {
                repeats |= inner;
            }
            Ok(repeats)
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
            let mut names = std::collections::HashSet::new();
            let mut repeats = false;
            while let Some((name, Seen(inner))) = members.next_entry::<String, Seen>()? {
                repeats |= inner | !names.insert(name);
            }
            Ok(repeats)
        }
    }
    impl<'de> serde::Deserialize<'de> for Seen {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Seen(false)).map(Seen)
        }
    }
    serde_json::from_str::<Seen>(text).is_ok_and(|seen| seen.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Nothing that `serde_json` refuses is accepted, and nothing that it accepts is refused but for a named reason.
    #[test]
    fn the_check_agrees_with_serde_json(text in mangled_text()) {
        let theirs = serde_json::from_str::<Value>(&text);
        match check(&text, Shape::Any, ROOM) {
            Ok(()) => {
                prop_assert!(theirs.is_ok(), "accepted, but {theirs:?}");
                prop_assert!(!repeats_a_member(&text), "a member that appears twice was accepted");
            }
            Err(fault) if fault.code == "duplicate-member" => {
                prop_assert!(theirs.is_err() || repeats_a_member(&text), "{fault}");
            }
            Err(fault) if fault.code == "number-not-exact" => {}
            Err(fault) => prop_assert!(theirs.is_err(), "{fault}"),
        }
    }

    /// Every finite double is accepted as it prints, and every other decimal is refused unless it prints the same.
    #[test]
    fn decimals_are_accepted_if_they_print_as_they_are(bits: u64, more in "[0-9]{1,4}") {
        let double = f64::from_bits(bits).abs();
        prop_assume!(double.is_finite());
        let shortest = Value::from(double).to_string();
        prop_assert!(check(&shortest, Shape::Any, ROOM).is_ok(), "{shortest}");
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        let point = if mantissa.contains('.') { "" } else { "." };
        let longer = format!("{mantissa}{point}{more}e{exponent}");
        let same_value = more.bytes().all(|digit| digit == b'0');
        let parsed: f64 = longer.parse().expect("a number");
        if parsed == double {
            prop_assert_eq!(check(&longer, Shape::Any, ROOM).is_ok(), same_value, "{}", longer);
        }
    }
}
