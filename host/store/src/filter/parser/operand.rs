//! The sides of a test: paths and literals, and which literal may stand beside which path.

use std::ops::Range;

use super::{Parsed, Parser};
use crate::filter::{
    Datum, Instant, Path, decimal,
    expression::{Comparison, Literal, Operand, Slot},
    token::{Kind, Word},
};

pub(super) const A_LITERAL: &str = "'text', a number, true, false or null";
const A_TIME: &str = "an RFC 3339 timestamp or a date, e.g. '2013-01-01T10:15:00Z' or '2013-01-01'";

/// One side of a test, and where it stands.
pub(super) struct Side<'t> {
    pub(super) place: Range<usize>,
    pub(super) what: What<'t>,
}

pub(super) enum What<'t> {
    Path { slot: Slot, time: bool },
    Null,
    Bool(bool),
    Number(&'t str),
    Text(String),
}

impl<'t> Parser<'t> {
    /// A path or a literal, whatever its type.
    pub(super) fn side(&mut self, missing: &str, expected: &str) -> Parsed<Side<'t>> {
        let place = self.place();
        let what = match std::mem::replace(&mut self.token.kind, Kind::End) {
            Kind::Path { path, quoted } => self.path(path, quoted)?,
            Kind::Text(text) => What::Text(text),
            Kind::Number(number) => What::Number(number),
            Kind::Word(Word::True) => What::Bool(true),
            Kind::Word(Word::False) => What::Bool(false),
            Kind::Word(Word::Null) => What::Null,
            _ => return Err(self.unexpected(missing, expected)),
        };
        self.advance()?;
        Ok(Side { place, what })
    }

    fn path(&mut self, path: Path, quoted: bool) -> Parsed<What<'t>> {
        let resolved = self.subject.resolve(path, !quoted);
        let source = resolved.map_err(|(message, expected)| self.unexpected(message, expected))?;
        let time = source.is_time();
        Ok(What::Path { slot: self.paths.slot(source), time })
    }

    pub(super) fn operand(&mut self, side: Side<'t>, time: bool, comparison: Comparison) -> Parsed<Operand> {
        match side.what {
            What::Path { slot, .. } => Ok(Operand::Path(slot)),
            _ => self.literal(side, time, comparison).map(Operand::Literal),
        }
    }

    /// A literal that stands beside a path. `time`: the path is a time field.
    pub(super) fn literal(&self, side: Side<'t>, time: bool, comparison: Comparison) -> Parsed<Literal> {
        let plain = |value| Ok(Literal { value, decimal: None });
        match side.what {
            What::Path { .. } => Err(self.fault(side.place, "a list has no paths in it", A_LITERAL)),
            What::Null => plain(Datum::Null),
            What::Text(text) if time => match Instant::parse(&text) {
                Some(time) => plain(Datum::Time(time)),
                None => Err(self.fault(side.place, "this is no time", A_TIME)),
            },
            _ if time => Err(self.fault(side.place, "a time is compared with something else", A_TIME)),
            What::Text(text) => plain(Datum::Text(text.into())),
            What::Bool(_) if comparison.is_of_order() => {
                Err(self.fault(side.place, "true and false have no order", "= or !=, or another literal"))
            }
            What::Bool(value) => plain(Datum::Bool(value)),
            What::Number(number) => {
                let value = number.parse().ok().filter(|value: &f64| value.is_finite());
                let (Some(value), Some(decimal)) = (value, decimal::plain(number)) else {
                    return Err(self.fault(
                        side.place,
                        "the number is too large or too small",
                        "a number that a double holds",
                    ));
                };
                Ok(Literal { value: Datum::Number(value), decimal: Some(decimal.into()) })
            }
        }
    }

    /// Refuses what is a path by the grammar and text by the habit of other languages.
    pub(super) fn doubly_quoted(&self) -> Parsed<()> {
        match &self.token.kind {
            Kind::Path { path, quoted: true } if path.segments().len() == 1 => {
                let inner = path.segments().next().unwrap_or_default().replace('\'', "''");
                let expected = format!("'{inner}' for text; a path that is quoted here begins with its root");
                Err(self.unexpected("double quotes hold the name of a member, not text", expected))
            }
            _ => Ok(()),
        }
    }
}
