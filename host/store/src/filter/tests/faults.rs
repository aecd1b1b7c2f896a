//! Every kind of fault, as it is shown.

use super::*;

fn shown(text: &str, subject: Subject) -> String {
    Filter::parse(text, subject).expect_err(text).to_string()
}

#[test]
#[rustfmt::skip]
fn faults_show_their_place() {
    let table: &[(&str, &[&str])] = &[
        ("", &[
            "a test is missing",
            "  ",
            "  ^",
            "expected: a path, `(` or NOT",
        ]),
        ("total", &[
            "a path is followed by no test",
            "  total",
            "       ^",
            "expected: =, !=, <, <=, >, >=, IN, LIKE, BETWEEN, IS NULL, or NOT before one of these words",
        ]),
        ("total >", &[
            "a comparison has no right side",
            "  total >",
            "         ^",
            "expected: a path, 'text', a number, true, false or null",
        ]),
        ("total >> 1", &[
            "a comparison has no right side",
            "  total >> 1",
            "         ^",
            "expected: a path, 'text', a number, true, false or null",
        ]),
        ("total == 1", &[
            "`==` is not known here",
            "  total == 1",
            "        ^^",
            "expected: `=`",
        ]),
        ("total = 1 AND", &[
            "a test is missing",
            "  total = 1 AND",
            "               ^",
            "expected: a path, `(` or NOT",
        ]),
        ("a = 1 b", &[
            "the expression goes on after its end",
            "  a = 1 b",
            "        ^",
            "expected: AND, OR or the end",
        ]),
        ("(a = 1", &[
            "the `(` in column 1 is not closed here",
            "  (a = 1",
            "        ^",
            "expected: `)`, AND or OR",
        ]),
        ("a = 1)", &[
            "a `)` closes nothing",
            "  a = 1)",
            "       ^",
            "expected: AND, OR or the end",
        ]),
        ("a = 1 && b = 2", &[
            "`&&` is not known here",
            "  a = 1 && b = 2",
            "        ^^",
            "expected: AND",
        ]),
        ("!a", &[
            "`!` is not known here",
            "  !a",
            "  ^",
            "expected: NOT, or `!=` for unequal",
        ]),
        ("a = 'it", &[
            "a text does not end",
            "  a = 'it",
            "      ^^^",
            "expected: a closing `'` (one inside the text is doubled)",
        ]),
        ("a = 1x", &[
            "`1x` is no number",
            "  a = 1x",
            "      ^^",
            "expected: digits, with a fraction or an exponent, e.g. -12.50 or 1e6",
        ]),
        ("a = -", &[
            "`-` is no number",
            "  a = -",
            "      ^",
            "expected: digits, with a fraction or an exponent, e.g. -12.50 or 1e6",
        ]),
        ("a = 1.", &[
            "`1.` is no number",
            "  a = 1.",
            "      ^^",
            "expected: digits, with a fraction or an exponent, e.g. -12.50 or 1e6",
        ]),
        ("a..b = 1", &[
            "a segment of a path is missing",
            "  a..b = 1",
            "    ^",
            "expected: a name, or any other key in double quotes",
        ]),
        ("a[x] = 1", &[
            "`x` is no index of an array",
            "  a[x] = 1",
            "    ^",
            "expected: digits and `]`",
        ]),
        ("a.\"b = 1", &[
            "a quoted segment does not end",
            "  a.\"b = 1",
            "    ^^^^^^",
            "expected: a closing `\"`",
        ]),
        ("a IN 1", &[
            "IN has no list",
            "  a IN 1",
            "       ^",
            "expected: `(`",
        ]),
        ("a IN ()", &[
            "a literal is missing in the list",
            "  a IN ()",
            "        ^",
            "expected: 'text', a number, true, false or null",
        ]),
        ("a IN (1, b)", &[
            "a list has no paths in it",
            "  a IN (1, b)",
            "           ^",
            "expected: 'text', a number, true, false or null",
        ]),
        ("a IN (1 2)", &[
            "the `(` in column 6 is not closed here",
            "  a IN (1 2)",
            "          ^",
            "expected: `)` or `,`",
        ]),
        ("a LIKE 3", &[
            "LIKE has no pattern",
            "  a LIKE 3",
            "         ^",
            "expected: 'text', in which % stands for any characters, _ for one",
        ]),
        ("a LIKE 'x\\y'", &[
            "a `\\` stands in the pattern before something else",
            "  a LIKE 'x\\y'",
            "         ^^^^^",
            "expected: \\%, \\_ or \\\\",
        ]),
        ("a BETWEEN 1 OR 2", &[
            "BETWEEN has no upper bound",
            "  a BETWEEN 1 OR 2",
            "              ^^",
            "expected: AND and the upper bound",
        ]),
        ("a BETWEEN 1", &[
            "BETWEEN has no upper bound",
            "  a BETWEEN 1",
            "             ^",
            "expected: AND and the upper bound",
        ]),
        ("a IS 3", &[
            "IS tests for null only",
            "  a IS 3",
            "       ^",
            "expected: NULL or NOT NULL",
        ]),
        ("a NOT = 3", &[
            "NOT stands before no test",
            "  a NOT = 3",
            "        ^",
            "expected: IN, LIKE or BETWEEN",
        ]),
        ("a NOT IS NULL", &[
            "NOT stands before IS",
            "  a NOT IS NULL",
            "        ^^",
            "expected: IS NOT NULL",
        ]),
        ("1 = 2", &[
            "a literal is compared with a literal",
            "  1 = 2",
            "      ^",
            "expected: a path on one side",
        ]),
        ("1", &[
            "a literal is followed by no comparison",
            "  1",
            "   ^",
            "expected: =, !=, <, <=, > or >=",
        ]),
        ("'x' IN (a)", &[
            "a literal is followed by no comparison",
            "  'x' IN (a)",
            "      ^^",
            "expected: =, !=, <, <=, > or >=",
        ]),
        ("a > true", &[
            "true and false have no order",
            "  a > true",
            "      ^^^^",
            "expected: = or !=, or another literal",
        ]),
        ("a = 1e999", &[
            "the number is too large or too small",
            "  a = 1e999",
            "      ^^^^^",
            "expected: a number that a double holds",
        ]),
        ("name = \"Zoë\"", &[
            "double quotes hold the name of a member, not text",
            "  name = \"Zoë\"",
            "         ^^^^^",
            "expected: 'Zoë' for text; a path that is quoted here begins with its root",
        ]),
        ("evnt_type = 'x'", &[
            "there is no `evnt_type`",
            "  evnt_type = 'x'",
            "  ^^^^^^^^^",
            "expected: `event_type`, or `payload.evnt_type` for a member of that name",
        ]),
        ("state.total > 1", &[
            "events have no `state`",
            "  state.total > 1",
            "  ^^^^^^^^^^^",
            "expected: one of payload, metadata, extensions, position, version, aggregate_type, aggregate_id, event_type, event_id, recorded_at, occurred_at, schema_version, actor, note; `payload.state.total` for a member of that name",
        ]),
        ("position.x = 1", &[
            "`position` is a single value and has no members",
            "  position.x = 1",
            "  ^^^^^^^^^^",
            "expected: `position` alone, or `payload.position.x` for a member of that name",
        ]),
        ("recorded_at > 'yesterday'", &[
            "this is no time",
            "  recorded_at > 'yesterday'",
            "                ^^^^^^^^^^^",
            "expected: an RFC 3339 timestamp or a date, e.g. '2013-01-01T10:15:00Z' or '2013-01-01'",
        ]),
        ("recorded_at = 3", &[
            "a time is compared with something else",
            "  recorded_at = 3",
            "                ^",
            "expected: an RFC 3339 timestamp or a date, e.g. '2013-01-01T10:15:00Z' or '2013-01-01'",
        ]),
        ("recorded_at LIKE '2%'", &[
            "LIKE is a test of text, and this is a time",
            "  recorded_at LIKE '2%'",
            "                   ^^^^",
            "expected: a comparison or BETWEEN before it",
        ]),
        ("a = 1; drop", &[
            "`;` does not belong here",
            "  a = 1; drop",
            "       ^",
            "expected: a path, a literal, an operator, or an end",
        ]),
        ("ä\t=\n'ü' ODER b = 1", &[
            "the expression goes on after its end",
            "  ä = 'ü' ODER b = 1",
            "          ^^^^",
            "expected: AND, OR or the end",
        ]),
        ("lower(a) = 'x'", &[
            "a path is followed by no test",
            "  lower(a) = 'x'",
            "       ^",
            "expected: =, !=, <, <=, >, >=, IN, LIKE, BETWEEN, IS NULL, or NOT before one of these words",
        ]),
        ("a = {", &[
            "`{` does not belong here",
            "  a = {",
            "      ^",
            "expected: a path, a literal, an operator, or an end",
        ]),
    ];
    for (text, lines) in table {
        assert_eq!(shown(text, Subject::Events), lines.join("\n"), "{text}");
    }
}

