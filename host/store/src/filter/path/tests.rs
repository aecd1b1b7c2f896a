//! Paths: how they are written, what they lead to, and which texts are none.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn segments(text: &str) -> Vec<String> {
    Path::parse(text).expect("a path").segments().map(str::to_owned).collect()
}

#[test]
fn paths_have_segments() {
    let table: &[(&str, &[&str])] = &[
        ("total", &["total"]),
        ("state.address.city", &["state", "address", "city"]),
        ("extensions.@trace", &["extensions", "@trace"]),
        ("items[0].sku", &["items", "0", "sku"]),
        ("items.0.sku", &["items", "0", "sku"]),
        ("m[1][2]", &["m", "1", "2"]),
        (r#"payload."odd key".x"#, &["payload", "odd key", "x"]),
        (r#""a.b"."say ""so""""#, &["a.b", r#"say "so""#]),
        (r#""""#, &[""]),
        ("größe.日本", &["größe", "日本"]),
        ("0.in.not", &["0", "in", "not"]),
        ("/items/0/sku", &["items", "0", "sku"]),
        ("/a~1b/~01/", &["a/b", "~1", ""]),
    ];
    for (text, expected) in table {
        assert_eq!(segments(text), *expected, "{text}");
    }
}

#[test]
fn faults_of_paths_show_their_place() {
    let table = [
        ("", "a segment of a path is missing\n  \n  ^\nexpected: a name, or any other key in double quotes"),
        ("a..b", "a segment of a path is missing\n  a..b\n    ^\nexpected: a name, or any other key in double quotes"),
        ("a[x]", "`x` is no index of an array\n  a[x]\n    ^\nexpected: digits and `]`"),
        ("a[01]", "`01` is no index of an array\n  a[01]\n    ^^\nexpected: digits and `]`"),
        ("a[1", "`1` is no index of an array\n  a[1\n    ^\nexpected: digits and `]`"),
        ("a.\"b", "a quoted segment does not end\n  a.\"b\n    ^^\nexpected: a closing `\"`"),
        ("é b", "the path goes on after its end\n  é b\n   ^^\nexpected: `.`, `[` or nothing"),
        ("/a/~2", "`~` escapes nothing in this JSON Pointer\n  /a/~2\n     ^\nexpected: ~0 for ~, ~1 for /"),
    ];
    for (text, expected) in table {
        assert_eq!(Path::parse(text).expect_err(text).to_string(), expected, "{text}");
    }
}

#[test]
fn paths_have_limits() {
    let deep = |segments: usize| vec!["a"; segments].join(".");
    assert!(Path::parse(&deep(limits::JSON_DEPTH)).is_ok());
    for text in [deep(limits::JSON_DEPTH + 1), "/".repeat(limits::JSON_DEPTH + 1)] {
        assert_eq!(Path::parse(&text).expect_err("too deep").expected, "at most 64 (JSON_DEPTH)");
    }
    let fault = Path::parse(&"é".repeat(limits::FILTER_BYTES)).expect_err("too long");
    assert_eq!(fault.expected, "at most 4096 bytes (FILTER_BYTES)");
}

#[test]
fn paths_lead_through_objects_and_arrays() {
    let value = json!({"items": [{"sku": "x"}, [7]], "0": "zero", "a": {"01": 1}, "": {"": null}});
    let table = [
        ("items[0].sku", Some(json!("x"))),
        ("items.1.0", Some(json!(7))),
        ("items.2", None),
        ("items.01", None),
        ("items.x", None),
        ("items.99999999999999999999", None),
        ("0", Some(json!("zero"))),
        ("a.01", Some(json!(1))),
        ("a.01.b", None),
        ("//", Some(json!(null))),
    ];
    for (path, expected) in table {
        assert_eq!(Path::parse(path).expect("a path").get(&value), expected.as_ref(), "{path}");
    }
}

proptest! {
    #[test]
    fn a_path_survives_its_display(segments in prop::collection::vec("\\PC{0,4}|[a-z0-9@\"./~\\[ ]{0,4}", 1..6)) {
        let path = Path(segments.iter().map(|segment| segment.as_str().into()).collect());
        prop_assert_eq!(Path::parse(&path.to_string()).expect("displayed"), path.clone());
        let escaped = segments.iter().map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1")));
        prop_assert_eq!(Path::parse(&escaped.collect::<String>()).expect("a pointer"), path);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,20}|[a0.\"/~\\[\\]é]{0,12}") {
        if let Err(fault) = Path::parse(&text) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}
