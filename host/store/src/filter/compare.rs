//! When two values compare, and how. The rules stand at [`Expression`](super::expression::Expression).

use std::cmp::Ordering;

use super::{
    Datum,
    decimal::Decimal,
    expression::{Comparison, Literal},
};

impl Comparison {
    /// Whether it holds between two values of rows.
    pub(super) fn holds(self, left: &Datum<'_>, right: &Datum<'_>) -> bool {
        let unordered = matches!((left, right), (Datum::Bool(_), Datum::Bool(_)));
        !(unordered && self.is_of_order()) && order(left, right).is_some_and(|order| self.accepts(order))
    }

    /// Whether it holds between a value and a literal.
    pub(super) fn holds_for(self, left: &Datum<'_>, right: &Literal) -> bool {
        match (left, &right.decimal) {
            (Datum::Text(text), Some(decimal)) => {
                let order = Decimal::read(text).zip(Decimal::read(decimal)).map(|(left, right)| left.cmp(&right));
                order.is_some_and(|order| self.accepts(order))
            }
            _ => self.holds(left, &right.value),
        }
    }
}

/// How two values stand to each other; none where they do not compare.
fn order(left: &Datum<'_>, right: &Datum<'_>) -> Option<Ordering> {
    match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => left.partial_cmp(right),
        (Datum::Text(left), Datum::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Datum::Bool(left), Datum::Bool(right)) => Some(left.cmp(right)),
        (Datum::Time(_), _) | (_, Datum::Time(_)) => Some(left.instant()?.cmp(&right.instant()?)),
        _ => None,
    }
}
