//! A parsed filter, and whether a row passes it.

use super::{
    ClearFields, Datum, FilterFault, Needs, Path, Row, Subject,
    expression::{Expression, Literal, Operand, Slot},
    parser,
    paths::Paths,
};

/// A filter expression, parsed for one kind of rows. What it means is written down at `Expression`; in short, SQL's tests
/// over dotted paths, but each is true or false and never unknown.
///
/// ```
/// use eventdbx_store::{Filter, Subject};
///
/// let filter = Filter::parse("event_type = 'order_changed' AND total > 100", Subject::Events).expect("a filter");
/// assert!(filter.needs().payload);
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    expression: Expression,
    paths: Paths,
}

impl Filter {
    /// Parses an expression for rows of one kind.
    ///
    /// # Errors
    ///
    /// The first fault of the expression, with its place.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, FilterFault> {
        let (expression, paths) = parser::parse(text, subject)?;
        Ok(Self { expression, paths })
    }

    /// What it needs beside the fields that stand in clear. Where it needs nothing, those [decide](Self::decide_by_header)
    /// every row.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.paths.needs()
    }

    /// The paths into payloads and states whose values decide.
    pub fn contents(&self) -> impl Iterator<Item = &Path> {
        self.paths.contents()
    }

    /// Whether a row passes, as far as the fields that stand in clear decide it; none: the rest must be looked at. Never
    /// contradicts [`matches`](Self::matches).
    #[must_use]
    pub fn decide_by_header(&self, row: &impl ClearFields) -> Option<bool> {
        decide(&self.expression, &self.paths.clear(row))
    }

    /// Whether a row passes. Its sealed part is looked at only where the fields in clear do not decide.
    #[must_use]
    pub fn matches(&self, row: &impl Row) -> bool {
        let mut slots = self.paths.clear(row);
        decide(&self.expression, &slots).unwrap_or_else(|| {
            self.paths.sealed(row, &mut slots);
            // With every slot filled, nothing is undecided.
            decide(&self.expression, &slots).unwrap_or(false)
        })
    }
}

/// Decides with the values that are known; none: it depends on the others. Its depth is that of the expression.
fn decide(expression: &Expression, slots: &[Option<Datum<'_>>]) -> Option<bool> {
    let known = |path: &Slot| slots[*path].as_ref();
    match expression {
        Expression::Any(parts) => first(parts, slots, true),
        Expression::All(parts) => first(parts, slots, false),
        Expression::Not(inner) => decide(inner, slots).map(|holds| !holds),
        Expression::Compare { path, comparison, right: Operand::Literal(literal) } => {
            known(path).map(|value| comparison.holds_for(value, literal))
        }
        Expression::Compare { path, comparison, right: Operand::Path(right) } => match (known(path), known(right)) {
            (Some(left), Some(right)) => Some(comparison.holds(left, right)),
            (Some(Datum::Null), None) | (None, Some(Datum::Null)) => Some(false),
            _ => None,
        },
        Expression::In { path, negated, list } => {
            known(path).map(|value| !value.is_null() && is_listed(value, list) != *negated)
        }
        Expression::Like { path, negated, pattern } => known(path).map(|value| match value {
            Datum::Text(text) => pattern.matches(text) != *negated,
            _ => false,
        }),
        Expression::Null { path, negated } => known(path).map(|value| value.is_null() != *negated),
    }
}

/// `wanted` if one of the parts is, its opposite if none can be.
fn first(parts: &[Expression], slots: &[Option<Datum<'_>>], wanted: bool) -> Option<bool> {
    let mut open = false;
    for part in parts {
        match decide(part, slots) {
            Some(holds) if holds == wanted => return Some(wanted),
            Some(_) => {}
            None => open = true,
        }
    }
    if open { None } else { Some(!wanted) }
}

fn is_listed(value: &Datum<'_>, list: &[Literal]) -> bool {
    use super::expression::Comparison::Equal;
    list.iter().any(|literal| Equal.holds_for(value, literal))
}
