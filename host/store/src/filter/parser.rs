//! From words to an [`Expression`], by recursive descent. Its depth is that of parentheses and NOTs, which is bounded.

use std::ops::Range;

use super::{
    Datum, FilterFault, Instant, Path, Subject, decimal,
    expression::{Comparison, Expression, Literal, Operand, Slot},
    like::Like,
    paths::Paths,
    token::{Kind, Lexer, Token, Word},
};
use crate::limits;

type Parsed<T> = Result<T, FilterFault>;

const A_TEST: &str = "a path, `(` or NOT";
const AN_OPERAND: &str = "a path, 'text', a number, true, false or null";
const A_LITERAL: &str = "'text', a number, true, false or null";
const AN_OPERATOR: &str = "=, !=, <, <=, >, >=, IN, LIKE, BETWEEN, IS NULL, or NOT before one of these words";
const A_TIME: &str = "an RFC 3339 timestamp or a date, e.g. '2013-01-01T10:15:00Z' or '2013-01-01'";

/// Parses an expression, and collects the paths that it reads.
pub(super) fn parse(text: &str, subject: Subject) -> Parsed<(Expression, Paths)> {
    if text.len() > limits::FILTER_BYTES {
        return Err(FilterFault::too_long(text, limits::FILTER_BYTES, "FILTER_BYTES"));
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { text, lexer, token, subject, paths: Paths::default(), depth: 0, nodes: 0 };
    let expression = parser.any()?;
    match parser.token.kind {
        Kind::End => Ok((expression, parser.paths)),
        Kind::Close => Err(parser.unexpected("a `)` closes nothing", "AND, OR or the end")),
        _ => Err(parser.unexpected("the expression goes on after its end", "AND, OR or the end")),
    }
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    /// The next one.
    token: Token<'t>,
    subject: Subject,
    paths: Paths,
    depth: usize,
    nodes: usize,
}

/// One side of a test, and where it stands.
struct Side<'t> {
    place: Range<usize>,
    what: What<'t>,
}