#[test]
fn roots_depend_on_the_subject() {
    assert!(shown("payload.total > 1", Subject::Aggregates).starts_with("aggregates have no `payload`\n"));
    assert!(shown("event_type = 'x'", Subject::Aggregates).starts_with("aggregates have no `event_type`\n"));
    assert!(shown("created_at > '2013-01-01'", Subject::Events).starts_with("events have no `created_at`\n"));
    assert!(shown("archive = true", Subject::Aggregates).contains("expected: `archived`, or `state.archive`"));
    // What only looks like a root is a member where it is said to be one.
    for text in ["payload.created_at = 1", "payload.evnt_type = 1", r#""evnt_type" = 1"#, "notes = 1", "event = 1"] {
        assert!(Filter::parse(text, Subject::Events).is_ok(), "{text}");
    }
}

#[test]
fn a_fault_is_data_too() {
    let fault = Filter::parse("größe > true", Subject::Events).expect_err("no order");
    assert_eq!((fault.at, fault.length), (10, 4));
    assert_eq!(&fault.expression[fault.at..], "true");
    assert_eq!(fault.message, "true and false have no order");
    assert_eq!(fault.expected, "= or !=, or another literal");
}

#[test]
fn a_long_expression_is_shown_around_the_place() {
    let text = format!("{}b ~ 1 AND {}", "a = 1 AND ".repeat(30), "a = 1 AND ".repeat(30));
    let shown = shown(&text, Subject::Events);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].starts_with("  …") && lines[1].ends_with('…') && lines[1].chars().count() < 120, "{shown}");
    let column = lines[2].chars().count();
    assert_eq!(lines[1].chars().nth(column - 1), Some('~'), "{shown}");
}
