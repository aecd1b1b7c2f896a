//! Random expressions over random rows, against an evaluator that builds every value and takes nothing apart.

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;

/// An expression before it is printed.
#[derive(Debug, Clone)]
pub(crate) enum Naive {
    Any(Vec<Naive>),
    All(Vec<Naive>),
    Not(Box<Naive>),
    Compare(&'static str, &'static str, Side),
    Turned(&'static str, &'static str, &'static str),
    In(&'static str, bool, Vec<&'static str>),
    Between(&'static str, bool, Side, Side),
    Like(&'static str, bool, &'static str),
    Null(&'static str, bool),
}

#[derive(Debug, Clone)]
pub(crate) enum Side {
    Path(&'static str),
    Literal(&'static str),
}

/// Paths as they are written, and where they lead in the row as one document.
const PATHS: &[(&str, &str)] = &[
    ("a", "/payload/a"),
    ("payload.a", "/payload/a"),
    ("payload.b", "/payload/b"),
    ("a.b", "/payload/a/b"),
    ("b[0]", "/payload/b/0"),
    ("payload.b.1.a", "/payload/b/1/a"),
    (r#"payload."odd ""key".b"#, "/payload/odd \"key/b"),
    ("metadata.source", "/metadata/source"),
    ("extensions.@trace", "/extensions/@trace"),
    ("position", "/position"),
    ("version", "/version"),
    ("schema_version", "/schema_version"),
    ("event_type", "/event_type"),
    ("aggregate_id", "/aggregate_id"),
    ("actor", "/actor"),
    ("note", "/note"),
    ("payload", "/payload"),
];
const NUMBERS: &[&str] = &["0", "1", "-0.5", "2.50", "25e-1", "3", "42"];
const TEXTS: &[&str] = &["''", "'a'", "'b''c'", "'é'", "'2.5'", "'order_changed'", "'web'", "'o-1'"];
const TEXT_VALUES: &[&str] = &["", "a", "b'c", "é", "2.5", "2.50", "02.5", "3", "web", "\"\\\n", "t-9"];
const OTHERS: &[&str] = &["true", "false", "NULL"];
const OPERATORS: &[&str] = &["=", "!=", "<>", "<", "<=", ">", ">="];
const PATTERNS: &[(&str, &str)] =
    &[("'%'", "%"), ("'a%'", "a%"), ("'%_c'", "%_c"), ("'b''c'", "b'c"), ("'order%'", "order%")];

impl Naive {
    /// Printed with every parenthesis that could matter.
    pub(crate) fn print(&self) -> String {
        let joined = |parts: &[Naive], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.print())).collect();
            parts.join(&format!(" {word}\n"))
        };
        let not = |negated: &bool| if *negated { "NOT " } else { "" };
        match self {
            Self::Any(parts) => joined(parts, "Or"),
            Self::All(parts) => joined(parts, "AND"),
            Self::Not(inner) => format!("not ({})", inner.print()),
            Self::Compare(path, operator, side) => format!("{path}{operator}{}", side.print()),
            Self::Turned(literal, operator, path) => format!("{literal} {operator} {path}"),
            Self::In(path, negated, list) => format!("{path} {}IN ({})", not(negated), list.join(",")),
            Self::Between(path, negated, low, high) => {
                format!("{path} {}between {} AND {}", not(negated), low.print(), high.print())
            }
            Self::Like(path, negated, pattern) => format!("{path} {}like {pattern}", not(negated)),
            Self::Null(path, negated) => format!("{path} IS {}NULL", not(negated)),
        }
    }

    pub(crate) fn holds(&self, row: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            Self::Compare(path, operator, side) => compare(row, path, operator, side),
            Self::Turned(literal, operator, path) => {
                let turned = match *operator {
                    "<" => ">",
                    "<=" => ">=",
                    ">" => "<",
                    ">=" => "<=",
                    other => other,
                };
                compare(row, path, turned, &Side::Literal(literal))
            }
            Self::In(path, negated, list) => {
                let found = list.iter().any(|literal| compare(row, path, "=", &Side::Literal(literal)));
                !at(row, path).is_null() && found != *negated
            }
            Self::Between(path, false, low, high) => compare(row, path, ">=", low) && compare(row, path, "<=", high),
            Self::Between(path, true, low, high) => compare(row, path, "<", low) || compare(row, path, ">", high),
            Self::Like(path, negated, pattern) => {
                let pattern = PATTERNS.iter().find(|(printed, _)| printed == pattern).expect("known").1;
                let like = super::super::like::Like::compile(pattern).expect("a pattern");
                at(row, path).as_str().is_some_and(|text| like.matches(text) != *negated)
            }
            Self::Null(path, negated) => at(row, path).is_null() != *negated,
        }
    }
}

impl Side {
    fn print(&self) -> &str {
        match self {
            Self::Path(text) | Self::Literal(text) => text,
        }
    }
}

fn at(row: &Value, path: &str) -> Value {
    let (_, pointer) = PATHS.iter().find(|(written, _)| *written == path).expect("known");
    row.pointer(pointer).cloned().unwrap_or_default()
}

/// In thousandths, where it is a plain decimal with at most three places.
fn thousandths(text: &str) -> Option<i64> {
    let plain = serde_json::from_str::<Value>(text).ok()?.is_number() && !text.contains(['e', 'E']);
    let double: f64 = text.parse().ok()?;
    plain.then(|| (double * 1000.0).round() as i64)
}

fn compare(row: &Value, path: &str, operator: &str, side: &Side) -> bool {
    let left = at(row, path);
    let right = match side {
        Side::Path(path) => at(row, path),
        Side::Literal(literal) => match literal.strip_prefix('\'') {
            Some(text) => json!(text[..text.len() - 1].replace("''", "'")),
            None => serde_json::from_str(&literal.to_lowercase()).expect("JSON"),
        },
    };
    let order = match (&left, &right, side) {
        (Value::Number(left), Value::Number(right), _) => left.as_f64().partial_cmp(&right.as_f64()),
        (Value::String(left), Value::String(right), _) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right), _) if matches!(operator, "=" | "!=" | "<>") => Some(left.cmp(right)),
        (Value::String(left), Value::Number(right), Side::Literal(_)) => {
            let right = (right.as_f64().expect("a double") * 1000.0).round() as i64;
            thousandths(left).map(|left| left.cmp(&right))
        }
        _ => None,
    };
    order.is_some_and(|order| match operator {
        "=" => order.is_eq(),
        "!=" | "<>" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    select(PATHS).prop_map(|(written, _)| written)
}

fn literal() -> impl Strategy<Value = &'static str> {
    prop_oneof![select(NUMBERS), select(TEXTS), select(OTHERS)]
}

/// A literal that has an order, or a path.
fn side() -> impl Strategy<Value = Side> {
    prop_oneof![
        path().prop_map(Side::Path),
        select(NUMBERS).prop_map(Side::Literal),
        select(TEXTS).prop_map(Side::Literal)
    ]
}

pub(crate) fn expression() -> impl Strategy<Value = Naive> {
    let equal = select(&["=", "!=", "<>"][..]);
    let test = prop_oneof![
        4 => (path(), select(OPERATORS), side()).prop_map(|(path, operator, side)| Naive::Compare(path, operator, side)),
        1 => (path(), equal, literal()).prop_map(|(path, operator, literal)| {
            Naive::Compare(path, operator, Side::Literal(literal))
        }),
        1 => (select(NUMBERS), select(OPERATORS), path()).prop_map(|(literal, operator, path)| {
            Naive::Turned(literal, operator, path)
        }),
        1 => (path(), any::<bool>(), prop::collection::vec(literal(), 1..5)).prop_map(|(path, negated, list)| {
            Naive::In(path, negated, list)
        }),
        1 => (path(), any::<bool>(), side(), side()).prop_map(|(path, negated, low, high)| {
            Naive::Between(path, negated, low, high)
        }),
        1 => (path(), any::<bool>(), select(PATTERNS)).prop_map(|(path, negated, (pattern, _))| {
            Naive::Like(path, negated, pattern)
        }),
        1 => (path(), any::<bool>()).prop_map(|(path, negated)| Naive::Null(path, negated)),
    ];
    test.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Naive::Any),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Naive::All),
            inner.prop_map(|inner| Naive::Not(Box::new(inner))),
        ]
    })
}

