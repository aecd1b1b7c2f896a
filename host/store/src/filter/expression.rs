//! What an expression says, after parsing: the grammar and its meaning.

use std::cmp::Ordering;

use super::{Datum, like::Like};

/// A filter expression.
///
/// ```text
/// expression  = conjunction { OR conjunction }
/// conjunction = negation { AND negation }
/// negation    = NOT negation | "(" expression ")" | test
/// test        = path comparison operand
///             | literal comparison path
///             | path [NOT] IN "(" literal { "," literal } ")"
///             | path [NOT] BETWEEN operand AND operand
///             | path [NOT] LIKE text
///             | path IS [NOT] NULL
/// comparison  = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">="
/// operand     = path | literal
/// literal     = text | number | TRUE | FALSE | NULL
/// text        = "'" { character | "''" } "'"
/// number      = ["-"] digits ["." digits] [("e" | "E") ["+" | "-"] digits]
/// path        = segment { "." segment | "[" digits "]" }
/// segment     = { letter | digit | "_" | "-" | "@" | "$" } | '"' { character | '""' } '"'
/// ```
///
/// Keywords in capitals are understood in any case. A path that is a keyword alone is quoted: `"in"`. A path begins with
/// a root of the [`Subject`](super::Subject); where it does not, it is taken relative to `payload` or `state`. Digits name
/// an element of an array, or the member of an object that is called so.
///
/// Every test is true or false, never unknown:
///
/// - A path that leads nowhere is NULL, as JSON null is. Comparisons with NULL are false, `!=` too, and so are all the
///   other tests, but for `IS NULL`. `NOT` turns false into true: `NOT a = 1` holds where `a` is missing, and `a != 1`
///   does not.
/// - Numbers compare as the doubles that they are, so integers exactly up to 2^53. Text compares byte by byte. `true` and
///   `false` have no order. Arrays and objects compare with nothing. Values of different types do not compare: each
///   comparison of them, `!=` too, is false.
/// - Text that is a plain decimal (`"12.50"`) compares with a number *literal* exactly, as decimals do: that is how exact
///   decimals travel. `"007"` is no plain decimal.
/// - A time field (`recorded_at`, `occurred_at`, `created_at`, `updated_at`) compares as an instant, with an RFC 3339
///   timestamp or with a date, which stands for its first instant in UTC.
/// - `a BETWEEN b AND c` is `a >= b AND a <= c`; `a NOT BETWEEN b AND c` is `a < b OR a > c`.
/// - `a IN (…)` holds where `a` equals one of the list; `a NOT IN (…)` where `a` is not NULL and equals none of it.
/// - `a LIKE p` holds where `a` is text of which `p` matches the whole: `%` any characters, `_` one, `\` before `%`, `_`
///   and `\` takes them as they are. `a NOT LIKE p` holds where `a` is text that `p` does not match.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// OR.
    Any(Vec<Expression>),
    /// AND.
    All(Vec<Expression>),
    /// NOT.
    Not(Box<Expression>),
    /// `path comparison operand`; a literal on the left was turned round.
    Compare { path: Slot, comparison: Comparison, right: Operand },
    /// `path [NOT] IN (…)`.
    In { path: Slot, negated: bool, list: Vec<Literal> },
    /// `path [NOT] LIKE text`.
    Like { path: Slot, negated: bool, pattern: Box<Like> },
    /// `path IS [NOT] NULL`.
    Null { path: Slot, negated: bool },
}

/// Where the value of a path stands while a row is evaluated.
pub(super) type Slot = usize;

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Path(Slot),
    Literal(Literal),
}

/// A literal, ready to be compared.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) value: Datum<'static>,
    /// Of a number: its exact value as a plain decimal.
    pub(super) decimal: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether it holds between two values that stand in this order.
    pub(super) fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// Whether it asks which of the two is larger.
    pub(super) fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }

    /// The same comparison with its sides exchanged.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}