enum What<'t> {
    Path { slot: Slot, time: bool },
    Null,
    Bool(bool),
    Number(&'t str),
    Text(String),
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Parsed<Expression> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.takes(Word::Or)? {
            parts.push(self.all()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::Any(parts)))
    }

    fn all(&mut self) -> Parsed<Expression> {
        let first = self.negation()?;
        let mut parts = vec![first];
        while self.takes(Word::And)? {
            parts.push(self.negation()?);
        }
        Ok(alone(&mut parts).unwrap_or(Expression::All(parts)))
    }

    fn negation(&mut self) -> Parsed<Expression> {
        match self.token.kind {
            Kind::Word(Word::Not) => {
                self.deeper()?;
                self.advance()?;
                let inner = self.negation()?;
                self.depth -= 1;
                Ok(Expression::Not(Box::new(inner)))
            }
            Kind::Open => {
                self.deeper()?;
                let open = self.advance()?;
                let inner = self.any()?;
                self.closes(&open, "`)`, AND or OR")?;
                self.depth -= 1;
                Ok(inner)
            }
            _ => self.test(),
        }
    }

    fn test(&mut self) -> Parsed<Expression> {
        self.node()?;
        let left = self.side("a test is missing", A_TEST)?;
        let What::Path { slot, time } = left.what else { return self.turned(left) };
        if let Kind::Comparison(comparison) = self.token.kind {
            self.advance()?;
            return self.comparison(slot, time, comparison);
        }
        let not = self.takes(Word::Not)?;
        let Kind::Word(word @ (Word::In | Word::Like | Word::Between | Word::Is)) = self.token.kind else {
            return Err(match not {
                true => self.unexpected("NOT stands before no test", "IN, LIKE or BETWEEN"),
                false => self.unexpected("a path is followed by no test", AN_OPERATOR),
            });
        };
        if not && word == Word::Is {
            return Err(self.unexpected("NOT stands before IS", "IS NOT NULL"));
        }
        self.advance()?;
        match word {
            Word::In => self.list(slot, time, not),
            Word::Like => self.like(slot, time, not),
            Word::Between => self.between(slot, time, not),
            _ => self.null(slot),
        }
    }

    /// `literal comparison path`.
    fn turned(&mut self, left: Side<'t>) -> Parsed<Expression> {
        let Kind::Comparison(comparison) = self.token.kind else {
            return Err(self.unexpected("a literal is followed by no comparison", "=, !=, <, <=, > or >="));
        };
        self.advance()?;
        let right = self.side("a comparison has no right side", "a path, since its left side is a literal")?;
        let What::Path { slot, time } = right.what else {
            let message = "a literal is compared with a literal";
            return Err(self.fault(right.place, message, "a path on one side"));
        };
        let comparison = comparison.turned();
        let literal = self.literal(left, time, comparison)?;
        Ok(Expression::Compare { path: slot, comparison, right: Operand::Literal(literal) })
    }

    fn comparison(&mut self, path: Slot, time: bool, comparison: Comparison) -> Parsed<Expression> {
        self.doubly_quoted()?;
        let right = self.side("a comparison has no right side", AN_OPERAND)?;
        let right = self.operand(right, time, comparison)?;
        Ok(Expression::Compare { path, comparison, right })
    }

    fn between(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        self.node()?;
        let (low, high) = match negated {
            false => (Comparison::GreaterOrEqual, Comparison::LessOrEqual),
            true => (Comparison::Less, Comparison::Greater),
        };
        let low = self.comparison(path, time, low)?;
        if !self.takes(Word::And)? {
            return Err(self.unexpected("BETWEEN has no upper bound", "AND and the upper bound"));
        }
        let high = self.comparison(path, time, high)?;
        let bounds = vec![low, high];
        Ok(if negated { Expression::Any(bounds) } else { Expression::All(bounds) })
    }

    fn list(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        if self.token.kind != Kind::Open {
            return Err(self.unexpected("IN has no list", "`(`"));
        }
        let open = self.advance()?;
        let mut list = Vec::new();
        loop {
            self.node()?;
            self.doubly_quoted()?;
            let side = self.side("a literal is missing in the list", A_LITERAL)?;
            list.push(self.literal(side, time, Comparison::Equal)?);
            if self.token.kind != Kind::Comma {
                break;
            }
            self.advance()?;
        }
        self.closes(&open, "`)` or `,`")?;
        Ok(Expression::In { path, negated, list })
    }

    fn like(&mut self, path: Slot, time: bool, negated: bool) -> Parsed<Expression> {
        if time {
            return Err(
                self.unexpected("LIKE is a test of text, and this is a time", "a comparison or BETWEEN before it")
            );
        }
        self.doubly_quoted()?;
        let Kind::Text(pattern) = &self.token.kind else {
            return Err(
                self.unexpected("LIKE has no pattern", "'text', in which % stands for any characters, _ for one")
            );
        };
        let pattern = Like::compile(pattern).map_err(|(message, expected)| self.unexpected(message, expected))?;
        self.advance()?;
        Ok(Expression::Like { path, negated, pattern: Box::new(pattern) })
    }

    fn null(&mut self, path: Slot) -> Parsed<Expression> {
        let negated = self.takes(Word::Not)?;
        if !self.takes(Word::Null)? {
            return Err(self.unexpected("IS tests for null only", "NULL or NOT NULL"));
        }
        Ok(Expression::Null { path, negated })
    }

    /// A path or a literal, whatever its type.
    fn side(&mut self, missing: &str, expected: &str) -> Parsed<Side<'t>> {
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

    fn operand(&mut self, side: Side<'t>, time: bool, comparison: Comparison) -> Parsed<Operand> {
        match side.what {
            What::Path { slot, .. } => Ok(Operand::Path(slot)),
            _ => self.literal(side, time, comparison).map(Operand::Literal),
        }
    }

    /// A literal that stands beside a path. `time`: the path is a time field.
    fn literal(&self, side: Side<'t>, time: bool, comparison: Comparison) -> Parsed<Literal> {
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
    fn doubly_quoted(&self) -> Parsed<()> {
        match &self.token.kind {
            Kind::Path { path, quoted: true } if path.segments().len() == 1 => {
                let inner = path.segments().next().unwrap_or_default().replace('\'', "''");
                let expected = format!("'{inner}' for text; a path that is quoted here begins with its root");
                Err(self.unexpected("double quotes hold the name of a member, not text", expected))
            }
            _ => Ok(()),
        }
    }

    fn takes(&mut self, word: Word) -> Parsed<bool> {
        let found = self.token.kind == Kind::Word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn closes(&mut self, open: &Token<'t>, expected: &str) -> Parsed<()> {
        if self.token.kind != Kind::Close {
            let column = self.text[..open.at].chars().count() + 1;
            return Err(self.unexpected(format!("the `(` in column {column} is not closed here"), expected));
        }
        self.advance().map(drop)
    }

    /// Goes on to the next token, and gives the one before.
    fn advance(&mut self) -> Parsed<Token<'t>> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH {
            let expected = format!("at most {} levels (FILTER_DEPTH)", limits::FILTER_DEPTH);
            return Err(self.unexpected("parentheses and NOTs are nested too deeply", expected));
        }
        Ok(())
    }

    fn node(&mut self) -> Parsed<()> {
        self.nodes += 1;
        if self.nodes > limits::FILTER_NODES {
            let expected = format!("at most {} tests and listed literals (FILTER_NODES)", limits::FILTER_NODES);
            return Err(self.unexpected("the expression has too many parts", expected));
        }
        Ok(())
    }

    fn place(&self) -> Range<usize> {
        self.token.at..self.token.at + self.token.length
    }

    fn unexpected(&self, message: impl Into<String>, expected: impl Into<String>) -> FilterFault {
        self.fault(self.place(), message, expected)
    }

    fn fault(&self, place: Range<usize>, message: impl Into<String>, expected: impl Into<String>) -> FilterFault {
        FilterFault::new(self.text, place, message, expected)
    }
}

/// The only part, where there is one only.
fn alone(parts: &mut Vec<Expression>) -> Option<Expression> {
    if parts.len() == 1 { parts.pop() } else { None }
}
