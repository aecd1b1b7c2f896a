//! Expressions and rows that were made to hurt.

use std::time::{Duration, Instant as Clock};

use proptest::prelude::*;

use super::*;
use crate::limits;

/// Far above what any of it takes in an unoptimised build, far below what a blow-up would.
const SOON: Duration = Duration::from_secs(5);

fn refused(text: &str) -> FilterFault {
    let start = Clock::now();
    let fault = Filter::parse(text, Subject::Events).expect_err("refused");
    assert!(fault.to_string().lines().all(|line| line.chars().count() < 400), "{fault}");
    assert!(start.elapsed() < SOON);
    fault
}

#[test]
fn long_expressions_are_refused() {
    for text in ["a".repeat(limits::FILTER_BYTES + 1), "é".repeat(10_000_000), "(".repeat(10_000_000)] {
        assert_eq!(refused(&text).expected, "at most 4096 bytes (FILTER_BYTES)");
    }
}

#[test]
fn deep_expressions_are_refused() {
    for text in ["(".repeat(4000), "not ".repeat(1000), "(NOT".repeat(1000)] {
        assert_eq!(refused(&text).expected, "at most 32 levels (FILTER_DEPTH)");
    }
    let nested = |levels: usize| format!("{}a = 1{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::parse(&nested(limits::FILTER_DEPTH), Subject::Events).is_ok());
    assert!(Filter::parse(&nested(limits::FILTER_DEPTH + 1), Subject::Events).is_err());
    // Depth is what is open, not what there is.
    let side_by_side = vec!["(a=1)"; 200].join("AND");
    assert!(Filter::parse(&side_by_side, Subject::Events).is_ok());
}

#[test]
fn wide_expressions_are_refused() {
    let tests = |count: usize| vec!["a=1"; count].join(" OR ");
    assert!(Filter::parse(&tests(limits::FILTER_NODES), Subject::Events).is_ok());
    let expected = "at most 256 tests and listed literals (FILTER_NODES)";
    assert_eq!(refused(&tests(limits::FILTER_NODES + 1)).expected, expected);
    assert_eq!(refused(&format!("a IN ({})", vec!["1"; limits::FILTER_NODES].join(","))).expected, expected);
}

#[test]
fn patterns_do_not_blow_up() {
    let payload = format!(r#"{{"a":"{}"}}"#, "a".repeat(limits::PAYLOAD_BYTES - 8));
    let event = event(&payload);
    let start = Clock::now();
    for stretch in ["%a_a", "%a", "%_"] {
        let pattern = stretch.repeat(900 / stretch.len());
        assert!(!filter(&format!("a LIKE '{pattern}%b'"), Subject::Events).matches(&event));
        assert!(!filter(&format!("a LIKE '%b{pattern}%'"), Subject::Events).matches(&event));
    }
    assert!(start.elapsed() < SOON);
}

#[test]
fn deep_and_wide_rows_are_read_soon() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
    let wide = format!("[{}0]", "0,".repeat(100_000));
    let unclosed = r#"{"a":["#.repeat(40_000);
    let many: Vec<String> = (0..200).map(|index| format!("a.a[{index}]=0")).collect();
    let chain: Vec<String> = (1..40).map(|depth| format!("{} IS NULL", vec!["a"; depth].join("."))).collect();
    let start = Clock::now();
    for text in [many.join(" OR "), chain.join(" AND "), "payload[99999] = 1".to_owned()] {
        for payload in [&deep, &wide, &unclosed, &format!(r#"{{"a":{{"a":{wide}}}}}"#)] {
            let _ = filter(&text, Subject::Events).matches(&event(payload));
        }
    }
    assert!(start.elapsed() < SOON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever is typed: a filter or a fault that can be shown, whose place lies in the expression.
    #[test]
    fn no_text_makes_it_panic(
        text in prop_oneof![
            "\\PC{0,40}",
            "( ?(a|\"|'|é|\\.|\\[|\\]|0|-|1e|=|<|>|!|\\(|\\)|,|\t|AND|OR|NOT|IN|LIKE|BETWEEN|IS|NULL|TRUE|position|\\\\|%|&)){0,12}",
        ],
    ) {
        for subject in [Subject::Events, Subject::Aggregates] {
            if let Err(fault) = Filter::parse(&text, subject) {
                prop_assert!(text.is_char_boundary(fault.at) && text.is_char_boundary(fault.at + fault.length));
                prop_assert_eq!(fault.to_string().lines().count(), 4, "{}", fault);
            }
            if let Err(fault) = Sort::parse(&text, subject) {
                prop_assert_eq!(fault.to_string().lines().count(), 4, "{}", fault);
            }
        }
    }
}
