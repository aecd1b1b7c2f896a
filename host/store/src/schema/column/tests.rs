//! Good and bad values of every column type.

use serde_json::json;

use super::*;

fn column(name: &str) -> Column {
    match name {
        "integer" => Column::Integer,
        "float" => Column::Float,
        "decimal" => Column::Decimal(Precision::new(6, 2).expect("valid")),
        "boolean" => Column::Boolean,
        "text" => Column::Text,
        "timestamp" => Column::Timestamp,
        "date" => Column::Date,
        "json" => Column::Json,
        "binary" => Column::Binary,
        "object" => Column::Object(None),
        "reference" => Column::Reference(Target::default()),
        other => panic!("no column {other}"),
    }
}

/// Values of each type, and values that are not.
fn cases() -> [(&'static str, Vec<Value>, Vec<Value>); 11] {
    let max = MAX_INTEGER as i64;
    [
        (
            "integer",
            vec![json!(0), json!(-1), json!(1.0), json!(-0.0), json!(1e2), json!(max), json!(-max)],
            vec![
                json!(1.5),
                json!(max + 1),
                json!(-max - 1),
                json!(u64::MAX),
                json!(1e300),
                json!("1"),
                json!(true),
                json!(null),
            ],
        ),
        (
            "float",
            vec![json!(0), json!(1.5), json!(-1e300), json!(u64::MAX)],
            vec![json!("1.5"), json!(null), json!([1]), json!(false)],
        ),
        (
            "decimal",
            vec![json!("0"), json!("9999.99"), json!("-1.5"), json!(1.5), json!(9999), json!("1.50")],
            vec![
                json!("10000"),
                json!(10000),
                json!("1.234"),
                json!(0.125),
                json!("1e2"),
                json!(""),
                json!("x"),
                json!(null),
                json!({}),
            ],
        ),
        ("boolean", vec![json!(true), json!(false)], vec![json!("true"), json!(1), json!(null)]),
        ("text", vec![json!(""), json!("é"), json!("1")], vec![json!(1), json!(["a"]), json!({}), json!(null)]),
        (
            "timestamp",
            vec![
                json!("2013-01-01T05:15:00-05:00"),
                json!("2013-01-01T10:15:00Z"),
                json!("2012-02-29T23:59:59.123456789+00:00"),
                json!("0001-01-01T00:00:00Z"),
            ],
            vec![
                json!(""),
                json!("2013-01-01"),
                json!("2013-01-01 05:15:00Z"),
                json!("2013-01-01T05:15:00"),
                json!("2013-02-30T05:15:00Z"),
                json!("2013-01-01T05:15:00.Z"),
                json!("2013-01-01T05:15:00.1234567890Z"),
                json!("2013-01-01T05:15:00Z[UTC]"),
                json!("２013-01-01T05:15:00Z"),
                json!(1_357_035_300),
            ],
        ),
        (
            "date",
            vec![json!("2013-01-31"), json!("2012-02-29"), json!("0000-01-01")],
            vec![
                json!(""),
                json!("2013-02-29"),
                json!("2013-1-1"),
                json!("20130101"),
                json!("2013-01-01T00:00:00Z"),
                json!("-001-01-01"),
            ],
        ),
        ("json", vec![json!(null), json!([1, {"a": null}]), json!({}), json!("x"), json!(1)], vec![]),
        (
            "binary",
            vec![json!(""), json!("AA=="), json!("AAA="), json!("AAAA"), json!("+/+/")],
            vec![
                json!("A"),
                json!("AA"),
                json!("AA="),
                json!("AB=="),
                json!("-_-_"),
                json!("AA==AAAA"),
                json!("AAAA\n"),
                json!([0]),
                json!(0),
            ],
        ),
        ("object", vec![json!({}), json!({"a": [1]})], vec![json!([]), json!("{}"), json!(null), json!(1)]),
        (
            "reference",
            vec![json!("#1"), json!("order#1"), json!("shop#order#1")],
            vec![json!(""), json!("1"), json!("order/1"), json!("order#"), json!(1), json!(null)],
        ),
    ]
}

#[test]
fn each_type_takes_the_good_and_refuses_the_bad() {
    for ((name, good, bad), listed) in cases().into_iter().zip(TYPES) {
        assert_eq!(name, listed);
        let column = column(name);
        assert!(column.name().starts_with(name));
        for value in good {
            assert!(column.read(&value).is_some(), "{name}: {value}");
        }
        for value in bad {
            assert!(column.read(&value).is_none(), "{name}: {value}");
        }
    }
}

#[test]
fn long_base64_is_measured_in_pieces() {
    for bytes in [767, 768, 769, 1536, 5000] {
        let text = "QUJD".repeat(bytes / 3) + ["", "QQ==", "QUI="][bytes % 3];
        assert_eq!(decoded_length(&text), Some(bytes as u64), "{bytes}");
    }
    // Padding at the end of the first piece, and more after it.
    assert_eq!(decoded_length(&("QUJD".repeat(255) + "QQ==" + "QUJD")), None);
}

#[test]
fn quantities_compare_by_value() {
    let quantity = |name: &str, value: Value| match column(name).read(&value) {
        Some(Read::Quantity(quantity)) => quantity,
        _ => panic!("{name}: {value}"),
    };
    assert_eq!(quantity("decimal", json!("1.5")), quantity("decimal", json!(1.50)));
    assert!(quantity("decimal", json!("-1.51")) < quantity("decimal", json!("-1.5")));
    assert_eq!(
        quantity("timestamp", json!("2013-01-01T05:15:00-05:00")),
        quantity("timestamp", json!("2013-01-01T10:15:00.000Z"))
    );
    assert!(quantity("date", json!("2013-01-31")) < quantity("date", json!("2013-02-01")));
}