/// Values that meet the literals often.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        select(vec![json!(null), json!(true), json!(false), json!(0), json!(1), json!(-0.5), json!(2.5), json!(3)]),
        select(TEXT_VALUES).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = select(&["a", "b", "odd \"key"][..]).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// A row, and the same as one document.
fn row() -> impl Strategy<Value = (Event, Value)> {
    let member = |name: &'static str| value().prop_map(move |value| json!({ name: value }));
    let metadata = prop::option::of(member("source"));
    let extensions = prop::option::of(member("@trace"));
    let note = prop::option::of(select(&["a", "é", "2.5"][..]));
    let header = (0_u64..4, 1_u64..4, select(&["order_changed", "order_placed"][..]));
    (value(), metadata, extensions, note, header).prop_map(|(payload, metadata, extensions, note, header)| {
        let (position, version, event_type) = header;
        let mut event = event(&payload.to_string());
        event.header.position = Position::new(position);
        event.header.version = Version::new(version);
        event.header.event_type = event_type.parse().expect("a type");
        event.body.metadata = metadata.as_ref().map(|value| Json::trusted(value.to_string()));
        event.body.extensions = extensions.as_ref().map(|value| Json::trusted(value.to_string()));
        event.body.note = note.map(Arc::from);
        let document = json!({
            "payload": payload, "metadata": metadata, "extensions": extensions, "position": position,
            "version": version, "schema_version": 2, "event_type": event_type, "aggregate_id": "o-1", "actor": "alice",
            "note": note,
        });
        (event, document)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn filters_agree_with_the_naive_evaluator(expression in expression(), rows in prop::collection::vec(row(), 1..6)) {
        let text = expression.print();
        let filter = Filter::parse(&text, Subject::Events);
        prop_assert!(filter.is_ok(), "{}", filter.expect_err("not ok"));
        let filter = filter.expect("just looked at");
        for (event, document) in &rows {
            let expected = expression.holds(document);
            prop_assert_eq!(filter.matches(event), expected, "{} of {}", &text, document);
            match filter.decide_by_header(&event.header) {
                Some(decided) => prop_assert_eq!(decided, expected, "{} of {}", &text, document),
                None => prop_assert!(filter.needs() != Needs::default(), "{} needs nothing", &text),
            }
        }
    }

    /// Times of a row, against their order in microseconds.
    #[test]
    fn times_compare_as_instants(recorded in 0_u64..4_000_000, literal in 0_u64..4_000_000, hours in -12_i8..=12) {
        let mut event = event("{}");
        event.header.recorded_at = Micros::new(recorded);
        let there = jiff::tz::offset(hours);
        let time = jiff::Timestamp::from_microsecond(literal as i64).expect("in range");
        event.header.occurred_at = Some(time.display_with_offset(there).to_string().into());
        for (operator, expected) in [("<", recorded < literal), ("=", recorded == literal), (">=", recorded >= literal)] {
            let against_literal = format!("recorded_at {operator} '{}'", time.display_with_offset(there));
            prop_assert_eq!(filter(&against_literal, Subject::Events).matches(&event), expected);
            let against_path = format!("recorded_at {operator} occurred_at");
            prop_assert_eq!(filter(&against_path, Subject::Events).decide_by_header(&event.header), Some(expected));
        }
    }
}
